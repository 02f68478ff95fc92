"""Folding in a real window: a large graph opens folded, unfolds by actions, and is seen before it is open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panels.graph import GraphPanel
from gui.window import MainWindow
from tests import models

Open = Callable[[Path], None]
PATIENCE = 60_000
OUTPUT = Path(__file__).parents[2] / "output"


@pytest.fixture
def decoder(window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> GraphPanel:
    from tests.core.layout.test_tree import layers

    open_model(models.save(layers(60), tmp_path / "decoder.onnx"))
    panel = window.show_panel("graph")
    assert isinstance(panel, GraphPanel)
    qtbot.waitUntil(lambda: panel.layouts.state == "ready", timeout=PATIENCE)
    panel.canvas.motion.still = True
    return panel


def test_a_large_graph_opens_folded_and_unfolds_by_actions(decoder: GraphPanel, window: MainWindow, qtbot: QtBot) -> None:
    canvas, layouts = decoder.canvas, decoder.layouts
    assert canvas.scene is not None
    first = len(canvas.scene)
    assert first < 30
    assert len(window.ctx.services["index"]) > 660
    window.act("graph.more")
    assert len(canvas.scene) > 60
    window.act("graph.unfold_all")
    qtbot.waitUntil(lambda: layouts.state == "ready" and len(canvas.scene) > 660, timeout=PATIENCE)
    window.act("graph.less")
    qtbot.waitUntil(lambda: layouts.state == "ready" and len(canvas.scene) < 660, timeout=PATIENCE)
    window.act("graph.fold_all")
    assert len(canvas.scene) <= 4
    window.act("graph.flat")
    qtbot.waitUntil(lambda: layouts.state == "ready" and len(canvas.scene) > 660, timeout=PATIENCE)
    assert "without scopes" in window.menus.actions["graph.more"].toolTip()
    window.act("graph.flat")
    qtbot.waitUntil(lambda: layouts.state == "ready" and len(canvas.scene) < 30, timeout=PATIENCE)


def test_a_hidden_node_is_unfolded_when_one_goes_there(decoder: GraphPanel, window: MainWindow) -> None:
    ctx, canvas = window.ctx, decoder.canvas
    name = "/model/layers.31/attn/S"
    ctx.selection.set((name,), None)
    assert canvas.scene is not None
    assert name not in canvas.scene.rows
    assert canvas.folded_selected
    ctx.selection.reveal.emit(name)
    canvas.motion.finish()
    row = canvas.scene.rows[name]
    assert canvas.selected_rows == [row]
    x, y = canvas.view.to_screen(float(canvas.scene.placed.x[row]), float(canvas.scene.placed.y[row]), canvas.width(), canvas.height())
    assert 0 < x < canvas.width()
    assert 0 < y < canvas.height()
    names = [part.text() for part in decoder.crumbs._parts if hasattr(part, "click")]
    assert names[0] == "All"
    assert "layers.31" in names
    OUTPUT.mkdir(exist_ok=True)
    assert window.grab().save(str(OUTPUT / "graph-unfolded.png"))
    decoder.crumbs.travel.emit(decoder.layouts.shown.nest.tree.paths.index("model/layers.31/"))  # type: ignore[union-attr]


def test_what_was_open_stays_open_in_the_next_variant(decoder: GraphPanel, window: MainWindow, qtbot: QtBot) -> None:
    layouts = decoder.layouts
    window.ctx.selection.reveal.emit("/model/layers.31/attn/S")
    assert layouts.shown is not None
    opened = {layouts.shown.nest.tree.paths[group] for group in layouts.shown.unfolded}
    assert "model/layers.31/attn/" in opened
    old = layouts.shown.nest
    passes = window.show_panel("passes")
    passes.choose("prune_magnitude")  # type: ignore[attr-defined]
    window.act("passes.apply")
    qtbot.waitUntil(lambda: layouts.state == "ready" and layouts.shown.nest is not old, timeout=PATIENCE)  # type: ignore[union-attr]
    assert {layouts.shown.nest.tree.paths[group] for group in layouts.shown.unfolded} == opened


def test_a_large_graph_is_seen_before_it_is_open(window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> None:
    from tests.core.layout.test_tree import layers

    panel = window.show_panel("graph")
    assert isinstance(panel, GraphPanel)
    seen: list[tuple[bool, int]] = []

    def note() -> None:
        shown = panel.layouts.shown
        if shown is not None:
            seen.append((window.ctx.session is not None, len(shown.index)))

    panel.layouts.changed.connect(note)
    open_model(models.save(layers(120), tmp_path / "decoder.onnx"))
    qtbot.waitUntil(lambda: panel.layouts.state == "ready", timeout=PATIENCE)
    assert seen[0] == (False, seen[-1][1])
    assert seen[-1][0]
    assert panel.canvas.scene is not None
    assert panel.canvas.scene.details[0] != "…"


def test_a_picture_of_a_model_that_does_not_open_goes_again(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    from core.job import Job
    from core.layout.folding import fold
    from tests.core.layout.test_tree import deep, layers

    panel = window.show_panel("graph")
    assert isinstance(panel, GraphPanel)
    window._early(fold(deep(layers(60)), None, Job()).slim())
    assert panel.canvas.scene is not None
    QTest.mouseClick(panel.canvas, Qt.MouseButton.LeftButton)  # looking is all that one can do
    window._early(None)
    assert panel.canvas.scene is None
    assert window.pages.currentWidget() is window.welcome
