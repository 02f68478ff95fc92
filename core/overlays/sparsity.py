"""Sparsity: how many of a node's weights are exactly zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core.job import Job
from core.model.tensors import DTYPES, EXTERNAL, FLOATS, elements, unpack
from core.overlays.base import Combine, Good, Graph, Overlay, Values
from core.overlays.weights import held

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from core.model.source import Source

#: Floating-point dtypes, and the integers that quantized weights are stored in; int64 holds shapes and places.
COUNTED = FLOATS | {2, 3, 4, 5, 21, 22, 25, 26}
#: Elements read at once: a multiple of eight, so that packed dtypes are cut between bytes.
PIECE = 1 << 20


@dataclass(frozen=True)
class Sparsity(Overlay):
    """Share of the node's weights that are exactly zero, as they are stored (a quantized zero is its zero point)."""

    id: ClassVar[str] = "sparsity"
    title: ClassVar[str] = "Sparsity"
    order: ClassVar[int] = 70
    unit: ClassVar[str] = "%"
    good: ClassVar[Good] = "high"
    combine: ClassVar[Combine] = "weighted mean"
    reads_weights: ClassVar[bool] = True

    def measure(self, graph: Graph, job: Job) -> Values:
        """0 to 100 by row, nan without weights; the weights of the mean are how many elements they have."""
        import numpy as np

        pairs = [(row, tensor) for row, tensor in held(graph) if tensor.data_type in COUNTED and elements(tensor.dims)]
        every = {id(tensor): tensor for _, tensor in pairs}
        total, done = max(1, sum(elements(tensor.dims) for tensor in every.values())), 0
        found: dict[int, int] = {}
        for key, tensor in every.items():
            count = elements(tensor.dims)
            found[key] = zeros(graph.source, tensor, job.part(done / total, (done + count) / total))
            done += count
        rows = np.fromiter((row for row, _ in pairs), np.int64, len(pairs))
        size = np.fromiter((elements(tensor.dims) for _, tensor in pairs), np.float64, len(pairs))
        none = np.fromiter((found[id(tensor)] for _, tensor in pairs), np.float64, len(pairs))
        n = len(graph.index)
        whole = np.bincount(rows, size, minlength=n)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(whole > 0, 100.0 * np.bincount(rows, none, minlength=n) / whole, np.nan)
        return Values(values=share, weights=whole)


def zeros(source: Source, tensor: onnx.TensorProto, job: Job) -> int:
    """How many elements of a weight are zero (minus zero too), read a piece at a time and given back to the system."""
    import numpy as np

    total, bits = elements(tensor.dims), DTYPES[tensor.data_type][1]
    lazy = tensor.data_location == EXTERNAL
    if not lazy and not tensor.HasField("raw_data"):
        job.check()
        return total - int(np.count_nonzero(_plain(source.array(tensor).reshape(-1)) != 0))
    raw = memoryview(source.raw(tensor))
    region, offset, _ = source.regions.place(tensor) if lazy else (None, 0, 0)
    filled = 0
    for at in range(0, total, PIECE):
        job.step(at / total, f"Reading {tensor.name}")
        count = min(PIECE, total - at)
        low, high = at * bits // 8, ((at + count) * bits + 7) // 8
        filled += int(np.count_nonzero(_plain(unpack(raw[low:high], tensor.data_type, (count,))) != 0))
        if region is not None:
            region.forget(offset + low, high - low)
    return total - filled


def _plain(piece: np.ndarray) -> np.ndarray:
    """The same in a dtype of numpy's own; ml_dtypes' values convert by way of float32."""
    import numpy as np

    return piece if piece.dtype.isbuiltin == 1 else piece.astype(np.float32)
