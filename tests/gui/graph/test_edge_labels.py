"""Shapes on links: there from 90 % on, where the layout put them, and never in the way of the window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from core.layout import Placed
from core.model.index import GraphIndex
from gui.graph import edge_labels
from gui.graph.camera import View
from gui.graph.canvas import Canvas
from gui.graph.edge_labels import FROM, EdgeLabels
from gui.graph.painter import Look, paint
from gui.graph.scene import Scene
from gui.theme import Theme

Graph = tuple[GraphIndex, Placed]


def test_there_are_none_from_afar_nor_when_turned_off(scene: Scene, qapp: object) -> None:
    labels = EdgeLabels()
    assert labels.of(scene, FROM - 0.01) is None
    found = labels.of(scene, FROM)
    assert found is not None
    assert len(found)
    assert labels.of(scene, 3.0) is found, "found once for a scene, so they stand still"
    labels.on = False
    assert labels.of(scene, 1.0) is None
    labels.close()


def test_of_many_tensors_they_are_found_in_a_thread(scene: Scene, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_labels, "MANY", 1)
    labels = EdgeLabels()
    with qtbot.waitSignal(labels.ready, timeout=20_000):
        assert labels.of(scene, 1.0) is None
        assert labels.of(scene, 1.0) is None, "and not twice"
    assert labels.of(scene, 1.0) is not None
    labels.close()


def test_closing_while_they_are_looked_for_ends_the_thread(scene: Scene, qapp: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_labels, "MANY", 1)
    labels = EdgeLabels()
    labels.of(scene, 1.0)
    labels.close()
    assert labels.of(scene, 1.0) is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_they_are_written_on_a_bit_of_ground(scene: Scene, theme: str, qapp: object) -> None:
    look = Look.of(Theme(theme))  # type: ignore[arg-type]
    found = EdgeLabels().of(scene, 2.0)
    assert found is not None
    x, y, w, h = found.rects[0].tolist()
    image = QImage(300, 100, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint(painter, scene, View(x + w / 2, y + h / 2, 2.0), 300, 100, look, look.texts(), None, found)
    painter.end()
    across, down = range(round(150 - w + 2), round(150 + w - 2)), range(round(50 - h + 2), round(50 + h - 2))
    inside = [image.pixelColor(px, py) for px in across for py in down]
    assert inside.count(look.window) > len(inside) // 2
    assert any(abs(colour.lightnessF() - look.muted.lightnessF()) < 0.1 for colour in inside), "ink"


def test_the_canvas_shows_them_and_takes_them_off(make_canvas: Callable[..., Canvas], residual: Graph) -> None:
    canvas = make_canvas(residual)
    canvas.look_at(View(canvas.view.x, canvas.view.y, 1.0))
    with_labels = canvas.grab().toImage()
    canvas.edge_labels.on = False
    canvas.update()
    without = canvas.grab().toImage()
    assert with_labels != without
    canvas.edge_labels.on = True
    canvas.update()
    assert canvas.grab().toImage() == with_labels
