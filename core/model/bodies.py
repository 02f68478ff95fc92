"""What is inside of nodes: the bodies of If, Loop, Scan and SequenceMap and of the model's own functions, as rows of the index."""

from __future__ import annotations

import dataclasses
from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from core.model import index as columns
from core.model import sound
from core.model.cost import COUNTS, macs
from core.model.details import LINES, Constants
from core.model.index import INPUT, NODE, GraphIndex
from core.model.scopes import Scopes
from core.model.values import Types

if TYPE_CHECKING:
    import numpy as np
    import onnx

#: Rows that all bodies together may have; nodes whose bodies would pass it stay closed.
MOST = 200_000
#: Functions that call functions, and loops in loops, are followed this deep.
DEEP = 24
#: What hands its inputs on to the inputs of its body, one by one.
_HANDED_ON = frozenset({"Loop", "Scan", "SequenceMap"})


class Made(NamedTuple):
    """A tensor that a row makes, both by number."""

    row: int
    tensor: int


class Weight(NamedTuple):
    """A tensor that is folded into its readers."""

    elements: int
    bytes: int


class _Row(NamedTuple):
    name: str
    op: str
    kind: int
    place: int
    macs: float
    detail: str
    scope: str
    holder: int
    body: int


Known = MutableMapping[str, "Made | Weight"]


def deepen(index: GraphIndex, proto: onnx.ModelProto) -> GraphIndex:
    """`index` (of the main graph of `proto`) with a row for every node inside of its nodes; `index` itself where there are none.

    The rows of a body stand directly before the row of the node that holds it, which reads what the body's outputs are: it is where
    they join. What a body captures is read by the nodes that use it, no longer by the holder; Loop and Scan hand their inputs to
    INPUT rows of the body; a function's inputs are the tensors that it is called with. `parameters` and `weight_bytes` of a holder
    are its own, without its bodies'. Every call of a function has rows of its own.
    """
    functions = {(function.domain, function.name): function for function in proto.functions}
    named = {name for _, name in functions}
    wanted = [number for number, op in enumerate(index.op_names) if op in sound.NESTING or op in named]
    if not wanted:
        return index
    import numpy as np

    deep = _Deep(index, proto, functions)
    for row in np.flatnonzero(np.isin(index.op, wanted) & (index.kind == NODE)).tolist():
        deep.open(row)
    return deep.index() if deep.rows else index


def node_of(index: GraphIndex, proto: onnx.ModelProto, row: int) -> tuple[onnx.NodeProto, onnx.GraphProto | onnx.FunctionProto]:
    """The node that a NODE row of a deep index (of `proto`) stands for, and the graph or function that it is in."""
    holder = int(index.holder[row]) if index.holder is not None else -1
    if holder < 0:
        return proto.graph.node[int(index.file_index[row])], proto.graph
    assert index.body is not None
    body = body_of(index, proto, holder, index.body_names[int(index.body[row])])
    return body.node[int(index.file_index[row])], body


def body_of(index: GraphIndex, proto: onnx.ModelProto, holder: int, title: str) -> onnx.GraphProto | onnx.FunctionProto:
    """The body called `title` of the node at row `holder`; raises `KeyError` when it has none of that name."""
    node, _ = node_of(index, proto, holder)
    for attribute in node.attribute:
        if attribute.name == title and attribute.type == 5:
            inner: onnx.GraphProto = attribute.g
            return inner
    for function in proto.functions:
        if (function.domain, function.name, title) == (node.domain, node.op_type, function.name):
            called: onnx.FunctionProto = function
            return called
    raise KeyError(title)


