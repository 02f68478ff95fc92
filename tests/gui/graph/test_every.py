"""Every .onnx file inside the onnx package opens, folds, is laid out and drawn; the edges of its picture are those of its file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from PySide6.QtGui import QGuiApplication

from core.job import Job
from core.layout.folding import fold
from core.layout.nested import Shown
from core.model.opening import deep_of, index_of
from core.model.source import read
from gui.graph.camera import View, fit
from gui.graph.frames import Order, render
from gui.graph.painter import Look
from gui.graph.scene import Scene
from gui.theme import Theme

FOLDER = Path(onnx.__file__).parent / "backend/test/data"
FILES = sorted(FOLDER.rglob("*.onnx"))


def edges_of(model: onnx.ModelProto) -> Counter[tuple[str, str]]:
    """(tensor, reader) of every link between two things that are drawn, counted from the file alone; readers by what they make first."""
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer} | {sparse.values.name for sparse in graph.sparse_initializer}
    drawn = {value.name for value in graph.input if value.name not in weights}
    for node in graph.node:
        if node.op_type != "Constant":
            drawn.update(node.output)
    drawn.discard("")
    found: Counter[tuple[str, str]] = Counter()
    for place, node in enumerate(graph.node):
        if node.op_type != "Constant":
            for name in node.input:
                if name in drawn:
                    found[name, f"{place}"] += 1
    for place, value in enumerate(graph.output):
        if value.name in drawn:
            found[value.name, f"out {place}"] += 1
    return found


def check_drawn(shown: Shown) -> None:
    """Every edge between two boxes has lines of its tensor, and the picture can be painted from afar and from near."""
    lines = set(shown.placed.link_tensor.tolist())
    assert set(shown.index.tensor.tolist()) <= lines
    app = QGuiApplication.instance()
    assert app is not None
    look = Look.of(Theme("dark"))
    texts = look.texts()
    scene = Scene(shown.index, shown.placed, shown)
    whole = fit(0, 0, scene.width, scene.height, 300, 200)
    middle = View(scene.width / 2, scene.height / 2, 1.0)
    for view in (whole, middle):
        image = render(Order(scene, view, 300, 200, 1.0, look, None), texts).image
        assert not image.isNull()
        if len(scene):
            box = scene.placed.x[0], scene.placed.y[0]
            seen = render(Order(scene, View(float(box[0]), float(box[1]), 1.0), 300, 200, 1.0, look, None), texts).image
            assert seen.pixelColor(150, 100) != look.window


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(FOLDER).with_suffix("")) for path in FILES])
def test_it_is_drawn_and_no_edge_is_lost(path: Path, qapp: object) -> None:
    source = read(path)
    plain, deep = index_of(source), deep_of(source)
    wanted = edges_of(onnx.load(path, load_external_data=False))
    if not any(node.op_type in ("If", "Loop", "Scan", "SequenceMap") for node in source.proto.graph.node):  # these capture more
        assert len(plain.src) == sum(wanted.values())
        assert Counter(plain.tensors[tensor] for tensor in plain.tensor.tolist()) == Counter(
            {name: sum(count for (tensor, _), count in wanted.items() if tensor == name) for name, _ in wanted}
        )
    for flat in (True, False):
        shown = fold(deep, flat, Job())
        apart = {(int(shown.row[a]), int(shown.row[b])) for a, b in zip(deep.src, deep.dst, strict=True)}
        drawn = set(zip(shown.index.src.tolist(), shown.index.dst.tolist(), strict=True))
        assert drawn == {(a, b) for a, b in apart if a != b}
        check_drawn(shown)


def test_there_are_as_many_as_the_package_has() -> None:
    assert len(FILES) > 100
    assert np.unique([path.name for path in FILES]).size > 3
