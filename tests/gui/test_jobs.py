from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from core.errors import ModelError, WorkerError
from core.workers import Pool, TaskBug
from gui.jobs import JobHandle, Jobs
from tests.core.workers import tasks


@pytest.fixture
def jobs(qtbot: QtBot, pool: Pool) -> Iterator[Jobs]:
    made = Jobs(pool)
    yield made
    made.close()


def ended(qtbot: QtBot, handle: JobHandle) -> None:
    qtbot.waitUntil(lambda: handle.over, timeout=20_000)


def test_a_job_tells_of_itself_and_ends(qtbot: QtBot, jobs: Jobs) -> None:
    told: list[Any] = []
    jobs.added.connect(lambda handle: told.append(("added", handle.title)))
    jobs.ended.connect(lambda handle: told.append(("ended", handle.state)))
    threads = []
    handle = jobs.start(
        tasks.steps, 100, title="Count", on_done=lambda result: (told.append(result), threads.append(threading.current_thread()))
    )
    assert handle.state == "running"
    assert jobs.active() == [handle]
    ended(qtbot, handle)
    assert told == [("added", "Count"), 100, ("ended", "done")]
    assert threads == [threading.main_thread()]
    assert (handle.result, handle.error, handle.fraction, handle.text) == (100, None, 1.0, "step 100")
    assert handle.elapsed() > 0
    assert handle.elapsed() == handle.elapsed()
    assert jobs.active() == []


def test_callbacks_see_a_job_that_has_ended(qtbot: QtBot, jobs: Jobs) -> None:
    seen = []
    handle = jobs.start(tasks.echo, 7, title="Echo", on_done=lambda result: seen.append((handle.state, handle.result, jobs.active())))
    ended(qtbot, handle)
    assert seen == [("done", 7, [])]


def test_an_error_reaches_its_callback_and_everybody(qtbot: QtBot, jobs: Jobs) -> None:
    told: list[Any] = []
    jobs.failed.connect(lambda handle: told.append(handle.error))
    handle = jobs.start(tasks.refuse, title="Open", on_done=lambda result: pytest.fail("done"), on_error=told.append)
    ended(qtbot, handle)
    assert len(told) == 2
    assert told[0] is told[1] is handle.error
    assert isinstance(handle.error, ModelError)
    assert (handle.error.hint, handle.state) == ("Choose another.", "failed")


def test_a_bug_is_a_failure_too(qtbot: QtBot, jobs: Jobs) -> None:
    handle = jobs.start(tasks.stumble, title="Stumble")
    ended(qtbot, handle)
    assert isinstance(handle.error, TaskBug)
    assert "in stumble" in handle.error.detail


def test_a_task_that_cannot_travel_is_a_failure(qtbot: QtBot, jobs: Jobs) -> None:
    handle = jobs.start(lambda job: 1, title="Lambda")
    ended(qtbot, handle)
    assert isinstance(handle.error, TypeError)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_worker_ends_its_job_and_nothing_else(qtbot: QtBot, jobs: Jobs, number: signal.Signals) -> None:
    handle = jobs.start(tasks.wait_forever, title="Quantize INT8")
    with qtbot.waitSignal(handle.emitted, timeout=20_000) as caught:
        pass
    os.kill(caught.args[0][0], number)
    ended(qtbot, handle)
    assert isinstance(handle.error, WorkerError)
    assert "Quantize INT8" in handle.error.message
    assert number.name in handle.error.message
    again = jobs.start(tasks.echo, 1, title="Echo")
    ended(qtbot, again)
    assert again.result == 1


def test_cancel(qtbot: QtBot, jobs: Jobs) -> None:
    told: list[Any] = []
    jobs.failed.connect(told.append)
    handle = jobs.start(tasks.wait_forever, title="Wait", on_done=told.append, on_error=told.append)
    with qtbot.waitSignal(handle.emitted, timeout=20_000) as caught:
        pass
    handle.cancel()
    handle.cancel()
    ended(qtbot, handle)
    assert (handle.state, handle.error, told) == ("cancelled", None, [])
    pid, scratch = caught.args[0]
    assert not Path(scratch).exists()
    assert pid not in jobs.pool.pids()
    handle.cancel()
    assert handle.state == "cancelled"


def test_a_benchmark_has_the_machine_to_itself(qtbot: QtBot, jobs: Jobs, tmp_path: Path) -> None:
    doors = [tmp_path / name for name in "abc"]
    before = jobs.start(tasks.wait_for_file, doors[0], title="Before")
    alone = jobs.start(tasks.wait_for_file, doors[1], title="Benchmark", exclusive=True)
    after = jobs.start(tasks.wait_for_file, doors[2], title="After")
    states = lambda: (before.state, alone.state, after.state)  # noqa: E731
    assert states() == ("running", "queued", "queued")
    assert alone.elapsed() == 0
    assert jobs.active() == [before, alone, after]
    doors[2].touch()
    doors[0].touch()
    ended(qtbot, before)
    assert states() == ("done", "running", "queued")
    doors[1].touch()
    ended(qtbot, alone)
    assert after.state in ("running", "done")  # its door has been open for long
    ended(qtbot, after)


