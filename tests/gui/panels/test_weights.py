"""The weights panel: a list, and of one weight everything that is read of it while it is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from gui.graph.histogram import Histogram
from gui.panels.weights import VIEWS, WeightsPanel
from gui.window import MainWindow
from tests import models

Open = Callable[[Path], None]
PATIENCE = 60_000
OUT = Path(__file__).parents[2] / "output"


@pytest.fixture
def panel(window: MainWindow) -> WeightsPanel:
    panel = window.show_panel("weights")
    assert isinstance(panel, WeightsPanel)
    return panel


def look(panel: WeightsPanel, qtbot: QtBot, name: str, view: str = "") -> Any:
    """Look into a weight, with one of the views in front; gives that, when it has read."""
    qtbot.waitUntil(lambda: panel.pages.currentIndex() == 2, timeout=PATIENCE)
    panel.look_into(name)
    qtbot.waitUntil(lambda: panel.looking.page is not None and panel.looking.page.name == name, timeout=PATIENCE)
    found = panel.show_view(view or "overview")
    if view and view != "values":
        qtbot.waitUntil(lambda: found.part is not None and found.part.over, timeout=PATIENCE)
    return found


def mixed() -> onnx.ModelProto:
    """Weights of many shapes and dtypes: long names, a scalar, text, nothing, NaN, int4."""
    model = models.mlp()
    rng = np.random.default_rng(4)
    conv = (rng.standard_normal((96, 48, 3, 3)) * 0.02).astype(np.float32)
    conv[:, ::2] = 0.0
    wide = rng.standard_normal((700, 1300)).astype(np.float32) * np.linspace(0.01, 1, 700, dtype=np.float32)[:, None]
    odd = np.array([[np.nan, np.inf, 1.0, -2.0]], np.float32)
    arrays = {
        "/model/layers.17/self_attn/very/long/name/of/an/exporter/that/never/ends/k_proj.weight": wide,
        "conv.weight": conv,
        "odd": odd,
        "scalar": np.array(0.5, np.float32),
        "nothing": np.zeros((0, 3), np.float32),
        "line": np.arange(4000, dtype=np.int64),
    }
    for name, array in arrays.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    model.graph.initializer.append(onnx.helper.make_tensor("words", onnx.TensorProto.STRING, [2], [b"one", b"two"]))
    packed = onnx.TensorProto(name="packed", data_type=onnx.TensorProto.INT4, dims=[3, 4], raw_data=bytes([0x21, 0xF3] * 3))
    model.graph.initializer.append(packed)
    return model


@pytest.fixture
def loaded(panel: WeightsPanel, open_model: Open, tmp_path: Path, qtbot: QtBot) -> WeightsPanel:
    open_model(models.save(mixed(), tmp_path / "mixed.onnx"))
    qtbot.waitUntil(lambda: panel.pages.currentIndex() == 2, timeout=PATIENCE)
    return panel


def test_it_says_what_it_is_for(panel: WeightsPanel, window: MainWindow) -> None:
    assert panel.pages.currentIndex() == 0
    assert window.menus.reason("weights.export")


def test_the_list_sorts_and_filters(loaded: WeightsPanel, qtbot: QtBot) -> None:
    table = loaded.listing.table
    assert len(table.shown_rows) == 12
    table.sort_by("bytes", down=True)
    assert loaded.listing.names[table.shown_rows[0]].endswith("k_proj.weight")
    loaded.listing.field.setText("conv")
    assert [loaded.listing.names[row] for row in table.shown_rows] == ["conv.weight"]
    table.select_rows(table.shown_rows)
    qtbot.waitUntil(lambda: loaded.looking.page is not None, timeout=PATIENCE)
    assert loaded.head.name.text() == "conv.weight"


def test_statistics_and_a_histogram(loaded: WeightsPanel, qtbot: QtBot) -> None:
    look(loaded, qtbot, "conv.weight", "overview")
    stats = loaded.view("overview").stats
    assert stats is not None
    assert stats.zeros == 0.5
    loaded.view("overview").log.setChecked(True)
    assert loaded.view("overview").findChild(Histogram) is not None
    assert loaded.listing.table.value(loaded.listing.names.index("conv.weight"), "zeros") == 0.5


def test_ranges_are_sorted_and_read_out(loaded: WeightsPanel, qtbot: QtBot) -> None:
    name = loaded.listing.names[int(np.argmax([len(each) for each in loaded.listing.names]))]
    look(loaded, qtbot, name, "ranges")
    ranges = loaded.view("ranges")
    assert ranges.part.absmax.shape == (700,)
    ranges.sort.setCurrentIndex(ranges.sort.findData("absmax"))
    assert ranges._order[0] == int(np.argmax(ranges.part.absmax))
    ranges.plot.setFocus()
    QTest.keyClick(ranges.plot, Qt.Key.Key_Right)
    assert ranges.readout.text().startswith(f"{ranges._order[1]}: ")
    ranges.axis.combo.setCurrentIndex(1)
    qtbot.waitUntil(lambda: ranges.part is not None and ranges.part.axis == 1 and ranges.part.over, timeout=PATIENCE)
    ranges.as_table.setChecked(True)
    assert len(ranges.table.shown_rows) == 1300


def test_groups_of_four(loaded: WeightsPanel, qtbot: QtBot) -> None:
    look(loaded, qtbot, "conv.weight", "groups")
    assert loaded.view("groups").verdict.text() == "Every group complies."
    loaded.view("groups").picture.point(3, 4)
    assert "comply" in loaded.view("groups").readout.text()
    loaded.view("groups").axis.combo.setCurrentIndex(0)
    qtbot.waitUntil(
        lambda: loaded.view("groups").part is not None and loaded.view("groups").part.axis == 0 and loaded.view("groups").part.over,
        timeout=PATIENCE,
    )
    assert "50.0" in loaded.view("groups").verdict.text()


def test_the_heat_map_leads_to_values(loaded: WeightsPanel, qtbot: QtBot) -> None:
    look(loaded, qtbot, "conv.weight", "heat")
    heat = loaded.view("heat")
    assert heat.part.values.shape == (96, 48)
    assert set(heat.cut.spins) == {2, 3}
    heat.cut.spins[3].setValue(2)
    qtbot.waitUntil(lambda: heat.part is not None and heat.part.over and loaded.looking.cut.at == (0, 0, 0, 2), timeout=PATIENCE)
    heat.picture.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right):
        QTest.keyClick(heat.picture, key)
    assert heat.readout.text().startswith("[1, 2, 0, 2]")
    QTest.keyClick(heat.picture, Qt.Key.Key_Return)
    assert loaded.view("values").isVisible()
    qtbot.waitUntil(lambda: loaded.view("values").readout.text() == "[1, 2, 0, 2]", timeout=PATIENCE)


def shown(panel: WeightsPanel, row: int, column: int) -> str | None:
    return panel.view("values").model.text(row, column)


def test_values_are_read_as_they_come_into_view(loaded: WeightsPanel, qtbot: QtBot, tmp_path: Path) -> None:
    name = next(each for each in loaded.listing.names if each.endswith("k_proj.weight"))
    look(loaded, qtbot, name, "values")
    array = onnx.numpy_helper.to_array(next(each for each in onnx.load(tmp_path / "mixed.onnx").graph.initializer if each.name == name))
    qtbot.waitUntil(lambda: shown(loaded, 0, 0) is not None, timeout=PATIENCE)
    values = loaded.view("values")
    rows, columns = (values.model.table.rows, values.model.table.columns) if values.model.table else (0, 0)
    wanted = array if (rows, columns) == array.shape else array.T
    assert shown(loaded, 0, 1) == str(wanted[0, 1])
    assert shown(loaded, rows - 1, columns - 1) is None
    values.field.setText(f"{rows - 1}, {columns - 1}")
    QTest.keyClick(values.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: shown(loaded, rows - 1, columns - 1) is not None, timeout=PATIENCE)
    assert shown(loaded, rows - 1, columns - 1) == str(wanted[-1, -1])


def test_values_are_copied(loaded: WeightsPanel, window: MainWindow, qtbot: QtBot) -> None:
    look(loaded, qtbot, "fc1.weight", "values")
    qtbot.waitUntil(lambda: shown(loaded, 0, 0) is not None, timeout=PATIENCE)
    model = loaded.view("values").model
    QApplication.clipboard().clear()
    loaded.view("values").view.selectionModel().select(
        QItemSelection(model.index(1, 0), model.index(2, 15)), QItemSelectionModel.SelectionFlag.ClearAndSelect
    )
    window.act("weights.copy")
    qtbot.waitUntil(lambda: bool(QApplication.clipboard().text()), timeout=PATIENCE)
    lines = QApplication.clipboard().text().splitlines()
    assert [len(line.split("\t")) for line in lines] == [16, 16]
    assert lines[0].split("\t")[0] == model.text(1, 0)


@pytest.mark.parametrize(
    ("name", "first"), [("words", "one"), ("packed", "1"), ("odd", "nan"), ("scalar", "0.5"), ("line", "0"), ("nothing", None)]
)
def test_odd_weights_have_every_view(loaded: WeightsPanel, qtbot: QtBot, name: str, first: str | None) -> None:
    look(loaded, qtbot, name, "values")
    if first is not None:
        qtbot.waitUntil(lambda: shown(loaded, 0, 0) is not None, timeout=PATIENCE)
        assert shown(loaded, 0, 0) == first
    for each in ("overview", "ranges", "groups", "heat"):
        view = loaded.show_view(each)
        if name in ("words", "nothing"):
            assert view.stack.currentIndex() == 0
            assert view.said.text().startswith("This weight")
        else:
            qtbot.waitUntil(lambda view=view: view.part is not None and view.part.over, timeout=PATIENCE)  # type: ignore[misc]
            assert not view.grab().isNull()


def test_a_long_reading_can_be_stopped_and_goes_on(loaded: WeightsPanel, qtbot: QtBot) -> None:
    overview = loaded.view("overview")
    answers: list[float] = []
    keep = overview._part

    def halt(part: object) -> None:
        keep(part)
        answers.append(part.share)  # type: ignore[attr-defined]
        if len(answers) == 1 and not part.over:  # type: ignore[attr-defined]
            overview._stop_or_go_on()

    overview._part = halt  # type: ignore[method-assign]
    name = next(each for each in loaded.listing.names if each.endswith("k_proj.weight"))
    look(loaded, qtbot, name)
    qtbot.waitUntil(lambda: bool(answers), timeout=PATIENCE)
    if answers[0] < 1.0:
        assert overview.stop_button.text() == "Read on"
        assert not overview._reading.running
        overview.stop_button.click()
    qtbot.waitUntil(lambda: overview.stats is not None, timeout=PATIENCE)
    assert overview.progress.isHidden()


def test_zeros_of_all_weights_are_found(loaded: WeightsPanel, qtbot: QtBot) -> None:
    loaded.listing.measure.click()
    qtbot.waitUntil(lambda: loaded.listing.measure.text() == "Find zeros", timeout=PATIENCE)
    assert None not in loaded.listing._zeros
    loaded.listing.table.sort_by("zeros", down=True)
    assert loaded.listing.names[loaded.listing.table.shown_rows[0]] == "conv.weight"


def test_export(loaded: WeightsPanel, window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look(loaded, qtbot, "packed")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out"), ""))
    window.act("weights.export")
    qtbot.waitUntil(lambda: not window.ctx.jobs.active() and (tmp_path / "out.npy").exists(), timeout=PATIENCE)
    assert np.load(tmp_path / "out.npy").tolist() == [[1, 2, 3, -1]] * 3
    loaded.export(tmp_path / "nowhere" / "x.npy")
    qtbot.waitUntil(lambda: loaded.line.error is not None, timeout=PATIENCE)


def test_another_variant_keeps_the_weight(loaded: WeightsPanel, window: MainWindow, qtbot: QtBot) -> None:
    from core import history
    from core.passes.edit_interface import EditInterface

    look(loaded, qtbot, "conv.weight", "overview")
    session = window.ctx.session
    assert session is not None
    head = session.history.current
    assert head is not None
    window.ctx.jobs.start(
        history.apply, head.model, EditInterface(rename=("x=image",)), session.models, title="edit", on_done=session.history.commit
    )
    qtbot.waitUntil(lambda: loaded.looking.model is not None and loaded.looking.model != head.model, timeout=PATIENCE)
    assert loaded.looking.page is not None
    assert loaded.looking.page.name == "conv.weight"
    window.act("file.close")
    assert loaded.pages.currentIndex() == 0


def test_a_weight_that_is_not_there_is_told(loaded: WeightsPanel, qtbot: QtBot) -> None:
    loaded.look_into("conv.wieght")
    qtbot.waitUntil(lambda: "no weight" in loaded.nothing.title.text(), timeout=PATIENCE)
    assert "conv.weight" in loaded.nothing.text.text()
    assert loaded.detail.currentIndex() == 0


def test_little_room_has_the_list_or_a_weight(loaded: WeightsPanel, window: MainWindow, qtbot: QtBot) -> None:
    window.resize(960, 600)
    qtbot.waitUntil(lambda: loaded.width() < 620)
    assert loaded.listing.isVisible()
    look(loaded, qtbot, "conv.weight")
    assert not loaded.listing.isVisible()
    loaded.head.back.click()
    assert loaded.listing.isVisible()
    window.resize(1600, 1000)
    qtbot.waitUntil(lambda: loaded.width() >= 620)
    assert loaded.listing.isVisible()
    assert loaded.tabs.isVisible()


@pytest.mark.parametrize("size", [(960, 600), (1280, 800), (1920, 1080)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures(loaded: WeightsPanel, window: MainWindow, qtbot: QtBot, theme: str, size: tuple[int, int]) -> None:
    window.resize(*size)
    window.act(f"view.theme.{theme}")
    window.act("view.reset_layout")
    window.show_panel("weights")
    OUT.mkdir(exist_ok=True)
    qtbot.wait(50)
    window.grab().save(str(OUT / f"weights-list-{theme}-{size[0]}.png"))
    long = next(each for each in loaded.listing.names if each.endswith("k_proj.weight"))
    for each in VIEWS:
        view = look(loaded, qtbot, "conv.weight" if each == "groups" else long, each)
        qtbot.wait(60)
        picture = loaded.grab()
        picture.save(str(OUT / f"weights-{view.title.lower().replace(':', '').replace(' ', '')}-{theme}-{size[0]}.png"))
        assert len({picture.toImage().pixel(x, y) for x in range(0, picture.width(), 5) for y in range(0, picture.height(), 5)}) > 4
    window.grab().save(str(OUT / f"weights-window-{theme}-{size[0]}.png"))
    assert loaded.tabs.mapTo(window, QPoint(0, 0)).x() >= 0
