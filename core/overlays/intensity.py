"""Arithmetic intensity: how much a node computes for each byte that it moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.job import Job
from core.overlays.base import Combine, Good, Graph, Overlay, Values
from core.overlays.sizes import made, read, tensor_bytes


@dataclass(frozen=True)
class Intensity(Overlay):
    """Operations for each byte of inputs, outputs and weights (two for a multiply-accumulate): low ones wait for memory."""

    id: ClassVar[str] = "intensity"
    title: ClassVar[str] = "Arithmetic intensity"
    order: ClassVar[int] = 40
    unit: ClassVar[str] = "FLOP/B"
    good: ClassVar[Good] = "high"
    combine: ClassVar[Combine] = "weighted mean"

    def measure(self, graph: Graph, job: Job) -> Values:
        """2 MACs / bytes, the x axis of the roofline model (Williams, Waterman and Patterson, 2009); symbolic dims as 1.

        nan where MACs or the types of what it reads and makes are not known. The weights of the mean are the bytes, so
        that a group's intensity is its operations over its bytes.
        """
        import numpy as np

        index = graph.index
        sizes = tensor_bytes(index, 1)
        moved = np.nan_to_num(read(index, sizes)) + made(index, sizes) + index.weight_bytes
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where((index.macs > 0) & (moved > 0), 2.0 * index.macs / moved, np.nan)
        return Values(values=found, weights=moved)
