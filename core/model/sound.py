"""Whether a graph is one: every tensor written once, everything read is written, and no node waits for itself."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from core.errors import ModelError

if TYPE_CHECKING:
    import onnx

#: What ONNX Runtime 1.31.1 accepts.
NEWEST_IR, NEWEST_OPSET = 13, 26
#: Domains that ONNX Runtime registers beside ONNX's own.
RUNTIME_DOMAINS = frozenset(
    {"com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc", "com.microsoft.experimental", "ai.onnx.contrib"}
)
#: Ops of ONNX that carry subgraphs.
NESTING = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_HOLDING = NESTING | {"Constant"}
_DAMAGED = "The exporter wrote a graph that cannot be computed: export the model again, or mend it."


def label(node: onnx.NodeProto) -> str:
    """How a message calls a node: `Conv 'stem'`, or by what it makes when it has no name."""
    if node.name:
        return f"{node.op_type} '{node.name}'"
    return f"{node.op_type} that makes '{node.output[0]}'" if node.output else f"nameless {node.op_type}"


def captured(node: onnx.NodeProto) -> list[str]:
    """Tensors of the outer graph that the subgraphs of `node` read (If, Loop, Scan), in the order of reading."""
    names: dict[str, None] = {}
    for graph in subgraphs(node):
        own = {value.name for value in graph.input}
        own.update(tensor.name for tensor in graph.initializer)
        own.update(sparse.values.name for sparse in graph.sparse_initializer)
        for inner in graph.node:
            own.update(inner.output)
        for inner in graph.node:
            wanted = [*inner.input, *captured(inner)] if may_nest(inner) else inner.input
            for name in wanted:
                if name and name not in own:
                    names[name] = None
        for value in graph.output:
            if value.name and value.name not in own:
                names[value.name] = None
    return list(names)


def may_nest(node: onnx.NodeProto) -> bool:
    """Whether `node` can carry subgraphs: quick, and true for every op that is not ONNX's own."""
    return node.op_type in NESTING or node.domain != ""


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs among the attributes of `node`."""
    for attribute in node.attribute:
        if attribute.type == 5:
            yield attribute.g
        elif attribute.type == 10:
            yield from attribute.graphs


def order(graph: onnx.GraphProto, outer: tuple[set[str], ...] = ()) -> list[int] | None:
    """Check `graph` and its subgraphs; None when the nodes stand in topological order, else their places in one.

    `outer` holds the tensors that the graphs around it know. Raises `ModelError` for a tensor that is written twice, one
    that is read but never written, and a cycle.
    """
    known = {value.name for value in graph.input}
    known.update(tensor.name for tensor in graph.initializer)
    if len(known) < len(graph.input) + len(graph.initializer):
        _twice_at_the_start(graph)
    known.update(sparse.values.name for sparse in graph.sparse_initializer)
    given = set(known)
    late: list[int] = []
    nests: list[int] = []
    for place, node in enumerate(graph.node):
        names = node.input
        if may_nest(node):
            nests.append(place)
            names = [*names, *captured(node)]
        for name in names:
            if name and name not in known and not any(name in around for around in outer):
                late.append(place)
                break
        for name in node.output:
            if name:
                if name in known:
                    _written_twice(graph, name)
                known.add(name)
    for value in graph.output:
        if value.name not in known and not any(value.name in around for around in outer):
            raise ModelError(f"The graph's output '{value.name}' is never made: no node writes it.", hint=_DAMAGED)
    try:
        "".join(known)  # what is read is known: this looks at every name that nodes read and write
    except TypeError as error:
        raise not_text(error) from error
    for place in late:
        node = graph.node[place]
        for name in [*node.input, *captured(node)]:
            if name and name not in known and not any(name in around for around in outer):
                raise ModelError(f"{label(node)} reads '{name}', which nothing makes.", hint=_DAMAGED)
    places = _sorted(graph, given) if late else None
    for place in nests:
        for inner in subgraphs(graph.node[place]):
            order(inner, (*outer, known))
    return places


def _sorted(graph: onnx.GraphProto, known: set[str]) -> list[int]:
    """Places of the nodes in a topological order that keeps to the file's where it can."""
    maker = {name: place for place, node in enumerate(graph.node) for name in node.output if name}
    waits = [0] * len(graph.node)
    readers: dict[int, list[int]] = {}
    for place, node in enumerate(graph.node):
        before = {maker[name] for name in [*node.input, *captured(node)] if name and name not in known and name in maker}
        waits[place] = len(before)
        for source in before:
            readers.setdefault(source, []).append(place)
    ready = [place for place, count in enumerate(waits) if count == 0]
    done: list[int] = []
    while ready:
        place = heapq.heappop(ready)
        done.append(place)
        for reader in readers.get(place, ()):
            waits[reader] -= 1
            if waits[reader] == 0:
                heapq.heappush(ready, reader)
    if len(done) < len(graph.node):
        first, second = _cycle(graph, maker, set(done))
        raise ModelError(
            f"The graph has a cycle: {label(first)} and {label(second)} wait for each other.",
            hint="ONNX graphs must be free of cycles; a loop is written with a Loop or Scan node. Export the model again.",
        )
    return done


def _cycle(graph: onnx.GraphProto, maker: dict[str, int], done: set[int]) -> tuple[onnx.NodeProto, onnx.NodeProto]:
    """Two neighbours on one cycle: walk backwards among the nodes that never became ready until one comes again."""
    place = next(at for at in range(len(graph.node)) if at not in done)
    seen: set[int] = set()
    before = place
    while place not in seen:
        seen.add(place)
        node = graph.node[place]
        before = place
        place = next(maker[name] for name in [*node.input, *captured(node)] if name in maker and maker[name] not in done)
    return graph.node[place], graph.node[before]


