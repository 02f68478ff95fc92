"""MACs: how much a node computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.job import Job
from core.overlays.base import Good, Graph, Overlay, Values, known


@dataclass(frozen=True)
class Macs(Overlay):
    """Multiply-accumulates of one inference, symbolic dims taken as 1; ops that only move or add have none."""

    id: ClassVar[str] = "macs"
    title: ClassVar[str] = "Compute"
    order: ClassVar[int] = 30
    unit: ClassVar[str] = "MACs"
    good: ClassVar[Good] = "low"

    def measure(self, graph: Graph, job: Job) -> Values:
        """The column `macs` of the index; how many of its nodes have unknown shapes is told."""
        import numpy as np

        macs = graph.index.macs
        unknown = int(np.count_nonzero(np.isnan(macs)))
        notes = (f"The shapes of {unknown} node{'s' * (unknown != 1)} are not known: nothing is counted there.",) if unknown else ()
        return Values(values=known(macs), notes=notes)
