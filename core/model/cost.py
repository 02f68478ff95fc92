"""Multiply-accumulates of one node, from shapes alone.

Dims that are symbolic or unknown count as 1 (so a batch `N` is one sample); an unknown rank makes the count nan.
Formulas: the definition of each op in the ONNX operator specification; one multiply and one add are one MAC; biases,
activations and normalisations count nothing, as in the papers that report MACs of ResNet-50 or EfficientNet.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan, prod
from typing import TYPE_CHECKING

from core.model.values import Dims, Types

if TYPE_CHECKING:
    import onnx

Count = Callable[["onnx.NodeProto", Types], float]


def macs(node: onnx.NodeProto, types: Types) -> float:
    """Multiply-accumulates of `node`; 0 for ops that have none, nan where a shape that it takes is not known, or no shape."""
    count = COUNTS.get(node.op_type)
    if count is None:
        return 0.0
    try:
        found = count(node, types)
    except (_Unknown, OverflowError):
        return nan
    return found if found >= 0 else nan


class _Unknown(Exception):  # noqa: N818 - control flow inside this file
    """A shape that the count takes is not known."""


def _dims(types: Types, names: object, place: int) -> list[int]:
    try:
        found: Dims | None = types.dims(names[place])  # type: ignore[index]
    except IndexError:
        raise _Unknown from None
    if found is None:
        raise _Unknown
    return [dim if isinstance(dim, int) else 1 for dim in found]


def _int(node: onnx.NodeProto, name: str, default: int) -> int:
    for attribute in node.attribute:
        if attribute.name == name:
            return int(attribute.i)
    return default


def _conv(weight: int) -> Count:
    def count(node: onnx.NodeProto, types: Types) -> float:
        return float(prod(_dims(types, node.output, 0)) * prod(_dims(types, node.input, weight)[1:]))

    return count


def _conv_transpose(node: onnx.NodeProto, types: Types) -> float:
    return float(prod(_dims(types, node.input, 0)) * prod(_dims(types, node.input, 1)[1:]))


def _gemm(left: int, right: int) -> Count:
    def count(node: onnx.NodeProto, types: Types) -> float:
        a, b = _dims(types, node.input, left), _dims(types, node.input, right)
        if len(a) != 2 or len(b) != 2:
            raise _Unknown
        rows, depth = reversed(a) if _int(node, "transA", 0) else a
        return float(rows * depth * (b[0] if _int(node, "transB", 0) else b[1]))

    return count


def _matmul(left: int, right: int) -> Count:
    def count(node: onnx.NodeProto, types: Types) -> float:
        a, b = _dims(types, node.input, left), _dims(types, node.input, right)
        if not a or not b:
            raise _Unknown
        if node.op_type == "FusedMatMul":
            if _int(node, "transA", 0) and len(a) > 1:
                a[-1], a[-2] = a[-2], a[-1]
            if _int(node, "transB", 0) and len(b) > 1:
                b[-1], b[-2] = b[-2], b[-1]
        rows, columns = (a[-2] if len(a) > 1 else 1), (b[-1] if len(b) > 1 else 1)
        batch = 1
        for at in range(3, max(len(a), len(b)) + 1):  # the leading dims broadcast
            batch *= max(a[-at] if len(a) >= at else 1, b[-at] if len(b) >= at else 1)
        # a symbolic depth counts as 1 on one side only: take the side that knows it
        depth = max(a[-1], b[-2] if len(b) > 1 else b[-1])
        return float(batch * rows * columns * depth)

    return count


def _nbits(node: onnx.NodeProto, types: Types) -> float:
    return float(prod(_dims(types, node.input, 0)[:-1]) * _int(node, "K", 0) * _int(node, "N", 0))


def _einsum(node: onnx.NodeProto, types: Types) -> float:
    equation = next((attribute.s.decode(errors="replace") for attribute in node.attribute if attribute.name == "equation"), "").replace(
        " ", ""
    )
    operands = equation.split("->")[0].split(",")
    if len(operands) != len(node.input) or len(operands) < 2 or "." in equation:
        if len(operands) == 1 == len(node.input):
            return 0.0
        raise _Unknown
    sizes: dict[str, int] = {}
    for place, labels in enumerate(operands):
        dims = _dims(types, node.input, place)
        if len(dims) != len(labels):
            raise _Unknown
        for label, dim in zip(labels, dims, strict=True):
            sizes[label] = max(sizes.get(label, 1), dim)
    return float(prod(sizes.values()) * (len(operands) - 1))


def _recurrent(node: onnx.NodeProto, types: Types) -> float:
    x = _dims(types, node.input, 0)
    if len(x) != 3:
        raise _Unknown
    return float(x[0] * x[1] * (prod(_dims(types, node.input, 1)) + prod(_dims(types, node.input, 2))))


def _attention(node: onnx.NodeProto, types: Types) -> float:
    """ONNX's Attention takes Q, K and V; the older one of ONNX Runtime takes the input and the packed projection."""
    q = _dims(types, node.input, 0)
    if node.domain == "com.microsoft":
        weight = _dims(types, node.input, 1)
        if len(q) != 3 or len(weight) != 2:
            raise _Unknown
        return float(q[0] * q[1] * prod(weight) + 2 * q[0] * q[1] * q[1] * (weight[1] // 3))
    k, v = _dims(types, node.input, 1), _dims(types, node.input, 2)
    if len(q) == 4 and len(k) == 4 and len(v) == 4:
        return float(q[0] * q[1] * q[2] * k[2] * (q[3] + v[3]))
    if len(q) == 3 and len(k) == 3 and len(v) == 3:
        heads, shared = _int(node, "q_num_heads", 1), _int(node, "kv_num_heads", 1)
        return float(q[0] * q[1] * k[1] * (q[2] + v[2] * heads // max(shared, 1)))
    raise _Unknown


def _multi_head(node: onnx.NodeProto, types: Types) -> float:
    q, k = _dims(types, node.input, 0), _dims(types, node.input, 1)
    if len(q) != 3 or len(k) != 3:
        raise _Unknown
    return float(2 * q[0] * q[1] * k[1] * q[2])


COUNTS: dict[str, Count] = {
    "Conv": _conv(1),
    "FusedConv": _conv(1),
    "ConvInteger": _conv(1),
    "DeformConv": _conv(1),
    "QLinearConv": _conv(3),
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm(0, 1),
    "FusedGemm": _gemm(0, 1),
    "QGemm": _gemm(0, 3),
    "MatMul": _matmul(0, 1),
    "FusedMatMul": _matmul(0, 1),
    "MatMulInteger": _matmul(0, 1),
    "MatMulIntegerToFloat": _matmul(0, 1),
    "DynamicQuantizeMatMul": _matmul(0, 1),
    "QLinearMatMul": _matmul(0, 3),
    "MatMulNBits": _nbits,
    "Einsum": _einsum,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
    "Attention": _attention,
    "MultiHeadAttention": _multi_head,
}
