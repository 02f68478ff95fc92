"""What is in one weight: range, mean, spread, zeros and a histogram, read in pieces so that no weight is too large."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from math import nan, sqrt
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.job import Job
from core.model import Model
from core.model.source import Source, read
from core.model.tensors import DTYPES, EXTERNAL, byte_size, dtype_name, elements, unpack

if TYPE_CHECKING:
    import numpy as np
    import onnx

BINS = 64
#: Elements in one piece: a multiple of eight, so that packed dtypes are cut between bytes.
_PIECE = 1 << 20


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


def stats(model: Model, initializer: str, job: Job) -> WeightStats:
    """Statistics of the initializer (or Constant) called `initializer` (a task); raises `ModelError` when there is none."""
    source = read(model.path)
    tensor = find(source, initializer)
    blank = WeightStats(
        name=initializer,
        dtype=dtype_name(tensor.data_type),
        shape=tuple(tensor.dims),
        bytes=byte_size(tensor.data_type, tensor.dims),
        min=nan,
        max=nan,
        mean=nan,
        std=nan,
        zeros=0.0,
        nans=0,
        infs=0,
        histogram=(),
        edges=(),
    )
    total = elements(tensor.dims)
    if tensor.data_type == 8 or total == 0:
        return blank
    return _measure(source, tensor, total, blank, job)


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


def _measure(source: Source, tensor: onnx.TensorProto, total: int, blank: WeightStats, job: Job) -> WeightStats:
    """Two readings: range and moments first, then the histogram within that range."""
    import numpy as np

    # sums of the largest doubles overflow to infinity, and say so; a signalling NaN is counted as any other
    with np.errstate(over="ignore", invalid="ignore"):
        return _measured(source, tensor, total, blank, job)


def _measured(source: Source, tensor: onnx.TensorProto, total: int, blank: WeightStats, job: Job) -> WeightStats:
    import dataclasses

    import numpy as np

    low, high = float("inf"), float("-inf")
    nans = infs = zeros = finite = 0
    mean = spread = 0.0
    for done, piece in _pieces(source, tensor, total):
        job.step(0.5 * done / total, f"Reading {blank.name}")
        good = np.isfinite(piece)
        if not good.all():
            missing = int(np.isnan(piece).sum())
            nans += missing
            infs += int(piece.size - good.sum()) - missing
            piece = piece[good]
        if piece.size == 0:
            continue
        zeros += int(piece.size - np.count_nonzero(piece))
        low, high = min(low, float(piece.min())), max(high, float(piece.max()))
        # Chan, Golub and LeVeque (1979): merge the moments of two samples
        own = float(piece.mean())
        own_spread = float(((piece - own) ** 2).sum())
        delta = own - mean
        merged = finite + piece.size
        spread += own_spread + delta * delta * finite * piece.size / merged
        mean += delta * piece.size / merged
        finite = merged
    if finite == 0:
        return dataclasses.replace(blank, nans=nans, infs=infs)
    counts, edges = np.zeros(BINS, np.int64), np.zeros(0)
    span = _span(low, high)
    if span is not None:
        edges = np.linspace(*span, BINS + 1)
    for done, piece in _pieces(source, tensor, total):
        if span is None:
            break
        job.step(0.5 + 0.5 * done / total, f"Counting {blank.name}")
        counts += np.histogram(piece[np.isfinite(piece)], bins=BINS, range=span)[0]
    return dataclasses.replace(
        blank,
        min=low,
        max=high,
        mean=mean,
        std=sqrt(spread / finite),
        zeros=zeros / total,
        nans=nans,
        infs=infs,
        histogram=tuple(int(number) for number in counts) if span is not None else (),
        edges=tuple(float(edge) for edge in edges),
    )


def _span(low: float, high: float) -> tuple[float, float] | None:
    """The range of the histogram: widened where 64 bins would not fit between two numbers; None where it overflows."""
    least = max(abs(low), abs(high)) * 1e-9
    if high - low <= least * BINS:
        half = max(0.5 if low == high else 0.0, least * BINS, 1e-300)
        low, high = low - half, high + half
    return (low, high) if high - low < float("inf") else None


def _pieces(source: Source, tensor: onnx.TensorProto, total: int) -> Iterator[tuple[int, np.ndarray]]:
    """(elements before it, the next piece as float64, complex numbers by their magnitude)."""
    import numpy as np

    bits = DTYPES[tensor.data_type][1]
    if tensor.data_location == EXTERNAL or tensor.HasField("raw_data"):
        raw = memoryview(source.raw(tensor))
        for at in range(0, total, _PIECE):
            count = min(_PIECE, total - at)
            yield at, _wide(unpack(raw[at * bits // 8 : ((at + count) * bits + 7) // 8], tensor.data_type, (count,)))
    else:
        flat = source.array(tensor).reshape(-1)
        for at in range(0, total, _PIECE):
            yield at, _wide(np.asarray(flat[at : at + _PIECE]))


def _wide(piece: np.ndarray) -> np.ndarray:
    import numpy as np

    if piece.dtype.kind == "c":
        return np.asarray(np.abs(piece), np.float64)
    if piece.dtype.kind in "fiub":
        return piece.astype(np.float64)
    # ml_dtypes' sub-byte integers convert by way of float32
    return piece.astype(np.float32).astype(np.float64)
