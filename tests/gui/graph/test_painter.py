"""Pictures: the right colours at the right places, at every level of detail, in both themes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from core.layout import Placed
from core.model.index import GraphIndex
from gui.graph.camera import View
from gui.graph.families import FAMILIES
from gui.graph.heat import Heat
from gui.graph.painter import FAR, Look, contrast, draw_lines, draw_rects, paint, weigh
from gui.graph.scene import Scene
from gui.theme import Theme

Graph = tuple[GraphIndex, Placed]
WIDTH, HEIGHT = 700, 500


def picture(scene: Scene, view: View, look: Look, heat: Heat | None = None) -> QImage:
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint(painter, scene, view, WIDTH, HEIGHT, look, look.texts(), heat)
    painter.end()
    return image


def close(a: QColor, b: QColor) -> bool:
    return max(abs(a.red() - b.red()), abs(a.green() - b.green()), abs(a.blue() - b.blue())) <= 6


@pytest.fixture(params=["light", "dark"])
def look(request: pytest.FixtureRequest, qapp: object) -> Look:
    return Look.of(Theme(request.param))


def test_near_boxes_have_their_stripe_and_body(scene: Scene, look: Look) -> None:
    row = scene.find("conv")[0]
    view = View(float(scene.placed.x[row]), float(scene.placed.y[row]), 1.0)
    image = picture(scene, view, look)
    left = round(WIDTH / 2 - scene.placed.w[row] / 2)
    assert close(image.pixelColor(left + 2, HEIGHT // 2), look.families[FAMILIES.index("conv")])
    assert close(image.pixelColor(round(WIDTH / 2 + scene.placed.w[row] / 2) - 8, HEIGHT // 2), look.box)
    assert close(image.pixelColor(3, 3), look.window)


def test_the_op_is_written_on_its_box(scene: Scene, look: Look) -> None:
    row = scene.find("conv")[0]
    view = View(float(scene.placed.x[row]), float(scene.placed.y[row]), 1.0)
    image = picture(scene, view, look)
    left = round(WIDTH / 2 - scene.placed.w[row] / 2) + 15
    inked = [image.pixelColor(x, y) for x in range(left, left + 40) for y in range(HEIGHT // 2 - 18, HEIGHT // 2)]
    assert any(close(colour, look.text) for colour in inked)


def test_from_afar_boxes_are_specks_of_their_family(scene: Scene, look: Look) -> None:
    row = scene.find("conv")[0]
    image = picture(scene, View(float(scene.placed.x[row]), float(scene.placed.y[row]), FAR / 2), look)
    assert close(image.pixelColor(WIDTH // 2, HEIGHT // 2), look.families[FAMILIES.index("conv")])


def test_heat_colours_boxes_and_writes_badges(scene: Scene, look: Look) -> None:
    row = scene.find("conv")[0]
    values = np.full(len(scene), np.nan)
    values[row] = 0.25
    heat = Heat.of(values, "time", "ms")
    view = View(float(scene.placed.x[row]), float(scene.placed.y[row]), 1.0)
    badge = (round(WIDTH / 2 + scene.placed.w[row] / 2) - 12, HEIGHT // 2 - 6)
    assert close(picture(scene, view, look, heat).pixelColor(*badge), look.shades[0])
    assert close(picture(scene, view, look).pixelColor(*badge), look.box)
    far = View(view.x, view.y, FAR / 2)
    assert close(picture(scene, far, look, heat).pixelColor(WIDTH // 2, HEIGHT // 2), look.shades[0])


def test_text_can_be_read(look: Look) -> None:
    assert contrast(look.text, look.box) >= 4.5
    assert contrast(look.muted, look.box) >= 4.5
    assert contrast(look.muted, look.window) >= 4.5
    assert all(contrast(ink, shade) >= 4.5 for ink, shade in zip(look.shade_text, look.shades, strict=True))
    assert contrast(look.accent, look.window) >= 3.0


def test_tags_are_drawn(masked: Graph, look: Look) -> None:
    scene = Scene(*masked)
    tag = int(np.flatnonzero(~scene.placed.ports.out)[5])
    x, y = float(scene.placed.ports.x[tag]), float(scene.placed.ports.y[tag])
    image = picture(scene, View(x, y, 2.0), look)
    shown = {image.pixelColor(WIDTH // 2 + dx, HEIGHT // 2 + dy).rgb() for dx in range(-40, 40) for dy in range(-8, 8)}
    assert len(shown) > 3


@pytest.mark.parametrize("scale", [0.01, 0.1, 0.3, 0.5, 1.0, 4.0])
def test_every_level_of_detail_draws_something(masked: Graph, look: Look, scale: float) -> None:
    scene = Scene(*masked)
    image = picture(scene, View(scene.width / 2, scene.height / 2, scale), look)
    colours = {image.pixel(x, y) for x in range(0, WIDTH, 3) for y in range(0, HEIGHT, 3)}
    assert len(colours) > 1
    detail, things = weigh(scene, View(scene.width / 2, scene.height / 2, scale), WIDTH, HEIGHT)
    assert detail in ("far", "middle", "near")
    assert things > 0


@pytest.mark.parametrize("scale", [0.05, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("heated", [False, True])
def test_a_view_beside_the_boxes_is_empty_ground(scene: Scene, look: Look, scale: float, heated: bool) -> None:
    heat = Heat.of(np.arange(len(scene), dtype=float), "", "") if heated else None
    image = picture(scene, View(-9000.0 / scale, -9000.0 / scale, scale), look, heat)
    assert {image.pixel(x, y) for x in range(0, WIDTH, 50) for y in range(0, HEIGHT, 50)} == {look.window.rgb()}


def test_arrays_are_drawn_without_copies_of_ours(qapp: object) -> None:
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.fillRect(0, 0, 20, 20, QColor("white"))
    painter.setBrush(QColor("red"))
    painter.setPen(QColor("red"))
    draw_rects(painter, np.array([[2, 2, 4, 4], [12, 12, 4, 4]], np.float32))  # another dtype is made ready first
    draw_lines(painter, np.asfortranarray(np.array([[0.0, 9.5, 20.0, 9.5]])))
    draw_rects(painter, np.zeros((0, 4)))
    draw_lines(painter, np.zeros((0, 4)))
    painter.end()
    red = QColor("red").rgb()
    assert [image.pixel(*at) == red for at in ((4, 4), (14, 14), (8, 4), (10, 9))] == [True, True, False, True]
