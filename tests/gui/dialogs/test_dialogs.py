"""Dialogs and toasts: each opens over the window, can be read and copied, and goes away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from core.errors import ModelError
from gui.dialogs.about import AboutDialog
from gui.dialogs.message import MessageDialog
from gui.dialogs.settings import SettingsDialog
from gui.dialogs.shortcuts import ShortcutsDialog
from gui.shell.toasts import MOST
from gui.window import MainWindow


def dialog(window: MainWindow) -> QDialog:
    return next(each for each in window.findChildren(QDialog) if each.isVisible())


@pytest.mark.parametrize(
    ("action", "kind"), [("file.settings", SettingsDialog), ("help.about", AboutDialog), ("help.shortcuts", ShortcutsDialog)]
)
def test_dialogs_open_by_their_actions_and_close_by_escape(window: MainWindow, qtbot: QtBot, action: str, kind: type[QDialog]) -> None:
    window.act(action)
    found = dialog(window)
    assert isinstance(found, kind)
    assert found.windowTitle()
    qtbot.keyClick(found, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not any(isinstance(each, kind) for each in window.findChildren(QDialog)))


def test_settings_hold_at_once(window: MainWindow) -> None:
    window.act("file.settings")
    found = dialog(window)
    assert isinstance(found, SettingsDialog)
    found.form.put("theme", "light")
    assert window.ctx.settings.theme == "light"
    assert window.ctx.theme.name == "light"
    found.form.put("recent_length", 3)
    found._reset()
    assert window.ctx.settings.recent_length == 12
    assert found.form.values()["theme"] == "system"
    found.close()


def test_about_names_what_it_stands_on(window: MainWindow) -> None:
    window.act("help.about")
    found = dialog(window)
    assert isinstance(found, AboutDialog)
    text = found.table.text()
    assert "PySide6-Essentials\t6.11" in text
    assert "LGPL-3.0" in text
    found.close()


def test_shortcuts_come_from_the_table(window: MainWindow) -> None:
    window.build()
    window.act("help.shortcuts")
    found = dialog(window)
    assert isinstance(found, ShortcutsDialog)
    found.table.set_filter("search and run")
    assert found.table.text(heads=False) == "Search and run\tCtrl+K  or  Ctrl+Shift+P\tView"
    found.close()


def test_a_bug_opens_one_crash_dialog_with_a_report(window: MainWindow, qtbot: QtBot) -> None:
    for _ in range(2):
        try:
            {}["conv"]
        except KeyError as error:
            window.ctx.notify.error(error)
    crashes = [each for each in window.findChildren(QDialog) if isinstance(each, MessageDialog)]
    assert len(crashes) == 1
    found = crashes[0]
    found.copy()
    text = QApplication.clipboard().text()
    assert "KeyError: 'conv'" in text
    assert "Sardonyx 0." in text
    assert "test_dialogs.py" in text
    assert "KeyError" in found.findChildren(QPlainTextEdit)[0].toPlainText()
    found.close()


# ---- toasts ----
def test_an_error_stays_and_news_goes(window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("gui.shell.toasts", fromlist=["STAYS"]).STAYS, "info", 1)
    window.ctx.notify.error(ModelError("It is cut off.", hint="Copy it again.", detail="at byte 12"))
    window.ctx.notify.info("Saved.")
    assert len(window.toasts.shown()) == 2
    qtbot.waitUntil(lambda: [toast.message.text for toast in window.toasts.shown()] == ["It is cut off."])


def test_a_toast_acts_shows_details_and_closes(window: MainWindow, qtbot: QtBot) -> None:
    done: list[str] = []
    act: Callable[[], object] = lambda: done.append("retried")  # noqa: E731 - as a panel would write it
    window.ctx.notify.error(ModelError("It is cut off.", hint="Copy it again.", detail="at byte 12"), action=("Retry", act))
    toast = window.toasts.shown()[0]
    buttons = {button.text(): button for button in toast.findChildren(QPushButton)}
    buttons["Details…"].click()
    found = dialog(window)
    assert "at byte 12" in found.findChildren(QPlainTextEdit)[0].toPlainText()
    found.close()
    buttons["Retry"].click()
    assert done == ["retried"]
    assert window.toasts.shown() == []


def test_the_same_words_are_one_toast_and_only_so_many_stand(window: MainWindow) -> None:
    for _ in range(3):
        window.ctx.notify.warn("Odd.")
    assert len(window.toasts.shown()) == 1
    for number in range(MOST + 3):
        window.ctx.notify.warn(f"Odd {number}.")
    texts = [toast.message.text for toast in window.toasts.shown()]
    assert len(texts) == MOST
    assert texts[-1] == f"Odd {MOST + 2}."
    tops = [toast.y() for toast in window.toasts.shown()]
    assert tops == sorted(tops)
    assert all(toast.geometry().bottom() < window.height() - 27 for toast in window.toasts.shown())
    window.act("view.close_messages")
    assert window.toasts.shown() == []
