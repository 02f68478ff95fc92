"""Every way in which a worker process can end before it answers."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core import scratch
from core.errors import Cancelled, WorkerError
from core.workers import CancelToken, Pool, death
from core.workers import pool as pool_module
from core.workers import process as process_module
from tests.core.workers import tasks

ROOT = Path(__file__).parents[3]


@pytest.fixture
def own() -> Iterator[Pool]:
    with Pool(warm=False) as made:
        yield made


def gone(pid: int) -> bool:
    """Wait until a process has ended (it may be somebody else's zombie)."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.005)
    return False


@pytest.mark.parametrize(
    ("task", "inputs", "words", "detail"),
    [
        (tasks.kill_myself, (signal.SIGKILL,), "was killed (SIGKILL)", "last words"),
        (tasks.kill_myself, (signal.SIGTERM,), "was ended (SIGTERM)", "last words"),
        (tasks.kill_myself, (signal.SIGBUS,), "crashed (SIGBUS)", "last words"),
        (tasks.read_null, (), "crashed (SIGSEGV)", "in read_null"),
        (tasks.abort, (), "aborted (SIGABRT)", "in abort"),
        (tasks.leave, (3,), "ended with exit code 3", ""),
        (tasks.leave, (0,), "ended with exit code 0", ""),
    ],
)
def test_a_death_is_an_error_that_names_it(own: Pool, task: Any, inputs: tuple[Any, ...], words: str, detail: str) -> None:
    with pytest.raises(WorkerError) as caught:
        own.run(task, *inputs, title="Quantize INT8")
    assert caught.value.message == f"Quantize INT8 stopped: its worker process {words}."
    assert caught.value.hint
    assert detail in caught.value.detail
    assert len(caught.value.detail) <= process_module.TAIL
    assert own.pids() == {}
    assert own.run(tasks.echo, "the next job") == "the next job"


def test_a_kill_from_outside_may_be_for_memory(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkerError) as caught:
        own.run(tasks.kill_myself, 9)
    assert "Perhaps the machine ran out of memory" in caught.value.hint
    counts = iter([5, 6])
    monkeypatch.setattr(process_module, "oom_kills", lambda: next(counts))
    with pytest.raises(WorkerError, match="ran out of memory") as caught:
        own.run(tasks.kill_myself, 9)
    assert "smaller model" in caught.value.hint


def test_oom_kills_is_known_or_not() -> None:
    count = death.oom_kills()
    assert count is None or count >= 0


@pytest.mark.parametrize("code", [0xC0000005, -int(signal.SIGKILL), -99, None, 7])
def test_words_for_every_code(code: int | None) -> None:
    error = death.died("Open", code, "tail", ran_out=False)
    assert error.message.startswith("Open stopped: its worker process ")
    assert error.hint
    assert error.detail == "tail"


def test_too_late(own: Pool) -> None:
    events: list[Any] = []
    with pytest.raises(WorkerError, match=r"Slow was stopped: it took longer than the 0\.5 s") as caught:
        own.run(tasks.wait_forever, title="Slow", timeout=0.5, on_emit=events.append)
    assert "in wait_forever" in caught.value.detail  # where it stood
    assert own.pids() == {}
    assert not Path(events[0][1]).exists()
    assert own.run(tasks.echo, 1, timeout=60) == 1


def test_hung() -> None:
    """Native code that holds the interpreter and does nothing: no sign of life."""
    with Pool(warm=False, silence=1.2) as pool:
        with pytest.raises(WorkerError, match="hung") as caught:
            pool.run(tasks.hold_interpreter, 600, title="Stuck")
        assert "in hold_interpreter" in caught.value.detail
        assert pool.run(tasks.echo, 1) == 1


def test_silent_but_computing_is_not_hung() -> None:
    """Native code that holds the interpreter for longer than the silence allowed, but computes."""
    with Pool(warm=False, silence=0.3) as pool:
        assert pool.run(tasks.compute_holding_interpreter, 2.0) == "computed"


def test_idle_but_alive_is_not_hung(tmp_path: Path) -> None:
    """A task that waits, without computing, for longer than the silence allowed: the heartbeat tells."""
    door = tmp_path / "door"
    with Pool(warm=False, silence=1.5) as pool:
        timer = threading.Timer(3.0, door.write_text, ["go"])
        timer.start()
        assert pool.run(tasks.wait_for_file, door) == "go"
        timer.join()


def test_a_stopped_process_is_hung() -> None:
    with Pool(warm=False, silence=1.2) as pool, pytest.raises(WorkerError, match="hung"):
        pool.run(tasks.wait_forever, on_emit=lambda event: os.kill(event[0], signal.SIGSTOP))


def test_cancel_kills_cleans_and_goes_on(own: Pool) -> None:
    token = CancelToken()
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=lambda: (events.get(timeout=30), token.set())).start()
    told: list[Any] = []

    def take(event: Any) -> None:
        told.append(event)
        events.put(event)

    with pytest.raises(Cancelled):
        own.run(tasks.wait_forever, cancel=token, on_emit=take)
    pid, scratch = told[0]
    assert gone(pid)
    assert not Path(scratch).exists()
    assert own.run(tasks.echo, 1) == 1


