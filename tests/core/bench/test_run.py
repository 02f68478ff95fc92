"""Benchmarks of real engines and of pretended ones, in this process and in a worker."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from core import params
from core.backends.base import Engine
from core.bench import BenchPlan, Environment, Samples
from core.bench.loop import Measured
from core.bench.run import KEPT, bench, cautions, thinned
from core.bench.stats import stats
from core.errors import BackendError, Cancelled, DataError, UsageError, WorkerError
from core.job import Job
from core.workers import CancelToken, Pool
from tests import models

EngineOf = Callable[..., Engine]
SHORT = BenchPlan(seconds=0.2, warmup=0.05)
QUIET = Environment("here", "cpu", 4, 2**34, "os", "3.11", "performance", "", "", 0.1, {})


def test_a_result_says_everything(engine_of: EngineOf) -> None:
    engine = engine_of("onnxruntime", models.residual_cnn(batch="N"))
    samples: list[Samples] = []
    steps: list[float] = []
    job = Job(on_emit=samples.append, on_step=lambda fraction, text: steps.append(fraction))
    result = bench(engine, replace(SHORT, batch=2), job)
    measured = np.concatenate([event.latencies for event in samples if event.phase == "measure"]) * 1e3
    assert {event.phase for event in samples} == {"warmup", "measure"}
    assert result.stats.count == measured.size
    assert result.stats.p50 == pytest.approx(np.median(measured))
    assert result.shapes == {"image": (2, 3, 8, 8)}
    assert result.backend == "onnxruntime"
    assert result.fingerprint == engine.model.fingerprint
    assert result.engine_size == engine.size
    assert params.from_dict(BenchPlan, result.plan) == replace(SHORT, batch=2)
    assert "seeded random" in result.data
    assert any("seeded random" in note for note in result.notes)
    assert result.environment.cores >= 1
    assert result.extra["device"] == "CPU"
    assert len(result.latencies) == min(KEPT, measured.size)
    assert steps == sorted(steps)
    json.dumps(asdict(result))


def test_a_fixed_batch_is_kept(engine_of: EngineOf) -> None:
    assert bench(engine_of("onnxruntime", models.residual_cnn(batch=1)), SHORT, Job()).shapes == {"image": (1, 3, 8, 8)}


def test_other_symbolic_dims_are_as_planned(engine_of: EngineOf) -> None:
    result = bench(engine_of("onnxruntime", models.dynamic()), replace(SHORT, batch=3, dim=7), Job())
    assert result.shapes == {"tokens": (3, 7)}


def test_own_data(engine_of: EngineOf, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.ones((5, 16), np.float32))
    result = bench(engine_of("onnxruntime"), replace(SHORT, data=str(tmp_path / "data.npz"), batch=2), Job())
    assert result.shapes == {"x": (2, 16)}
    assert "data.npz" in result.data
    assert not any("seeded random" in note for note in result.notes)


def test_data_that_is_not_there(engine_of: EngineOf) -> None:
    with pytest.raises(DataError, match="does not exist"):
        bench(engine_of("onnxruntime"), replace(SHORT, data="/nowhere/data.npz"), Job())


def test_a_plan_out_of_range(engine_of: EngineOf) -> None:
    with pytest.raises(UsageError, match="seconds"):
        bench(engine_of("fake"), replace(SHORT, seconds=-1.0), Job())


def test_the_fakes_latency_is_found(engine_of: EngineOf) -> None:
    result = bench(engine_of("fake", latency_ms=3.0), replace(SHORT, samples=20), Job())
    assert result.stats.count <= 20
    assert result.stats.min >= 3.0
    assert result.stats.p50_low <= result.stats.p50 <= result.stats.p50_high
    assert any("pretended" in note for note in result.notes)
    assert any("p99 and p99.9 cannot be told" in note for note in result.notes)


def test_an_engine_that_fails_while_measured(engine_of: EngineOf) -> None:
    with pytest.raises(BackendError, match="refused to run"):
        bench(engine_of("fake", fail_at="run"), SHORT, Job())


def test_an_engine_that_cannot_run_here(engine_of: EngineOf) -> None:
    pytest.importorskip("tensorrt_rtx", reason="the extra 'rtx' is not installed")
    from core.backends.tensorrt_rtx import TensorRtRtx

    if TensorRtRtx().available().can_run:
        pytest.skip("there is a GPU that TensorRT-RTX supports")
    with pytest.raises(BackendError, match="cannot run engines here") as found:
        bench(engine_of("tensorrt_rtx", target="SM89"), SHORT, Job())
    assert found.value.hint


def test_samples_stream_out_of_a_worker(engine_of: EngineOf, pool: Pool) -> None:
    samples: list[Samples] = []
    result = pool.run(bench, engine_of("onnxruntime"), replace(SHORT, seconds=0.5), on_emit=samples.append, quiet=True)
    measured = [event for event in samples if event.phase == "measure"]
    assert len(measured) > 3
    assert sum(event.latencies.size for event in measured) == result.stats.count


def test_cancel_in_a_worker(engine_of: EngineOf, pool: Pool) -> None:
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        pool.run(bench, engine_of("onnxruntime"), BenchPlan(seconds=3600.0), on_emit=lambda event: cancel.set(), cancel=cancel)


@pytest.mark.parametrize(("crash", "signal"), [("segfault", "SIGSEGV"), ("abort", "SIGABRT")])
def test_a_crash_while_measuring_is_told(crash: str, signal: str, engine_of: EngineOf, pool: Pool) -> None:
    with pytest.raises(WorkerError, match=signal):
        pool.run(bench, engine_of("fake", crash=crash, crash_at="run"), SHORT, title="Benchmark")
    assert pool.run(bench, engine_of("onnxruntime"), SHORT).stats.count > 0


def notes_for(latencies: np.ndarray, *, place: Environment = QUIET, others: float = 0.0) -> str:
    return "\n".join(cautions(Measured(latencies, float(latencies.sum())), stats(latencies * 1e3, 1.0), place, others))


def test_a_steady_run_on_a_quiet_machine_has_no_cautions() -> None:
    assert notes_for(np.random.default_rng(0).normal(1e-3, 1e-5, 5000)) == ""


@pytest.mark.parametrize(
    ("latencies", "words", "settings"),
    [
        (np.full(50, 1e-3), "p99 and p99.9 cannot be told from so few inferences (50)", {}),
        (np.full(500, 1e-3), "p99.9 cannot be told from so few inferences (500)", {}),
        (np.random.default_rng(0).normal(1e-3, 1e-4, 5000), "vary by 10%", {}),
        (np.concatenate([np.full(3000, 1e-3), np.full(3000, 1.2e-3)]), "second half was 20% slower", {}),
        (np.full(5000, 1e-3), "other programs used 40% of the processors", {"others": 0.4}),
        (np.full(5000, 1e-3), "busy just before (load 9.0 on 4 cores)", {"place": replace(QUIET, load=9.0)}),
        (np.full(5000, 1e-3), "governor is 'powersave'", {"place": replace(QUIET, governor="powersave")}),
    ],
)
def test_cautions(latencies: np.ndarray, words: str, settings: dict[str, object]) -> None:
    assert words in notes_for(latencies, **settings)  # type: ignore[arg-type]


def test_thinning_keeps_the_ends_and_the_order() -> None:
    values = np.arange(100_001, dtype=np.float64)
    kept = thinned(values)
    assert len(kept) == KEPT
    assert (kept[0], kept[-1]) == (0.0, 100_000.0)
    assert all(a < b for a, b in itertools.pairwise(kept))
    assert thinned(values[:10]) == tuple(range(10))
