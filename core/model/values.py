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
        # zero and unset look alike until HasField is asked
        found.append(dim.dim_value or dim.dim_param or (0 if dim.HasField("dim_value") else None))
    return tuple(found)


class Types:
    """dtype and dims of every tensor of one graph that the model tells of: inputs, outputs, value_info, initializers.

    Equal types are read once: a large graph has few different ones.
    """

    def __init__(self, graph: onnx.GraphProto, outer: Types | None = None) -> None:
        self._outer = outer
        self._packed: dict[str, bytes] = {}
        for values in (graph.value_info, graph.output, graph.input):
            self._packed.update([(value.name, value.type.SerializeToString()) for value in values])
        self._known: dict[bytes, tuple[str, Dims | None]] = outer._known if outer else {}
        self._texts: dict[bytes, str] = outer._texts if outer else {}
        self._shapes: dict[bytes, str] = outer._shapes if outer else {}
        self.weights: dict[str, tuple[str, tuple[int, ...]]] = dict(outer.weights) if outer else {}
        for tensor in graph.initializer:
            self.weights[tensor.name] = dtype_name(tensor.data_type), tuple(tensor.dims)

    def get(self, name: str) -> tuple[str, Dims | None]:
        """(dtype, dims) of a tensor; ("", None) when nothing is said of it."""
        weight = self.weights.get(name)
        if weight is not None:
            return weight
        packed = self._packed.get(name)
        if packed is None:
            return self._outer.get(name) if self._outer else ("", None)
        found = self._known.get(packed)
        if found is None:
            import onnx

            found = self._known[packed] = _unwrap(onnx.TypeProto.FromString(packed))
        return found

    def dims(self, name: str) -> Dims | None:
        """The dims of a tensor; None when its rank is not known."""
        return self.get(name)[1]

    def shape_text(self, name: str) -> str:
        """`1×32×112×112`, or empty: for the small line in a box."""
        packed = self._packed.get(name)
        if packed is None:
            return ""
        found = self._shapes.get(packed)
        if found is None:
            dims = self.get(name)[1]
            found = self._shapes[packed] = "×".join("?" if dim is None else str(dim) for dim in dims) if dims else ""
        return found

    def text(self, name: str) -> str:
        """`float32[1, 32, 112, 112]`, or empty."""
        packed = self._packed.get(name)
        if packed is None:
            weight = self.weights.get(name)
            return TensorType("", *weight).text() if weight else ""
        found = self._texts.get(packed)
        if found is None:
            dtype, dims = self.get(name)
            found = self._texts[packed] = "" if dtype == "undefined" else TensorType("", dtype, dims).text()
        return found
