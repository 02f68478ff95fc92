"""The values themselves: a table as large as the weight, of which only what is in view is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontMetrics, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSpinBox, QVBoxLayout, QWidget

from core.errors import AppError
from core.model import slices
from gui import figures
from gui.context import Context
from gui.weights.axes import CutBar, index_text
from gui.weights.grid import PAGE, Grid, Values
from gui.weights.view import Looking
from gui.widgets.rows import Elided

if TYPE_CHECKING:
    from core.model.slices import Texts
    from core.model.weight_page import WeightPage

#: How long scrolling rests before what is in view is read, in ms.
_REST = 20
#: Signs that a column has room for, by the dtype.
_SIGNS = {"float64": 23, "int64": 13, "float32": 14, "int32": 11, "uint32": 10, "string": 20, "complex64": 22, "complex128": 22, "bool": 6}


class ValuesView(QWidget):
    """Rows and columns along two axes; the heat map's cells lead here."""

    title = "Values"
    tip = "The values as figures, read as they come into view"

    def __init__(self, ctx: Context, looking: Looking) -> None:
        super().__init__()
        self.ctx, self.looking = ctx, looking
        self._stale = True
        self._wanted: tuple[int, int] | None = None
        self.setAccessibleName(self.title)
        self.cut = CutBar(looking)
        looking.on_cut.append(self._turned)
        self.page_box = self._pages("Rows from", "Which rows are in the table")
        self.across_box = self._pages("Columns from", "Which columns are in the table")
        self.field = QLineEdit()
        self.field.setPlaceholderText("Go to row, column")
        self.field.setAccessibleName("Go to row and column")
        self.field.setToolTip("Type a row, or a row and a column, and press Enter")
        self.field.setFixedWidth(128)
        self.field.returnPressed.connect(self._go)
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy the selected values, or all that are in view, as text (Ctrl+C)")
        self.copy_button.clicked.connect(lambda *_: self.copy())
        self.readout = Elided("", "muted")
        self.model = Values(self)
        self.view = Grid(self, self.copy)
        self.view.setFont(ctx.theme.mono())
        self.view.setModel(self.model)
        self.view.selectionModel().currentChanged.connect(lambda *_: self._point())
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 4)
        bar.setSpacing(8)
        for each in (self.cut, self.page_box, self.across_box):
            bar.addWidget(each)
        bar.addStretch(1)
        below = QHBoxLayout()
        below.setContentsMargins(8, 4, 8, 4)
        below.setSpacing(8)
        below.addWidget(self.readout, 1)
        below.addWidget(self.field)
        below.addWidget(self.copy_button)
        self.error = QLabel()
        self.error.setProperty("role", "error")
        self.error.setWordWrap(True)
        self.error.setContentsMargins(12, 4, 12, 4)
        self.error.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.error)
        column.addWidget(self.view, 1)
        column.addLayout(below)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._ask)
        self.view.verticalScrollBar().valueChanged.connect(lambda *_: self._rest.start())
        self.view.horizontalScrollBar().valueChanged.connect(lambda *_: self._rest.start())

    def _pages(self, words: str, tip: str) -> QSpinBox:
        box = QSpinBox()
        box.setPrefix(f"{words} ")
        box.setSingleStep(PAGE)
        box.setAccessibleName(words)
        box.setToolTip(tip)
        box.hide()
        box.valueChanged.connect(lambda *_: self._turn_page())
        return box

    # ---- what is shown ----
    def put(self) -> None:
        """Another weight, or none."""
        self.ctx.document.forget("weights.values")
        self.error.hide()
        self.readout.setText("")
        if self.looking.page is not None:
            self.cut.refresh()
            self.cut.fit(self.width() - 16)
        self._stale, self._wanted = True, None
        if self.isVisible():
            self._fill()

    def _turned(self) -> None:
        self._stale = True
        if self.isVisible():
            self._fill()

    def _fill(self) -> None:
        page = self.looking.page
        if page is None or not self._stale:
            return
        self._stale = False
        table = slices.matrix(page.shape, self.looking.cut)
        for box, count in ((self.page_box, table.rows), (self.across_box, table.columns)):
            box.blockSignals(True)
            box.setMaximum(max(0, (count - 1) // PAGE * PAGE))
            box.setValue(0)
            box.blockSignals(False)
            box.setVisible(count > PAGE)
        self.model.put(table, line=self._line)
        self._lay_out(page)
        self._rest.start()

    @property
    def _line(self) -> int:
        """How many values a row stands for: more than one where a weight of one dim is shown in lines."""
        page = self.looking.page
        return slices.matrix(page.shape, self.looking.cut).down if page is not None and len(page.shape) == 1 else 1

    def _turn_page(self) -> None:
        self.model.put(self.model.table, (self.page_box.value(), self.across_box.value()), self._line)
        self._rest.start()

    def _lay_out(self, page: WeightPage) -> None:
        sign = QFontMetrics(self.view.font()).horizontalAdvance("0")
        self.view.horizontalHeader().setDefaultSectionSize(sign * _SIGNS.get(page.dtype, 9) + 26)
        metrics = self.view.verticalHeader().fontMetrics()
        last = page.total if len(page.shape) < 2 else self.model.table.rows if self.model.table is not None else 0
        self.view.verticalHeader().setFixedWidth(metrics.horizontalAdvance(str(last)) + 18)

    def _in_view(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and columns of the page that are seen (first, and one past the last)."""
        view, last = self.view.viewport(), (self.model.rowCount(), self.model.columnCount())
        top, left = max(0, self.view.rowAt(0)), max(0, self.view.columnAt(0))
        bottom, right = self.view.rowAt(view.height() - 1), self.view.columnAt(view.width() - 1)
        return (top, bottom + 1 if bottom >= 0 else last[0]), (left, right + 1 if right >= 0 else last[1])

    def _ask(self) -> None:
        page, table = self.looking.page, self.model.table
        if page is None or table is None or self.looking.model is None or not self.isVisible():
            return
        rows, columns = self._in_view()
        if all(self.model.text(row, column) is not None for row in (rows[0], rows[1] - 1) for column in (columns[0], columns[1] - 1)):
            return
        high, wide = rows[1] - rows[0], columns[1] - columns[0]  # and as much again before and behind
        down, right = self.model.first
        self.ctx.document.ask(
            slices.texts,
            self.looking.model,
            page.name,
            self.looking.cut,
            (down + max(0, rows[0] - high), down + rows[1] + high),
            (right + max(0, columns[0] - wide), right + columns[1] + wide),
            on_done=self.model.take,
            on_error=self._failed,
            key="weights.values",
        )

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, AppError):
            self.ctx.notify.error(error)
        self.error.setText(f"{error} {getattr(error, 'hint', '')}".strip())
        self.error.show()

    # ---- going somewhere ----
    def go_to(self, row: int, column: int) -> None:
        """Show a cell of the whole table, on its page."""
        self._wanted = (row, column)
        if self.isVisible():
            self._travel()

    def _travel(self) -> None:
        if self._wanted is None or self.model.table is None:
            return
        (row, column), self._wanted = self._wanted, None
        row, column = min(row, self.model.table.rows - 1), min(column, self.model.table.columns - 1)
        self.page_box.setValue(row // PAGE * PAGE)
        self.across_box.setValue(column // PAGE * PAGE)
        index = self.model.index(row - self.model.first[0], column - self.model.first[1])
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
        self.view.setFocus()

    def _go(self) -> None:
        places = [int(part) for part in re.findall(r"\d+", self.field.text())[:2]]
        page = self.looking.page
        if not places or page is None or self.model.table is None:
            return
        if len(page.shape) < 2 and len(places) == 1:  # a place in the line of all values
            places = list(divmod(places[0], self.model.table.down))
        self.go_to(places[0], places[1] if len(places) > 1 else 0)

    def _point(self) -> None:
        index, page, table = self.view.currentIndex(), self.looking.page, self.model.table
        if not index.isValid() or page is None or table is None:
            self.readout.setText("")
            return
        row, column = index.row() + self.model.first[0], index.column() + self.model.first[1]
        self.readout.setText(index_text(page.shape, self.looking.cut, row, column, table.down))

    # ---- copying ----
    def copy(self) -> None:
        """The selected values, or those in view, to the clipboard, as soon as they are read."""
        page = self.looking.page
        if page is None or self.looking.model is None or self.model.table is None:
            return
        chosen = self.view.selectionModel().selection()
        rows, columns = self._in_view()
        if chosen.count() and (chosen.at(0).width() > 1 or chosen.at(0).height() > 1):
            rows, columns = (chosen.at(0).top(), chosen.at(0).bottom() + 1), (chosen.at(0).left(), chosen.at(0).right() + 1)
        elif chosen.count():
            rows, columns = (chosen.at(0).top(), chosen.at(0).top() + 1), (chosen.at(0).left(), chosen.at(0).left() + 1)
        down, right = self.model.first
        self.ctx.document.ask(
            slices.texts,
            self.looking.model,
            page.name,
            self.looking.cut,
            (down + rows[0], down + rows[1]),
            (right + columns[0], right + columns[1]),
            on_done=self._copied,
            on_error=self.ctx.notify.error,
            key="weights.copy",
        )

    def _copied(self, found: Texts) -> None:
        QApplication.clipboard().setText("\n".join("\t".join(row) for row in found.texts))
        count = sum(len(row) for row in found.texts)
        self.ctx.notify.info(f"{figures.plural(count, 'value')} {'is' if count == 1 else 'are'} on the clipboard.")

    # ---- life ----
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fill()
        self._rest.start()
        if self._wanted is not None:
            QTimer.singleShot(0, self, self._travel)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.ctx.document.forget("weights.values")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.cut.fit(self.width() - 16)
        self._rest.start()

    def restyle(self) -> None:
        """The theme is another one."""
        self.view.setFont(self.ctx.theme.mono())

    def release(self) -> None:
        """Leave what is being read."""
        self._rest.stop()
        for key in ("weights.values", "weights.copy"):
            self.ctx.document.forget(key)
