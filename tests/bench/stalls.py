"""How long the window stands still while it works: the longest gap between two beats of a 10 ms timer in its thread.

    python tests/bench/stalls.py                       # EfficientNet-Lite0 from tests/.models, or else the sample
    python tests/bench/stalls.py --model model.onnx --runs 1 --stacks

Drives the real window offscreen by its actions, with real workers and backends, through everything that takes long:
opening, simplify, INT8, builds, a race with the live plot in front, compare, undo, saving, opening the session again;
then a generated graph of 50,000 nodes: open, zoom, select, search, sort. Every run is a process of its own, as first times
are the slow ones. Printed for each stage: the longest gap (median of the runs, and the worst), the most CPU time that this
process spent between two beats - what a gap has beyond it, other programs took - and where the main thread was then.
Exit code 1 when the median of both is above 100 ms: then it is our own doing.

Stacks are taken by a thread that looks at the main one when it has been silent for 40 ms. (Not by faulthandler's watchdog,
which would need no interpreter lock, but crashes now and then when it reads frames that run.)
"""

from __future__ import annotations

import argparse
import compileall
import faulthandler
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from PySide6.QtCore import QEventLoop, QObject, QPoint, QPointF, Qt, QTimer  # noqa: E402
from PySide6.QtGui import QWheelEvent  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from core.errors import AppError  # noqa: E402
from tests.stories.driver import SAMPLE, Person  # noqa: E402

if TYPE_CHECKING:
    from gui.window import MainWindow

LIMIT = 100.0
BEAT = 10
#: Milliseconds after which a silent main thread is looked at, and looked at again.
LOOK = 40
REAL = ROOT / "tests" / ".models" / "efficientnet-lite0.onnx"


@dataclass
class Stage:
    """One stage: its longest gap, the most CPU time between two beats (ms), and where the main thread was then (innermost first)."""

    title: str
    gap: float = 0.0
    cpu: float = 0.0
    seconds: float = 0.0
    stack: list[str] = field(default_factory=list)


