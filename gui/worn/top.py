"""The nodes at the top of an overlay, or the words of a category, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from gui import figures
from gui.table import ROW, Column, Table
from gui.widgets.rows import Elided

if TYPE_CHECKING:
    from core.model.index import GraphIndex
    from core.overlays.base import Values
    from core.overlays.ranking import Ranking

#: How many are listed at first, and at most.
FIRST, MOST = 20, 10_000


class Top(QWidget):
    """A table of names, ops, values and shares; its rows stand for rows of the index."""

    #: The person picked rows of the table: names of nodes, a tuple.
    picked = Signal(tuple)
    #: How many shall be listed.
    resized = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.names: list[tuple[str, ...]] = []
        self._unit = ""
        self._quiet = False
        self._hidden: tuple[str, ...] = ()
        self.about = Elided("", "small", mode=Qt.TextElideMode.ElideRight)
        self.title = QLabel("Top")
        self.title.setProperty("role", "muted")
        self.k = QSpinBox()
        self.k.setRange(1, MOST)
        self.k.setValue(FIRST)
        self.k.setAccessibleName("How many are listed")
        self.k.setToolTip("How many nodes are listed")
        self.k.setKeyboardTracking(False)
        self.k.valueChanged.connect(self.resized)
        self.copy = QPushButton("Copy")
        self.copy.setProperty("role", "plain")
        self.copy.setToolTip("Copy the whole list as text (Ctrl+C copies the selected rows)")
        self.title.setBuddy(self.k)
        self.table = Table(
            [
                Column("name", "Node", width=0, tip="The node; click to go there"),
                Column("op", "Op", width=132),
                Column("value", "Value", "right", 118, "", self._say),
                Column("share", "Share", "right", 84, "Share of the sum over all nodes", _percent),
                Column("running", "Σ", "right", 84, "Share of this row and all above it", _percent),
            ]
        )
        self.table.setAccessibleName("Nodes at the top of the overlay")
        self.table.setMinimumHeight(3 * ROW)
        self.table.selection_changed.connect(self._picked)
        self.table.chosen.connect(lambda row: self.picked.emit(self.names[row]))
        head = QHBoxLayout()
        head.setContentsMargins(10, 6, 8, 0)
        head.setSpacing(8)
        head.addWidget(self.title)
        head.addWidget(self.k)
        head.addWidget(self.about, 1)
        head.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.table, 1)

    def show_top(self, index: GraphIndex, ranking: Ranking, unit: str, *, smallest: bool, sums: bool) -> None:
        """List the nodes of `ranking`; shares only where a sum means something."""
        rows = ranking.rows.tolist()
        self.title.setText("Lowest" if smallest else "Top")
        self.k.show()
        self._show(
            unit,
            [(index.names[row],) for row in rows],
            {
                "name": [index.names[row] for row in rows],
                "op": [index.op_names[int(index.op[row])] for row in rows],
                "value": ranking.values,
                "share": ranking.share,
                "running": ranking.running,
            },
            hidden=() if sums and (ranking.share == ranking.share).any() else ("share", "running"),
        )

    def show_words(self, index: GraphIndex, found: Values) -> None:
        """List the words of a category, with how many nodes have each; a row stands for all of them."""
        import numpy as np

        known = np.isfinite(found.values)
        word = np.where(known, np.nan_to_num(found.values), -1).astype(np.int64)
        counts = np.bincount(word[known], minlength=len(found.names))
        self.title.setText("Words")
        self.k.hide()
        share = counts / max(1, int(counts.sum()))
        self._show(
            "",
            [tuple(index.names[row] for row in np.flatnonzero(word == number).tolist()) for number in range(len(found.names))],
            {
                "name": list(found.names),
                "op": [""] * len(found.names),
                "value": counts.astype(np.float64),
                "share": share,
                "running": np.cumsum(share),
            },
            hidden=("op", "running"),
        )

    def _show(self, unit: str, names: list[tuple[str, ...]], columns: dict[str, object], hidden: tuple[str, ...]) -> None:
        self._unit, self.names = unit, names
        self._quiet = True
        self._hidden = hidden
        self._make_room()
        self.table.set_columns(columns)  # type: ignore[arg-type]
        self._quiet = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Where it is narrow the name is worth more than what can be read elsewhere."""
        narrow = [id for id, width in (("op", 560), ("running", 460), ("share", 340)) if self.width() < width]
        for place, column in enumerate(self.table.rows.columns):
            self.table.setColumnHidden(place, column.id in self._hidden or column.id in narrow)

    def mark(self, nodes: tuple[str, ...]) -> None:
        """Select the rows of these nodes, where they are listed."""
        wanted = set(nodes)
        self._quiet = True
        self.table.select_rows(row for row, names in enumerate(self.names) if len(names) == 1 and names[0] in wanted)
        self._quiet = False

    def _picked(self, rows: list[int]) -> None:
        if not self._quiet and rows:
            self.picked.emit(tuple(name for row in rows for name in self.names[row]))

    def _say(self, value: float) -> str:
        return figures.quantity(value, self._unit)


def _percent(value: float) -> str:
    return figures.share(value) if value == value else ""
