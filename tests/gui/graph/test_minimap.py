"""The map of graphs of extreme shapes: everything on it, the frame to be seen, and a click leads where it says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from gui.graph.camera import View
from gui.graph.canvas import Canvas
from gui.graph.minimap import HIGH, LEAST, WIDE
from tests.gui.graph.conftest import Graph, laid_out


def chain(length: int, beside: int) -> Graph:
    """`length` rows of `beside` nodes each."""
    from onnx import TensorProto, helper

    nodes = []
    for column in range(beside):
        last = "x"
        for row in range(length):
            nodes.append(helper.make_node("Relu", [last], [f"y{column}_{row}"], name=f"relu_{column}_{row}"))
            last = f"y{column}_{row}"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", last)]
    return laid_out(helper.make_model(helper.make_graph(nodes, "chain", ends[:1], ends[1:])))


@pytest.mark.parametrize(("length", "beside"), [(3000, 1), (1, 1200), (40, 3)], ids=["tall", "wide", "usual"])
def test_extreme_shapes(make_canvas: Callable[..., Canvas], length: int, beside: int) -> None:
    canvas = make_canvas(chain(length, beside))
    scene, shown = canvas.scene, canvas.minimap
    assert scene is not None
    canvas.look_at(View(scene.width / 2, scene.height / 2, 1.0))
    assert shown.isVisible()
    across, down, left, top = shown._scales()
    assert left >= 0
    assert top >= 0
    assert left + across * scene.width <= WIDE
    assert top + down * scene.height <= HIGH
    image = shown.grab().toImage()
    accent = canvas._looks().accent
    framed = [
        (x, y)
        for x in range(WIDE)
        for y in range(HIGH)
        if abs(image.pixelColor(x, y).blueF() - accent.blueF()) + abs(image.pixelColor(x, y).redF() - accent.redF()) < 0.25
    ]
    wide, high = (max(p[k] for p in framed) - min(p[k] for p in framed) + 1 for k in (0, 1))
    assert wide >= LEAST
    assert high >= LEAST


@pytest.mark.parametrize(("length", "beside"), [(3000, 1), (1, 1200)], ids=["tall", "wide"])
def test_a_click_on_the_map_travels(make_canvas: Callable[..., Canvas], length: int, beside: int) -> None:
    canvas = make_canvas(chain(length, beside))
    scene = canvas.scene
    assert scene is not None
    canvas.look_at(View(0.0, 0.0, 1.0))
    QTest.mouseClick(canvas.minimap, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(WIDE - 20, HIGH - 20))
    x0, y0, x1, y1 = canvas.view.rect(canvas.width(), canvas.height())
    assert y1 > scene.height * 0.8
    assert x1 > scene.width * 0.8 or beside == 1
    assert x0 < scene.width
    assert y0 < scene.height


def test_a_press_stops_a_glide(make_canvas: Callable[..., Canvas], masked: Graph) -> None:
    canvas = make_canvas(masked)
    canvas.motion.still = False
    canvas.look_at(View(0.0, 1000.0, 1.0))
    for button in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton):
        canvas.motion.glide(0.0, -2000.0)
        assert canvas.motion.moving
        QTest.mousePress(canvas, button)
        assert not canvas.motion.moving
        QTest.mouseRelease(canvas, button)
    assert np.isfinite(canvas.view.y)
