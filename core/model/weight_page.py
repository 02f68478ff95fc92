"""Which weights a model has, and what there is to say of one before any of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.job import Job
from core.model import Model, readers, sound
from core.model.pieces import STRING
from core.model.readers import End
from core.model.source import Source, read
from core.model.tensors import EXTERNAL, byte_size, dtype_name, elements
from core.model.weights import find

if TYPE_CHECKING:
    from collections.abc import Iterable

    import onnx


@dataclass(frozen=True)
class WeightList:
    """Every weight of a model as columns of one length; `readers` counts the nodes of the main graph that read it, and
    `kinds` are `initializer`, `Constant` or `inside` (an initializer of a subgraph)."""

    names: tuple[str, ...]
    dtypes: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    bytes: tuple[int, ...]
    readers: tuple[int, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class WeightPage:
    """One weight: what and where it is, who reads it, and which of its axes its readers take for output channels and for
    the one that is summed over (None for a scalar, and the latter where there is none). `file` is empty for values that
    stand in the graph itself; `offset` and `length` are bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    total: int
    kind: str
    text: bool
    readers: tuple[End, ...]
    channel_axis: int | None
    group_axis: int | None
    file: str
    offset: int
    length: int


def weight_list(model: Model, job: Job) -> WeightList:
    """The weights of a model in the order of the file (a task); nothing of them is read."""
    source = read(model.path)
    known = source.initializers()
    kinds = _kinds(source)
    places = readers.places(source)
    rows = [(name, known[name]) for name in kinds]
    return WeightList(
        names=tuple(kinds),
        dtypes=tuple(dtype_name(tensor.data_type) for _, tensor in rows),
        shapes=tuple(tuple(tensor.dims) for _, tensor in rows),
        bytes=tuple(_size(tensor) for _, tensor in rows),
        readers=tuple(len({place for place, _ in places.get(name, ())}) for name in kinds),
        kinds=tuple(kinds.values()),
    )


def weight_page(model: Model, weight: str, job: Job) -> WeightPage:
    """What there is to say of one weight (a task); nothing of it is read. Raises `ModelError` when there is none, or when the
    file that it is in is missing."""
    source = read(model.path)
    tensor = find(source, weight)
    file, offset, length = "", 0, _size(tensor)
    if tensor.data_location == EXTERNAL:
        region, offset, length = source.regions.place(tensor)
        region.view(offset, min(1, length))  # the file may be gone since the model was opened
        file = region.real.name
    channel, group = _axes(source, weight, len(tensor.dims))
    return WeightPage(
        name=weight,
        dtype=dtype_name(tensor.data_type),
        shape=tuple(tensor.dims),
        bytes=_size(tensor),
        total=elements(tensor.dims),
        kind=_kinds(source).get(weight, "initializer"),
        text=tensor.data_type == STRING,
        readers=readers.readers(source, weight),
        channel_axis=channel,
        group_axis=group,
        file=file,
        offset=offset,
        length=length,
    )


def _size(tensor: onnx.TensorProto) -> int:
    if tensor.data_type == STRING:
        return sum(len(text) for text in tensor.string_data)
    return byte_size(tensor.data_type, tensor.dims)


def _kinds(source: Source) -> dict[str, str]:
    """Name -> where it stands, for every weight that has a name of its own."""
    found: dict[str, str] | None = source.facts.get("weight_kinds")
    if found is None:
        known = source.initializers()
        graph = source.proto.graph
        found = {tensor.name: "initializer" for tensor in graph.initializer}
        nesting = []
        for node in sound.special(graph.node):
            if node.op_type != "Constant":
                nesting.append(node)
            elif node.output and node.output[0] in known:
                found[node.output[0]] = "Constant"
        for name in _inner(nesting):
            found.setdefault(name, "inside")
        source.facts["weight_kinds"] = found
    return found


def _inner(nodes: Iterable[onnx.NodeProto]) -> list[str]:
    found = []
    for node in nodes:
        for graph in sound.subgraphs(node):
            found += [tensor.name for tensor in graph.initializer]
            found += _inner(each for each in sound.special(graph.node) if each.op_type != "Constant")
    return found


#: Ops that hand a weight on as it is: what matters is who reads that.
_PASSING = frozenset({"DequantizeLinear", "QuantizeLinear", "Cast", "CastLike", "Identity"})
#: Op and input -> (axis of output channels, axis that is summed over); negative ones count from the right.
_AXES = {
    ("Conv", 1): (0, 1),
    ("ConvInteger", 1): (0, 1),
    ("QLinearConv", 3): (0, 1),
    ("ConvTranspose", 1): (1, 0),
    ("MatMul", 1): (-1, -2),
    ("MatMulInteger", 1): (-1, -2),
    ("QLinearMatMul", 3): (-1, -2),
    ("MatMul", 0): (-2, -1),
    ("Gather", 0): (0, 1),
    ("LSTM", 1): (1, 2),
    ("LSTM", 2): (1, 2),
    ("GRU", 1): (1, 2),
    ("GRU", 2): (1, 2),
    ("RNN", 1): (1, 2),
    ("RNN", 2): (1, 2),
}


def _axes(source: Source, weight: str, rank: int) -> tuple[int | None, int | None]:
    """The axes of channels and of the sum, from the first reader that says; the first two where none does."""
    if rank == 0:
        return None, None
    wanted, seen = [weight], set()
    while wanted and rank > 1:
        name = wanted.pop(0)
        seen.add(name)
        for place, slot in readers.places(source).get(name, ()):
            node = source.proto.graph.node[place]
            found = _AXES.get((node.op_type, slot))
            if (node.op_type, slot) == ("Gemm", 1):
                found = (0, 1) if any(each.name == "transB" and each.i for each in node.attribute) else (1, 0)
            if found is not None:
                channel, group = (axis % rank if axis < rank else -1 for axis in found)
                return (channel, group) if min(channel, group) >= 0 else (0, 1)
            if node.op_type in _PASSING and slot == 0:
                wanted += [each for each in node.output if each not in seen]
    return 0, 1 if rank > 1 else None
