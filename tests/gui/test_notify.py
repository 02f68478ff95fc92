"""The funnel: messages from every source and thread arrive once, on the main thread, and in the log file."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import qWarning
from pytestqt.qtbot import QtBot

from core.errors import Cancelled, ModelError
from gui.notify import KEPT, Message, Notify


@pytest.fixture
def notify(qapp: object, tmp_path: Path) -> Iterator[Notify]:
    made = Notify(tmp_path / "logs")
    yield made
    made.release()


@pytest.fixture
def installed(notify: Notify) -> Iterator[Notify]:
    notify.install()
    yield notify
    notify.release()


def last(notify: Notify) -> Message:
    return notify.messages[-1]


def test_an_error_shows_its_hint_and_is_told_once(notify: Notify) -> None:
    error = ModelError("It is cut off.", hint="Copy it again.", detail="at byte 12")
    notify.error(error)
    notify.error(error)
    assert [m.text for m in notify.messages] == ["It is cut off."]
    assert (last(notify).hint, last(notify).detail, last(notify).severity, last(notify).bug) == (
        "Copy it again.",
        "at byte 12",
        "error",
        False,
    )


def test_stopping_is_silent(notify: Notify) -> None:
    notify.error(Cancelled())
    assert not notify.messages


def test_anything_else_is_a_bug_with_its_trace(notify: Notify) -> None:
    try:
        {}["conv"]
    except KeyError as error:
        notify.error(error)
    assert last(notify).bug
    assert "KeyError: 'conv'" in last(notify).text
    assert "test_notify.py" in last(notify).detail


def test_messages_of_other_threads_arrive_on_the_main_one(notify: Notify, qtbot: QtBot) -> None:
    where: list[bool] = []
    notify.added.connect(lambda _: where.append(threading.current_thread() is threading.main_thread()))
    thread = threading.Thread(target=lambda: notify.info("from afar"))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(where))
    assert where == [True]


def test_the_log_file_holds_message_hint_and_detail(notify: Notify) -> None:
    notify.error(ModelError("It is cut off.", hint="Copy it again.", detail="at byte 12"))
    assert notify.path is not None
    text = notify.path.read_text(encoding="utf-8")
    for word in ("ERROR", "It is cut off.", "Copy it again.", "at byte 12"):
        assert word in text


def test_a_log_folder_that_cannot_be_written_silences_nothing(qapp: object, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    notify = Notify(tmp_path / "taken" / "logs")
    notify.info("still heard")
    assert last(notify).text == "still heard"
    notify.release()


def test_only_so_many_messages_are_kept(notify: Notify) -> None:
    notify.folder = None
    for number in range(KEPT + 10):
        notify.put(Message("debug", str(number), toast=False))
    assert len(notify.messages) == KEPT
    assert notify.messages[0].text == "10"


def test_logging_arrives_without_a_toast(installed: Notify, allow_logs: object) -> None:
    logging.getLogger("core.model").warning("%d nodes are odd", 3)
    assert (last(installed).text, last(installed).severity, last(installed).source, last(installed).toast) == (
        "3 nodes are odd",
        "warning",
        "core.model",
        False,
    )


def test_what_qt_warns_of_arrives(installed: Notify) -> None:
    qWarning("something odd")
    assert (last(installed).text, last(installed).severity) == ("something odd", "warning")


def test_exceptions_of_the_main_thread_and_of_others_arrive(installed: Notify, qtbot: QtBot, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("in the loop")
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert "in the loop" in last(installed).text
    assert last(installed).bug
    assert "in the loop" in capsys.readouterr().err

    def fail() -> None:
        raise RuntimeError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "in a thread" in last(installed).text)


def test_what_python_cannot_raise_arrives(installed: Notify) -> None:
    class Bad:
        def __del__(self) -> None:
            raise ValueError("while dying")

    Bad()
    gc.collect()
    assert "while dying" in last(installed).text
    assert not last(installed).toast


def test_release_gives_every_hook_back(notify: Notify) -> None:
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook, tuple(logging.getLogger().handlers), warnings.showwarning)
    notify.install()
    assert sys.excepthook != before[0]
    notify.release()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook, tuple(logging.getLogger().handlers), warnings.showwarning) == before
