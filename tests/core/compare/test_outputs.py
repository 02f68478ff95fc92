"""Comparisons: statistics against a plain computation, accuracy, and models that do not go together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.compare.errors import Accuracy, Running
from core.compare.outputs import compare
from core.data import DataSpec
from core.errors import Cancelled, DataError, ModelError
from core.job import Job
from core.model import Model, document
from core.workers import Pool
from tests import models

SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(scratch=tmp_path)


def saved(proto: onnx.ModelProto, path: Path) -> Model:
    return document.snapshot(models.save(proto, path))


def spoiled(proto: onnx.ModelProto, name: str, scale: float = 1.0, offset: float = 0.0) -> onnx.ModelProto:
    """A copy whose weight `name` is scaled and moved."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for tensor in copy.graph.initializer:
        if tensor.name == name:
            array = numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array((array * scale + offset).astype(array.dtype), name))
    return copy


def graph(
    nodes: Sequence[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], *weights: onnx.TensorProto
):  # type: ignore[no-untyped-def]
    made = helper.make_graph(list(nodes), "g", inputs, outputs, list(weights))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


# -- statistics ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_statistics_are_those_of_the_whole(batch: int) -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((20, 5, 11)).astype(np.float32)
    b = (a + 0.1 * rng.standard_normal(a.shape)).astype(np.float32)
    running = Running("y")
    for start in range(0, 20, batch):
        running.add(a[start : start + batch], b[start : start + batch], len(a[start : start + batch]))
    found = running.result()
    x, y = a.astype(np.float64), b.astype(np.float64)
    assert found.max_abs == pytest.approx(np.abs(x - y).max(), rel=1e-12)
    assert found.mean_abs == pytest.approx(np.abs(x - y).mean(), rel=1e-12)
    assert found.sqnr == pytest.approx(10 * math.log10((x**2).sum() / ((x - y) ** 2).sum()), rel=1e-12)
    flat_x, flat_y = x.reshape(20, -1), y.reshape(20, -1)
    cosines = (flat_x * flat_y).sum(1) / np.linalg.norm(flat_x, axis=1) / np.linalg.norm(flat_y, axis=1)
    assert found.cosine == pytest.approx(cosines.mean(), rel=1e-12)
    assert found.top1 == pytest.approx((a.argmax(-1) == b.argmax(-1)).mean())
    assert (found.equal, found.finite) == (False, True)


def test_equal_outputs() -> None:
    running = Running("y")
    a = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    running.add(a, a.copy(), 4)
    found = running.result()
    assert (found.max_abs, found.mean_abs, found.cosine, found.sqnr, found.top1) == (0.0, 0.0, 1.0, math.inf, 1.0)
    assert found.equal


def test_nan_and_infinity_are_left_out_and_told() -> None:
    a = np.array([[1.0, 2.0, 3.0], [1.0, 5.0, 3.0]], np.float32)
    b = np.array([[1.5, np.nan, 3.0], [1.0, np.inf, 3.0]], np.float32)
    running = Running("y")
    running.add(a, b, 2)
    found = running.result()
    assert not found.finite
    assert found.max_abs == 0.5
    assert found.mean_abs == pytest.approx(0.5 / 4)
    assert found.top1 == 0.5, "a row with NaN agrees with nothing; infinity is the largest"
    running = Running("y")
    running.add(np.full((1, 3), np.nan), np.full((1, 3), np.nan), 1)
    found = running.result()
    assert found.equal, "NaN equals NaN"
    assert not found.finite
    assert found.top1 == 0.0


@pytest.mark.parametrize(
    ("b", "sqnr", "cosine"),
    [
        ([[np.nan] * 3] * 2, -math.inf, 0.0),
        ([[1.0, 2.0, np.inf], [1.0, 5.0, 3.0]], -math.inf, 0.5),
        ([[1.0, 2.0, 3.0], [1.0, 5.0, 3.0]], math.inf, 1.0),
    ],
)
def test_what_is_not_finite_in_one_of_the_two_is_never_close(b: list[list[float]], sqnr: float, cosine: float) -> None:
    a = np.array([[1.0, 2.0, 3.0], [1.0, 5.0, 3.0]], np.float32)
    for first, second in ((a, np.array(b, np.float32)), (np.array(b, np.float32), a)):
        running = Running("y")
        running.add(first, second, 2)
        assert (running.result().sqnr, running.result().cosine) == (sqnr, pytest.approx(cosine))


