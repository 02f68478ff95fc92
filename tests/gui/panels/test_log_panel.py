"""The log panel: levels, words, the whole of a message, copying."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.errors import ModelError
from gui.panels.log import LogPanel
from gui.window import MainWindow


@pytest.fixture
def panel(window: MainWindow) -> LogPanel:
    made = window.show_panel("log")
    assert isinstance(made, LogPanel)
    window.ctx.notify.info("All is well.")
    window.ctx.notify.warn("Odd.", "Look at it.")
    window.ctx.notify.error(ModelError("It is cut off.", hint="Copy it again.", detail="at byte 12"))
    made.refresh()
    return made


def shown(panel: LogPanel) -> list[str]:
    return [panel.table.value(row, "text") for row in panel.table.shown_rows]


def test_levels(panel: LogPanel) -> None:
    for index, wanted in enumerate((["All is well.", "Odd.", "It is cut off."],) * 2 + (["Odd.", "It is cut off."], ["It is cut off."])):
        panel.level.setCurrentIndex(index)
        assert shown(panel) == wanted


def test_words(panel: LogPanel) -> None:
    panel.table.set_filter("cut")
    assert shown(panel) == ["It is cut off."]


def test_the_selected_message_is_shown_whole(panel: LogPanel) -> None:
    panel.table.select_rows([2])
    for words in ("It is cut off.", "Copy it again.", "at byte 12"):
        assert words in panel.detail.toPlainText()


def test_new_messages_arrive(panel: LogPanel, qtbot: QtBot) -> None:
    panel.ctx.notify.info("One more.")
    qtbot.waitUntil(lambda: "One more." in shown(panel))


def test_copying(panel: LogPanel, window: MainWindow) -> None:
    window.act("log.copy")
    assert "at byte 12" in QApplication.clipboard().text()
