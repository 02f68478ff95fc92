"""Two dims of one weight as a table: a picture of it that is thinned out where it is large, and its values as text."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import UsageError
from core.job import Job
from core.model import Model
from core.model.pieces import STRING, Clock, Pieces, wide
from core.model.source import read
from core.model.tensors import elements
from core.model.weights import find

if TYPE_CHECKING:
    import numpy as np

#: Rows and columns of a picture at most.
SIDE = 512
#: Values that are written out in one answer at most.
MOST = 1 << 17
#: A weight of one dim stands in lines of this many values, or of twice that, or of four times, until it has no more than so
#: many lines.
LINE, LINES = 16, 1 << 17
_AT_ONCE = 32
#: Decimals that tell two neighbours apart, by the dtype.
_DIGITS = {"float16": 5, "bfloat16": 4, "float32": 8}


@dataclass(frozen=True)
class Cut:
    """Which two dims are rows and columns, and where the others stand (`at` has a place for every dim; those of rows and
    columns are not looked at). A weight of fewer than two dims needs none: `Cut()`."""

    rows: int = 0
    columns: int = 1
    at: tuple[int, ...] = ()


@dataclass(frozen=True)
class Matrix:
    """How a weight's elements stand in a table: the element of row r, column c is number `base + r * down + c * right`
    (none where that is `total` or more)."""

    rows: int
    columns: int
    base: int
    down: int
    right: int
    total: int

    def places(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Numbers of elements, int64 of (rows, columns); -1 where there is none."""
        import numpy as np

        found: np.ndarray = self.base + rows[:, None].astype(np.int64) * self.down + columns[None, :].astype(np.int64) * self.right
        return np.where(found < self.total, found, -1)


@dataclass(frozen=True)
class Plane:
    """A picture of a table: every `down`-th row and `right`-th column of `rows` x `columns`, `values` float32 of
    (picture rows, picture columns), nan where there is no element; of its rows, `done` were read.

    `low`, `high` are over finite values of the picture, `limit` is the largest magnitude, `usual` the magnitude below which
    99 % of them are (nan until it is over).
    """

    name: str
    rows: int
    columns: int
    down: int
    right: int
    done: int
    values: np.ndarray
    low: float = math.nan
    high: float = math.nan
    limit: float = math.nan
    usual: float = math.nan

    @property
    def share(self) -> float:
        """How much of the reading is done, 0 to 1."""
        return self.done / len(self.values) if len(self.values) else 1.0

    @property
    def over(self) -> bool:
        """Whether nothing is left to read."""
        return self.done >= len(self.values)


