"""The graph panel in a real window: laid out by a worker, its selection shared, its picture kept while the next one is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from core.errors import UsageError
from gui.graph import export
from gui.graph.camera import View
from gui.panels.graph import GraphPanel
from gui.widgets.empty import EmptyState
from gui.window import MainWindow
from tests import models

Open = Callable[[Path], None]
PATIENCE = 60_000
OUTPUT = Path(__file__).parents[2] / "output"


@pytest.fixture
def panel(window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> GraphPanel:
    open_model(models.save(models.residual_cnn(), tmp_path / "residual.onnx"))
    panel = window.show_panel("graph")
    assert isinstance(panel, GraphPanel)
    qtbot.waitUntil(lambda: panel.layouts.state == "ready", timeout=PATIENCE)
    return panel


def test_without_a_model_it_offers_the_first_step(window: MainWindow) -> None:
    panel = window.show_panel("graph")
    assert isinstance(panel, GraphPanel)
    assert panel.findChildren(EmptyState)
    assert panel.canvas.scene is None


def test_a_model_is_drawn_and_shared(panel: GraphPanel, window: MainWindow) -> None:
    index = window.ctx.services["index"]
    assert panel.canvas.scene is not None
    assert panel.canvas.scene.index is index
    assert window.ctx.services["graph.view"] is panel
    OUTPUT.mkdir(exist_ok=True)
    assert window.grab().save(str(OUTPUT / "graph-panel.png"))


def test_selection_goes_both_ways(panel: GraphPanel, window: MainWindow) -> None:
    ctx, canvas = window.ctx, panel.canvas
    assert canvas.scene is not None
    name = canvas.scene.index.names[3]
    ctx.selection.set((name,), None)
    assert canvas.selected_names == (name,)
    QTest.keyClick(canvas, Qt.Key.Key_Down)
    assert ctx.selection.nodes == canvas.selected_names != (name,)
    ctx.selection.set(("no such node",), None)
    assert canvas.selected_rows == []


def test_revealing_travels(panel: GraphPanel, window: MainWindow) -> None:
    canvas = panel.canvas
    canvas.motion.still = True
    assert canvas.scene is not None
    last = len(canvas.scene) - 1
    window.ctx.selection.reveal.emit(canvas.scene.index.names[last])
    x, y = canvas.view.to_screen(float(canvas.scene.placed.x[last]), float(canvas.scene.placed.y[last]), canvas.width(), canvas.height())
    assert 0 < x < canvas.width()
    assert 0 < y < canvas.height()


def test_finding_steps_through_what_is_found(panel: GraphPanel, window: MainWindow, qtbot: QtBot) -> None:
    canvas = panel.canvas
    window.act("graph.find")
    qtbot.waitUntil(panel.find_bar.isVisible)
    QTest.keyClicks(panel.find_bar.field, "conv")
    QTest.keyClick(panel.find_bar.field, Qt.Key.Key_Return)
    assert canvas.scene is not None
    convs = canvas.scene.find("conv")
    assert canvas.found == convs
    assert canvas.selected_rows == [convs[1 % len(convs)]]
    QTest.keyClick(panel.find_bar.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.selected_rows == [convs[0]]
    assert panel.find_bar.count.text() == f"1 of {len(convs)}"
    QTest.keyClick(panel.find_bar.field, Qt.Key.Key_Escape)
    assert canvas.found is None
    assert not panel.find_bar.isVisible()


def test_actions_look_around(panel: GraphPanel, window: MainWindow) -> None:
    canvas = panel.canvas
    canvas.motion.still = True
    window.act("graph.full_size")
    assert canvas.view.scale == 1.0
    window.act("graph.zoom_in")
    assert canvas.view.scale > 1.0
    window.act("graph.fit")
    assert canvas.view.rect(canvas.width(), canvas.height())[1] <= 0.01
    assert "%" in panel.zoom_bar.percent.text()


def test_another_model_takes_its_place_and_closing_clears(
    panel: GraphPanel, window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    old = panel.canvas.scene
    open_model(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    qtbot.waitUntil(lambda: panel.canvas.scene is not None and panel.canvas.scene is not old, timeout=PATIENCE)
    assert window.ctx.services["index"] is panel.canvas.scene.index  # type: ignore[union-attr]
    window.act("file.close")
    assert panel.canvas.scene is None
    assert "index" not in window.ctx.services


def at_box(panel: GraphPanel, row: int, scale: float = 1.0) -> QPoint:
    """Where a box is on the screen, after travelling there."""
    canvas = panel.canvas
    assert canvas.scene is not None
    canvas.motion.still = True
    x, y = float(canvas.scene.placed.x[row]), float(canvas.scene.placed.y[row])
    canvas.look_at(View(x, y, scale))
    found = canvas.view.to_screen(x, y, canvas.width(), canvas.height())
    return QPoint(round(found[0]), round(found[1]))


def menu_at(panel: GraphPanel, at: QPoint, reason: QContextMenuEvent.Reason = QContextMenuEvent.Reason.Mouse) -> QMenu:
    """Ask for the context menu at a point of the canvas, as Qt does."""
    QApplication.sendEvent(panel.canvas, QContextMenuEvent(reason, at, panel.canvas.mapToGlobal(at)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def ids(menu: QMenu) -> list[str]:
    return [action.objectName() for action in menu.actions() if not action.isSeparator()]


def test_the_menu_of_a_box_is_about_that_box(panel: GraphPanel, window: MainWindow) -> None:
    canvas = panel.canvas
    assert canvas.scene is not None
    row = canvas.scene.find("conv")[0]
    menu = menu_at(panel, at_box(panel, row))
    assert canvas.selected_rows == [row]
    assert {"graph.copy", "graph.consumers", "graph.producers", "graph.alike", "graph.export", "netron.show"} <= set(ids(menu))
    menu.close()
    canvas.select([row, row + 1], tell=True)
    menu_at(panel, at_box(panel, row)).close()
    assert canvas.selected_rows == [row, row + 1], "a menu of one of several is about all of them"


def test_the_menu_of_a_link_is_about_its_tensor(panel: GraphPanel, window: MainWindow) -> None:
    canvas = panel.canvas
    assert canvas.scene is not None
    scene = canvas.scene
    row = scene.find("conv")[0]
    at = at_box(panel, row)
    below = at + QPoint(0, round(scene.placed.h[row] / 2) + 8)
    menu = menu_at(panel, below)
    assert ids(menu)[:2] == ["graph.tensor_ends", "graph.tensor_copy"]
    tensor = panel.pointed
    assert tensor is not None
    assert int(scene.index.src[scene.edges_of(tensor)[0]]) == row
    menu.close()
    window.act("graph.tensor_copy")
    assert QApplication.clipboard().text() == f"{scene.index.tensors[tensor]}\t{scene.index.tensor_types[tensor]}"
    window.act("graph.tensor_ends")
    assert canvas.selected_rows[0] == row
    assert set(canvas.selected_rows[1:]) == set(scene.index.dst[scene.edges_of(tensor)].tolist())
    assert panel.pointed is None, "what is selected counts from then on"


def test_the_menu_key_opens_the_selections_menu(panel: GraphPanel, window: MainWindow) -> None:
    canvas = panel.canvas
    keyboard = QContextMenuEvent.Reason.Keyboard
    menu = menu_at(panel, QPoint(1, 1), keyboard)
    assert "graph.fit" in ids(menu)
    menu.close()
    at = at_box(panel, 3)
    canvas.select([3], tell=True)
    menu = menu_at(panel, QPoint(1, 1), keyboard)
    assert "graph.copy" in ids(menu)
    around = menu.geometry().adjusted(-60, -60, 60, 60)
    assert around.contains(canvas.mapToGlobal(at)), "near the box, as far as the screen allows"
    menu.close()


def test_going_along_the_graph_by_action(panel: GraphPanel, window: MainWindow) -> None:
    canvas = panel.canvas
    assert canvas.scene is not None
    scene = canvas.scene
    add = scene.find("add")[0]
    canvas.select([add], tell=True)
    window.act("graph.producers")
    assert canvas.selected_rows == sorted(set(scene.index.src[scene.edges_in(add)].tolist()))
    assert window.ctx.selection.nodes == canvas.selected_names
    window.act("graph.consumers")
    assert add in canvas.selected_rows
    canvas.select([0], tell=True)
    window.act("graph.producers")
    assert canvas.selected_rows == [0], "an input reads nothing"
    canvas.select([], tell=True)
    with pytest.raises(UsageError, match="Select a node"):
        window.act("graph.consumers")
    with pytest.raises(UsageError, match="Point at a link"):
        window.act("graph.tensor_ends")


def test_finding_ops_like_the_selected_one(panel: GraphPanel, window: MainWindow, qtbot: QtBot) -> None:
    canvas = panel.canvas
    assert canvas.scene is not None
    relu = canvas.scene.find("relu")[0]
    canvas.select([relu], tell=True)
    window.act("graph.alike")
    qtbot.waitUntil(lambda: canvas.found == canvas.scene.find("Relu"))  # type: ignore[union-attr]


def test_copying_nodes_as_text(panel: GraphPanel, window: MainWindow, qtbot: QtBot) -> None:
    canvas = panel.canvas
    assert canvas.scene is not None
    rows = canvas.scene.find("conv")[:2]
    names = [canvas.scene.index.names[row] for row in rows]
    canvas.select(rows, tell=True)
    QApplication.clipboard().clear()
    QTest.keyClick(canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: "\top" not in QApplication.clipboard().text() and bool(QApplication.clipboard().text()), timeout=PATIENCE)
    blocks = QApplication.clipboard().text().split("\n\n")
    assert [block.split("\n")[0] for block in blocks] == names
    assert all("op\tConv" in block and "kernel_shape\t" in block for block in blocks)
    window.act("graph.copy_name")
    assert QApplication.clipboard().text() == "\n".join(names)


def test_shapes_on_links_are_a_setting(panel: GraphPanel, window: MainWindow) -> None:
    assert window.action("graph.shapes").isChecked()
    assert panel.canvas.edge_labels.on
    window.act("graph.shapes")
    assert not panel.canvas.edge_labels.on
    assert not window.ctx.settings.link_shapes
    assert not window.action("graph.shapes").isChecked()
    window.act("graph.shapes")
    assert panel.canvas.edge_labels.on


def test_weights_are_shown_from_close_by(panel: GraphPanel, window: MainWindow, qtbot: QtBot) -> None:
    canvas = panel.canvas
    assert canvas.scene is not None
    assert canvas.thumbs is not None
    row = canvas.scene.find("conv")[0]
    name = canvas.scene.index.names[row]
    at_box(panel, row, 2.0)
    canvas.repaint()
    qtbot.waitUntil(lambda: canvas.thumbs.known(name) is not None, timeout=PATIENCE)  # type: ignore[union-attr]
    thumb = canvas.thumbs.known(name)
    assert thumb is not None
    assert thumb.limit > 0


@pytest.mark.parametrize("format", ["SVG", "PNG"])
def test_exporting_a_picture(
    panel: GraphPanel, window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    window.act("graph.export")
    dialog = panel._picture
    assert dialog is not None
    window.act("graph.export")
    assert panel._picture is dialog, "one at a time"
    assert not dialog.form.fields["scale"].isEnabled()
    dialog.form.put("format", format)
    if format == "PNG":
        dialog.form.put("scale", 2.0)
        assert "pixels" in dialog.size_text.text()
        assert dialog.form.fields["scale"].isEnabled()
    for theme in ("light", "dark"):
        window.ctx.theme.choose(theme)  # type: ignore[arg-type]
        QApplication.processEvents()
        assert dialog.grab().save(str(OUTPUT / f"graph-export-{format.lower()}-{theme}.png"))
    target = tmp_path / "picture"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    dialog.start_button.click()
    assert not dialog.form.isEnabled()
    assert dialog.close_button.text() == "Cancel"
    written = tmp_path / f"picture.{format.lower()}"
    qtbot.waitUntil(lambda: panel._picture is None, timeout=PATIENCE)
    assert written.stat().st_size > 1000
    assert "picture" in window.ctx.notify.messages[-1].text


def test_a_picture_that_is_too_large_can_be_made_smaller_by_a_click(
    panel: GraphPanel, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST", 200_000)
    dialog = panel.export()
    dialog.form.put("format", "PNG")
    assert not dialog.start_button.isEnabled()
    assert "at most" in dialog.start_button.toolTip()
    assert not dialog.smaller.isHidden()
    assert dialog.grab().save(str(OUTPUT / "graph-export-large.png"))
    dialog.smaller.click()
    assert dialog.start_button.isEnabled()
    assert dialog.smaller.isHidden()
    dialog.close()


def test_closing_the_window_stops_an_export(panel: GraphPanel, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "STRIP", 2000)
    dialog = panel.export()
    dialog.form.put("format", "PNG")
    dialog.form.put("scale", 8.0)
    dialog.start(tmp_path / "never.png")
    dialog.close()
    assert list(tmp_path.glob("*never*")) == []


@pytest.mark.parametrize("size", [(960, 600), (1700, 1000)], ids=["small", "large"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_looks_right_from_close_by(panel: GraphPanel, window: MainWindow, qtbot: QtBot, size: tuple[int, int], theme: str) -> None:
    """For people to look at, under tests/output."""
    window.ctx.theme.choose(theme)  # type: ignore[arg-type]
    window.resize(*size)
    canvas = panel.canvas
    assert canvas.scene is not None
    row = canvas.scene.find("conv")[1]
    for scale in (1.0, 1.8):
        at_box(panel, row, scale)
        canvas.repaint()
        qtbot.wait(400)
        assert window.grab().save(str(OUTPUT / f"graph-{scale:g}-{theme}-{size[0]}.png"))
    menu = menu_at(panel, at_box(panel, row))
    assert menu.grab().save(str(OUTPUT / f"graph-menu-{theme}.png"))
    menu.close()