class _Deep:
    """Rows of bodies. Their numbers begin at `len(index)`, in the order of making; `sequence` is the order in which they will stand."""

    def __init__(self, index: GraphIndex, proto: onnx.ModelProto, functions: Mapping[tuple[str, str], onnx.FunctionProto]) -> None:
        self.base, self.proto, self.functions = index, proto, functions
        self.rows: list[_Row] = []
        self.sequence: list[int] = []
        #: how long `sequence` was when the bodies of a row of the main graph were complete
        self.until: dict[int, int] = {}
        #: (elements, bytes) that rows read themselves: of all inner ones, and of those in the main graph that were opened
        self.weights: dict[int, Weight] = {}
        self.taken = set(index.names)
        self.body_names = [""]
        self.tensors, self.types = list(index.tensors), list(index.tensor_types)
        self.known_tensors = set(self.tensors)
        self.edges: list[tuple[int, int, int]] = []
        self.main = Types(proto.graph)
        self.outer = self._outer()

    def _outer(self) -> Known:
        """What the main graph makes and holds, by name."""
        graph, base = self.proto.graph, self.base
        known: Known = {}
        for tensor in graph.initializer:
            known[tensor.name] = Weight(*columns.weight(tensor))
        for sparse in graph.sparse_initializer:
            known[sparse.values.name] = Weight(*columns.weight(sparse.values))
        for node in graph.node:
            if node.op_type == "Constant" and node.output:
                known[node.output[0]] = _constant(node)
        for src, tensor in zip(base.src.tolist(), base.tensor.tolist(), strict=True):
            known[self.tensors[tensor]] = Made(src, tensor)
        return known

    def open(self, row: int) -> None:
        """Gather the bodies of a node of the main graph."""
        node = self.proto.graph.node[int(self.base.file_index[row])]
        if self._open(node, row, self.base.names[row], self.outer, self.main, 0):
            self.until[row] = len(self.sequence)

    # ---- one node ----
    def _open(self, node: onnx.NodeProto, row: int, path: str, known: Known, types: Types, depth: int) -> bool:
        """Gather the bodies of `node`, which stands at `row`; False when it has none, or they are too many."""
        bodies = self._bodies_of(node)
        if not bodies or depth >= DEEP or len(self.rows) + sum(len(body.node) for _, body in bodies) > MOST:
            return False
        handed = node.op_type in _HANDED_ON or (node.domain, node.op_type) in self.functions
        self._read(row, () if handed else node.input, known)
        for title, body in bodies:
            if title not in self.body_names:
                self.body_names.append(title)
            self._body(body, node.input if handed else (), row, f"{path}/{title}", self.body_names.index(title), known, types, depth + 1)
        return True

    def _bodies_of(self, node: onnx.NodeProto) -> list[tuple[str, onnx.GraphProto | onnx.FunctionProto]]:
        function = self.functions.get((node.domain, node.op_type))
        if function is not None:
            return [(function.name, function)]
        if node.op_type not in sound.NESTING:
            return []
        return [(attribute.name, attribute.g) for attribute in node.attribute if attribute.type == 5]

    def _read(self, row: int, names: Sequence[str], known: Known) -> None:
        """Edges to `row` from what it reads, and the weights among that."""
        held = size = 0
        for name in names:
            source = known.get(name) if name else None
            if isinstance(source, Made):
                self.edges.append((source.row, row, source.tensor))
            elif source is not None:
                held, size = held + source.elements, size + source.bytes
        self.weights[row] = Weight(held, size)

    # ---- one body ----
    def _body(
        self,
        body: onnx.GraphProto | onnx.FunctionProto,
        given: Sequence[str],
        holder: int,
        path: str,
        number: int,
        outer: Known,
        outer_types: Types,
        depth: int,
    ) -> None:
        import onnx

        known: Known
        weights: dict[str, onnx.TensorProto] = {}
        if isinstance(body, onnx.GraphProto):
            known, types = ChainMap({}, outer), Types(body, outer_types)
            for tensor in body.initializer:
                known[tensor.name] = Weight(*columns.weight(tensor))
                weights[tensor.name] = tensor
            places: Sequence[int] = sound.order(body, (set(known),)) or range(len(body.node))
            outputs = [value.name for value in body.output]
            for place, value in enumerate(body.input):
                if value.name not in weights:
                    row = self._add(value.name, "Input", INPUT, -1, 0.0, types.shape_text(value.name), "", holder, number, path)
                    self._read(row, given[place : place + 1], outer)
                    known[value.name] = self._make(row, value.name, path, types)
                    self.sequence.append(row)
        else:
            known, types = {}, Types(onnx.GraphProto())
            known.update({formal: outer[actual] for formal, actual in zip(body.input, given, strict=False) if actual in outer})
            places, outputs = range(len(body.node)), list(body.output)
        self._nodes(body.node, places, holder, path, number, known, types, weights, depth)
        for name in dict.fromkeys(outputs):
            source = known.get(name)
            if isinstance(source, Made):
                self.edges.append((source.row, holder, source.tensor))

    def _nodes(
        self,
        nodes: Sequence[onnx.NodeProto],
        places: Sequence[int],
        holder: int,
        path: str,
        number: int,
        known: Known,
        types: Types,
        weights: Mapping[str, onnx.TensorProto],
        depth: int,
    ) -> None:
        scopes, values, called = Scopes(nodes), Constants(weights, {}), columns.names(nodes)
        for place in places:
            node = nodes[place]
            op = node.op_type
            if op == "Constant" and node.output:
                known[node.output[0]] = _constant(node)
                continue
            say = LINES.get(op)
            detail = (say(node, types, values) if say else "") or (types.shape_text(node.output[0]) if node.output else "")
            cost = macs(node, types) if op in COUNTS else 0.0
            row = self._add(called[place], op, NODE, place, cost, detail, scopes.of(node), holder, number, path)
            if not self._open(node, row, self.rows[row - len(self.base)].name, known, types, depth):
                self._read(row, node.input, known)
            for name in node.output:
                if name:
                    known[name] = self._make(row, name, path, types)
            self.sequence.append(row)

    def _add(
        self, name: str, op: str, kind: int, place: int, cost: float, detail: str, scope: str, holder: int, body: int, path: str
    ) -> int:
        name = whole = f"{path}/{name.lstrip('/')}"
        again = 2
        while whole in self.taken:
            whole, again = f"{name} ({again})", again + 1
        self.taken.add(whole)
        self.rows.append(_Row(whole, op, kind, place, cost, detail, scope, holder, body))
        return len(self.base) + len(self.rows) - 1

    def _make(self, row: int, name: str, path: str, types: Types) -> Made:
        """A tensor that `row` makes; one whose name is another's already goes by its path."""
        whole, again = name, 2
        while whole in self.known_tensors:
            whole = f"{path}/{name}" if whole == name else f"{path}/{name} ({again})"
            again += whole != f"{path}/{name}"
        self.known_tensors.add(whole)
        self.tensors.append(whole)
        self.types.append(types.text(name))
        return Made(row, len(self.tensors) - 1)

    # ---- the whole ----
    def index(self) -> GraphIndex:
        """Everything in its place."""
        import numpy as np

        base, first, total = self.base, len(self.base), len(self.base) + len(self.rows)
        order, at = [], 0
        for row in range(first):
            if row in self.until:
                order += self.sequence[at : self.until[row]]
                at = self.until[row]
            order.append(row)
        by = np.array(order, np.int64)
        number = np.empty(total, np.int64)
        number[by] = np.arange(total)

        kept = ~np.isin(base.dst, np.array(list(self.until), np.int64))
        added = np.array(self.edges, np.int64).reshape(-1, 3)
        edges = np.concatenate((np.stack((base.src[kept], base.dst[kept], base.tensor[kept]), 1).astype(np.int64), added))
        used, tensor = np.unique(edges[:, 2], return_inverse=True)
        src, dst = number[edges[:, 0]], number[edges[:, 1]]
        sort = np.argsort(dst, kind="stable")

        ops = {name: place for place, name in enumerate(base.op_names)}
        inner_ops = [ops.setdefault(row.op, len(ops)) for row in self.rows]
        scopes = {name: place for place, name in enumerate(base.scope_names)}
        inner_scopes = [scopes.setdefault(row.scope, len(scopes)) for row in self.rows]
        parameters, sizes = base.parameters.tolist() + [0] * len(self.rows), base.weight_bytes.tolist() + [0] * len(self.rows)
        for row, held in self.weights.items():
            parameters[row], sizes[row] = held
        scope = base.scope if base.scope is not None else np.zeros(first, np.int32)
        holders = [-1] * first + [int(number[row.holder]) for row in self.rows]
        names, details = [*base.names, *(row.name for row in self.rows)], [*base.details, *(row.detail for row in self.rows)]

        def column(values: Sequence[float], dtype: type) -> np.ndarray:
            return np.array(values, dtype)[by]

        return dataclasses.replace(
            base,
            names=[names[row] for row in order],
            op=column([*base.op.tolist(), *inner_ops], np.int32),
            op_names=list(ops),
            kind=column([*base.kind.tolist(), *(row.kind for row in self.rows)], np.uint8),
            file_index=column([*base.file_index.tolist(), *(row.place for row in self.rows)], np.int32),
            parameters=column(parameters, np.int64),
            weight_bytes=column(sizes, np.int64),
            macs=column([*base.macs.tolist(), *(row.macs for row in self.rows)], np.float64),
            details=[details[row] for row in order],
            src=src[sort].astype(np.int32),
            dst=dst[sort].astype(np.int32),
            tensor=tensor[sort].astype(np.int32),
            tensors=[self.tensors[number] for number in used.tolist()],
            tensor_types=[self.types[number] for number in used.tolist()],
            scope=column([*scope.tolist(), *inner_scopes], np.int32),
            scope_names=list(scopes),
            holder=column(holders, np.int32),
            body=column([0] * first + [row.body for row in self.rows], np.int32),
            body_names=self.body_names,
        )


def _constant(node: onnx.NodeProto) -> Weight:
    for attribute in node.attribute:
        said = columns.constant(attribute)
        if said is not None:
            return Weight(said[2], said[3])
    return Weight(0, 0)
