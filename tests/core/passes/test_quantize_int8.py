"""INT8 in numbers: recipes of the two profiles, accuracy, calibration data, exclusions, awkward models."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from core import history
from core.compare.outputs import compare
from core.data import DataSpec
from core.errors import Cancelled, DataError, PassError, UsageError
from core.job import Job
from core.model import Model, document
from core.onnxrt.session import Session
from core.passes.quantize_int8 import QuantizeInt8
from tests import models

SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample"
PROFILES = ("cpu", "tensorrt")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Job(scratch=scratch)


@pytest.fixture
def cnn(tmp_path: Path) -> Model:
    return document.snapshot(models.save(models.residual_cnn("N"), tmp_path / "cnn.onnx"))


def quantized(model: Model, job: Job, folder: Path, **values: object) -> tuple[history.Step, onnx.ModelProto]:
    done = history.apply(model, QuantizeInt8(**values), folder, job)  # type: ignore[arg-type]
    return done, onnx.load(done.after.path)


def initializers(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}


def producers(proto: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in proto.graph.node for name in node.output}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_the_sample_keeps_its_accuracy(profile: str, method: str, tmp_path: Path, job: Job) -> None:
    model = document.snapshot(SAMPLE / "digits.onnx")
    done, _ = quantized(model, job, tmp_path, profile=profile, method=method, data=str(SAMPLE / "calibration.npz"))
    found = compare(model, done.after, DataSpec(path=str(SAMPLE / "digits.npz"), limit=10_000, batch=64), "", job)
    assert found.samples == 540
    assert found.accuracy_a is not None
    assert found.accuracy_b is not None
    assert found.accuracy_a > 0.97
    assert found.accuracy_b >= found.accuracy_a - 0.02
    assert found.outputs[0].top1 is not None
    assert found.outputs[0].top1 > 0.97
    assert found.outputs[0].sqnr > 13
    assert done.after.size < 0.5 * model.size


def test_the_cpu_recipe(cnn: Model, tmp_path: Path, job: Job) -> None:
    done, made = quantized(cnn, job, tmp_path, samples=4)
    weights, makers = initializers(made), producers(made)
    convs = [node for node in made.graph.node if node.op_type in ("Conv", "Gemm")]
    assert len(convs) == 5
    for node in convs:
        data, weight = makers[node.input[0]], makers[node.input[1]]
        assert data.op_type == weight.op_type == "DequantizeLinear"
        assert weights[data.input[2]].dtype == np.uint8
        assert weights[weight.input[0]].dtype == np.int8
        axis = next(attribute.i for attribute in weight.attribute if attribute.name == "axis")
        assert weights[weight.input[1]].shape == (weights[weight.input[0]].shape[axis],), "one scale a channel"
        assert np.all(weights[weight.input[2]] == 0)
        if len(node.input) > 2:
            assert weights[makers[node.input[2]].input[0]].dtype == np.int32
    assert "4 of 4 Conv, 1 of 1 Gemm" in done.notes[0]
    assert "BatchNormalization" not in {node.op_type for node in made.graph.node}


def test_the_tensorrt_recipe(cnn: Model, tmp_path: Path, job: Job) -> None:
    _, made = quantized(cnn, job, tmp_path, samples=4, profile="tensorrt")
    weights, makers = initializers(made), producers(made)
    readers = Counter(name for node in made.graph.node for name in node.input)
    for node in made.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            zero = weights[node.input[2]]
            assert zero.dtype == np.int8
            assert np.all(zero == 0), "symmetric"
        if node.op_type in ("Conv", "Gemm"):
            assert makers[node.input[0]].op_type == makers[node.input[1]].op_type == "DequantizeLinear"
            if len(node.input) > 2:
                assert weights[node.input[2]].dtype == np.float32, "biases stay floats"
            assert readers[node.output[0]] <= 2
    assert not [value.dtype for value in weights.values() if value.dtype == np.int32]
    quantizers = [node for node in made.graph.node if node.op_type == "QuantizeLinear"]
    behind = [makers[node.input[0]].op_type for node in quantizers if node.input[0] in makers]
    assert "Conv" not in behind
    assert "Gemm" not in behind


def test_one_scale_a_tensor(cnn: Model, tmp_path: Path, job: Job) -> None:
    _, made = quantized(cnn, job, tmp_path, samples=2, per_channel=False)
    weights = initializers(made)
    scales = [weights[node.input[1]].shape for node in made.graph.node if node.op_type == "DequantizeLinear"]
    assert set(scales) <= {(), (1,)}


def test_frame_is_kept(tmp_path: Path, job: Job) -> None:
    proto = models.residual_cnn("N")
    proto.metadata_props.add(key="who", value="me")
    proto.doc_string = "words"
    model = document.snapshot(models.save(proto, tmp_path / "meta.onnx"))
    done, made = quantized(model, job, tmp_path, samples=2)
    assert [(item.domain, item.version) for item in made.opset_import] == [("", 17)], "no imports left by the preparation"
    assert {item.key: item.value for item in made.metadata_props if not item.key.startswith("sardonyx")} == {"who": "me"}
    assert made.doc_string == "words"
    assert made.producer_name == proto.producer_name
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    out = Session(done.after.path).run({"image": np.zeros((3, 3, 8, 8), np.float32)})
    assert out["logits"].shape == (3, 10)


def test_random_calibration_is_told(cnn: Model, tmp_path: Path, job: Job) -> None:
    done, _ = quantized(cnn, job, tmp_path, samples=3, seed=7)
    assert any(note.startswith("Warning: calibrated on seeded random inputs") for note in done.notes)
    assert "3 seeded random samples (seed 7)" in done.notes[0]
    again, _ = quantized(cnn, job, tmp_path, samples=3, seed=7)
    assert again.after.fingerprint == done.after.fingerprint, "the same seed, the same model"
    other, _ = quantized(cnn, job, tmp_path, samples=3, seed=8)
    assert other.after.fingerprint != done.after.fingerprint


def test_ranges_come_from_the_data(tmp_path: Path, job: Job) -> None:
    model = document.snapshot(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    x = np.linspace(-3, 5, 40 * 16, dtype=np.float32).reshape(40, 16)
    np.savez(tmp_path / "calib.npz", x=x)
    done, made = quantized(model, job, tmp_path, data=str(tmp_path / "calib.npz"), samples=1000)
    weights = initializers(made)
    first = next(node for node in made.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "x")
    assert weights[first.input[1]] == pytest.approx(8 / 255, rel=1e-6)
    assert weights[first.input[2]] == round(3 / (8 / 255))
    assert not any(note.startswith("Warning: calibrated") for note in done.notes)
    assert "40 samples from calib.npz" in done.notes[0]
    _, made = quantized(model, job, tmp_path, data=str(tmp_path / "calib.npz"), samples=10)
    assert initializers(made)[first.input[1]] < 4 / 255


def test_methods_differ_where_there_are_outliers(tmp_path: Path, job: Job) -> None:
    model = document.snapshot(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    x = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)
    x[0, 0] = 60.0
    np.savez(tmp_path / "calib.npz", x=x)
    scales = {}
    for method in ("minmax", "entropy", "percentile"):
        _, made = quantized(model, job, tmp_path, data=str(tmp_path / "calib.npz"), samples=300, method=method, profile="tensorrt")
        first = next(node for node in made.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "x")
        scales[method] = float(initializers(made)[first.input[1]])
    assert scales["minmax"] == pytest.approx(60 / 127, rel=1e-5)
    assert scales["entropy"] < 0.5 * scales["minmax"]
    assert scales["percentile"] <= scales["minmax"]
    _, made = quantized(model, job, tmp_path, data=str(tmp_path / "calib.npz"), samples=300, method="percentile", percentile=99.0)
    assert float(initializers(made)[first.input[1]]) < 10 / 255


def test_histograms_do_not_pile_up_activations(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime keeps every activation of every batch for a histogram; ours are let go of in strides."""
    from onnxruntime.quantization.calibrate import HistogramCollector

    from core.passes import quantize_int8

    model = document.snapshot(models.save(models.residual_cnn(), tmp_path / "cnn.onnx"))
    held: list[int] = []
    original = HistogramCollector.collect

    def watched(self: HistogramCollector, arrays: dict[str, list[np.ndarray]]) -> None:
        held.append(max(len(values) for values in arrays.values()))
        original(self, arrays)

    monkeypatch.setattr(HistogramCollector, "collect", watched)
    done, _ = quantized(model, job, tmp_path, method="percentile", samples=10)
    assert held == [10], "all at once where it is little"
    monkeypatch.setattr(quantize_int8, "_HELD", 3 * 12_000)
    strided, _ = quantized(model, job, tmp_path, method="percentile", samples=10)
    assert sum(held[1:]) == 10
    assert 1 <= max(held[1:]) < 10
    found = compare(done.after, strided.after, DataSpec(limit=8), "", job)
    assert found.outputs[0].sqnr > 20, "the same ranges, nearly"


