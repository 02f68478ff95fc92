"""Small laid-out graphs, and a canvas that is shown and closed in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from core.job import Job
from core.layout import Placed
from core.model.index import GraphIndex, build
from tests import models

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.graph.canvas import Canvas
    from gui.graph.scene import Scene

Graph = tuple[GraphIndex, Placed]


def laid_out(model: Any) -> Graph:
    """The index and the layout of a model that was built in a test, its shapes inferred as in a window."""
    from onnx import shape_inference

    from core.layout.layered import arrange

    index = build(shape_inference.infer_shapes(model))
    return index, arrange(index, Job())


@pytest.fixture(scope="session")
def residual() -> Graph:
    """A small CNN with skips."""
    return laid_out(models.residual_cnn())


@pytest.fixture(scope="session")
def masked() -> Graph:
    """Forty layers that read one mask, so that it leaves through tags."""
    from onnx import TensorProto, helper

    nodes, last = [], "x"
    for layer in range(40):
        nodes.append(helper.make_node("Relu", [last], [f"r{layer}"], name=f"relu.{layer}"))
        nodes.append(helper.make_node("Add", [f"r{layer}", "mask"], [f"a{layer}"], name=f"add.{layer}"))
        last = f"a{layer}"
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 2]) for name in ("x", "mask", last)]
    return laid_out(helper.make_model(helper.make_graph(nodes, "masked", info[:2], info[2:])))


@pytest.fixture
def scene(residual: Graph) -> Scene:
    from gui.graph.scene import Scene

    return Scene(*residual)


@pytest.fixture
def make_canvas(qtbot: QtBot) -> Iterator[Callable[..., Canvas]]:
    """Makes shown canvases of 900 x 600 that do not glide, with a graph."""
    from gui.graph.canvas import Canvas
    from gui.theme import Theme

    made: list[Canvas] = []

    def make(graph: Graph | None = None, theme: str = "dark") -> Canvas:
        canvas = Canvas(Theme(theme))  # type: ignore[arg-type]
        canvas.motion.still = True
        canvas.resize(900, 600)
        qtbot.addWidget(canvas)
        with qtbot.waitExposed(canvas):
            canvas.show()
        if graph is not None:
            canvas.show_graph(*graph)
        made.append(canvas)
        return canvas

    yield make
    for canvas in made:
        canvas.release()
