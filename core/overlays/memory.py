"""Activation memory over time: what has to be held while a node runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core.job import Job
from core.overlays.activations import unknown
from core.overlays.base import Combine, Good, Graph, Overlay, Values
from core.overlays.sizes import tensor_bytes
from core.params import param

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex


@dataclass(frozen=True)
class Memory(Overlay):
    """Bytes of all tensors that are alive while the node runs, node after node in their order, nothing reused in place."""

    id: ClassVar[str] = "memory"
    title: ClassVar[str] = "Memory over time"
    order: ClassVar[int] = 60
    unit: ClassVar[str] = "B"
    good: ClassVar[Good] = "low"
    combine: ClassVar[Combine] = "max"
    over_time: ClassVar[bool] = True

    dim: int = param(1, "What symbolic and unknown dims count as", title="Symbolic dims", min=1, max=1 << 20)

    def measure(self, graph: Graph, job: Job) -> Values:
        """`alive` by row, for nodes only; weights are not part of it."""
        import numpy as np

        from core.model.index import NODE

        sizes = tensor_bytes(graph.index, self.dim)
        found = alive(graph.index, np.nan_to_num(sizes))
        return Values(values=np.where(graph.index.kind == NODE, found, np.nan), notes=unknown(sizes))


def alive(index: GraphIndex, sizes: np.ndarray) -> np.ndarray:
    """float64 by row: the sum of `sizes` (float64 by tensor) over the tensors that are alive while a row runs.

    A tensor lives from the row that makes it to the last that reads it, both included. What the caller owns lives
    longer: graph inputs from the first row to the last one, graph outputs from where they are made to the end.
    """
    import numpy as np

    from core.model.index import INPUT

    rows, tensors = len(index), len(index.tensors)
    born, died = np.zeros(tensors, np.int64), np.zeros(tensors, np.int64)
    born[index.tensor] = index.src
    np.maximum.at(died, index.tensor, index.dst)  # the row of a graph output comes after all nodes
    if tensors:
        given = index.kind[born] == INPUT
        born[given], died[given] = 0, rows - 1
    change = np.bincount(born, sizes, minlength=rows + 1) - np.bincount(died + 1, sizes, minlength=rows + 1)
    return np.cumsum(change)[:rows]
