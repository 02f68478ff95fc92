"""The overlays panel in a real window: what is chosen is computed, drawn, listed, and follows the variant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.overlays import OVERLAYS
from core.overlays.latency import ID as LATENCY
from core.overlays.numbers import Numbers
from gui.graph.tips import tip
from gui.graph.viewer import Viewer
from gui.panels.overlays import OverlaysPanel
from gui.window import MainWindow
from gui.worn.spread import parse
from tests import models

Open = Callable[[Path], None]
PATIENCE = 60_000
OUTPUT = Path(__file__).parents[2] / "output"


@pytest.fixture
def panel(window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> OverlaysPanel:
    """The panel beside the graph of a small CNN whose batch is symbolic."""
    open_model(models.save(models.residual_cnn(batch="N"), tmp_path / "residual.onnx"))
    return shown(window, qtbot)


def shown(window: MainWindow, qtbot: QtBot) -> OverlaysPanel:
    window.show_panel("graph")
    panel = window.show_panel("overlays")
    assert isinstance(panel, OverlaysPanel)
    qtbot.waitUntil(lambda: window.ctx.services["graph.view"].layouts.state == "ready", timeout=PATIENCE)
    return panel


def canvas(panel: OverlaysPanel) -> Viewer:
    found = panel.ctx.services["graph.view"].canvas
    assert isinstance(found, Viewer)
    return found


def choose(panel: OverlaysPanel, id: str, qtbot: QtBot) -> None:
    combo = panel.choice.colour
    combo.setCurrentIndex(combo.findData(id))
    qtbot.waitUntil(lambda: panel.overlays.state(id) == "ready", timeout=PATIENCE)


def listed(panel: OverlaysPanel) -> list[str]:
    rows = panel.top.table.rows
    return [rows.shown(row, 0) for row in range(rows.rowCount())]


def test_it_says_what_it_is_for_before_a_model_is_open(window: MainWindow) -> None:
    panel = window.show_panel("overlays")
    assert isinstance(panel, OverlaysPanel)
    assert panel.pages.currentIndex() == 0


@pytest.mark.parametrize("id", OVERLAYS.ids())
def test_every_overlay_is_drawn_and_listed(panel: OverlaysPanel, qtbot: QtBot, id: str) -> None:
    choose(panel, id, qtbot)
    heat = canvas(panel).heat
    assert heat is not None
    assert heat.coloured
    assert (heat.shade >= 0).any()
    assert panel.top.isVisible()
    assert listed(panel)
    index = panel.overlays.index
    assert index is not None
    best = panel.top.table.rows.value(0, 2)
    found = panel.overlays.found(id)
    assert found is not None
    if not found.names:
        assert best == (np.nanmin if panel.overlays.reversed(id) else np.nanmax)(found.values)
    assert panel.plot.isVisible() == (id == "memory")


def test_keys_go_through_them_and_take_them_off(panel: OverlaysPanel, window: MainWindow, qtbot: QtBot) -> None:
    ids = OVERLAYS.ids()
    for expected in (ids[0], ids[1], ids[2]):
        window.act("overlay.next")
        assert panel.overlays.colour == expected
    window.act("overlay.previous")
    assert panel.overlays.colour == ids[1]
    assert panel.choice.colour.currentData() == ids[1]
    qtbot.waitUntil(lambda: canvas(panel).heat is not None, timeout=PATIENCE)
    assert f"Coloured by {OVERLAYS[ids[1]].title}" in canvas(panel).accessibleDescription()
    window.act("overlay.none")
    assert canvas(panel).heat is None
    window.act(f"overlay.show.{ids[2]}")
    assert panel.overlays.colour == ids[2]
    window.act("overlay.none")
    window.act("overlay.previous")  # round and round; what nobody has measured is passed over
    assert panel.overlays.colour == ids[-1]


def test_a_click_in_the_list_selects_and_reveals(panel: OverlaysPanel, window: MainWindow, qtbot: QtBot) -> None:
    choose(panel, "macs", qtbot)
    revealed: list[str] = []
    window.ctx.selection.reveal.connect(revealed.append)
    panel.top.table.selectRow(1)
    name = listed(panel)[1]
    assert window.ctx.selection.nodes == (name,)
    assert revealed == [name]
    window.ctx.selection.set((listed(panel)[2],), None)
    assert panel.top.table.selected_rows == [2]
    panel.top.k.setValue(2)
    assert len(listed(panel)) == 2
    window.act("overlay.copy")
    assert QApplication.clipboard().text().splitlines()[1].startswith(listed(panel)[0] + "\tConv\t")


def test_threshold_log_and_direction(panel: OverlaysPanel, window: MainWindow, qtbot: QtBot) -> None:
    choose(panel, "macs", qtbot)
    found = panel.overlays.found("macs")
    assert found is not None
    assert panel.spread.count.text().startswith("5 of 5 nodes · 100.0")
    panel.spread.field.setText("10k")
    QTest.keyClick(panel.spread.field, Qt.Key.Key_Return)
    heat = canvas(panel).heat
    assert heat is not None
    assert heat.threshold == 10_000
    assert ((heat.shade >= 0) == (np.nan_to_num(found.values) >= 10_000)).all()
    inside = np.nan_to_num(found.values)
    share = inside[inside >= 10_000].sum() / inside.sum()
    count = int((inside >= 10_000).sum())
    assert panel.spread.count.text() == f"{count} of 5 nodes · {share * 100:.1f}\u202f% of the total"
    panel.spread.slider.setValue(0)
    heat = canvas(panel).heat
    assert heat is not None
    assert heat.threshold != heat.threshold
    before = heat.log
    window.act("overlay.log")
    heat = canvas(panel).heat
    assert heat is not None
    assert heat.log is not before
    panel.spread.reverse.click()
    heat = canvas(panel).heat
    assert heat is not None
    assert heat.reverse
    assert heat.shade[int(np.nanargmin(found.values))] == 23
    assert panel.top.table.rows.value(0, 2) == np.nanmin(found.values)


def test_badges_are_at_most_three_and_in_the_tip(panel: OverlaysPanel, window: MainWindow, qtbot: QtBot) -> None:
    for action in panel.choice.group.actions()[:3]:
        action.trigger()
    assert panel.overlays.badges == OVERLAYS.ids()[:3]
    fourth = panel.choice.group.actions()[3]
    assert not fourth.isEnabled()
    assert "another" in fourth.toolTip()
    qtbot.waitUntil(lambda: (heat := canvas(panel).heat) is not None and len(heat.badges) == 3, timeout=PATIENCE)
    choose(panel, "dtype", qtbot)
    scene, heat = canvas(panel).scene, canvas(panel).heat
    assert scene is not None
    assert heat is not None
    said = tip(scene, scene.rows["/stem/Conv"], None, heat)
    for part in ("Output dtype: float32", "Parameters: 224", "Weight bytes: 896", "Compute: 13.8"):
        assert part in said
    panel.choice.group.actions()[0].trigger()
    assert panel.overlays.badges == OVERLAYS.ids()[1:3]


def test_tensors_have_their_bytes_in_the_tip(panel: OverlaysPanel, qtbot: QtBot) -> None:
    choose(panel, "activations", qtbot)
    scene = canvas(panel).scene
    assert scene is not None
    tensor = scene.index.tensors.index("stem")
    assert "2.05\u202fkB" in tip(scene, None, tensor, canvas(panel).heat)
    panel.dim.setValue(4)
    qtbot.waitUntil(lambda: "8.19\u202fkB" in tip(scene, None, tensor, canvas(panel).heat), timeout=PATIENCE)


def test_words_select_all_of_their_nodes(panel: OverlaysPanel, window: MainWindow, qtbot: QtBot) -> None:
    choose(panel, "weight_dtype", qtbot)
    assert listed(panel) == ["float32"]
    panel.top.table.selectRow(0)
    assert "/fc/Gemm" in window.ctx.selection.nodes
    assert "/stem/Relu" not in window.ctx.selection.nodes
    assert not panel.spread.isVisible()


def test_the_course_of_memory_leads_to_its_peak(panel: OverlaysPanel, window: MainWindow, qtbot: QtBot) -> None:
    choose(panel, "memory", qtbot)
    panel.plot.furnish()
    found = panel.overlays.found("memory")
    index = panel.overlays.index
    assert found is not None
    assert index is not None
    peak = index.names[int(np.nanargmax(found.values))]
    assert panel.plot.names[panel.plot.peak] == peak
    panel.plot.pick(panel.plot.peak + 0.4)
    assert window.ctx.selection.nodes == (peak,)
    assert panel.plot.csv().splitlines()[1].startswith("0,/stem/Conv,")


def test_it_survives_another_variant_and_goes_with_the_model(
    panel: OverlaysPanel, window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    choose(panel, "sparsity", qtbot)
    found = panel.overlays.found("sparsity")
    assert found is not None
    assert np.nanmax(found.values) < 100
    before = float(np.nansum(found.values))
    window.ctx.selection.set((), None)
    passes = window.show_panel("passes")
    passes.choose("prune_magnitude")  # type: ignore[attr-defined]
    window.act("passes.apply")
    window.show_panel("overlays")
    session = window.ctx.session
    assert session is not None
    qtbot.waitUntil(lambda: len(session.history.variants) == 2, timeout=PATIENCE)
    qtbot.waitUntil(
        lambda: (now := panel.overlays.found("sparsity")) is not None and float(np.nansum(now.values)) > before + 50, timeout=PATIENCE
    )
    heat = canvas(panel).heat
    assert heat is not None
    assert heat.title == "Sparsity"
    open_model(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    assert panel.overlays.colour == ""
    qtbot.waitUntil(lambda: panel.choice.colour.currentData() == "", timeout=PATIENCE)
    window.act("file.close")
    assert panel.pages.currentIndex() == 0


def test_latency_is_measured_and_laid_over_the_graph(panel: OverlaysPanel, window: MainWindow, qtbot: QtBot) -> None:
    combo = panel.choice.colour
    combo.setCurrentIndex(combo.findData(LATENCY))
    assert panel.measuring.button.isVisible()
    assert panel.hint.title.text() == "Not measured for this variant"
    window.act("overlay.measure")
    assert not panel.measuring.button.isEnabled()
    qtbot.waitUntil(lambda: panel.overlays.state(LATENCY) == "ready", timeout=PATIENCE)
    heat = canvas(panel).heat
    assert heat is not None
    assert heat.unit == "ms"
    assert "in all kernels" in panel.notes.text()
    assert panel.measuring.button.isEnabled()
    assert panel.measuring.button.text() == "Measure again"


def test_a_model_that_cannot_run_is_told_where_one_reads(window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path) -> None:
    open_model(models.save(models.unknown_domain(), tmp_path / "unknown.onnx"))
    panel = shown(window, qtbot)
    window.act("overlay.measure")
    qtbot.waitUntil(lambda: panel.measuring.line.error is not None, timeout=PATIENCE)
    assert panel.measuring.line.message.text()
    assert panel.measuring.button.isEnabled()


def test_another_model_ends_the_measurement(
    panel: OverlaysPanel, window: MainWindow, open_model: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    window.act("overlay.measure")
    handle = panel.measuring.line.handle
    assert handle is not None
    assert not handle.over
    open_model(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    assert not panel.measuring.line.busy
    qtbot.waitUntil(lambda: handle.over, timeout=PATIENCE)
    assert window.ctx.session is not None
    assert window.ctx.session.numbers_of("v0") == ()


def test_reading_weights_can_be_cancelled_and_tried_again(panel: OverlaysPanel, qtbot: QtBot) -> None:
    panel.overlays.choose("sparsity")
    job = panel.overlays.job("sparsity")
    assert job is not None
    assert panel.hint.title.text() == "Computing sparsity…"
    job.cancel()
    qtbot.waitUntil(lambda: panel.overlays.state("sparsity") == "failed", timeout=PATIENCE)
    assert panel.hint.title.text() == "Sparsity cannot be computed"
    panel.again_button.click()
    qtbot.waitUntil(lambda: panel.overlays.state("sparsity") == "ready", timeout=PATIENCE)
    assert not panel.again_button.isVisible()


def test_what_nobody_waits_for_is_not_computed(panel: OverlaysPanel, qtbot: QtBot) -> None:
    panel.overlays.choose("sparsity")
    job = panel.overlays.job("sparsity")
    assert job is not None
    panel.overlays.choose("macs")
    qtbot.waitUntil(lambda: job.over, timeout=PATIENCE)
    assert job.state == "cancelled"
    assert panel.overlays.found("sparsity") is None
    assert panel.overlays.error("sparsity") is None


def test_numbers_of_others_are_offered(panel: OverlaysPanel, window: MainWindow, qtbot: QtBot) -> None:
    session = window.ctx.session
    assert session is not None
    head = session.history.head
    assert head is not None
    session.add_numbers(head, Numbers("error.int8", "Error of INT8", "dB", {"/stem/Conv": 30.0, "/fc/Gemm": 55.0}, "a test", good="high"))
    names = ("built", "fell back")
    session.add_numbers(head, Numbers("build", "Build status", "", {"/stem/Conv": 0.0, "/fc/Gemm": 1.0}, "a test", "", "none", names))
    choose(panel, "error.int8", qtbot)
    assert listed(panel) == ["/stem/Conv", "/fc/Gemm"]  # the worst first
    choose(panel, "build", qtbot)
    assert listed(panel) == ["built", "fell back"]
    heat = canvas(panel).heat
    assert heat is not None
    assert heat.words() == ("built", "fell back")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.2M", 1.2e6),
        ("500 kB", 5e5),
        ("3e-3", 0.003),
        ("42 %", 42.0),
        ("0.5 ms", 0.5),
        ("7 MACs", 7.0),
        ("2\u202fGMACs", 2e9),
        (".5", 0.5),
    ],
)
def test_numbers_as_people_type_them(text: str, value: float) -> None:
    assert parse(text) == pytest.approx(value)
    assert parse("") != parse("")
    assert parse("none") != parse("none")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures(window: MainWindow, open_model: Open, qtbot: QtBot, theme: str) -> None:
    from core.cli.sample import path as sample

    open_model(sample("digits.onnx"))
    window.act(f"view.theme.{theme}")
    panel = shown(window, qtbot)
    OUTPUT.mkdir(exist_ok=True)
    for width, height in ((960, 600), (1600, 1000)):
        window.resize(width, height)
        window.act("view.reset_layout")
        window.show_panel("overlays")
        for id, badges in (("", ()), ("macs", ("parameters", "activations")), ("memory", ()), ("dtype", ("weight_bytes",)), (LATENCY, ())):
            panel.overlays.set_badges(badges)
            panel.overlays.choose(id)
            canvas(panel).full_size()
            qtbot.waitUntil(lambda: all(panel.overlays.state(one) != "working" for one in (id, *badges) if one), timeout=PATIENCE)  # noqa: B023
            if id == "memory":
                panel.plot.furnish()
            if id == LATENCY and panel.overlays.state(id) == "absent":
                window.act("overlay.measure")
                qtbot.waitUntil(lambda: panel.overlays.state(LATENCY) == "ready", timeout=PATIENCE)
            qtbot.wait(400)
            assert window.grab().save(str(OUTPUT / f"overlays-{id or 'none'}-{theme}-{width}.png"))
