"""One weight as a .npy file of its own, written piece by piece."""

from __future__ import annotations

import glob
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ModelError, UsageError
from core.job import Job
from core.model import Model, pieces
from core.model.pieces import STRING, Pieces
from core.model.source import read
from core.model.weights import find

if TYPE_CHECKING:
    import numpy as np

#: What .npy files cannot hold -> what holds every value of it exactly.
_WIDER = {"int2": "int8", "int4": "int8", "uint2": "uint8", "uint4": "uint8"}


@dataclass(frozen=True)
class Exported:
    """What was written: `dtype` as it stands in the file."""

    path: Path
    dtype: str
    bytes: int


def export(model: Model, weight: str, path: Path, job: Job) -> Exported:
    """Write a weight to `path` as .npy, whole or not at all (a task).

    The dtypes that numpy has are written as they are, those that only machine learning has (bfloat16, float8, float4) as
    float32, integers below a byte as int8 or uint8: each of them exactly. Text is written as text of a fixed width.
    Raises `ModelError` when it cannot be read or there is no room.
    """
    import numpy as np

    source = read(model.path)
    part = Pieces(source, find(source, weight))
    if path.is_dir():
        raise UsageError(f"{path.name} is a folder.", hint="Choose a file name.")
    if any(file.exists() and path.exists() and file.samefile(path) for file in source.files()):
        raise UsageError(f"{path.name} is a file of the model itself.", hint="Choose another name.")
    dtype = _dtype(part)
    unfinished = path.parent / f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part"
    try:
        with unfinished.open("xb") as file:
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": part.shape}
            np.lib.format.write_array_header_2_0(file, header)
            for start in range(0, part.total, pieces.PIECE):
                job.step(start / part.total, f"Writing {path.name}")
                file.write(np.ascontiguousarray(part.flat(start, pieces.PIECE).astype(dtype)).tobytes())
                part.forget(start, pieces.PIECE)
            job.check()
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise ModelError(
            f"{path.name} could not be written: {error.strerror}.", hint="Free some space, or choose another folder."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return Exported(path, dtype.name, path.stat().st_size)


def clear(path: Path) -> None:
    """Remove what a killed export to `path` left beside it."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        left.unlink(missing_ok=True)


def _dtype(part: Pieces) -> np.dtype:
    import numpy as np

    if part.tensor.data_type == STRING:
        longest = max((len(each.decode("utf-8", "backslashreplace")) for each in part.tensor.string_data), default=1)
        return np.dtype(f"<U{max(1, longest)}")
    dtype = part.flat(0, 1).dtype
    if dtype.isbuiltin == 1 or not hasattr(dtype.type, "__module__") or dtype.type.__module__ == "numpy":
        return dtype.newbyteorder("<") if dtype.itemsize > 1 else dtype
    return np.dtype(_WIDER.get(dtype.name, "float32"))
