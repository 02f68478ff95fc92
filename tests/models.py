"""Tiny ONNX models, built by code: what every test uses instead of binary fixtures.

Every builder returns an `onnx.ModelProto` (IR 10, opset 17 unless it says otherwise) with seeded weights, so that two
calls give equal bytes. `save(model, path)` writes one; `with_external(folder)` and `big(mb, path)` write files themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IR_VERSION = 10
OPSET = 17
FLOAT = TensorProto.FLOAT

Dims = Sequence[int | str | None]


def save(model: onnx.ModelProto, path: Path) -> Path:
    """Write `model` to `path` as one file, unchecked (bad models are wanted too), and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _weight(rng: np.random.Generator, name: str, *shape: int, scale: float = 0.1) -> onnx.TensorProto:
    return numpy_helper.from_array((rng.standard_normal(shape) * scale).astype(np.float32), name)


def _info(name: str, shape: Dims, dtype: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, list(shape))


def _model(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    initializers: Sequence[onnx.TensorProto] = (),
    *,
    opset: int = OPSET,
    domains: Sequence[tuple[str, int]] = (),
    functions: Sequence[onnx.FunctionProto] = (),
    **fields: Any,
) -> onnx.ModelProto:
    graph = helper.make_graph(list(nodes), name, list(inputs), list(outputs), list(initializers))
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, version) for domain, version in domains)]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="sardonyx-tests", functions=list(functions), **fields
    )


def mlp(inputs: int = 16, hidden: int = 32, outputs: int = 10, batch: int | str = "N") -> onnx.ModelProto:
    """Gemm, Relu, Gemm, Softmax: `x` float32[N, 16] to `probabilities` float32[N, 10]."""
    rng = _rng(1)
    nodes = [
        helper.make_node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["h"], name="/fc1/Gemm", transB=1),
        helper.make_node("Relu", ["h"], ["a"], name="/act/Relu"),
        helper.make_node("Gemm", ["a", "fc2.weight", "fc2.bias"], ["logits"], name="/fc2/Gemm", transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], name="/Softmax", axis=-1),
    ]
    weights = [
        _weight(rng, "fc1.weight", hidden, inputs),
        _weight(rng, "fc1.bias", hidden),
        _weight(rng, "fc2.weight", outputs, hidden),
        _weight(rng, "fc2.bias", outputs),
    ]
    return _model("mlp", nodes, [_info("x", (batch, inputs))], [_info("probabilities", (batch, outputs))], weights)


def residual_cnn(batch: int | str = 1, channels: int = 8, size: int = 8) -> onnx.ModelProto:
    """A small residual CNN with BatchNormalization, a depthwise Conv and a Clip: `image` float32[N, 3, 8, 8] to `logits` float32[N, 10]."""
    rng = _rng(2)
    c = channels
    conv: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["image", "stem.weight", "stem.bias"], ["stem"], name="/stem/Conv", **conv),
        helper.make_node(
            "BatchNormalization", ["stem", "bn.scale", "bn.bias", "bn.mean", "bn.var"], ["bn"], name="/stem/BatchNormalization"
        ),
        helper.make_node("Relu", ["bn"], ["stem_out"], name="/stem/Relu"),
        helper.make_node(
            "Conv", ["stem_out", "block.dw.weight", "block.dw.bias"], ["dw"], name="/block/dw/Conv", group=c, strides=[1, 1], **conv
        ),
        helper.make_node("Clip", ["dw", "zero", "six"], ["dw_out"], name="/block/Clip"),
        helper.make_node("Conv", ["dw_out", "block.pw.weight", "block.pw.bias"], ["pw"], name="/block/pw/Conv", kernel_shape=[1, 1]),
        helper.make_node("Add", ["pw", "stem_out"], ["sum"], name="/block/Add"),
        helper.make_node("Conv", ["sum", "down.weight"], ["down"], name="/down/Conv", strides=[2, 2], **conv),
        helper.make_node("Relu", ["down"], ["down_out"], name="/down/Relu"),
        helper.make_node("GlobalAveragePool", ["down_out"], ["pool"], name="/pool/GlobalAveragePool"),
        helper.make_node("Flatten", ["pool"], ["flat"], name="/Flatten", axis=1),
        helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], ["logits"], name="/fc/Gemm", transB=1),
    ]
    weights = [
        _weight(rng, "stem.weight", c, 3, 3, 3, scale=0.3),
        _weight(rng, "stem.bias", c),
        numpy_helper.from_array(np.linspace(0.5, 1.5, c, dtype=np.float32), "bn.scale"),
        _weight(rng, "bn.bias", c),
        _weight(rng, "bn.mean", c),
        numpy_helper.from_array(np.linspace(0.5, 2.0, c, dtype=np.float32), "bn.var"),
        _weight(rng, "block.dw.weight", c, 1, 3, 3, scale=0.3),
        _weight(rng, "block.dw.bias", c),
        numpy_helper.from_array(np.array(0.0, np.float32), "zero"),
        numpy_helper.from_array(np.array(6.0, np.float32), "six"),
        _weight(rng, "block.pw.weight", c, c, 1, 1, scale=0.3),
        _weight(rng, "block.pw.bias", c),
        _weight(rng, "down.weight", 2 * c, c, 3, 3, scale=0.3),
        _weight(rng, "fc.weight", 10, 2 * c, scale=0.5),
        _weight(rng, "fc.bias", 10),
    ]
    return _model("residual_cnn", nodes, [_info("image", (batch, 3, size, size))], [_info("logits", (batch, 10))], weights)


