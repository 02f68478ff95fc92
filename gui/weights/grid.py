"""A page of values as a table: what was read of it, and a grid over that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from gui.table import ROW

if TYPE_CHECKING:
    from core.model.slices import Matrix, Texts

Index = QModelIndex | QPersistentModelIndex
#: Rows and columns that one page of the table holds: Qt keeps something for each of them.
PAGE = 200_000


class Values(QAbstractTableModel):
    """One page of a table; cells that were not read yet are `…`."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.table: Matrix | None = None
        self.first = (0, 0)
        self.known: Texts | None = None
        self._line = 1

    def put(self, table: Matrix | None, first: tuple[int, int] = (0, 0), line: int = 1) -> None:
        """Another table, or another page of it (its first row and column); rows are told in steps of `line`."""
        self.beginResetModel()
        self._line = line
        self.table, self.first, self.known = table, first, None
        self.endResetModel()

    def take(self, known: Texts) -> None:
        """What was read: rows and columns of the whole table."""
        self.known = known
        if known.texts:
            top, left = known.row - self.first[0], known.column - self.first[1]
            self.dataChanged.emit(self.index(top, left), self.index(top + len(known.texts) - 1, left + len(known.texts[0]) - 1))

    def rowCount(self, parent: Index | None = None) -> int:
        if self.table is None or (parent is not None and parent.isValid()):
            return 0
        return min(PAGE, self.table.rows - self.first[0])

    def columnCount(self, parent: Index | None = None) -> int:
        if self.table is None or (parent is not None and parent.isValid()):
            return 0
        return min(PAGE, self.table.columns - self.first[1])

    def text(self, row: int, column: int) -> str | None:
        """The value of a cell of the page; None where it was not read."""
        known = self.known
        if known is None:
            return None
        at, across = row + self.first[0] - known.row, column + self.first[1] - known.column
        if 0 <= at < len(known.texts) and 0 <= across < len(known.texts[at]):
            return known.texts[at][across]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            text = self.text(index.row(), index.column())
            return "…" if text is None else text
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and self.table is not None:
            if orientation == Qt.Orientation.Horizontal:
                return str(section + self.first[1])
            return str((section + self.first[0]) * self._line)
        return None


class Grid(QTableView):
    """The table; Ctrl+C is the caller's."""

    def __init__(self, parent: QWidget, copy: Callable[[], object]) -> None:
        super().__init__(parent)
        self._copy = copy
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setShowGrid(False)
        for head in (self.verticalHeader(), self.horizontalHeader()):
            head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            head.setHighlightSections(False)
        self.verticalHeader().setMinimumSectionSize(ROW)
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.setAccessibleName("Values of the weight")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)
