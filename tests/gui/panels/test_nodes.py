"""The table of nodes: the same graph as the drawn one, sorted, filtered and selected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.model.index import build
from gui.panels.nodes import NodesPanel, columns
from gui.window import MainWindow
from tests import models

Open = Callable[[Path], None]
PATIENCE = 60_000


@pytest.fixture
def panel(window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> NodesPanel:
    open_model(models.save(models.residual_cnn(), tmp_path / "residual.onnx"))
    panel = window.show_panel("nodes")
    assert isinstance(panel, NodesPanel)
    qtbot.waitUntil(lambda: panel.table.rows.total > 0, timeout=PATIENCE)
    return panel


def test_columns_say_what_the_graph_says() -> None:
    index = build(models.residual_cnn())
    found = columns(index)
    assert {len(values) for values in found.values()} == {len(index)}
    conv = found["op"].index("Conv")
    assert found["parameters"][conv] == index.parameters[conv] > 0
    edge = int(np.flatnonzero(index.src == conv)[0])
    assert found["outputs"][conv] == index.tensor_types[index.tensor[edge]]
    add = found["op"].index("Add")
    assert found["inputs"][add].endswith(" +1")
    assert found["outputs"][-1] == ""


def test_every_node_is_a_row(panel: NodesPanel, window: MainWindow) -> None:
    index = window.ctx.services["index"]
    assert panel.table.rows.total == len(index)
    assert f"{len(index)} nodes" in panel.count.text()
    panel.field.setText("conv")
    shown = panel.table.shown_rows
    assert 0 < len(shown) < len(index)
    assert "of" in panel.count.text()
    panel.field.setText("")
    panel.table.sort_by("parameters", down=True)
    values = [int(index.parameters[row]) for row in panel.table.shown_rows]
    assert values == sorted(values, reverse=True)


def test_selection_goes_both_ways(panel: NodesPanel, window: MainWindow) -> None:
    index, selection = window.ctx.services["index"], window.ctx.selection
    panel.table.select_rows([2, 4])
    assert set(selection.nodes) == {index.names[2], index.names[4]}
    said: list[object] = []
    selection.changed.connect(said.append)
    selection.set((index.names[5],), None)
    assert panel.table.selected_rows == [5]
    assert said == [None]


def test_enter_shows_it_in_the_graph(panel: NodesPanel, window: MainWindow) -> None:
    index = window.ctx.services["index"]
    revealed: list[str] = []
    window.ctx.selection.reveal.connect(revealed.append)
    panel.table.chosen.emit(3)
    assert window.ctx.selection.nodes == (index.names[3],)
    assert revealed == [index.names[3]]


def test_a_closed_model_leaves_nothing(panel: NodesPanel, window: MainWindow) -> None:
    window.act("file.close")
    assert panel.table.rows.total == 0
    assert panel.pages.currentIndex() == 0


def test_the_filter_action_goes_to_the_field(panel: NodesPanel, window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    window.act("nodes.filter")
    qtbot.waitUntil(lambda: window.focusWidget() is panel.field)


def test_the_filter_takes_queries_and_says_what_is_wrong_with_them(panel: NodesPanel, window: MainWindow, qtbot: QtBot) -> None:
    index = window.ctx.services["index"]
    panel.field.setText("op:Conv and k>1")
    qtbot.waitUntil(lambda: len(panel.table.shown_rows) == 3, timeout=PATIENCE)
    panel.field.setText("op:Conv and k>")
    assert "A value is missing" in panel.count.text()
    assert len(panel.table.shown_rows) == 3
    panel.field.setText("op:Relu or is:output")
    assert [index.names[row] for row in panel.table.shown_rows] == ["/stem/Relu", "/down/Relu", "logits"]
    panel.field.setText("")
    assert len(panel.table.shown_rows) == len(index)


def test_another_graph_is_filtered_too(panel: NodesPanel, open_model: Open, qtbot: QtBot, tmp_path: Path) -> None:
    panel.field.setText("gemm")
    open_model(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    qtbot.waitUntil(lambda: panel.table.rows.total == 6, timeout=PATIENCE)
    qtbot.waitUntil(lambda: len(panel.table.shown_rows) == 2, timeout=PATIENCE)