def with_external(folder: Path, name: str = "external") -> Path:
    """An MLP whose matrices live in `<name>.data` beside `<name>.onnx`; returns the path of the .onnx."""
    model = mlp()
    folder.mkdir(parents=True, exist_ok=True)
    payload = bytearray()
    for tensor in model.graph.initializer:
        raw = tensor.raw_data
        if len(raw) < 256:
            continue
        payload.extend(b"\0" * (-len(payload) % 64))
        tensor.ClearField("raw_data")
        external(tensor, f"{name}.data", len(payload), len(raw))
        payload.extend(raw)
    (folder / f"{name}.data").write_bytes(bytes(payload))
    return save(model, folder / f"{name}.onnx")


def external(tensor: onnx.TensorProto, location: str, offset: int, length: int) -> None:
    """Make `tensor` point to `length` bytes at `offset` of `location`."""
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)


def cyclic() -> onnx.ModelProto:
    """Two nodes that read each other: `left` and `right`."""
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], name="left"),
        helper.make_node("Relu", ["a"], ["b"], name="right"),
        helper.make_node("Neg", ["b"], ["y"], name="after"),
    ]
    return _model("cyclic", nodes, [_info("x", (1, 4))], [_info("y", (1, 4))])


def unknown_domain() -> onnx.ModelProto:
    """A node `Frobnicate` of the domain `com.example.unknown`, that no runtime has."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="relu"),
        helper.make_node("Frobnicate", ["a"], ["y"], name="frob", domain="com.example.unknown"),
    ]
    return _model("unknown_domain", nodes, [_info("x", (1, 4))], [_info("y", (1, 4))], domains=[("com.example.unknown", 1)])


def nan_weight() -> onnx.ModelProto:
    """An MLP whose `fc1.weight` holds a NaN and whose `fc2.weight` holds an infinity."""
    model = mlp()
    for tensor in model.graph.initializer:
        if tensor.name in ("fc1.weight", "fc2.weight"):
            array = numpy_helper.to_array(tensor).copy()
            array[0, 0] = np.nan if tensor.name == "fc1.weight" else np.inf
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return model


def zero_size() -> onnx.ModelProto:
    """Concat with an initializer `nothing` of shape [1, 0]; `x` float32[1, 4] to `y` float32[1, 4]."""
    nothing = numpy_helper.from_array(np.zeros((1, 0), np.float32), "nothing")
    nodes = [helper.make_node("Concat", ["x", "nothing"], ["y"], name="concat", axis=1)]
    return _model("zero_size", nodes, [_info("x", (1, 4))], [_info("y", (1, 4))], [nothing])


def empty_graph() -> onnx.ModelProto:
    """No node at all: the output is the input `x` float32[1, 4]."""
    return _model("empty", [], [_info("x", (1, 4))], [_info("x", (1, 4))])


def dynamic() -> onnx.ModelProto:
    """Attention-like, with batch and length free: `tokens` int64[N, L] to `scores` float32[N, L, L]."""
    rng = _rng(3)
    nodes = [
        helper.make_node("Gather", ["embedding", "tokens"], ["e"], name="/embed/Gather"),
        helper.make_node("MatMul", ["e", "q.weight"], ["q"], name="/attention/q/MatMul"),
        helper.make_node("MatMul", ["e", "k.weight"], ["k"], name="/attention/k/MatMul"),
        helper.make_node("Transpose", ["k"], ["kt"], name="/attention/Transpose", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "kt"], ["raw"], name="/attention/scores/MatMul"),
        helper.make_node("Softmax", ["raw"], ["scores"], name="/attention/Softmax", axis=-1),
    ]
    weights = [_weight(rng, "embedding", 50, 24), _weight(rng, "q.weight", 24, 16), _weight(rng, "k.weight", 24, 16)]
    return _model("dynamic", nodes, [_info("tokens", ("N", "L"), TensorProto.INT64)], [_info("scores", ("N", "L", "L"))], weights)


def with_if() -> onnx.ModelProto:
    """An If whose branches capture `a` of the outer graph, one of them with a weight of its own; `x` float32[2, 4] to `y` float32[2, 4]."""
    rng = _rng(4)
    then = helper.make_graph([helper.make_node("Relu", ["a"], ["then_y"], name="then_relu")], "then", [], [_info("then_y", (2, 4))])
    other = helper.make_graph(
        [helper.make_node("MatMul", ["a", "inner.weight"], ["else_y"], name="else_matmul")],
        "else",
        [],
        [_info("else_y", (2, 4))],
        [_weight(rng, "inner.weight", 4, 4)],
    )
    nodes = [
        helper.make_node("Neg", ["x"], ["a"], name="neg"),
        helper.make_node("ReduceSum", ["x"], ["total"], name="total", keepdims=0),
        helper.make_node("Greater", ["total", "zero"], ["positive"], name="greater"),
        helper.make_node("If", ["positive"], ["y"], name="choose", then_branch=then, else_branch=other),
    ]
    zero = numpy_helper.from_array(np.array(0.0, np.float32), "zero")
    return _model("with_if", nodes, [_info("x", (2, 4))], [_info("y", (2, 4))], [zero])


def with_loop(steps: int = 3) -> onnx.ModelProto:
    """A Loop that adds the captured `step` of the outer graph `steps` times; `x` float32[4] to `y` float32[4]."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["carried_in", "step"], ["carried_out"], name="body_add"),
            helper.make_node("Identity", ["keep_in"], ["keep_out"], name="body_keep"),
        ],
        "body",
        [_info("i", (), TensorProto.INT64), _info("keep_in", (), TensorProto.BOOL), _info("carried_in", (4,))],
        [_info("keep_out", (), TensorProto.BOOL), _info("carried_out", (4,))],
    )
    nodes = [
        helper.make_node("Abs", ["x"], ["step"], name="abs"),
        helper.make_node("Loop", ["count", "go", "x"], ["y"], name="loop", body=body),
    ]
    weights = [numpy_helper.from_array(np.array(steps, np.int64), "count"), numpy_helper.from_array(np.array(True, np.bool_), "go")]
    return _model("with_loop", nodes, [_info("x", (4,))], [_info("y", (4,))], weights)


