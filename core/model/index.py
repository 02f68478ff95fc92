"""The graph as numpy columns: what the graph view, the node table and the search work on.

No Python object per node is kept beyond its name; weights are never read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NODE, INPUT, OUTPUT = 0, 1, 2


@dataclass(frozen=True)
class GraphIndex:
    """The main graph, drawn nodes only: graph inputs, then nodes in topological order, then graph outputs.

    Constant nodes and initializers are folded into their consumers. Rows (n of them):
        names      unique and never empty (a nameless node is `Conv_12`, its op and its place in the file)
        op         int32, into `op_names`
        kind       uint8: NODE, INPUT or OUTPUT
        file_index int32, the node's place in `graph.node` (-1 for inputs and outputs)
        parameters int64, elements of the initializers and Constants that the node reads
        weight_bytes int64, their bytes
        macs       float64, multiply-accumulates; nan where the shape is not known; 0 for ops that have none
        details    one line for the box: `3×3 /2 · 32`, an output shape, or empty
    Edges (m of them), `src < dst` always, one for each (producer, consumer input) pair:
        src, dst   int32 rows; tensor int32, into `tensors`
    Tensors that appear on edges: `tensors` their names, `tensor_types` such as `float32[1, 32, 112, 112]` (or empty).
    """

    names: list[str]
    op: np.ndarray
    op_names: list[str]
    kind: np.ndarray
    file_index: np.ndarray
    parameters: np.ndarray
    weight_bytes: np.ndarray
    macs: np.ndarray
    details: list[str]
    src: np.ndarray
    dst: np.ndarray
    tensor: np.ndarray
    tensors: list[str]
    tensor_types: list[str]
    #: Initializers by name -> (dtype, shape) of those that a node reads, for search and the properties page.
    initializers: dict[str, tuple[str, tuple[int, ...]]]

    def __len__(self) -> int:
        return len(self.names)
