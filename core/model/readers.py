"""Who reads a tensor, and who makes it: nodes of the main graph with the operator's word for the place."""

from __future__ import annotations

from dataclasses import dataclass

from core.model import manual, sound
from core.model.index import names
from core.model.source import Source

#: The number of an input that is no input: a subgraph of the node reads the tensor.
CAPTURED = -1


@dataclass(frozen=True)
class End:
    """A node (as the index calls it) at one end of a tensor, its op, and its own word for the input or output."""

    node: str
    op: str
    slot: str


def places(source: Source) -> dict[str, list[tuple[int, int]]]:
    """Tensor -> (place of a node in the file, number of its input) for everything that reads it; found once."""
    found: dict[str, list[tuple[int, int]]] | None = source.facts.get("readers")
    if found is None:
        found = {}
        for place, node in enumerate(source.proto.graph.node):
            for slot, name in enumerate(node.input):
                if name:
                    found.setdefault(name, []).append((place, slot))
            if sound.may_nest(node):
                for name in sound.captured(node):
                    found.setdefault(name, []).append((place, CAPTURED))
        source.facts["readers"] = found
    return found


def makers(source: Source) -> dict[str, tuple[int, int]]:
    """Tensor -> (place of the node that makes it, number of its output); found once."""
    found: dict[str, tuple[int, int]] | None = source.facts.get("makers")
    if found is None:
        nodes = source.proto.graph.node
        found = {name: (place, slot) for place, node in enumerate(nodes) for slot, name in enumerate(node.output) if name}
        source.facts["makers"] = found
    return found


def called(source: Source) -> list[str]:
    """How the index calls each node, by its place in the file; found once."""
    found: list[str] | None = source.facts.get("called")
    if found is None:
        found = source.facts["called"] = names(source.proto.graph.node)
    return found


def end(source: Source, place: int, slot: int, side: str = "inputs") -> End:
    """The node at `place` as an end of a tensor; `side` is `inputs` or `outputs`."""
    node = source.proto.graph.node[place]
    schema = manual.schema_of(node, source.proto.opset_import)
    return End(called(source)[place], node.op_type, "captured" if slot == CAPTURED else manual.slot(schema, slot, side))


def readers(source: Source, tensor: str) -> tuple[End, ...]:
    """Every node that reads a tensor, once for each input."""
    return tuple(end(source, place, slot) for place, slot in places(source).get(tensor, ()))
