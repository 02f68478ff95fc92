"""Everything there is to say about one node, for the properties panel."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.job import Job
from core.model import Model, index, manual, opening, sound, summary
from core.model.attributes import attribute_text
from core.model.manual import Manual
from core.model.source import Source, read
from core.model.tensors import describe, elements
from core.model.values import Types

if TYPE_CHECKING:
    import onnx


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
    #: Of the operator, or of the model's own function; None for what neither defines.
    manual: Manual | None = None


def node_page(model: Model, name: str, job: Job) -> NodePage:
    """The page of the node (or graph input or output) that the index calls `name` (a task).

    Raises `ModelError`, with the nearest names, when there is none.
    """
    source = read(model.path)
    book = book_of(source)
    row = book.rows.get(name)
    if row is None:
        from core.model.inner_page import inner_page

        inside = inner_page(source, name)
        if inside is not None:
            return inside
        near = difflib.get_close_matches(name, book.rows, 3)
        raise ModelError(
            f"There is no node '{name}' in {model.path.name}.", hint=f"Perhaps {' or '.join(near)}?" if near else "Search by op."
        )
    columns = book.columns
    if columns.kind[row] != index.NODE:
        return book.end(row)
    node = book.graph.node[int(columns.file_index[row])]
    schema = manual.schema_of(node, source.proto.opset_import)
    said = manual_of(node, source.proto, schema)
    cost = float(columns.macs[row])
    return NodePage(
        name=name,
        op=node.op_type,
        domain=node.domain,
        attributes=tuple((str(attribute.name), attribute_text(attribute)) for attribute in node.attribute),
        inputs=tuple(
            book.row(tensor, manual.slot(schema, place, "inputs"), book.makers(tensor)) for place, tensor in enumerate(node.input) if tensor
        )
        + tuple(book.row(tensor, "captured", book.makers(tensor)) for tensor in sound.captured(node)),
        outputs=tuple(
            book.row(tensor, manual.slot(schema, place, "outputs"), book.readers(tensor))
            for place, tensor in enumerate(node.output)
            if tensor
        ),
        doc=first_paragraph(said.text) if said is not None else "",
        macs=None if isnan(cost) else cost,
        parameters=int(columns.parameters[row]),
        since=int(schema.since_version) if schema is not None else 0,
        note=node.doc_string,
        manual=said,
    )


def prepare(model: Model, job: Job) -> None:
    """Make a model's pages ready, so that the first one is as quick as the others (a task)."""
    job.step(0.0, f"Reading {model.path.name}")
    book_of(read(model.path))


def manual_of(node: onnx.NodeProto, proto: onnx.ModelProto, schema: onnx.defs.OpSchema | None) -> Manual | None:
    """What is said of a node's operator: by ONNX, or by the model's own function."""
    if schema is not None:
        return manual.of_schema(schema)
    local = (each for each in proto.functions if (each.domain, each.name) == (node.domain, node.op_type))
    return next((manual.of_function(each) for each in local), None)


def first_paragraph(text: tuple[tuple[str, str], ...]) -> str:
    """The first paragraph of a documentation, in one line."""
    return next((part.replace("\n", " ") for kind, part in text if kind == "words"), "")


class Book:
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


def book_of(source: Source) -> Book:
    book: Book | None = source.facts.get("book")
    if book is None:
        book = source.facts["book"] = Book(source)
    return book