def test_masks_of_infinity_in_both_are_the_same() -> None:
    running = Running("mask")
    running.add(np.array([[-np.inf, 1.0, 2.0]]), np.array([[-np.inf, 1.0, 2.0]]), 1)
    found = running.result()
    assert (found.equal, found.finite, found.sqnr, found.cosine) == (True, False, math.inf, pytest.approx(1.0))


def test_integers_single_values_and_empty_outputs() -> None:
    running = Running("labels")
    running.add(np.array([3, 1, 250], np.uint8), np.array([3, 4, 250], np.uint8), 3)
    found = running.result()
    assert (found.max_abs, found.top1, found.equal) == (3.0, None, False)
    running = Running("score")
    running.add(np.array([[0.5], [0.25]]), np.array([[0.5], [0.5]]), 2)
    assert running.result().top1 is None
    running = Running("boxes")
    running.add(np.zeros((1, 0, 4), np.float32), np.zeros((1, 0, 4), np.float32), 1)
    found = running.result()
    assert (found.max_abs, found.cosine, found.equal) == (0.0, 1.0, True)


def test_extremes() -> None:
    running = Running("y")
    running.add(np.zeros((1, 4)), np.ones((1, 4)), 1)
    found = running.result()
    assert found.sqnr == -math.inf
    assert found.cosine == 0.0
    running = Running("y")
    running.add(np.full((1, 4), 1e200), np.full((1, 4), -1e200), 1)
    assert running.result().cosine == pytest.approx(-1.0) or running.result().cosine == 0.0
    with pytest.raises(ModelError, match=r"\[1, 4\] in one model and \[1, 5\]"):
        running.add(np.zeros((1, 4)), np.zeros((1, 5)), 1)


