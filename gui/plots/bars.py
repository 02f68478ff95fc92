"""Values side by side as bars, each with the whiskers of its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF, QPen
from PySide6.QtWidgets import QWidget

from gui.plots.base import Plot, number, quoted

if TYPE_CHECKING:
    from gui.theme import Theme


@dataclass(frozen=True)
class Bar:
    """One bar: `low` and `high` bound its interval (nan: none is known); `color` is its place among the series colours."""

    title: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    color: int = 0


class BarsPlot(Plot):
    """Horizontal bars from zero, the first on top, with name on the left and value with unit at the end."""

    def __init__(self, theme: Theme, *, title: str, measure: str, unit: str, empty: str, parent: QWidget | None = None) -> None:
        self.measure = measure
        self.unit = unit
        self.x_title = f"{measure} ({unit})" if unit else measure
        super().__init__(theme, title=title, empty=empty, parent=parent)
        self.bars: tuple[Bar, ...] = ()
        self._items: list[Any] = []
        self._reach, self._room = 0.0, 0.0

    def set_bars(self, bars: tuple[Bar, ...]) -> None:
        """Show these bars."""
        self.bars = bars
        self._changed()

    def has_data(self) -> bool:
        """Whether there is a bar."""
        return bool(self.bars)

    def show_all(self) -> None:
        """Fit the view to the bars."""
        self._changed()

    def _furnish(self) -> None:
        self.canvas.setMouseEnabled(x=False, y=False)
        self.canvas.getViewBox().disableAutoRange()
        self.canvas.getViewBox().sigResized.connect(self._fit)

    def _draw(self) -> None:
        import numpy as np

        from gui.plots import library

        pg = library.load()
        for item in self._items:
            self.canvas.removeItem(item)
        self._items = []
        if not self.bars:
            return
        font = self.theme.small()
        metrics = QFontMetricsF(font)
        longest = max(max(bar.value, bar.high if bar.high == bar.high else bar.value) for bar in self.bars)
        ticks = []
        for place, bar in enumerate(self.bars):
            y = -place
            colour = self.theme.color(f"series.{bar.color % 8}")
            body = pg.BarGraphItem(x0=0, y=y, height=0.56, width=bar.value, brush=colour, pen=QPen(Qt.PenStyle.NoPen))
            self._add(body)
            end = bar.value
            if bar.low == bar.low and bar.high == bar.high:
                pen = QPen(self.theme.color("text"), 1.5)
                pen.setCosmetic(True)
                at, left, right = (np.array([v]) for v in (bar.value, bar.value - bar.low, bar.high - bar.value))
                self._add(pg.ErrorBarItem(x=at, y=np.array([float(y)]), left=left, right=right, beam=0.3, pen=pen))
                end = max(end, bar.high)
            text = pg.TextItem(f"{number(bar.value)} {self.unit}".strip(), color=self.theme.color("text"), anchor=(0, 0.5))
            text.setFont(font)
            text.setPos(end + 0.008 * longest, y)
            self._add(text)
            ticks.append((y, metrics.elidedText(bar.title, Qt.TextElideMode.ElideMiddle, 150)))
        axis = self.canvas.getAxis("left")
        axis.setTicks([ticks])
        axis.setWidth(max(metrics.horizontalAdvance(text) for _, text in ticks) + 16)
        axis.showLabel(False)
        self._reach = longest
        self._room = max(metrics.horizontalAdvance(f"{number(bar.value)} {self.unit}") for bar in self.bars) + 16
        self._fit()

    def _fit(self, *_: object) -> None:
        """The longest bar, and behind it room for its value."""
        box = self.canvas.getViewBox()
        width = max(1.0, box.width())
        share = max(0.25, 1.0 - self._room / width)
        box.setXRange(0.0, self._reach / share if self._reach > 0 else 1.0, padding=0.0)
        box.setYRange(-len(self.bars) + 0.4, 0.6, padding=0.0)

    def _add(self, item: Any) -> None:
        self.canvas.addItem(item, ignoreBounds=True)
        self._items.append(item)

    def _read(self, x: float, y: float) -> str:
        at = round(-y)
        if not 0 <= at < len(self.bars):
            return ""
        bar = self.bars[at]
        interval = f" ({number(bar.low, 4)} – {number(bar.high, 4)})" if bar.low == bar.low else ""
        return f"{bar.title}: {number(bar.value, 4)}{interval} {self.unit}".strip()

    def csv(self) -> str:
        """Name, value, low and high end of its interval."""
        unit = f"_{self.unit}" if self.unit.isalnum() else ""
        rows = [f"name,value{unit},low{unit},high{unit}"]
        rows += [f"{quoted(bar.title)},{bar.value:.9g},{bar.low:.9g},{bar.high:.9g}" for bar in self.bars]
        return "\n".join(rows) + "\n"
