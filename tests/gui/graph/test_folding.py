"""Folding in the canvas: marks and headings, keys, what stays in its place, what a folded box stands for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.layout import folding
from core.layout.boxes import UNFOLD
from core.layout.group import HEAD
from core.layout.nested import Shown, Unfolder, nest
from core.layout.tree import STACK, grow
from gui.graph.camera import View
from gui.graph.canvas import Canvas
from gui.graph.scene import Scene
from gui.graph.tips import tip
from tests.core.layout.test_tree import deep, layers

Make = Callable[..., Canvas]
NONE, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def unfolder() -> Unfolder:
    columns = deep(layers(24))
    return Unfolder(nest(columns, grow(columns)))


@pytest.fixture
def shown(unfolder: Unfolder) -> Shown:
    return unfolder.show(folding.first(unfolder.nest))


@pytest.fixture
def canvas(make_canvas: Make, shown: Shown) -> Canvas:
    made = make_canvas((shown.index, shown.placed))
    made.show_graph(shown.index, shown.placed, shown)
    made.motion.still = True
    return made


def stack_of(shown: Shown) -> tuple[int, int]:
    """The stack of layers, and the row of its box."""
    (group,) = np.flatnonzero(shown.nest.tree.kind == STACK).tolist()
    return group, int(np.flatnonzero(shown.group == group)[0])


def on_screen(canvas: Canvas, x: float, y: float) -> QPoint:
    found = canvas.view.to_screen(x, y, canvas.width(), canvas.height())
    return QPoint(round(found[0]), round(found[1]))


def test_the_mark_of_a_folded_box_asks_to_unfold_and_the_box_itself_selects(canvas: Canvas, shown: Shown, qtbot: QtBot) -> None:
    group, row = stack_of(shown)
    assert canvas.scene is not None
    x, y, w, h = canvas.scene.rects[row].tolist()
    canvas.look_at(View(x, y, 1.0))
    with qtbot.waitSignal(canvas.folding) as caught:
        QTest.mouseClick(canvas, LEFT, NONE, on_screen(canvas, x + w - UNFOLD / 2, y + h / 2))
    assert caught.args == [group]
    with qtbot.assertNotEmitted(canvas.folding):
        QTest.mouseClick(canvas, LEFT, NONE, on_screen(canvas, x + 30, y + h / 2))
    assert canvas.selected_rows == [row]
    assert canvas.folded_selected
    # it stands for every node inside
    assert len(canvas.selected_names) == 24 * 11
    for press in (lambda: QTest.keyClick(canvas, Qt.Key.Key_Return), canvas.unfold_selected):
        with qtbot.waitSignal(canvas.folding) as caught:
            press()
        assert caught.args == [group]
    with qtbot.waitSignal(canvas.folding):
        QTest.mouseDClick(canvas, LEFT, NONE, on_screen(canvas, x + 30, y + h / 2))


def test_unfolding_keeps_the_place_and_folding_goes_back(canvas: Canvas, shown: Shown, unfolder: Unfolder, qtbot: QtBot) -> None:
    group, row = stack_of(shown)
    tree = shown.nest.tree
    path = tree.paths[group]
    assert canvas.scene is not None
    x, y, w, _ = canvas.scene.rects[row].tolist()
    canvas.look_at(View(x + 17.0, y + 40.0, 1.25))
    before = on_screen(canvas, x + w / 2, y)
    wide = unfolder.show({*shown.unfolded, group})
    canvas.show_graph(wide.index, wide.placed, wide, path)
    assert canvas.scene.frame_at(0, 0) is None
    top = canvas.scene.anchor(path)
    assert top is not None
    assert (on_screen(canvas, *top) - before).manhattanLength() <= 1
    # the heading folds it again
    frame = int(np.flatnonzero(wide.frames.group == group)[0])
    fx, fy, fw, _ = canvas.scene.frames[frame].tolist()
    with qtbot.waitSignal(canvas.folding) as caught:
        QTest.mouseClick(canvas, LEFT, NONE, on_screen(canvas, fx + fw / 2, fy + HEAD / 2))
    assert caught.args == [group]
    canvas.select([int(wide.row[shown.nest.index.names.index("/model/layers.5/Add")])])
    with qtbot.waitSignal(canvas.folding) as caught:
        QTest.keyClick(canvas, Qt.Key.Key_Backspace)
    assert caught.args == [group]
    canvas.show_graph(shown.index, shown.placed, shown, path)
    again = canvas.scene.anchor(path)
    assert again is not None
    assert (on_screen(canvas, *again) - before).manhattanLength() <= 1
    # what was selected inside is now the box around it
    assert canvas.selected_rows == [row]


def test_names_lead_to_the_box_that_shows_them(shown: Shown) -> None:
    scene = Scene(shown.index, shown.placed, shown)
    _, row = stack_of(shown)
    assert scene.row_of("/model/layers.7/attn/S") == row
    assert scene.row_of("/model/stem/Relu") == scene.rows["/model/stem/Relu"]
    assert scene.row_of("nobody") is None
    assert scene.names_of([scene.rows["/model/stem/Relu"]]) == ("/model/stem/Relu",)
    assert set(scene.names_of([row])) == {name for name in shown.nest.index.names if "layers." in name}


def test_a_folded_box_wears_the_family_that_computes_most_and_says_that_it_is_folded(shown: Shown) -> None:
    from gui.graph.families import FAMILIES

    scene = Scene(shown.index, shown.placed, shown)
    _, row = stack_of(shown)
    assert FAMILIES[scene.family[row]] == "matmul"
    assert "Folded" in tip(scene, row, None, None)
    assert "264 nodes" in scene.details[row]


@pytest.mark.parametrize("scale", [0.05, 0.2, 0.5, 1.0])
def test_frames_are_drawn_at_every_zoom(canvas: Canvas, shown: Shown, unfolder: Unfolder, scale: float, qtbot: QtBot) -> None:
    every = unfolder.show(folding.every(shown.nest.tree))
    canvas.show_graph(every.index, every.placed, every)
    frame = every.frames
    canvas.look_at(View(float(frame.x[0] + 40), float(frame.y[0] + 30), scale))
    canvas.repaint()
    qtbot.waitUntil(lambda: not canvas.frames.waiting, timeout=20_000)
    picture = canvas.grab().toImage()
    inside = on_screen(canvas, float(frame.x[0]) + 12.0 / scale, float(frame.y[0]) + 60.0 / scale)
    outside = on_screen(canvas, float(frame.x[0]) - 12.0 / scale, float(frame.y[0]) + 60.0 / scale)
    assert picture.pixelColor(inside) != picture.pixelColor(outside)


def test_arrows_walk_in_and_out_of_frames(canvas: Canvas, shown: Shown, unfolder: Unfolder) -> None:
    group, _ = stack_of(shown)
    wide = unfolder.show({*shown.unfolded, group})
    canvas.show_graph(wide.index, wide.placed, wide)
    stem = wide.index.names.index("/model/stem/Relu")
    canvas.select([stem])
    QTest.keyClick(canvas, Qt.Key.Key_Down)
    assert wide.index.names[canvas.selected_rows[0]] == "model/layers.0/"
