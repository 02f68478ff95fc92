"""MACs, against counts made by hand and against ONNX Runtime's own idea of the shapes."""

from __future__ import annotations

from math import isnan
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from core.model import cost, shapes
from core.model.summary import summarize
from core.model.values import Types
from tests import models

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def _macs(
    op: str, shapes_in: dict[str, tuple[int | str, ...] | None], *, out: tuple[int, ...] = (), domain: str = "", **attributes: object
) -> float:
    node = helper.make_node(op, list(shapes_in), ["y"], domain=domain, **attributes)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in shapes_in.items()]
    graph = helper.make_graph([node], "g", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)])
    return cost.macs(node, Types(graph))


def test_convolutions() -> None:
    # by hand: output elements x (input channels of the group x kernel)
    assert _macs("Conv", {"x": (1, 3, 224, 224), "w": (64, 3, 7, 7)}, out=(1, 64, 112, 112)) == 112 * 112 * 64 * 3 * 49
    assert _macs("Conv", {"x": (1, 32, 10, 10), "w": (32, 1, 3, 3)}, out=(1, 32, 10, 10), group=32) == 10 * 10 * 32 * 9
    assert _macs("ConvInteger", {"x": (1, 3, 8, 8), "w": (4, 3, 3, 3)}, out=(1, 4, 6, 6)) == 36 * 4 * 27
    names = {"x": (1, 3, 8, 8), "xs": (), "xz": (), "w": (4, 3, 3, 3), "ws": (), "wz": (), "ys": (), "yz": ()}
    assert _macs("QLinearConv", names, out=(1, 4, 6, 6)) == 36 * 4 * 27
    # each input element meets every output channel of the kernel once
    assert _macs("ConvTranspose", {"x": (1, 8, 5, 5), "w": (8, 4, 2, 2)}, out=(1, 4, 10, 10)) == 25 * 8 * 4 * 4
    assert _macs("Conv", {"x": (1, 4, 100), "w": (6, 4, 5)}, out=(1, 6, 96)) == 96 * 6 * 4 * 5


def test_products() -> None:
    assert _macs("Gemm", {"a": (5, 7), "b": (7, 3)}, out=(5, 3)) == 5 * 7 * 3
    assert _macs("Gemm", {"a": (7, 5), "b": (3, 7)}, out=(5, 3), transA=1, transB=1) == 5 * 7 * 3
    assert _macs("MatMul", {"a": (2, 1, 4, 6), "b": (3, 6, 5)}, out=(2, 3, 4, 5)) == 2 * 3 * 4 * 6 * 5
    assert _macs("MatMul", {"a": (6,), "b": (6, 5)}, out=(5,)) == 30
    assert _macs("MatMul", {"a": (4, 6), "b": (6,)}, out=(4,)) == 24
    assert _macs("MatMul", {"a": ("N", "L", 24), "b": (24, 16)}, out=(1, 1, 16)) == 24 * 16
    assert _macs("MatMulInteger", {"a": (4, 6), "b": (6, 5)}, out=(4, 5)) == 120
    names = {"a": (4, 6), "as": (), "az": (), "b": (6, 5), "bs": (), "bz": (), "ys": (), "yz": ()}
    assert _macs("QLinearMatMul", names, out=(4, 5)) == 120
    assert _macs("MatMulNBits", {"a": (1, 7, 32), "b": (64, 1, 16), "s": (64,)}, domain="com.microsoft", K=32, N=64) == 7 * 32 * 64
    assert _macs("FusedMatMul", {"a": (6, 4), "b": (6, 5)}, out=(4, 5), domain="com.microsoft", transA=1) == 120
    assert _macs("Einsum", {"a": (2, 3, 4), "b": (2, 4, 5)}, out=(2, 3, 5), equation="bij,bjk->bik") == 2 * 3 * 4 * 5
    assert _macs("Einsum", {"a": (2, 3)}, out=(3, 2), equation="ij->ji") == 0


def test_recurrent_and_attention() -> None:
    # four gates of 16 from 8 inputs and 16 states, over 10 steps, batch 2, one direction
    assert _macs("LSTM", {"x": (10, 2, 8), "w": (1, 64, 8), "r": (1, 64, 16)}, hidden_size=16) == 10 * 2 * (64 * 8 + 64 * 16)
    assert _macs("GRU", {"x": (10, 2, 8), "w": (2, 48, 8), "r": (2, 48, 16)}, hidden_size=16) == 10 * 2 * 2 * (48 * 8 + 48 * 16)
    assert _macs("Attention", {"q": (2, 4, 10, 8), "k": (2, 4, 12, 8), "v": (2, 4, 12, 6)}) == 2 * 4 * 10 * 12 * (8 + 6)
    assert _macs("Attention", {"q": (2, 10, 32), "k": (2, 12, 16), "v": (2, 12, 16)}, q_num_heads=4, kv_num_heads=2) == 2 * 10 * 12 * 64
    packed = {"x": (2, 10, 32), "w": (32, 96), "b": (96,)}
    assert _macs("Attention", packed, domain="com.microsoft", num_heads=4) == 2 * 10 * 32 * 96 + 2 * 2 * 10 * 10 * 32


