"""Two axes of a weight as a picture: blue is negative, orange positive, the ground is zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout

from core.model import slices
from gui import figures
from gui.context import Context
from gui.graph.histogram import number
from gui.weights.axes import CutBar, index_text
from gui.weights.picture import Picture, Scale, colour, diverging
from gui.weights.view import Looking, WeightView
from gui.widgets.rows import Elided

if TYPE_CHECKING:
    from core.model.slices import Plane
    from core.model.weight_page import WeightPage


class HeatMap(WeightView):
    """A double click or Enter on a cell goes to its value."""

    title = "Heat map"
    key = "heat"
    tip = "Two axes of the weight as a picture"

    def __init__(self, ctx: Context, looking: Looking) -> None:
        super().__init__(ctx, looking)
        self.cut = CutBar(looking)
        looking.on_cut.append(self._turned)
        self.clip = QCheckBox("Clip 1 %")
        self.clip.setToolTip("Give the full colours to the largest 1 % of the magnitudes: what is small can be told apart")
        self.clip.setChecked(True)
        self.clip.toggled.connect(lambda *_: self._draw())
        self.controls.addWidget(self.cut)
        self.controls.addStretch(1)
        self.picture = Picture(ctx.theme, "Heat map of the weight")
        self.picture.pointed.connect(self._point)
        self.picture.chosen.connect(self._choose)
        self.scale = Scale(ctx.theme)
        self.readout = Elided("", "muted")
        self.readout.setAccessibleName("Value under the pointer")
        below = QHBoxLayout()
        below.setSpacing(12)
        below.addWidget(self.readout, 1)
        below.addWidget(self.scale)
        below.addWidget(self.clip)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(8, 0, 8, 4)
        column.setSpacing(4)
        column.addWidget(self.picture, 1)
        column.addLayout(below)

    def prepare(self, page: WeightPage) -> None:
        self.cut.refresh()
        self.cut.fit(self.width() - 16)

    def question(self) -> tuple[Any, ...] | None:
        page = self.looking.page
        return (slices.plane, self.looking.model, page.name, self.looking.cut) if page is not None else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.cut.fit(self.width() - 16)

    def _turned(self) -> None:
        if self.isVisible():
            self.read()

    def fill(self, part: Plane) -> None:
        self._draw()

    def _draw(self) -> None:
        part: Plane | None = self.part
        page = self.looking.page
        if part is None or page is None or not part.values.size:
            return
        import numpy as np

        limit = part.usual if self.clip.isChecked() and part.usual > 0 else part.limit
        if not limit > 0:  # nothing finite, nothing but zeros, or not over
            known = np.abs(part.values[np.isfinite(part.values)])
            limit = float(known.max(initial=0.0)) or 1.0
        scale = diverging(self.ctx.theme)
        table = slices.matrix(page.shape, self.looking.cut)
        rows, columns = np.arange(part.values.shape[0]) * part.down, np.arange(part.values.shape[1]) * part.right
        missing = table.places(rows, columns) < 0
        missing[part.done :] = True
        self.picture.put(colour(part.values, -limit, limit, scale, self.ctx.theme.color("family.quant"), missing))
        self.scale.put(scale, number(-limit), "0", number(limit))
        self.picture.setAccessibleDescription(
            f"{part.rows} rows, {part.columns} columns, values from {number(part.low)} to {number(part.high)}."
        )
        self._point(*self.picture.cell)

    def _point(self, row: int, column: int) -> None:
        part: Plane | None = self.part
        page = self.looking.page
        if part is None or page is None:
            return
        if row < 0 or row >= part.values.shape[0] or column >= part.values.shape[1]:
            thin = f" · every {_nth(part.down)} row, every {_nth(part.right)} column" if max(part.down, part.right) > 1 else ""
            self.readout.setText(f"{figures.whole(part.rows)} × {figures.whole(part.columns)}{thin}")
            return
        place = index_text(
            page.shape, self.looking.cut, row * part.down, column * part.right, slices.matrix(page.shape, self.looking.cut).down
        )
        value = float(part.values[row, column])
        self.readout.setText(f"{place}  {number(value) if value == value else 'NaN or nothing'}")

    def _choose(self, row: int, column: int) -> None:
        if self.part is not None:
            self.looking.go_to(row * self.part.down, column * self.part.right)

    def restyle(self) -> None:
        """The theme is another one."""
        self._draw()


def _nth(number_: int) -> str:
    """`2nd`, `3rd`, `11th`."""
    if number_ == 1:
        return "single"
    ending = "th" if 10 <= number_ % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number_ % 10, "th")
    return f"{number_}{ending}"
