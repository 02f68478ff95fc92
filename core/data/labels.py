"""Labels: what the right answers are, read from the files that people keep them in."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DataError

if TYPE_CHECKING:
    import numpy as np

#: Names under which an .npz holds labels.
KEYS = ("labels", "y")


def load(path: Path) -> np.ndarray | dict[str, int]:
    """Labels from a file: int64 in sample order (.npy, .npz, .txt, .csv with one column), or file name -> label (.csv
    with columns file,label). Raises `DataError` naming the line that is not a whole number."""
    import numpy as np

    if not path.is_file():
        raise DataError(f"The label file {path} does not exist.", hint="Check the path; .csv, .txt, .npy and .npz are read.")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        with _Readable(path):
            return check(np.load(path, allow_pickle=False), path)
    if suffix == ".npz":
        with _Readable(path), np.load(path, allow_pickle=False) as arrays:
            key = next((key for key in KEYS if key in arrays), arrays.files[0] if len(arrays.files) == 1 else None)
            if key is None:
                hint = f"Name the array of labels 'labels' or 'y'; it holds: {', '.join(arrays.files)}."
                raise DataError(f"{path.name} holds no array of labels.", hint=hint)
            return check(arrays[key], path)
    if suffix in (".csv", ".txt"):
        return _table(path)
    raise DataError(f"{path.name} is not a label file.", hint="Use .csv (file,label), .txt (one number a line), .npy or .npz.")


def _table(path: Path) -> np.ndarray | dict[str, int]:
    import numpy as np

    named: dict[str, int] = {}
    plain: list[int] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if any(cell.strip() for cell in row)]
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}.", hint="Check the file's permissions.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read as text: {error}.", hint="Save it as UTF-8 text.") from error
    for position, (number, row) in enumerate(rows):
        cell = row[-1].strip()
        try:
            label = int(cell)
            if not -(1 << 63) <= label < 1 << 63:
                raise ValueError
        except ValueError:
            if position == 0:  # a header
                continue
            hint = "Labels are whole numbers (class indices), the last column of the file."
            raise DataError(f"{path.name}, line {number}: '{cell[:40]}' is not a whole number.", hint=hint) from None
        if len(row) > 1:
            named[row[0].strip()] = label
        else:
            plain.append(label)
    if named and plain:
        raise DataError(f"{path.name} mixes lines with and without a file name.", hint="Use file,label on every line, or only labels.")
    if not named and not plain:
        raise DataError(f"{path.name} holds no labels.", hint="Write file,label or one whole number on each line.")
    return named or np.asarray(plain, dtype=np.int64)


def check(values: np.ndarray, where: Path) -> np.ndarray:
    """`values` as a flat int64 array, or a `DataError`: one-hot or fractional labels are told, not guessed."""
    import numpy as np

    flat = values.reshape(len(values)) if values.ndim == 2 and values.shape[1] == 1 else values
    kind = flat.dtype.kind
    # 2**63 itself, the first that does not fit, is told from what does by float64 and uint64 alike
    whole = kind in "iub" or (kind == "f" and bool(np.all((flat == np.floor(flat)) & (np.abs(flat) < 2.0**63))))
    whole = whole and not (kind == "u" and bool(np.any(flat > np.iinfo(np.int64).max)))
    if flat.ndim != 1 or not whole:
        hint = "Labels are one whole number (the class index) for each sample."
        raise DataError(f"The labels in {where.name} are {values.dtype} of shape {list(values.shape)}.", hint=hint)
    return flat.astype(np.int64)


class _Readable:
    """Turns what numpy raises for a file that is not its own into a `DataError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        import zipfile

        if isinstance(error, (ValueError, OSError, EOFError, zipfile.BadZipFile)) and not isinstance(error, DataError):
            raise DataError(f"{self.path.name} cannot be read: {error}.", hint="Write it with numpy.save or numpy.savez.") from error
