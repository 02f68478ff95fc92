"""The graph view in the running window: `python tests/bench/graph.py [2000 10000 50000 100000 | MODEL.onnx ...]`.

Each run is a process of its own with a real window (offscreen, or on a display where QT_QPA_PLATFORM says so), of which it prints
the median of three (`--runs`): milliseconds of wall time from opening until the graph panel has painted the first picture of the
model, and until all is known; unfolding one block until its exact picture is painted; a frame while panning and zooming (95th
percentile of the time that painting held the window); an exact frame of the whole flat graph, from afar, near and at full size; the
memory that the app's process took on, with the graph folded, and flat; the longest wait of a 10 ms timer in each stage. The layout
of the flat graph is measured apart, in CPU seconds of this process. `--sparse` adds a model with 28 GB of external data.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from PySide6.QtCore import QEventLoop, QPointF, Qt, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

SIZES = ("2000", "10000", "50000", "100000")
#: What is asked: first picture s, flat layout s, frame ms, exact frame ms, unfold ms, added MB.
ASKED = {
    2000: (0.1, 0.03, 4, 8, 20, 40),
    10000: (0.2, 0.25, 4, 16, 20, 80),
    50000: (0.8, 1.0, 4, 40, 30, 250),
    100000: (1.5, 3.0, 4, 80, 50, 500),
}


class Beat:
    """The longest wait of a timer of 10 ms."""

    def __init__(self) -> None:
        self.worst: dict[str, float] = {}
        self._stage, self._last = "", time.perf_counter()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(10)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        QApplication.processEvents()
        self._stage, self._last = name, time.perf_counter()
        self.worst[name] = 0.0
        yield
        spin(lambda: False, 0.25)
        self._stage = ""

    def _tick(self) -> None:
        now = time.perf_counter()
        if self._stage:
            self.worst[self._stage] = max(self.worst[self._stage], (now - self._last) * 1e3)
        self._last = now

    def release(self) -> None:
        self._timer.stop()


def spin(done: Callable[[], object], seconds: float) -> bool:
    """Let the window live until `done`, or so long; whether it was done."""
    until = time.perf_counter() + seconds
    loop = QEventLoop()
    while time.perf_counter() < until:
        loop.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 4)
        if done():
            return True
        time.sleep(0.0005)
    return False


def memory() -> float:
    """MB that this process holds for itself."""
    return float(psutil.Process().memory_info().rss) / 1e6


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def window_run(path: Path) -> dict[str, Any]:
    """One run: everything that is measured in the window."""
    from gui import app
    from gui.window import MainWindow

    with tempfile.TemporaryDirectory(prefix="sardonyx-graph-") as name:
        os.environ["SARDONYX_DATA_DIR"], os.environ["SARDONYX_CONFIG_DIR"] = f"{name}/data", f"{name}/config"
        application = app.application()
        ctx = app.make_context()
        ctx.theme.choose("dark")
        ctx.theme.apply(application)
        window = MainWindow(ctx)
        window.resize(1600, 1000)
        window.show()
        application.processEvents()
        window.warm_up()
        spin(lambda: window.docks is not None and "availability" in ctx.services and not window.build().preparing, 60)
        panel: Any = window.build().panel("graph")
        spin(lambda: False, 0.5)
        beat = Beat()
        try:
            return _measure(window, panel, path, beat)
        finally:
            beat.release()
            window.release()
            app.close(ctx)
            window.deleteLater()


def _measure(window: Any, panel: Any, path: Path, beat: Beat) -> dict[str, Any]:
    found: dict[str, Any] = {}
    canvas, layouts = panel.canvas, panel.layouts

    def exact() -> bool:
        frame = canvas.frames.frame
        return canvas.scene is not None and frame is not None and frame.order.scene is canvas.scene and not canvas.frames.waiting

    before = memory()
    with beat.stage("open"):
        began = time.perf_counter()
        window.open_path(path)
        assert spin(exact, 300), "no picture"
        found["first"] = time.perf_counter() - began
        assert spin(lambda: window.ctx.session is not None and layouts.state == "ready" and exact(), 300), layouts.state
        found["whole"] = time.perf_counter() - began
    spin(lambda: False, 1.0)
    found["folded_mb"] = memory() - before
    found["boxes"], found["rows"] = len(canvas.scene), len(layouts.index)
    canvas.motion.still = True

    # unfold the first folded groups one after the other, each from the picture before
    shown, unfolds = layouts.shown, []
    with beat.stage("unfold"):
        for group in [group for group in shown.group.tolist() if group >= 0][:3]:
            inner = [group]
            for _ in range(3):
                tree = layouts.shown.nest.tree
                began = time.perf_counter()
                layouts.toggle(inner[-1])
                canvas.repaint()
                spin(exact, 20)
                unfolds.append((time.perf_counter() - began) * 1e3)
                below = tree.children(inner[-1]).tolist()
                if not below:
                    break
                inner.append(below[len(below) // 2])
    found["unfold_ms"] = statistics.median(unfolds) if unfolds else 0.0
    found["unfold_worst_ms"] = max(unfolds, default=0.0)

    if not layouts.flat_now:
        with beat.stage("flat"):
            began = time.perf_counter()
            panel.switch_flat()
            spin(lambda: layouts.state == "ready" and exact() and len(canvas.scene) == len(layouts.index), 300)
            found["flat_s"] = time.perf_counter() - began
    spin(lambda: False, 1.0)
    found["flat_mb"] = memory() - before

    frames: list[float] = []
    with beat.stage("pan and zoom"):
        canvas.fit()
        spin(exact, 30)
        factor = 1.12
        for turn in range(120):
            if turn % 2:
                canvas.zoom(factor, 700.0, 400.0, 0.0)
            else:
                canvas.look_at(canvas.view.moved(9.0, 14.0))
            began = time.perf_counter()
            canvas.repaint()
            frames.append((time.perf_counter() - began) * 1e3)
            spin(lambda: False, 0.012)
            if canvas.view.scale > 1.2 or canvas.view.scale <= canvas.least_scale * 1.01:
                factor = 1 / factor
    found["frame_ms"] = percentile(frames, 0.95)

    from gui.graph.camera import View, fit
    from gui.graph.frames import Order, render
    from gui.graph.painter import Look

    scene, look = canvas.scene, Look.of(window.ctx.theme)
    texts = look.texts()
    middle = scene.nearest(scene.width / 2, scene.height / 2)
    x, y = float(scene.placed.x[middle]), float(scene.placed.y[middle])
    views = {
        "whole": fit(0, 0, scene.width, scene.height, 1600, 1000),
        **{str(scale): View(x, y, scale) for scale in (0.08, 0.3, 0.5, 1.0)},
    }
    exacts = {}
    for title, view in views.items():
        order = Order(scene, view, 1600, 1000, 1.0, look, None)
        render(order, texts)
        spent = []
        for turn in range(7):
            moved = replace(order, view=view.moved(3.0 * turn, 2.0 * turn))
            began = time.thread_time()
            render(moved, texts)
            spent.append((time.thread_time() - began) * 1e3)
        exacts[title] = statistics.median(spent)
    found["exact_ms"] = exacts
    found["stall_ms"] = beat.worst
    return found


def layout_run(path: Path) -> dict[str, Any]:
    """CPU seconds of the flat layout (best of three), and what it made."""
    from core.job import Job
    from core.layout.layered import arrange
    from core.model.opening import index_of
    from core.model.source import read

    index = index_of(read(path))
    spent = []
    for _ in range(3):
        began = time.process_time()
        placed = arrange(index, Job())
        spent.append(time.process_time() - began)
    return {"layout_s": statistics.median(spent), "edges": len(index.src), "crossings": placed.crossings, "drawn": len(index)}


def report(title: str, runs: list[dict[str, Any]], layout: dict[str, Any], asked: tuple[float, ...] | None) -> None:
    """Print one graph's figures."""

    def middle(key: str) -> float:
        return statistics.median(run[key] for run in runs if key in run) if any(key in run for run in runs) else float("nan")

    def mark(value: float, place: int, unit: str = "") -> str:
        if asked is None:
            return f"{value:.3g}{unit}"
        return f"{value:.3g}{unit} (asked {asked[place]:g}{'' if value <= asked[place] else ', OVER'})"

    exact = {name: statistics.median(run["exact_ms"][name] for run in runs) for name in runs[0]["exact_ms"]}
    stalls = {name: statistics.median(run["stall_ms"].get(name, 0.0) for run in runs) for name in runs[0]["stall_ms"]}
    print(f"{title}: {layout['drawn']:,} boxes, {layout['edges']:,} edges; folded: {runs[0]['boxes']} boxes")
    print(
        f"  first picture {mark(middle('first'), 0, ' s')}, all known {middle('whole'):.2f} s, flat in the window {middle('flat_s'):.2f} s"
    )
    print(f"  flat layout {mark(layout['layout_s'], 1, ' s CPU')}, {layout['crossings']:,} crossings")
    print(f"  frame p95 {mark(middle('frame_ms'), 2, ' ms')}; exact frame {mark(max(exact.values()), 3, ' ms')}: ", end="")
    print(", ".join(f"{name} {value:.1f}" for name, value in exact.items()))
    print(f"  unfold {mark(middle('unfold_ms'), 4, ' ms')}, worst {middle('unfold_worst_ms'):.0f} ms")
    print(f"  memory folded +{middle('folded_mb'):.0f} MB, flat +{mark(middle('flat_mb'), 5, ' MB')}")
    print("  longest stall: " + ", ".join(f"{name} {value:.0f} ms{' OVER' if value > 100 else ''}" for name, value in stalls.items()))
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="*", default=SIZES, help="sizes of decoders to make, or files")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sparse", action="store_true", help="also a model whose external data is a 28 GB sparse file")
    parser.add_argument("--once", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        print(json.dumps(window_run(Path(given.once))))
        return 0
    from tests.bench.graphs import decoder

    with tempfile.TemporaryDirectory() as folder:
        wanted: list[tuple[str, Path, tuple[float, ...] | None]] = []
        for asked in given.graphs:
            path = Path(asked)
            if asked.isdigit():
                path = Path(folder) / f"decoder-{asked}.onnx"
                path.write_bytes(decoder(int(asked)).SerializeToString())
            wanted.append((path.stem, path.absolute(), ASKED.get(int(asked)) if asked.isdigit() else None))
        if given.sparse:
            path = Path(folder) / "sparse28g.onnx"
            path.write_bytes(decoder(10_000, weights=Path(folder) / "sparse28g.data", width=2110).SerializeToString())
            size = (Path(folder) / "sparse28g.data").stat().st_size
            wanted.append((f"{size / 1e9:.1f} GB of external data", path, None))
        for title, path, asked_of in wanted:
            runs = []
            for _ in range(given.runs):
                done = subprocess.run(
                    [sys.executable, __file__, "--once", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
                )
                if done.returncode:
                    sys.stderr.write(done.stderr)
                    return done.returncode
                runs.append(json.loads(done.stdout.strip().splitlines()[-1]))
            report(title, runs, layout_run(path), asked_of)
    print(
        f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {QPointF.__module__}, platform {os.environ['QT_QPA_PLATFORM']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
