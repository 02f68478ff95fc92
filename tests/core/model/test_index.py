"""The graph as columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from core.model import document, index, shapes
from core.model.index import INPUT, NODE, OUTPUT, GraphIndex
from tests import models

ALL: list[Callable[[], onnx.ModelProto]] = [
    models.mlp,
    models.residual_cnn,
    models.zero_size,
    models.empty_graph,
    models.dynamic,
    models.with_if,
    models.with_loop,
    models.with_function,
    models.with_constants,
    models.int8_qdq,
    models.unsorted,
    models.unknown_domain,
]


def _build(model: onnx.ModelProto) -> GraphIndex:
    return index.build(shapes.infer(model))


def _edges(columns: GraphIndex) -> set[tuple[str, str, str]]:
    return {
        (columns.names[src], columns.tensors[tensor], columns.names[dst])
        for src, dst, tensor in zip(columns.src, columns.dst, columns.tensor, strict=True)
    }


def _light() -> list[Path]:
    return sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))


def _check(columns: GraphIndex) -> None:
    """What holds for every index."""
    rows = len(columns)
    assert len(set(columns.names)) == rows
    assert all(columns.names)
    for column in (columns.op, columns.kind, columns.file_index, columns.parameters, columns.weight_bytes, columns.macs, columns.details):
        assert len(column) == rows
    assert (columns.src < columns.dst).all()
    assert len(columns.src) == len(columns.dst) == len(columns.tensor)
    assert len(columns.tensors) == len(columns.tensor_types)
    assert (np.sort(columns.tensor[np.unique(columns.tensor, return_index=True)[1]]) == np.arange(len(columns.tensors))).all()
    kinds = columns.kind.tolist()
    assert kinds == [INPUT] * kinds.count(INPUT) + [NODE] * kinds.count(NODE) + [OUTPUT] * kinds.count(OUTPUT)
    assert (columns.file_index[columns.kind == NODE] >= 0).all()
    assert (columns.file_index[columns.kind != NODE] == -1).all()
    assert columns.op.dtype == np.int32
    assert columns.macs.dtype == np.float64


@pytest.mark.parametrize("build", ALL)
def test_holds_for_every_model(build: Callable[[], onnx.ModelProto]) -> None:
    _check(_build(build()))


@pytest.mark.parametrize("path", _light(), ids=lambda path: path.stem)
def test_holds_for_real_topologies(path: Path) -> None:
    model = onnx.load(path)
    columns = _build(model)
    _check(columns)
    assert (columns.kind == NODE).sum() == sum(node.op_type != "Constant" for node in model.graph.node)


def test_ops_details_and_shapes() -> None:
    columns = _build(models.residual_cnn())
    by_name = dict(zip(columns.names, columns.details, strict=True))
    assert by_name == {
        "image": "1×3×8×8",
        "/stem/Conv": "3×3 · 8",
        "/stem/BatchNormalization": "1×8×8×8",
        "/stem/Relu": "1×8×8×8",
        "/block/dw/Conv": "dw 3×3 · 8",
        "/block/Clip": "0 … 6",
        "/block/pw/Conv": "1×1 · 8",
        "/block/Add": "1×8×8×8",
        "/down/Conv": "3×3 /2 · 16",
        "/down/Relu": "1×16×4×4",
        "/pool/GlobalAveragePool": "1×16×1×1",
        "/Flatten": "1×16",
        "/fc/Gemm": "16×10",
        "logits": "1×10",
    }
    assert ("/stem/Relu", "stem_out", "/block/Add") in _edges(columns)
    assert columns.tensor_types[columns.tensors.index("down")] == "float32[1, 16, 4, 4]"
    row = columns.names.index("/down/Conv")
    assert columns.parameters[row] == 16 * 8 * 9
    assert columns.weight_bytes[row] == 16 * 8 * 9 * 4
    assert columns.op_names[columns.op[row]] == "Conv"


def _one(
    op: str, inputs: list[str], weights: list[onnx.TensorProto], shape: tuple[int, ...], domain: str = "", **attributes: object
) -> str:
    node = helper.make_node(op, inputs, ["y"], name="n", domain=domain, **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=10)
    return _build(model).details[1]


def _const(values: object, dtype: type = np.float32, name: str = "c") -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.array(values, dtype), name)


def test_details_of_single_ops() -> None:
    image = (1, 8, 6, 6)
    grouped = _const(np.zeros((16, 2, 3, 5)))
    up = _const(np.zeros((8, 4, 2, 2)))
    assert _one("Conv", ["x", "c"], [grouped], image, group=4, strides=[1, 2], dilations=[2, 2]) == "3×5 /1×2 d2 g4 · 16"
    assert _one("ConvTranspose", ["x", "c"], [up], image, strides=[2, 2]) == "2×2 /2 · 4"
    assert _one("MaxPool", ["x"], [], image, kernel_shape=[3, 3], strides=[2, 2]) == "3×3 /2"
    assert _one("MatMul", ["x", "c"], [_const(np.zeros((6, 5)))], image) == "6×5"
    assert _one("Gemm", ["x", "c"], [_const(np.zeros((5, 6)))], (2, 6), transB=1) == "6×5"
    assert _one("Reshape", ["x", "c"], [_const([0, -1], np.int64)], image) == "→ 0×-1"
    assert _one("Transpose", ["x"], [], image, perm=[0, 2, 3, 1]) == "(0, 2, 3, 1)"
    assert _one("Clip", ["x", "", "c"], [_const(6.0)], image) == "… 6"
    assert _one("Cast", ["x"], [], image, to=TensorProto.FLOAT16) == "→ float16"
    assert _one("Concat", ["x", "x"], [], image, axis=1) == "axis 1"
    assert _one("Unsqueeze", ["x", "c"], [_const([0, 1], np.int64)], image) == "axes 0, 1"
    assert _one("Mul", ["x", "c"], [_const(0.125)], image) == "× 0.125"
    assert _one("Relu", ["x"], [], image) == "1×8×6×6"
    assert _one("MatMulNBits", ["x", "c"], [_const(np.zeros(4), np.uint8)], (1, 32), domain="com.microsoft", K=32, N=64, bits=4) == (
        "32×64 · 4 bit"
    )


def test_constants_fold_into_their_readers() -> None:
    columns = _build(models.with_constants())
    assert columns.names == ["x", "matmul", "clip", "reshape", "y"]
    assert columns.details[1:4] == ["8×4", "0 … 6", "→ 1×4"]
    assert columns.parameters.tolist() == [0, 32, 2, 2, 0]
    assert columns.weight_bytes.tolist() == [0, 128, 8, 16, 0]
    assert columns.file_index.tolist() == [-1, 1, 4, 6, -1]
    assert columns.initializers["w"] == ("float32", (8, 4))


def test_what_subgraphs_capture_is_an_edge() -> None:
    assert ("neg", "a", "choose") in _edges(_build(models.with_if()))
    columns = _build(models.with_loop())
    assert ("abs", "step", "loop") in _edges(columns)
    assert _build(models.with_if()).parameters[_build(models.with_if()).names.index("choose")] == 16


def test_an_unsorted_file_is_sorted() -> None:
    columns = _build(models.unsorted())
    assert columns.names == ["x", "first", "second", "third", "y"]
    assert columns.file_index.tolist() == [-1, 1, 2, 0, -1]


def test_names_are_unique_and_never_empty() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"], name="same"),
        helper.make_node("Relu", ["b"], ["c"], name="same"),
        helper.make_node("Relu", ["c"], ["y"], name="y"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    assert _build(model).names == ["x", "Relu_0", "same", "same (2)", "y", "y (output)"]
    assert index.names(document.from_proto(model).graph) == ["Relu_0", "same", "same (2)", "y"]


def test_a_node_that_reads_a_tensor_twice_has_two_edges() -> None:
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "x"], ["y"], name="square")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    columns = _build(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10))
    assert columns.dst.tolist() == [1, 1, 2]


def test_initializers_that_are_inputs_too_are_weights() -> None:
    model = models.mlp()
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    columns = _build(model)
    assert columns.names[:2] == ["x", "/fc1/Gemm"]
    assert columns.parameters[1] == 544


def test_from_onnx_ir_it_is_the_same() -> None:
    for build in (models.residual_cnn, models.with_if, models.with_constants, models.with_function):
        from_proto, from_ir = _build(build()), index.build(shapes.infer(document.from_proto(build())))
        assert from_ir.names == from_proto.names
        assert from_ir.details == from_proto.details
        assert from_ir.tensor_types == from_proto.tensor_types
        np.testing.assert_array_equal(from_ir.macs, from_proto.macs)
        np.testing.assert_array_equal(from_ir.parameters, from_proto.parameters)


def test_a_cycle_is_refused() -> None:
    from core.errors import ModelError

    with pytest.raises(ModelError, match="cycle"):
        index.build(models.cyclic())
