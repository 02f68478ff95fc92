"""Models that one runtime or another refuses, each for one reason; all are valid ONNX unless they say otherwise."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.models import IR_VERSION, OPSET

F32, BF16, F8 = TensorProto.FLOAT, TensorProto.BFLOAT16, TensorProto.FLOAT8E4M3FN
node = helper.make_node


def _model(
    nodes: list[onnx.NodeProto],
    shape: list[int | str],
    initializers: list[onnx.TensorProto],
    *,
    dtype: int = F32,
    opset: int = OPSET,
    ir_version: int = IR_VERSION,
    domain: str = "",
) -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "refused", [value("x", dtype, shape)], [value("y", dtype, shape)], initializers)
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)


def _weights(name: str, *shape: int, dtype: str = "float32") -> onnx.TensorProto:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(shape) if dtype.startswith("float") else rng.integers(-127, 127, shape)
    return numpy_helper.from_array(values.astype(dtype), name)


def matmul() -> onnx.ModelProto:
    """One float32 MatMul `product`: fine everywhere but on Turing."""
    return _model([node("MatMul", ["x", "w"], ["y"], name="product")], ["N", 16], [_weights("w", 16, 16)])


def dynamic_quantized() -> onnx.ModelProto:
    """DynamicQuantizeLinear `quantize` and ConvInteger `conv`: what ONNX Runtime's dynamic quantization makes."""
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"], name="quantize"),
        node("ConvInteger", ["q", "w", "zero"], ["sum"], name="conv"),
        node("Cast", ["sum"], ["y"], name="cast", to=F32),
    ]
    return _model(nodes, [1, 4, 8, 8], [_weights("w", 4, 4, 1, 1, dtype="int8")])


def qoperator() -> onnx.ModelProto:
    """A QLinearMatMul `product`."""
    scalars = [numpy_helper.from_array(np.float32(0.1), "s"), numpy_helper.from_array(np.int8(0), "z")]
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantize"),
        node("QLinearMatMul", ["q", "s", "z", "w", "s", "z", "s", "z"], ["r"], name="product"),
        node("DequantizeLinear", ["r", "s", "z"], ["y"], name="dequantize"),
    ]
    return _model(nodes, [1, 16], [*scalars, _weights("w", 16, 16, dtype="int8")])


def int8() -> onnx.ModelProto:
    """A Conv between symmetric int8 Q/DQ pairs on its inputs only: what TensorRT wants, refused by nobody."""
    scalars = [numpy_helper.from_array(np.float32(0.1), "s"), numpy_helper.from_array(np.int8(0), "z")]
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["xq"], name="xq"),
        node("DequantizeLinear", ["xq", "s", "z"], ["xd"], name="xd"),
        node("DequantizeLinear", ["w", "s", "z"], ["wd"], name="wd"),
        node("Conv", ["xd", "wd"], ["y"], name="conv"),
    ]
    return _model(nodes, [1, 4, 8, 8], [*scalars, _weights("w", 4, 4, 1, 1, dtype="int8")])


def chain(layers: int) -> onnx.ModelProto:
    """Many small convolutions one after the other: each costs a builder some 30 ms at its highest level."""
    nodes = [node("Conv", ["x" if i == 0 else f"t{i - 1}", "w"], [f"t{i}"], name=f"conv{i}", pads=[1] * 4) for i in range(layers)]
    nodes.append(node("Relu", [f"t{layers - 1}"], ["y"], name="relu"))
    return _model(nodes, [1, 8, 16, 16], [_weights("w", 8, 8, 3, 3)])


def int32_bias() -> onnx.ModelProto:
    """A Conv whose bias comes out of an int32 DequantizeLinear `bias`: ONNX Runtime's default."""
    nodes = [node("DequantizeLinear", ["b", "s"], ["bias_out"], name="bias"), node("Conv", ["x", "w", "bias_out"], ["y"], name="conv")]
    scale = numpy_helper.from_array(np.float32(0.1), "s")
    return _model(nodes, [1, 4, 8, 8], [_weights("b", 4, dtype="int32"), scale, _weights("w", 4, 4, 1, 1)])


def bfloat16() -> onnx.ModelProto:
    """A MatMul `product` in bfloat16 between casts."""
    nodes = [
        node("Cast", ["x"], ["x16"], name="in", to=BF16),
        node("Cast", ["w"], ["w16"], name="weights", to=BF16),
        node("MatMul", ["x16", "w16"], ["y16"], name="product"),
        node("Cast", ["y16"], ["y"], name="out", to=F32),
    ]
    return _model(nodes, ["N", 16], [_weights("w", 16, 16)])


