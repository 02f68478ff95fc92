"""Frames: at once when quick, else from the thread; the last one stands in meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from gui.graph import frames as frames_
from gui.graph.camera import View
from gui.graph.frames import Frames, Order
from gui.graph.painter import Look
from gui.graph.scene import Scene
from gui.theme import Theme


@pytest.fixture
def frames(qapp: object) -> Iterator[Frames]:
    made = Frames()
    yield made
    made.close()


@pytest.fixture
def order(scene: Scene, qapp: object) -> Order:
    return Order(scene, View(scene.width / 2, 200.0, 1.0), 400.0, 300.0, 1.0, Look.of(Theme("dark")), None)


def moved(order: Order, dx: float, scale: float = 1.0) -> Order:
    view = order.view.moved(dx, 0.0)
    return Order(order.scene, View(view.x, view.y, scale), order.width, order.height, order.ratio, order.look, None)


def shown(frames: Frames, order: Order) -> QImage:
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    assert frames.show(painter, order)
    painter.end()
    return image


def test_a_quick_frame_is_there_at_once(frames: Frames, order: Order) -> None:
    frames.want(order)
    assert frames.frame is not None
    assert frames.frame.order == order
    assert not frames.waiting
    assert frames.log == [(False, frames.frame.milliseconds)]


def test_a_slow_frame_comes_from_the_thread_and_reaches_further(
    frames: Frames, order: Order, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames_, "QUICK", 0.0)
    with qtbot.waitSignal(frames.ready, timeout=20_000):
        frames.want(order)
        assert frames.frame is None
        assert frames.waiting
    assert frames.frame is not None
    assert not frames.waiting
    assert frames.log[0][0] is True
    assert frames.frame.width > order.width
    # Within its reach no other is asked for, and it shows what a frame of its own would.
    nearby = moved(order, 60.0)
    frames.want(nearby)
    assert not frames.waiting
    there = shown(frames, nearby)
    monkeypatch.setattr(frames_, "QUICK", 1e9)
    frames.drop()
    frames.want(nearby)
    own = shown(frames, nearby)
    different = sum(there.pixel(x, y) != own.pixel(x, y) for x in range(0, 400, 7) for y in range(0, 300, 7))
    assert different <= 12  # edges of letters may fall differently


def test_meanwhile_the_last_frame_is_moved_and_scaled(frames: Frames, order: Order, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    frames.want(order)
    before = shown(frames, order)
    monkeypatch.setattr(frames_, "QUICK", 0.0)
    away = moved(order, 40.0)
    frames.want(away)
    assert frames.waiting
    after = shown(frames, away)
    same = sum(after.pixel(x + 40, y) == before.pixel(x, y) for x in range(0, 350, 5) for y in range(0, 300, 5))
    assert same == 70 * 60
    assert not shown(frames, moved(order, 0.0, 1.3)).isNull()
    qtbot.waitUntil(lambda: not frames.waiting, timeout=20_000)


def test_only_the_newest_order_is_painted(frames: Frames, order: Order, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_, "QUICK", -1.0)
    for step in range(1, 40):
        frames.want(moved(order, 0.0, 1.0 + 0.01 * step))
    qtbot.waitUntil(lambda: not frames.waiting, timeout=20_000)
    assert frames.frame is not None
    assert frames.frame.order == moved(order, 0.0, 1.0 + 0.01 * 39)
    assert len(frames.log) < 20


def test_another_scene_is_never_shown_in_place_of_its_own(frames: Frames, order: Order, scene: Scene) -> None:
    frames.want(order)
    other = Order(Scene(scene.index, scene.placed), order.view, 400.0, 300.0, 1.0, order.look, None)
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    assert not frames.show(painter, other)
    painter.end()


def test_closing_while_a_frame_is_painted_waits_for_the_thread(order: Order, qapp: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_, "QUICK", 0.0)
    frames = Frames()
    frames.want(order)
    frames.close()
    assert frames.frame is None
    assert not frames.waiting


def test_high_density_screens_get_their_pixels(frames: Frames, order: Order) -> None:
    frames.want(Order(order.scene, order.view, 400.0, 300.0, 2.0, order.look, None))
    assert frames.frame is not None
    assert (frames.frame.image.width(), frames.frame.image.height()) == (800, 600)
    assert frames.frame.image.devicePixelRatio() == 2.0
