"""Builds in worker processes: cancel and death leave the folder as it was, and the next job works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.backends import BACKENDS
from core.backends.tasks import availability, build
from core.errors import BackendError, Cancelled, UsageError, WorkerError
from core.job import Job
from core.model import Model
from core.workers import CancelToken, Pool
from tests import models
from tests.core.backends import refused

Maker = Callable[..., Model]


def test_availability_of_all(pool: Pool) -> None:
    found = pool.run(availability)
    assert tuple(found) == BACKENDS.ids()
    assert found["onnxruntime"].can_run
    assert found["fake"].can_run


def test_unknown_names_are_wrong_usage(model_of: Maker, engines: Path, job: Job) -> None:
    with pytest.raises(UsageError, match="no 'openvino' among the backends"):
        build(model_of(models.mlp()), "openvino", {}, engines / "a", job)
    with pytest.raises(UsageError, match="no parameter 'speed'"):
        build(model_of(models.mlp()), "onnxruntime", {"speed": 9}, engines / "a", job)


@pytest.mark.parametrize("backend", ["onnxruntime", "tensorrt_rtx"])
def test_an_engine_comes_back_from_a_worker(backend: str, pool: Pool, model_of: Maker, engines: Path) -> None:
    if backend == "tensorrt_rtx":
        pytest.importorskip("tensorrt_rtx", reason="the extra 'rtx' is not installed")
    told: list[float] = []
    engine = pool.run(
        build, model_of(models.residual_cnn()), backend, {}, engines / "a.engine", on_step=lambda fraction, text: told.append(fraction)
    )
    assert engine.path == engines / "a.engine"
    assert engine.path.stat().st_size == engine.size
    assert told == sorted(told)
    assert [file.name for file in engines.iterdir()] == ["a.engine"]


def test_a_refusal_comes_back_decoded(pool: Pool, model_of: Maker, engines: Path) -> None:
    with pytest.raises(BackendError, match="node 'product'") as found:
        pool.run(build, model_of(refused.bfloat16()), "onnxruntime", {}, engines / "a.onnx")
    assert found.value.hint
    assert found.value.detail


@pytest.mark.parametrize("share", [0.0, 0.1, 0.7])
def test_a_cancelled_engine_build_leaves_nothing(share: float, pool: Pool, model_of: Maker, engines: Path) -> None:
    """Before, at the beginning of, and deep inside a build of ten seconds that is silent for most of them."""
    pytest.importorskip("tensorrt_rtx", reason="the extra 'rtx' is not installed")
    cancel = CancelToken()

    def stop(fraction: float, text: str) -> None:
        if fraction >= share:
            cancel.set()

    with pytest.raises(Cancelled):
        pool.run(
            build,
            model_of(refused.chain(300)),
            "tensorrt_rtx",
            {"optimization_level": 5, "target": "SM89"},
            engines / "a.engine",
            on_step=stop,
            cancel=cancel,
        )
    assert not list(engines.iterdir())


@pytest.mark.parametrize(("crash", "signal"), [("segfault", "SIGSEGV"), ("abort", "SIGABRT"), ("kill", "SIGKILL")])
def test_a_crash_while_building_is_told_and_over(crash: str, signal: str, pool: Pool, model_of: Maker, engines: Path) -> None:
    model = model_of(models.mlp())
    with pytest.raises(WorkerError, match=signal) as found:
        pool.run(build, model, "fake", {"crash": crash}, engines / "a.fake", title="Build with Fake")
    assert "Build with Fake" in found.value.message
    assert found.value.hint
    assert not list(engines.iterdir())
    assert pool.run(build, model, "fake", {}, engines / "a.fake").size > 0


def test_a_build_that_hangs_can_be_cancelled(pool: Pool, model_of: Maker, engines: Path) -> None:
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        pool.run(
            build,
            model_of(models.mlp()),
            "fake",
            {"crash": "hang"},
            engines / "a.fake",
            on_step=lambda fraction, text: cancel.set(),
            cancel=cancel,
        )
    assert not list(engines.iterdir())
