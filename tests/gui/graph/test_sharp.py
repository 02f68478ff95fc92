"""On screens with two pixels to each: as thick, and with every pixel in use."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from gui.graph import marks
from gui.graph.camera import View
from gui.graph.edge_labels import EdgeLabels
from gui.graph.frames import Frames, Order, render
from gui.graph.painter import Look
from gui.graph.scene import Scene
from gui.theme import Theme

WIDTH, HEIGHT = 400, 300


@pytest.fixture
def look(qapp: object) -> Look:
    return Look.of(Theme("light"))


def order(scene: Scene, view: View, ratio: float, look: Look) -> Order:
    return Order(scene, view, WIDTH, HEIGHT, ratio, look, None, EdgeLabels().of(scene, view.scale))


def middle(scene: Scene, scale: float = 1.0) -> View:
    row = scene.find("relu")[0]
    return View(float(scene.placed.x[row]), float(scene.placed.y[row]), scale)


def grey(image: QImage) -> np.ndarray:
    kept = image.convertToFormat(QImage.Format.Format_Grayscale8)
    data = np.frombuffer(kept.constBits(), np.uint8).reshape(kept.height(), kept.bytesPerLine())[:, : kept.width()]
    return data.astype(np.float64)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
def test_lines_are_as_thick_as_on_other_screens(scene: Scene, look: Look, scale: float) -> None:
    """The ink of a row across a link, in device-independent pixels."""
    ink = []
    upright = np.flatnonzero(~scene.slanted)
    link = scene.links[upright[np.argmax(scene.link_length[upright])]]
    for ratio in (1.0, 1.5, 2.0, 3.0):
        frame = render(order(scene, View(float(link[0]), float(link[1] + link[3]) / 2, scale), ratio, look), look.texts())
        line = grey(frame.image)[frame.image.height() // 2]
        near = round(6 * ratio)
        centre = frame.image.width() // 2
        ink.append(float((line.max() - line[centre - near : centre + near]).sum()) / ratio)
    assert max(ink) < min(ink) * 1.15, ink


def test_every_pixel_is_in_use(scene: Scene, look: Look) -> None:
    """Text at two pixels each is no enlarged text: halving it and doubling again loses something."""
    frame = render(order(scene, middle(scene), 2.0, look), look.texts())
    assert (frame.image.width(), frame.image.height()) == (2 * WIDTH, 2 * HEIGHT)
    assert (frame.width, frame.height) == (WIDTH, HEIGHT)
    sharp = grey(frame.image)
    halved = sharp.reshape(HEIGHT, 2, WIDTH, 2).mean(axis=(1, 3)).repeat(2, 0).repeat(2, 1)
    assert np.abs(sharp - halved).max() > 60


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_a_picture_that_is_only_moved_stays_sharp(scene: Scene, look: Look, ratio: float) -> None:
    """A cached frame is put on whole device pixels: every pixel of it arrives unchanged."""
    frames = Frames()
    view = middle(scene)
    frames.frame = render(order(scene, view, ratio, look), look.texts())
    image = QImage(round(WIDTH * ratio), round(HEIGHT * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    assert frames.show(painter, order(scene, view.moved(20.3, 10.4), ratio, look))
    painter.end()
    dx, dy = round(20.3 * ratio), round(10.4 * ratio)
    was, now = grey(frames.frame.image), grey(image)
    assert np.array_equal(now[dy + 1 : -1, dx + 1 : -1], was[1 : -dy - 1, 1 : -dx - 1])


def test_marks_are_as_thick_too(scene: Scene, look: Look) -> None:
    ink = []
    view = middle(scene)
    row = scene.find("relu")[0]
    for ratio in (1.0, 2.0):
        image = QImage(round(WIDTH * ratio), round(HEIGHT * ratio), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(look.window)
        painter = QPainter(image)
        marks.draw(painter, scene, view, WIDTH, HEIGHT, look, marks.Marks(selected=[row]))
        painter.end()
        line = grey(image)[round((HEIGHT / 2 + 3) * ratio)]
        ink.append(float((line.max() - line).sum()) / ratio)
    assert ink[1] == pytest.approx(ink[0], rel=0.15)
