from __future__ import annotations

import os
import queue
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from core import scratch
from core.errors import AppError, Cancelled, ModelError, UsageError, WorkerError
from core.workers import CancelToken, Pool, TaskBug
from core.workers import pool as pool_module
from core.workers.process import Process
from tests.core.workers import tasks


@pytest.fixture
def own() -> Iterator[Pool]:
    """A pool that a test may hurt; bare workers start sooner."""
    with Pool(warm=False) as made:
        yield made


class Call(threading.Thread):
    """A call of `pool.run` on a thread, with its outcome."""

    def __init__(self, run: Any, *args: Any, **keywords: Any) -> None:
        super().__init__()
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.outcome: Any = None
        self._call = lambda: run(*args, on_emit=self.events.put, **keywords)
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self._call()
        except BaseException as error:  # the outcome of the test
            self.outcome = error

    def wait(self) -> Any:
        self.join(30)
        assert not self.is_alive()
        return self.outcome


def test_a_task_runs_elsewhere_and_answers(pool: Pool) -> None:
    assert pool.run(tasks.pid) != os.getpid()
    assert pool.run(tasks.echo, {"a": (1, "ü", None)}) == {"a": (1, "ü", None)}


def test_progress_arrives_and_the_last_one_always(pool: Pool) -> None:
    steps: list[tuple[float, str]] = []
    assert pool.run(tasks.steps, 5000, on_step=lambda fraction, text: steps.append((fraction, text))) == 5000
    assert steps[-1] == (1.0, "step 5000")
    assert len(steps) < 2500
    assert steps == sorted(steps, key=lambda one: one[0])


def test_callbacks_come_on_the_calling_thread(pool: Pool) -> None:
    threads: set[threading.Thread] = set()
    pool.run(tasks.steps, 3, on_step=lambda *_: threads.add(threading.current_thread()))
    pool.run(tasks.emits, [1, 2], on_emit=lambda _: threads.add(threading.current_thread()))
    assert threads == {threading.current_thread()}


def test_events_arrive_in_order_as_they_were_when_emitted(pool: Pool) -> None:
    chunks: list[Any] = []
    assert pool.run(tasks.many_samples, 1_000_000, 1000, on_emit=chunks.append) == 1_000_000
    assert np.array_equal(np.concatenate(chunks), np.arange(1_000_000))


def test_a_million_single_events(pool: Pool) -> None:
    got: list[int] = []
    pool.run(tasks.single_samples, 1_000_000, on_emit=got.append)
    assert got == list(range(1_000_000))


def test_large_events_wait_for_a_slow_reader(pool: Pool) -> None:
    """Half a gigabyte of events through a reader that is slower than the task: the worker holds back, nothing is lost."""
    sums: list[float] = []
    peak = 0

    def take(event: Any) -> None:
        nonlocal peak
        sums.append(float(event[0]))
        if len(sums) % 50 == 0:
            peak = max(peak, *(psutil.Process(pid).memory_info().rss for pid in pool.pids()))

    pool.run(tasks.many_samples, 250 * 250_000, 250_000, on_emit=take)
    assert sums == [index * 250_000.0 for index in range(250)]
    assert peak < 600 << 20


def test_nobody_listens(pool: Pool) -> None:
    assert pool.run(tasks.emits, [1, 2, 3]) == 3
    assert pool.run(tasks.steps, 3) == 3


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_large_inputs_and_results(pool: Pool, size: int) -> None:
    values = np.arange(size, dtype=np.float32)
    found = pool.run(tasks.add_one, values)
    assert np.array_equal(found, values + 1)
    found += 1
    assert size == 0 or values[0] == 0


def test_what_a_thread_left_behind_says_is_not_heard(own: Pool) -> None:
    assert own.run(tasks.emit_after_end) is None
    events: list[Any] = []
    own.run(tasks.steps, 2000, on_emit=events.append)
    assert events == []


def test_an_app_error_arrives_whole(pool: Pool) -> None:
    with pytest.raises(ModelError) as caught:
        pool.run(tasks.refuse)
    assert (caught.value.message, caught.value.hint, caught.value.detail) == ("The file is no model.", "Choose another.", "line 1")


