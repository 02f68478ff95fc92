"""The graph as numpy columns: what the graph view, the node table and the search work on.

No Python object per node is kept beyond its name; weights are never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.model import sound
from core.model.cost import COUNTS, macs
from core.model.details import LINES, Constants, small
from core.model.plain import skeleton
from core.model.scopes import Scopes
from core.model.tensors import byte_size, dtype_name, elements
from core.model.values import Types

if TYPE_CHECKING:
    import numpy as np
    import onnx
    import onnx_ir as ir

#: What a row is; a folded group stands only in the index of a picture (`core.layout.nested`).
NODE, INPUT, OUTPUT, GROUP = 0, 1, 2, 3


@dataclass(frozen=True)
class GraphIndex:
    """The main graph, drawn nodes only: graph inputs, then nodes in topological order, then graph outputs.

    `core.model.bodies.deepen` puts the nodes inside of If, Loop, Scan and functions into it as well, before the node that
    holds them.

    Constant nodes and initializers are folded into their consumers. Rows (n of them):
        names      unique and never empty (a nameless node is `Conv_12`, its op and its place in the file)
        op         int32, into `op_names`
        kind       uint8: NODE, INPUT or OUTPUT
        file_index int32, the node's place in `graph.node` (-1 for inputs and outputs)
        parameters int64, elements of the initializers and Constants that the node reads
        weight_bytes int64, their bytes
        macs       float64, multiply-accumulates; nan where the shape is not known; 0 for ops that have none
        details    one line for the box: `3×3 /2 · 32`, an output shape, or empty
        scope      int32, into `scope_names`: where the node's name or the exporter says that it belongs, `model/layers.0/mlp`
        holder     int32, the row of the node in whose body this one is, -1 in the main graph; None where there are no bodies
        body       int32, into `body_names`: which body of the holder (`then_branch`); None where there are none
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
    scope: np.ndarray | None = None
    scope_names: list[str] = field(default_factory=lambda: [""])
    holder: np.ndarray | None = None
    body: np.ndarray | None = None
    body_names: list[str] = field(default_factory=lambda: [""])

    def __len__(self) -> int:
        return len(self.names)


def names(nodes: Iterable[onnx.NodeProto] | Iterable[ir.Node]) -> list[str]:
    """How an index calls each of a graph's nodes, in their order: unique and never empty."""
    taken: set[str] = set()
    found: list[str] = []
    for place, node in enumerate(nodes):
        name = node.name or f"{node.op_type}_{place}"
        if name in taken:
            name = _other(name, taken)
        taken.add(name)
        found.append(name)
    return found