def test_cancel_works_on_code_that_never_looks_up(own: Pool) -> None:
    token = CancelToken()
    timer = threading.Timer(0.5, token.set)
    timer.start()
    with pytest.raises(Cancelled):
        own.run(tasks.hold_interpreter, 600, cancel=token)
    timer.join()


def test_cancelled_before_it_starts(own: Pool) -> None:
    token = CancelToken()
    token.set()
    with pytest.raises(Cancelled):
        own.run(tasks.echo, 1, cancel=token)


def test_a_cancel_after_the_end_hurts_nobody(own: Pool) -> None:
    token = CancelToken()
    pid = own.run(tasks.pid, cancel=token)
    token.set()
    assert own.run(tasks.pid) == pid


def test_a_cancel_in_a_slow_callback_kills_at_once(own: Pool) -> None:
    token = CancelToken()

    def take(event: Any) -> None:
        token.set()
        assert gone(event[0])  # while we are still in the callback

    with pytest.raises(Cancelled):
        own.run(tasks.wait_forever, cancel=token, on_emit=take)


def test_what_a_task_started_ends_with_it(own: Pool) -> None:
    token = CancelToken()
    pids: list[int] = []
    with pytest.raises(Cancelled):
        own.run(tasks.wait_with_child, cancel=token, on_emit=lambda pid: (pids.append(pid), token.set()))
    assert gone(pids[0])


def test_what_a_task_left_behind_ends_with_the_pool() -> None:
    with Pool(warm=False) as pool:
        pid = pool.run(tasks.finish_with_child)
        assert psutil.pid_exists(pid)
    assert gone(pid)


def test_a_child_that_holds_the_pipe_does_not_hide_a_death(own: Pool) -> None:
    """A forked grandchild inherits every descriptor; the worker's death is seen all the same."""
    with pytest.raises(WorkerError, match="exit code 4"):
        own.run(tasks.fork_and_leave, 4)


def test_sigterm_ignored_is_no_shelter(own: Pool) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        own.run(tasks.ignores_sigterm, cancel=token, on_emit=lambda _: token.set())


def test_native_noise_does_not_harm_the_channel(own: Pool) -> None:
    assert own.run(tasks.native_noise) == ""
    assert own.run(tasks.echo, 1) == 1


def test_warnings_and_logs_come_home(own: Pool, allow_logs: list[Any]) -> None:
    own.run(tasks.log)
    own.run(tasks.warn)
    names = [(record.name, record.levelname) for record in allow_logs]
    assert names == [("sardonyx.test", "WARNING"), ("sardonyx.test", "ERROR"), ("py.warnings", "WARNING")]
    assert allow_logs[0].getMessage() == "a warning from the worker"
    assert "ValueError: inside" in allow_logs[1].exc_text
    assert "mind the step" in allow_logs[2].getMessage()
    assert allow_logs[0].filename == "tasks.py"


def test_a_log_line_that_cannot_be_made_does_not_end_the_task(own: Pool) -> None:
    assert own.run(tasks.log_badly) == "done"


def test_an_interpreter_that_does_not_start(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "BOOT", "import sys; sys.stderr.write('no such house'); sys.exit(9)")
    with pytest.raises(WorkerError, match=r"Echo could not start: .* \(exit code 9\)") as caught:
        own.run(tasks.echo, 1, title="Echo")
    assert "no such house" in caught.value.detail
    monkeypatch.undo()
    assert own.run(tasks.echo, 1) == 1


