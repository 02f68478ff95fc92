"""Everything there is to say about one node, for the properties panel."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.job import Job
from core.model import Model, index, opening, sound, summary
from core.model.source import Source, read
from core.model.tensors import describe, dtype_name, elements
from core.model.values import Types

if TYPE_CHECKING:
    import onnx

_LIST = 24
_TEXT = 400
#: The schemas take no larger opset version.
_NEWEST = (1 << 31) - 1


@dataclass(frozen=True)
class TensorRow:
    """One input or output of a node: `slot` is the operator's own word for it (`X`, `W`, `B`), `others` the nodes on the other
    end (the producer of an input, the consumers of an output; names as the index has them)."""

    slot: str
    name: str
    type: str
    others: tuple[str, ...] = ()
    is_initializer: bool = False


@dataclass(frozen=True)
class NodePage:
    """One node: what it is, reads and makes. `macs` is None where the shapes are not known; `doc` the first paragraph of the
    operator's documentation; `since` the opset version that its definition comes from (0 when unknown)."""

    name: str
    op: str
    domain: str
    attributes: tuple[tuple[str, str], ...]
    inputs: tuple[TensorRow, ...]
    outputs: tuple[TensorRow, ...]
    doc: str
    macs: float | None
    parameters: int
    since: int = 0
    note: str = ""


def node_page(model: Model, name: str, job: Job) -> NodePage:
    """The page of the node (or graph input or output) that the index calls `name` (a task).

    Raises `ModelError`, with the nearest names, when there is none.
    """
    source = read(model.path)
    book = _book(source)
    row = book.rows.get(name)
    if row is None:
        near = difflib.get_close_matches(name, book.rows, 3)
        raise ModelError(
            f"There is no node '{name}' in {model.path.name}.", hint=f"Perhaps {' or '.join(near)}?" if near else "Search by op."
        )
    columns = book.columns
    if columns.kind[row] != index.NODE:
        return book.end(row)
    node = book.graph.node[int(columns.file_index[row])]
    schema = _schema(node, source.proto)
    cost = float(columns.macs[row])
    return NodePage(
        name=name,
        op=node.op_type,
        domain=node.domain,
        attributes=tuple((str(attribute.name), attribute_text(attribute)) for attribute in node.attribute),
        inputs=tuple(
            book.row(tensor, _slot(schema, place, "inputs"), book.makers(tensor)) for place, tensor in enumerate(node.input) if tensor
        )
        + tuple(book.row(tensor, "captured", book.makers(tensor)) for tensor in sound.captured(node)),
        outputs=tuple(
            book.row(tensor, _slot(schema, place, "outputs"), book.readers(tensor)) for place, tensor in enumerate(node.output) if tensor
        ),
        doc=_paragraph(schema.doc) if schema is not None else _function_doc(node, source.proto),
        macs=None if isnan(cost) else cost,
        parameters=int(columns.parameters[row]),
        since=int(schema.since_version) if schema is not None else 0,
        note=node.doc_string,
    )


def prepare(model: Model, job: Job) -> None:
    """Make a model's pages ready, so that the first one is as quick as the others (a task)."""
    job.step(0.0, f"Reading {model.path.name}")
    _book(read(model.path))


def attribute_text(attribute: onnx.AttributeProto) -> str:
    """An attribute's value for people: short lists in full, tensors by type and first values, graphs by their size."""
    if attribute.ref_attr_name:
        return f"the function's {attribute.ref_attr_name}"
    kind = attribute.type
    if kind == 1:
        return f"{attribute.f:g}"
    if kind == 2:
        return dtype_name(attribute.i) if attribute.name in ("to", "dtype", "output_dtype") else str(attribute.i)
    if kind == 3:
        return _cut(attribute.s.decode("utf-8", "backslashreplace"))
    if kind == 4:
        return _tensor_text(attribute.t)
    if kind == 5:
        return _graph_text(attribute.g)
    if kind == 6:
        return _listed([f"{value:g}" for value in attribute.floats[:_LIST]], len(attribute.floats))
    if kind == 7:
        return _listed([str(value) for value in attribute.ints[:_LIST]], len(attribute.ints))
    if kind == 8:
        return _listed([value.decode("utf-8", "backslashreplace") for value in attribute.strings[:_LIST]], len(attribute.strings))
    if kind == 9:
        return _listed([_tensor_text(tensor) for tensor in attribute.tensors[:3]], len(attribute.tensors))
    if kind == 10:
        return _listed([_graph_text(graph) for graph in attribute.graphs[:3]], len(attribute.graphs))
    if kind == 11:
        return f"sparse {describe(attribute.sparse_tensor.values.data_type, list(attribute.sparse_tensor.dims))}"
    return str(attribute).strip()[:_TEXT]


