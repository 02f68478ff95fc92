"""Weight bytes: how much a node's weights take on disk and in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.job import Job
from core.overlays.base import Good, Graph, Overlay, Values, known


@dataclass(frozen=True)
class WeightBytes(Overlay):
    """Bytes of the weights that the node reads, packed where an element is smaller than a byte."""

    id: ClassVar[str] = "weight_bytes"
    title: ClassVar[str] = "Weight bytes"
    order: ClassVar[int] = 20
    unit: ClassVar[str] = "B"
    good: ClassVar[Good] = "low"

    def measure(self, graph: Graph, job: Job) -> Values:
        """The column `weight_bytes` of the index."""
        return Values(values=known(graph.index.weight_bytes))