def test_large_outputs_are_worked_on_in_pieces() -> None:
    import tracemalloc

    a = np.ones((2, 1 << 23), np.float32)
    b = a.copy()
    b[1, -1] = 3.0
    running = Running("y")
    tracemalloc.start()
    try:
        running.add(a, b, 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert running.result().max_abs == 2.0
    assert peak < 96 << 20


def test_accuracy() -> None:
    score = Accuracy()
    assert score.result() is None
    score.add(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    score.add(np.array([[[0.1]], [[0.2]]]).reshape(2, 1, 1), np.array([0, 1]))
    assert score.result() == 0.25
    score.add(np.array([[np.nan, 0.5], [0.1, np.nan], [0.2, np.inf]]), np.array([0, 1, 1]))
    assert score.result() == 2 / 7, "a NaN is no guess"


# -- the task ------------------------------------------------------------------------------------------------------


def test_a_model_against_itself_and_a_spoiled_one(tmp_path: Path, job: Job) -> None:
    a = saved(models.residual_cnn("N"), tmp_path / "a.onnx")
    same = compare(a, a, DataSpec(limit=10, batch=4), "", job)
    assert same.outputs[0].equal
    assert same.samples == 10
    assert (same.a, same.b) == (a.fingerprint, a.fingerprint)
    assert "seeded random" in same.data
    assert any("seeded random" in note for note in same.notes)
    b = saved(spoiled(models.residual_cnn("N"), "fc.bias", offset=0.25), tmp_path / "b.onnx")
    found = compare(a, b, DataSpec(limit=10, batch=4), "", job).outputs[0]
    assert found.name == "logits"
    assert found.max_abs == pytest.approx(0.25, abs=1e-5)
    assert found.mean_abs == pytest.approx(0.25, abs=1e-5)
    assert found.top1 == 1.0


def test_labelled_accuracy(tmp_path: Path, job: Job) -> None:
    a = document.snapshot(SAMPLE / "digits.onnx")
    proto = onnx.load(a.path)
    head = next(node for node in proto.graph.node if node.op_type == "Gemm").input[1]
    b = saved(spoiled(proto, head, scale=-1.0), tmp_path / "b.onnx")
    found = compare(a, b, DataSpec(path=str(SAMPLE / "digits.npz"), limit=10_000, batch=100), "", job)
    with np.load(SAMPLE / "digits.npz") as data:
        x, y = data["x"], data["y"]
    import onnxruntime as ort

    session = ort.InferenceSession(str(a.path), providers=["CPUExecutionProvider"])
    plain = float((session.run(None, {session.get_inputs()[0].name: x})[0].argmax(1) == y).mean())
    assert found.samples == len(y)
    assert found.accuracy_a == pytest.approx(plain)
    assert found.accuracy_b is not None
    assert found.accuracy_b < 0.2
    np.save(tmp_path / "wrong.npy", (y + 1) % 10)
    other = compare(a, b, DataSpec(path=str(SAMPLE / "digits.npz"), limit=10_000, batch=100), str(tmp_path / "wrong.npy"), job)
    assert other.accuracy_a is not None
    assert other.accuracy_a < 0.1, "labels of a file come before those of the data"


def test_labels_that_do_not_fit(tmp_path: Path, job: Job) -> None:
    a = document.snapshot(SAMPLE / "digits.onnx")
    spec = DataSpec(path=str(SAMPLE / "digits.npz"), limit=20)
    np.save(tmp_path / "few.npy", np.zeros(5, int))
    with pytest.raises(DataError, match="5 labels for 20 samples"):
        compare(a, a, spec, str(tmp_path / "few.npy"), job)
    np.save(tmp_path / "far.npy", np.full(20, 11))
    with pytest.raises(DataError, match="Label 11 is none of the 10 classes") as caught:
        compare(a, a, spec, str(tmp_path / "far.npy"), job)
    assert "0 to 9" in caught.value.hint
    (tmp_path / "named.csv").write_text("a.png,1\n")
    with pytest.raises(DataError, match="names files"):
        compare(a, a, spec, str(tmp_path / "named.csv"), job)


def test_several_and_integer_outputs(tmp_path: Path, job: Job) -> None:
    info = helper.make_tensor_value_info
    inputs = [info("x", TensorProto.FLOAT, ["N", 4])]
    outputs = [info("arg", TensorProto.INT64, ["N"]), info("y", TensorProto.FLOAT, ["N", 4]), info("big", TensorProto.BOOL, ["N", 4])]

    def make(scale: float) -> onnx.ModelProto:
        nodes = [
            helper.make_node("Mul", ["x", "k"], ["y"]),
            helper.make_node("ArgMax", ["y"], ["arg"], axis=1, keepdims=0),
            helper.make_node("Greater", ["y", "k"], ["big"]),
        ]
        return graph(nodes, inputs, outputs, numpy_helper.from_array(np.array([scale], np.float32), "k"))

    a, b = saved(make(1.0), tmp_path / "a.onnx"), saved(make(-1.0), tmp_path / "b.onnx")
    found = compare(a, b, DataSpec(limit=50, batch=10), "", job)
    assert [item.name for item in found.outputs] == ["arg", "y", "big"]
    arg, y, big = found.outputs
    assert arg.top1 is None
    assert 0 < arg.max_abs <= 3
    assert y.cosine == pytest.approx(-1.0)
    assert y.sqnr == pytest.approx(-6.02, abs=0.01)
    assert not big.equal


def test_dynamic_shapes_and_control_flow(tmp_path: Path, job: Job) -> None:
    for name, make in (("dynamic", models.dynamic), ("if", models.with_if), ("loop", models.with_loop)):
        model = saved(make(), tmp_path / f"{name}.onnx")
        found = compare(model, model, DataSpec(limit=4, batch=2, dim=7), "", job)
        assert found.outputs[0].equal, name
        assert found.samples == 4


def test_models_that_do_not_go_together(tmp_path: Path, job: Job) -> None:
    a = saved(models.mlp(), tmp_path / "a.onnx")
    for other, message in (
        (models.residual_cnn(), "different inputs: x and image"),
        (models.mlp(inputs=8), r"Input 'x' is float32\[N, 16\] in one model and float32\[N, 8\]"),
        (models.mlp(outputs=7), r"Output 'probabilities' is \[1, 10\] in one model and \[1, 7\]"),
    ):
        with pytest.raises(ModelError, match=message) as caught:
            compare(a, saved(other, tmp_path / "b.onnx"), DataSpec(limit=2), "", job)
        assert caught.value.hint
    renamed = models.mlp()
    renamed.graph.node[-1].output[0] = renamed.graph.output[0].name = "other"
    with pytest.raises(ModelError, match="share no output"):
        compare(a, saved(renamed, tmp_path / "c.onnx"), DataSpec(limit=2), "", job)
    with pytest.raises(ModelError, match=r"cannot open unknown\.onnx"):
        compare(saved(models.unknown_domain(), tmp_path / "unknown.onnx"), a, DataSpec(limit=2), "", job)


def test_nan_in_a_model_is_told(tmp_path: Path, job: Job) -> None:
    a, b = saved(models.mlp(), tmp_path / "a.onnx"), saved(models.nan_weight(), tmp_path / "b.onnx")
    found = compare(a, b, DataSpec(limit=3), "", job).outputs[0]
    assert not found.finite
    assert not found.equal
    assert found.top1 == 0.0


def test_fp8_models_run_without_optimisations(tmp_path: Path, job: Job) -> None:
    info = helper.make_tensor_value_info
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((8, 3, 3, 3)).astype(np.float32)
    scale = numpy_helper.from_array(np.float32(0.05), "scale")
    zero = helper.make_tensor("zero", TensorProto.FLOAT8E4M3FN, [], [0.0])
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "scale", "zero"], ["xd"]),
        helper.make_node("QuantizeLinear", ["w", "scale", "zero"], ["wq"]),
        helper.make_node("DequantizeLinear", ["wq", "scale", "zero"], ["wd"]),
        helper.make_node("Conv", ["xd", "wd"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "scale", "zero"], ["cq"]),
        helper.make_node("DequantizeLinear", ["cq", "scale", "zero"], ["y"]),
    ]
    inputs, outputs = [info("x", TensorProto.FLOAT, [1, 3, 8, 8])], [info("y", TensorProto.FLOAT, [1, 8, 6, 6])]
    fp8 = graph(nodes, inputs, outputs, numpy_helper.from_array(weight, "w"), scale, zero)
    fp8.opset_import[0].version = 19
    plain = graph([helper.make_node("Conv", ["x", "w"], ["y"])], inputs, outputs, numpy_helper.from_array(weight, "w"))
    found = compare(saved(plain, tmp_path / "a.onnx"), saved(fp8, tmp_path / "b.onnx"), DataSpec(limit=4), "", job)
    assert found.outputs[0].cosine > 0.98
    assert any("without graph optimisations" in note for note in found.notes)


