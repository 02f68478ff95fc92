"""What a race gave: percentiles, histogram, medians with intervals, size against latency, and the results before."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QSplitter, QTabWidget, QWidget

from core.bench import BenchResult
from core.session import Session
from gui import figures
from gui.plots.bars import Bar, BarsPlot
from gui.plots.histogram import HistogramPlot
from gui.plots.scatter import Point, ScatterPlot
from gui.plots.series import Counts
from gui.race import verdict
from gui.table import Column, Table
from gui.theme import Theme

#: As much as Qt allows.
MOST = (1 << 24) - 1


class RaceResults(QTabWidget):
    """Shows `results` by contestant key; `color` and `swatch` say which colour each has."""

    #: Past results were selected: to be shown side by side.
    recalled = Signal(list)

    def __init__(self, theme: Theme, color: Callable[[str], int], swatch: Callable[[str], QIcon], goto: Callable[[str], object]) -> None:
        super().__init__()
        self._color, self._swatch = color, swatch
        self.titles: dict[str, str] = {}
        self.results: dict[str, BenchResult] = {}
        self._past: list[tuple[str, BenchResult]] = []
        self.table = self._make_table()
        self.histogram = HistogramPlot(theme)
        self.bars = BarsPlot(
            theme, title="Medians", measure="Median latency", unit="ms", empty="Medians with their intervals appear after a race."
        )
        self.scatter = ScatterPlot(
            theme, title="Size and latency", x="Size", x_unit="MB", y="Median latency", y_unit="ms",
            empty="Variants that were raced appear here: size against latency.",
        )  # fmt: skip
        self.scatter.on_pick = goto
        self.past = self._make_past()
        self.setDocumentMode(True)
        #: The live plot above the table, in the first tab.
        self.stacked = False
        self.together = QSplitter(Qt.Orientation.Vertical)
        self.together.setChildrenCollapsible(False)
        self.together.hide()
        for widget, title in (
            (self.table, "Table"),
            (self.histogram, "Histogram"),
            (self.bars, "Bars"),
            (self.scatter, "Pareto"),
            (self.past, "Past"),
        ):
            self.addTab(widget, title)
        self.setMinimumWidth(200)

    def arrange(self, how: str, live: QWidget) -> None:
        """Where the live plot stands: `aside` (its owner places it), in a tab of its own (`tabs`), or `above` the table."""
        front = self.widget(self.currentIndex())
        for widget in (live, self.table, self.together):
            if self.indexOf(widget) >= 0:
                self.removeTab(self.indexOf(widget))
        self.table.setMaximumHeight(MOST)
        self.table.setMinimumHeight(0)
        self.stacked = how == "above"
        if self.stacked:
            self.together.addWidget(live)
            self.together.addWidget(self.table)
            self.together.setStretchFactor(0, 1)
            self.insertTab(0, self.together, "Live")
            self._fit()
        else:
            self.together.setParent(self)
            self.together.hide()
            self.insertTab(0, self.table, "Table")
            if how == "tabs":
                self.insertTab(0, live, "Live")
        if self.stacked:  # tabs show and hide what is in them by themselves
            live.show()
            self.table.show()
        kept = self.indexOf(front) if front is not None and front is not self.table else -1
        self.setCurrentIndex(max(0, kept))

    def show_live(self) -> None:
        """Bring the live plot to the front, where it stands behind a tab."""
        if self.tabText(0) == "Live":
            self.setCurrentIndex(0)

    def _fit(self) -> None:
        """Below the plot the table is as high as its rows, five at most."""
        if self.stacked:
            self.table.setFixedHeight(28 + 25 * min(5, max(2, len(self.titles))) + 12)

    def _make_table(self) -> Table:
        ms = figures.three
        table = Table(
            [
                Column("title", "Latency, ms", icon=self._swatch_of),
                *(Column(id, head, "right", 74, tip, ms) for id, head, tip in verdict.PERCENTILES),
                Column("mean", "Mean", "right", 74, "Arithmetic mean", ms),
                Column("throughput", "Per second", "right", 94, "Inferences per second", figures.short),
                Column("count", "n", "right", 82, "Inferences that were measured", figures.whole),
                Column("interval", "Median, 95 %", "right", 172, "Where the true median lies with 95 % confidence (bootstrap)"),
            ]
        )
        table.setAccessibleName("Percentiles")
        table.horizontalHeader().setSectionResizeMode(0, table.horizontalHeader().ResizeMode.Interactive)
        table.setColumnWidth(0, 118)
        return table

    def _make_past(self) -> Table:
        ms = figures.milliseconds
        past = Table(
            [
                Column("created", "When", width=150),
                Column("title", "Contestant"),
                Column("p50", "p50", "right", 98, "Median", ms),
                Column("p99", "p99", "right", 98, "99th percentile", ms),
                Column("batch", "Batch", "right", 64),
                Column("seconds", "Time", "right", 66, "How long it was measured", figures.seconds),
                Column("data", "Inputs", width=130),
            ]
        )
        past.setAccessibleName("Past results")
        past.setToolTip("Select results to see them side by side.")
        past.horizontalHeader().setSectionResizeMode(1, past.horizontalHeader().ResizeMode.Interactive)
        past.setColumnWidth(1, 180)
        past.selection_changed.connect(lambda rows: self.recalled.emit([self._past[row] for row in rows if row < len(self._past)]))
        return past

    def release(self) -> None:
        """Let the plots go."""
        for plot in (self.histogram, self.bars, self.scatter):
            plot.release()

    def begin(self, titles: dict[str, str], results: dict[str, BenchResult] | None = None) -> None:
        """Show these contestants, with the results that are there already."""
        self.titles, self.results = titles, dict(results or {})
        self.histogram.clear()
        for key, result in self.results.items():
            import numpy as np

            counts = Counts()
            counts.add(np.asarray(result.latencies))
            self.follow(key, counts)
        self.refresh({})

    def follow(self, key: str, counts: Counts) -> None:
        """Draw the histogram of a contestant from counts that grow."""
        self.histogram.show_counts(key, self.titles[key], self._color(key), counts)

    def refresh(self, live: dict[str, Counts]) -> None:
        """Rows and plots from the results, and from the counts of who is still measured."""
        rows, bars = [], []
        for key, title in self.titles.items():
            result = self.results.get(key)
            if result is not None:
                stats = result.stats
                rows.append(verdict.row(title, stats))
                bars.append(Bar(title, stats.p50, stats.p50_low, stats.p50_high, self._color(key)))
            elif key in live:
                rows.append(verdict.live_row(title, live[key]))
        self.table.set_rows(rows)
        self._fit()
        if tuple(bars) != self.bars.bars:
            self.bars.set_bars(tuple(bars))
        self.histogram.refresh()

    def _swatch_of(self, title: object) -> QIcon | None:
        key = next((key for key, known in self.titles.items() if known == title), None)
        return None if key is None else self._swatch(key)

    def show_session(self, session: Session) -> None:
        """The results of the whole session: past ones, the newest first, and size against latency."""
        history, found = session.history, []
        for id, results in session.results.benches.items():
            if id in history.variants:
                found += [(f"{history[id].title} · {verdict.engine_title(each)}", each) for each in results]
        found = sorted(found, key=lambda pair: pair[1].created, reverse=True)
        if found != self._past:
            self._past = found
            self.past.set_rows([_past_row(title, each) for title, each in found])
            self.setTabText(self.indexOf(self.past), f"Past ({len(found)})" if found else "Past")
        points = []
        for number, variant in enumerate(history.variants.values()):
            stats = session.latency(variant.id)
            if stats is not None:
                points.append(Point(variant.id, variant.title, variant.model.size / 1e6, stats.p50, number, variant.id == history.head))
        if tuple(points) != self.scatter.points:
            self.scatter.set_points(tuple(points))


def _past_row(title: str, result: BenchResult) -> tuple[object, ...]:
    stats = result.stats
    return (
        verdict.when(result.created),
        title,
        stats.p50,
        stats.p99,
        result.plan.get("batch", 1),
        result.extra.get("seconds"),
        result.data,
    )
