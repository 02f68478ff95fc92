"""The fake does what it is told, so that tests above it can trust it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.backends.fake import Fake, FakeOptions
from core.errors import BackendError, Cancelled
from core.job import Job
from core.model import Model
from tests import models

Maker = Callable[..., Model]
FEEDS = {"x": np.ones((3, 16), np.float32)}


def test_it_is_hidden_from_menus() -> None:
    assert Fake.hidden


def test_outputs_are_those_of_the_reference(model_of: Maker, engines: Path, job: Job) -> None:
    from core.backends.onnxruntime import OnnxRuntime

    model = model_of(models.mlp())
    with Fake().open(Fake().build(model, FakeOptions(), engines / "a.fake", job)) as runner:
        pretended = runner.run(FEEDS)
    real = OnnxRuntime()
    with real.open(real.build(model, real.Options(), engines / "a.onnx", job)) as runner:
        np.testing.assert_allclose(pretended["probabilities"], runner.run(FEEDS)["probabilities"], rtol=1e-5)


def test_zeros_have_the_right_shape(model_of: Maker, engines: Path, job: Job) -> None:
    with Fake().open(Fake().build(model_of(models.mlp()), FakeOptions(outputs="zeros"), engines / "a.fake", job)) as runner:
        np.testing.assert_array_equal(runner.run(FEEDS)["probabilities"], np.zeros((3, 10), np.float32))


@pytest.mark.parametrize("latency", [0.5, 5.0])
def test_it_takes_at_least_as_long_as_told(latency: float, model_of: Maker, engines: Path, job: Job) -> None:
    engine = Fake().build(model_of(models.mlp()), FakeOptions(latency_ms=latency), engines / "a.fake", job)
    with Fake().open(engine) as runner:
        call = runner.prepare(FEEDS)
        begin = time.perf_counter()
        call()
        assert time.perf_counter() - begin >= latency / 1e3


@pytest.mark.parametrize("where", ["build", "open", "run"])
def test_it_fails_where_it_is_told(where: str, model_of: Maker, engines: Path, job: Job) -> None:
    def all_of_it() -> None:
        engine = Fake().build(model_of(models.mlp()), FakeOptions(fail_at=where), engines / "a.fake", job)
        reached.append("open")
        with Fake().open(engine) as runner:
            reached.append("run")
            runner.run(FEEDS)

    reached = ["build"]
    with pytest.raises(BackendError, match=f"refused to {where}"):
        all_of_it()
    assert reached[-1] == where


def test_a_long_build_stops_when_told(model_of: Maker, engines: Path) -> None:
    seen: list[float] = []
    job = Job(on_step=lambda fraction, text: seen.append(fraction), is_cancelled=lambda: len(seen) > 2)
    with pytest.raises(Cancelled):
        Fake().build(model_of(models.mlp()), FakeOptions(build_seconds=3600), engines / "a.fake", job)
    job.close()
    assert not list(engines.iterdir())
