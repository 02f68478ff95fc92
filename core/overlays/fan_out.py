"""Fan-out: how many nodes read what a node makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.job import Job
from core.overlays.base import Combine, Graph, Overlay, Values, known


@dataclass(frozen=True)
class FanOut(Overlay):
    """How many nodes read what the node or graph input makes; a graph output counts as one."""

    id: ClassVar[str] = "fan_out"
    title: ClassVar[str] = "Fan-out"
    order: ClassVar[int] = 90
    mark: ClassVar[str] = "out"
    combine: ClassVar[Combine] = "max"

    def measure(self, graph: Graph, job: Job) -> Values:
        """Distinct rows at the other end of the edges that leave a row."""
        import numpy as np

        index = graph.index
        src = np.unique(index.src.astype(np.int64) * max(1, len(index)) + index.dst) // max(1, len(index))
        return Values(values=known(np.bincount(src, minlength=len(index))))
