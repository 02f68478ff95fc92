"""A worker dies in each kind of job: the window lives, the job says what happened, the next job works, nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from core.errors import WorkerError
from tests import models
from tests.stories.driver import SAMPLE, Person

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from gui.jobs import JobHandle
    from gui.window import MainWindow

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there are no such signals on this system"),
]

DEATHS = ("SIGKILL", "SIGSEGV")


def shoot(person: Person, word: str, death: str) -> JobHandle:
    """Send a signal to the process that runs the job whose title holds `word`; gives the job, ended."""
    jobs = person.window.ctx.jobs
    found: list[tuple[int, JobHandle]] = []

    def busy() -> bool:
        handles = [handle for handle in jobs.active() if word in handle.title and handle.state == "running"]
        pids = [pid for pid, title in jobs.pool.pids().items() if word in title]
        found[:] = [(pids[0], handles[0])] if pids and handles else []
        return bool(found)

    person.wait(busy)
    pid, handle = found[0]
    os.kill(pid, getattr(signal, death))
    person.wait(lambda: handle.over)
    return handle


def died(person: Person, handle: JobHandle, death: str) -> None:
    """The job failed with words that name it and the signal, and the person was told."""
    assert handle.state == "failed"
    assert isinstance(handle.error, WorkerError), handle.error
    assert death in handle.error.message
    assert handle.title in handle.error.message
    assert handle.error.hint
    assert person.window.isVisible()
    assert any(death in message.text for message in person.window.ctx.notify.messages)


@pytest.mark.parametrize("death", DEATHS)
def test_while_opening(window: MainWindow, qtbot: QtBot, tmp_path: Path, death: str) -> None:
    person = Person(window, qtbot)
    person.open(SAMPLE / "digits.onnx")
    kept = window.ctx.session
    big = models.big(96, tmp_path / "big.onnx")
    window.open_path(big)
    died(person, shoot(person, "big.onnx", death), death)
    person.idle()
    assert window.ctx.session is kept, "the model that was open stays"
    person.open(big)
    assert person.head.summary.nodes == 8


def _pass(person: Person) -> None:
    data = str(SAMPLE / "calibration.npz")
    person.choose_pass("quantize_int8", method="entropy", data=data, samples=256)
    person.window.act("passes.apply")


def _build(person: Person) -> None:
    panel = person.panel("build")
    person.wait(lambda: "tensorrt_rtx" in panel.states)
    if panel.states["tensorrt_rtx"].can_build:
        panel.choose("tensorrt_rtx")
    person.window.act("build.start")


def _bench(person: Person) -> None:
    panel = person.panel("bench")
    panel.form.set_values({**panel.form.values(), "seconds": 60.0})
    person.window.act("bench.start")


def _compare(person: Person) -> None:
    panel = person.panel("compare")
    panel.form.set_values({**panel.form.values(), "limit": 200_000})
    person.window.act("compare.start")


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize(
    ("start", "word"),
    [(_pass, "INT8"), (_build, "Build"), (_bench, "Race"), (_compare, "Compare")],
    ids=["pass", "build", "bench", "compare"],
)
def test_while_working(window: MainWindow, qtbot: QtBot, start: Callable[[Person], None], word: str, death: str) -> None:
    person = Person(window, qtbot)
    person.open(SAMPLE / "digits.onnx")
    person.apply("prune_magnitude", sparsity=0.2)
    before = person.session.history.to_dict()
    files = sorted(path.name for path in person.session.models.iterdir())
    start(person)
    died(person, shoot(person, word, death), death)
    if start is _bench:  # the race goes on with its next contestant
        person.panel("bench").stop()
    person.idle()
    assert person.session.history.to_dict() == before
    assert sorted(path.name for path in person.session.models.iterdir()) == files, "no unfinished file is left"
    made = person.apply("prune_magnitude", sparsity=0.4)
    assert made.step is not None


def test_the_process_that_answers_questions(window: MainWindow, qtbot: QtBot) -> None:
    person = Person(window, qtbot)
    person.open(SAMPLE / "digits.onnx")
    person.idle()
    properties = person.panel("properties")
    window.ctx.selection.set(("/block1/conv1/Conv",), None)
    person.wait(lambda: properties.page is not None and properties.page.op == "Conv")
    idle = [pid for pid, title in window.ctx.jobs.pool.pids().items() if not title]
    for pid in idle:
        os.kill(pid, signal.SIGKILL)
    window.ctx.selection.set(("/head/Gemm",), None)
    person.wait(lambda: properties.page is not None and properties.page.op == "Gemm")
