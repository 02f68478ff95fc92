"""ONNX Runtime's words for types, as Sardonyx says them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from core.model import TensorType

if TYPE_CHECKING:
    import onnx

#: What ONNX Runtime calls by another name than numpy.
_WORDS = {"float": "float32", "double": "float64"}


def tensor_type(item: Any) -> TensorType:
    """A session's input or output (`NodeArg`) as a `TensorType`; dims that only ONNX Runtime named become None."""
    word = item.type.removeprefix("tensor(").removesuffix(")") if item.type.startswith("tensor(") else item.type
    dims = tuple(None if isinstance(dim, str) and dim.startswith("unk__") else dim for dim in item.shape)
    return TensorType(item.name, _WORDS.get(word, word), dims)


def tensor_types(items: Iterable[Any]) -> tuple[TensorType, ...]:
    """`tensor_type` of each."""
    return tuple(tensor_type(item) for item in items)


def has_float8(graph: onnx.GraphProto) -> bool:
    """Whether 8-bit floating point occurs among initializers, zero points or casts."""
    from onnx import TensorProto

    names = TensorProto.DataType.keys()
    kinds = {TensorProto.DataType.Value(name) for name in names if name.startswith("FLOAT8")}
    if any(tensor.data_type in kinds for tensor in graph.initializer):
        return True
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "output_dtype") and attribute.i in kinds:
                return True
            if attribute.name == "value" and attribute.t.data_type in kinds:
                return True
    return False
