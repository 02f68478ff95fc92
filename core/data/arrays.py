"""Inputs from .npz files, read row by row: an archive larger than memory is as good as a small one."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from core.data import DataSpec, labels
from core.data.feeds import Batch, fit, fixed_batch, misfit
from core.errors import DataError
from core.model import TensorType

if TYPE_CHECKING:
    import numpy as np


class Rows:
    """One array of an .npz, taken row by row from the archive (compressed or not) without loading the rest."""

    def __init__(self, archive: zipfile.ZipFile, member: str, where: Path) -> None:
        self._member, self._where, self._archive = member, where, archive
        self._file: IO[bytes] | None = None
        self._whole: np.ndarray | None = None
        self._next = 0
        try:
            with archive.open(member) as file:
                self.shape, self._fortran, self.dtype = _header(file)
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
            raise _unreadable(where, member, error) from error
        if self.dtype.hasobject:
            raise DataError(f"{where.name}: array '{member[:-4]}' holds Python objects.", hint="Save numbers, not objects.")
        # a header of a hundred bytes may ask for all memory there is
        said, held = math.prod(self.shape) * self.dtype.itemsize, archive.getinfo(member).file_size
        if min(self.shape, default=0) < 0 or said > held:
            raise _unreadable(where, member, ValueError(f"its shape is {list(self.shape)}, and it holds {held:,} bytes"))

    def __len__(self) -> int:
        return int(self.shape[0]) if self.shape else 0

    def take(self, count: int) -> np.ndarray:
        """The next `count` rows, in order."""
        import numpy as np

        try:
            if self._fortran:
                if self._whole is None:
                    with self._archive.open(self._member) as file:
                        self._whole = np.lib.format.read_array(file, allow_pickle=False)
                rows = self._whole[self._next : self._next + count]
                self._next += count
                return np.ascontiguousarray(rows)
            if self._file is None:
                self._file = self._archive.open(self._member)
                _header(self._file)
            size = math.prod(self.shape[1:]) * self.dtype.itemsize * count
            data = bytearray(size)
            view = memoryview(data)
            at = 0
            while at < size:
                chunk = self._file.read(min(size - at, 1 << 22))
                if not chunk:
                    raise EOFError("the file ends too early")
                view[at : at + len(chunk)] = chunk
                at += len(chunk)
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise _unreadable(self._where, self._member, error) from error
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])

    def close(self) -> None:
        """Close the archive member."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    import numpy as np

    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return shape, fortran, dtype


def _unreadable(where: Path, member: str, error: Exception) -> DataError:
    array = f" (array '{member[:-4]}')" if member else ""
    return DataError(f"{where.name}{array} cannot be read: {error}.", hint="Write it again with numpy.savez.")


