"""Each plot: empty, with data, in both themes, and taken along as PNG, SVG and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.plots.bars import Bar, BarsPlot
from gui.plots.base import Plot, latency, number
from gui.plots.histogram import HistogramPlot
from gui.plots.live import LivePlot
from gui.plots.scatter import Point, ScatterPlot, front
from gui.theme import Theme


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme("dark")


def live(theme: Theme) -> LivePlot:
    return LivePlot(theme)


def fill_live(plot: Plot) -> None:
    assert isinstance(plot, LivePlot)
    for color, (name, ms) in enumerate((("fp32", 0.71), ("int8, tensorrt", 0.34))):
        plot.start(name, name, color)
        plot.add(name, np.linspace(-0.5, 5.0, 4000), np.random.default_rng(color).normal(ms, 0.005, 4000))


def fill_histogram(plot: Plot) -> None:
    from gui.plots.series import Counts

    assert isinstance(plot, HistogramPlot)
    counts = Counts()
    counts.add(np.random.default_rng(0).normal(0.7, 0.01, 4000))
    plot.show_counts("fp32", "fp32", 0, counts)


def fill_bars(plot: Plot) -> None:
    assert isinstance(plot, BarsPlot)
    plot.set_bars((Bar("fp32", 0.71, 0.70, 0.72, 0), Bar("int8, tensorrt", 0.34, color=1)))


def fill_scatter(plot: Plot) -> None:
    assert isinstance(plot, ScatterPlot)
    plot.set_points((Point("v0", "fp32", 18.0, 0.7), Point("v1", "int8, tensorrt", 5.0, 0.3, 1, True), Point("v2", "worse", 19.0, 0.8, 2)))


def bars(theme: Theme) -> BarsPlot:
    return BarsPlot(theme, title="Medians", measure="Median latency", unit="ms", empty="Nothing yet.")


def scatter(theme: Theme) -> ScatterPlot:
    return ScatterPlot(theme, title="Size and latency", x="Size", x_unit="MB", y="Latency", y_unit="ms", empty="Nothing yet.")


KINDS = [
    pytest.param((live, fill_live), id="live"),
    pytest.param((HistogramPlot, fill_histogram), id="histogram"),
    pytest.param((bars, fill_bars), id="bars"),
    pytest.param((scatter, fill_scatter), id="scatter"),
]
Kind = tuple[Callable[[Theme], Plot], Callable[[Plot], None]]


@pytest.fixture
def shown(request: pytest.FixtureRequest, theme: Theme, qtbot: QtBot) -> Iterator[tuple[Plot, Callable[[Plot], None]]]:
    make, fill = request.param
    plot = make(theme)
    qtbot.addWidget(plot)
    plot.resize(480, 220)
    plot.show()
    yield plot, fill
    plot.release()


def ink(image: QImage) -> int:
    """How many different colours there are: an empty picture has one."""
    small = image.convertToFormat(QImage.Format.Format_RGB32)
    return len({small.pixel(x, y) for x in range(0, small.width(), 2) for y in range(0, small.height(), 2)})


def turn_wheel(plot: Plot) -> None:
    """One notch towards the person, in the middle of the drawing: zooms in."""
    view = plot.canvas.viewport()
    at = QPointF(view.rect().center())
    flags = (Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase)
    QApplication.sendEvent(view, QWheelEvent(at, QPointF(view.mapToGlobal(at)), QPoint(), QPoint(0, 120), *flags, False))


@pytest.mark.parametrize("shown", KINDS, indirect=True)
def test_empty_then_drawn_then_taken_along(shown: tuple[Plot, Callable[[Plot], None]], qtbot: QtBot, tmp_path: Path) -> None:
    plot, fill = shown
    assert not plot.has_data()
    assert plot.canvas is None
    assert plot._empty.isVisible()
    assert not any(action.isEnabled() for action in plot.menu().actions()[:4])
    fill(plot)
    qtbot.waitUntil(lambda: plot.canvas is not None and plot.canvas.isVisible())
    assert plot.has_data()
    for name in ("plot.png", "plot.svg"):
        plot.save_picture(tmp_path / name)
    assert ink(QImage(str(tmp_path / "plot.png"))) > 6
    svg = (tmp_path / "plot.svg").read_text()
    assert svg.count("<text") + svg.count("<path") > 5
    assert "<image" not in svg
    plot.copy_picture()
    assert not QGuiApplication.clipboard().image().isNull()
    plot.copy_csv()
    rows = [row for row in csv.reader(io.StringIO(QGuiApplication.clipboard().text())) if not row[0].startswith("#")]
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("shown", KINDS, indirect=True)
def test_the_theme_is_followed_live(shown: tuple[Plot, Callable[[Plot], None]], theme: Theme) -> None:
    plot, fill = shown
    plot.furnish()
    fill(plot)
    theme.choose("light")
    assert plot.canvas.backgroundBrush().color() == theme.color("panel")
    image = plot.picture(1.0)
    assert image.pixelColor(1, image.height() - 2) == theme.color("panel")


def test_a_live_plot_draws_only_what_is_new(theme: Theme, qtbot: QtBot) -> None:
    plot = LivePlot(theme)
    qtbot.addWidget(plot)
    plot.resize(480, 220)
    plot.furnish()
    plot.show()
    plot.start("a", "a", 0)
    for start in range(20):
        plot.add("a", start + np.linspace(0.0, 0.9, 50), np.full(50, 0.7))
    qtbot.waitUntil(lambda: not plot._timer.isActive())
    assert 1 <= plot.frames <= 3, "twenty batches at once are one frame"
    drawn = plot.frames
    plot.set_paused(True)
    plot.add("a", np.array([20.5]), np.array([0.7]))
    assert not plot._timer.isActive()
    plot.set_paused(False)
    qtbot.waitUntil(lambda: plot.frames == drawn + 1)
    plot.hide()
    plot.add("a", np.array([21.5]), np.array([0.7]))
    assert not plot._timer.isActive()
    plot.show()
    qtbot.waitUntil(lambda: plot.frames == drawn + 2)
    plot.release()


def test_a_live_plot_follows_until_moved_by_hand(theme: Theme, qtbot: QtBot) -> None:
    plot = LivePlot(theme)
    qtbot.addWidget(plot)
    plot.furnish()
    plot.show()
    plot.start("a", "a", 0)
    plot.add("a", np.linspace(-0.5, 1.0, 100), np.full(100, 0.7))
    qtbot.waitUntil(lambda: plot.frames == 1)
    box = plot.canvas.getViewBox()
    assert box.viewRange()[0] == pytest.approx([-0.5, 1.0])
    assert plot.counts("a").total == 67, "the warm-up is drawn, not counted"
    turn_wheel(plot)
    zoomed = box.viewRange()[0]
    assert zoomed[1] - zoomed[0] < 1.4
    plot.add("a", np.array([2.0]), np.array([0.7]))
    qtbot.waitUntil(lambda: plot.frames == 2)
    assert box.viewRange()[0] == pytest.approx(zoomed)
    plot.show_all()
    assert box.viewRange()[0] == pytest.approx([-0.5, 2.0])
    plot.clear()
    assert plot._empty.isVisible()
    plot.release()


def test_one_stall_does_not_flatten_the_rest_but_is_told(theme: Theme, qtbot: QtBot) -> None:
    plot = LivePlot(theme)
    qtbot.addWidget(plot)
    plot.furnish()
    plot.show()
    latencies = np.full(5000, 0.7)
    latencies[3000] = 90.0
    plot.start("a", "a", 0)
    plot.add("a", np.linspace(0.0, 3.0, 5000), latencies)
    qtbot.waitUntil(lambda: plot.frames == 1)
    assert plot.canvas.getViewBox().viewRange()[1][1] < 2.0
    assert plot._above.toPlainText() == "▲ 1 above, slowest 90.0 ms"
    plot._set_all_spikes(True)
    assert plot.canvas.getViewBox().viewRange()[1][1] > 90.0
    plot.release()


def test_logarithmic_share_keeps_a_rare_tail_visible(theme: Theme, qtbot: QtBot) -> None:
    plot = HistogramPlot(theme)
    qtbot.addWidget(plot)
    plot.furnish()
    plot.show()
    fill_histogram(plot)
    plot.set_log_share(True)
    low, high = plot.canvas.getViewBox().viewRange()[1]
    assert low == pytest.approx(np.log10(100.0 / 4000 / 2))
    assert high > low
    plot.set_whole_tail(True)
    plot.clear()
    assert plot._empty.isVisible()
    plot.release()


def test_the_front_holds_what_nothing_beats() -> None:
    points = tuple(Point(str(i), str(i), x, y) for i, (x, y) in enumerate([(5, 3), (4, 4), (6, 3), (9, 1), (4, 5), (10, 1)]))
    assert [point.key for point in front(points)] == ["1", "0", "3"]


def test_numbers_in_words() -> None:
    assert [number(v) for v in (0.7124, 12.41, 1240.4, 0, float("nan"))] == ["0.712", "12.4", "1\u202f240", "0", "–"]
    assert [latency(v) for v in (0.7124, 0.0831, 1240.0)] == ["0.712 ms", "0.0831 ms", "1.24 s"]


def test_an_uneven_race_gets_a_logarithmic_axis_by_itself(theme: Theme, qtbot: QtBot) -> None:
    plot = LivePlot(theme)
    qtbot.addWidget(plot)
    plot.furnish()
    plot.show()
    latencies = np.where(np.arange(2000) % 20 == 0, 30.0, 0.1)
    plot.start("a", "a", 0)
    plot.add("a", np.linspace(0.0, 3.0, 2000), latencies)
    qtbot.waitUntil(lambda: plot.frames == 1)
    low, high = plot.canvas.getViewBox().viewRange()[1]
    assert 0.01 < 10**low < 0.1
    assert 10**high > 30.0
    assert plot.canvas.getAxis("left").tickStrings([-1.0, 0.0, 1.0], 1.0, 1.0) == ["0.100 ms", "1.00 ms", "10.0 ms"]
    plot.set_log_latency(False)
    assert plot.canvas.getViewBox().viewRange()[1][1] > 30.0
    plot.release()


def test_a_hidden_histogram_is_drawn_when_it_is_shown(theme: Theme, qtbot: QtBot) -> None:
    plot = HistogramPlot(theme)
    qtbot.addWidget(plot)
    plot.furnish()
    fill_histogram(plot)
    shape = plot._shapes["fp32"]
    shape.counts.add(np.full(50_000, 0.9))
    plot.refresh()
    assert shape.marks[0].value() == pytest.approx(0.7, abs=0.01), "hidden: not drawn"
    plot.show()
    assert shape.marks[0].value() == pytest.approx(0.9, abs=0.01)
    plot.release()
