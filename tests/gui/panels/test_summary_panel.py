"""The summary panel: the figures of the head, changes against what was opened, odd models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from gui.inspect.metadata import Editor
from gui.inspect.signature import Signature
from gui.panels.summary import Bar, SummaryPanel
from gui.window import MainWindow
from tests import models

Open = Callable[[Path], None]
PATIENCE = 60_000
OUT = Path(__file__).parents[2] / "output"


def texts(panel: SummaryPanel) -> list[str]:
    return [label.text() for label in panel.sections.widget().findChildren(QLabel)]


def test_it_says_what_it_is_for_before_a_model_is_open(window: MainWindow) -> None:
    panel = window.show_panel("summary")
    assert isinstance(panel, SummaryPanel)
    assert panel.pages.currentIndex() == 0


@pytest.mark.parametrize("make", [models.mlp, models.residual_cnn, models.dynamic, models.empty_graph, models.int8_qdq])
def test_figures_of_models(window: MainWindow, open_model: Open, tmp_path: Path, make: Callable[[], object]) -> None:
    open_model(models.save(make(), tmp_path / "model.onnx"))  # type: ignore[arg-type]
    panel = window.show_panel("summary")
    assert isinstance(panel, SummaryPanel)
    session = window.ctx.session
    assert session is not None
    assert session.history.head is not None
    summary = session.history[session.history.head].summary
    found = texts(panel)
    assert "model.onnx" in found
    assert str(summary.ir_version) in found
    ends = [each.tensor for each in panel.sections.widget().findChildren(Signature)]
    assert ends == [*summary.inputs, *summary.outputs]
    assert {bar.op: bar.count for bar in panel.sections.widget().findChildren(Bar)} == summary.ops


def test_it_is_copied_as_text(window: MainWindow, open_model: Open, tmp_path: Path, qtbot: QtBot) -> None:
    open_model(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    window.act("summary.copy")
    assert "File\tmlp.onnx" in QApplication.clipboard().text()


# ---- editing ----
@pytest.fixture
def panel(window: MainWindow, open_model: Open, tmp_path: Path, qtbot: QtBot) -> SummaryPanel:
    model = models.with_function()
    model.metadata_props.add(key="author", value="somebody")
    model.doc_string = "A model with a function."
    open_model(models.save(model, tmp_path / "model.onnx"))
    panel = window.show_panel("summary")
    assert isinstance(panel, SummaryPanel)
    qtbot.waitUntil(lambda: panel.page is not None, timeout=PATIENCE)
    return panel


def signature(panel: SummaryPanel, name: str) -> Signature:
    return next(each for each in panel.sections.widget().findChildren(Signature) if each.tensor.name == name)


def type_into(panel: SummaryPanel, name: str, part: int, text: str) -> None:
    """Double click a part and type."""
    row = signature(panel, name)
    QTest.mouseDClick(row, Qt.MouseButton.LeftButton, pos=row.parts()[part].box.center().toPoint())
    editor = row.editor
    assert editor is not None
    editor.setText(text)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert row.editor is None


def settled(panel: SummaryPanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: "not applied yet" not in panel.bar.text.text(), timeout=PATIENCE)


def test_functions_domains_and_who_made_it(panel: SummaryPanel) -> None:
    found = texts(panel)
    assert "Dense" in found
    assert any("2 nodes, called 2" in each for each in found)
    assert "Defined by functions of this model." in found
    assert "A model with a function." in found
    assert "author" in found


def test_what_cannot_run_is_said(window: MainWindow, open_model: Open, tmp_path: Path, qtbot: QtBot) -> None:
    open_model(models.save(models.unknown_domain(), tmp_path / "model.onnx"))
    panel = window.show_panel("summary")
    assert isinstance(panel, SummaryPanel)
    qtbot.waitUntil(lambda: panel.page is not None, timeout=PATIENCE)
    assert "Cannot run here: nobody defines Frobnicate." in texts(panel)


def test_names_and_dims_are_edited_where_they_stand(panel: SummaryPanel, window: MainWindow, qtbot: QtBot) -> None:
    assert panel.bar.isHidden()
    assert window.menus.reason("summary.apply")
    type_into(panel, "x", 0, "image")
    type_into(panel, "x", 1, "4")
    assert signature(panel, "y").dims()[0] == "4"  # N stands there, too
    settled(panel, qtbot)
    assert "Input 'x' is called 'image' now." in panel.bar.text.text()
    assert panel.bar.isVisible()
    window.act("summary.apply")
    session = window.ctx.session
    assert session is not None
    qtbot.waitUntil(lambda: len(session.history) == 2, timeout=PATIENCE)
    assert session.history.current is not None
    assert [each.text() for each in session.history.current.summary.inputs] == ["float32[4, 8]"]
    assert session.history.current.summary.inputs[0].name == "image"
    qtbot.waitUntil(lambda: panel.bar.isHidden(), timeout=PATIENCE)
    assert signature(panel, "image").dims() == ["4", "8"]
    window.act("edit.undo")
    assert signature(panel, "x").dims() == ["N", "8"]


def test_by_keyboard(panel: SummaryPanel, window: MainWindow, qtbot: QtBot) -> None:
    window.act("summary.edit")
    row = signature(panel, "x")
    qtbot.waitUntil(lambda: window.focusWidget() is row)
    QTest.keyClick(row, Qt.Key.Key_Right)
    QTest.keyClick(row, Qt.Key.Key_F2)
    assert row.editor is not None
    assert row.editor.text() == "N"
    row.editor.setText("batch")
    QTest.keyClick(row.editor, Qt.Key.Key_Escape)
    assert len(panel.draft) == 0
    QTest.keyClick(row, Qt.Key.Key_Return)
    assert row.editor is not None
    row.editor.setText("batch")
    QTest.keyClick(row.editor, Qt.Key.Key_Return)
    assert panel.draft.dims == {"N": "batch"}
    QTest.keyClick(row, Qt.Key.Key_Right)
    QTest.keyClick(row, Qt.Key.Key_Delete)
    assert panel.draft.dims == {"N": "batch", ("x", 1): ""}
    type_into(panel, "x", 2, "8")  # as it was
    type_into(panel, "x", 1, "N")
    assert len(panel.draft) == 0
    assert panel.bar.isHidden()


def test_what_is_being_typed_is_not_taken_away(panel: SummaryPanel, window: MainWindow) -> None:
    row = signature(panel, "x")
    editor = row.edit(1)
    session = window.ctx.session
    assert session is not None
    session.history.rename("v0", "another title")
    assert row.editor is editor
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    session.history.rename("v0", "a third")
    assert "a third" in texts(panel)


def test_what_cannot_be_is_refused_in_place(panel: SummaryPanel, window: MainWindow, qtbot: QtBot) -> None:
    type_into(panel, "x", 2, "9")
    settled(panel, qtbot)
    assert "do not fit the model" in panel.bar.text.text()
    assert not panel.bar.apply_button.isEnabled()
    assert "do not fit" in window.menus.reason("summary.apply")
    panel.bar.drop_button.click()
    assert panel.bar.isHidden()
    assert signature(panel, "x").dims() == ["N", "8"]


def test_metadata_is_added_changed_and_taken_away(panel: SummaryPanel, window: MainWindow, qtbot: QtBot) -> None:
    def editor() -> Editor:
        qtbot.waitUntil(lambda: panel.sections.widget().findChild(Editor) is not None)
        found = panel.sections.widget().findChild(Editor)
        assert found is not None
        return found

    def tool(name: str) -> QToolButton:
        return next(each for each in panel.sections.widget().findChildren(QToolButton) if each.accessibleName() == name)

    next(each for each in panel.sections.widget().findChildren(QPushButton) if each.text() == "Add metadata…").click()
    made = editor()
    made.key.setText("sardonyx.steps")
    assert not made.set_button.isEnabled()
    made.key.setText("licence")
    made.value.setPlainText("MIT\nwith care")
    made.set_button.click()
    qtbot.waitUntil(lambda: "licence" in texts(panel))
    tool("Edit author").click()
    changed = editor()
    assert changed.value.toPlainText() == "somebody"
    changed.value.setPlainText("me")
    QTest.keyClick(changed.value, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: panel.draft.metadata == {"licence": "MIT\nwith care", "author": "me"})
    qtbot.waitUntil(lambda: panel.sections.widget().findChild(Editor) is None)
    session = window.ctx.session
    assert session is not None
    window.act("summary.apply")
    qtbot.waitUntil(lambda: len(session.history) == 2, timeout=PATIENCE)
    qtbot.waitUntil(lambda: panel.page is not None and dict(panel.page.metadata).get("licence") == "MIT\nwith care", timeout=PATIENCE)
    tool("Take author away").click()
    qtbot.waitUntil(lambda: panel.draft.metadata == {"author": ""})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures(panel: SummaryPanel, window: MainWindow, qtbot: QtBot, theme: str) -> None:
    window.act(f"view.theme.{theme}")
    window.resize(1280, 1100)
    type_into(panel, "x", 1, "8")
    settled(panel, qtbot)
    panel._ask_key("")
    qtbot.wait(50)
    OUT.mkdir(exist_ok=True)
    panel.grab().save(str(OUT / f"model-page-{theme}.png"))
    panel.sections.verticalScrollBar().setValue(10_000)
    panel.grab().save(str(OUT / f"model-page-end-{theme}.png"))
    row = signature(panel, "x")
    assert row.mapTo(panel, QPoint(0, 0)).x() >= 0
    assert all(part.box.right() <= row.width() for part in row.parts())


def test_many_long_dims_stand_in_lines(window: MainWindow, open_model: Open, tmp_path: Path, qtbot: QtBot) -> None:
    model = models.unknown_domain()
    dims = model.graph.input[0].type.tensor_type.shape
    for name in ("batch", "past_sequence_length_of_the_cache", "heads", "a_dim_with_a_name_that_is_longer_than_the_panel_is_wide", "n"):
        dims.dim.add(dim_param=name)
    model.graph.input[0].name = model.graph.node[0].input[0] = "/an/input/with/a/name/that/is/longer/than/the/panel/is/wide"
    open_model(models.save(model, tmp_path / "model.onnx"))
    panel = window.show_panel("summary")
    assert isinstance(panel, SummaryPanel)
    qtbot.waitUntil(lambda: panel.page is not None, timeout=PATIENCE)
    row = panel.sections.widget().findChildren(Signature)[0]
    parts = row.parts()
    assert len({part.box.top() for part in parts}) > 3
    assert all(part.box.right() <= row.width() + 1 and part.box.bottom() <= row.height() for part in parts)
    assert not any(a.box.intersects(b.box) for a in parts for b in parts if a is not b)
    rows = panel.sections.widget().findChildren(Signature)
    qtbot.waitUntil(lambda: rows[1].mapTo(panel, QPoint(0, 0)).y() >= row.mapTo(panel, QPoint(0, 0)).y() + row.height())
    row.edit(4)
    OUT.mkdir(exist_ok=True)
    panel.sections.ensureWidgetVisible(row)
    panel.grab().save(str(OUT / "model-page-long.png"))
