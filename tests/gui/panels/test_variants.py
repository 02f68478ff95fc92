"""The tree of variants: shown with figures, walked, renamed, cut back, saved."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit, QMessageBox
from pytestqt.qtbot import QtBot

from core.errors import UsageError
from core.history import Step
from core.session import Session
from gui.panels.variants import VariantsPanel
from gui.steps.tree import TITLE
from gui.window import MainWindow
from tests.gui.panels.results import measured


def grow(session: Session, label: str, parent: str = "v0") -> str:
    """A variant of the same size as its parent, without running a pass."""
    before = session.history[parent]
    model = dataclasses.replace(before.model, fingerprint=f"{label}{before.model.fingerprint}"[:64], size=before.model.size // 2)
    step = Step("simplify", {}, label, before.model, model, before.summary, True, (f"{label} was made.",), 0.5)
    return session.history.commit(step, parent).id


@pytest.fixture
def panel(window: MainWindow, session: Session) -> VariantsPanel:
    found = window.show_panel("variants")
    assert isinstance(found, VariantsPanel)
    return found


def test_without_a_model_it_offers_to_open_one(window: MainWindow) -> None:
    panel = window.panel("variants")
    assert isinstance(panel, VariantsPanel)
    assert panel.pages.currentIndex() == 0


def test_rows_follow_the_tree_and_mark_the_head(panel: VariantsPanel, session: Session) -> None:
    grow(session, "first")
    grow(session, "second", "v1")
    grow(session, "other")
    titles = [item.text(TITLE) for item in panel.tree.every()]
    assert titles == ["tiny", "first", "second", "other"]
    bold = [item.text(TITLE) for item in panel.tree.every() if item.font(TITLE).bold()]
    assert bold == ["other"]
    assert panel.selected() == "v3"


def test_figures_come_with_results(panel: VariantsPanel, session: Session, picture: Callable[..., None]) -> None:
    grow(session, "first")
    session.add_bench("v0", measured(session.history["v0"].model, 1.0))
    session.add_bench("v1", measured(session.history["v1"].model, 0.5))
    rows = {item.text(TITLE): item for item in panel.tree.every()}
    size, latency, accuracy = panel.tree.figures_of("v0")
    assert (latency, accuracy) == ("1.00\u202fms", "")
    assert size.endswith("B")
    assert panel.tree.figures_of("v1")[1] == "0.500\u202fms"
    tip = rows["first"].toolTip(TITLE)
    assert "Against the one before: size −50\u202f%, median latency −50\u202f%" in tip
    assert "first was made." in tip
    picture("variants")


def test_undo_redo_and_a_branch(window: MainWindow, panel: VariantsPanel, session: Session) -> None:
    with pytest.raises(UsageError, match="model that was opened"):
        window.act("edit.undo")
    grow(session, "first")
    window.act("edit.undo")
    assert session.history.head == "v0"
    assert not panel.buttons["undo"].isEnabled()
    window.act("edit.redo")
    assert session.history.head == "v1"
    with pytest.raises(UsageError, match="Nothing was undone"):
        window.act("edit.redo")
    panel.branch("v0")
    grow(session, "branch")
    assert session.history["v2"].parent == "v0"


def test_a_click_and_enter_go_to_a_variant(panel: VariantsPanel, session: Session, qtbot: QtBot) -> None:
    grow(session, "first")
    item = panel.tree.item_of("v0")
    assert item is not None
    qtbot.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=panel.tree.visualItemRect(item).center())
    assert session.history.head == "v0"
    qtbot.keyClick(panel.tree, Qt.Key.Key_Down)
    assert session.history.head == "v0", "keys only move the selection"
    qtbot.keyClick(panel.tree, Qt.Key.Key_Return)
    assert session.history.head == "v1"


def test_a_title_is_typed_in_place(panel: VariantsPanel, session: Session, qtbot: QtBot) -> None:
    qtbot.keyClick(panel.tree, Qt.Key.Key_F2)
    editor = panel.tree.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, "the one")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.history["v0"].title == "the one")
    assert [item.text(TITLE) for item in panel.tree.every()] == ["the one"]


def test_an_empty_title_changes_nothing(panel: VariantsPanel, session: Session, qtbot: QtBot) -> None:
    panel.rename()
    editor = panel.tree.findChild(QLineEdit)
    assert editor is not None
    editor.clear()
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: [item.text(TITLE) for item in panel.tree.every()] == ["tiny"])
    assert session.history["v0"].title == "tiny"


def test_removing_asks_and_takes_what_was_made_from_it(panel: VariantsPanel, session: Session, qtbot: QtBot) -> None:
    grow(session, "first")
    grow(session, "second", "v1")
    panel.tree.setCurrentItem(panel.tree.item_of("v1"))
    qtbot.keyClick(panel.tree, Qt.Key.Key_Delete)
    box = panel.findChild(QMessageBox)
    assert box is not None
    assert "1 variant made from it" in box.text()
    keep = next(button for button in box.buttons() if button.text() == "Keep")
    qtbot.mouseClick(keep, Qt.MouseButton.LeftButton)
    assert len(session.history) == 3
    panel.remove("v1")
    box = next(each for each in panel.findChildren(QMessageBox) if each.isVisible())
    yes = next(button for button in box.buttons() if button.text() == "Remove")
    qtbot.mouseClick(yes, Qt.MouseButton.LeftButton)
    assert list(session.history.variants) == ["v0"]
    assert session.history.head == "v0"


def test_the_original_stays(window: MainWindow, panel: VariantsPanel, session: Session) -> None:
    panel.remove("v0")
    assert list(session.history.variants) == ["v0"]
    assert "cannot be removed" in window.ctx.notify.messages[-1].text


def test_a_variant_is_saved_whole(window: MainWindow, panel: VariantsPanel, session: Session, tmp_path: Path, qtbot: QtBot) -> None:
    panel.save("v0", tmp_path / "out")
    qtbot.waitUntil(lambda: (tmp_path / "out.onnx").is_file() and not window.ctx.jobs.active(), timeout=30_000)
    import onnx

    onnx.checker.check_model(str(tmp_path / "out.onnx"))
    assert any("is saved as out.onnx" in message.text for message in window.ctx.notify.messages)


def test_the_table_is_copied(panel: VariantsPanel, session: Session, qtbot: QtBot) -> None:
    session.add_bench("v0", measured(session.history["v0"].model, 1.0))
    panel.tree.setFocus()
    qtbot.keyClick(panel.tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:2] == ["Variant", "From"]
    assert lines[1].startswith(f"tiny\t\t{session.history['v0'].model.size}\t1.0")


def test_the_menu_says_what_cannot_be_done(panel: VariantsPanel, session: Session) -> None:
    menu = panel.menu()
    off = {action.text(): action.toolTip() for action in menu.actions() if action.text() and not action.isEnabled()}
    assert set(off) == {"Go to", "Compare with original", "Remove…"}
    assert all(off.values())
    menu.deleteLater()


def test_compare_is_offered_with_the_original(window: MainWindow, panel: VariantsPanel, session: Session) -> None:
    grow(session, "first")
    grow(session, "second")
    session.history.goto("v1")
    window.act("variant.compare")
    compare = window.panel("compare")
    assert (compare.a.currentData(), compare.b.currentData()) == ("v0", "v1")  # type: ignore[attr-defined]
