from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from core.errors import Cancelled, ModelError, WorkerError
from core.workers import CancelToken, Pool, run
from core.workers.converse import title_of
from tests.core.workers import tasks


def test_inline_runs_here_and_passes_everything_on() -> None:
    steps: list[Any] = []
    events: list[Any] = []
    assert run(tasks.pid) == os.getpid()
    assert run(tasks.steps, 2, on_step=lambda *step: steps.append(step)) == 2
    assert steps == [(0.5, "step 1"), (1.0, "step 2")]
    run(tasks.emits, ["a"], on_emit=events.append)
    assert events == ["a"]
    with pytest.raises(ModelError):
        run(tasks.refuse)
    with pytest.raises(ZeroDivisionError):
        run(tasks.stumble)


def test_inline_scratch_is_removed() -> None:
    assert not run(tasks.scratch).exists()


def test_inline_cancel_is_seen_at_the_next_step() -> None:
    token = CancelToken()
    seen: list[float] = []

    def step(fraction: float, text: str) -> None:
        seen.append(fraction)
        token.set()

    with pytest.raises(Cancelled):
        run(tasks.steps, 10, on_step=step, cancel=token)
    assert seen == [0.1]
    with pytest.raises(Cancelled):
        run(tasks.echo, 1, cancel=token)


def test_inline_timeout_is_seen_at_the_next_step() -> None:
    with pytest.raises(WorkerError, match="Steps was stopped: it took longer"):
        run(tasks.steps, 10, timeout=-1.0)


def test_process_in_a_given_pool(pool: Pool) -> None:
    assert run(tasks.pid, where="process", pool=pool) in {*pool.pids()}
    token = CancelToken()
    with pytest.raises(Cancelled):
        run(tasks.wait_forever, where="process", pool=pool, cancel=token, on_emit=lambda _: token.set())


def test_process_in_the_shared_pool() -> None:
    first = run(tasks.pid, where="process")
    assert first == run(tasks.pid, where="process") != os.getpid()


def test_the_same_answer_everywhere(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("y")
    steps: list[list[Any]] = [[], []]
    answers = [
        run(tasks.wait_for_file, tmp_path / "x", where=where, pool=pool, on_step=lambda *step, kept=kept: kept.append(step))
        for where, kept in zip(("inline", "process"), steps, strict=True)
    ]
    assert answers == ["y", "y"]
    assert steps[0] == steps[1] == [(0.0, "waiting")]


def test_titles() -> None:
    assert title_of(tasks.read_null) == "Read null"
    assert title_of(lambda job: 1) == "<lambda>"
    assert title_of(threading.Event().wait) == "Wait"


def test_a_token_tells_everybody_once_and_late_comers_at_once() -> None:
    token = CancelToken()
    told: list[str] = []
    token.connect(lambda: told.append("a"))
    disconnect = token.connect(lambda: told.append("b"))
    disconnect()
    disconnect()
    assert not token.is_set()
    token.set()
    token.set()
    assert told == ["a"]
    late = token.connect(lambda: told.append("late"))
    assert told == ["a", "late"]
    assert token.is_set()
    late()


def test_a_token_set_from_many_threads_tells_once() -> None:
    token = CancelToken()
    told: list[int] = []
    token.connect(lambda: told.append(1))
    threads = [threading.Thread(target=token.set) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [1]
