"""The measuring loop: every inference counted, reports beside it, the collector given back."""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np
import pytest

from core.bench import Samples
from core.bench import loop as room
from core.bench.loop import measure
from core.errors import Cancelled
from core.job import Job


class Clock:
    """A clock that moves only when told; calls take what is written down for them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000
        monkeypatch.setattr(time, "perf_counter_ns", lambda: self.now)

    def passes(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def watched(clock: Clock | None = None, cost: float = 0.0) -> tuple[Job, list[Samples], list[tuple[float, str]]]:
    """A job whose samples and steps are kept; each report may cost time."""
    samples: list[Samples] = []
    steps: list[tuple[float, str]] = []

    def emit(event: Any) -> None:
        samples.append(event)
        if clock is not None:
            clock.passes(cost)

    return Job(on_emit=emit, on_step=lambda fraction, text: steps.append((fraction, text))), samples, steps


def test_latencies_are_exact(clock: Clock) -> None:
    durations = iter([0.003, 0.001, 0.002, 0.004] * 100)
    job, samples, _ = watched()
    found = measure(lambda: clock.passes(next(durations)), 0.05, job)
    np.testing.assert_allclose(found.latencies[:4], [0.003, 0.001, 0.002, 0.004], rtol=1e-12)
    assert found.seconds == pytest.approx(found.latencies.sum())
    np.testing.assert_array_equal(np.concatenate([event.latencies for event in samples]), found.latencies)
    times = np.concatenate([event.times for event in samples])
    assert times[0] == pytest.approx(0.003)
    assert (np.diff(times) > 0).all()


def test_reports_come_thirty_times_a_second(clock: Clock) -> None:
    job, samples, steps = watched()
    measure(lambda: clock.passes(0.0001), 3.0, job)
    assert 85 <= len(samples) <= 95
    assert len(steps) == len(samples)
    fractions = [fraction for fraction, _ in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_the_cost_of_reports_is_left_out(clock: Clock) -> None:
    job, samples, _ = watched(clock, cost=0.020)
    found = measure(lambda: clock.passes(0.0001), 1.0, job)
    assert found.latencies.max() == pytest.approx(0.0001)
    assert found.seconds == pytest.approx(1.0, rel=0.01)
    assert found.latencies.size == pytest.approx(10_000, rel=0.01)
    assert len(samples) > 20


def test_an_untimed_inference_follows_each_report(clock: Clock) -> None:
    calls = []

    def call() -> None:
        # the first one after a report finds cold caches
        cold = bool(samples) and len(calls) in after
        clock.passes(0.001 if cold else 0.0001)
        calls.append(None)

    after: set[int] = set()
    samples: list[Samples] = []

    def emit(event: Any) -> None:
        samples.append(event)
        after.add(len(calls))

    found = measure(call, 0.5, Job(on_emit=emit))
    assert found.latencies.max() == pytest.approx(0.0001)
    assert len(calls) == found.latencies.size + len(samples) - 1


def test_one_inference_longer_than_everything(clock: Clock) -> None:
    job, samples, steps = watched()
    found = measure(lambda: clock.passes(7.5), 1.0, job)
    assert found.latencies.tolist() == [7.5]
    assert len(samples) == 1
    assert steps == [(1.0, "1 inference")]


def test_inferences_of_seconds_are_told_one_by_one(clock: Clock) -> None:
    job, samples, _ = watched()
    found = measure(lambda: clock.passes(2.0), 10.0, job)
    assert found.latencies.size == 5
    assert [event.latencies.size for event in samples] == [1] * 5


def test_a_count_ends_it(clock: Clock) -> None:
    job, _, steps = watched()
    assert measure(lambda: clock.passes(0.001), 100.0, job, limit=250).latencies.size == 250
    assert steps[-1][0] == 1.0


def test_more_than_the_buffer_holds(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_ROOM", 16)
    job, samples, _ = watched()
    found = measure(lambda: clock.passes(0.00001), 0.01, job)
    assert found.latencies.size == pytest.approx(1000, abs=2)
    assert max(event.latencies.size for event in samples) == 16


def test_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 1000)
    job, _, _ = watched()
    assert measure(lambda: clock.passes(0.00001), 3600.0, job).latencies.size == 1000


def test_samples_keep_their_values(clock: Clock) -> None:
    """The buffer is used again: what was sent must not change afterwards."""
    numbers = iter(range(1, 100_000))
    job, samples, _ = watched()
    found = measure(lambda: clock.passes(next(numbers) * 1e-6), 0.5, job)
    sent = np.concatenate([event.latencies for event in samples])
    np.testing.assert_array_equal(sent, found.latencies)
    assert sent[0] == pytest.approx(1e-6)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_and_is_given_back(enabled: bool) -> None:
    seen = []
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        measure(lambda: seen.append(gc.isenabled()), 0.0, Job())
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()
    assert seen == [False]


def test_cancel_ends_it_and_gives_the_collector_back(clock: Clock) -> None:
    calls = []

    def call() -> None:
        calls.append(None)
        clock.passes(0.001)

    with pytest.raises(Cancelled):
        measure(call, 1e6, Job(is_cancelled=lambda: len(calls) > 500))
    assert gc.isenabled()
    assert len(calls) < 600


def test_a_failing_call_gives_the_collector_back() -> None:
    def call() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measure(call, 1.0, Job())
    assert gc.isenabled()
