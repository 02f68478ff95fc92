"""What overlays say, against counting by hand and by brute force on tiny models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core import params
from core.errors import Cancelled
from core.job import Job
from core.model import Model
from core.model.document import snapshot
from core.model.index import GraphIndex
from core.model.opening import read_deep
from core.overlays import OVERLAYS
from core.overlays.base import Overlay, Values, measure
from core.overlays.sizes import _bytes as text_bytes
from tests import models

Saved = Callable[[onnx.ModelProto], tuple[Model, GraphIndex]]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """Writes a model and reads its index."""

    def save(proto: onnx.ModelProto) -> tuple[Model, GraphIndex]:
        model = snapshot(models.save(proto, tmp_path / "model.onnx"), Job())
        return model, read_deep(model, Job())

    return save


def by_name(index: GraphIndex, values: np.ndarray) -> dict[str, float]:
    return {name: value for name, value in zip(index.names, values.tolist(), strict=True) if value == value}


def run(model: Model, overlay: str, **fields: Any) -> Values:
    return measure(model, params.from_dict(OVERLAYS[overlay], fields), Job())


def test_every_overlay_says_what_it_is() -> None:
    assert OVERLAYS.broken == {}
    assert len(OVERLAYS) >= 10
    for overlay in OVERLAYS:
        assert issubclass(overlay, Overlay)
        assert overlay.title
        assert (overlay.__doc__ or "").strip().endswith(".")
        assert "\n" not in (overlay.__doc__ or "")
        assert (overlay.kind == "category") == (overlay.combine == "none")


MODELS = (
    models.mlp, models.residual_cnn, models.dynamic, models.with_if, models.with_loop, models.with_function, models.with_constants,
    models.int8_qdq, models.unsorted, models.empty_graph, models.zero_size, models.unknown_domain,
)  # fmt: skip


@pytest.mark.parametrize("overlay", OVERLAYS.ids())
@pytest.mark.parametrize("make", MODELS)
def test_every_overlay_on_odd_models(saved: Saved, make: Callable[[], onnx.ModelProto], overlay: str) -> None:
    model, index = saved(make())
    found = run(model, overlay)
    assert found.values.dtype == np.float64
    assert found.values.shape == (len(index),)
    known = found.values[~np.isnan(found.values)]
    assert np.isfinite(known).all()
    assert (known >= 0).all()
    if OVERLAYS[overlay].kind == "category":
        assert known.size == 0 or known.max() < len(found.names)
    if found.weights is not None:
        assert np.isfinite(found.weights[~np.isnan(found.values)]).all()
    assert run(model, overlay) is found  # kept


def test_counts_are_those_of_the_file(saved: Saved) -> None:
    model, index = saved(models.residual_cnn())
    proto = models.residual_cnn()
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    expected = {node.name: sum(weights[name].size for name in node.input if name in weights) for node in proto.graph.node}
    assert by_name(index, run(model, "parameters").values) == {name: float(count) for name, count in expected.items() if count}
    sizes = {node.name: sum(weights[name].nbytes for name in node.input if name in weights) for node in proto.graph.node}
    assert by_name(index, run(model, "weight_bytes").values) == {name: float(size) for name, size in sizes.items() if size}


def test_fan_out_is_counted_in_nodes(saved: Saved) -> None:
    model, index = saved(models.residual_cnn())
    found = by_name(index, run(model, "fan_out").values)
    assert found["/stem/Relu"] == 2  # the depthwise Conv and the Add
    assert found["/fc/Gemm"] == 1  # the output
    assert found["image"] == 1
    assert "logits" not in found


def test_activation_bytes_with_a_chosen_batch(saved: Saved) -> None:
    model, index = saved(models.mlp())
    at = by_name(index, run(model, "activations", dim=5).values)
    assert at == {"x": 5 * 16 * 4, "/fc1/Gemm": 5 * 32 * 4, "/act/Relu": 5 * 32 * 4, "/fc2/Gemm": 5 * 10 * 4, "/Softmax": 5 * 10 * 4}
    found = run(model, "activations")
    assert found.tensors is not None
    assert dict(zip(index.tensors, found.tensors.tolist(), strict=True))["h"] == 32 * 4


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("float32[1, 3]", 12.0), ("float32[]", 4.0), ("int4[3]", 2.0), ("float16[N, 2, ?]", 2.0 * 7 * 2 * 7), ("bool[0, 4]", 0.0),
        ("float32[max(a, b), 2]", 4.0 * 7 * 2), ("float32[…]", None), ("string[2]", None), ("sequence(float32)[1]", None), ("", None),
    ],
)  # fmt: skip
def test_bytes_of_types(text: str, size: float | None) -> None:
    found = text_bytes(text, 7)
    assert found == size or (size is None and found != found)


def diamond() -> onnx.ModelProto:
    """x[4] -> a, b = Relu, Neg of x; c = Concat(a, b) [8]; d = Neg(c) [8]; y = Add(d, d) [8]; w = Abs(x) [4], an output too."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="relu"),
        helper.make_node("Neg", ["x"], ["b"], name="neg"),
        helper.make_node("Abs", ["x"], ["w"], name="abs"),
        helper.make_node("Concat", ["a", "b"], ["c"], name="concat", axis=0),
        helper.make_node("Neg", ["c"], ["d"], name="neg2"),
        helper.make_node("Add", ["d", "d"], ["y"], name="add"),
    ]
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [n]) for name, n in (("x", 4), ("y", 8), ("w", 4))]
    return helper.make_model(
        helper.make_graph(nodes, "diamond", info[:1], info[1:]), ir_version=10, opset_imports=[helper.make_opsetid("", 17)]
    )