def test_exclusions(cnn: Model, tmp_path: Path, job: Job) -> None:
    _, made = quantized(cnn, job, tmp_path, samples=2, exclude_nodes=("/down/Conv",), exclude_ops=("Gemm",))
    makers = producers(made)
    for node in made.graph.node:
        side = makers[node.input[1]].op_type if node.op_type in ("Conv", "Gemm") and node.input[1] in makers else ""
        if node.op_type == "Gemm" or node.name == "/down/Conv":
            assert side == ""
        elif node.op_type == "Conv":
            assert side == "DequantizeLinear"
    for values, near in (({"exclude_nodes": ("/down/Con",)}, "/down/Conv"), ({"exclude_ops": ("Convo",)}, "Conv")):
        with pytest.raises(UsageError) as caught:
            quantized(cnn, job, tmp_path, **values)
        assert near in caught.value.hint


def test_a_nameless_node_is_excluded_by_the_name_it_is_shown_by(tmp_path: Path, job: Job) -> None:
    proto = models.mlp()
    for node in proto.graph.node:
        node.name = ""
    model = document.snapshot(models.save(proto, tmp_path / "nameless.onnx"))
    shown = history.preview(model, QuantizeInt8(), job)
    assert shown.nodes == ("Gemm_0", "Gemm_2")
    _, made = quantized(model, job, tmp_path, samples=2, exclude_nodes=("Gemm_2",))
    quiet = [node for node in made.graph.node if node.op_type == "Gemm" and "fc2.weight" in node.input]
    assert len(quiet) == 1


