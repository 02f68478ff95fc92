"""The properties of a node: asked of the document's process, with links that lead along the graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from gui.graph.histogram import Histogram, number
from gui.panels.properties import PropertiesPanel
from gui.window import MainWindow
from tests import models

Open = Callable[[Path], None]
PATIENCE = 60_000
OUT = Path(__file__).parents[2] / "output"


@pytest.fixture
def panel(window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> PropertiesPanel:
    open_model(models.save(models.residual_cnn(), tmp_path / "residual.onnx"))
    panel = window.show_panel("properties")
    assert isinstance(panel, PropertiesPanel)
    qtbot.waitUntil(lambda: "index" in window.ctx.services and panel._layouts.state == "ready", timeout=PATIENCE)
    return panel


def words(panel: PropertiesPanel) -> str:
    """Everything that is written, without the places where long words may break."""
    page = panel.sections.widget()
    return "\n".join(each.text().replace("\u200b", "") for each in (*page.findChildren(QLabel), *page.findChildren(QPushButton)))


def press(panel: PropertiesPanel, name: str) -> None:
    """Click the button that is called so, by its text or its accessible name."""
    buttons = panel.sections.widget().findChildren(QPushButton)
    next(each for each in buttons if name in (each.text(), each.accessibleName())).click()


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
    press(panel, "About Relu")
    text = words(panel)
    assert panel.page.doc in text
    assert "X (T)" in text
    assert "float16, float32" in text


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


def test_attributes_say_what_they_do_and_what_is_not_set(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot) -> None:
    select(panel, window, qtbot, "/down/Conv")
    page = panel.sections.widget()
    labels = {label.text(): label for label in page.findChildren(QLabel)}
    assert labels["NOTSET"].property("role") == "muted"  # the default of auto_pad, which is not set
    assert labels["[3, 3]"].property("role") is None
    assert "B" in labels  # the bias that is not given
    group = next(each for each in page.findChildren(QPushButton) if each.text() == "group")
    assert "number of groups input channels" in group.toolTip()
    assert "Not set in this node" in group.toolTip()
    assert "number of groups" not in words(panel)
    group.click()
    assert "number of groups input channels and output channels are divided into." in words(panel)
    press(panel, "group: default 1. What it does")
    assert "number of groups" not in words(panel)


def test_a_tensor_has_a_page_of_its_own(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot) -> None:
    name = first(window, "Conv")
    select(panel, window, qtbot, name)
    assert panel.page is not None
    made, read = panel.page.outputs[0], panel.page.inputs[0]
    press(panel, f"{made.slot}: look at {made.name}")
    qtbot.waitUntil(lambda: panel.tensor is not None and panel.tensor.name == made.name, timeout=PATIENCE)
    text = words(panel)
    for wanted in (made.name, made.type, "Made by", "Read by", name):
        assert wanted in text
    QApplication.clipboard().clear()
    window.act("graph.copy")
    qtbot.waitUntil(lambda: QApplication.clipboard().text().splitlines()[:2] == [made.name, f"type\t{made.type}"], timeout=PATIENCE)
    press(panel, f"Back to {name}")
    qtbot.waitUntil(lambda: panel.page is not None and panel.page.name == name, timeout=PATIENCE)
    press(panel, f"{read.slot}: look at {read.name}")
    qtbot.waitUntil(lambda: panel.tensor is not None and panel.tensor.name == read.name, timeout=PATIENCE)
    window.ctx.selection.set((name,), None)  # the same node again leaves the tensor
    qtbot.waitUntil(lambda: panel.tensor is None and panel.page is not None, timeout=PATIENCE)


def test_the_palette_leads_to_tensors(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot) -> None:
    index = window.ctx.services["index"]
    tensor = index.tensors[3]
    window.palette_.open(tensor)
    entries = window.palette_.entries.entries
    window.palette_.choose(next(row for row, each in enumerate(entries) if (each.kind, each.title) == ("Tensor", tensor)))
    qtbot.waitUntil(lambda: panel.tensor is not None and panel.tensor.name == tensor, timeout=PATIENCE)
    assert len(window.ctx.selection.nodes) == 1


def test_a_weight_is_looked_into(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot) -> None:
    select(panel, window, qtbot, first(window, "Conv"))
    qtbot.waitUntil(lambda: panel.stats is not None, timeout=PATIENCE)
    assert panel.stats is not None
    press(panel, f"Look into weight {panel.stats.name}")
    weights = window.panel("weights")
    qtbot.waitUntil(lambda: weights.looking.page is not None, timeout=PATIENCE)  # type: ignore[attr-defined]
    assert weights.looking.page.name == panel.stats.name  # type: ignore[attr-defined]
    assert window.docks.is_open("weights")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures(panel: PropertiesPanel, window: MainWindow, qtbot: QtBot, theme: str) -> None:
    window.act(f"view.theme.{theme}")
    window.resize(1280, 1000)
    name = first(window, "Conv")
    OUT.mkdir(exist_ok=True)
    select(panel, window, qtbot, name)
    qtbot.waitUntil(lambda: panel.stats is not None, timeout=PATIENCE)
    press(panel, "pads: [1, 1, 1, 1]. What it does")
    panel.grab().save(str(OUT / f"node-page-{theme}.png"))
    press(panel, "About Conv")
    panel.sections.verticalScrollBar().setValue(450)
    panel.grab().save(str(OUT / f"node-about-{theme}.png"))
    assert panel.page is not None
    window.ctx.selection.look_at(panel.page.outputs[0].name)
    qtbot.waitUntil(lambda: panel.tensor is not None, timeout=PATIENCE)
    panel.grab().save(str(OUT / f"tensor-page-{theme}.png"))
    for each in panel.sections.widget().findChildren(QLabel):
        assert each.width() <= panel.sections.viewport().width()