def bfloat16_conv() -> onnx.ModelProto:
    """A Conv `conv` with bfloat16 tensors, which opset 17 does not allow (not valid)."""
    nodes = [
        node("Cast", ["x"], ["x16"], name="in", to=BF16),
        node("Cast", ["w"], ["w16"], name="weights", to=BF16),
        node("Conv", ["x16", "w16"], ["y16"], name="conv"),
        node("Cast", ["y16"], ["y"], name="out", to=F32),
    ]
    return _model(nodes, [1, 4, 8, 8], [_weights("w", 4, 4, 1, 1)])


def float8() -> onnx.ModelProto:
    """A MatMul between 8-bit floating point Q/DQ pairs."""
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["xq"], name="xq"),
        node("DequantizeLinear", ["xq", "s", "z"], ["xd"], name="xd"),
        node("QuantizeLinear", ["w", "s", "z"], ["wq"], name="wq"),
        node("DequantizeLinear", ["wq", "s", "z"], ["wd"], name="wd"),
        node("MatMul", ["xd", "wd"], ["y"], name="product"),
    ]
    scalars = [helper.make_tensor("s", F32, [], [0.1]), helper.make_tensor("z", F8, [], [0.0])]
    return _model(nodes, [16, 16], [*scalars, _weights("w", 16, 16)], opset=19)


def float8_conv() -> onnx.ModelProto:
    """A Conv `conv` between 8-bit floating point Q/DQ pairs, its output quantized too: what optimizers fuse."""
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["xq"], name="xq"),
        node("DequantizeLinear", ["xq", "s", "z"], ["xd"], name="xd"),
        node("DequantizeLinear", ["w", "s", "z"], ["wd"], name="wd"),
        node("Conv", ["xd", "wd"], ["c"], name="conv"),
        node("QuantizeLinear", ["c", "s", "z"], ["cq"], name="cq"),
        node("DequantizeLinear", ["cq", "s", "z"], ["y"], name="y"),
    ]
    scalars = [helper.make_tensor("s", F32, [], [0.1]), helper.make_tensor("z", F8, [], [0.0])]
    weights = helper.make_tensor("w", F8, [4, 4, 1, 1], np.random.default_rng(0).standard_normal(16).tolist())
    return _model(nodes, [1, 4, 8, 8], [*scalars, weights], opset=19)


def int16() -> onnx.ModelProto:
    """Q/DQ with an int16 zero point `z`."""
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantize"),
        node("DequantizeLinear", ["q", "s", "z"], ["y"], name="dequantize"),
    ]
    scalars = [numpy_helper.from_array(np.float32(0.1), "s"), numpy_helper.from_array(np.int16(0), "z")]
    return _model(nodes, [1, 4], scalars, opset=21)


def unknown_op() -> onnx.ModelProto:
    """A node `odd` of an operator that standard ONNX does not have (not valid)."""
    return _model([node("Oddity", ["x"], ["y"], name="odd")], [1, 4], [])


def custom_domain() -> onnx.ModelProto:
    """A node `odd` of the domain `com.example`."""
    return _model([node("Oddity", ["x"], ["y"], name="odd", domain="com.example")], [1, 4], [], domain="com.example")


def strings() -> onnx.ModelProto:
    """Text goes in and out."""
    return _model([node("Identity", ["x"], ["y"], name="same")], [1, 4], [], dtype=TensorProto.STRING)


def future_ir() -> onnx.ModelProto:
    """IR version 99."""
    return _model([node("Relu", ["x"], ["y"], name="relu")], [1, 4], [], ir_version=99)


def future_opset() -> onnx.ModelProto:
    """Opset 99 with an IR version that is known."""
    return _model([node("Relu", ["x"], ["y"], name="relu")], [1, 4], [], opset=99)


def unsupported() -> onnx.ModelProto:
    """A Unique node `unique`, which TensorRT does not have."""
    return _model([node("Unique", ["x"], ["y"], name="unique")], ["N"], [])


def undersized() -> onnx.ModelProto:
    """A Conv `conv` of kernel 5 over a symbolic length, which comes to less than nothing for length 1."""
    nodes = [node("Conv", ["x", "w"], ["y"], name="conv")]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "undersized", [value("x", F32, [1, 4, "length"])], [value("y", F32, [1, 4, "shorter"])], [_weights("w", 4, 4, 5)]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def breaks_when_run() -> onnx.ModelProto:
    """A Reshape `reshape` to [3, -1] that only works when the batch can be divided by 3."""
    shape = numpy_helper.from_array(np.array([3, -1], np.int64), "shape")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node("Reshape", ["x", "shape"], ["y"], name="reshape")], "breaks", [value("x", F32, ["N"])], [value("y", F32, [3, "M"])], [shape]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
