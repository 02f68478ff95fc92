"""2:4 structured sparsity of one weight: which groups of four hold at least two zeros, and where they are.

Sparse tensor cores skip two of four neighbours along the axis that is summed over: input channels of a convolution, the
K axis of a matrix product (NVIDIA, "Accelerating Sparse Deep Neural Networks", arXiv:2104.08378).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.job import Job
from core.model import Model
from core.model.channels import checked
from core.model.pieces import Clock, Grid, Pieces
from core.model.source import read
from core.model.weights import find

if TYPE_CHECKING:
    import numpy as np

GROUP = 4
#: Cells of the map: rows and columns at most.
HIGH, WIDE = 96, 192


@dataclass(frozen=True)
class TwoFour:
    """Groups of four along `axis` by how many of their values are not zero; of `blocks` blocks, `done` were read.

    `counts[k]` groups have k nonzeros; a last group of fewer than four is taken as filled up with zeros. `kept` and
    `whole` are the map, int64 of (rows, columns): groups that comply, and all groups, in each cell. The map's rows are
    the indices before the axis (groups along it where there are none), its columns what is left; `lines` says how many
    of each there are before they are put together.
    """

    name: str
    axis: int
    blocks: int
    done: int
    counts: tuple[int, int, int, int, int]
    kept: np.ndarray
    whole: np.ndarray
    lines: tuple[int, int]

    @property
    def share(self) -> float:
        """How much of the reading is done, 0 to 1."""
        return self.done / self.blocks if self.blocks else 1.0

    @property
    def over(self) -> bool:
        """Whether nothing is left to read."""
        return self.done >= self.blocks

    @property
    def groups(self) -> int:
        """How many groups were read."""
        return sum(self.counts)

    @property
    def compliance(self) -> float:
        """The share of groups with at least two zeros; nan where there is no group."""
        return sum(self.counts[:3]) / self.groups if self.groups else float("nan")


def pattern(model: Model, weight: str, axis: int, so_far: TwoFour | None, job: Job) -> TwoFour:
    """Go on counting the groups of a weight for a short while (a task): None begins, what is not over goes on.

    Raises `UsageError` for an axis that the weight has not, `ModelError` for no such weight.
    """
    source = read(model.path)
    part = Pieces(source, find(source, weight))
    grid = Grid(checked(part, axis), GROUP)
    found = so_far or _begin(weight, axis, grid)
    clock = Clock()
    while not found.over:
        job.check()
        found = _add(found, part, grid)
        if clock.over:
            break
    return found


def _begin(name: str, axis: int, grid: Grid) -> TwoFour:
    import numpy as np

    outer, middle, inner = grid.dims
    across = -(-middle // GROUP)
    lines = (outer, across * inner) if outer > 1 else (across, inner)
    shape = max(1, min(HIGH, lines[0])), max(1, min(WIDE, lines[1]))
    return TwoFour(name, axis, len(grid), 0, (0, 0, 0, 0, 0), np.zeros(shape, np.int64), np.zeros(shape, np.int64), lines)


def _add(found: TwoFour, part: Pieces, grid: Grid) -> TwoFour:
    import numpy as np

    rows, middle, columns = grid.part(found.done)
    piece = part.block(grid.dims, (rows, middle, columns))
    # 0 != nan, as it should be: what is not a number is not a zero either
    full = np.zeros((piece.shape[0], -(-piece.shape[1] // GROUP) * GROUP, piece.shape[2]), bool)
    full[:, : piece.shape[1]] = piece != piece.dtype.type(0)
    part.forget_block(grid.dims, (rows, middle, columns))
    nonzero = full.reshape(piece.shape[0], -1, GROUP, piece.shape[2]).sum(axis=2)
    counts = np.bincount(nonzero.reshape(-1), minlength=GROUP + 1)
    outer, _, inner = grid.dims
    before = np.arange(rows.start, rows.stop)[:, None, None]
    group = np.arange(middle.start // GROUP, middle.start // GROUP + nonzero.shape[1])[None, :, None]
    within = np.arange(columns.start, columns.stop)[None, None, :]
    high, wide = found.kept.shape
    if outer > 1:
        cells = before * high // found.lines[0] * wide + (group * inner + within) * wide // found.lines[1]
    else:
        cells = group * high // found.lines[0] * wide + within * wide // found.lines[1] + 0 * before
    flat = np.broadcast_to(cells, nonzero.shape).reshape(-1)
    whole = np.bincount(flat, minlength=high * wide).reshape(high, wide)
    kept = np.bincount(flat[nonzero.reshape(-1) <= 2], minlength=high * wide).reshape(high, wide)
    summed = [a + int(b) for a, b in zip(found.counts, counts, strict=True)]
    return dataclasses.replace(
        found,
        done=found.done + 1,
        counts=(summed[0], summed[1], summed[2], summed[3], summed[4]),
        kept=found.kept + kept,
        whole=found.whole + whole,
    )