def _written_twice(graph: onnx.GraphProto, name: str) -> NoReturn:
    makers = [label(node) for node in graph.node if name in node.output]
    others = " and ".join(makers[:2]) if len(makers) > 1 else f"{makers[0]} and an input or initializer"
    raise ModelError(f"Tensor '{name}' is written twice: by {others}.", hint=_DAMAGED)


def _twice_at_the_start(graph: onnx.GraphProto) -> None:
    """Raise for two inputs, or two initializers, of one name; an initializer that is an input's default is fine."""
    inputs, initializers = [value.name for value in graph.input], [tensor.name for tensor in graph.initializer]
    for names, what in ((inputs, "graph inputs"), (initializers, "initializers")):
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise ModelError(f"Two {what} are called '{name}'.", hint=_DAMAGED)
            seen.add(name)


def check_function(function: onnx.FunctionProto) -> None:
    """Raise `ModelError` when the body of a model-local function reads what nothing before it makes."""
    known = set(function.input)
    for node in function.node:
        if not all(isinstance(name, str) for name in (*node.input, *node.output)):
            raise not_text(TypeError(label(node)))
        for name in [*node.input, *captured(node)] if may_nest(node) else node.input:
            if name and name not in known:
                raise ModelError(
                    f"In function {function.name}, {label(node)} reads '{name}', which nothing before it makes.", hint=_DAMAGED
                )
        known.update(node.output)
    for name in function.output:
        if name not in known:
            raise ModelError(f"Function {function.name} answers '{name}', which nothing in it makes.", hint=_DAMAGED)


def check_calls(model: onnx.ModelProto) -> None:
    """Raise `ModelError` when a model-local function calls itself, directly or by way of others: it could never end."""
    own = {(function.domain, function.name): function for function in model.functions}
    calls = {key: [(n.domain, n.op_type) for n in nodes_of([f]) if (n.domain, n.op_type) in own] for key, f in own.items()}
    done: set[tuple[str, str]] = set()
    while len(done) < len(own):
        ready = [key for key in own if key not in done and all(called in done for called in calls[key])]
        if not ready:
            names = ", ".join(sorted(name for domain, name in own if (domain, name) not in done)[:2])
            raise ModelError(f"Functions of the model call themselves: {names}.", hint=_DAMAGED)
        done.update(ready)


def check_text(model: onnx.ModelProto) -> None:
    """Raise `ModelError` for names that are no UTF-8 (protobuf hands them over as bytes)."""
    try:
        "".join([entry.domain for entry in model.opset_import])
        "".join([text for entry in model.metadata_props for text in (entry.key, entry.value)])
        "".join((model.producer_name, model.producer_version, model.domain, model.doc_string))
        _join_names(model.graph)
        for function in model.functions:
            "".join((function.name, function.domain, function.overload, *function.input, *function.output, *function.attribute))
            _join_nodes(function.node)
    except (TypeError, UnicodeDecodeError) as error:
        raise not_text(error) from error


def not_text(error: Exception) -> ModelError:
    """The error for a name that protobuf could only hand over as bytes."""
    return ModelError(
        "A name in the model is not text (UTF-8).", hint="The file is damaged: get it again, or export it again.", detail=str(error)
    )


def _join_names(graph: onnx.GraphProto) -> None:
    # join does the looking: it takes text only, at the speed of C
    "".join([value.name for values in (graph.input, graph.output, graph.value_info) for value in values])
    "".join([tensor.name for tensor in graph.initializer])
    "".join([sparse.values.name for sparse in graph.sparse_initializer])
    "".join([graph.name, graph.doc_string])
    _join_nodes(graph.node)


def _join_nodes(nodes: Iterable[onnx.NodeProto]) -> None:
    every = list(nodes)
    "".join([node.name for node in every])
    "".join([node.op_type for node in every])
    "".join([node.domain for node in every])
    for node in special(every):
        "".join([attribute.name for attribute in node.attribute])
        if node.op_type != "Constant":
            for graph in subgraphs(node):
                _join_names(graph)


def nodes_of(graphs: Sequence[onnx.GraphProto | onnx.FunctionProto]) -> Iterator[onnx.NodeProto]:
    """Every node of `graphs`, subgraphs included."""
    for graph in graphs:
        yield from graph.node
        for node in special(graph.node):
            if node.op_type != "Constant":
                yield from nodes_of(list(subgraphs(node)))


def special(nodes: Iterable[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The nodes that hold weights or graphs, or may: Constants, If, Loop, Scan and the like, and those of other domains."""
    return [node for node in nodes if node.op_type in _HOLDING or node.domain]


def unknown_ops(model: onnx.ModelProto) -> dict[str, tuple[str, ...]]:
    """Domain -> its ops in this model that neither ONNX, nor ONNX Runtime, nor the model itself defines; sorted."""
    from onnx import defs

    own = {(function.domain, function.name) for function in model.functions}
    nodes = list(nodes_of([model.graph, *model.functions]))
    used = set(zip([node.domain for node in nodes], [node.op_type for node in nodes], strict=True))
    strange: dict[str, set[str]] = {}
    for domain, op in {("" if domain == "ai.onnx" else domain, op) for domain, op in used}:
        if (domain, op) in own or domain in RUNTIME_DOMAINS or defs.has(op, domain):
            continue
        strange.setdefault(domain, set()).add(op)
    return {domain: tuple(sorted(ops)) for domain, ops in sorted(strange.items())}
