"""What search wants to know of nodes beyond the index: their attributes, and what stands in which of their inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.job import Job
from core.model import Model, bodies, opening, summary
from core.model.details import small
from core.model.index import NODE, GraphIndex, constant
from core.model.source import read
from core.model.tensors import describe, dtype_name

if TYPE_CHECKING:
    import numpy as np
    import onnx

Plain = int | float | str
Value = Plain | tuple[Plain, ...]
Attributes = tuple[tuple[str, Value], ...]
#: An input that is left out, or of which it is not known what stands in it.
NOTHING = -1
#: Attributes that are numbers of types in the file and words to people.
_TYPES = ("to", "dtype", "output_dtype")
#: Rows between two reports of progress.
_PACE = 4096
#: Attributes of fewer bytes than this are compared with those seen before.
_ALIKE = 512


@dataclass(frozen=True)
class Facts:
    """Beside an index of n rows, m edges and t tensors:

        attributes  int32 (n), into `distinct`: sets of (name, value), sorted by name; the first one is empty
        inputs      int32, one for each input of each node: a tensor of the index, t + a weight, or -1 for one that is left out
        first       int64 (n + 1): the inputs of a row are `inputs[first[row] : first[row + 1]]`
        made        int32 (t): which output of its node a tensor is, -1 where that is not known
    Weights (initializers and Constants that a node reads): their names, types such as `float32[64, 3, 7, 7]`, and the number that
    those of one element hold (None for others).
    """

    attributes: np.ndarray
    distinct: list[Attributes]
    inputs: np.ndarray
    first: np.ndarray
    made: np.ndarray
    weights: list[str]
    weight_types: list[str]
    weight_values: list[float | None]

    def of(self, row: int) -> Sequence[int]:
        """What stands in each input of a node."""
        found: list[int] = self.inputs[self.first[row] : self.first[row + 1]].tolist()
        return found


def read_facts(model: Model, deep: bool, job: Job) -> Facts:
    """The facts beside the index of a model, or beside the one that has the nodes' bodies in it (a task); kept with the file."""
    source = read(model.path)
    key = "facts.deep" if deep else "facts"
    found: Facts | None = source.facts.get(key)
    if found is None:
        job.step(0.0, f"Reading the attributes of {model.path.name}")
        index = opening.deep_of(source) if deep else opening.index_of(source)
        found = source.facts[key] = gather(index, summary.shaped(source)[0], job)
    return found


def gather(index: GraphIndex, proto: onnx.ModelProto, job: Job | None = None) -> Facts:
    """The facts beside an index (deep or not) that was made of `proto`."""
    import numpy as np

    found = _Gathering(index, proto)
    for row in np.flatnonzero(index.kind == NODE).tolist():
        if job is not None and not row % _PACE:
            job.step(row / len(index), "Reading attributes")
        found.add(row)
    return found.facts()


@dataclass
class _Body:
    """A graph or function: its nodes, and which of the names in it are weights, or not there at all."""

    nodes: Sequence[onnx.NodeProto]
    weights: dict[str, int]
    absent: frozenset[str] = field(default_factory=frozenset)


