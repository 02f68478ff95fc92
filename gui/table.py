"""A table that stays quick at 100,000 rows: columns in, sorted and filtered by index, no item objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QAbstractTableModel, QItemSelection, QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QFont, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QLineEdit, QMenu, QTableView, QWidget

Index = QModelIndex | QPersistentModelIndex
ROW = 25
_DIGITS = re.compile(r"(\d+)", re.ASCII)
_NUMBER = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_WORD = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_MIDDLE = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Column:
    """One column: what its head says, where its text stands, and how a value becomes text.

    `width` in pixels; 0 takes the room that is left. `format` turns a value into what is shown (sorting and copying
    keep the value itself); `colour` a value into a text colour or None, `icon` into an icon or None. The filter looks
    into left-aligned columns with `search`. Values of one column sort among each other; None and nan stand last.
    """

    id: str
    title: str
    align: Literal["left", "right", "center"] = "left"
    width: int = 0
    tip: str = ""
    format: Callable[[Any], str] | None = None
    colour: Callable[[Any], QColor | None] | None = None
    icon: Callable[[Any], Any] | None = None
    search: bool = True
    mono: bool = False


class Rows(QAbstractTableModel):
    """The columns, and which rows are shown in which order."""

    def __init__(self, columns: Sequence[Column], parent: QWidget) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.data_: list[Sequence[Any]] = [() for _ in columns]
        self.total = 0
        self.order: list[int] = []
        self.sorted_by: tuple[int, Qt.SortOrder] | None = None
        self.text = ""
        #: Rows that may be shown, in order; None: all.
        self.only: Sequence[int] | None = None
        self.mono: QFont | None = None
        self._searched: list[str] | None = None

    # ---- what Qt asks ----
    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.order)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = self.columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.shown(index.row(), index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return {"left": _WORD, "right": _NUMBER, "center": _MIDDLE}[column.align]
        if role == Qt.ItemDataRole.ForegroundRole and column.colour is not None:
            return column.colour(self.value(index.row(), index.column()))
        if role == Qt.ItemDataRole.DecorationRole and column.icon is not None:
            return column.icon(self.value(index.row(), index.column()))
        if role == Qt.ItemDataRole.FontRole and column.mono:
            return self.mono
        if role == Qt.ItemDataRole.ToolTipRole and column.align == "left":
            return self.shown(index.row(), index.column())
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return {"left": _WORD, "right": _NUMBER, "center": _MIDDLE}[column.align]
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip or None
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.sorted_by = (column, order) if 0 <= column < len(self.columns) else None
        self.arrange()

    # ---- values ----
    def value(self, row: int, column: int) -> Any:
        """The value in a shown row."""
        return self.data_[column][self.order[row]]

    def shown(self, row: int, column: int) -> str:
        """What is written in a shown row."""
        value = self.value(row, column)
        form = self.columns[column].format
        if form is not None:
            return form(value)
        return "" if value is None else str(value)

    def put(self, columns: list[Sequence[Any]]) -> None:
        """Take new data."""
        total = len(columns[0]) if columns else 0
        for column, values in zip(self.columns, columns, strict=True):
            if len(values) != total:
                raise ValueError(f"column '{column.id}' has {len(values)} rows, others {total}")
        self.beginResetModel()
        self.data_, self.total, self._searched, self.only = columns, total, None, None
        self.order = self._arranged()
        self.endResetModel()

    def arrange(self) -> None:
        """Sort and filter anew; rows keep what is selected in them."""
        order = self._arranged()
        if order == self.order:
            return
        self.layoutAboutToBeChanged.emit()
        places = {row: place for place, row in enumerate(order)}
        old = self.persistentIndexList()
        moved = []
        for index in old:
            place = places.get(self.order[index.row()])
            moved.append(QModelIndex() if place is None else self.createIndex(place, index.column()))
        self.order = order
        self.changePersistentIndexList(old, moved)
        self.layoutChanged.emit()

    def _arranged(self) -> list[int]:
        rows: Iterable[int] = range(self.total) if self.only is None else self.only
        if self.text:
            texts = self._texts()
            words = self.text.lower().split()
            rows = [row for row in rows if all(word in texts[row] for word in words)]
        if self.sorted_by is None:
            return list(rows)
        column, direction = self.sorted_by
        return self._sorted(rows, self.data_[column], direction == Qt.SortOrder.DescendingOrder)

    @staticmethod
    def _sorted(rows: Iterable[int], values: Sequence[Any], down: bool) -> list[int]:
        rows = list(rows)
        if hasattr(values, "tolist"):  # numpy: plain numbers compare several times faster
            values = values.tolist()
        known = [row for row in rows if values[row] is not None and values[row] == values[row]]
        if len(known) != len(rows):
            lost = set(known)
            unknown = [row for row in rows if row not in lost]
        else:
            unknown = []
        if known and isinstance(values[known[0]], str):
            keys = {row: natural(values[row]) for row in known}
            known.sort(key=keys.__getitem__, reverse=down)
        else:
            known.sort(key=values.__getitem__, reverse=down)
        return known + unknown

    def _texts(self) -> list[str]:
        if self._searched is None:
            found: list[list[str]] = []
            for column, values in zip(self.columns, self.data_, strict=True):
                if column.search and column.align == "left":
                    found.append([str(value) if column.format is None else column.format(value) for value in values])
            self._searched = ["\n".join(parts).lower() for parts in zip(*found, strict=True)] if found else [""] * self.total
        return self._searched


def natural(text: str) -> list[Any]:
    """A key that puts `Conv_2` before `Conv_10`: words and numbers alternate, so like meets like."""
    return [int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(text.lower()))]


class Table(QTableView):
    """Rows under heads: click a head to sort (a third click goes back), type into `filter_field` to filter, Ctrl+C copies.

    Rows are spoken of by their place in the data that was set, whatever the order on screen.
    """

    #: The selected rows changed; the rows in the data.
    selection_changed = Signal(list)
    #: Enter or double click on a row.
    chosen = Signal(int)
    #: How many rows are shown changed (filter, new data): shown, of all.
    counted = Signal(int, int)

    def __init__(self, columns: Sequence[Column], parent: QWidget | None = None, *, mono: QFont | None = None) -> None:
        super().__init__(parent)
        self.rows = Rows(columns, self)
        self.rows.mono = mono
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setMouseTracking(True)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setMinimumSectionSize(ROW)
        self.verticalHeader().setDefaultSectionSize(ROW)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setMinimumSectionSize(36)
        head.setSectionsMovable(True)
        head.setSortIndicatorClearable(True)
        head.setSortIndicatorShown(True)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        head.sortIndicatorChanged.connect(self._sorted)
        loose = [place for place, column in enumerate(columns) if not column.width]
        for place, column in enumerate(columns):
            if place in loose:
                head.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
            else:
                self.setColumnWidth(place, column.width)
        if not loose:
            head.setStretchLastSection(True)
        self.selectionModel().selectionChanged.connect(lambda *_: self.selection_changed.emit(self.selected_rows))
        self.activated.connect(lambda index: self.chosen.emit(self.rows.order[index.row()]))

    # ---- data ----
    def set_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Show rows, each with a value for every column; scrolling and sorting stay."""
        columns: list[Sequence[Any]] = [list(values) for values in zip(*rows, strict=True)] if rows else [[] for _ in self.rows.columns]
        self._put(columns)

    def set_columns(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Show columns by their id (lists or one-dimensional arrays of one length), without copying."""
        self._put([columns[column.id] for column in self.rows.columns])

    def _put(self, columns: list[Sequence[Any]]) -> None:
        at = self.verticalScrollBar().value()
        self.rows.put(columns)
        self.verticalScrollBar().setValue(at)
        self.counted.emit(len(self.rows.order), self.rows.total)

    def value(self, row: int, column: str) -> Any:
        """The value of a row of the data."""
        place = next(place for place, each in enumerate(self.rows.columns) if each.id == column)
        return self.rows.data_[place][row]

    # ---- what is shown ----
    def set_filter(self, text: str) -> None:
        """Show only rows that hold every word of `text` in a searched column."""
        self.rows.text = text.strip()
        self.rows.arrange()
        self.counted.emit(len(self.rows.order), self.rows.total)

    def show_only(self, rows: Sequence[int] | None) -> None:
        """Show only these rows of the data, whoever chose them; None shows all again, as new data does."""
        self.rows.only = rows
        self.rows.arrange()
        self.counted.emit(len(self.rows.order), self.rows.total)

    def filter_field(self, hint: str = "Filter") -> QLineEdit:
        """A line edit that filters this table; the caller places it."""
        edit = QLineEdit()
        edit.setPlaceholderText(hint)
        edit.setClearButtonEnabled(True)
        edit.setAccessibleName(hint)
        edit.textChanged.connect(self.set_filter)
        return edit

    def sort_by(self, column: str, down: bool = False) -> None:
        """Sort by a column."""
        place = next(place for place, each in enumerate(self.rows.columns) if each.id == column)
        self.horizontalHeader().setSortIndicator(place, Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder)

    def _sorted(self, column: int, order: Qt.SortOrder) -> None:
        self.rows.sort(column, order)

    @property
    def shown_rows(self) -> list[int]:
        """The rows of the data that are shown, in order."""
        return list(self.rows.order)

    # ---- selection ----
    @property
    def selected_rows(self) -> list[int]:
        """The selected rows of the data, from top to bottom as shown."""
        chosen = self.selectionModel().selection()  # ranges of whole rows: an index for each row would take seconds
        ranges = [chosen.at(number) for number in range(chosen.count())]
        return [self.rows.order[place] for place in sorted({place for each in ranges for place in range(each.top(), each.bottom() + 1)})]

    def select_rows(self, rows: Iterable[int], *, scroll: bool = True) -> None:
        """Select rows of the data (those that are shown), without telling twice; the first is scrolled to."""
        wanted = set(rows)
        places = [place for place, row in enumerate(self.rows.order) if row in wanted]
        chosen = QItemSelection()
        last = len(self.rows.columns) - 1
        start = previous = -2
        for place in [*places, -9]:  # runs of neighbours become one range
            if place != previous + 1:
                if start >= 0:
                    chosen.select(self.rows.index(start, 0), self.rows.index(previous, last))
                start = place
            previous = place
        self.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if places and scroll:
            first = self.rows.index(places[0], 0)
            self.selectionModel().setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(first)

    # ---- copying ----
    def text(self, rows: Iterable[int] | None = None, *, heads: bool = True) -> str:
        """Rows of the data (all that are shown when left out) as tab-separated text, as they are written on screen."""
        wanted = None if rows is None else set(rows)
        lines = ["\t".join(column.title for column in self.rows.columns)] if heads else []
        for place, row in enumerate(self.rows.order):
            if wanted is None or row in wanted:
                lines.append("\t".join(self.rows.shown(place, at) for at in range(len(self.rows.columns))))
        return "\n".join(lines)

    def copy(self) -> None:
        """The selected rows, or all when none is, to the clipboard."""
        QApplication.clipboard().setText(self.text(self.selected_rows or None))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.chosen.emit(self.rows.order[self.currentIndex().row()])
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        index = self.indexAt(event.pos())
        one = QAction("Copy cell", menu)
        one.setEnabled(index.isValid())
        if index.isValid():
            text = self.rows.shown(index.row(), index.column())
            one.triggered.connect(lambda *_: QApplication.clipboard().setText(text))
        rows = QAction("Copy selected rows", menu)
        rows.setEnabled(bool(self.selected_rows))
        rows.triggered.connect(lambda *_: self.copy())
        every = QAction("Copy the whole table", menu)
        every.triggered.connect(lambda *_: QApplication.clipboard().setText(self.text()))
        for action in (one, rows, every):
            menu.addAction(action)
        menu.popup(event.globalPos())