def _tensor_text(tensor: onnx.TensorProto) -> str:
    from core.model.details import small

    said = describe(tensor.data_type, list(tensor.dims))
    if tensor.data_type == 8:
        return f"{said}: {_listed([text.decode('utf-8', 'backslashreplace') for text in tensor.string_data[:6]], len(tensor.string_data))}"
    values = small(tensor)
    if values is None or not values:
        return said
    return f"{said}: {', '.join(f'{value:g}' for value in values)}"


def _graph_text(graph: onnx.GraphProto) -> str:
    return f"graph, {len(graph.node)} node{'s' * (len(graph.node) != 1)}"


def _listed(values: list[str], total: int) -> str:
    return _cut(f"[{', '.join(values)}{f', … {total} in all' if total > len(values) else ''}]")


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def _schema(node: onnx.NodeProto, proto: onnx.ModelProto) -> onnx.defs.OpSchema | None:
    from onnx import defs

    domain = "" if node.domain == "ai.onnx" else node.domain
    version = next((entry.version for entry in proto.opset_import if entry.domain in ((domain, "ai.onnx") if not domain else (domain,))), 1)
    try:
        return defs.get_schema(node.op_type, min(version, _NEWEST), domain)
    except defs.SchemaError:
        return None


def _slot(schema: onnx.defs.OpSchema | None, place: int, side: str) -> str:
    formal = list(getattr(schema, side)) if schema is not None else []
    if place < len(formal):
        return str(formal[place].name)
    if formal and formal[-1].option == type(formal[-1].option).Variadic:
        return f"{formal[-1].name} {place - len(formal) + 2}"
    return str(place)


def _paragraph(doc: str | None) -> str:
    """The first paragraph of an operator's documentation, its line breaks and markup taken out."""
    for block in re.split(r"\n\s*\n", (doc or "").strip()):
        text = " ".join(block.split())
        if text:
            return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    return ""


def _function_doc(node: onnx.NodeProto, proto: onnx.ModelProto) -> str:
    for function in proto.functions:
        if (function.domain, function.name) == (node.domain, node.op_type):
            return _paragraph(function.doc_string) or f"A function of this model, {len(function.node)} nodes."
    return ""


class _Book:
    """One source's graph, made ready to be asked: rows by name, makers and readers by tensor."""

    def __init__(self, source: Source) -> None:
        self.columns = opening.index_of(source)
        self.graph = summary.shaped(source)[0].graph
        self.types = Types(self.graph)
        self.weights = source.initializers()
        self.rows = {name: row for row, name in enumerate(self.columns.names)}
        columns = self.columns
        self._makers: dict[str, int] = {}
        self._readers: dict[str, list[int]] = {}
        for src, dst, tensor in zip(columns.src.tolist(), columns.dst.tolist(), columns.tensor.tolist(), strict=True):
            name = columns.tensors[tensor]
            self._makers[name] = src
            self._readers.setdefault(name, []).append(dst)

    def makers(self, tensor: str) -> tuple[str, ...]:
        row = self._makers.get(tensor)
        return () if row is None else (self.columns.names[row],)

    def readers(self, tensor: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.columns.names[row] for row in self._readers.get(tensor, ())))

    def row(self, tensor: str, slot: str, others: tuple[str, ...]) -> TensorRow:
        weight = self.weights.get(tensor)
        said = describe(weight.data_type, list(weight.dims)) if weight is not None else self.types.text(tensor)
        return TensorRow(slot=slot, name=tensor, type=said, others=others, is_initializer=weight is not None)

    def end(self, row: int) -> NodePage:
        """The page of a graph input or output."""
        columns = self.columns
        is_input = columns.kind[row] == index.INPUT
        if is_input:
            given = [value.name for value in self.graph.input if value.name not in self.weights]
            tensor = given[row]
        else:
            tensor = self.graph.output[row - (len(columns) - len(self.graph.output))].name
        return NodePage(
            name=columns.names[row],
            op="Input" if is_input else "Output",
            domain="",
            attributes=(),
            inputs=() if is_input else (self.row(tensor, "", self.makers(tensor)),),
            outputs=(self.row(tensor, "", self.readers(tensor)),) if is_input else (),
            doc="What the model is given." if is_input else "What the model answers.",
            macs=0.0,
            parameters=0 if is_input or tensor not in self.weights else elements(self.weights[tensor].dims),
        )


def _book(source: Source) -> _Book:
    book: _Book | None = source.facts.get("book")
    if book is None:
        book = source.facts["book"] = _Book(source)
    return book
