"""The window from start to end: opening, errors, recent files, sessions, the arrangement, leaving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from core.errors import UsageError
from core.job import Job
from gui.context import Context
from gui.panels import PANELS
from gui.shell import commands
from gui.shell.opening import Opening
from gui.window import MainWindow

Open = Callable[[Path], None]


@pytest.fixture
def sample() -> Path:
    path = commands.sample()
    assert path is not None
    return path


def wait_forever(job: Job) -> None:
    """A job that only a cancel ends."""
    import time

    while True:
        job.step(0.5, "Waiting")
        time.sleep(0.01)


# ---- standing ----
def test_a_window_stands_without_a_model(window: MainWindow) -> None:
    assert window.pages.currentWidget() is window.welcome
    assert not window.action("file.save_session").isEnabled()
    assert "Open a model first." in window.action("file.save_session").toolTip()


def test_a_blocked_action_says_why(window: MainWindow) -> None:
    with pytest.raises(UsageError, match="Open a model first"):
        window.act("file.close")
    with pytest.raises(UsageError, match="no action 'nonsense'"):
        window.act("nonsense")


def test_every_action_has_a_menu_or_the_palette_and_words(window: MainWindow) -> None:
    window.build()
    keys: dict[str, str] = {}
    for id, action in window.menus.table.items():
        assert action.title[0].isupper(), id
        assert not action.title.endswith("."), id
        assert action.menu.partition("/")[0] in ("", "File", "Edit", "View", "Model", "Build", "Race", "Help"), id
        for shortcut in window.menus.actions[id].shortcuts():
            word = shortcut.toString()
            assert word not in keys, f"{word}: {id} and {keys[word]}"
            keys[word] = id


def test_menu_entries_have_letters_of_their_own(window: MainWindow) -> None:
    window.build()
    for path, menu in window.menus.menus.items():
        letters = []
        for entry in menu.actions():
            if not entry.isSeparator() and "&" in entry.text():
                letters.append(entry.text()[entry.text().index("&") + 1].lower())
        assert len(letters) == len(set(letters)), path


def test_every_panel_is_made_when_asked_for(window: MainWindow) -> None:
    for cls in PANELS:
        panel = window.show_panel(cls.id)
        assert panel.isVisible()
        assert window.action(f"view.panel.{cls.id}").isChecked()
    with pytest.raises(UsageError, match="no panel 'nonsense'"):
        window.panel("nonsense")


def test_everything_that_takes_focus_can_be_read_aloud(window: MainWindow, open_model: Open, sample: Path) -> None:
    """Of the parts of the shell; panels are held by their own tests."""
    nameless = []
    for part in (window.top, window.status, window.welcome, window.palette_):
        for widget in [part, *part.findChildren(QWidget)]:
            takes = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            text = widget.accessibleName() or getattr(widget, "text", lambda: "")()
            if takes and not text and not widget.objectName().startswith("qt_"):
                nameless.append(f"{type(widget).__name__} {widget.objectName()}")
    assert not nameless


# ---- opening ----
def test_opening_a_model_fills_the_window(window: MainWindow, open_model: Open, sample: Path) -> None:
    open_model(sample)
    assert window.docks is not None
    assert window.pages.currentWidget() is window.docks
    assert window.windowTitle() == "digits.onnx – Sardonyx"
    assert window.status.file.text() == "digits.onnx"
    assert "nodes" in window.status.figures.text()
    assert window.ctx.settings.recent == (str(sample),)
    assert window.action("file.save_session").isEnabled()
    assert not window.opening.card.isVisible()


def test_a_file_that_is_no_model_is_told_and_changes_nothing(
    window: MainWindow, open_model: Open, sample: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    open_model(sample)
    session = window.ctx.session
    bad = tmp_path / "bad.onnx"
    bad.write_text("this is text")
    window.open_path(bad)
    qtbot.waitUntil(lambda: not window.opening.busy, timeout=60_000)
    qtbot.waitUntil(lambda: any(m.severity == "error" for m in window.ctx.notify.messages))
    told = next(m for m in window.ctx.notify.messages if m.severity == "error")
    assert "bad.onnx" in told.text
    assert told.hint
    assert not told.bug
    assert [toast.message for toast in window.toasts.shown()] == [told]
    assert window.ctx.session is session
    assert not window.opening.card.isVisible()


def test_opening_can_be_cancelled(window: MainWindow, sample: Path, qtbot: QtBot) -> None:
    window.open_path(sample)
    assert window.opening.busy
    assert window.opening.card.isVisible()
    assert "Another model is being opened." in window.action("file.open").toolTip()
    window.opening.card.cancel.click()
    qtbot.waitUntil(lambda: not window.opening.busy, timeout=60_000)
    assert window.ctx.session is None
    assert not window.opening.card.isVisible()
    assert not [m for m in window.ctx.notify.messages if m.severity == "error"]


def test_the_open_dialog_opens(window: MainWindow, sample: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(sample), ""))
    window.act("file.open")
    qtbot.waitUntil(lambda: window.ctx.session is not None, timeout=60_000)


def test_a_dropped_file_opens(window: MainWindow, sample: Path, qtbot: QtBot) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(sample))])
    none, left, copy = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton, Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(300, 300), copy, mime, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    assert window.welcome.zone.property("hot") is True
    QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), copy, mime, left, none))
    assert window.welcome.zone.property("hot") is False
    qtbot.waitUntil(lambda: window.ctx.session is not None, timeout=60_000)


def test_text_is_not_taken_for_a_file(window: MainWindow) -> None:
    mime = QMimeData()
    mime.setText("hello")
    enter = QDragEnterEvent(QPoint(300, 300), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(window, enter)
    assert not enter.isAccepted()


def test_recent_files_that_are_gone_are_greyed(window: MainWindow, sample: Path, tmp_path: Path) -> None:
    window.ctx.settings.update(recent=(str(sample), str(tmp_path / "gone.onnx")))
    window._recent.aboutToShow.emit()
    entries: dict[str, QAction] = {entry.text(): entry for entry in window._recent.actions()}
    assert entries["&1  digits.onnx"].isEnabled()
    assert not entries["&2  gone.onnx"].isEnabled()
    assert "no longer there" in entries["&2  gone.onnx"].toolTip()
    window.act("file.clear_recent")
    assert window.ctx.settings.recent == ()


# ---- sessions ----
def test_a_session_is_saved_elsewhere_and_opened_again(
    window: MainWindow, open_model: Open, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    open_model(sample)
    qtbot.waitUntil(lambda: not window.ctx.jobs.active(), timeout=60_000)
    target = tmp_path / "kept"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    window.act("file.save_session_as")
    assert window.saving.isVisible()
    qtbot.waitUntil(lambda: not window.keeping.busy, timeout=60_000)
    assert not window.saving.isVisible()
    assert window.ctx.session is not None
    assert window.ctx.session.folder == target
    window.act("file.close")
    assert window.ctx.session is None
    assert window.pages.currentWidget() is window.welcome
    open_model(target)
    assert window.ctx.session is not None
    assert window.ctx.session.source == sample
    assert list(window.ctx.session.history.variants) == ["v0"]


def test_what_changes_while_it_is_saved_is_still_unsaved(window: MainWindow, open_model: Open, sample: Path, qtbot: QtBot) -> None:
    from core.session import Session

    open_model(sample)
    session = window.ctx.session
    assert session is not None
    session.history.rename("v0", "one")
    window.act("file.save_session")
    session.history.rename("v0", "two")
    qtbot.waitUntil(lambda: not window.keeping.busy, timeout=60_000)
    assert session.dirty
    assert Session.restore(session.folder).history["v0"].title == "one"
    window.act("file.save_session")
    qtbot.waitUntil(lambda: not window.keeping.busy, timeout=60_000)
    assert not session.dirty
    assert Session.restore(session.folder).history["v0"].title == "two"


def test_closing_saves_first_and_says_so(window: MainWindow, open_model: Open, sample: Path, qtbot: QtBot) -> None:
    from core.session import Session

    open_model(sample)
    qtbot.waitUntil(lambda: not window.ctx.jobs.active(), timeout=60_000)
    session = window.ctx.session
    assert session is not None
    session.history.rename("v0", "kept")
    folder = session.folder
    seen = []
    window.keeping.changed.connect(lambda: seen.append(window.saving.isVisible()))
    window.close()
    assert window.isVisible()
    assert window.saving.isVisible()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=60_000)
    assert any(seen)
    assert not folder.exists() or Session.restore(folder).history["v0"].title == "kept"


def test_a_session_in_which_nothing_was_done_leaves_no_folder(window: MainWindow, open_model: Open, sample: Path, qtbot: QtBot) -> None:
    open_model(sample)
    assert window.ctx.session is not None
    folder = window.ctx.session.folder
    assert folder.is_dir()
    window.act("file.close")
    qtbot.waitUntil(lambda: not folder.exists(), timeout=60_000)


def test_a_folder_without_a_session_is_told(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "empty").mkdir()
    window.open_path(tmp_path / "empty")
    qtbot.waitUntil(lambda: any(m.severity == "error" for m in window.ctx.notify.messages), timeout=60_000)
    assert window.ctx.session is None
    assert not window.opening.busy


# ---- looks ----
def test_a_theme_is_chosen_by_its_action_and_holds(window: MainWindow) -> None:
    window.act("view.theme.light")
    assert window.ctx.theme.name == "light"
    assert window.ctx.settings.theme == "light"
    assert window.action("view.theme.light").isChecked()
    assert not window.action("view.theme.dark").isChecked()


def test_the_arrangement_is_kept_and_can_be_reset(ctx: Context, qtbot: QtBot) -> None:
    def show() -> MainWindow:
        made = MainWindow(ctx)
        made.resize(1280, 800)
        made.show()
        made.show_panel("log")
        return made

    def end(made: MainWindow) -> None:
        made.release()
        made.close()
        made.deleteLater()
        QApplication.sendPostedEvents(None, 52)  # deferred deletes
        QApplication.processEvents()

    first = show()
    first.build().toggle("summary")
    assert not first.build().is_open("summary")
    end(first)
    second = show()
    assert not second.build().is_open("summary")
    second.act("view.reset_layout")
    assert second.build().is_open("summary")
    end(second)


def test_sides_leave_the_middle_most_of_the_width(window: MainWindow, open_model: Open, sample: Path, qtbot: QtBot) -> None:
    open_model(sample)
    docks = window.build()
    for width, height in ((1280, 800), (3840, 2160)):
        window.resize(width, height)
        docks.reset()
        qtbot.wait(1)
        sizes = docks.manager.rootSplitter().sizes()
        assert len(sizes) == 3, sizes
        assert sizes[1] > 0.52 * width, sizes
        assert min(sizes[0], sizes[2]) >= 250


def test_the_keyboard_goes_through_the_panels(window: MainWindow, open_model: Open, sample: Path, qtbot: QtBot) -> None:
    open_model(sample)
    docks = window.build()
    qtbot.waitUntil(lambda: "index" in window.ctx.services and not window.ctx.jobs.active(), timeout=60_000)
    window.activateWindow()

    def here() -> str:
        focus = window.focusWidget()
        return next((id for id, slot in docks.slots.items() if focus is not None and slot.isAncestorOf(focus)), "")

    seen = []
    for _ in range(8):
        window.act("view.next_panel")
        seen.append(here())
    assert {"variants", "passes", "graph", "bench"} <= set(seen), seen
    window.act("view.previous_panel")
    window.act("view.next_panel")
    assert here() == seen[-1]


# ---- leaving ----
def test_leaving_asks_while_a_job_runs(window: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    handle = window.ctx.jobs.start(wait_forever, title="A long job")
    asked: list[str] = []

    def answer(role: QMessageBox.ButtonRole) -> Callable[[QMessageBox], int]:
        def exec_(box: QMessageBox) -> int:
            asked.append(box.text())
            next(button for button in box.buttons() if box.buttonRole(button) == role).click()
            return 0

        return exec_

    monkeypatch.setattr(QMessageBox, "exec", answer(QMessageBox.ButtonRole.RejectRole))
    window.close()
    assert asked == ["“A long job” is still running."]
    assert window.isVisible()
    monkeypatch.setattr(QMessageBox, "exec", answer(QMessageBox.ButtonRole.DestructiveRole))
    window.close()
    assert not window.isVisible()
    qtbot.waitUntil(lambda: handle.over, timeout=60_000)
    assert handle.state == "cancelled"


def test_two_openings_at_once_are_refused(window: MainWindow, sample: Path, qtbot: QtBot) -> None:
    window.open_path(sample)
    opening: Opening = window.opening
    with pytest.raises(UsageError, match="being opened"):
        opening.open(sample)
    qtbot.waitUntil(lambda: window.ctx.session is not None, timeout=60_000)
