"""Which weights each node of a graph reads or holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model import sound
from core.model.bodies import node_of
from core.model.source import constant

if TYPE_CHECKING:
    import onnx

    from core.overlays.base import Graph


def held(graph: Graph) -> list[tuple[int, onnx.TensorProto]]:
    """(row, weight) for each weight that a row reads, each weight once for a row: initializers, Constants, and what its
    subgraphs capture and hold. Their values are not read."""
    found: list[tuple[int, onnx.TensorProto]] | None = graph.source.facts.get("overlay weights")
    if found is None:
        found = graph.source.facts["overlay weights"] = _held(graph)
    return found


def _held(graph: Graph) -> list[tuple[int, onnx.TensorProto]]:
    import numpy as np

    index, proto = graph.index, graph.source.proto
    weights, nodes = graph.source.initializers(), proto.graph.node
    holders = np.full(len(index), -1) if index.holder is None else index.holder
    opened = set(holders.tolist())  # what is inside of these has rows of its own
    found = []
    for row, (place, holder) in enumerate(zip(index.file_index.tolist(), holders.tolist(), strict=True)):
        if place < 0:
            continue
        node = nodes[place] if holder < 0 else node_of(index, proto, row)[0]
        own: dict[int, onnx.TensorProto] = {}
        names = list(node.input)
        if row not in opened and (node.op_type in sound.NESTING or node.domain):
            names += sound.captured(node)
            own.update((id(tensor), tensor) for tensor in _inside(node))
        for name in names:
            tensor = weights.get(name)
            if tensor is not None:
                own[id(tensor)] = tensor
        found += [(row, tensor) for tensor in own.values()]
    return found


def _inside(node: onnx.NodeProto) -> list[onnx.TensorProto]:
    """The weights that the subgraphs of `node` hold themselves."""
    found: list[onnx.TensorProto] = []
    for graph in sound.subgraphs(node):
        found += graph.initializer
        for inner in sound.special(graph.node):
            made = constant(inner) if inner.op_type == "Constant" else None
            found += [made] if made is not None else _inside(inner)
    return found
