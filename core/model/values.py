"""What is said of a graph's tensors: dtype and shape by name, found once and quickly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model import TensorType
from core.model.tensors import dtype_name

if TYPE_CHECKING:
    import onnx

Dims = tuple[int | str | None, ...]


def tensor_type(value: onnx.ValueInfoProto) -> TensorType:
    """A graph input or output as `TensorType`; sequences, optionals and maps say so in `dtype`."""
    dtype, dims = _unwrap(value.type)
    return TensorType(name=value.name, dtype=dtype, shape=dims)


def _unwrap(proto: onnx.TypeProto) -> tuple[str, Dims | None]:
    if proto.HasField("tensor_type"):  # nearly always
        tensor = proto.tensor_type
        return dtype_name(tensor.elem_type), _dims(tensor.shape) if tensor.HasField("shape") else None
    kind = proto.WhichOneof("value")
    if kind == "sparse_tensor_type":
        sparse = proto.sparse_tensor_type
        return f"sparse {dtype_name(sparse.elem_type)}", _dims(sparse.shape) if sparse.HasField("shape") else None
    if kind in ("sequence_type", "optional_type"):
        dtype, dims = _unwrap(getattr(proto, kind).elem_type)
        return f"{kind.split('_')[0]}({dtype})", dims
    if kind == "map_type":
        return "map", None
    return "undefined", None


def _dims(shape: onnx.TensorShapeProto) -> Dims:
    found: list[int | str | None] = []
    for dim in shape.dim:
        # zero and unset look alike until HasField is asked; some exporters write -1 for what they do not know
        known = dim.dim_value
        found.append((known if known > 0 else None) if known else dim.dim_param or (0 if dim.HasField("dim_value") else None))
    return tuple(found)


class Types:
    """dtype and dims of every tensor of one graph that the model tells of: inputs, outputs, value_info, initializers.

    Equal types are read once: a large graph has few different ones.
    """

    def __init__(self, graph: onnx.GraphProto, outer: Types | None = None) -> None:
        self._outer = outer
        self._types: dict[str, onnx.TypeProto] = {}
        for values in (graph.value_info, graph.output, graph.input):
            self._types.update([(value.name, value.type) for value in values])
        self._said: dict[str, _Said] = {}
        self._known: dict[bytes, _Said] = outer._known if outer else {}
        self.weights: dict[str, tuple[str, tuple[int, ...]]] = dict(outer.weights) if outer else {}
        for tensor in graph.initializer:
            self.weights[tensor.name] = dtype_name(tensor.data_type), tuple(tensor.dims)

    def _find(self, name: str) -> _Said:
        said = self._said.get(name)
        if said is None:
            weight = self.weights.get(name)
            proto = self._types.get(name) if weight is None else None
            if weight is not None:
                said = _say(*weight)
            elif proto is not None:
                packed = proto.SerializeToString()
                said = self._known.get(packed)
                if said is None:
                    said = self._known[packed] = _say(*_unwrap(proto))
            else:
                said = self._outer._find(name) if self._outer else _NOTHING
            self._said[name] = said
        return said

    def set_weight(self, name: str, dtype: str, dims: tuple[int, ...]) -> None:
        """Tell of a Constant's tensor."""
        self.weights[name] = dtype, dims

    def get(self, name: str) -> tuple[str, Dims | None]:
        """(dtype, dims) of a tensor; ("", None) when nothing is said of it."""
        said = self._find(name)
        return said[0], said[1]

    def dims(self, name: str) -> Dims | None:
        """The dims of a tensor; None when its rank is not known."""
        return self._find(name)[1]

    def shape_text(self, name: str) -> str:
        """`1×32×112×112`, or empty: for the small line in a box."""
        return self._find(name)[3]

    def text(self, name: str) -> str:
        """`float32[1, 32, 112, 112]`, or empty."""
        return self._find(name)[2]


#: dtype, dims, `float32[1, 32]`, `1×32`
_Said = tuple[str, Dims | None, str, str]
_NOTHING: _Said = ("", None, "", "")


def _say(dtype: str, dims: Dims | None) -> _Said:
    if dtype == "undefined":
        return "", dims, "", ""
    if dims is None:
        return dtype, None, f"{dtype}[…]", ""
    words = ["?" if dim is None else str(dim) for dim in dims]
    return dtype, dims, f"{dtype}[{', '.join(words)}]", "×".join(words)
