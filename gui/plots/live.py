"""Latency over time, drawn while it is measured; a million samples cost no more to draw than a thousand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QColor, QFontMetricsF, QHideEvent, QPen, QShowEvent
from PySide6.QtWidgets import QMenu, QWidget

from gui.plots.base import Plot, latency, number, quoted
from gui.plots.legend import Entry

if TYPE_CHECKING:
    import numpy as np

    from gui.plots.series import Counts, Series
    from gui.theme import Theme

FRAME_MS = 33
CSV_ROWS = 100_000
#: From this ratio of p99 to median on, the latency axis becomes logarithmic by itself.
UNEVEN = 8.0


class _Lane:
    """One contestant: its samples, and the items that draw them."""

    def __init__(self, title: str, color: int) -> None:
        from gui.plots.series import Counts, Series

        self.title = title
        self.color = color
        self.series: Series = Series()
        self.counts: Counts = Counts()
        self.curve: Any = None
        self.lines: dict[str, Any] = {}


class LivePlot(Plot):
    """Several contestants over the same time axis: 0 is where measuring began, the warm-up before it is shaded.

    Samples come in batches; a 33 ms timer runs only while some are new, and draws once for all that came.
    """

    x_unit = "s"
    y_unit = "ms"

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, title="Latency over time", empty="Latencies appear here while a race runs.", parent=parent)
        self._lanes: dict[str, _Lane] = {}
        self._front = ""
        self.paused = False
        self.follow = True
        self.all_spikes = False
        self.percentile_lines = True
        #: Whether the latency axis is logarithmic; None: as soon as the slow ones are many times slower than the median.
        self.log_latency: bool | None = None
        self._log = False
        self._dirty = False
        self._setting = False
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._frame)
        self.frames = 0

    # --- data in
    def start(self, key: str, title: str, color: int) -> None:
        """Begin (or begin anew) the line of a contestant; it becomes the one whose percentiles are drawn."""
        old = self._lanes.pop(key, None)
        if old is not None:
            self._drop(old)
        self._lanes[key] = _Lane(title, color)
        self._front = key
        self._touch()

    def add(self, key: str, times: np.ndarray, latencies_ms: np.ndarray) -> None:
        """Add samples: `times` float64 seconds, ascending, negative during the warm-up; latencies in milliseconds."""
        lane = self._lanes[key]
        lane.series.append(times, latencies_ms)
        lane.counts.add(latencies_ms[times >= 0])
        self._touch()

    def clear(self) -> None:
        """Forget every contestant."""
        for lane in self._lanes.values():
            self._drop(lane)
        self._lanes.clear()
        self.follow = True
        self._log = False
        self._timer.stop()
        self._dirty = False
        self._changed()

    def counts(self, key: str) -> Counts:
        """The measured latencies of a contestant, counted in bins (the warm-up left out)."""
        return self._lanes[key].counts

    def series(self, key: str) -> Series:
        """Every sample of a contestant, warm-up included."""
        return self._lanes[key].series

    def has(self, key: str) -> bool:
        """Whether this contestant has begun."""
        return key in self._lanes

    def bring_forward(self, key: str) -> None:
        """Draw the percentile lines of this contestant."""
        if key in self._lanes:
            self._front = key
            self._touch()

    def has_data(self) -> bool:
        """Whether any sample has come."""
        return any(lane.series.count for lane in self._lanes.values())

    # --- when to draw
    def _touch(self) -> None:
        self._dirty = True
        if not self.paused and self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _frame(self) -> None:
        if not self._dirty:
            self._timer.stop()
            return
        self._dirty = False
        self.frames += 1
        self._changed()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came while hidden."""
        super().showEvent(event)
        if self._dirty:
            self._touch()

    def hideEvent(self, event: QHideEvent) -> None:
        """A hidden plot costs nothing."""
        super().hideEvent(event)
        self._timer.stop()

    def set_paused(self, paused: bool) -> None:
        """Stop drawing (samples are still kept), or go on."""
        self.paused = paused
        if paused:
            self._timer.stop()
        else:
            self._touch()

    def set_follow(self, follow: bool) -> None:
        """Keep the whole race in view, or leave the view where a person put it."""
        self.follow = follow
        if follow:
            self._touch()

    def show_all(self) -> None:
        """The whole race again, and on from there."""
        self.set_follow(True)
        self._changed()

    def release(self) -> None:
        """Stop drawing for good."""
        self._timer.stop()
        super().release()

    # --- items
    def _furnish(self) -> None:
        from gui.plots import library

        pg = library.load()
        self.canvas.showGrid(x=False, y=True, alpha=0.6)
        self.canvas.setMouseEnabled(x=True, y=False)
        box = self.canvas.getViewBox()
        box.setDefaultPadding(0.0)
        box.disableAutoRange()
        box.sigRangeChangedManually.connect(self._moved_by_hand)
        box.sigXRangeChanged.connect(self._zoomed)
        self._warm = pg.LinearRegionItem(values=(0.0, 0.0), movable=False)
        self._warm.setZValue(-20)
        self._warm_text = pg.TextItem("warm-up", anchor=(0, 0))
        self._above = pg.TextItem("", anchor=(1, 0))
        for item in (self._warm, self._warm_text, self._above):
            self.canvas.addItem(item, ignoreBounds=True)

    def _curve(self, lane: _Lane) -> Any:
        if lane.curve is None:
            from gui.plots import library

            pg = library.load()
            lane.curve = pg.PlotCurveItem()
            self.canvas.addItem(lane.curve)
            for name, style, below in (("p50", Qt.PenStyle.DashLine, 0), ("p99", Qt.PenStyle.DotLine, 1)):
                anchors = [(1, below), (1, below)]
                line = pg.InfiniteLine(angle=0, movable=False, label=name, labelOpts={"position": 0.995, "anchors": anchors})
                line.setZValue(5)
                line.style_ = style
                lane.lines[name] = line
                self.canvas.addItem(line, ignoreBounds=True)
            self._paint_lane(lane)
        return lane.curve

    def _drop(self, lane: _Lane) -> None:
        if lane.curve is not None:
            for item in (lane.curve, *lane.lines.values()):
                self.canvas.removeItem(item)

    def _paint_lane(self, lane: _Lane) -> None:
        colour = self.theme.color(f"series.{lane.color % 8}")
        lane.curve.setPen(QPen(colour, 0))
        for line in lane.lines.values():
            pen = QPen(colour, 0)
            pen.setStyle(line.style_)
            line.setPen(pen)
            line.label.setColor(self.theme.color("text"))
            line.label.setFont(self.theme.small())

    def _colour(self) -> None:
        shade = QColor(self.theme.color("muted"))
        shade.setAlpha(28)
        self._warm.setBrush(shade)
        for line in self._warm.lines:
            line.setPen(QPen(self.theme.color("line"), 0))
        for item in (self._warm_text, self._above):
            item.setColor(self.theme.color("muted"))
            item.setFont(self.theme.small())
        for lane in self._lanes.values():
            if lane.curve is not None:
                self._paint_lane(lane)

    # --- drawing
    def _moved_by_hand(self, *_: object) -> None:
        self.follow = False

    def _zoomed(self, *_: object) -> None:
        if not self._setting and self.has_data():
            self._lines(follow=False)

    def _draw(self) -> None:
        self._lines(follow=self.follow)

    def _place(self, latency_ms: float) -> float:
        """Where a latency stands on the axis."""
        return math.log10(max(latency_ms, 1e-9)) if self._log else latency_ms

    def _room(self, bottom: float, top: float, height: float) -> tuple[float, float]:
        """The ends of the axis, with room below and above for the words beside the lines."""
        words = QFontMetricsF(self.theme.small()).height() + 2.0
        air = (top - bottom) * min(0.3, words / max(height - 2.0 * words, words))
        return (bottom - air if self._log else max(0.0, bottom - air)), top + air

    def _uneven(self, lanes: list[_Lane]) -> bool:
        """Whether some are so much slower than the median that a linear axis would show nothing else."""
        return any(lane.counts.total > 20 and lane.counts.quantile(0.99) > UNEVEN * lane.counts.quantile(0.5) for lane in lanes)

    def _lines(self, *, follow: bool) -> None:
        import numpy as np

        lanes = [lane for lane in self._lanes.values() if lane.series.count]
        if not lanes:
            return
        box = self.canvas.getViewBox()
        start = min(float(lane.series.x[0]) for lane in lanes)
        end = max(float(lane.series.x[-1]) for lane in lanes)
        self._setting = True
        if follow:
            box.setXRange(min(start, 0.0), max(end, start + 0.1), padding=0.0)
        self._log = self.log_latency if self.log_latency is not None else self._log or self._uneven(lanes)
        self.canvas.getAxis("left").setLogMode(self._log)
        highest = self._top(lanes)
        bottom, top = self._room(self._place(self._bottom(lanes)), self._place(highest), box.height())
        highest = 10.0**top if self._log else top
        box.setYRange(bottom, top, padding=0.0)
        self._setting = False
        (left, right), _ = box.viewRange()
        columns = min(1600, max(64, int(box.width())))
        for key, lane in self._lanes.items():
            if not lane.series.count:
                continue
            curve = self._curve(lane)
            x, y = lane.series.peaks(left, right, columns // 2)
            curve.setData(x, np.log10(y) if self._log else y)
            self._mark(lane, key == self._front)
        self._warm.setRegion((start, min(0.0, end)))
        shown = start < 0
        self._warm.setVisible(shown)
        self._warm_text.setVisible(shown and (min(0.0, end) - start) > 0.08 * (right - left))
        self._warm_text.setPos(max(start, left), top)
        missed = sum(lane.counts.above(highest) for lane in lanes)
        slowest = max(lane.counts.high for lane in lanes)
        self._above.setText(f"▲ {missed} above, slowest {latency(slowest)}" if missed else "")
        self._above.setPos(right, top)

    def _mark(self, lane: _Lane, front: bool) -> None:
        shown = front and self.percentile_lines and lane.counts.total > 1
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            line = lane.lines[name]
            line.setVisible(shown)
            if shown:
                value = lane.counts.quantile(share)
                line.setValue(self._place(value))
                line.label.setFormat(f"{name} {latency(value)}")

    def _top(self, lanes: list[_Lane]) -> float:
        """Where the view ends: the 99.9th percentile and some air, so that one stall does not flatten all the rest."""
        measured = [lane.counts for lane in lanes if lane.counts.total]
        if not measured:
            return 1.15 * max(float(lane.series.y.max()) for lane in lanes)
        highest = max(counts.high for counts in measured)
        if self.all_spikes:
            return 1.08 * highest
        usual = max(max(1.35 * counts.quantile(0.999), 2.0 * counts.quantile(0.5)) for counts in measured)
        return min(1.08 * highest, usual) if 1.08 * highest > 1.2 * min(c.low for c in measured) else 1.2 * highest

    def _bottom(self, lanes: list[_Lane]) -> float:
        measured = [lane.counts.low for lane in lanes if lane.counts.total]
        lowest = min(measured) if measured else min(float(lane.series.y.min()) for lane in lanes)
        return 0.95 * lowest

    def _entries(self) -> tuple[Entry, ...]:
        return tuple(
            Entry(key, lane.title, latency(lane.counts.quantile(0.5)) if lane.counts.total else "warming up", lane.color)
            for key, lane in self._lanes.items()
        )

    def _read(self, x: float, y: float) -> str:
        import numpy as np

        near = []
        y = 10.0**y if self._log else y
        for lane in self._lanes.values():
            if lane.series.count:
                at = min(lane.series.count - 1, int(np.searchsorted(lane.series.x, x)))
                near.append((abs(float(lane.series.y[at]) - y), lane.title, float(lane.series.x[at]), float(lane.series.y[at])))
        if not near:
            return ""
        _, title, time, value = min(near)
        return f"{title} · {number(time)} s · {latency(value)}"

    def _menu_extras(self, menu: QMenu) -> None:
        for text, on, slot in (
            ("Follow", self.follow, self.set_follow),
            ("Pause drawing", self.paused, self.set_paused),
            ("Percentile lines", self.percentile_lines, self._set_percentile_lines),
            ("Scale to the slowest", self.all_spikes, self._set_all_spikes),
            ("Logarithmic latency", self._log, self.set_log_latency),
        ):
            action = QAction(text, menu)
            action.setCheckable(True)
            action.setChecked(on)
            action.toggled.connect(slot)
            menu.addAction(action)

    def _set_percentile_lines(self, on: bool) -> None:
        self.percentile_lines = on
        self._changed()

    def set_log_latency(self, on: bool) -> None:
        """Hold the latency axis logarithmic, or linear."""
        self.log_latency = on
        self._changed()

    def _set_all_spikes(self, on: bool) -> None:
        self.all_spikes = on
        self._changed()

    def csv(self) -> str:
        """Contestant, time in s, latency in ms; more than 100,000 rows are evenly thinned, and the first line says so."""
        total = sum(lane.series.count for lane in self._lanes.values())
        every = max(1, -(-total // CSV_ROWS))
        rows = [f"# every {every}th of {total} samples"] if every > 1 else []
        rows.append("contestant,time_s,latency_ms")
        for lane in self._lanes.values():
            name = quoted(lane.title)
            xs, ys = lane.series.x[::every].tolist(), lane.series.y[::every].tolist()
            rows += [f"{name},{x:.6f},{y:.6f}" for x, y in zip(xs, ys, strict=True)]
        return "\n".join(rows) + "\n"
