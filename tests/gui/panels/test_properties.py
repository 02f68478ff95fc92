"""The properties of a node: asked of the document's process, with links that lead along the graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from gui.graph.histogram import Histogram, number
from gui.panels.properties import PropertiesPanel
from gui.window import MainWindow
from tests import models

Open = Callable[[Path], None]
PATIENCE = 60_000


@pytest.fixture
def panel(window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> PropertiesPanel:
    open_model(models.save(models.residual_cnn(), tmp_path / "residual.onnx"))
    panel = window.show_panel("properties")
    assert isinstance(panel, PropertiesPanel)
    qtbot.waitUntil(lambda: "index" in window.ctx.services and panel._layouts.state == "ready", timeout=PATIENCE)
    return panel


def words(panel: PropertiesPanel) -> str:
    return "\n".join(label.text() for label in panel.sections.widget().findChildren(QLabel))


def first(window: MainWindow, op: str) -> str:
    index = window.ctx.services["index"]
    return str(next(name for name, each in zip(index.names, index.op.tolist(), strict=True) if index.op_names[each] == op))


def select(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot, name: str) -> None:
    window.ctx.selection.set((name,), None)
    qtbot.waitUntil(lambda: panel.page is not None and panel.page.name == name, timeout=PATIENCE)


def test_nothing_selected_says_what_to_do(panel: PropertiesPanel) -> None:
    assert panel.pages.currentIndex() == 1


def test_a_conv_shows_its_tensors_attributes_and_weights(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot) -> None:
    name = first(window, "Conv")
    select(panel, window, qtbot, name)
    qtbot.waitUntil(lambda: panel.stats is not None, timeout=PATIENCE)
    text = words(panel)
    for wanted in (name, "Conv · opset", "kernel_shape", "Range", "Zeros", "MACs"):
        assert wanted in text
    assert panel.stats is not None
    assert number(panel.stats.max) in text
    histogram = panel.sections.widget().findChild(Histogram)
    assert histogram is not None
    assert histogram.accessibleDescription()
    assert not histogram.grab().isNull()


def test_links_lead_to_neighbours(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot) -> None:
    name = first(window, "Conv")
    select(panel, window, qtbot, name)
    assert panel.page is not None
    producer = panel.page.inputs[0].others[0]
    revealed: list[str] = []
    window.ctx.selection.reveal.connect(revealed.append)
    link = next(button for button in panel.findChildren(QPushButton) if button.accessibleName() == f"Go to {producer}")
    link.click()
    assert window.ctx.selection.nodes == (producer,)
    assert revealed == [producer]
    qtbot.waitUntil(lambda: panel.page is not None and panel.page.name == producer, timeout=PATIENCE)


def test_the_documentation_unfolds(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot) -> None:
    select(panel, window, qtbot, first(window, "Relu"))
    assert panel.page is not None
    assert panel.page.doc not in words(panel)
    next(button for button in panel.findChildren(QPushButton) if button.text() == "About Relu").click()
    assert panel.page.doc in words(panel)


def test_several_nodes_are_summed(panel: PropertiesPanel, window: MainWindow) -> None:
    index = window.ctx.services["index"]
    window.ctx.selection.set(tuple(index.names), None)
    text = words(panel)
    assert f"{len(index)} nodes selected" in text
    assert "Conv" in text
    assert "100.0" in text


def test_a_node_that_is_gone_is_said_to_be(panel: PropertiesPanel, window: MainWindow) -> None:
    window.ctx.selection.set(("a node of another variant",), None)
    assert "no such node" in words(panel)


def test_a_closed_model_leaves_nothing(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot) -> None:
    select(panel, window, qtbot, first(window, "Conv"))
    window.act("file.close")
    assert panel.pages.currentIndex() == 0
