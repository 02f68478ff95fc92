"""The bare structure of a graph, for a first picture: names, ops, edges and scopes, before shapes are inferred and weights counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model import sound
from core.model.index import INPUT, NODE, OUTPUT, GraphIndex, apart, names
from core.model.scopes import Scopes

if TYPE_CHECKING:
    from core.model.source import Source

#: What stands where a detail will be, so that boxes have their height already.
SOON = "…"


def sketch(source: Source) -> GraphIndex:
    """An index of the main graph in which nothing is known of tensors but what joins what: no types, details, parameters or MACs.

    Rows, names and edges are those that `core.model.index` gives.
    """
    import numpy as np

    graph = source.proto.graph
    every = list(graph.node)
    folded = {tensor.name for tensor in graph.initializer}
    folded.update(sparse.values.name for sparse in graph.sparse_initializer)
    inputs = [value.name for value in graph.input if value.name not in folded]
    made = {name: row for row, name in enumerate(inputs)}
    called, scopes = names(every), Scopes(every)
    nodes: list[str] = []
    ops, place_of = ["Input"] * len(inputs), [-1] * len(inputs)
    src: list[int] = []
    dst: list[int] = []
    carried: list[int] = []
    numbers: dict[str, int] = {}
    maker, number, nesting = made.get, numbers.setdefault, sound.NESTING
    row = len(inputs)
    for place in source.places if source.places is not None else range(len(every)):
        node = every[place]
        op = node.op_type
        if op == "Constant":
            continue
        reads = node.input
        if op in nesting or node.domain:
            reads = [*reads, *sound.captured(node)]
        for name in reads:
            begin = maker(name)
            if begin is not None:
                src.append(begin)
                dst.append(row)
                carried.append(number(name, len(numbers)))
        for name in node.output:
            made[name] = row
        nodes.append(called[place])
        ops.append(op)
        place_of.append(place)
        scopes.add(node)
        row += 1
    first_output = row
    for value in graph.output:
        begin = maker(value.name)
        if begin is not None:
            src.append(begin)
            dst.append(row)
            carried.append(number(value.name, len(numbers)))
        ops.append("Output")
        place_of.append(-1)
        row += 1
    known: dict[str, int] = {}
    kind = np.zeros(row, np.uint8)
    kind[: len(inputs)], kind[len(inputs) : first_output], kind[first_output:] = INPUT, NODE, OUTPUT
    return GraphIndex(
        names=apart(inputs, nodes, [value.name for value in graph.output]),
        op=np.fromiter((known.setdefault(op, len(known)) for op in ops), np.int32, row),
        op_names=list(known),
        kind=kind,
        file_index=np.array(place_of, np.int32),
        parameters=np.zeros(row, np.int64),
        weight_bytes=np.zeros(row, np.int64),
        macs=np.zeros(row),
        details=[SOON] * row,
        src=np.array(src, np.int32),
        dst=np.array(dst, np.int32),
        tensor=np.array(carried, np.int32),
        tensors=list(numbers),
        tensor_types=[""] * len(numbers),
        initializers={},
        scope=scopes.column(len(inputs), row),
        scope_names=scopes.names,
    )