class Heart(QObject):
    """A 10 ms timer in the main thread that remembers its longest gap; a thread looks what the main one does meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage("")
        self._last = self._cpu = 0.0
        self._seen: list[tuple[str, ...]] = []
        self._over = threading.Event()
        self._running = False
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT)
        self._timer.timeout.connect(self.beat)
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._thread.start()

    def start(self, title: str) -> None:
        self.stage = Stage(title)
        self._last, self._cpu = time.perf_counter(), time.process_time()
        self._seen = []
        self._running = True
        self._timer.start()

    def stop(self) -> Stage:
        self.beat()
        self._running = False
        self._timer.stop()
        return self.stage

    def release(self) -> None:
        self._over.set()
        self._thread.join()

    def beat(self) -> None:
        now, cpu = time.perf_counter(), time.process_time()
        gap, spent = (now - self._last) * 1e3, (cpu - self._cpu) * 1e3
        self.stage.gap = max(self.stage.gap, gap)
        if spent > self.stage.cpu:
            self.stage.cpu = spent
            self.stage.stack = _common(self._seen)
        self._last, self._cpu = now, cpu
        self._seen = []

    def _watch(self) -> None:
        main = threading.main_thread().ident
        assert main is not None
        while not self._over.wait(0.012):
            if self._running and (time.perf_counter() - self._last) * 1e3 > LOOK:
                frame = sys._current_frames().get(main)
                stack = []
                while frame is not None and frame.f_code.co_filename != __file__:
                    stack.append(f"{frame.f_code.co_filename.replace(f'{ROOT}/', '')}:{frame.f_lineno} {frame.f_code.co_name}")
                    frame = frame.f_back
                self._seen.append(tuple(stack))


def _common(seen: list[tuple[str, ...]]) -> list[str]:
    """The stack that was seen most often, and the frames that were seen in most, innermost first."""
    if not seen:
        return []
    counts = Counter(line for stack in seen for line in set(stack))
    best = max(Counter(seen).items(), key=lambda item: item[1])[0]
    return [f"{counts[line]:3} of {len(seen)}  {line}" for line in best[:18]]


class Clock:
    """What `Person` wants of pytest-qt: waiting, in the real event loop."""

    def waitUntil(self, condition: Callable[[], object], timeout: int) -> None:
        loop = QEventLoop()
        until = time.monotonic() + timeout / 1e3
        poll = QTimer()
        poll.setInterval(15)
        failed: list[Exception] = []

        def look() -> None:
            try:
                if condition() or time.monotonic() > until:
                    loop.quit()
            except Exception as error:  # a slot must not raise: it is raised below
                failed.append(error)
                loop.quit()

        poll.timeout.connect(look)
        poll.start()
        loop.exec()
        poll.stop()
        if failed:
            raise failed[0]
        if time.monotonic() > until:
            raise TimeoutError

    def wait(self, ms: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(ms, loop.quit)
        loop.exec()


class Run:
    """One pass through everything, in one window."""

    def __init__(self, window: MainWindow, folder: Path, model: Path, given: argparse.Namespace) -> None:
        self.window, self.folder, self.model, self.given = window, folder, model, given
        self.clock = Clock()
        self.person = Person(window, self.clock)  # type: ignore[arg-type]
        self.heart = Heart()
        self.stages: list[Stage] = []

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Watch what happens inside, and half a second of what follows from it."""
        QApplication.processEvents()
        began = time.perf_counter()
        self.heart.start(title)
        yield
        seconds = time.perf_counter() - began
        self.clock.wait(500)
        stage = self.heart.stop()
        stage.seconds = seconds
        self.stages.append(stage)

    def all(self) -> None:
        person, window, ctx = self.person, self.window, self.window.ctx
        with self.stage("start-up"):
            window.warm_up()
            self.clock.waitUntil(lambda: "availability" in ctx.services and window.docks is not None, 60_000)
        with self.stage("panels made ahead"):  # as a person finds it who looks for a file first
            self.clock.waitUntil(lambda: not window.build().preparing, 60_000)
        with self.stage("open"):
            person.open(self.model)
            person.panel("graph")
            person.wait(lambda: "index" in ctx.services)
        root = person.head
        with self.stage("select a node"):
            names = ctx.services["index"].names
            ctx.selection.set((names[len(names) // 2],), None)
            person.panel("properties")
            person.wait(lambda: person.panel("properties").page is not None)
        with self.stage("simplify"):  # which may find nothing to do
            person.choose_pass("simplify")
            window.act("passes.apply")
            person.idle()
        with self.stage("INT8"):
            small = person.apply("quantize_int8", profile="cpu", samples=self.given.samples)
        with self.stage("build, ONNX Runtime"):
            person.build("onnxruntime")
        with self.stage("bench, live plot"):
            bench = person.panel("bench")
            bench.form.set_values({**bench.form.values(), "seconds": 3.0, "warmup": 0.3})
            window.act("bench.start")
            person.wait(lambda: bench.live.has_data)
            person.idle()
        assert person.session.latency(small.id) is not None
        with self.stage("compare"):
            compare = person.panel("compare")
            compare.form.set_values({**compare.form.values(), "limit": 16})
            window.act("compare.start")
            person.wait(lambda: compare.shown is not None)
            person.idle()
        with self.stage("undo, redo"):
            person.panel("graph")
            for action in ("edit.undo", "edit.redo", "edit.undo"):
                window.act(action)
                self.clock.wait(300)
        if self._can_build_rtx():
            with self.stage("build, TensorRT-RTX"):
                person.build("tensorrt_rtx", target="SM89")
        with self.stage("save session"):
            window.act("file.save_session")
        with self.stage("save session elsewhere"):
            person.session.save(self.folder / "kept")
        with self.stage("close"):
            window.act("file.close")
            person.wait(lambda: ctx.session is None)
        with self.stage("open the session again"):
            person.open(self.folder / "kept")
            person.wait(lambda: "index" in ctx.services)
        assert person.session.history.root is not None
        assert person.session.history.root.summary.nodes == root.summary.nodes
        for id in ("summary", "nodes", "passes", "variants", "jobs", "log", "build", "graph"):
            with self.stage(f"show panel {id}"):
                person.panel(id)
                self.clock.wait(100)
        self.large()

    def _can_build_rtx(self) -> bool:
        panel = self.person.panel("build")
        self.person.wait(lambda: "tensorrt_rtx" in panel.states)
        return bool(panel.states["tensorrt_rtx"].can_build) and not self.given.no_rtx

    def large(self) -> None:
        """A graph of many nodes: what the window does itself has to bear it."""
        from tests.bench.graphs import decoder
        from tests.models import save

        person, window, ctx = self.person, self.window, self.window.ctx
        path = save(decoder(self.given.nodes), self.folder / "large.onnx")
        count = f"{self.given.nodes // 1000}k nodes"
        person.panel("nodes")
        graph = person.panel("graph")
        with self.stage(f"{count}: open"):
            person.open(path)
            person.wait(lambda: len(ctx.services.get("index", ())) >= self.given.nodes)
            person.wait(lambda: graph.canvas.scene is not None and graph.layouts.state == "ready")
        with self.stage(f"{count}: unfold a block"):
            window.act("graph.more")
            person.wait(lambda: graph.layouts.state == "ready")
        with self.stage(f"{count}: flat"):
            graph.switch_flat()
            person.wait(lambda: graph.layouts.state == "ready" and len(graph.canvas.scene) >= self.given.nodes)
        with self.stage(f"{count}: zoom and pan"):
            canvas = graph.canvas
            middle = QPointF(canvas.width() / 2, canvas.height() / 2)
            for turn in range(60):
                wheel = QWheelEvent(
                    middle, canvas.mapToGlobal(middle), QPoint(), QPoint(0, 120 if turn < 40 else -120),
                    Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
                )  # fmt: skip
                QApplication.sendEvent(canvas, wheel)
                self.clock.wait(25)
        names = ctx.services["index"].names
        with self.stage(f"{count}: select one, select many"):
            ctx.selection.set((names[len(names) // 2],), None)
            self.clock.wait(500)
            ctx.selection.set(tuple(names), None)
            self.clock.wait(500)
            ctx.selection.set((), None)
        with self.stage(f"{count}: nodes table"):
            nodes = person.panel("nodes")
            self.clock.wait(300)
            self._sort(nodes)
        with self.stage(f"{count}: search"):
            window.palette_.open()
            for text in ("s", "so", "softmax"):
                window.palette_.field.setText(text)
                self.clock.wait(150)
            window.palette_.close_()
        with self.stage(f"{count}: pass preview"):
            person.choose_pass("simplify")
            person.choose_pass("prune_magnitude")
            self.clock.wait(1500)
        with self.stage(f"{count}: close"):
            window.act("file.close")
            person.wait(lambda: ctx.session is None)

    def _sort(self, nodes: Any) -> None:
        from gui.table import Table

        for table in nodes.findChildren(Table):
            for text in ("softmax", ""):
                table.set_filter(text)
                self.clock.wait(200)
            table.sort_by("name", down=True)
            self.clock.wait(200)


def once(given: argparse.Namespace, model: Path) -> list[Stage]:
    """One run in this process."""
    from gui import app
    from gui.garbage import Garbage

    with tempfile.TemporaryDirectory(prefix="sardonyx-stalls-") as name:
        folder = Path(name)
        os.environ["SARDONYX_DATA_DIR"] = str(folder / "data")
        os.environ["SARDONYX_CONFIG_DIR"] = str(folder / "config")
        application = app.application()
        garbage = Garbage()
        ctx = app.make_context()
        ctx.theme.choose("dark")
        ctx.theme.apply(application)
        from gui.window import MainWindow

        window = MainWindow(ctx)
        window.resize(1440, 900)
        window.show()
        application.processEvents()
        run = Run(window, folder, model, given)
        try:
            run.all()
        except (AppError, AssertionError, TimeoutError, AttributeError) as error:
            sys.stderr.write(f"stopped in {run.heart.stage.title}: {error!r}\n")
            for message in list(ctx.notify.messages)[-5:]:
                sys.stderr.write(f"  {message.plain()}\n")
        finally:
            run.heart.release()
            for handle in ctx.jobs.active():
                handle.cancel()
            window.release()
            app.close(ctx)
            garbage.release()
            window.deleteLater()
        return run.stages


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=REAL if REAL.exists() else SAMPLE / "digits.onnx")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=50_000, help="size of the generated graph")
    parser.add_argument("--samples", type=int, default=16, help="calibration samples")
    parser.add_argument("--no-rtx", action="store_true", help="leave out the build with TensorRT-RTX")
    parser.add_argument("--stacks", action="store_true", help="where the main thread was, also for gaps within the limit")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once is not None:
        faulthandler.enable()
        given.once.write_text(json.dumps([asdict(stage) for stage in once(given, given.model.absolute())]))
        return 0
    for name in ("core", "gui", "resources"):  # an installed app has its compiled files
        compileall.compile_dir(ROOT / name, quiet=2)
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    runs: list[dict[str, Stage]] = []
    for _ in range(given.runs):
        with tempfile.TemporaryDirectory() as name:
            out = Path(name, "stages.json")
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--once", str(out)], cwd=ROOT, env=env, check=True, timeout=1500)
            runs.append({entry["title"]: Stage(**entry) for entry in json.loads(out.read_text())})
    return show(runs, given)


def show(runs: list[dict[str, Stage]], given: argparse.Namespace) -> int:
    """Print the table and the stacks; the exit code."""
    titles = list(dict.fromkeys(title for run in runs for title in run))
    print(f"{given.model.name}; longest gap between beats of {BEAT} ms, {len(runs)} runs; asked: at most {LIMIT:.0f} ms")
    print(f"{'stage':32}{'median ms':>11}{'worst':>8}{'own CPU':>9}{'took s':>8}")
    over = 0
    rows = []
    for title in titles:
        stages = [run[title] for run in runs if title in run]
        gap, cpu = statistics.median(one.gap for one in stages), statistics.median(one.cpu for one in stages)
        worst = max(stages, key=lambda one: one.cpu)
        seconds = statistics.median(one.seconds for one in stages)
        mark = "" if gap <= LIMIT else "  over" if cpu > LIMIT else "  over, but the machine was busy"
        over += gap > LIMIT and cpu > LIMIT
        print(f"{title:32}{gap:11.0f}{max(one.gap for one in stages):8.0f}{cpu:9.0f}{seconds:8.1f}{mark}")
        rows.append({"title": title, "gap": gap, "worst": worst.cpu, "cpu": cpu, "seconds": seconds, "stack": worst.stack})
    for row in rows:
        if row["stack"] and (given.stacks or float(row["worst"]) > LIMIT):  # type: ignore[arg-type]
            print(f"\n{row['title']}: {row['worst']:.0f} ms of CPU between two beats")
            print("\n".join(f"    {line}" for line in row["stack"]))  # type: ignore[union-attr]
    print(f"\nload average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