def _other(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"


def build(model: onnx.ModelProto | ir.Model, *, places: Sequence[int] | None = None) -> GraphIndex:
    """The index of a model's main graph; shapes and MACs are what the model says of its tensors (`shapes.infer` first).

    `places` is a topological order of the nodes, where the graph was checked already. Tensors that subgraphs capture
    are edges to the node that holds the subgraph. Raises `ModelError` for a graph that is no graph (`core.model.sound`).
    """
    proto = skeleton(model)
    if places is None:
        places = sound.order(proto.graph) or range(len(proto.graph.node))
    return _Builder(proto.graph, places).index()


class _Builder:
    """Fills the columns of one index: one pass over the nodes, nothing kept of them."""

    def __init__(self, graph: onnx.GraphProto, places: Sequence[int]) -> None:
        self.graph = graph
        self.places = places
        self.types = Types(graph)
        #: name -> (elements, bytes) of what is folded into its readers
        self.folded: dict[str, tuple[int, int]] = {}
        self.tensors: dict[str, onnx.TensorProto] = {}
        for tensor in graph.initializer:
            self.tensors[tensor.name] = tensor
            self.folded[tensor.name] = weight(tensor)
        for sparse in graph.sparse_initializer:
            self.folded[sparse.values.name] = weight(sparse.values)
        self.plain: dict[str, list[float]] = {}
        self.alike: dict[bytes, _Constant | None] = {}
        self.read: dict[str, None] = {}

    def index(self) -> GraphIndex:
        import numpy as np

        graph, folded = self.graph, self.folded
        inputs = [value.name for value in graph.input if value.name not in folded]
        every = list(graph.node)
        called = names(every)
        producer = {name: row for row, name in enumerate(inputs)}
        rows: list[str] = []
        ops = ["Input"] * len(inputs)
        file_index = [-1] * len(inputs)
        parameters = [0] * len(inputs)
        weight_bytes = [0] * len(inputs)
        costs = [0.0] * len(inputs)
        types = self.types
        text, shape_text = types.text, types.shape_text
        details = [shape_text(name) for name in inputs]
        src: list[int] = []
        dst: list[int] = []
        carried: list[int] = []
        numbers: dict[str, int] = {}
        values = Constants(self.tensors, self.plain)
        scopes = Scopes(every)
        nesting, counts, lines, number, made_by, weighs = sound.NESTING, COUNTS, LINES, numbers.setdefault, producer.get, folded.get
        row = len(inputs)
        for place in self.places:
            node = every[place]
            op = node.op_type
            if op == "Constant" and node.output:
                self._fold(node)
                continue
            sources = node.input
            held = size = 0
            if op in nesting or node.domain:
                sources = [*sources, *sound.captured(node)]
                held, size = _inside(node)
            for name in sources:
                made = made_by(name)
                if made is not None:
                    src.append(made)
                    dst.append(row)
                    carried.append(number(name, len(numbers)))
                elif name:
                    folded_in = weighs(name)
                    if folded_in is not None:
                        held += folded_in[0]
                        size += folded_in[1]
                        self.read[name] = None
            made_here = list(node.output)
            for name in made_here:
                if name:
                    producer[name] = row
            rows.append(called[place])
            scopes.add(node)
            ops.append(op)
            file_index.append(place)
            parameters.append(held)
            weight_bytes.append(size)
            costs.append(macs(node, types) if op in counts else 0.0)
            say = lines.get(op)
            details.append((say(node, types, values) if say else "") or (shape_text(made_here[0]) if made_here else ""))
            row += 1
        nodes = row - len(inputs)
        for value in graph.output:
            made = producer.get(value.name)
            if made is not None:
                src.append(made)
                dst.append(row)
                carried.append(numbers.setdefault(value.name, len(numbers)))
            ops.append("Output")
            file_index.append(-1)
            parameters.append(0)
            weight_bytes.append(0)
            costs.append(0.0)
            details.append(shape_text(value.name))
            row += 1
        op_numbers: dict[str, int] = {}
        op = np.fromiter((op_numbers.setdefault(name, len(op_numbers)) for name in ops), np.int32, row)
        kind = np.zeros(row, np.uint8)
        kind[: len(inputs)] = INPUT
        kind[len(inputs) + nodes :] = OUTPUT
        return GraphIndex(
            names=apart(inputs, rows, [value.name for value in graph.output]),
            op=op,
            op_names=list(op_numbers),
            kind=kind,
            file_index=np.array(file_index, np.int32),
            parameters=np.array(parameters, np.int64),
            weight_bytes=np.array(weight_bytes, np.int64),
            macs=np.array(costs, np.float64),
            details=details,
            src=np.array(src, np.int32),
            dst=np.array(dst, np.int32),
            tensor=np.array(carried, np.int32),
            tensors=list(numbers),
            tensor_types=[text(name) for name in numbers],
            scope=scopes.column(len(inputs), row),
            scope_names=scopes.names,
            initializers={name: self.types.weights[name] for name in self.read if name in self.types.weights},
        )

    def _fold(self, node: onnx.NodeProto) -> None:
        """Remember a Constant for its readers; equal small ones, such as axes and shapes, are read once."""
        name = node.output[0]
        said = _NOTHING
        for attribute in node.attribute:
            if attribute.ByteSize() < _ALIKE:
                key = attribute.SerializeToString()
                found = self.alike.get(key)
                if found is None:
                    found = self.alike[key] = constant(attribute)
            else:
                found = constant(attribute)
            if found is not None:
                said = found
                break
        self.folded[name] = said[2], said[3]
        if said[0]:
            self.types.set_weight(name, said[0], said[1])
        if said[4] is not None:
            self.plain[name] = said[4]


def apart(inputs: list[str], nodes: list[str], outputs: list[str]) -> list[str]:
    """Inputs and outputs give way where a node, or one another, has their name."""
    taken = set(nodes)
    found: list[list[str]] = []
    for values, kind in ((inputs, "input"), (outputs, "output")):
        own: list[str] = []
        for name in values:
            if name in taken or not name:
                name = f"{name} ({kind})" if f"{name} ({kind})" not in taken else _other(f"{name} ({kind})", taken)
            taken.add(name)
            own.append(name)
        found.append(own)
    return found[0] + nodes + found[1]


#: dtype (empty when unknown), dims, elements, bytes, and the values when they are few
_Constant = tuple[str, tuple[int, ...], int, int, "list[float] | None"]
_NOTHING: _Constant = ("", (), 0, 0, None)
#: Constants of fewer bytes than this are compared with those seen before.
_ALIKE = 128
#: Attributes of Constant that hold plain values -> (dtype, bytes of one).
_PLAIN = {
    "value_int": ("int64", 8),
    "value_ints": ("int64", 8),
    "value_float": ("float32", 4),
    "value_floats": ("float32", 4),
    "value_string": ("string", 0),
    "value_strings": ("string", 0),
}


def constant(attribute: onnx.AttributeProto) -> _Constant | None:
    """What an attribute of a Constant node says: dtype, dims, elements, bytes, and the values when they are few."""
    said = attribute.name
    if said == "value":
        tensor = attribute.t
        return dtype_name(tensor.data_type), tuple(tensor.dims), *weight(tensor), small(tensor)
    if said == "sparse_value":
        return "", (), *weight(attribute.sparse_tensor.values), None
    if said not in _PLAIN:
        return None
    kind, width = _PLAIN[said]
    values: list[float] = list(attribute.ints) or list(attribute.floats)
    count = len(values) or len(attribute.strings)
    if not said.endswith("s"):
        values, count = [attribute.i if kind == "int64" else attribute.f], 1
    return kind, (count,) if said.endswith("s") else (), count, width * count, None if kind == "string" else values


def weight(tensor: onnx.TensorProto) -> tuple[int, int]:
    """(elements, bytes) of a tensor."""
    dims = tensor.dims
    return elements(dims), byte_size(tensor.data_type, dims)


def _inside(node: onnx.NodeProto) -> tuple[int, int]:
    """(elements, bytes) of the weights that the subgraphs of `node` hold themselves."""
    held = size = 0
    for graph in sound.subgraphs(node):
        tensors = list(graph.initializer)
        for inner in graph.node:
            if inner.op_type == "Constant":
                tensors += [attribute.t for attribute in inner.attribute if attribute.name == "value"]
            elif sound.may_nest(inner):
                more = _inside(inner)
                held, size = held + more[0], size + more[1]
        for tensor in tensors:
            more = weight(tensor)
            held, size = held + more[0], size + more[1]
    return held, size