def test_spares_that_do_not_start_are_given_up(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = []
    monkeypatch.setattr(process_module, "BOOT", "import sys; sys.exit(9)")
    monkeypatch.setattr(process_module, "oom_kills", lambda: starts.append(1))  # asked once at each start
    own.warm_up()
    with own._change:
        assert own._change.wait_for(lambda: own._failures == pool_module.TRIES and not own._all, timeout=30)
    monkeypatch.undo()
    assert len(starts) == pool_module.TRIES
    assert own.run(tasks.echo, 1) == 1  # one that is asked for is tried all the same


def test_a_program_that_is_not_there(own: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module.sys, "executable", "/nowhere/python")
    with pytest.raises(WorkerError, match="Echo could not start"):
        own.run(tasks.echo, 1, title="Echo")
    monkeypatch.undo()
    assert own.run(tasks.echo, 1) == 1


def test_the_frozen_app_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module.sys, "frozen", True, raising=False)
    assert process_module.command() == [sys.executable, "--worker", str(os.getpid())]


PARENT = """
import os, signal, sys, threading
from core.workers import Pool
from tests.core.workers import tasks
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs, such as these tests, ignore it
pool = Pool(warm=False)
pool.warm_up()
def say(event):
    sys.stdout.write(f"{event[0]} {event[1]}\\n")
    sys.stdout.flush()
"""


def parent(code: str) -> subprocess.Popen[str]:
    """A program that uses a pool, as a user's would."""
    program = PARENT + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_survives_the_app(number: int) -> None:
    with parent("pool.run(tasks.wait_forever, on_emit=say)") as app:
        assert app.stdout is not None
        pid, folder = app.stdout.readline().split()
        workers = [one.pid for one in psutil.Process(app.pid).children(recursive=True)]
        assert int(pid) in workers
        scratch.sweep()
        assert Path(folder).exists()  # somebody's who lives
        os.kill(app.pid, number)
        app.wait(20)
        assert all(gone(one) for one in workers)
    scratch.sweep()  # as the next program does at its first job
    assert not Path(folder).exists()


def test_no_worker_that_holds_its_interpreter_survives_the_app() -> None:
    with parent("pool.run(tasks.hold_interpreter, 600, on_step=print)") as app:
        resident = psutil.Process(app.pid)
        while not (workers := resident.children()):
            assert app.poll() is None
        app.kill()
        app.wait(20)
        assert all(gone(one.pid) for one in workers)


def test_ctrl_c_in_the_app_leaves_nothing() -> None:
    code = """
    try:
        pool.run(tasks.wait_forever, on_emit=say)
    except KeyboardInterrupt:
        sys.stdout.write(f"interrupted {sorted(title for title in pool.pids().values())}\\n")
    assert pool.run(tasks.echo, 1) == 1
    pool.close()
    sys.stdout.write(f"{len(threading.enumerate())} thread\\n")
    """
    with parent(code) as app:
        assert app.stdout is not None
        pid, scratch = app.stdout.readline().split()
        os.kill(app.pid, signal.SIGINT)
        out, error = app.communicate(timeout=60)
        assert out.splitlines()[0].startswith("interrupted ")
        assert "Wait forever" not in out
        assert out.splitlines()[1] == "1 thread", error
        assert app.returncode == 0, error
        assert gone(int(pid))
        assert not Path(scratch).exists()


def test_a_program_that_forgets_to_close_ends_cleanly() -> None:
    code = """
    from core.workers import run
    sys.stdout.write(f"{run(tasks.pid, where='process')} {pool.run(tasks.pid)}\\n")
    """
    with parent(code) as app:
        out, error = app.communicate(timeout=60)
        assert (app.returncode, error) == (0, "")
        assert all(gone(int(pid)) for pid in out.split())


def test_an_app_that_ends_while_a_task_runs_on_a_thread() -> None:
    code = """
    threading.Thread(target=lambda: pool.run(tasks.wait_forever, on_emit=say), daemon=True).start()
    sys.stdin.readline()
    """
    with parent(code) as app:
        assert app.stdout is not None
        assert app.stdin is not None
        pid, scratch = app.stdout.readline().split()
        app.stdin.write("\n")
        app.stdin.flush()
        app.wait(60)
        assert gone(int(pid))
        assert not Path(scratch).exists()
