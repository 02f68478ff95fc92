from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from core.errors import ModelError, WorkerError
from core.workers import Pool
from gui.document import Document
from tests.core.workers import tasks


@pytest.fixture
def document(qtbot: QtBot, pool: Pool) -> Iterator[Document]:
    made = Document(pool)
    yield made
    made.close()


def test_one_process_answers_and_remembers(qtbot: QtBot, document: Document) -> None:
    got: list[int] = []
    for _ in range(3):
        document.ask(tasks.remember, "here", on_done=got.append)
    qtbot.waitUntil(lambda: len(got) == 3, timeout=20_000)
    assert got == [1, 2, 3]


def test_a_newer_question_drops_the_older(qtbot: QtBot, document: Document, tmp_path: Path) -> None:
    got: list[Any] = []
    door = tmp_path / "door"
    document.ask(tasks.wait_for_file, door, on_done=got.append, key="page")  # runs: its answer is dropped
    document.ask(tasks.echo, "older", on_done=got.append, key="page")  # waits: is never asked
    document.ask(tasks.echo, "other", on_done=got.append, key="stats")
    document.ask(tasks.echo, "newer", on_done=got.append, key="page")
    document.ask(tasks.echo, "unwanted", on_done=got.append, key="gone")
    document.forget("gone")
    door.touch()
    document.ask(tasks.echo, "last", on_done=got.append)
    qtbot.waitUntil(lambda: "last" in got, timeout=20_000)
    assert got == ["other", "newer", "last"]


def test_errors_find_somebody(qtbot: QtBot, document: Document) -> None:
    mine: list[Exception] = []
    theirs: list[Exception] = []
    document.failed.connect(theirs.append)
    document.ask(tasks.refuse, on_done=pytest.fail, on_error=mine.append)
    document.ask(tasks.refuse, on_done=pytest.fail)
    qtbot.waitUntil(lambda: len(mine) == len(theirs) == 1, timeout=20_000)
    assert isinstance(mine[0], ModelError)
    assert isinstance(theirs[0], ModelError)


def test_it_restarts_after_a_death(qtbot: QtBot, document: Document) -> None:
    got: list[Any] = []
    document.ask(tasks.remember, "x", on_done=got.append)
    document.ask(tasks.kill_myself, int(signal.SIGSEGV), on_done=pytest.fail, on_error=got.append)
    document.ask(tasks.remember, "x", on_done=got.append)
    qtbot.waitUntil(lambda: len(got) == 3, timeout=20_000)
    assert got[0] == got[2] == 1
    assert isinstance(got[1], WorkerError)
    assert "SIGSEGV" in got[1].message


def test_close_drops_what_is_open(qtbot: QtBot, pool: Pool) -> None:
    document = Document(pool)
    got: list[Any] = []
    document.ask(tasks.pid, on_done=got.append)
    qtbot.waitUntil(lambda: bool(got), timeout=20_000)
    document.ask(tasks.wait_forever, on_done=pytest.fail, on_error=pytest.fail)
    document.ask(tasks.echo, 1, on_done=pytest.fail)
    document.close()
    document.ask(tasks.echo, 2, on_done=pytest.fail)
    qtbot.wait(1)
    assert not Path(f"/proc/{got[0]}").exists() or os.name != "posix"
    document.close()


def test_closing_one_that_was_never_asked(qtbot: QtBot, pool: Pool) -> None:
    Document(pool).close()
