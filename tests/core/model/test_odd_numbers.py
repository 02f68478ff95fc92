"""Models whose numbers make no sense, in places that no checker looks at: they open, or are refused in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.data.feeds import shapes
from core.errors import ModelError
from core.job import Job
from core.model import document
from core.model.opening import Opened, open_model
from core.model.pages import node_page

HUGE = [1 << 62] * 30


def value(name: str, dims: Sequence[int] | None, dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, dims)


def opened(folder: Path, node: onnx.NodeProto, *inputs: onnx.ValueInfoProto, opset: int = 17) -> Opened:
    graph = helper.make_graph([node], "odd", list(inputs), [value("z", None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    (folder / "odd.onnx").write_bytes(model.SerializeToString())
    return open_model(folder / "odd.onnx", Job())


@pytest.mark.parametrize("op", ["MatMul", "Conv"])
def test_more_work_than_a_float_can_count_is_unknown(tmp_path: Path, op: str) -> None:
    found = opened(tmp_path, helper.make_node(op, ["x", "y"], ["z"]), value("x", HUGE), value("y", HUGE)).summary
    assert (found.macs, found.macs_missing) == (None, 1)


def test_less_work_than_none_is_unknown(tmp_path: Path) -> None:
    node = helper.make_node("MatMulNBits", ["x", "y", "s"], ["z"], domain="com.microsoft", K=-5, N=7)
    found = opened(tmp_path, node, *(value(name, [1, 2, 3]) for name in "xys")).summary
    assert (found.macs, found.macs_missing) == (None, 1)


def test_a_dim_of_minus_one_is_one_that_is_not_known(tmp_path: Path) -> None:
    found = opened(tmp_path, helper.make_node("MatMul", ["x", "y"], ["z"]), value("x", [-1, 4]), value("y", [4, 5])).summary
    assert [item.text() for item in found.inputs] == ["float32[?, 4]", "float32[4, 5]"]
    assert found.macs == 20
    assert shapes(found.inputs, 2, 9)["x"] == (2, 4)


def test_an_equation_that_is_no_text(tmp_path: Path) -> None:
    node = helper.make_node("Einsum", ["x", "y"], ["z"], equation="ij,jk->ik")
    node.attribute[0].s = b"\xff\xfe,\xff"
    assert opened(tmp_path, node, value("x", [1, 4]), value("y", [4, 5])).summary.macs is None


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (TensorProto(data_type=1, dims=[3], raw_data=b"abc"), "float32[3]"),
        (TensorProto(data_type=1, dims=[1], raw_data=b"abcde"), "float32[1]"),
        (TensorProto(data_type=1, dims=[1 << 40]), "float32[1099511627776]"),
        (TensorProto(data_type=99, dims=[1], raw_data=b"abcd"), "dtype 99[1]"),
    ],
)
def test_attributes_whose_tensors_do_not_fit_themselves(tmp_path: Path, tensor: TensorProto, said: str) -> None:
    node = helper.make_node("ConstantOfShape", ["x"], ["z"], name="odd")
    node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(tensor)
    model = opened(tmp_path, node, value("x", [1], TensorProto.INT64)).model
    assert node_page(model, "odd", Job()).attributes == (("value", said),)


@pytest.mark.parametrize("opset", [-5, 1 << 60])
def test_opsets_from_another_world(tmp_path: Path, opset: int) -> None:
    model = opened(tmp_path, helper.make_node("Relu", ["x"], ["z"], name="odd"), value("x", [1]), opset=opset).model
    assert node_page(model, "odd", Job()).op == "Relu"


def sparse(folder: Path, dims: list[int], places: np.ndarray, values: np.ndarray) -> Path:
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["z"])], "odd", [value("x", [1])], [value("z", None)])
    thin = graph.sparse_initializer.add(dims=dims)
    thin.values.CopyFrom(numpy_helper.from_array(values, "w"))
    thin.indices.CopyFrom(numpy_helper.from_array(places, "w_places"))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "odd.onnx").write_bytes(model.SerializeToString())
    return folder / "odd.onnx"


@pytest.mark.parametrize(
    ("dims", "places"),
    [
        ([4], [0, 4]),
        ([4], [0, -1]),
        ([2, 2], [[0, 0], [0, 2]]),
        ([2, 2], [[0, 0], [-1, 0]]),
        ([2, 2], [[0, 0, 0], [0, 0, 1]]),
        ([2, 2], [0]),
        ([-2, 2], [0, 1]),
        ([], [0, 1]),
        ([0], [0, 1]),
    ],
)
def test_sparse_values_outside_of_their_shape_are_refused(tmp_path: Path, dims: list[int], places: list[int]) -> None:
    path = sparse(tmp_path, dims, np.array(places, np.int64), np.ones(2, np.float32))
    with pytest.raises(ModelError, match="The sparse tensor 'w' has values outside of its shape") as caught:
        open_model(path, Job())
    assert caught.value.hint


@pytest.mark.parametrize(("dims", "places"), [([4], [0, 3]), ([2, 2], [0, 3]), ([2, 2], [[0, 0], [1, 1]])])
def test_sparse_values_in_their_places(tmp_path: Path, dims: list[int], places: list[int]) -> None:
    path = sparse(tmp_path, dims, np.array(places, np.int64), np.ones(2, np.float32))
    open_model(path, Job())
    tensor = document.load(path).graph.initializers["w"].const_value
    assert tensor is not None
    assert tensor.numpy().reshape(-1).tolist() == [1.0, 0.0, 0.0, 1.0]