def test_damaged_images_keep_labels_and_samples_together(tmp_path: Path, job: Job) -> None:
    from PIL import Image

    folder = tmp_path / "pictures"
    rng = np.random.default_rng(0)
    for number in range(6):
        (folder / str(number % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (30, 30, 3), dtype=np.uint8)).save(folder / str(number % 2) / f"{number}.png")
    broken = folder / "0" / "2.png"
    broken.write_bytes(broken.read_bytes()[:200])
    model = saved(models.residual_cnn("N"), tmp_path / "a.onnx")
    found = compare(model, model, DataSpec(path=str(folder), batch=2), "", job)
    assert found.samples == 5
    assert found.accuracy_a == found.accuracy_b
    assert found.accuracy_a is not None
    assert any("2.png" in note for note in found.notes)


@pytest.mark.parametrize("damage", [b"no image", None])
def test_labels_by_line_are_not_shifted_by_a_damaged_image(tmp_path: Path, job: Job, damage: bytes | None) -> None:
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(rng.integers(0, 255, (30, 30, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    broken = folder / "2.png"
    broken.write_bytes(damage or broken.read_bytes()[:200])  # seen at once, or only when it is decoded
    (tmp_path / "labels.txt").write_text("0\n1\n2\n3\n4\n5\n")
    model = saved(models.residual_cnn("N"), tmp_path / "a.onnx")
    with pytest.raises(DataError, match="the lines of the label file do not fit"):
        compare(model, model, DataSpec(path=str(folder), batch=2), str(tmp_path / "labels.txt"), job)


def test_cancel_and_a_worker_process(tmp_path: Path, pool: Pool) -> None:
    a = saved(models.mlp(), tmp_path / "a.onnx")
    steps: list[float] = []
    watched = Job(scratch=tmp_path, on_step=lambda f, t: steps.append(f), is_cancelled=lambda: len(steps) > 5)
    with pytest.raises(Cancelled):
        compare(a, a, DataSpec(limit=64), "", watched)
    found = pool.run(compare, a, a, DataSpec(limit=4), "")
    assert found.outputs[0].equal
