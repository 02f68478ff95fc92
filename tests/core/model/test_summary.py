"""What a model is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from core.job import Job
from core.model import TensorType, document, opening
from core.model.summary import summarize
from tests import models


def test_a_small_network(tmp_path: Path) -> None:
    opened = opening.open_model(models.save(models.residual_cnn(batch="N"), tmp_path / "cnn.onnx"), Job())
    found = opened.summary
    assert found.name == "cnn"
    assert found.producer == "sardonyx-tests"
    assert (found.ir_version, found.opsets) == (10, {"": 17})
    assert found.nodes == 12
    assert found.ops["Conv"] == 4
    assert next(iter(found.ops)) == "Conv"
    assert found.inputs == (TensorType("image", "float32", ("N", 3, 8, 8)),)
    assert found.outputs == (TensorType("logits", "float32", ("N", 10)),)
    weights = models.residual_cnn().graph.initializer
    assert found.parameters == sum(int(np.prod(tensor.dims)) for tensor in weights)
    assert found.weight_bytes == 4 * found.parameters
    assert found.initializers == 15
    assert found.precision == "float32"
    # batch counted as one: stem, depthwise, pointwise, the strided one, the classifier
    assert found.macs == 64 * 8 * 27 + 64 * 8 * 9 + 64 * 8 * 8 + 16 * 16 * 8 * 9 + 160
    assert found.macs_missing == 0
    assert found.warnings == ()


def test_weights_are_counted_wherever_they_are(tmp_path: Path) -> None:
    constants = summarize(models.with_constants())
    assert constants.parameters == 33, "the matrix and the upper bound; the shape and the plain value are not weights"
    assert summarize(models.with_if()).parameters == 17
    external = opening.open_model(models.with_external(tmp_path), Job()).summary
    assert external.parameters == summarize(models.mlp()).parameters
    assert external.weight_bytes == summarize(models.mlp()).weight_bytes
    quantized = summarize(models.int8_qdq())
    assert quantized.precision == "int8"
    assert quantized.parameters == 108 + 4 + 4 + 4


def test_from_onnx_ir_and_from_a_file_it_is_the_same(tmp_path: Path) -> None:
    path = models.save(models.with_function(), tmp_path / "with_function.onnx")
    by_file = summarize(document.load(path), document.snapshot(path))
    assert by_file == summarize(document.load(path))
    assert by_file == summarize(onnx.load(path))
    assert by_file == opening.read_summary(document.snapshot(path), Job())
    assert by_file.functions == 1


def test_odd_types_have_words() -> None:
    model = models.mlp()
    model.graph.input.append(onnx.helper.make_tensor_sequence_value_info("s", 1, ["a", None]))
    model.graph.input.append(onnx.helper.make_tensor_value_info("b", onnx.TensorProto.BFLOAT16, None))
    model.graph.input.append(onnx.helper.make_tensor_value_info("e", onnx.TensorProto.INT64, [0, None]))
    texts = [value.text() for value in summarize(model).inputs]
    assert texts == ["float32[N, 16]", "sequence(float32)[a, ?]", "bfloat16[…]", "int64[0, ?]"]


def test_a_large_model_is_not_searched_for_nan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.model import summary

    path = models.save(models.nan_weight(), tmp_path / "m.onnx")
    monkeypatch.setattr(summary, "SCANNED", 100)
    assert opening.open_model(path, Job()).summary.warnings == ()


def test_many_bad_weights_are_named_in_part(tmp_path: Path) -> None:
    model = models.mlp()
    for number in range(5):
        model.graph.initializer.add(name=f"n{number}", data_type=1, dims=[2], float_data=[1.0, float("nan")])
    (warning,) = opening.open_model(models.save(model, tmp_path / "m.onnx"), Job()).summary.warnings
    assert warning.startswith("Weights with NaN: 'n0', 'n1', 'n2' and 2 more.")


def test_the_work_is_reported_and_can_be_stopped(tmp_path: Path) -> None:
    from core.errors import Cancelled

    path = models.save(models.mlp(), tmp_path / "m.onnx")
    seen: list[float] = []
    opening.open_model(path, Job(on_step=lambda fraction, _: seen.append(fraction)))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    with pytest.raises(Cancelled):
        opening.open_model(path, Job(is_cancelled=lambda: True))


def test_read_index_is_kept(tmp_path: Path) -> None:
    model = document.snapshot(models.save(models.mlp(), tmp_path / "m.onnx"))
    assert opening.read_index(model, Job()) is opening.read_index(model, Job())
