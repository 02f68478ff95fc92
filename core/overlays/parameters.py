"""Parameters: how many weights a node reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.job import Job
from core.overlays.base import Graph, Overlay, Values, known


@dataclass(frozen=True)
class Parameters(Overlay):
    """Elements of the weights that the node reads; a weight that two nodes read counts at both."""

    id: ClassVar[str] = "parameters"
    title: ClassVar[str] = "Parameters"
    order: ClassVar[int] = 10
    mark: ClassVar[str] = "par"

    def measure(self, graph: Graph, job: Job) -> Values:
        """The column `parameters` of the index."""
        return Values(values=known(graph.index.parameters))
