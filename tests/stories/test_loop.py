"""The whole loop in the real window, by its actions, with real backends: and the same tree after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.stories.driver import SAMPLE, Person

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.window import MainWindow

pytestmark = pytest.mark.timeout(400)


def test_open_see_cut_build_race_compare_undo_branch_save_reopen(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    person = Person(window, qtbot)
    ctx = window.ctx

    # open and see
    person.open(SAMPLE / "digits.onnx")
    root = person.head
    graph = person.panel("graph")
    person.wait(lambda: len(ctx.services["index"]) == 31)  # 29 nodes, the input and the output
    assert root.summary.nodes == 29
    ctx.selection.set(("/block1/conv1/Conv",), None)
    properties = person.panel("properties")
    person.wait(lambda: properties.page is not None and properties.page.op == "Conv")
    person.picture("story 1 opened")

    # cut
    simple = person.apply("simplify")
    assert simple.summary.nodes < root.summary.nodes
    small = person.apply("quantize_int8", profile="cpu", data=str(SAMPLE / "calibration.npz"), samples=128)
    assert small.parent == simple.id
    assert small.model.size < simple.model.size
    person.wait(lambda: any(op.startswith("QuantizeLinear") for op in ctx.services["index"].op_names))
    person.picture("story 2 quantized")

    # build
    engine = person.build("onnxruntime")
    assert engine.path.exists()

    # race: the plot moves while it runs
    bench = person.panel("bench")
    bench.form.set_values({**bench.form.values(), "seconds": 2.0, "warmup": 0.2})
    window.act("bench.start")
    person.wait(lambda: bench.live.has_data)
    key = bench.race.contestants[0].key
    person.wait(lambda: bench.live.has(key) and len(bench.live.series(key).x) > 0)
    first = len(bench.live.series(key).x)
    person.wait(lambda: len(bench.live.series(key).x) > first)
    person.picture("story 3 racing")
    person.idle()
    stats = person.session.latency(small.id)
    assert stats is not None
    assert stats.count >= len(bench.live.series(key).x[bench.live.series(key).x >= 0]) > 50
    assert stats.p50 <= stats.p99 <= stats.max

    # compare, with labels
    compare = person.panel("compare")
    compare.form.set_values({**compare.form.values(), "path": str(SAMPLE / "digits.npz"), "limit": 540, "batch": 60})
    window.act("compare.start")
    person.wait(lambda: compare.comparison is not None)
    person.idle()
    assert compare.comparison.samples == 540
    assert compare.comparison.accuracy_a >= 0.98
    assert compare.comparison.accuracy_b >= 0.96
    person.picture("story 4 compared")

    # undo, and branch
    window.act("edit.undo")
    assert person.head.id == simple.id
    window.act("edit.undo")
    assert person.head.id == root.id
    window.act("edit.redo")
    assert person.head.id == simple.id
    pruned = person.apply("prune_magnitude", sparsity=0.3)
    assert pruned.parent == simple.id
    assert [child.id for child in person.session.history.children(simple.id)] == [small.id, pruned.id]
    person.panel("variants")
    person.picture("story 5 branched")

    # save, and reopen in place of another model
    person.session.save(tmp_path / "kept")
    before = person.session.history.to_dict()
    engines = [item.path.name for item in person.session.engines_of(small.id)]
    window.act("file.close")
    person.wait(lambda: ctx.session is None)
    person.open(tmp_path / "kept")
    assert person.session.history.to_dict() == before
    assert person.head.id == pruned.id
    assert [item.path.name for item in person.session.engines_of(small.id)] == engines
    again = person.session.latency(small.id)
    assert again == stats
    assert not person.session.problems
    person.wait(lambda: "index" in ctx.services)
    assert graph.isVisible() or person.panel("graph").isVisible()
    person.picture("story 6 reopened")


def test_tensorrt_rtx_builds_in_the_window_and_says_why_it_cannot_run(window: MainWindow, qtbot: QtBot) -> None:
    person = Person(window, qtbot)
    person.open(SAMPLE / "digits.onnx")
    person.apply("simplify")
    person.apply("quantize_int8", profile="tensorrt", data=str(SAMPLE / "calibration.npz"), samples=64)
    panel = person.panel("build")
    person.wait(lambda: "tensorrt_rtx" in panel.states)
    state = panel.states["tensorrt_rtx"]
    if not state.can_build:
        pytest.skip(f"TensorRT-RTX cannot build here: {state.reason}")
    engine = person.build("tensorrt_rtx", target="SM89")
    assert engine.size > 10_000
    assert engine.layers
    if not state.can_run:
        assert state.reason
        assert state.hint
    person.picture("story 7 built for RTX")
