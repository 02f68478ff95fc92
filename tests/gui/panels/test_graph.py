"""The graph panel in a real window: laid out by a worker, its selection shared, its picture kept while the next one is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

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
    qtbot.waitUntil(lambda: panel.canvas.scene is not None, timeout=PATIENCE)
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