def with_function() -> onnx.ModelProto:
    """A model-local function `local.Dense` (MatMul, Add) called twice; `x` float32[N, 8] to `y` float32[N, 4]."""
    rng = _rng(5)
    opset = [helper.make_opsetid("", OPSET)]
    dense = helper.make_function(
        "local",
        "Dense",
        ["X", "W", "B"],
        ["Y"],
        [
            helper.make_node("MatMul", ["X", "W"], ["XW"], name="dense_matmul"),
            helper.make_node("Add", ["XW", "B"], ["Y"], name="dense_add"),
        ],
        opset,
    )
    nodes = [
        helper.make_node("Dense", ["x", "w1", "b1"], ["h"], name="first", domain="local"),
        helper.make_node("Relu", ["h"], ["a"], name="relu"),
        helper.make_node("Dense", ["a", "w2", "b2"], ["y"], name="second", domain="local"),
    ]
    weights = [_weight(rng, "w1", 8, 6), _weight(rng, "b1", 6), _weight(rng, "w2", 6, 4), _weight(rng, "b2", 4)]
    return _model(
        "with_function", nodes, [_info("x", ("N", 8))], [_info("y", ("N", 4))], weights, domains=[("local", 1)], functions=[dense]
    )


def with_constants() -> onnx.ModelProto:
    """Weights and bounds in Constant nodes rather than in initializers; `x` float32[1, 8] to `y` float32[1, 4]."""
    rng = _rng(6)
    nodes = [
        helper.make_node("Constant", [], ["w"], name="weight", value=_weight(rng, "", 8, 4)),
        helper.make_node("MatMul", ["x", "w"], ["h"], name="matmul"),
        helper.make_node("Constant", [], ["low"], name="low_const", value_float=0.0),
        helper.make_node("Constant", [], ["high"], name="high_const", value=numpy_helper.from_array(np.array(6.0, np.float32))),
        helper.make_node("Clip", ["h", "low", "high"], ["c"], name="clip"),
        helper.make_node("Constant", [], ["shape"], name="shape_const", value_ints=[1, 4]),
        helper.make_node("Reshape", ["c", "shape"], ["y"], name="reshape"),
    ]
    return _model("with_constants", nodes, [_info("x", (1, 8))], [_info("y", (1, 4))])