def test_memory_over_time_by_hand(saved: Saved) -> None:
    model, index = saved(diamond())
    # bytes: x a b w 16 each, c d y 32 each; x and, once made, w are held to the end
    assert by_name(index, run(model, "memory").values) == {
        "relu": 16 + 16,
        "neg": 16 + 16 + 16,
        "abs": 16 + 16 + 16 + 16,
        "concat": 16 + 16 + 16 + 16 + 32,
        "neg2": 16 + 16 + 32 + 32,
        "add": 16 + 16 + 32 + 32,
    }


def test_memory_against_walking_through_the_graph(saved: Saved) -> None:
    model, index = saved(models.residual_cnn())
    sizes = dict(zip(index.tensors, run(model, "activations").tensors.tolist(), strict=True))  # type: ignore[union-attr]
    found = by_name(index, run(model, "memory").values)
    edges = list(zip(index.src.tolist(), index.dst.tolist(), index.tensor.tolist(), strict=True))
    inputs = {tensor for src, _, tensor in edges if index.kind[src] == 1}
    for row in np.flatnonzero(index.kind == 0).tolist():
        live = {tensor for src, dst, tensor in edges if (src <= row <= dst)} | inputs
        assert found[index.names[row]] == sum(sizes[index.tensors[tensor]] for tensor in live)


def test_intensity_is_operations_over_bytes(saved: Saved) -> None:
    model, index = saved(models.mlp())
    found = run(model, "intensity")
    moved = 4 * (16 + 32 + 16 * 32 + 32)
    assert by_name(index, found.values)["/fc1/Gemm"] == pytest.approx(2 * 16 * 32 / moved)
    assert found.weights is not None
    assert found.weights[index.names.index("/fc1/Gemm")] == moved
    assert "/act/Relu" not in by_name(index, found.values)


def test_dtypes_are_words(saved: Saved) -> None:
    model, index = saved(models.int8_qdq())
    found = run(model, "dtype")
    word = {name: found.names[int(value)] for name, value in by_name(index, found.values).items()}
    assert word["x_QuantizeLinear"] == "uint8"
    assert word["conv"] == word["x"] == "float32"
    held = run(model, "weight_dtype")
    assert held.names[int(by_name(index, held.values)["w_DequantizeLinear"])] == "int8"
    assert "conv" not in by_name(index, held.values)


def sparse_model(dtype: int, values: np.ndarray, tmp_path: Path, external: bool) -> Model:
    """A MatMul whose weight is `values`, inside or beside the file."""
    tensor = helper.make_tensor("w", dtype, list(values.shape), values.reshape(-1).tolist())
    if external:
        raw = numpy_helper.from_array(values, "w").raw_data
        (tmp_path / "w.data").write_bytes(raw)
        tensor = TensorProto(name="w", data_type=dtype, dims=values.shape)
        models.external(tensor, "w.data", 0, len(raw))
    node = helper.make_node("Identity", ["w"], ["y"], name="hold")
    graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", dtype, list(values.shape))], [tensor])
    proto = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    return snapshot(models.save(proto, tmp_path / "sparse.onnx"), Job())


@pytest.mark.parametrize("external", [False, True])
def test_zeros_are_counted_exactly(tmp_path: Path, external: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import core.overlays.sparsity as sparsity

    monkeypatch.setattr(sparsity, "PIECE", 16)  # several pieces
    values = np.random.default_rng(0).standard_normal((7, 13)).astype(np.float32)
    values[np.random.default_rng(1).random((7, 13)) < 0.3] = 0.0
    values[0, 0], values[0, 1], values[0, 2] = -0.0, np.nan, np.inf
    model = sparse_model(TensorProto.FLOAT, values, tmp_path, external)
    found = run(model, "sparsity")
    assert by_name(read_deep(model, Job()), found.values)["hold"] == pytest.approx(100.0 * np.count_nonzero(values == 0) / 91)


@pytest.mark.parametrize("dtype", [TensorProto.INT8, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT4, TensorProto.FLOAT8E4M3FN])
def test_zeros_of_every_width(tmp_path: Path, dtype: int) -> None:
    values = np.array([0, 1, 2, 0, -3, 0, 4, 5, 6], np.float32).reshape(3, 3)
    model = sparse_model(dtype, values, tmp_path, external=False)
    assert by_name(read_deep(model, Job()), run(model, "sparsity").values)["hold"] == pytest.approx(100 / 3)


def test_a_weight_inside_of_a_branch_belongs_to_the_node_that_reads_it(saved: Saved) -> None:
    model, index = saved(models.with_if())
    sparsity, dtype = by_name(index, run(model, "sparsity").values), run(model, "weight_dtype")
    inside = [name for name in sparsity if name.startswith("choose/")]
    assert inside
    assert all(sparsity[name] == 0.0 for name in inside)
    assert {dtype.names[int(by_name(index, dtype.values)[name])] for name in inside} == {"float32"}
    assert "choose" not in sparsity


def test_reading_weights_can_be_cancelled(tmp_path: Path) -> None:
    model = snapshot(models.big(16, tmp_path / "big.onnx", layers=4), Job())
    steps: list[float] = []
    job = Job(on_step=lambda fraction, _: steps.append(fraction), is_cancelled=lambda: len(steps) > 4)
    with pytest.raises(Cancelled):
        measure(model, params.from_dict(OVERLAYS["sparsity"], {}), job)
    assert len(steps) == 5  # three before the first weight, then one a weight
    assert steps == sorted(steps)
