"""The page of a node inside of another one: in a branch of an If, the body of a Loop or Scan, or a function of the model."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from core.model import bodies, index, manual, opening, pages, summary
from core.model.attributes import attribute_text
from core.model.source import Source
from core.model.tensors import describe
from core.model.values import Types

if TYPE_CHECKING:
    import onnx

    from core.model.index import GraphIndex


def inner_page(source: Source, name: str) -> pages.NodePage | None:
    """The page of the row of the deep index that is called `name`; None when there is none, or it is of the main graph."""
    deep = opening.deep_of(source)
    rows: dict[str, int] | None = source.facts.get("deep rows")
    if rows is None:
        rows = source.facts["deep rows"] = {each: row for row, each in enumerate(deep.names)}
    row = rows.get(name)
    if row is None or deep.holder is None or deep.holder[row] < 0:
        return None
    light = summary.shaped(source)[0]
    if deep.kind[row] != index.NODE:
        return _input(deep, light, row)
    node, body = bodies.node_of(deep, light, row)
    types = types_of(deep, light, row)
    schema = manual.schema_of(node, light.opset_import)
    said = pages.manual_of(node, light, schema)
    weights = {tensor.name: tensor for tensor in getattr(body, "initializer", ())}
    known = source.initializers()
    cost = float(deep.macs[row])

    def line(tensor: str, slot: str, others: tuple[str, ...]) -> pages.TensorRow:
        weight = weights.get(tensor) if tensor in weights else None if others else known.get(tensor)
        kind = describe(weight.data_type, list(weight.dims)) if weight is not None else types.text(tensor)
        return pages.TensorRow(slot=slot, name=tensor, type=kind, others=others, is_initializer=weight is not None)

    return pages.NodePage(
        name=name,
        op=node.op_type,
        domain=node.domain,
        attributes=tuple((str(attribute.name), attribute_text(attribute)) for attribute in node.attribute),
        inputs=tuple(
            line(tensor, manual.slot(schema, place, "inputs"), _ends(deep, row, tensor, into=True))
            for place, tensor in enumerate(node.input)
            if tensor
        ),
        outputs=tuple(
            line(tensor, manual.slot(schema, place, "outputs"), _ends(deep, row, tensor, into=False))
            for place, tensor in enumerate(node.output)
            if tensor
        ),
        doc=pages.first_paragraph(said.text) if said is not None else "",
        macs=None if isnan(cost) else cost,
        parameters=int(deep.parameters[row]),
        since=int(schema.since_version) if schema is not None else 0,
        note=node.doc_string,
        manual=said,
    )


def types_of(deep: GraphIndex, proto: onnx.ModelProto, row: int) -> Types:
    """What is known of the tensors in the body that a row is in, and around it."""
    import onnx

    assert deep.holder is not None
    assert deep.body is not None
    holder = int(deep.holder[row])
    if holder < 0:
        return Types(proto.graph)
    body = bodies.body_of(deep, proto, holder, deep.body_names[int(deep.body[row])])
    if isinstance(body, onnx.GraphProto):
        return Types(body, types_of(deep, proto, holder))
    return Types(onnx.GraphProto(value_info=body.value_info))


def _ends(deep: GraphIndex, row: int, tensor: str, *, into: bool) -> tuple[str, ...]:
    """The rows at the other end of a tensor that a row reads (`into`) or makes, by name; tensors of bodies may go by their path."""
    import numpy as np

    here, there = (deep.dst, deep.src) if into else (deep.src, deep.dst)
    found = []
    for edge in np.flatnonzero(here == row).tolist():
        said = deep.tensors[int(deep.tensor[edge])]
        if said == tensor or said.endswith(f"/{tensor}"):
            found.append(deep.names[int(there[edge])])
    return tuple(dict.fromkeys(found))


def _input(deep: GraphIndex, proto: onnx.ModelProto, row: int) -> pages.NodePage:
    """The page of what a body is given."""
    import numpy as np

    name = deep.names[row]
    made = np.flatnonzero(deep.src == row).tolist()
    given = np.flatnonzero(deep.dst == row).tolist()
    types = types_of(deep, proto, row)
    assert deep.holder is not None
    holder = deep.names[int(deep.holder[row])]
    own = name.rpartition("/")[2]
    readers = tuple(dict.fromkeys(deep.names[int(deep.dst[edge])] for edge in made))
    output = pages.TensorRow(slot="", name=own, type=types.text(own), others=readers)
    inputs = tuple(
        pages.TensorRow(
            slot="",
            name=deep.tensors[int(deep.tensor[edge])],
            type=deep.tensor_types[int(deep.tensor[edge])],
            others=(deep.names[int(deep.src[edge])],),
        )
        for edge in given
    )
    return pages.NodePage(
        name=name, op="Input", domain="", attributes=(), inputs=inputs, outputs=(output,),
        doc=f"What the body of {holder} is given.", macs=0.0, parameters=0,
    )  # fmt: skip
