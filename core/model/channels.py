"""The range of every channel of one weight: what per-channel quantization and pruning look at."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.job import Job
from core.model import Model
from core.model.pieces import STRING, Clock, Grid, Pieces, around, wide
from core.model.source import read
from core.model.weights import find

if TYPE_CHECKING:
    import numpy as np

#: A weight has at most this many channels along an axis to be looked at one by one.
MOST = 1 << 22


@dataclass(frozen=True)
class Channels:
    """Ranges along one axis; of `blocks` blocks, `done` were read.

    `low` and `high` are float64 arrays, one value for each index of the axis, over finite values (inf and -inf where
    there is none yet); `zeros` counts zeros (int64); each channel has `each` elements.
    """

    name: str
    axis: int
    each: int
    blocks: int
    done: int
    low: np.ndarray
    high: np.ndarray
    zeros: np.ndarray

    @property
    def share(self) -> float:
        """How much of the reading is done, 0 to 1."""
        return self.done / self.blocks if self.blocks else 1.0

    @property
    def over(self) -> bool:
        """Whether nothing is left to read."""
        return self.done >= self.blocks

    @property
    def absmax(self) -> np.ndarray:
        """The largest magnitude of each channel; nan where it has no finite value."""
        import numpy as np

        largest: np.ndarray = np.maximum(np.abs(self.low), np.abs(self.high))
        largest[self.low > self.high] = np.nan
        return largest


def ranges(model: Model, weight: str, axis: int, so_far: Channels | None, job: Job) -> Channels:
    """Go on with the ranges of a weight's channels for a short while (a task): None begins, what is not over goes on.

    `axis` counts from the left. Raises `UsageError` for an axis that the weight has not, `ModelError` for no such weight.
    """
    source = read(model.path)
    part = Pieces(source, find(source, weight))
    dims = checked(part, axis)
    grid = Grid(dims)
    found = so_far or _begin(weight, axis, dims, len(grid))
    clock = Clock()
    while not found.over:
        job.check()
        found = _add(found, part, grid)
        if clock.over:
            break
    return found


def checked(part: Pieces, axis: int) -> tuple[int, int, int]:
    """The three dims around an axis that can be looked at; raises `UsageError` for one that cannot."""
    if part.tensor.data_type == STRING:
        raise UsageError(f"'{part.tensor.name}' holds text: it has no range.", hint="Look at its values instead.")
    if not 0 <= axis < max(1, len(part.shape)):
        raise UsageError(f"There is no axis {axis}: the weight has {len(part.shape)}.", hint="Axes are counted from 0.")
    dims = around(part.shape, axis)
    if dims[1] > MOST:
        raise UsageError(f"Axis {axis} has {dims[1]:,} channels, too many to look at one by one.", hint="Choose another axis.")
    return dims


def _begin(name: str, axis: int, dims: tuple[int, int, int], blocks: int) -> Channels:
    import numpy as np

    n = dims[1]
    return Channels(name, axis, dims[0] * dims[2], blocks, 0, np.full(n, np.inf), np.full(n, -np.inf), np.zeros(n, np.int64))


def _add(found: Channels, part: Pieces, grid: Grid) -> Channels:
    import numpy as np

    place = grid.part(found.done)
    with np.errstate(invalid="ignore"):
        piece = wide(part.block(grid.dims, place))
        good = np.isfinite(piece)
        whole = bool(good.all())
        low = (piece if whole else np.where(good, piece, np.inf)).min(axis=(0, 2))
        high = (piece if whole else np.where(good, piece, -np.inf)).max(axis=(0, 2))
    part.forget_block(grid.dims, place)
    low_all, high_all, zeros = found.low.copy(), found.high.copy(), found.zeros.copy()
    here = place[1]
    np.minimum(low_all[here], low, out=low_all[here])
    np.maximum(high_all[here], high, out=high_all[here])
    zeros[here] += (piece == 0).sum(axis=(0, 2))
    return dataclasses.replace(found, done=found.done + 1, low=low_all, high=high_all, zeros=zeros)
