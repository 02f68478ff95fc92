"""An attribute's value for people, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model.details import small
from core.model.tensors import describe, dtype_name

if TYPE_CHECKING:
    import onnx

#: Values of a list that are written out; characters of the whole.
_LIST, _TEXT = 24, 400


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