def matrix(shape: Sequence[int], cut: Cut) -> Matrix:
    """The table that `cut` makes of `shape`; raises `UsageError` for dims that it has not."""
    total = elements(shape)
    if len(shape) < 2:
        line = LINE
        while total > line * LINES:
            line *= 2
        return Matrix(-(-total // line), min(total, line), 0, line, 1, total)
    if cut.rows == cut.columns or not (0 <= cut.rows < len(shape) and 0 <= cut.columns < len(shape)):
        raise UsageError(f"Rows along axis {cut.rows} and columns along axis {cut.columns} cannot be.", hint="Choose two different axes.")
    strides = [elements(shape[axis + 1 :]) for axis in range(len(shape))]
    base = 0
    for axis, dim in enumerate(shape):
        if axis not in (cut.rows, cut.columns) and axis < len(cut.at):
            if dim and not 0 <= cut.at[axis] < dim:
                raise UsageError(f"Axis {axis} has no index {cut.at[axis]}.", hint=f"From 0 to {dim - 1}.")
            base += cut.at[axis] * strides[axis]
    return Matrix(shape[cut.rows], shape[cut.columns], base, strides[cut.rows], strides[cut.columns], total)


def plane(model: Model, weight: str, cut: Cut, so_far: Plane | None, job: Job) -> Plane:
    """Go on with the picture of a table for a short while (a task): None begins, what is not over goes on."""
    import numpy as np

    source = read(model.path)
    part = Pieces(source, find(source, weight))
    if part.tensor.data_type == STRING:
        raise UsageError(f"'{weight}' holds text: there is no picture of it.", hint="Look at its values instead.")
    table = matrix(part.shape, cut)
    found = so_far or _begin(weight, table)
    columns = np.arange(found.values.shape[1]) * found.right
    clock = Clock()
    values = found.values.copy()
    done = found.done
    while done < len(values):
        job.check()
        rows = np.arange(done, min(len(values), done + _AT_ONCE))
        places = table.places(rows * found.down, columns)
        with np.errstate(invalid="ignore", over="ignore"):
            some = wide(part.at(np.maximum(places, 0))).astype(np.float32)
        values[rows] = np.where(places < 0, np.float32(np.nan), some)
        done += len(rows)
        if clock.over:
            break
    found = dataclasses.replace(found, values=values, done=done)
    return _sum_up(found) if found.over else found


def _begin(name: str, table: Matrix) -> Plane:
    import numpy as np

    down, right = max(1, -(-table.rows // SIDE)), max(1, -(-table.columns // SIDE))
    shape = (-(-table.rows // down), -(-table.columns // right)) if table.total else (0, 0)
    return Plane(name, table.rows, table.columns, down, right, 0, np.full(shape, np.nan, np.float32))


def _sum_up(found: Plane) -> Plane:
    import numpy as np

    good = found.values[np.isfinite(found.values)].astype(np.float64)
    if not good.size:
        return found
    low, high = float(good.min()), float(good.max())
    usual = float(np.percentile(np.abs(good), 99.0))
    return dataclasses.replace(found, low=low, high=high, limit=max(abs(low), abs(high)), usual=usual)


@dataclass(frozen=True)
class Texts:
    """Values of a table as text: `rows` and `columns` are the first of each."""

    row: int
    column: int
    texts: tuple[tuple[str, ...], ...]


def texts(model: Model, weight: str, cut: Cut, rows: tuple[int, int], columns: tuple[int, int], job: Job) -> Texts:
    """The values of rows and columns (first, and one past the last) of a table as text (a task); reads these and no others.

    Raises `UsageError` for more than `MOST` values.
    """
    import numpy as np

    source = read(model.path)
    part = Pieces(source, find(source, weight))
    table = matrix(part.shape, cut)
    first, last = max(0, rows[0]), min(table.rows, rows[1])
    left, right = max(0, columns[0]), min(table.columns, columns[1])
    if (last - first) * (right - left) > MOST:
        raise UsageError(f"{(last - first) * (right - left):,} values are too many to write out.", hint="Export the weight as .npy.")
    if last <= first or right <= left:
        return Texts(first, left, ())
    places = table.places(np.arange(first, last), np.arange(left, right))
    values = part.at(np.maximum(places, 0))
    said = [
        tuple("" if place < 0 else text(value) for place, value in zip(line, numbers, strict=True))
        for line, numbers in zip(places.tolist(), values, strict=True)
    ]
    return Texts(first, left, tuple(said))


def text(value: Any) -> str:
    """One value as it is written: as many figures as tell it from its neighbours."""
    if isinstance(value, str):
        return value
    kind = getattr(value, "dtype", None)
    if kind is None or kind.kind in "iub":
        return str(value)
    if kind.kind == "c":
        return f"{value.real:.6g}{value.imag:+.6g}j"
    if kind.kind == "V":  # ml_dtypes: its integers and its floats
        number = float(value)
        return str(int(number)) if kind.name.startswith(("int", "uint")) else f"{number:.{_DIGITS.get(kind.name, 4)}g}"
    if kind.name == "float64":
        return repr(float(value))
    number = float(value)
    digits = _DIGITS.get(kind.name, 4)
    return str(value) if kind.name == "float32" and math.isfinite(number) else f"{number:.{digits}g}"
