"""What is in one weight: range, mean, spread, zeros and a histogram, read in pieces so that no weight is too large."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.job import Job
from core.model import Model, pieces
from core.model.pieces import STRING, Clock, Pieces
from core.model.source import Source, read
from core.model.tensors import byte_size, dtype_name

if TYPE_CHECKING:
    import onnx

BINS = 64


@dataclass(frozen=True)
class WeightStats:
    """Statistics of one weight, over its finite values; `zeros` is the share (0 to 1) that are exactly zero.

    `min` to `std` are nan when there is no finite value (or no number: strings). `histogram` counts finite values in 64 equal
    bins between `edges` (65 of them); both are empty when there is nothing to count.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    min: float
    max: float
    mean: float
    std: float
    zeros: float
    nans: int
    infs: int
    histogram: tuple[int, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True)
class Tally:
    """Statistics of one weight on their way: of `total` elements, `done` were measured and `counted` put into bins.

    `mean` and `spread` (the sum of squared distances from it) are of the `finite` elements so far.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    total: int
    done: int = 0
    counted: int = 0
    low: float = inf
    high: float = -inf
    mean: float = 0.0
    spread: float = 0.0
    finite: int = 0
    zeros: int = 0
    nans: int = 0
    infs: int = 0
    counts: tuple[int, ...] = ()

    @property
    def share(self) -> float:
        """How much of the reading is done, 0 to 1."""
        return (self.done + self.counted) / (2 * self.total) if self.total else 1.0

    @property
    def over(self) -> bool:
        """Whether nothing is left to read."""
        return self.done == self.total and (self.counted == self.total or self.span is None)

    @property
    def span(self) -> tuple[float, float] | None:
        """The range of the histogram; None where there is none."""
        return _span(self.low, self.high) if self.finite else None

    def stats(self) -> WeightStats:
        """What is known at the end."""
        import numpy as np

        span = self.span
        known = self.finite > 0
        return WeightStats(
            name=self.name,
            dtype=self.dtype,
            shape=self.shape,
            bytes=self.bytes,
            min=self.low if known else nan,
            max=self.high if known else nan,
            mean=self.mean if known else nan,
            std=sqrt(self.spread / self.finite) if known else nan,
            zeros=self.zeros / self.total if known else 0.0,
            nans=self.nans,
            infs=self.infs,
            histogram=self.counts if span is not None else (),
            edges=tuple(np.linspace(*span, BINS + 1).tolist()) if span is not None else (),
        )


def stats(model: Model, initializer: str, job: Job) -> WeightStats:
    """Statistics of the initializer (or Constant) called `initializer` (a task); raises `ModelError` when there is none."""
    tally = measure(model, initializer, None, job)
    while not tally.over:
        job.step(tally.share, f"Reading {initializer}")
        tally = measure(model, initializer, tally, job)
    return tally.stats()


def measure(model: Model, initializer: str, so_far: Tally | None, job: Job) -> Tally:
    """Go on with the statistics of a weight for a short while (a task): None begins, a tally that is not over goes on.

    The result does not depend on how often it was interrupted. Raises `ModelError` when there is no such weight.
    """
    import numpy as np

    source = read(model.path)
    part = Pieces(source, find(source, initializer))
    tally = so_far or _begin(initializer, part)
    clock = Clock()
    # sums of the largest doubles overflow to infinity, and say so; a signalling NaN is counted as any other
    with np.errstate(over="ignore", invalid="ignore"):
        while not tally.over:
            job.check()
            tally = _add(tally, part) if tally.done < tally.total else _count(tally, part)
            if clock.over:
                break
    return tally


@dataclass(frozen=True)
class Zeros:
    """The share of zeros of a weight, on its way; 0 to 1 once it is over."""

    tally: Tally

    @property
    def over(self) -> bool:
        """Whether every element was looked at."""
        return self.tally.done == self.tally.total

    @property
    def share(self) -> float:
        """How much of the reading is done, 0 to 1."""
        return self.tally.done / self.tally.total if self.tally.total else 1.0

    @property
    def zeros(self) -> float:
        """The share of zeros among what was read."""
        return self.tally.zeros / self.tally.done if self.tally.done else 0.0


def zeros(model: Model, initializer: str, so_far: Zeros | None, job: Job) -> Zeros:
    """Go on counting the zeros of a weight for a short while (a task): the first half of `measure`."""
    import numpy as np

    source = read(model.path)
    part = Pieces(source, find(source, initializer))
    tally = so_far.tally if so_far is not None else _begin(initializer, part)
    clock = Clock()
    with np.errstate(over="ignore", invalid="ignore"):
        while tally.done < tally.total:
            job.check()
            tally = _add(tally, part)
            if clock.over:
                break
    return Zeros(tally)


def find(source: Source, name: str) -> onnx.TensorProto:
    """The weight called `name`; raises `ModelError`, with the nearest names, when there is none."""
    known = source.initializers()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 3)
    raise ModelError(
        f"There is no weight '{name}' in {source.path.name}.",
        hint=f"Perhaps {' or '.join(near)}?" if near else "Weights are listed by `sardonyx inspect` and in the properties of a node.",
    )


def _begin(name: str, part: Pieces) -> Tally:
    tensor = part.tensor
    return Tally(
        name=name,
        dtype=dtype_name(tensor.data_type),
        shape=part.shape,
        bytes=byte_size(tensor.data_type, tensor.dims),
        total=0 if tensor.data_type == STRING else part.total,
    )


def _add(tally: Tally, part: Pieces) -> Tally:
    """Range and moments of the next piece."""
    import numpy as np

    size = min(pieces.PIECE, tally.total - tally.done)
    piece = pieces.wide(part.flat(tally.done, size))
    part.forget(tally.done, size)
    tally = dataclasses.replace(tally, done=tally.done + size)
    good = np.isfinite(piece)
    if not good.all():
        missing = int(np.isnan(piece).sum())
        infinite = int(piece.size - good.sum()) - missing
        tally = dataclasses.replace(tally, nans=tally.nans + missing, infs=tally.infs + infinite)
        piece = piece[good]
    if piece.size == 0:
        return tally
    # Chan, Golub and LeVeque (1979): merge the moments of two samples
    own = float(piece.mean())
    own_spread = float(((piece - own) ** 2).sum())
    delta = own - tally.mean
    merged = tally.finite + piece.size
    return dataclasses.replace(
        tally,
        zeros=tally.zeros + int(piece.size - np.count_nonzero(piece)),
        low=min(tally.low, float(piece.min())),
        high=max(tally.high, float(piece.max())),
        spread=tally.spread + own_spread + delta * delta * tally.finite * piece.size / merged,
        mean=tally.mean + delta * piece.size / merged,
        finite=merged,
    )


def _count(tally: Tally, part: Pieces) -> Tally:
    """The next piece into the bins of the range that is known now."""
    import numpy as np

    size = min(pieces.PIECE, tally.total - tally.counted)
    piece = pieces.wide(part.flat(tally.counted, size))
    part.forget(tally.counted, size)
    found = np.histogram(piece[np.isfinite(piece)], bins=BINS, range=tally.span)[0]
    before = np.array(tally.counts or (0,) * BINS, np.int64)
    return dataclasses.replace(tally, counted=tally.counted + size, counts=tuple((before + found).tolist()))


def _span(low: float, high: float) -> tuple[float, float] | None:
    """The range of the histogram: widened where 64 bins would not fit between two numbers; None where it overflows."""
    least = max(abs(low), abs(high)) * 1e-9
    if high - low <= least * BINS:
        half = max(0.5 if low == high else 0.0, least * BINS, 1e-300)
        low, high = low - half, high + half
    return (low, high) if high - low < inf else None