class Arrays:
    """The samples of one or more .npz files, one after another.

    The first axis of an array is the sample. An array with the input's own rank is cut into batches along it; one with
    a rank more holds whole inputs, fed one at a time.
    """

    def __init__(self, inputs: tuple[TensorType, ...], spec: DataSpec, files: tuple[Path, ...]) -> None:
        import numpy as np

        self.inputs, self.spec, self.files = inputs, spec, files
        self.notes: list[str] = []
        self.aligned = True
        self._counts: list[int] = []
        self._whole = False
        found: list[np.ndarray | None] = []
        self._fixed = fixed_batch(inputs)
        left = spec.limit
        for path in files:
            if left <= 0:
                break
            count, values = self._inspect(path, left)
            self._counts.append(count)
            found.append(values)
            left -= count
        self._size = 1 if self._whole else (self._fixed or spec.batch)
        self.count = sum(self._counts)
        if self._fixed and not self._whole and self._fixed > 1:
            self.count = self._drop_partial()
        self.batch_count = sum(-(-count // self._size) for count in self._counts)
        # each file's own rest is left out, so each file's labels are cut
        known = [values[:count] for values, count in zip(found, self._counts, strict=True) if values is not None]
        self.labels: np.ndarray | None = np.concatenate(known) if len(known) == len(found) and known else None
        name = files[0].name if len(files) == 1 else f"{len(self._counts)} files in {files[0].parent.name}"
        self.description = f"{self.count} sample{'s' * (self.count != 1)} from {name}"
        if self.count == 0:
            raise DataError(f"{name} holds no samples.", hint="Save arrays whose first axis is the sample.")

    def _drop_partial(self) -> int:
        assert self._fixed is not None
        kept = [count - count % self._fixed for count in self._counts]
        if sum(kept) == 0:
            hint = f"Give at least {self._fixed} samples in one file, or a model with an open batch."
            raise DataError(f"The model takes {self._fixed} samples at a time, the data holds {sum(self._counts)}.", hint=hint)
        if sum(kept) < sum(self._counts):
            self.notes.append(f"{sum(self._counts) - sum(kept)} samples left out: the model takes {self._fixed} at a time.")
        self.aligned = kept[:-1] == self._counts[:-1]
        self._counts = kept
        return sum(kept)

    def _inspect(self, path: Path, limit: int) -> tuple[int, np.ndarray | None]:
        """Check names, shapes and dtypes of one file by its headers; returns its samples (at most `limit`) and labels."""
        with _archive(path) as archive:
            names = _members(archive)
            counts = {}
            for item in self.inputs:
                rows = Rows(archive, self._member(item, names, path), path)
                counts[item.name] = self._check(item, rows, path)
            if len(set(counts.values())) > 1:
                told = ", ".join(f"{name} {count}" for name, count in counts.items())
                hint = "The first axis is the sample."
                raise DataError(f"{path.name}: the arrays hold different numbers of samples ({told}).", hint=hint)
            count = min(counts.values()) if counts else 0
            key = next((key for key in labels.KEYS if key in names and key not in counts), None)
            values = None
            if key is not None:
                rows = Rows(archive, names[key], path)
                if len(rows) != count:
                    hint = "Give one label for each sample."
                    raise DataError(f"{path.name}: {len(rows)} labels for {count} samples.", hint=hint)
                try:
                    values = labels.check(rows.take(min(count, limit)), path)
                finally:
                    rows.close()
        return min(count, limit), values

    def _member(self, item: TensorType, names: dict[str, str], path: Path) -> str:
        if item.name in names:
            return names[item.name]
        others = [name for name in names if name not in labels.KEYS]
        if len(self.inputs) == 1 and len(others) == 1:
            return names[others[0]]
        wanted = ", ".join(f"{each.name} {each.text()}" for each in self.inputs)
        held = ", ".join(names) or "nothing"
        raise DataError(f"{path.name} has no array '{item.name}' (it holds {held}).", hint=f"Name the arrays as the inputs: {wanted}.")

    def _check(self, item: TensorType, rows: Rows, path: Path) -> int:
        import numpy as np

        dims = item.shape or ()
        fit(item, np.zeros(0, rows.dtype), path.name)
        if len(rows.shape) == len(dims) + 1 and not misfit(item, rows.shape[1:]):
            self._whole = True
            return len(rows)
        if rows.shape and len(rows.shape) == len(dims) and not misfit(item, (dims[0] if isinstance(dims[0], int) else 1, *rows.shape[1:])):
            return len(rows)
        wanted = ", ".join(["samples", *("?" if d is None else str(d) for d in dims[1:])]) if dims else "samples"
        hint = f"Save it as [{wanted}], the first axis being the sample."
        raise DataError(f"{path.name}: array '{item.name}' has shape {list(rows.shape)}, the model's input is {item.text()}.", hint=hint)

    def batches(self) -> Iterator[Batch]:
        """Every batch from the first; a file's last one may be smaller."""
        done = 0
        for path, count in zip(self.files, self._counts, strict=False):
            with _archive(path) as archive:
                names = _members(archive)
                columns = [(item, Rows(archive, self._member(item, names, path), path)) for item in self.inputs]
                try:
                    for start in range(0, count, self._size):
                        size = min(self._size, count - start)
                        batch = {item.name: self._take(item, rows, size, path) for item, rows in columns}
                        told = self.labels[done : done + size] if self.labels is not None else None
                        done += size
                        yield Batch(batch, size, told)
                finally:
                    for _, rows in columns:
                        rows.close()

    def _take(self, item: TensorType, rows: Rows, size: int, path: Path) -> np.ndarray:
        taken = rows.take(size)
        if len(rows.shape) == len(item.shape or ()) + 1:
            taken = taken[0, ...]  # with the ellipsis a scalar input stays an array
        elif self._whole and self._fixed and self._fixed > 1:
            raise DataError(
                f"{path.name}: some arrays hold whole inputs and '{item.name}' holds single samples.",
                hint="Save every array with one axis more than the input.",
            )
        return fit(item, taken, path.name)


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise _unreadable(path, "", error) from error


def _members(archive: zipfile.ZipFile) -> dict[str, str]:
    return {name[:-4]: name for name in archive.namelist() if name.endswith(".npy")}
