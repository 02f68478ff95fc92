"""The canvas by hand: every way to look, select and search, with real events."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from core.layout import Placed
from core.model.index import GraphIndex
from gui.graph.camera import View
from gui.graph.canvas import Canvas

Graph = tuple[GraphIndex, Placed]
Make = Callable[..., Canvas]
NONE, LEFT, MIDDLE = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton


@pytest.fixture
def canvas(make_canvas: Make, residual: Graph) -> Canvas:
    return make_canvas(residual)


def at(canvas: Canvas, row: int) -> QPoint:
    """Where a box is on the screen, after travelling there."""
    assert canvas.scene is not None
    x, y = float(canvas.scene.placed.x[row]), float(canvas.scene.placed.y[row])
    canvas.look_at(View(x, y, 1.0))
    found = canvas.view.to_screen(x, y, canvas.width(), canvas.height())
    return QPoint(round(found[0]), round(found[1]))


def drag(canvas: Canvas, start: QPoint, end: QPoint, button: Qt.MouseButton = LEFT, modifiers: Qt.KeyboardModifier = NONE) -> None:
    def send(kind: QEvent.Type, where: QPoint, which: Qt.MouseButton, held: Qt.MouseButton) -> None:
        event = QMouseEvent(kind, QPointF(where), QPointF(canvas.mapToGlobal(where)), which, held, modifiers)
        QApplication.sendEvent(canvas, event)

    send(QEvent.Type.MouseButtonPress, start, button, button)
    for share in (0.3, 0.7, 1.0):
        send(QEvent.Type.MouseMove, start + (end - start) * share, Qt.MouseButton.NoButton, button)
    send(QEvent.Type.MouseButtonRelease, end, button, Qt.MouseButton.NoButton)


def wheel(canvas: Canvas, where: QPoint, notches: float, modifiers: Qt.KeyboardModifier = NONE) -> None:
    event = QWheelEvent(
        QPointF(where), QPointF(canvas.mapToGlobal(where)), QPoint(), QPoint(0, round(120 * notches)), Qt.MouseButton.NoButton, modifiers,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


def seen(canvas: Canvas, qtbot: QtBot) -> QImage:
    """What is on the screen once the newest frame has come."""
    canvas.repaint()
    qtbot.waitUntil(lambda: not canvas.frames.waiting, timeout=20_000)
    return canvas.grab().toImage()


def test_a_click_selects_and_ctrl_adds_and_takes_away(canvas: Canvas, qtbot: QtBot) -> None:
    with qtbot.waitSignal(canvas.picked) as caught:
        QTest.mouseClick(canvas, LEFT, NONE, at(canvas, 3))
    assert caught.args == [[3]]
    QTest.mouseClick(canvas, LEFT, Qt.KeyboardModifier.ControlModifier, at(canvas, 4))
    assert canvas.selected_rows == [3, 4]
    QTest.mouseClick(canvas, LEFT, Qt.KeyboardModifier.ControlModifier, at(canvas, 3))
    assert canvas.selected_rows == [4]
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(5, 5))
    assert canvas.selected_rows == []


def test_dragging_moves_the_graph_and_selects_nothing(canvas: Canvas) -> None:
    for button in (LEFT, MIDDLE):
        before = canvas.view
        drag(canvas, QPoint(300, 300), QPoint(340, 280), button)
        assert (canvas.view.x, canvas.view.y) == pytest.approx((before.x - 40 / before.scale, before.y + 20 / before.scale))
    assert canvas.selected_rows == []


def test_shift_and_drag_selects_what_the_band_touches(canvas: Canvas) -> None:
    canvas.fit()
    scene = canvas.scene
    assert scene is not None
    drag(canvas, QPoint(1, 1), QPoint(canvas.width() - 2, canvas.height() - 2), LEFT, Qt.KeyboardModifier.ShiftModifier)
    assert sorted(canvas.selected_rows) == list(range(len(scene)))


def test_the_wheel_zooms_to_the_pointer(canvas: Canvas) -> None:
    canvas.full_size()
    where = QPoint(500, 200)
    before = canvas.graph_point(QPointF(where))
    scale = canvas.view.scale
    wheel(canvas, where, 1)
    assert canvas.view.scale == pytest.approx(scale * 1.25)
    assert canvas.graph_point(QPointF(where)) == pytest.approx(before)
    wheel(canvas, where, -60)
    assert canvas.view.scale == pytest.approx(canvas.least_scale)
    x = canvas.view.x
    canvas.full_size()
    wheel(canvas, where, 1, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.view.x != x
    assert canvas.view.scale == 1.0


def test_keys_fit_and_zoom_and_travel(canvas: Canvas) -> None:
    scene = canvas.scene
    assert scene is not None
    canvas.look_at(View(0.0, 0.0, 2.0))
    QTest.keyClick(canvas, Qt.Key.Key_F)
    x0, y0, x1, y1 = canvas.view.rect(canvas.width(), canvas.height())
    assert x0 <= 0.01
    assert y0 <= 0.01
    assert x1 >= scene.width - 0.01
    assert y1 >= scene.height - 0.01
    QTest.keyClick(canvas, Qt.Key.Key_1)
    assert canvas.view.scale == 1.0
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    assert canvas.view.scale == 1.25
    canvas.select([5])
    QTest.keyClick(canvas, Qt.Key.Key_Z)
    assert (canvas.view.x, canvas.view.y) == pytest.approx((scene.placed.x[5], scene.placed.y[5]))
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.selected_rows == []


def test_arrow_keys_walk_along_links(canvas: Canvas) -> None:
    scene = canvas.scene
    assert scene is not None
    canvas.select([0])
    walked = [0]
    for _ in range(len(scene)):
        QTest.keyClick(canvas, Qt.Key.Key_Down)
        if canvas.selected_rows[-1] == walked[-1]:
            break
        walked.append(canvas.selected_rows[-1])
    edges = set(zip(scene.index.src.tolist(), scene.index.dst.tolist(), strict=True))
    assert all(pair in edges for pair in itertools.pairwise(walked))
    assert scene.index.kind[walked[-1]] == 2
    QTest.keyClick(canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert len(canvas.selected_rows) == 2


def test_the_view_stays_with_the_node_when_the_graph_changes(canvas: Canvas, residual: Graph, masked: Graph) -> None:
    assert canvas.scene is not None
    canvas.select([6])
    canvas.look_at(View(float(residual[1].x[6]) + 30, float(residual[1].y[6]) - 12, 1.3))
    before = canvas.view
    canvas.show_graph(*residual)
    assert canvas.view == before
    assert canvas.selected_rows == [6]
    canvas.show_graph(*masked)
    assert canvas.selected_rows == []
    canvas.clear()
    assert canvas.scene is None
    canvas.repaint()


def test_a_deep_graph_opens_at_its_beginning_and_a_small_one_whole(make_canvas: Make, masked: Graph, residual: Graph) -> None:
    deep = make_canvas(masked)
    assert deep.view.scale > 0.5
    x0, y0, x1, y1 = deep.view.rect(deep.width(), deep.height())
    assert y0 <= float(masked[1].y.min()) <= y1
    assert x0 < float(masked[1].x[0]) < x1
    deep.fit()
    small = deep.view.scale
    deep.resize(900, 400)
    assert deep.view.scale < small


def test_a_tag_leads_to_the_other_end(make_canvas: Make, masked: Graph) -> None:
    canvas = make_canvas(masked)
    scene = canvas.scene
    assert scene is not None
    ports = scene.placed.ports
    tag = int(np.flatnonzero(~ports.out)[10])
    canvas.look_at(View(float(ports.x[tag]), float(ports.y[tag]), 1.0))
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(450, 300))
    assert canvas.selected_names == ("mask",)
    assert canvas.view.rect(900, 600)[1] <= float(scene.placed.y[scene.rows["mask"]])
    out = int(np.flatnonzero(ports.out)[0])
    canvas.look_at(View(float(ports.x[out]), float(ports.y[out]), 1.0))
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(450, 300))
    assert len(canvas.selected_rows) == 40


def test_hovering_tells_of_nodes_and_tensors(canvas: Canvas, qtbot: QtBot) -> None:
    scene = canvas.scene
    assert scene is not None
    row = scene.find("conv")[0]
    where = at(canvas, row)

    def shown(point: QPoint) -> str:
        canvas.hover(QPointF(point))
        QApplication.sendEvent(canvas, QHelpEvent(QEvent.Type.ToolTip, point, canvas.mapToGlobal(point)))
        return QToolTip.text()

    assert scene.index.names[row] in shown(where)
    edge = int(scene.edges_out(row)[0])
    (x0, y0), (x1, y1) = scene.placed.route(edge)[:2].tolist()
    x, y = canvas.view.to_screen((x0 + x1) / 2, (y0 + y1) / 2, canvas.width(), canvas.height())
    assert scene.index.tensors[int(scene.index.tensor[edge])] in shown(QPoint(round(x), round(y)))
    canvas.hover(None)
    QToolTip.hideText()
    qtbot.waitUntil(lambda: not QToolTip.isVisible())


def test_an_overlay_needs_a_value_for_every_node(canvas: Canvas, qtbot: QtBot) -> None:
    scene = canvas.scene
    assert scene is not None
    with pytest.raises(ValueError, match="3 values"):
        canvas.set_overlay(np.zeros(3), "time", "ms")
    before = seen(canvas, qtbot)
    canvas.set_overlay(np.linspace(0.1, 0.3, len(scene)), "time", "ms")
    worn = seen(canvas, qtbot)
    assert worn != before
    canvas.set_overlay(None)
    assert seen(canvas, qtbot) == before


def test_a_search_veils_what_it_did_not_find(canvas: Canvas, qtbot: QtBot) -> None:
    before = seen(canvas, qtbot)
    canvas.highlight([0], 0)
    assert canvas.found == [0]
    assert seen(canvas, qtbot) != before
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.found is None
    assert seen(canvas, qtbot) == before


def test_the_map_travels(make_canvas: Make, masked: Graph) -> None:
    canvas = make_canvas(masked)
    assert canvas.minimap.isVisible()
    before = canvas.view
    middle = QPoint(canvas.minimap.width() // 2, canvas.minimap.height() // 2)
    QTest.mouseClick(canvas.minimap, LEFT, NONE, middle)
    assert canvas.view.y == pytest.approx(masked[1].height / 2, rel=0.05)
    assert canvas.view.scale == before.scale
    canvas.minimap.repaint()
    canvas.fit()
    assert not canvas.minimap.isVisible()


def test_themes_switch_live(canvas: Canvas, qtbot: QtBot) -> None:
    dark = seen(canvas, qtbot).pixelColor(2, 2)
    canvas.theme.choose("light")
    canvas.restyle()
    assert seen(canvas, qtbot).pixelColor(2, 2).lightness() > dark.lightness() + 100


def test_it_says_what_it_shows(canvas: Canvas) -> None:
    assert canvas.accessibleName()
    assert "boxes" in canvas.accessibleDescription()
    canvas.select([2])
    assert canvas.selected_names[0] in canvas.accessibleDescription()


def test_a_flight_arrives_and_a_drag_glides_on(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.full_size()
    canvas.motion.still = False
    to = View(canvas.view.x + 50, canvas.view.y + 80, 0.7)
    canvas.fly(to)
    qtbot.waitUntil(lambda: not canvas.motion.moving)
    assert canvas.view == to
    canvas.motion.glide(900.0, 0.0)
    qtbot.waitUntil(lambda: not canvas.motion.moving)
    assert canvas.view.x < to.x
    canvas.motion.glide(10.0, 0.0)
    assert not canvas.motion.moving


def test_a_graph_without_nodes_is_no_trouble(make_canvas: Make) -> None:
    from tests import models
    from tests.gui.graph.conftest import laid_out

    canvas = make_canvas(laid_out(models.empty_graph()))
    canvas.fit()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Z, Qt.Key.Key_1):
        QTest.keyClick(canvas, key)
    wheel(canvas, QPoint(100, 100), 1)
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(300, 200))
    canvas.repaint()