def test_weights_in_constant_nodes_are_quantized(tmp_path: Path, job: Job) -> None:
    model = document.snapshot(models.save(models.with_constants(), tmp_path / "c.onnx"))
    for prepare in (True, False):
        _, made = quantized(model, job, tmp_path, samples=2, prepare=prepare)
        assert any(value.dtype == np.int8 and value.shape == (8, 4) for value in initializers(made).values())


def test_functions_are_inlined(tmp_path: Path, job: Job) -> None:
    model = document.snapshot(models.save(models.with_function(), tmp_path / "f.onnx"))
    for profile in PROFILES:
        done, made = quantized(model, job, tmp_path, samples=2, profile=profile)
        assert not made.functions
        assert "1 function inlined." in done.notes
        assert sum(value.dtype == np.int8 and value.ndim == 2 for value in initializers(made).values()) == 2


def test_wrong_shapes_of_the_exporter_do_no_harm(tmp_path: Path, job: Job) -> None:
    proto = models.residual_cnn()
    proto.graph.value_info.append(onnx.helper.make_tensor_value_info("pool", TensorProto.FLOAT, [1, 999, 1, 1]))
    model = document.snapshot(models.save(proto, tmp_path / "wrong.onnx"))
    done, _ = quantized(model, job, tmp_path, samples=2)
    assert done.modified


