"""Finding in a real window: queries, the list, traces and patterns; questions that are answered by a thread or by the model's process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from core.errors import UsageError
from gui.graph import searching
from gui.graph.examples import Examples
from gui.graph.find import rows_shown
from gui.graph.finder import Finder
from gui.graph.searching import Found, Searching
from gui.panels.graph import GraphPanel
from gui.window import MainWindow
from tests import models

Open = Callable[[Path], None]
PATIENCE = 60_000
OUTPUT = Path(__file__).parents[2] / "output"


@pytest.fixture
def finder(window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> Finder:
    open_model(models.save(models.residual_cnn(), tmp_path / "residual.onnx"))
    panel = window.show_panel("graph")
    assert isinstance(panel, GraphPanel)
    qtbot.waitUntil(lambda: panel.layouts.state == "ready", timeout=PATIENCE)
    panel.canvas.motion.still = True
    return panel.finder


def shoot(window: MainWindow, name: str) -> None:
    OUTPUT.mkdir(exist_ok=True)
    assert window.grab().save(str(OUTPUT / f"{name}.png"))


# ---- queries ----
def test_a_filter_that_needs_attributes_is_answered_once_they_were_read(finder: Finder, window: MainWindow, qtbot: QtBot) -> None:
    window.act("graph.find")
    finder.bar.field.setText("op:Conv and k>1 and not group>1")
    qtbot.waitUntil(lambda: finder.names == ("/stem/Conv", "/down/Conv"), timeout=PATIENCE)
    assert finder.bar.list.isVisible()
    assert finder.bar.count.text() == "1 of 2"
    assert finder.canvas.found == finder.searching.rows_of(finder.names)
    assert window.ctx.selection.nodes == ()  # typing does not select
    shoot(window, "find-results")
    finder.bar.field.setText("stem.weight")  # a weight, known from then on
    qtbot.waitUntil(lambda: finder.names == ("/stem/Conv",))


def test_what_is_half_typed_keeps_what_was_found(finder: Finder, window: MainWindow, qtbot: QtBot) -> None:
    window.act("graph.find")
    finder.bar.field.setText("op:Relu")
    qtbot.waitUntil(lambda: len(finder.names) == 2)
    finder.bar.field.setText("op:Relu and")
    qtbot.waitUntil(lambda: "after 'and'" in finder.bar.message.text())
    assert len(finder.names) == 2
    finder.bar.field.setText("op:Relu and nonsense")
    qtbot.waitUntil(lambda: finder.names == () and finder.rows is not None)
    assert finder.bar.message.text() == "Nothing fits."
    assert not finder.bar.list.isVisible()
    assert not finder.bar.all_button.isEnabled()
    finder.bar.field.setText("")
    qtbot.waitUntil(lambda: finder.rows is None)
    assert finder.canvas.found is None
    assert not finder.bar.message.isVisible()


def test_keys_and_clicks_go_along_the_list(finder: Finder, window: MainWindow, qtbot: QtBot) -> None:
    window.act("graph.find")
    finder.bar.field.setText("op:Conv")
    qtbot.waitUntil(lambda: len(finder.names) == 4)
    QTest.keyClick(finder.bar.field, Qt.Key.Key_Down)
    assert window.ctx.selection.nodes == (finder.names[1],)
    QTest.keyClick(finder.bar.field, Qt.Key.Key_Up)
    QTest.keyClick(finder.bar.field, Qt.Key.Key_Up)
    assert window.ctx.selection.nodes == (finder.names[3],)  # round and round
    QTest.keyClick(finder.bar.field, Qt.Key.Key_PageUp)
    assert finder.at == 0
    place = finder.bar.list.visualRect(finder.bar.results.index(2, 0)).center()
    QTest.mouseClick(finder.bar.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert window.ctx.selection.nodes == (finder.names[2],)
    assert finder.bar.count.text() == "3 of 4"
    window.act("graph.find_next")
    assert finder.at == 3
    window.act("graph.find_previous")
    assert finder.at == 2
    QTest.keyClick(finder.bar.field, Qt.Key.Key_Return, Qt.KeyboardModifier.AltModifier)
    assert window.ctx.selection.nodes == finder.names
    assert window.ctx.settings.searches == ("op:Conv",)
    window.act("graph.trace_clear")
    assert not finder.bar.isVisible()
    with pytest.raises(UsageError, match="Look for something first"):
        window.act("graph.find_next")


def test_the_one_that_is_shown_is_not_under_the_bar(finder: Finder, window: MainWindow, qtbot: QtBot) -> None:
    window.resize(960, 600)
    window.act("graph.find")
    finder.bar.field.setText("is:input or op:*")
    qtbot.waitUntil(lambda: finder.rows is not None and len(finder.rows) > 10)
    canvas = finder.canvas
    assert canvas.scene is not None
    for place in range(len(finder.rows if finder.rows is not None else ())):
        finder.go(place)
        x, y, w, h = canvas.scene.rects[finder.searching.rows_of([finder.names[place]])[0]].tolist()
        at_x, at_y = canvas.view.to_screen(x + w / 2, y + h / 2, canvas.width(), canvas.height())
        assert not finder.bar.geometry().contains(round(at_x), round(at_y)), place


def test_a_regular_expression_and_the_selection_as_the_place(finder: Finder, window: MainWindow, qtbot: QtBot) -> None:
    window.act("graph.find")
    assert not finder.bar.scope.isEnabled()
    window.ctx.selection.set(("/stem/Conv", "/stem/Relu", "/down/Relu"), None)
    assert finder.bar.scope.isEnabled()
    finder.bar.field.setText("op:Relu")
    qtbot.waitUntil(lambda: len(finder.names) == 2)
    finder.bar.scope.click()
    qtbot.waitUntil(lambda: finder.bar.scope.text() == "In 3 nodes")
    finder.bar.field.setText("conv")
    qtbot.waitUntil(lambda: finder.names == ("/stem/Conv",))
    finder.bar.field.setText("gemm")
    qtbot.waitUntil(lambda: finder.bar.message.text() == "Nothing in the selection fits.")
    finder.bar.scope.click()
    qtbot.waitUntil(lambda: finder.names == ("/fc/Gemm",))
    finder.bar.field.setText("^/(stem|down)/.*[vu]$")
    qtbot.waitUntil(lambda: finder.names == ())
    finder.bar.regex.click()
    qtbot.waitUntil(lambda: finder.names == ("/stem/Conv", "/stem/Relu", "/down/Conv", "/down/Relu"), timeout=PATIENCE)
    finder.bar.field.setText("^/(stem")
    qtbot.waitUntil(lambda: "not complete" in finder.bar.message.text())


def test_help_and_what_was_looked_for_before(finder: Finder, window: MainWindow, qtbot: QtBot) -> None:
    window.ctx.settings.update(searches=("op:Gemm", "a & b"))
    window.act("graph.find")
    finder.bar.history.click()
    menu = finder.bar.findChild(QMenu)
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions()] == ["op:Gemm", "a && b"]
    menu.actions()[0].trigger()
    menu.close()
    qtbot.waitUntil(lambda: finder.names == ("/fc/Gemm",))
    finder.bar.help.click()
    shown = finder.bar.findChild(Examples)
    assert isinstance(shown, Examples)
    assert shown.isVisible()
    shown.taken.emit("op:Clip")
    shown.close()
    qtbot.waitUntil(lambda: finder.names == ("/block/Clip",))


def test_another_graph_is_searched_for_the_same(finder: Finder, window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> None:
    window.act("graph.find")
    finder.bar.field.setText("op:Gemm transB=1")
    qtbot.waitUntil(lambda: finder.names == ("/fc/Gemm",), timeout=PATIENCE)
    open_model(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    qtbot.waitUntil(lambda: finder.names == ("/fc1/Gemm", "/fc2/Gemm"), timeout=PATIENCE)
    assert finder.bar.isVisible()
    window.act("file.close")
    assert finder.rows is None
    assert finder.bar.isHidden()


# ---- traces ----
def test_traces_list_and_highlight(finder: Finder, window: MainWindow, qtbot: QtBot) -> None:
    with pytest.raises(UsageError, match="Select a node first"):
        window.act("graph.trace_up")
    window.ctx.selection.set(("/block/Clip",), None)
    window.act("graph.trace_up")
    assert finder.names == ("image", "/stem/Conv", "/stem/BatchNormalization", "/stem/Relu", "/block/dw/Conv")
    assert finder.bar.message.text() == "5 nodes upstream of /block/Clip"
    assert finder.canvas.found == finder.searching.rows_of(finder.names)
    assert window.ctx.selection.nodes == ("/block/Clip",)
    shoot(window, "find-trace")
    window.act("graph.trace_down")
    assert finder.names[-1] == "logits"
    assert "image" not in finder.names
    window.act("graph.trace_both")
    assert {"image", "logits"} <= set(finder.names)
    assert "/block/Clip" not in finder.names
    window.act("graph.find_next")
    assert window.ctx.selection.nodes == ("image",)
    window.act("graph.consumers")
    assert window.ctx.selection.nodes == ("/stem/Conv",)
    window.ctx.selection.set(("/block/Add",), None)
    window.act("graph.producers")
    assert set(window.ctx.selection.nodes) == {"/stem/Relu", "/block/pw/Conv"}


def test_ways_between_two(finder: Finder, window: MainWindow) -> None:
    window.ctx.selection.set(("/block/Add",), None)
    with pytest.raises(UsageError, match="Select two nodes"):
        window.act("graph.between")
    window.ctx.selection.set(("/block/Add", "/stem/Relu"), None)
    window.act("graph.between")
    assert finder.names == ("/stem/Relu", "/block/dw/Conv", "/block/Clip", "/block/pw/Conv", "/block/Add")
    assert finder.bar.message.text() == "5 nodes on ways from /stem/Relu to /block/Add; the shortest has 1 link"
    window.act("graph.shortest")
    assert finder.names == ("/stem/Relu", "/block/Add")


# ---- patterns ----
def test_more_like_the_selection_and_a_pattern_as_a_query(finder: Finder, window: MainWindow, qtbot: QtBot) -> None:
    window.ctx.selection.set(("/down/Conv", "/down/Relu"), None)
    window.act("graph.alike")
    qtbot.waitUntil(lambda: finder.bar.message.text() == "1 match of the pattern", timeout=PATIENCE)
    assert finder.names == ("/down/Conv", "/down/Relu")
    finder.bar.field.setText("pattern: Relu|Clip(Conv|BatchNormalization(_))")
    qtbot.waitUntil(lambda: finder.bar.message.text() == "3 matches of the pattern", timeout=PATIENCE)
    assert len(finder.names) == 6
    finder.bar.field.setText("pattern: Relu(")
    qtbot.waitUntil(lambda: "missing" in finder.bar.message.text())
    window.ctx.selection.set(("/down/Conv", "/stem/Relu"), None)
    window.act("graph.alike")
    qtbot.waitUntil(lambda: "share no tensor" in finder.bar.message.text(), timeout=PATIENCE)


# ---- questions ----
def test_in_a_thread_the_newest_question_counts(finder: Finder, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "QUICK", 0)
    asked = Searching.of(window.ctx)
    said: list[Found] = []
    asked.with_facts(lambda: None, said.append)
    qtbot.waitUntil(lambda: asked.catalogue is not None and asked.catalogue.facts is not None, timeout=PATIENCE)
    assert not asked.quick
    for text in ("conv", "relu", "gemm"):
        asked.ask("test", text, said.append)
    qtbot.waitUntil(lambda: bool(said), timeout=PATIENCE)
    assert [found.text for found in said] == ["gemm"]
    asked.ask("test", "op:nothing", said.append)
    qtbot.waitUntil(lambda: len(said) == 2, timeout=PATIENCE)
    assert said[1].error is not None
    asked.ask("test", "conv", said.append)
    asked.forget("test")
    qtbot.wait(100)
    assert len(said) == 2
    asked.release()


def test_what_is_not_on_the_canvas_is_left_out(finder: Finder) -> None:
    scene = finder.canvas.scene
    assert scene is not None
    assert rows_shown(scene, ["/fc/Gemm", "elsewhere", "image"]) == [scene.rows["/fc/Gemm"], scene.rows["image"]]