class _Gathering:
    def __init__(self, index: GraphIndex, proto: onnx.ModelProto) -> None:
        import numpy as np

        self.index, self.proto = index, proto
        self.sets = np.zeros(len(index), np.int32)
        self.distinct: list[Attributes] = [()]
        self.known: dict[bytes, int] = {}
        self.numbers: dict[Attributes, int] = {(): 0}
        self.inputs: list[int] = []
        self.counts = np.zeros(len(index), np.int64)
        self.made = np.zeros(len(index.tensors), np.int32)
        self.weights: list[str] = []
        self.types: list[str] = []
        self.values: list[float | None] = []
        self.bodies: dict[tuple[int, int], _Body] = {}
        order = np.arange(len(index.dst)) if bool(np.all(index.dst[1:] >= index.dst[:-1])) else np.argsort(index.dst, kind="stable")
        self.arriving = index.tensor[order].tolist()
        self.at = np.searchsorted(index.dst[order], np.arange(len(index) + 1)).tolist()
        self.holders = index.holder.tolist() if index.holder is not None else [-1] * len(index)
        self.titles = index.body.tolist() if index.body is not None else [0] * len(index)
        self.places = index.file_index.tolist()
        self.opened = {holder for holder in self.holders if holder >= 0}
        self.several: dict[int, list[int]] = {}
        pairs = np.unique(np.stack((index.src, index.tensor), 1).astype(np.int64), axis=0) if len(index.src) else np.zeros((0, 2), np.int64)
        for src, tensor in pairs.tolist():
            self.several.setdefault(src, []).append(tensor)
        self.main = _Body(proto.graph.node, dict(self._weights(proto.graph)))

    # ---- one node ----
    def add(self, row: int) -> None:
        body = self._body_of(row)
        node = body.nodes[self.places[row]]
        if node.attribute:
            self.sets[row] = self._attributes(node)
        handed = row in self.opened and node.op_type != "If"
        arriving = iter(() if handed else self.arriving[self.at[row] : self.at[row + 1]])
        before = len(self.inputs)
        for name in node.input:
            weight = body.weights.get(name) if name else None
            if weight is not None:
                self.inputs.append(len(self.made) + weight)
            elif not name or name in body.absent:
                self.inputs.append(NOTHING)
            else:
                self.inputs.append(next(arriving, NOTHING))
        self.counts[row] = len(self.inputs) - before
        if len(node.output) > 1:
            names = list(node.output)
            for tensor in self.several.get(row, ()):
                self.made[tensor] = _place(self.index.tensors[tensor], names)

    def _attributes(self, node: onnx.NodeProto) -> int:
        light = [attribute for attribute in node.attribute if attribute.type not in (5, 10)]
        # equal small ones are read once: a large graph has few different ones
        key = b"".join(each.SerializeToString() for each in light) if all(each.ByteSize() < _ALIKE for each in light) else None
        found = self.known.get(key) if key is not None else None
        if found is None:
            said = tuple(sorted(((each.name, value) for each in light for value in _value(each)), key=lambda pair: pair[0]))
            found = self.numbers.setdefault(said, len(self.distinct))
            if found == len(self.distinct):
                self.distinct.append(said)
            if key is not None:
                self.known[key] = found
        return found

    # ---- bodies ----
    def _body_of(self, row: int) -> _Body:
        holder = self.holders[row]
        if holder < 0:
            return self.main
        key = holder, self.titles[row]
        found = self.bodies.get(key)
        if found is None:
            found = self.bodies[key] = self._open(holder, self.index.body_names[key[1]])
        return found

    def _open(self, holder: int, title: str) -> _Body:
        outer = self._body_of(holder)
        node = outer.nodes[self.places[holder]]
        body = bodies.body_of(self.index, self.proto, holder, title)
        if hasattr(body, "initializer"):
            made = {value.name for value in body.input}.union(*(inner.output for inner in body.node))
            weights = {name: number for name, number in outer.weights.items() if name not in made}
            weights.update(self._weights(body))
            return _Body(body.node, weights)
        given = dict(zip(body.input, node.input, strict=False))
        weights = {formal: outer.weights[actual] for formal, actual in given.items() if actual in outer.weights}
        weights.update(self._constants(body.node))
        absent = {formal for formal in body.input if not given.get(formal) or given[formal] in outer.absent}
        return _Body(body.node, weights, frozenset(absent))

    def _weights(self, graph: onnx.GraphProto) -> Iterator[tuple[str, int]]:
        for tensor in graph.initializer:
            yield tensor.name, self._weight(tensor.name, describe(tensor.data_type, list(tensor.dims)), small(tensor))
        for sparse in graph.sparse_initializer:
            name = sparse.values.name
            yield name, self._weight(name, describe(sparse.values.data_type, list(sparse.dims)), None)
        yield from self._constants(graph.node)

    def _constants(self, nodes: Sequence[onnx.NodeProto]) -> Iterator[tuple[str, int]]:
        for node in nodes:
            if node.op_type == "Constant" and node.output:
                said = next(filter(None, map(constant, node.attribute)), None)
                kind, dims, _, _, values = said if said is not None else ("", (), 0, 0, None)
                text = f"{kind}[{', '.join(map(str, dims))}]" if kind else ""
                yield node.output[0], self._weight(node.output[0], text, values)

    def _weight(self, name: str, kind: str, values: list[float] | None) -> int:
        self.weights.append(name)
        self.types.append(kind)
        self.values.append(float(values[0]) if values is not None and len(values) == 1 else None)
        return len(self.weights) - 1

    def facts(self) -> Facts:
        import numpy as np

        return Facts(
            attributes=self.sets,
            distinct=self.distinct,
            inputs=np.array(self.inputs, np.int32),
            first=np.concatenate((np.zeros(1, np.int64), np.cumsum(self.counts))),
            made=self.made,
            weights=self.weights,
            weight_types=self.types,
            weight_values=self.values,
        )


def _place(tensor: str, outputs: list[str]) -> int:
    """Which of a node's outputs a tensor of the index is; those of bodies go by their path when their name is another's too."""
    if tensor in outputs:
        return outputs.index(tensor)
    bare = tensor.rpartition(" (")[0] if tensor.endswith(")") else tensor
    for place, name in enumerate(outputs):
        if name and (tensor.endswith(f"/{name}") or bare.endswith(f"/{name}")):
            return place
    return NOTHING


def _value(attribute: onnx.AttributeProto) -> Iterator[Value]:
    """The value of an attribute, unless it is the function's own or a graph."""
    kind = attribute.type
    if attribute.ref_attr_name:
        return
    if kind == 1:
        yield round(attribute.f, 7)
    elif kind == 2:
        yield dtype_name(attribute.i) if attribute.name in _TYPES else attribute.i
    elif kind == 3:
        yield attribute.s.decode("utf-8", "backslashreplace")
    elif kind == 4:
        yield describe(attribute.t.data_type, list(attribute.t.dims))
    elif kind == 6:
        yield tuple(round(value, 7) for value in attribute.floats)
    elif kind == 7:
        yield tuple(attribute.ints)
    elif kind == 8:
        yield tuple(value.decode("utf-8", "backslashreplace") for value in attribute.strings)
