"""Activation bytes: how much a node's outputs take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core.job import Job
from core.overlays.base import Good, Graph, Kind, Overlay, Values
from core.overlays.sizes import made, tensor_bytes
from core.params import param

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Activations(Overlay):
    """Bytes of the tensors that the node makes and something reads; hover a link for those of one tensor."""

    id: ClassVar[str] = "activations"
    title: ClassVar[str] = "Activation bytes"
    order: ClassVar[int] = 50
    unit: ClassVar[str] = "B"
    kind: ClassVar[Kind] = "tensor"
    good: ClassVar[Good] = "low"

    dim: int = param(1, "What symbolic and unknown dims count as", title="Symbolic dims", min=1, max=1 << 20)

    def measure(self, graph: Graph, job: Job) -> Values:
        """The sum over each row's tensors; tensors of unknown type are told."""
        sizes = tensor_bytes(graph.index, self.dim)
        return Values(values=made(graph.index, sizes), tensors=sizes, notes=unknown(sizes))


def unknown(sizes: np.ndarray) -> tuple[str, ...]:
    """The note on tensors whose bytes (float64 by tensor) are nan."""
    import numpy as np

    lost = int(np.count_nonzero(np.isnan(sizes)))
    return (f"The types of {lost} tensor{'s' * (lost != 1)} are not known: nothing is counted for them.",) if lost else ()
