"""The one line under an op's name in its box: what makes this Conv differ from the next."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from core.model.tensors import EXTERNAL, dtype_name
from core.model.values import Types

if TYPE_CHECKING:
    import onnx

#: struct letters and widths of the dtypes whose small constants are read.
_LETTERS = {1: ("f", 4), 6: ("i", 4), 7: ("q", 8), 10: ("e", 2), 11: ("d", 8), 3: ("b", 1), 2: ("B", 1)}
_MOST = 12


class Constants:
    """Small constants by tensor name: initializers, and what Constant nodes make (either a tensor or plain numbers)."""

    def __init__(self, tensors: Mapping[str, onnx.TensorProto], plain: Mapping[str, list[float]]) -> None:
        self._tensors = tensors
        self._plain = plain

    def numbers(self, name: str) -> list[float] | None:
        """The values of a small numeric constant; None when it is none, or not small."""
        found = self._plain.get(name)
        if found is None:
            tensor = self._tensors.get(name)
            return None if tensor is None else small(tensor)
        return found if len(found) <= _MOST else None


def small(tensor: onnx.TensorProto) -> list[float] | None:
    """The values of a tensor of at most a dozen plain numbers, flat; None for others."""
    kind = _LETTERS.get(tensor.data_type)
    if kind is None:
        return None
    raw = tensor.raw_data
    if raw:
        letter, width = kind
        count = len(raw) // width
        return list(struct.unpack(f"<{count}{letter}", raw)) if count <= _MOST and len(raw) == count * width else None
    if tensor.data_location == EXTERNAL:
        return None
    for values in (tensor.int64_data, tensor.float_data, tensor.double_data):
        if values:
            return list(values) if len(values) <= _MOST else None
    if tensor.int32_data and tensor.data_type != 10:
        return list(tensor.int32_data) if len(tensor.int32_data) <= _MOST else None
    return None


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        kind = attribute.type
        if kind == 7:
            found[attribute.name] = list(attribute.ints)
        elif kind == 2:
            found[attribute.name] = attribute.i
        elif kind == 1:
            found[attribute.name] = attribute.f
        elif kind == 3:
            found[attribute.name] = attribute.s.decode("utf-8", "replace")
    return found


def _times(dims: Any) -> str:
    return "×".join("?" if dim is None else str(dim) for dim in dims)


def _number(value: float) -> str:
    return f"{value:g}"


def _steps(strides: list[int]) -> str:
    if not strides or all(stride == 1 for stride in strides):
        return ""
    return f" /{strides[0]}" if len(set(strides)) == 1 else f" /{_times(strides)}"


def _conv(weight: int, transposed: bool = False) -> Callable[[onnx.NodeProto, Types, Constants], str]:
    def say(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
        attributes = _attributes(node)
        dims = types.dims(node.input[weight]) if len(node.input) > weight else None
        kernel = attributes.get("kernel_shape") or (list(dims[2:]) if dims else [])
        if not kernel:
            return ""
        group = attributes.get("group", 1)
        text = _times(kernel) + _steps(attributes.get("strides", []))
        dilations = attributes.get("dilations", [])
        if any(dilation != 1 for dilation in dilations):
            text += f" d{dilations[0]}"
        channels = None
        if dims:
            channels = dims[1] * group if transposed and isinstance(dims[1], int) else dims[0]
        if group > 1 and dims and dims[0 if transposed else 1] in (1, group):
            return f"dw {text}" + (f" · {channels}" if channels is not None else "")
        if group > 1:
            text += f" g{group}"
        return text + (f" · {channels}" if channels is not None else "")

    return say


def _matrix(place: int) -> Callable[[onnx.NodeProto, Types, Constants], str]:
    def say(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
        if len(node.input) <= place:
            return ""
        dims = types.weights.get(node.input[place], (None, None))[1]
        if dims is None or len(dims) != 2:
            return ""
        if node.op_type.endswith("Gemm") and _attributes(node).get("transB"):
            dims = dims[::-1]
        return _times(dims)

    return say


def _nbits(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    attributes = _attributes(node)
    return f"{attributes.get('K', '?')}×{attributes.get('N', '?')} · {attributes.get('bits', 4)} bit"


def _pool(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    attributes = _attributes(node)
    kernel = attributes.get("kernel_shape")
    return _times(kernel) + _steps(attributes.get("strides", [])) if kernel else ""


def _reshape(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    target = _attributes(node).get("shape") or (constants.numbers(node.input[1]) if len(node.input) > 1 else None)
    return f"→ {_times(int(dim) for dim in target)}" if target else ""


def _transpose(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    perm = _attributes(node).get("perm")
    return f"({', '.join(map(str, perm))})" if perm else ""


def _clip(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    attributes = _attributes(node)
    bounds = [attributes.get("min"), attributes.get("max")]
    for place in (1, 2):
        if len(node.input) > place and node.input[place]:
            found = constants.numbers(node.input[place])
            bounds[place - 1] = found[0] if found else None
    if bounds == [None, None]:
        return ""
    return " … ".join("" if bound is None else _number(bound) for bound in bounds).strip()


def _cast(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    to = _attributes(node).get("to")
    return f"→ {dtype_name(to)}" if isinstance(to, int) else ""


def _axis(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    for attribute in node.attribute:
        if attribute.name == "axis":
            return f"axis {attribute.i}"
    return ""


def _axes(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    axes = constants.numbers(node.input[1]) if len(node.input) > 1 else None
    if axes is None:
        axes = next((list(attribute.ints) for attribute in node.attribute if attribute.name == "axes"), None)
    if not axes:
        return ""
    return f"axis {int(axes[0])}" if len(axes) == 1 else f"axes {', '.join([str(int(axis)) for axis in axes])}"


def _hidden(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    attributes = _attributes(node)
    way = " both ways" if attributes.get("direction") == "bidirectional" else ""
    return f"{attributes['hidden_size']}{way}" if "hidden_size" in attributes else ""


def _equation(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    return str(_attributes(node).get("equation", ""))


def _operand(node: onnx.NodeProto, types: Types, constants: Constants) -> str:
    """`× 0.125` where one side is a scalar constant."""
    if len(node.input) < 2:
        return ""
    found = constants.numbers(node.input[1])
    return f"{_SIGNS[node.op_type]} {_number(found[0])}" if found and len(found) == 1 else ""


_SIGNS = {"Add": "+", "Sub": "−", "Mul": "×", "Div": "÷", "Pow": "^"}


#: Op -> its line: `3×3 /2 · 32` for a Conv, `384×1536` for a MatMul, the target of a Reshape, ...; empty where it has nothing
#: to say, and then, as for ops that are not here, the shape of the first output is the line.
LINES: dict[str, Callable[[onnx.NodeProto, Types, Constants], str]] = {
    "Conv": _conv(1),
    "FusedConv": _conv(1),
    "ConvInteger": _conv(1),
    "QLinearConv": _conv(3),
    "ConvTranspose": _conv(1, transposed=True),
    "MatMul": _matrix(1),
    "Gemm": _matrix(1),
    "MatMulInteger": _matrix(1),
    "QLinearMatMul": _matrix(3),
    "QGemm": _matrix(3),
    "MatMulNBits": _nbits,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "LpPool": _pool,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Clip": _clip,
    "Cast": _cast,
    "Concat": _axis,
    "Gather": _axis,
    "Split": _axis,
    "Softmax": _axis,
    "LogSoftmax": _axis,
    "Squeeze": _axes,
    "Unsqueeze": _axes,
    "ReduceMean": _axes,
    "ReduceSum": _axes,
    "ReduceMax": _axes,
    "LSTM": _hidden,
    "GRU": _hidden,
    "RNN": _hidden,
    "Einsum": _equation,
    "Add": _operand,
    "Sub": _operand,
    "Mul": _operand,
    "Div": _operand,
    "Pow": _operand,
}