def test_old_opsets_are_raised(tmp_path: Path, job: Job) -> None:
    proto = models.mlp(batch=1)  # its ops mean the same at opset 11
    proto.opset_import[0].version = 11
    proto.ir_version = 3
    for tensor in proto.graph.initializer:  # as IR 3 wants it
        proto.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    model = document.snapshot(models.save(proto, tmp_path / "old.onnx"))
    done, made = quantized(model, job, tmp_path, samples=2)
    assert any("Opset 11 became 17" in note for note in done.notes)
    assert [value.name for value in made.graph.input] == ["x"]
    assert made.ir_version >= 8
    found = compare(model, done.after, DataSpec(limit=8), "", job)
    assert found.outputs[0].cosine > 0.99


def test_it_says_what_stands_in_the_way(tmp_path: Path, job: Job) -> None:
    nan = document.snapshot(models.save(models.nan_weight(), tmp_path / "nan.onnx"))
    with pytest.raises(PassError, match=r"weight 'fc1\.weight' holds NaN") as caught:
        quantized(nan, job, tmp_path)
    assert "/fc1/Gemm" in caught.value.hint
    done = document.snapshot(models.save(models.int8_qdq(), tmp_path / "q.onnx"))
    with pytest.raises(PassError, match="quantized already"):
        quantized(done, job, tmp_path)
    none = document.snapshot(models.save(models.unsorted(), tmp_path / "u.onnx"))
    step, _ = quantized(none, job, tmp_path)
    assert not step.modified


def test_nan_in_the_data_is_told(tmp_path: Path, job: Job) -> None:
    model = document.snapshot(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    np.savez(tmp_path / "calib.npz", x=np.full((4, 16), np.nan, np.float32))
    for method in ("minmax", "entropy"):
        with pytest.raises(PassError) as caught:
            quantized(model, job, tmp_path, data=str(tmp_path / "calib.npz"), method=method)
        assert "calibration data" in caught.value.hint


def test_wrong_data_is_told(cnn: Model, tmp_path: Path, job: Job) -> None:
    with pytest.raises(DataError, match="does not exist"):
        quantized(cnn, job, tmp_path, data=str(tmp_path / "none"))
    np.savez(tmp_path / "calib.npz", image=np.zeros((4, 1, 8, 8), np.float32))
    with pytest.raises(DataError, match=r"INT8: calib\.npz: array 'image' has shape \[4, 1, 8, 8\]"):
        quantized(cnn, job, tmp_path, data=str(tmp_path / "calib.npz"))


def test_images_calibrate(cnn: Model, tmp_path: Path, job: Job) -> None:
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (20, 20), (number * 100, 255, 0)).save(folder / f"{number}.png")
    (folder / "bad.png").write_bytes(b"no")
    done, made = quantized(cnn, job, tmp_path, data=str(folder), mean="127.5", std="127.5")
    assert "3 images from pictures" in done.notes[0]
    assert any("bad.png" in note for note in done.notes)
    first = next(node for node in made.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "image")
    assert initializers(made)[first.input[1]] == pytest.approx(2 / 255, rel=1e-5)


def test_cancel_between_batches(cnn: Model, tmp_path: Path, job: Job) -> None:
    texts: list[str] = []
    watched = Job(
        scratch=job.scratch, on_step=lambda f, text: texts.append(text), is_cancelled=lambda: bool(texts) and "12 of 64" in texts[-1]
    )
    with pytest.raises(Cancelled):
        quantized(cnn, watched, tmp_path)
    assert texts[-1] == "Calibrating: 12 of 64 batches"


def test_preview_counts(cnn: Model, job: Job) -> None:
    shown = history.preview(cnn, QuantizeInt8(exclude_nodes=("/fc/Gemm",)), job)
    assert shown.nodes == ("/stem/Conv", "/block/dw/Conv", "/block/pw/Conv", "/down/Conv")
    assert shown.figures["nodes"] == "4 Conv"
    floats = 4 * (8 * 27 + 8 * 9 + 64 + 16 * 72)
    assert shown.figures["weights"] == f"{floats / 1000:.1f} kB → {floats / 4000:.1f} kB"
    assert "seeded random" in shown.text
