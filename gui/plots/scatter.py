"""Two measures of each variant against each other, with the Pareto front: those that nothing else beats in both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QWidget

from gui.plots.base import Plot, number, quoted

if TYPE_CHECKING:
    from gui.theme import Theme


@dataclass(frozen=True)
class Point:
    """One variant: `marked` is the one that is open now."""

    key: str
    title: str
    x: float
    y: float
    color: int = 0
    marked: bool = False


def front(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The points that no other beats in both measures (lower is better), by ascending x."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x, p.y)):
        if not kept or point.y < kept[-1].y:
            kept.append(point)
    return tuple(kept)


class ScatterPlot(Plot):
    """Points with names; lower left is better; the front is a stepped line."""

    def __init__(
        self, theme: Theme, *, title: str, x: str, x_unit: str, y: str, y_unit: str, empty: str, parent: QWidget | None = None
    ) -> None:
        self.x_unit, self.y_unit = x_unit, y_unit
        self._heads = (f"{x} ({x_unit})", f"{y} ({y_unit})")
        super().__init__(theme, title=title, empty=empty, parent=parent)
        self.points: tuple[Point, ...] = ()
        self._items: list[Any] = []
        #: Called with the key of a point that was clicked.
        self.on_pick: Callable[[str], object] | None = None

    def set_points(self, points: tuple[Point, ...]) -> None:
        """Show these points."""
        self.points = points
        self._changed()

    def has_data(self) -> bool:
        """Whether there is a point."""
        return bool(self.points)

    def show_all(self) -> None:
        """Fit the view to the points."""
        self._changed()

    def _furnish(self) -> None:
        self.canvas.showGrid(x=True, y=True, alpha=0.6)
        self.canvas.getViewBox().disableAutoRange()

    def _draw(self) -> None:
        from gui.plots import library

        pg = library.load()
        for item in self._items:
            self.canvas.removeItem(item)
        self._items = []
        if not self.points:
            return
        self._draw_front(pg)
        dots = pg.ScatterPlotItem(pxMode=True, useCache=False)  # drawn as shapes, so that SVG holds no pixels
        dots.setData(
            [
                {
                    "pos": (point.x, point.y),
                    "data": point.key,
                    "size": 13 if point.marked else 9,
                    "brush": self.theme.color(f"series.{point.color % 8}"),
                    "pen": pg.mkPen(self.theme.color("text" if point.marked else "panel"), width=1.5),
                }
                for point in self.points
            ]
        )
        dots.sigClicked.connect(self._picked)
        self._add(dots)
        best = {point.key for point in front(self.points)}
        right = max(point.x for point in self.points)
        for point in self.points:
            name = point.title if len(point.title) <= 28 else f"{point.title[:13]}…{point.title[-13:]}"
            leftward = point.x > 0.7 * right
            colour = self.theme.color("text" if point.key in best or point.marked else "muted")
            text = pg.TextItem(name, color=colour, anchor=(1.06, 0.5) if leftward else (-0.06, 0.5))
            text.setFont(self.theme.small())
            text.setPos(point.x, point.y)
            self._add(text)
        top = max(point.y for point in self.points)
        box = self.canvas.getViewBox()
        box.setXRange(0.0, 1.12 * right or 1.0, padding=0.0)
        box.setYRange(0.0, 1.15 * top or 1.0, padding=0.0)

    def _draw_front(self, pg: Any) -> None:
        best = front(self.points)
        if len(best) < 2:
            return
        xs = [best[0].x, *(value for a in best[1:] for value in (a.x, a.x))]
        ys = [best[0].y, *(value for a, b in pairwise(best) for value in (a.y, b.y))]
        pen = QPen(self.theme.color("muted"), 1.0)
        pen.setStyle(Qt.PenStyle.DashLine)
        pen.setCosmetic(True)
        self._add(pg.PlotCurveItem(xs, ys, pen=pen))

    def _picked(self, _: Any, spots: Any, *__: Any) -> None:
        if self.on_pick is not None and len(spots):
            self.on_pick(spots[0].data())

    def _add(self, item: Any) -> None:
        self.canvas.addItem(item, ignoreBounds=True)
        self._items.append(item)

    def _read(self, x: float, y: float) -> str:
        (left, right), (bottom, top) = self.canvas.getViewBox().viewRange()
        near = min(self.points, key=lambda p: ((p.x - x) / (right - left)) ** 2 + ((p.y - y) / (top - bottom)) ** 2)
        return f"{near.title}: {number(near.x)} {self.x_unit}, {number(near.y)} {self.y_unit}"

    def csv(self) -> str:
        """Name, x, y, and whether the point is on the front."""
        best = {point.key for point in front(self.points)}
        rows = [f"name,{quoted(self._heads[0])},{quoted(self._heads[1])},front"]
        rows += [f"{quoted(p.title)},{p.x:.9g},{p.y:.9g},{'yes' if p.key in best else 'no'}" for p in self.points]
        return "\n".join(rows) + "\n"
