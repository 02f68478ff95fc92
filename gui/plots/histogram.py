"""How the latencies of contestants are spread: the share of inferences in each bin, with percentiles marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QPen
from PySide6.QtWidgets import QMenu, QWidget

from gui.plots.base import Plot, latency, number, quoted
from gui.plots.legend import Entry

if TYPE_CHECKING:
    from gui.plots.series import Counts
    from gui.theme import Theme

BINS = 90
#: From this ratio of the ends on, the latency axis is logarithmic.
WIDE = 12.0
MARKS = ((0.5, "p50", Qt.PenStyle.DashLine), (0.99, "p99", Qt.PenStyle.DotLine))


@dataclass
class _Shape:
    title: str
    color: int
    counts: Counts
    curve: Any = None
    marks: tuple[Any, ...] = ()


class HistogramPlot(Plot):
    """Bins are logarithmic, so a tail keeps its form; the share axis can be logarithmic too, to see the rare ones."""

    x_unit = "ms"
    y_unit = "%"

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, title="Latency histogram", empty="How latencies are spread appears here while a race runs.", parent=parent)
        self._shapes: dict[str, _Shape] = {}
        self.log_share = False
        self.whole_tail = False
        self._wide = False

    def show_counts(self, key: str, title: str, color: int, counts: Counts) -> None:
        """Show (or refresh) one contestant; `counts` is read again at each `refresh`."""
        shape = self._shapes.get(key)
        if shape is None or shape.counts is not counts or shape.color != color:
            if shape is not None:
                self._drop(shape)
            self._shapes[key] = _Shape(title, color, counts)
        self._changed()

    def refresh(self) -> None:
        """Draw again from the counts."""
        if self.isVisible():
            self._changed()

    def clear(self) -> None:
        """Forget every contestant."""
        for shape in self._shapes.values():
            self._drop(shape)
        self._shapes.clear()
        self._changed()

    def has_data(self) -> bool:
        """Whether any latency was counted."""
        return any(shape.counts.total for shape in self._shapes.values())

    def show_all(self) -> None:
        """Fit the view to the data."""
        self._changed()

    def _drop(self, shape: _Shape) -> None:
        if shape.curve is not None:
            for item in (shape.curve, *shape.marks):
                self.canvas.removeItem(item)

    def _furnish(self) -> None:
        self.canvas.showGrid(x=False, y=True, alpha=0.6)
        self.canvas.setMouseEnabled(x=False, y=False)
        self.canvas.getViewBox().disableAutoRange()

    def _items(self, shape: _Shape) -> None:
        if shape.curve is not None:
            return
        from gui.plots import library

        pg = library.load()
        shape.curve = pg.PlotCurveItem()
        self.canvas.addItem(shape.curve)
        marks = []
        for (_, name, style), height in zip(MARKS, (0.94, 0.82), strict=True):
            line = pg.InfiniteLine(angle=90, movable=False, label=name, labelOpts={"position": height, "anchors": [(0, 0.5), (0, 0.5)]})
            line.style_ = style
            self.canvas.addItem(line, ignoreBounds=True)
            marks.append(line)
        shape.marks = tuple(marks)
        self._paint_shape(shape)

    def _paint_shape(self, shape: _Shape) -> None:
        colour = self.theme.color(f"series.{shape.color % 8}")
        fill = QColor(colour)
        fill.setAlpha(70)
        shape.curve.setPen(QPen(colour, 0))
        shape.curve.setBrush(fill)
        for line in shape.marks:
            pen = QPen(colour, 0)
            pen.setStyle(line.style_)
            line.setPen(pen)
            line.label.setColor(self.theme.color("text"))
            line.label.setFont(self.theme.small())

    def _colour(self) -> None:
        for shape in self._shapes.values():
            if shape.curve is not None:
                self._paint_shape(shape)

    def _range(self) -> tuple[float, float]:
        counts = [shape.counts for shape in self._shapes.values() if shape.counts.total]
        left = min(c.quantile(0.0005) for c in counts)
        right = max(c.high if self.whole_tail else c.quantile(0.995) for c in counts)
        middle = max(c.quantile(0.5) for c in counts)
        return 0.98 * left, max(1.02 * right, 1.002 * middle, 1.02 * left)

    def _draw(self) -> None:
        import numpy as np

        shapes = [shape for shape in self._shapes.values() if shape.counts.total]
        if not shapes:
            return
        left, right = self._range()
        tallest, lowest = 0.0, 100.0
        wide = right / left > WIDE  # a long tail beside a narrow peak: on a linear axis neither would be seen
        place = np.log10 if wide else np.asarray
        for shape in shapes:
            self._items(shape)
            edges, share = shape.counts.histogram(left, right, BINS)
            percent = 100.0 * share
            tallest = max(tallest, float(percent.max()))
            lowest = min(lowest, 100.0 / shape.counts.total)
            if self.log_share:
                percent = np.log10(np.maximum(percent, lowest / 2))
            shape.curve.setFillLevel(float(np.log10(lowest / 2)) if self.log_share else 0.0)
            shape.curve.setData(place(edges), percent, stepMode="center")
            for (at, name, _), line in zip(MARKS, shape.marks, strict=True):
                value = shape.counts.quantile(at)
                line.setValue(float(place(value)))
                line.label.setFormat(f"{name} {number(value)}" if len(shapes) == 1 else "")
        self.canvas.getAxis("left").setLogMode(self.log_share)
        self.canvas.getAxis("bottom").setLogMode(wide)
        self._wide = wide
        box = self.canvas.getViewBox()
        box.setXRange(float(place(left)), float(place(right)), padding=0.0)
        if self.log_share:
            box.setYRange(float(np.log10(lowest / 2)), float(np.log10(tallest)) + 0.15, padding=0.0)
        else:
            box.setYRange(0.0, 1.18 * tallest, padding=0.0)

    def _entries(self) -> tuple[Entry, ...]:
        return tuple(
            Entry(key, shape.title, f"p99 {latency(shape.counts.quantile(0.99))}" if shape.counts.total else "", shape.color)
            for key, shape in self._shapes.items()
        )

    def _read(self, x: float, y: float) -> str:
        if self._wide:
            x = 10.0**x
        if x <= 0:
            return ""
        slower = [f"{100.0 * s.counts.above(x) / s.counts.total:.3g} %" for s in self._shapes.values() if s.counts.total]
        return f"slower than {latency(x)}: {', '.join(slower)}"

    def _menu_extras(self, menu: QMenu) -> None:
        for text, on, slot in (
            ("Logarithmic share", self.log_share, self.set_log_share),
            ("Whole tail", self.whole_tail, self.set_whole_tail),
        ):
            action = QAction(text, menu)
            action.setCheckable(True)
            action.setChecked(on)
            action.toggled.connect(slot)
            menu.addAction(action)

    def set_log_share(self, on: bool) -> None:
        """Draw the share on a logarithmic axis."""
        self.log_share = on
        self._changed()

    def set_whole_tail(self, on: bool) -> None:
        """Show up to the slowest inference, not only up to the 99.5th percentile."""
        self.whole_tail = on
        self._changed()

    def csv(self) -> str:
        """Contestant, bin from and to in ms, share of inferences in percent."""
        rows = ["contestant,from_ms,to_ms,percent"]
        if self.has_data():
            left, right = self._range()
            for shape in self._shapes.values():
                edges, share = shape.counts.histogram(left, right, BINS)
                name = quoted(shape.title)
                for i, part in enumerate(share.tolist()):
                    rows.append(f"{name},{edges[i]:.6f},{edges[i + 1]:.6f},{100 * part:.5f}")
        return "\n".join(rows) + "\n"