def int8_qdq() -> onnx.ModelProto:
    """A Conv between QuantizeLinear and DequantizeLinear, int8 weights per channel: `x` float32[1, 3, 8, 8] to `y` float32[1, 4, 8, 8]."""
    rng = _rng(7)
    weights = [
        numpy_helper.from_array(rng.integers(-127, 128, (4, 3, 3, 3), dtype=np.int8), "conv.weight_quantized"),
        numpy_helper.from_array(np.full(4, 0.01, np.float32), "conv.weight_scale"),
        numpy_helper.from_array(np.zeros(4, np.int8), "conv.weight_zero_point"),
        numpy_helper.from_array(np.array(0.02, np.float32), "x_scale"),
        numpy_helper.from_array(np.array(128, np.uint8), "x_zero_point"),
        numpy_helper.from_array(np.array(0.05, np.float32), "y_scale"),
        numpy_helper.from_array(np.array(120, np.uint8), "y_zero_point"),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero_point"], ["xq"], name="x_QuantizeLinear"),
        helper.make_node("DequantizeLinear", ["xq", "x_scale", "x_zero_point"], ["xd"], name="x_DequantizeLinear"),
        helper.make_node(
            "DequantizeLinear",
            ["conv.weight_quantized", "conv.weight_scale", "conv.weight_zero_point"],
            ["wd"],
            name="w_DequantizeLinear",
            axis=0,
        ),
        helper.make_node("Conv", ["xd", "wd"], ["c"], name="conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["c", "y_scale", "y_zero_point"], ["yq"], name="y_QuantizeLinear"),
        helper.make_node("DequantizeLinear", ["yq", "y_scale", "y_zero_point"], ["y"], name="y_DequantizeLinear"),
    ]
    return _model("int8_qdq", nodes, [_info("x", (1, 3, 8, 8))], [_info("y", (1, 4, 8, 8))], weights)


def unsorted() -> onnx.ModelProto:
    """A valid chain whose nodes stand in the file in the wrong order; `x` float32[1, 4] to `y` float32[1, 4]."""
    nodes = [
        helper.make_node("Neg", ["b"], ["y"], name="third"),
        helper.make_node("Relu", ["x"], ["a"], name="first"),
        helper.make_node("Abs", ["a"], ["b"], name="second"),
    ]
    return _model("unsorted", nodes, [_info("x", (1, 4))], [_info("y", (1, 4))])


def duplicate_output() -> onnx.ModelProto:
    """Two nodes that both write the tensor `a`."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="one"),
        helper.make_node("Abs", ["x"], ["a"], name="two"),
        helper.make_node("Neg", ["a"], ["y"], name="three"),
    ]
    return _model("duplicate_output", nodes, [_info("x", (1, 4))], [_info("y", (1, 4))])


def undefined_input() -> onnx.ModelProto:
    """A node that reads `ghost`, that nothing makes."""
    nodes = [helper.make_node("Add", ["x", "ghost"], ["y"], name="add")]
    return _model("undefined_input", nodes, [_info("x", (1, 4))], [_info("y", (1, 4))])


def too_new() -> onnx.ModelProto:
    """IR version 99 and opset 99: from a future that no runtime knows."""
    model = mlp()
    model.ir_version = 99
    model.opset_import[0].version = 99
    return model


def big(mb: int, path: Path, *, embedded: bool = False, layers: int = 8) -> Path:
    """A chain of MatMuls with `mb` megabytes (2**20 bytes) of weights in `layers` equal square matrices (at least that much).

    `x` float32[1, k] to `y` float32[1, k]; the weights are seeded noise in `<stem>.data`, or inside the .onnx when `embedded`.
    """
    side = int(np.ceil(np.sqrt(mb * 2**20 / 4 / layers)))
    rng = _rng(8)
    nodes, weights, payload = [], [], bytearray()
    before = "x"
    for layer in range(layers):
        name = f"layers.{layer}.weight"
        raw = (rng.standard_normal((side, side), dtype=np.float32) / np.float32(np.sqrt(side))).tobytes()
        tensor = TensorProto(name=name, data_type=FLOAT, dims=[side, side])
        if embedded:
            tensor.raw_data = raw
        else:
            payload.extend(b"\0" * (-len(payload) % 4096))
            external(tensor, f"{path.stem}.data", len(payload), len(raw))
            payload.extend(raw)
        weights.append(tensor)
        after = "y" if layer == layers - 1 else f"h{layer}"
        nodes.append(helper.make_node("MatMul", [before, name], [after], name=f"/layers.{layer}/MatMul"))
        before = after
    if not embedded:
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / f"{path.stem}.data").write_bytes(payload)
    return save(_model("big", nodes, [_info("x", (1, side))], [_info("y", (1, side))], weights), path)