@pytest.mark.parametrize(
    ("task", "kind", "inside"),
    [
        (tasks.stumble, "ZeroDivisionError", "in stumble"),
        (tasks.nested_bug, "RuntimeError", "KeyError: 'key'"),
        (tasks.exit_politely, "SystemExit", "in exit_politely"),
        (tasks.raise_awkward, "AwkwardError", "in raise_awkward"),
        (tasks.raise_awkward_model, "AwkwardModelError", "no way"),
        (tasks.return_lock, "TypeError", "lock"),
    ],
)
def test_anything_else_is_a_bug_with_its_traceback(own: Pool, task: Any, kind: str, inside: str) -> None:
    with pytest.raises(TaskBug) as caught:
        own.run(task)
    assert caught.value.kind == kind
    assert inside in caught.value.detail
    assert "\n" not in caught.value.message
    assert not isinstance(caught.value, AppError)


def test_an_answer_that_cannot_be_sent_names_the_task(own: Pool) -> None:
    with pytest.raises(TaskBug, match="return_lock returned a lock that cannot be sent"):
        own.run(tasks.return_lock)


def test_an_answer_that_cannot_be_read_names_the_job(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARDONYX_TEST_TRAP", "1")
    with pytest.raises(TaskBug, match="Snare: the worker's answer could not be read: snap"):
        own.run(tasks.return_trap, title="Snare")
    assert own.run(tasks.echo, 1) == 1


def test_too_little_memory_is_no_bug(own: Pool) -> None:
    with pytest.raises(AppError, match="not enough memory") as caught:
        own.run(tasks.run_out)
    assert caught.value.hint


def test_a_full_disk_is_no_bug(own: Pool) -> None:
    with pytest.raises(WorkerError, match=r"There was not enough room on a disk for this: File too large\.") as caught:
        own.run(tasks.fill_the_disk)
    assert f"({tempfile.gettempdir()})" in caught.value.hint
    assert "in fill_the_disk" in caught.value.detail


@pytest.mark.parametrize("inputs", [(lambda: 1,), (threading.Lock(),)])
def test_what_cannot_travel_is_told_before_anything_starts(own: Pool, inputs: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="cannot be sent"):
        own.run(tasks.echo, *inputs)
    assert own.pids() == {}


def test_a_task_of_the_start_script_is_refused(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.echo, "__module__", "__main__")
    with pytest.raises(TypeError, match="move it into a module"):
        own.run(tasks.echo, 1)


def test_an_input_that_cannot_be_read_there_is_a_bug(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own.run(tasks.echo, 1) == 1  # started before the trap is set in the environment of the next
    monkeypatch.setenv("SARDONYX_TEST_TRAP", "1")
    with Pool(warm=False) as other, pytest.raises(TaskBug, match="snap"):
        other.run(tasks.echo, tasks.Trap())


def test_a_callback_that_raises_ends_the_task(own: Pool) -> None:
    def stop(event: Any) -> None:
        raise UsageError("enough")

    with pytest.raises(UsageError, match="enough"):
        own.run(tasks.wait_forever, on_emit=stop)
    assert own.pids() == {}
    assert own.run(tasks.echo, 1) == 1


def test_scratch_is_made_and_removed(pool: Pool) -> None:
    folder = pool.run(tasks.scratch)
    assert folder.name.startswith("sardonyx-job-")
    assert not folder.exists()
    with pytest.raises(ModelError):
        pool.run(tasks.refuse)


def test_twenty_jobs_in_a_row_share_a_worker(own: Pool) -> None:
    pids = {own.run(tasks.pid) for _ in range(20)}
    assert len(pids) == 1
    assert own.pids() == {pids.pop(): ""}


def test_a_worker_retires(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MOST_JOBS", 3)
    pids = [own.run(tasks.pid) for _ in range(6)]
    assert len(set(pids[:3])) == len(set(pids[3:])) == 1
    assert pids[0] != pids[3]


def test_a_worker_that_grew_retires(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    first = own.run(tasks.pid)
    monkeypatch.setattr(pool_module, "MOST_MEMORY", 1 << 20)
    assert own.run(tasks.pid) == first
    assert own.run(tasks.pid) != first


def test_a_worker_with_a_bug_retires_one_with_an_app_error_does_not(own: Pool) -> None:
    first = own.run(tasks.pid)
    with pytest.raises(ModelError):
        own.run(tasks.refuse)
    assert own.run(tasks.pid) == first
    with pytest.raises(TaskBug):
        own.run(tasks.stumble)
    assert own.run(tasks.pid) != first


def test_several_at_once(own: Pool, tmp_path: Path) -> None:
    door = tmp_path / "door"
    calls = [Call(own.run, tasks.wait_for_file, door, title=f"job {index}", on_step=lambda *_: None) for index in range(4)]
    started = threading.Semaphore(0)
    watched = Call(own.run, tasks.wait_for_file, door, title="last", on_step=lambda *_: started.release())
    assert started.acquire(timeout=30)
    while sorted(title for title in own.pids().values() if title) != ["job 0", "job 1", "job 2", "job 3", "last"]:
        assert all(call.is_alive() for call in calls)
    door.write_text("go")
    assert [call.wait() for call in (*calls, watched)] == ["go"] * 5
    assert len(own.pids()) <= pool_module.KEPT


def test_a_limit_is_kept(tmp_path: Path) -> None:
    door = tmp_path / "door"
    with Pool(warm=False, limit=1) as one:
        first = Call(one.run, tasks.wait_forever)
        first.events.get(timeout=30)
        token = CancelToken()
        second = Call(one.run, tasks.echo, 2)
        third = Call(one.run, tasks.echo, 3, cancel=token)
        token.set()
        assert isinstance(third.wait(), Cancelled)
        assert second.is_alive()
        assert len(one.pids()) == 1
        psutil.Process(next(iter(one.pids()))).kill()
        assert isinstance(first.wait(), AppError)
        assert second.wait() == 2
    assert not door.exists()


def test_the_spare_has_loaded_the_libraries(pool: Pool) -> None:
    """A warm worker has them all when it has had the time; each echo gives it a turn to load the next."""
    names = ("numpy", "onnx", "onnx_ir", "onnxruntime", "onnxslim")
    resident = pool.resident()
    for _ in range(200):
        if resident.run(tasks.loaded, names) == list(names):
            break
    assert resident.run(tasks.loaded, names) == list(names)
    resident.close()


def test_bare_workers_load_nothing(own: Pool) -> None:
    assert own.run(tasks.loaded, ("numpy", "onnx", "onnxruntime", "psutil", "PySide6")) == []


def test_warm_up_keeps_a_spare(own: Pool) -> None:
    assert own.pids() == {}
    own.warm_up()
    first = wait_for_spare(own)
    assert own.run(tasks.pid) == first
    token = CancelToken()
    call = Call(own.run, tasks.wait_forever, cancel=token)
    busy = call.events.get(timeout=30)[0]
    other = wait_for_spare(own)
    assert other != busy
    token.set()
    assert isinstance(call.wait(), Cancelled)
    assert own.run(tasks.pid) == other


def test_a_quiet_job_starts_no_spare(own: Pool) -> None:
    own.warm_up()
    wait_for_spare(own)
    token = CancelToken()
    call = Call(own.run, tasks.wait_forever, cancel=token, quiet=True)
    busy, _ = call.events.get(timeout=30)
    assert list(own.pids()) == [busy]
    token.set()
    call.wait()
    assert wait_for_spare(own) != busy


def test_a_killed_spare_is_replaced(own: Pool) -> None:
    own.warm_up()
    first = wait_for_spare(own)
    psutil.Process(first).kill()
    while (second := wait_for_spare(own)) == first:
        continue
    assert own.run(tasks.pid) == second


def wait_for_spare(pool: Pool) -> int:
    with pool._change:
        assert pool._change.wait_for(lambda: pool._idle and pool._idle[0].alive(), timeout=30)
        return pool._idle[0].pid


def test_close_ends_everything_and_what_runs_as_cancelled() -> None:
    pool = Pool(warm=False)
    pool.warm_up()
    call = Call(pool.run, tasks.wait_forever)
    pid, scratch = call.events.get(timeout=30)
    pool.close()
    assert isinstance(call.wait(), Cancelled)
    assert not psutil.pid_exists(pid)
    assert not Path(scratch).exists()
    assert pool.pids() == {}
    with pytest.raises(Cancelled):
        pool.run(tasks.echo, 1)
    pool.close()


def test_close_waits_for_the_threads_of_a_process_that_just_died(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, never = Pool._ended, threading.Event()

    def slowly(self: Pool, process: Process) -> None:
        ended(self, process)
        never.wait(0.5)  # no longer listed, not yet done

    monkeypatch.setattr(Pool, "_ended", slowly)
    pool = Pool(warm=False)
    pid = pool.run(tasks.pid)
    pool.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.endswith(f"-{pid}")]


@pytest.mark.parametrize("resident", [False, True])
def test_close_waits_until_callers_have_removed_their_folders(monkeypatch: pytest.MonkeyPatch, resident: bool) -> None:
    remove, never = scratch.remove, threading.Event()

    def slowly(folder: Path) -> None:
        never.wait(0.5)
        remove(folder)

    monkeypatch.setattr(scratch, "remove", slowly)
    pool = Pool(warm=False)
    call = Call(pool.resident().run if resident else pool.run, tasks.wait_forever)
    _, folder = call.events.get(timeout=30)
    pool.close()
    assert not Path(folder).exists()
    assert isinstance(call.wait(), Cancelled)


def test_a_callback_may_close_the_pool() -> None:
    pool = Pool(warm=False)
    with pytest.raises(Cancelled):
        pool.run(tasks.wait_forever, on_emit=lambda event: pool.close())


@pytest.mark.parametrize("which", ["sardonyx-worker-", "sardonyx-stderr-"])
def test_a_system_that_gives_no_threads_is_told(own: Pool, monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    start = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if self.name.startswith(which):
            raise RuntimeError("can't start new thread")
        start(self)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(2):
            with pytest.raises(WorkerError, match="Echo could not start: can't start new thread"):
                own.run(tasks.echo, 1)
    assert own.pids() == {}
    assert own.run(tasks.echo, 1) == 1


def test_close_without_a_start() -> None:
    Pool().close()


def test_close_while_starting() -> None:
    pool = Pool()
    pool.warm_up()
    call = Call(pool.run, tasks.echo, 1)
    pool.close()
    assert call.wait() == 1 or isinstance(call.wait(), Cancelled)
    assert pool.pids() == {}


def test_a_resident_keeps_its_caches_and_its_process(own: Pool) -> None:
    resident = own.resident()
    assert resident.pid is None
    assert [resident.run(tasks.remember, "x") for _ in range(3)] == [1, 2, 3]
    pid = resident.pid
    assert own.run(tasks.pid) != pid
    with pytest.raises(ModelError):
        resident.run(tasks.refuse)
    with pytest.raises(TaskBug):
        resident.run(tasks.stumble)
    assert resident.run(tasks.remember, "x") == 4
    assert resident.pid == pid
    resident.close()
    assert resident.pid is None
    assert resident.run(tasks.remember, "x") == 1
    resident.close()
    resident.close()


def test_a_resident_starts_afresh_after_a_death_and_a_cancel(own: Pool) -> None:
    resident = own.resident()
    resident.run(tasks.remember, "x")
    with pytest.raises(AppError, match="SIGKILL"):
        resident.run(tasks.kill_myself, 9)
    assert resident.run(tasks.remember, "x") == 1
    token = CancelToken()
    with pytest.raises(Cancelled):
        resident.run(tasks.wait_forever, on_emit=lambda _: token.set(), cancel=token)
    assert resident.run(tasks.remember, "x") == 1
    process = psutil.Process(resident.pid)
    process.kill()
    process.wait(10)
    assert resident.run(tasks.remember, "x") == 1
    resident.close()


def test_a_resident_takes_one_after_the_other(own: Pool, tmp_path: Path) -> None:
    resident = own.resident()
    door = tmp_path / "door"
    first = Call(resident.run, tasks.wait_for_file, door)
    second = Call(resident.run, tasks.pid)
    door.write_text("go")
    assert first.wait() == "go"
    assert second.wait() == resident.pid
    resident.close()


def test_a_resident_closed_meanwhile_cancels(own: Pool) -> None:
    resident = own.resident()
    call = Call(resident.run, tasks.wait_forever)
    call.events.get(timeout=30)
    resident.close()
    assert isinstance(call.wait(), Cancelled)
