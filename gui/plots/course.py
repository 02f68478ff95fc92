"""A quantity step by step in the order in which a model runs, with its peak."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QWidget

from gui import figures
from gui.plots.base import Plot, quoted
from gui.plots.legend import Entry

if TYPE_CHECKING:
    import numpy as np

    from gui.theme import Theme

#: More steps than this are drawn as the highest of each few: the plot is a few hundred pixels wide.
COLUMNS = 600


class CoursePlot(Plot):
    """Steps from left to right, filled down to zero; a click goes to the step under it."""

    x_title = "Step"

    def __init__(self, theme: Theme, *, title: str, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, title=title, empty=empty, parent=parent)
        self.values: np.ndarray | None = None
        self.names: list[str] = []
        self.unit = ""
        self._factor = 1.0
        self._items: list[Any] = []
        #: Called with the place of a step that was clicked.
        self.on_pick: Callable[[int], object] | None = None

    def set_course(self, values: np.ndarray | None, names: list[str], unit: str) -> None:
        """Show `values` float64 (n), what each step is called, in `unit`; None shows nothing."""
        self.values, self.names, self.unit = values, names, unit
        self._changed()

    def has_data(self) -> bool:
        """Whether there is a step."""
        return self.values is not None and len(self.values) > 0

    @property
    def peak(self) -> int:
        """The place of the highest step, the first of equal ones; -1 without any."""
        return int(self.values.argmax()) if self.values is not None and len(self.values) else -1

    def show_all(self) -> None:
        """Fit the view to the steps."""
        self._changed()

    def _furnish(self) -> None:
        self.canvas.showGrid(x=False, y=True, alpha=0.6)
        self.canvas.setMouseEnabled(x=False, y=False)
        self.canvas.getViewBox().disableAutoRange()
        self.canvas.scene().sigMouseClicked.connect(self._clicked)
        self.canvas.setCursor(Qt.CursorShape.PointingHandCursor)

    def release(self) -> None:
        """Also stop listening to clicks."""
        if self.canvas is not None:
            self.canvas.scene().sigMouseClicked.disconnect(self._clicked)
        super().release()

    def _draw(self) -> None:
        import numpy as np

        from gui.plots import library

        pg = library.load()
        for item in self._items:
            self.canvas.removeItem(item)
        self._items = []
        if self.values is None or not len(self.values):
            return
        steps, top = len(self.values), float(self.values.max())
        self._factor, unit = _scaled(top, self.unit)
        self.y_title = unit
        self.canvas.getAxis("left").setLabel(unit, color=self.theme.color("muted").name())
        wide = max(1, -(-steps // COLUMNS))
        starts = np.arange(0, steps, wide)
        y = np.maximum.reduceat(self.values, starts) / self._factor
        colour = self.theme.series(0)
        fill = self.theme.series(0)
        fill.setAlpha(50)
        pen = QPen(colour, 1.0)
        pen.setCosmetic(True)
        self._add(pg.PlotCurveItem(np.append(starts, steps), y, stepMode="center", fillLevel=0.0, brush=fill, pen=pen))
        peak, high = self.peak, top / self._factor
        dot = pg.ScatterPlotItem([peak + 0.5], [high], size=9, brush=self.theme.color("text"), pen=pg.mkPen(None), useCache=False)
        self._add(dot)
        right = peak > 0.5 * steps
        anchor = (1.0, 1.15) if right else (0.0, 1.15)  # above the line
        text = pg.TextItem(f"peak {figures.quantity(top, self.unit)}", color=self.theme.color("text"), anchor=anchor)
        text.setFont(self.theme.small())
        text.setPos(peak + 0.5, high)
        self._add(text)
        box = self.canvas.getViewBox()
        box.setXRange(0.0, float(steps), padding=0.0)
        box.setYRange(0.0, 1.24 * high or 1.0, padding=0.0)

    def _add(self, item: Any) -> None:
        self.canvas.addItem(item, ignoreBounds=True)
        self._items.append(item)

    def _clicked(self, event: Any) -> None:
        box = self.canvas.getViewBox()
        if event.button() == Qt.MouseButton.LeftButton and box.sceneBoundingRect().contains(event.scenePos()):
            self.pick(box.mapSceneToView(event.scenePos()).x())

    def pick(self, x: float) -> None:
        """Go to the highest step that is drawn at `x`."""
        if self.values is None or self.on_pick is None or not len(self.values):
            return
        self.on_pick(self._at(x))

    def _at(self, x: float) -> int:
        assert self.values is not None
        wide = max(1, -(-len(self.values) // COLUMNS))
        start = min(len(self.values) - 1, max(0, int(x))) // wide * wide
        return start + int(self.values[start : start + wide].argmax())

    def _entries(self) -> tuple[Entry, ...]:
        if self.peak < 0:
            return ()
        return (Entry("peak", self.names[self.peak], "at the peak", 0),)

    def _read(self, x: float, y: float) -> str:
        assert self.values is not None
        at = self._at(x)
        return figures.quantity(float(self.values[at]), self.unit)

    def csv(self) -> str:
        """Step, name, value."""
        values = self.values if self.values is not None else ()
        rows = [f"step,name,value_{self.unit or 'count'}"]
        rows += [f"{number},{quoted(name)},{value:.9g}" for number, (name, value) in enumerate(zip(self.names, values, strict=True))]
        return "\n".join(rows) + "\n"


def _scaled(top: float, unit: str) -> tuple[float, str]:
    """By what to divide so that numbers are short, and the unit after that."""
    if unit != "B":
        return 1.0, unit
    return next(((limit, word) for limit, word in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if top >= limit), (1.0, "B"))