def test_what_is_not_known_is_nan_and_what_costs_nothing_is_zero() -> None:
    assert isnan(_macs("MatMul", {"a": None, "b": (6, 5)}, out=(5,)))
    assert isnan(_macs("Einsum", {"a": (2, 3), "b": (3, 2)}, out=(2,), equation="...i,i...->..."))
    assert _macs("Relu", {"x": (100,)}, out=(100,)) == 0
    assert _macs("MatMul", {"a": (0, 6), "b": (6, 5)}, out=(0, 5)) == 0


def test_resnet50_by_a_count_of_its_own() -> None:
    """The published architecture, counted here from its table (He et al. 2015, table 1; stride in the 1x1, as in the first release)."""

    def conv(size: int, kernel: int, before: int, after: int) -> int:
        return size * size * kernel * kernel * before * after

    total = conv(112, 7, 3, 64)
    before = 64
    for size, width, blocks in ((56, 64, 3), (28, 128, 4), (14, 256, 6), (7, 512, 3)):
        for block in range(blocks):
            total += conv(size, 1, before, width) + conv(size, 3, width, width) + conv(size, 1, width, 4 * width)
            if block == 0:
                total += conv(size, 1, before, 4 * width)
            before = 4 * width
    total += 2048 * 1000
    variants = {total}
    # the later variant (stride in the 3x3) runs the first 1x1 of stages 2 to 4 at twice the size
    variants.add(total + sum(3 * conv(size, 1, 2 * width, width) for size, width in ((28, 128), (14, 256), (7, 512))))
    found = summarize(onnx.load(LIGHT / "light_resnet50.onnx"))
    assert found.macs_missing == 0
    assert found.macs in variants
    assert found.macs is not None
    assert 3.8e9 < found.macs < 4.2e9


@pytest.mark.parametrize(
    ("name", "published"),
    # MACs as the papers and model zoos give them, in millions
    [("bvlc_alexnet", 655), ("vgg19", 19632), ("densenet121", 2834), ("inception_v1", 1431)],
)
def test_known_networks(name: str, published: int) -> None:
    found = summarize(onnx.load(LIGHT / f"light_{name}.onnx")).macs
    assert found is not None
    assert abs(found / 1e6 - published) < 0.01 * published


def test_efficientnet_lite_like_blocks() -> None:
    """Expand, depthwise, project, as EfficientNet-Lite0 has them: by hand, through QDQ as well."""
    rng = np.random.default_rng(0)
    size, narrow, wide = 14, 8, 48

    def weight(name: str, *dims: int) -> onnx.TensorProto:
        return onnx.numpy_helper.from_array(rng.standard_normal(dims).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "e"], ["a"], kernel_shape=[1, 1]),
        helper.make_node("Clip", ["a", "low", "high"], ["b"]),
        helper.make_node("Conv", ["b", "d"], ["c"], kernel_shape=[5, 5], pads=[2, 2, 2, 2], strides=[2, 2], group=wide),
        helper.make_node("Conv", ["c", "p"], ["y"], kernel_shape=[1, 1]),
    ]
    weights = [
        weight("e", wide, narrow, 1, 1),
        weight("d", wide, 1, 5, 5),
        weight("p", 16, wide, 1, 1),
        onnx.numpy_helper.from_array(np.float32(0), "low"),
        onnx.numpy_helper.from_array(np.float32(6), "high"),
    ]
    graph = helper.make_graph(
        nodes,
        "block",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", narrow, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    expected = size * size * narrow * wide + 7 * 7 * wide * 25 + 7 * 7 * wide * 16
    assert summarize(model).macs == expected
    assert summarize(models.int8_qdq()).macs == 8 * 8 * 4 * 3 * 9


def test_functions_branches_and_bodies_count() -> None:
    assert summarize(models.with_function()).macs == 8 * 6 + 6 * 4
    # the dearer branch of the If: MatMul of 2x4 by 4x4
    assert summarize(models.with_if()).macs == 2 * 4 * 4
    assert summarize(models.dynamic()).macs == 2 * 24 * 16 + 16
    assert summarize(models.unknown_domain()).macs == 0


def test_a_call_that_does_not_fit_is_told() -> None:
    model = models.with_function()
    model.graph.node[0].input.append("b1")
    found = summarize(model)
    assert found.macs is None
    assert found.macs_missing == 2


def test_shapes_that_are_missing_are_told() -> None:
    model = models.unknown_domain()
    model.graph.initializer.add(name="w", data_type=1, dims=[4, 2], float_data=[0.0] * 8)
    del model.graph.output[:]
    model.graph.node.add(op_type="MatMul", name="m", input=["y", "w"], output=["z"])
    model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    found = summarize(shapes.infer(model))
    assert found.macs is None
    assert found.macs_missing == 1
