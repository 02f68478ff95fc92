"""What one finds with: a bar with a field that takes queries, and the list of what was found below it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import figures
from gui.graph.bars import button
from gui.graph.families import family
from gui.widgets.rows import Wrapped

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex
    from gui.graph.scene import Scene
    from gui.theme import Theme

#: Milliseconds without a key before it is looked.
PAUSE = 30
#: Pixels: width of the bar, height of a row; rows that are seen at once.
WIDTH, ROW, ROWS = 372, 26, 9
_KINDS = {1: "Input", 2: "Output"}


def rows_shown(scene: Scene, names: list[str]) -> list[int]:
    """The boxes on the canvas that show nodes of the whole graph, by name, in their order; what is not there is left out."""
    return [row for name in names if (row := scene.row_of(name)) is not None]


class Results(QAbstractListModel):
    """Rows of a graph as a list; nothing is made of them before they are seen."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.index_: GraphIndex | None = None
        self.rows: np.ndarray | None = None

    def put(self, index: GraphIndex | None, rows: np.ndarray | None) -> None:
        """Show these."""
        self.beginResetModel()
        self.index_, self.rows = index, rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if self.rows is None or (parent is not None and parent.isValid()) else len(self.rows)

    def line(self, place: int) -> tuple[str, str, str]:
        """Op, name, and the rest of what is said of one."""
        assert self.index_ is not None
        assert self.rows is not None
        index, row = self.index_, int(self.rows[place])
        op = _KINDS.get(int(index.kind[row]), index.op_names[int(index.op[row])])
        return op, index.names[row], index.details[row]

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        op, name, detail = self.line(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        return "\n".join((name, " · ".join(part for part in (op, detail) if part)))


class Line(QStyledItemDelegate):
    """Draws one: the mark of its op's family, its name cut in the middle, op and detail at the right."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(160, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        model = index.model()
        assert isinstance(model, Results)
        op, name, detail = model.line(index.row())
        theme, rect = self.theme, option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(theme.color("selection" if chosen else "hover"))
            painter.drawRoundedRect(rect.adjusted(4, 1, -4, -1), 4, 4)
        kind = family(op) if op not in _KINDS.values() else "io"
        painter.setBrush(theme.color(f"family.{kind}"))
        painter.drawRoundedRect(QRectF(rect.left() + 11, rect.top() + 6, 4, ROW - 12), 2, 2)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        room = rect.width() - 24 - 10
        wide = QFontMetrics(theme.font()).horizontalAdvance(name)
        painter.setFont(theme.small())
        metrics = painter.fontMetrics()
        aside = " · ".join(part for part in (op, detail) if part)
        if wide + metrics.horizontalAdvance(aside) + 14 > room:
            aside = op  # the name is what tells them apart
        aside = metrics.elidedText(aside, Qt.TextElideMode.ElideMiddle, max(round(room * 0.3), room - 14 - wide))
        used = metrics.horizontalAdvance(aside)
        painter.setPen(theme.color("muted"))
        painter.drawText(QRect(rect.right() - 10 - used, rect.top(), used, ROW), middle, aside)
        painter.setFont(theme.font())
        painter.setPen(theme.color("text"))
        room -= used + 14
        name = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(QRect(rect.left() + 24, rect.top(), room, ROW), middle, name)
        painter.restore()


class FindBar(QFrame):
    """The field and its buttons, what is to be said, and the list.

    Enter goes to the next, Shift+Enter to the one before, as Down and Up do; Alt+Enter selects all; Escape closes.
    """

    #: The text to look for, or how, changed (after a moment without typing).
    searched = Signal(str)
    #: Go on: 1 to the next, -1 to the one before; the person said so.
    stepped = Signal(int)
    #: Go to one in the list.
    chosen = Signal(int)
    #: Select everything that was found.
    all_wanted = Signal()
    #: Only what is selected now shall be looked at (True), or everything.
    narrowed = Signal(bool)
    #: Closed by the person.
    closed = Signal()

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setObjectName("find")
        self.setProperty("role", "raised")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAccessibleName("Find in graph")
        self.recent: Callable[[], tuple[str, ...]] = tuple
        self.field = QLineEdit()
        self.field.setPlaceholderText("Find: conv, op:Conv and k>3, /regex/")
        self.field.setAccessibleName("Find in graph")
        self.field.setToolTip("Words, or filters such as op:Conv and k>3 (the question mark shows all)")
        self.field.installEventFilter(self)
        self.count = QLabel("")
        self.count.setProperty("role", "small")
        self.count.setAccessibleName("How many were found")
        self.regex = self._toggle(".*", "Regular expression: the whole text is one", "Regular expression")
        self.scope = self._toggle("In selection", "Look only at what is selected now", "Look in the selection only")
        self.all_button = button(theme, "select", "Select everything that was found (Alt+Enter)", self.all_wanted.emit)
        self.history = button(theme, "history", "What was looked for before", self._show_recent)
        self.help = button(theme, "help", "What one can write here", self._show_help)
        self.up = button(theme, "chevron-up", "To the one before (Shift+F3, Shift+Enter)", lambda: self.stepped.emit(-1))
        self.down = button(theme, "chevron-down", "To the next (F3, Enter)", lambda: self.stepped.emit(1))
        self.message = Wrapped("")
        self.message.setProperty("role", "small")
        self.message.setContentsMargins(8, 0, 8, 3)
        self.list = QTableView()  # a QListView asks about every row before it shows the first
        self.results = Results(self)
        self._lay_out()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._search)
        self.field.textChanged.connect(lambda: self._pause.start())
        self.regex.toggled.connect(lambda *_: self._search())
        self.scope.toggled.connect(self.narrowed.emit)
        self.show_results(None, None)
        self.say("")
        self.hide()

    def _toggle(self, text: str, tip: str, name: str) -> QToolButton:
        made = QToolButton()
        made.setText(text)
        made.setCheckable(True)
        made.setAutoRaise(True)
        made.setFixedHeight(24)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setToolTip(tip)
        made.setAccessibleName(name)
        return made

    def _lay_out(self) -> None:
        self.list.setModel(self.results)
        self.list.setItemDelegate(Line(self.theme, self.list))
        self.list.horizontalHeader().hide()
        self.list.horizontalHeader().setStretchLastSection(True)
        self.list.verticalHeader().hide()
        self.list.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.list.verticalHeader().setMinimumSectionSize(ROW)
        self.list.verticalHeader().setDefaultSectionSize(ROW)
        self.list.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.list.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.list.setShowGrid(False)
        self.list.setMouseTracking(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.list.setAccessibleName("What was found")
        self.list.clicked.connect(lambda index: self.chosen.emit(index.row()))
        first, second = QHBoxLayout(), QHBoxLayout()
        for row in (first, second):
            row.setContentsMargins(4, 0, 4, 0)
            row.setSpacing(1)
        first.addWidget(self.field, 1)
        for each in (self.up, self.down, button(self.theme, "close", "Close (Escape)", self.shut)):
            first.addWidget(each)
        for each in (self.regex, self.scope):
            second.addWidget(each)
        second.addStretch(1)
        second.addWidget(self.count)
        second.addSpacing(4)
        for each in (self.all_button, self.history, self.help):
            second.addWidget(each)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(3)
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(self.message)
        column.addWidget(self.list)

    # ---- opening and closing ----
    def open(self, text: str | None = None) -> None:
        """Show the field, ready to type into; with a text, look for it."""
        self.show()
        self.raise_()
        self.field.setFocus()
        if text is not None:
            self.field.setText(text)
            self.regex.setChecked(False)
        self.field.setSelection(len(self.field.text()), -len(self.field.text()))  # all of it, seen from its beginning
        self._search()

    def reveal(self) -> None:
        """Show the bar for what was found otherwise, without taking the focus, and with an empty field."""
        self.field.blockSignals(True)
        self.field.clear()
        self.field.blockSignals(False)
        self._pause.stop()
        self.show()
        self.raise_()

    def shut(self) -> None:
        """Close, and forget what was found."""
        self._pause.stop()
        self.hide()
        self.closed.emit()

    def _search(self) -> None:
        self._pause.stop()
        self.searched.emit(self.field.text())

    # ---- what is said ----
    def say(self, text: str) -> None:
        """A line below the field: what was found, or, as mutedly, what is wrong or not typed to its end."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
        self.fit()

    def show_results(self, index: GraphIndex | None, rows: np.ndarray | None) -> None:
        """List these."""
        self.results.put(index, rows)
        count = self.results.rowCount()
        for each in (self.up, self.down, self.all_button):
            each.setEnabled(count > 0)
        self.list.setVisible(count > 0)
        self.fit()

    def show_place(self, place: int) -> None:
        """Which of them one is at, and say so; -1: none yet."""
        count = self.results.rowCount()
        if 0 <= place < count:
            self.list.setCurrentIndex(self.results.index(place, 0))
            self.count.setText(f"{figures.whole(place + 1)} of {figures.whole(count)}")
        else:
            self.list.clearSelection()
            self.count.setText(f"{figures.whole(count)} found" if count else "")

    def fit(self) -> None:
        """Take the room that there is: the list is as long as what was found, up to a part of the canvas."""
        parent = self.parentWidget()
        high = parent.height() if parent is not None else 600
        rows = min(self.results.rowCount(), ROWS, max(3, int((high - 150) * 0.6 / ROW)))
        self.list.setFixedHeight(max(1, rows) * ROW)
        wide = min(WIDTH, max(240, (parent.width() if parent is not None else WIDTH) - 24))
        self.setFixedWidth(wide)
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(wide, layout.heightForWidth(wide) if layout.hasHeightForWidth() else layout.sizeHint().height())

    # ---- menus ----
    def _show_recent(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        metrics = menu.fontMetrics()
        for text in self.recent():
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, 420).replace("&", "&&")
            menu.addAction(shown, lambda text=text: self.open(text))
        if menu.isEmpty():
            menu.addAction("Nothing was looked for yet").setEnabled(False)
        menu.popup(self.history.mapToGlobal(self.history.rect().bottomLeft()))

    def _show_help(self) -> None:
        from gui.graph.examples import Examples

        shown = Examples(self.theme, self)
        shown.taken.connect(self.open)
        shown.open_below(self.help)

    # ---- keys ----
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key(event)
        return super().eventFilter(watched, event)

    def _key(self, event: QKeyEvent) -> bool:
        key, held = event.key(), event.modifiers()
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS - 1, Qt.Key.Key_PageUp: 1 - ROWS}
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._pause.isActive():
                self._search()
            if held & Qt.KeyboardModifier.AltModifier:
                self.all_wanted.emit()
            else:
                self.stepped.emit(-1 if held & Qt.KeyboardModifier.ShiftModifier else 1)
            return True
        if key in steps and not held & ~Qt.KeyboardModifier.KeypadModifier:
            self.stepped.emit(steps[Qt.Key(key)])
            return True
        if key == Qt.Key.Key_Escape:
            self.shut()
            return True
        return False
