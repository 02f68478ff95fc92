"""What the `tensorrt` profile makes is what TensorRT-RTX takes; what the `cpu` profile makes is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from core import history
from core.backends import tasks
from core.errors import BackendError
from core.job import Job
from core.model import Model, document
from core.passes.quantize_int8 import QuantizeInt8
from core.workers import Pool
from tests import models

pytestmark = pytest.mark.skipif(importlib.util.find_spec("tensorrt_rtx") is None, reason="tensorrt_rtx is not installed (the extra `rtx`)")

SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample"


def quantized(model: Model, folder: Path, **values: object) -> Model:
    (folder / "scratch").mkdir(exist_ok=True)
    return history.apply(model, QuantizeInt8(**values), folder, Job(scratch=folder / "scratch")).after  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["minmax", "entropy"])
def test_the_sample_is_built(method: str, tmp_path: Path, pool: Pool) -> None:
    data = str(SAMPLE / "calibration.npz")
    int8 = quantized(document.snapshot(SAMPLE / "digits.onnx"), tmp_path, profile="tensorrt", method=method, data=data)
    engine = pool.run(tasks.build, int8, "tensorrt_rtx", {}, tmp_path / "digits.engine")
    assert engine.path.stat().st_size > 10_000
    assert engine.model == int8


@pytest.mark.parametrize("make", [models.residual_cnn, models.dynamic, models.with_constants], ids=lambda make: make.__name__)
def test_awkward_models_are_built(make: object, tmp_path: Path, pool: Pool) -> None:
    model = document.snapshot(models.save(make(), tmp_path / "m.onnx"))  # type: ignore[operator]
    int8 = quantized(model, tmp_path, profile="tensorrt", samples=2)
    assert pool.run(tasks.build, int8, "tensorrt_rtx", {}, tmp_path / "m.engine").path.is_file()


def test_the_cpu_profile_is_refused(tmp_path: Path, pool: Pool) -> None:
    """The reason why there are two: biases of int32 behind DequantizeLinear, and unsigned activations."""
    model = document.snapshot(models.save(models.residual_cnn(), tmp_path / "m.onnx"))
    int8 = quantized(model, tmp_path, profile="cpu", samples=2)
    with pytest.raises(BackendError):
        pool.run(tasks.build, int8, "tensorrt_rtx", {}, tmp_path / "m.engine")
