"""From close by: more lines that fit into the same box, and the weight's picture asked for only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from core.layout import Placed
from core.model import Model
from core.model.index import GraphIndex
from core.model.thumbs import Thumb
from gui.graph import closer
from gui.graph.camera import View
from gui.graph.canvas import Canvas
from gui.graph.painter import Look
from gui.graph.scene import Scene
from gui.graph.thumbs import BATCH, Thumbs
from gui.theme import Theme

Graph = tuple[GraphIndex, Placed]
MODEL = Model.__new__(Model)


class Asked:
    """Answers like a document, when the test says so."""

    def __init__(self) -> None:
        self.questions: list[tuple[tuple[str, ...], Callable[..., object], Callable[..., object]]] = []
        self.forgotten = 0

    def ask(self, task: Any, model: Any, names: tuple[str, ...], *, on_done: Any, on_error: Any, key: str) -> None:
        self.questions.append((names, on_done, on_error))

    def forget(self, key: str) -> None:
        self.forgotten += 1


def thumb(node: str) -> Thumb:
    return Thumb(node, "w", 2, 2, np.array([-127, 0, 127, -128], np.int8).tobytes(), 0.5)


@pytest.fixture
def canvas(make_canvas: Callable[..., Canvas], residual: Graph, tmp_path: Any) -> Canvas:
    canvas = make_canvas(residual)
    canvas.thumbs = Thumbs(Asked(), canvas)  # type: ignore[arg-type]
    canvas.thumbs.arrived.connect(canvas.update)
    canvas.thumbs.of(Model(tmp_path / "m.onnx", "f", 1))
    return canvas


def look_at_conv(canvas: Canvas, scale: float) -> int:
    assert canvas.scene is not None
    row = canvas.scene.find("conv")[0]
    canvas.look_at(View(float(canvas.scene.placed.x[row]), float(canvas.scene.placed.y[row]), scale))
    canvas.grab()
    return row


def test_the_lines_say_attributes_shape_and_name_once_each(scene: Scene) -> None:
    index = scene.index
    row = scene.find("conv")[0]
    lines = closer.said(scene, row)
    assert lines[0] == index.details[row]
    assert lines[1].startswith("→ ")
    assert lines[-1] == index.names[row]
    relu = scene.find("relu")[0]
    assert closer.said(scene, relu) == [index.details[relu], index.names[relu]], "its detail is its shape"
    assert closer.said(scene, 0) == [index.details[0]], "the title of an input is its name"


def test_text_and_picture_fit_into_every_box(scene: Scene, qapp: object) -> None:
    texts = Look.of(Theme("light")).texts()
    for row in range(len(scene)):
        box = QRectF(*scene.rects[row].tolist())
        lines = closer.said(scene, row)[: int((box.height() - texts.height("close")) / texts.height("line"))]
        assert lines or not closer.said(scene, row)
        assert texts.height("close") + len(lines) * texts.height("line") <= box.height()
        slot = closer.slot(scene, row, box)
        assert (slot is not None) == (scene.index.kind[row] == 0 and scene.index.parameters[row] >= 8)
        assert slot is None or box.contains(slot)


def test_nothing_is_asked_from_further_away(canvas: Canvas, qtbot: QtBot) -> None:
    look_at_conv(canvas, closer.FROM - 0.05)
    qtbot.wait(200)
    assert canvas.thumbs._document.questions == []  # type: ignore[union-attr]


def test_what_is_in_view_is_asked_for_once_and_drawn(canvas: Canvas, qtbot: QtBot) -> None:
    assert canvas.scene is not None
    assert canvas.thumbs is not None
    document: Any = canvas.thumbs._document
    row = look_at_conv(canvas, 2.0)
    name = canvas.scene.index.names[row]
    qtbot.waitUntil(lambda: len(document.questions) == 1)
    names, done, _ = document.questions[0]
    assert name in names
    assert len(names) <= BATCH
    seen = canvas.scene.boxes_in(canvas.view.rect(canvas.width(), canvas.height())).tolist()
    assert set(names) <= {canvas.scene.index.names[r] for r in seen}
    before = canvas.grab().toImage()
    done(tuple(thumb(each) for each in names))
    after = canvas.grab().toImage()
    box = QRectF(*canvas.scene.rects[row].tolist())
    slot = closer.slot(canvas.scene, row, box)
    assert slot is not None
    look = canvas._looks()
    size = canvas.width(), canvas.height()
    corners = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)]
    points = [canvas.view.to_screen(slot.x() + slot.width() * x, slot.y() + slot.height() * y, *size) for x, y in corners]
    colours = [after.pixelColor(round(x), round(y)) for x, y in points]
    assert colours == [QColor("#4f9dff"), QColor(look.box.rgb()), QColor("#ff9a3c"), QColor(look.hover.rgb())]
    assert "w, −0.5 blue … 0.5 orange" in canvas.thumbs.tip(name)
    assert canvas.thumbs.tip("another") == ""
    assert before.pixelColor(round(points[0][0]), round(points[0][1])) == look.box, "a frame stands there until it comes"
    canvas.grab()
    qtbot.wait(200)
    assert all(not set(names) & set(again) for again, _, _ in document.questions[1:])


def test_a_weight_that_cannot_be_read_leaves_an_empty_place(canvas: Canvas, qtbot: QtBot) -> None:
    assert canvas.thumbs is not None
    document: Any = canvas.thumbs._document
    look_at_conv(canvas, 2.0)
    qtbot.waitUntil(lambda: len(document.questions) == 1)
    names, _, failed = document.questions[0]
    failed(ValueError("no such file"))
    canvas.grab()
    qtbot.wait(200)
    assert all(canvas.thumbs.known(name) is None for name in names)
    assert all(not set(names) & set(again) for again, _, _ in document.questions[1:]), "and is not asked for again and again"


def test_another_model_begins_anew(canvas: Canvas, qtbot: QtBot, tmp_path: Any) -> None:
    assert canvas.thumbs is not None
    document: Any = canvas.thumbs._document
    look_at_conv(canvas, 2.0)
    qtbot.waitUntil(lambda: len(document.questions) == 1)
    names, done, _ = document.questions[0]
    done(tuple(thumb(each) for each in names))
    canvas.thumbs.of(Model(tmp_path / "other.onnx", "g", 1))
    assert canvas.thumbs.known(names[0]) is None
    canvas.grab()
    qtbot.waitUntil(lambda: len(document.questions) == 2)
