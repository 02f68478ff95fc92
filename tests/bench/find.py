"""How long finding takes in a large graph: `python tests/bench/find.py [100000 | MODEL.onnx ...]`.

Prints milliseconds of CPU of this process: making a graph ready and its facts; queries typed letter by letter, the worst
keystroke of each (the search, and what the canvas and the list then do with it); traces; patterns.
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

from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from core.find import facts, query
from core.find.catalogue import Catalogue
from core.find.match import find
from core.find.pattern import like, parse
from core.find.trace import Ways
from core.job import Job
from core.layout.layered import arrange
from core.model.opening import index_of
from core.model.source import read
from core.model.summary import shaped
from gui.graph import marks
from gui.graph.canvas import Canvas
from gui.graph.find import FindBar
from gui.theme import Theme
from tests.bench.graphs import decoder

WIDTH, HEIGHT = 1600, 1000

TYPED = (
    "softmax", "/layer/MatMul_99", "layer 99 7", "a", "op:MatMul", "op:MatMul and params>10", "axis=0 or op:Soft*",
    "tensor:n99", "shape:*x*", "/MatMul_[0-9]*7$/", "fan-out>3 not is:output", '"_9999"',
)  # fmt: skip
PATTERNS = ("Mul(x, Sigmoid(x)!)", "Div(x, Sqrt(ReduceMean(Pow(x, const))))", "Add(MatMul(_, const), const)", "*(*(*(x)))")


def clock(run: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds of CPU, and what came of it."""
    begin = time.process_time()
    result = run()
    return (time.process_time() - begin) * 1e3, result


def keystrokes(catalogue: Catalogue, text: str, canvas: Canvas, bar: FindBar) -> None:
    """Type a query, and print its worst and median keystroke."""
    spent, shown, count = [], [], 0
    for length in range(1, len(text) + 1):
        try:
            took, rows = clock(lambda length=length: query.rows(query.parse(text[:length]), catalogue))
        except query.QueryError:
            continue  # half typed: the bar keeps what it shows
        spent.append(took)
        shown.append(clock(lambda rows=rows: show(catalogue, rows, canvas, bar))[0])
        count = len(rows)
    print(
        f"  {text:28} {count:>7,} found  search worst {max(spent):6.1f} median {statistics.median(spent):5.1f}  "
        f"shown worst {max(shown):6.1f} median {statistics.median(shown):5.1f}"
    )


def show(catalogue: Catalogue, rows: Any, canvas: Canvas, bar: FindBar) -> None:
    """What the window does with an answer, and one frame's marks."""
    assert canvas.scene is not None
    canvas.highlight(rows.tolist())
    bar.show_results(catalogue.index, rows)
    bar.show_place(0)
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    marks.draw(painter, canvas.scene, canvas.view, WIDTH, HEIGHT, canvas._looks(), canvas._marks)
    painter.end()


def measure(path: Path, theme: Theme) -> None:
    """Print the figures of one model."""
    source = read(path)
    index = index_of(source)
    placed = arrange(index, Job())
    light = shaped(source)[0]
    took, found = clock(lambda: facts.gather(index, light))
    print(f"{path.stem}: {len(index):,} nodes, {len(index.src):,} links; attributes and inputs read in {took:.0f} ms")
    catalogue = Catalogue(index, found)
    print(f"  first letter of all: {clock(lambda: query.rows(query.parse('s'), catalogue))[0]:.1f} ms")
    canvas = Canvas(theme)
    canvas.resize(WIDTH, HEIGHT)
    canvas.show_graph(index, placed)
    bar = FindBar(canvas, theme)
    canvas.fit()
    canvas.motion.finish()
    for text in TYPED:
        keystrokes(catalogue, text, canvas, bar)
    took, ways = clock(lambda: Ways(index))
    print(f"  links made ready to be followed: {took:.1f} ms")
    middle, last = len(index) // 2, len(index) - 1
    for name, way in (
        ("upstream of the middle", lambda: ways.upstream([middle])),
        ("downstream of the first", lambda: ways.downstream([0])),
        ("between the first and the last", lambda: ways.between([0], [last])),
        ("shortest", lambda: ways.shortest(0, last)),
        ("downstream of 1,000 nodes, 3 links", lambda: ways.downstream(range(middle, middle + 1000), 3)),
    ):
        took, rows = clock(way)
        print(f"  {name}: {len(rows):,} nodes, {took:.1f} ms")
    for text in PATTERNS:
        took, matches = clock(lambda text=text: find(parse(text), catalogue))
        print(f"  {text}: {len(matches):,} matches, {took:.0f} ms")
    took, matches = clock(lambda: find(like(catalogue, range(middle, middle + 24)), catalogue))
    print(f"  more like 24 neighbours: {len(matches):,} matches, {took:.0f} ms")
    canvas.release()
    canvas.close()


def main() -> None:
    """Measure what was asked for."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme = Theme("dark")
    theme.apply(app)
    with tempfile.TemporaryDirectory() as folder:
        for asked in sys.argv[1:] or ("100000",):
            path = Path(asked)
            if asked.isdigit():
                path = Path(folder) / f"decoder-{asked}.onnx"
                path.write_bytes(decoder(int(asked)).SerializeToString())
            measure(path, theme)


if __name__ == "__main__":
    main()
