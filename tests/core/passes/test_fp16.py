"""FP16 in numbers: sizes, types, errors, what stays in fp32, and what it warns of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core import history
from core.compare.outputs import compare
from core.data import DataSpec
from core.errors import PassError, UsageError
from core.job import Job
from core.model import Model, document
from core.onnxrt.session import Session
from core.passes.fp16 import FP16
from tests import models


@pytest.fixture
def job(tmp_path: Path) -> Job:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Job(scratch=scratch)


def saved(proto: onnx.ModelProto, folder: Path) -> Model:
    return document.snapshot(models.save(proto, folder / "m.onnx"))


def dtypes(path: Path) -> dict[str, int]:
    return {tensor.name: tensor.data_type for tensor in onnx.load(path).graph.initializer}


def test_weights_halve_and_outputs_stay_close(tmp_path: Path, job: Job) -> None:
    model = saved(models.residual_cnn(channels=64), tmp_path)
    done = history.apply(model, FP16(), tmp_path, job)
    assert set(dtypes(done.after.path).values()) == {TensorProto.FLOAT16}
    assert 0.45 < done.after.size / model.size < 0.6
    made = onnx.load(done.after.path)
    assert {value.type.tensor_type.elem_type for value in (*made.graph.input, *made.graph.output)} == {TensorProto.FLOAT}
    found = compare(model, done.after, DataSpec(limit=16), "", job).outputs[0]
    assert found.cosine > 0.9999
    assert 0 < found.max_abs < 0.05
    assert done.notes[0] == "15 weights in fp16, 2 Casts added."
    assert "Outputs differ by at most" in done.notes[1]


def test_inputs_and_outputs_may_become_fp16(tmp_path: Path, job: Job) -> None:
    model = saved(models.mlp(), tmp_path)
    done = history.apply(model, FP16(keep_io=False), tmp_path, job)
    assert [item.dtype for item in (*done.summary.inputs, *done.summary.outputs)] == ["float16", "float16"]
    assert "Cast" not in done.summary.ops
    out = Session(done.after.path).run({"x": np.ones((2, 16), np.float16)})["probabilities"]
    assert out.dtype == np.float16
    found = compare(model, done.after, DataSpec(limit=4), "", job)
    assert found.outputs[0].max_abs < 1e-3
    assert any("was converted" in note for note in found.notes)


def test_what_is_kept_stays_in_fp32(tmp_path: Path, job: Job) -> None:
    model = saved(models.residual_cnn(), tmp_path)
    done = history.apply(model, FP16(keep_ops=("Gemm",), keep_nodes=("/down/Conv",)), tmp_path, job)
    kinds = dtypes(done.after.path)
    floats = {name for name, kind in kinds.items() if kind == TensorProto.FLOAT}
    assert floats == {"fc.weight", "fc.bias", "down.weight"}
    shown = history.preview(model, FP16(keep_ops=("Gemm",), keep_nodes=("/down/Conv",)), job)
    assert "/down/Conv" not in shown.nodes
    assert "/stem/Conv" in shown.nodes
    assert len(shown.nodes) == 10
    for wrong in (FP16(keep_ops=("Conf",)), FP16(keep_nodes=("/down/Cov",))):
        with pytest.raises(UsageError, match="The model has no") as caught:
            history.apply(model, wrong, tmp_path, job)
        assert "Conv" in caught.value.hint


@pytest.mark.parametrize("make", [models.with_if, models.with_loop, models.dynamic, models.with_function, models.with_constants])
def test_awkward_models_still_run(make: object, tmp_path: Path, job: Job) -> None:
    model = saved(make(), tmp_path)  # type: ignore[operator]
    done = history.apply(model, FP16(), tmp_path, job)
    assert done.modified
    onnx.checker.check_model(onnx.load(done.after.path), full_check=True)
    found = compare(model, done.after, DataSpec(limit=4, dim=5), "", job)
    assert all(item.cosine > 0.999 and item.finite for item in found.outputs)


def test_weights_out_of_range_are_told(tmp_path: Path, job: Job) -> None:
    proto = models.mlp()
    for tensor in proto.graph.initializer:
        if tensor.name == "fc1.weight":
            array = numpy_helper.to_array(tensor).copy()
            array[0, :3] = [1e5, -7e4, 1e-9]
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    done = history.apply(saved(proto, tmp_path), FP16(verify=False), tmp_path, job)
    assert any(note.startswith("Warning: weights beyond ±65504 were cut to it: fc1.weight") for note in done.notes)
    assert any(note.startswith("1 weight value too small") for note in done.notes)
    made = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(done.after.path).graph.initializer}
    assert made["fc1.weight"][0, :2].tolist() == [65504.0, -65504.0]


def test_overflow_is_told(tmp_path: Path, job: Job) -> None:
    proto = models.mlp()
    for tensor in proto.graph.initializer:
        if tensor.name == "fc1.weight":
            rows = np.where(np.arange(32) % 2, 3e4, -3e4).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(np.repeat(rows[:, None], 16, 1), tensor.name))
    del proto.graph.node[3:]
    del proto.graph.output[:]
    proto.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10]))
    done = history.apply(saved(proto, tmp_path), FP16(), tmp_path, job)
    assert "Warning: values became infinite or NaN in fp16, first at: /fc1/Gemm, " in done.notes[1]
    mended = history.apply(saved(proto, tmp_path), FP16(keep_nodes=("/fc1/Gemm", "/act/Relu", "/fc2/Gemm")), tmp_path, job)
    assert not any("infinite" in note for note in mended.notes)


def test_quantized_and_fp16_models(tmp_path: Path, job: Job) -> None:
    with pytest.raises(PassError, match="quantized already"):
        history.apply(saved(models.int8_qdq(), tmp_path), FP16(), tmp_path, job)
    model = saved(models.mlp(), tmp_path)
    once = history.apply(model, FP16(), tmp_path, job)
    twice = history.apply(once.after, FP16(keep_io=True), tmp_path, job)
    assert not twice.modified
    part = history.apply(model, FP16(keep_nodes=("/fc2/Gemm",)), tmp_path, job)
    rest = history.apply(part.after, FP16(), tmp_path, job)
    assert set(dtypes(rest.after.path).values()) == {TensorProto.FLOAT16}
    assert compare(model, rest.after, DataSpec(limit=4), "", job).outputs[0].max_abs < 1e-3
