"""Every weight of the model as a row: the way to any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from core.model import Model, weights
from gui import figures
from gui.context import Context
from gui.table import Column, Table
from gui.weights.reading import Reading

if TYPE_CHECKING:
    from core.model.weight_page import WeightList
    from core.model.weights import Zeros


class Listing(QWidget):
    """`chosen` tells the weight that is wanted."""

    chosen = Signal(str)

    def __init__(self, ctx: Context) -> None:
        super().__init__()
        self.ctx = ctx
        self.model: Model | None = None
        self.names: tuple[str, ...] = ()
        self._rows: dict[str, int] = {}
        self._zeros: list[float | None] = []
        self._known: dict[tuple[str, str], float] = {}
        self._quiet = False
        self._reading = Reading(ctx, "weights.zeros")
        self._left: list[str] = []
        self.table = Table(
            [
                Column("name", "Name", width=148, tip="The weight's name"),
                Column("bytes", "Size", "right", 84, "Bytes", figures.size),
                Column("shape", "Shape", width=112),
                Column("dtype", "Type", width=80),
                Column("zeros", "Zeros", "right", 66, "Share of zeros, of the weights that were looked into", _share),
                Column("readers", "Readers", "right", 66, "How many nodes read it"),
            ]
        )
        self.table.setAccessibleName("Weights of the model")
        self.table.selection_changed.connect(self._picked)
        self.table.counted.connect(self._count)
        self.field = self.table.filter_field("Filter weights")
        self.count = QLabel()
        self.count.setProperty("role", "small")
        self.measure = QPushButton("Find zeros")
        self.measure.setProperty("role", "link")
        self.measure.setToolTip("Look through every weight for zeros, so that they can be sorted by sparsity")
        self.measure.clicked.connect(lambda *_: self._measure_or_stop())
        below = QHBoxLayout()
        below.setContentsMargins(8, 0, 8, 2)
        below.addWidget(self.count, 1)
        below.addWidget(self.measure)
        above = QHBoxLayout()
        above.setContentsMargins(8, 6, 8, 6)
        above.addWidget(self.field)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(above)
        column.addWidget(self.table, 1)
        column.addLayout(below)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names have the room that size and shape leave."""
        super().resizeEvent(event)
        others = sum(self.table.columnWidth(place) for place in (1, 2))
        self.table.setColumnWidth(0, min(420, max(148, self.width() - others - 24)))

    # ---- what is shown ----
    def put(self, model: Model, found: WeightList) -> None:
        """List the weights of a model."""
        self.stop()
        self.model, self.names = model, found.names
        self._rows = {name: row for row, name in enumerate(found.names)}
        self._zeros = [self._known.get((model.fingerprint, name)) for name in found.names]
        self._quiet = True
        self.table.set_columns(
            {
                "name": found.names,
                "shape": ["×".join(map(str, shape)) or "scalar" for shape in found.shapes],
                "bytes": found.bytes,
                "dtype": found.dtypes,
                "zeros": self._zeros,
                "readers": found.readers,
            }
        )
        self._quiet = False

    def select(self, name: str) -> None:
        """Mark a weight, without telling."""
        self._quiet = True
        self.table.select_rows([self._rows[name]] if name in self._rows else [])
        self._quiet = False

    def _picked(self, rows: list[int]) -> None:
        if not self._quiet and rows:
            self.chosen.emit(self.names[rows[0]])

    def _count(self, shown: int, total: int) -> None:
        every = figures.plural(total, "weight")
        self.count.setText(every if shown == total else f"{figures.whole(shown)} of {every}")

    # ---- zeros ----
    def measured(self, name: str, zeros: float) -> None:
        """Write down what was found out of a weight."""
        if self.model is None or name not in self._rows:
            return
        self._known[self.model.fingerprint, name] = zeros
        self._zeros[self._rows[name]] = zeros
        rows = self.table.rows
        place = next(place for place, column in enumerate(rows.columns) if column.id == "zeros")
        rows.dataChanged.emit(rows.index(0, place), rows.index(rows.rowCount() - 1, place))

    def _measure_or_stop(self) -> None:
        if self._reading.running:
            self.stop()
            return
        self._left = [name for name, zeros in zip(self.names, self._zeros, strict=True) if zeros is None][::-1]
        self._next()

    def _next(self) -> None:
        if not self._left or self.model is None:
            self.stop()
            return
        name = self._left[-1]
        done = len(self.names) - len(self._left)
        self.measure.setText(f"Stop at {100 * done / max(1, len(self.names)):.0f} %")
        self._reading.start(weights.zeros, self.model, name, on_part=self._part, on_error=self._failed)

    def _part(self, part: Zeros) -> None:
        if part.over:
            self.measured(part.tally.name, part.zeros)
            self._left.pop()
            self._next()

    def _failed(self, error: Exception) -> None:
        self.stop()
        self.ctx.notify.error(error)

    def stop(self) -> None:
        """Leave the search for zeros; what was found stays."""
        self._reading.stop()
        self._left = []
        self.measure.setText("Find zeros")
        if self.table.rows.sorted_by is not None:
            self.table.rows.arrange()


def _share(value: float | None) -> str:
    return "" if value is None else figures.share(value)
