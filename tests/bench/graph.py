"""How long a large graph takes from file to picture: `python tests/bench/graph.py [2000 10000 50000 100000 | MODEL.onnx ...]`.

Without arguments: decoders of about 2,000, 10,000 and 50,000 drawn nodes, made here. Prints CPU seconds of this process for
open and index, and for the layout (best and median of three); milliseconds of CPU for an exact frame of 1600 x 1000 (all of the
graph, from afar, near, full size) and for showing the cached one moved and scaled instead (medians), and the worst delay that a
10 ms timer saw while the canvas was zoomed through with frames painted in the thread.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PySide6.QtCore import QElapsedTimer, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from core.job import Job
from core.layout.layered import arrange
from core.model.opening import index_of
from core.model.source import read
from gui.graph.camera import View, fit
from gui.graph.canvas import Canvas
from gui.graph.frames import Order, render
from gui.graph.painter import Look
from gui.graph.scene import Scene
from gui.theme import Theme

WIDTH, HEIGHT, TURNS = 1600, 1000, 9


def decoder(nodes: int) -> onnx.ModelProto:
    """A transformer's decoder with about `nodes` nodes: one mask for all layers, shape arithmetic, a gated block of experts."""
    made: list[onnx.NodeProto] = []
    weights = [numpy_helper.from_array(np.zeros((8, 8), np.float32), "w"), numpy_helper.from_array(np.zeros(1, np.int64), "zero")]

    def op(kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(made)}"
        made.append(helper.make_node(kind, list(inputs), [name], name=f"/layer/{kind}_{len(made)}", **attributes))
        return name

    def shaped(x: str) -> str:
        parts = [op("Unsqueeze", op("Gather", op("Shape", x), "zero"), "zero") for _ in range(2)]
        return op("Reshape", x, op("Concat", *parts, axis=0))

    def norm(x: str) -> str:
        return op("Mul", op("Div", x, op("Sqrt", op("ReduceMean", op("Pow", x, "w")))), "w")

    mask = op("Mul", op("Unsqueeze", "mask", "zero"), "w")
    x = op("Gather", "w", "ids")
    experts = 4 if nodes < 20_000 else 20
    while len(made) < nodes:
        h = norm(x)
        q, k, v = (shaped(op("Add", op("MatMul", h, "w"), "w")) for _ in range(3))
        scores = op("Softmax", op("Add", op("MatMul", q, op("Transpose", k)), mask))
        x = op("Add", x, op("MatMul", shaped(op("MatMul", scores, v)), "w"))
        h = norm(x)
        gate = op("Softmax", op("MatMul", h, "w"))
        outs = []
        for _ in range(experts):
            up = op("MatMul", h, "w")
            outs.append(op("Mul", op("MatMul", op("Mul", up, op("Sigmoid", up)), "w"), op("Gather", gate, "zero")))
        x = op("Add", x, op("Sum", *outs))
    graph = helper.make_graph(
        made,
        "decoder",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"]), helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, None)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def cpu(run: Callable[[], Any], turns: int) -> tuple[list[float], Any]:
    """CPU seconds of each turn, and what the last gave."""
    spent, result = [], None
    for _ in range(turns):
        begin = time.process_time()
        result = run()
        spent.append(time.process_time() - begin)
    return spent, result


def measure(path: Path, app: QApplication, theme: Theme) -> None:
    """Print the figures of one model."""
    opened, index = cpu(lambda: index_of(read(path)), 1)
    laid, placed = cpu(lambda: arrange(index, Job()), 3)
    made, scene = cpu(lambda: Scene(index, placed), 1)
    print(
        f"{path.stem}: {len(index):,} boxes, {len(index.src):,} edges, {placed.crossings:,} crossings, {len(placed.ports):,} tags, "
        f"{placed.width:,.0f} x {placed.height:,.0f} px"
    )
    print(
        f"  open and index {opened[0]:.3f} s, layout best {min(laid):.3f} s, median {statistics.median(laid):.3f} s, "
        f"scene {made[0] * 1e3:.0f} ms"
    )
    look = Look.of(theme)
    texts = look.texts()
    middle = scene.nearest(scene.width / 2, scene.height / 2)
    x, y = float(placed.x[middle]), float(placed.y[middle])
    views = {
        "all": fit(0, 0, scene.width, scene.height, WIDTH, HEIGHT),
        "0.08": View(x, y, 0.08),
        "0.5": View(x, y, 0.5),
        "1.0": View(x, y, 1.0),
    }
    said = []
    for name, view in views.items():
        render(Order(scene, view, WIDTH, HEIGHT, 1.0, look, None), texts)
        moved = iter(range(1, TURNS + 1))
        orders = (Order(scene, view.moved(3.0 * turn, 2.0 * turn), WIDTH, HEIGHT, 1.0, look, None) for turn in moved)
        spent, _ = cpu(lambda orders=orders: render(next(orders), texts), TURNS)
        said.append(f"{name} {statistics.median(spent) * 1e3:.1f}")
    print(f"  exact frame ms: {', '.join(said)}")
    print(f"  cached frame ms: {', '.join(f'{name} {ms:.1f}' for name, ms in cached(scene, views['0.5'], theme).items())}")
    print(f"  longest wait of the event loop while zooming through: {stall(index, placed, app, theme):.0f} ms")


def cached(scene: Scene, view: View, theme: Theme) -> dict[str, float]:
    """Milliseconds to show the last frame again, moved or scaled."""
    from gui.graph.frames import Frames

    frames = Frames()
    look = Look.of(theme)
    frames.frame = render(Order(scene, view, WIDTH, HEIGHT, 1.0, look, None), look.texts())
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    found = {}
    for name, other in (("moved", view.moved(37.0, 11.0)), ("zoomed", view.zoomed(1.13, 300, 300, WIDTH, HEIGHT, 0.001))):
        painter = QPainter(image)
        spent, _ = cpu(
            lambda painter=painter, other=other: frames.show(painter, Order(scene, other, WIDTH, HEIGHT, 1.0, look, None)), TURNS
        )
        painter.end()
        found[name] = statistics.median(spent) * 1e3
    return found


def stall(index: Any, placed: Any, app: QApplication, theme: Theme) -> float:
    """Zoom from all of the graph to full size and back on a real canvas; the longest gap between ticks of a 10 ms timer."""
    canvas = Canvas(theme)
    canvas.resize(WIDTH, HEIGHT)
    canvas.show_graph(index, placed)
    canvas.show()
    canvas.fit()
    canvas.motion.finish()
    app.processEvents()
    clock, ticker, worst = QElapsedTimer(), QTimer(), 0
    clock.start()

    def tick() -> None:
        nonlocal worst
        worst = max(worst, clock.restart())

    ticker.timeout.connect(tick)
    ticker.start(10)
    factor, end = 1.3, time.monotonic() + 4.0
    while time.monotonic() < end:
        canvas.zoom(factor, 700.0, 400.0)
        pause = time.monotonic() + 0.05
        while time.monotonic() < pause:
            app.processEvents()
            time.sleep(0.001)
        if canvas.view.scale > 1.0:
            factor = 1 / 1.3
        elif canvas.view.scale <= canvas.least_scale * 1.01:
            factor = 1.3
    ticker.stop()
    canvas.release()
    canvas.close()
    return float(worst)


def main() -> None:
    """Measure what was asked for."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme = Theme("dark")
    theme.apply(app)
    with tempfile.TemporaryDirectory() as folder:
        for asked in sys.argv[1:] or ("2000", "10000", "50000"):
            path = Path(asked)
            if asked.isdigit():
                path = Path(folder) / f"decoder-{asked}.onnx"
                path.write_bytes(decoder(int(asked)).SerializeToString())
            measure(path, app, theme)


if __name__ == "__main__":
    main()