def test_only_so_many_at_once(qtbot: QtBot, pool: Pool, tmp_path: Path) -> None:
    jobs = Jobs(pool, limit=2)
    door = tmp_path / "door"
    handles = [jobs.start(tasks.wait_for_file, door, title=str(index)) for index in range(4)]
    assert [one.state for one in handles] == ["running", "running", "queued", "queued"]
    handles[2].cancel()
    assert handles[2].state == "cancelled"
    door.touch()
    for handle in handles:
        ended(qtbot, handle)
    assert [one.state for one in handles] == ["done", "done", "cancelled", "done"]
    jobs.close()


def test_cancelling_a_queued_benchmark_lets_the_others_go(qtbot: QtBot, jobs: Jobs, tmp_path: Path) -> None:
    door = tmp_path / "door"
    first = jobs.start(tasks.wait_for_file, door, title="First")
    alone = jobs.start(tasks.echo, 1, title="Benchmark", exclusive=True)
    third = jobs.start(tasks.echo, 3, title="Third")
    alone.cancel()
    ended(qtbot, third)
    assert (first.state, alone.state, third.result) == ("running", "cancelled", 3)
    door.touch()
    ended(qtbot, first)


def test_streamed_events_arrive_in_order_and_before_the_end(qtbot: QtBot, jobs: Jobs) -> None:
    got: list[int] = []
    at_end: list[int] = []
    signals: list[int] = []
    handle = jobs.start(tasks.single_samples, 20_000, title="Samples", on_emit=got.append, on_done=lambda result: at_end.append(len(got)))
    handle.emitted.connect(signals.append)
    ended(qtbot, handle)
    assert got == signals == list(range(20_000))
    assert at_end == [20_000]


def test_progress_is_throttled(qtbot: QtBot, jobs: Jobs) -> None:
    handle = jobs.start(tasks.steps, 20_000, title="Steps")
    changes: list[float] = []
    handle.changed.connect(lambda: changes.append(handle.fraction))
    ended(qtbot, handle)
    assert len(changes) < 40 * (handle.elapsed() + 1)
    assert changes == sorted(changes)
    assert handle.text == "step 20000"


def test_the_window_turns_between_the_events_of_a_flood(qtbot: QtBot, jobs: Jobs) -> None:
    """Many single events, each with a callback: timers fire between them, not only after the last."""
    got: list[int] = []
    seen_at: list[int] = []
    timer = QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: seen_at.append(len(got)))
    timer.start()
    handle = jobs.start(tasks.single_samples, 50_000, title="Flood", on_emit=got.append)
    qtbot.waitUntil(lambda: handle.over, timeout=60_000)
    timer.stop()
    assert len(got) == 50_000
    assert len({count for count in seen_at if 0 < count < 50_000}) > 3


def test_a_callback_that_stumbles_takes_nothing_with_it(qtbot: QtBot, jobs: Jobs) -> None:
    got: list[int] = []

    def stumble(event: int) -> None:
        got.append(event)
        if event == 1:
            raise ValueError("in a callback")

    with qtbot.captureExceptions() as caught:
        handle = jobs.start(tasks.emits, [0, 1, 2], title="Emits", on_emit=stumble)
        ended(qtbot, handle)
        other = jobs.start(tasks.echo, 1, title="Echo", on_done=lambda result: 1 / 0)
        with qtbot.waitSignal(jobs.ended, timeout=20_000):
            pass
    assert got == [0, 1, 2]
    assert [kind.__name__ for kind, _, _ in caught] == ["ValueError", "ZeroDivisionError"]
    assert (handle.state, other.state, jobs.active()) == ("done", "done", [])


def test_close_cancels_everything(qtbot: QtBot, tmp_path: Path) -> None:
    jobs = Jobs(limit=1)
    jobs.warm_up()
    running = jobs.start(tasks.wait_forever, title="Running")
    queued = jobs.start(tasks.echo, 1, title="Queued")
    with qtbot.waitSignal(running.emitted, timeout=20_000):
        pass
    jobs.close()
    assert (running.state, queued.state, jobs.active(), jobs.pool.pids()) == ("cancelled", "cancelled", [], {})


def test_close_while_the_worker_is_starting(qtbot: QtBot) -> None:
    jobs = Jobs()
    handle = jobs.start(tasks.wait_forever, title="Starting")
    jobs.close()
    assert handle.state == "cancelled"
    jobs.close()


def test_timeout(qtbot: QtBot, jobs: Jobs) -> None:
    handle = jobs.start(tasks.wait_forever, title="Slow", timeout=0.3)
    ended(qtbot, handle)
    assert isinstance(handle.error, WorkerError)
    assert "0.3 s" in handle.error.message
