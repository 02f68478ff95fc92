"""The command palette: type to find an action, a node, a tensor, a recent file or a panel; Enter does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFocusEvent, QFont, QKeyEvent, QKeySequence, QPainter, QPen, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QLabel,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.errors import AppError
from gui import icons
from gui.context import Context
from gui.shell import ranking
from gui.shell.menus import Menus

if TYPE_CHECKING:
    from core.model.index import GraphIndex

#: The focus goes by itself and comes back: the palette stays.
_PASSING = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason, Qt.FocusReason.MenuBarFocusReason)
ROW = 30
SHOWN = 12
EACH = 40


@dataclass(frozen=True)
class Entry:
    """One line of the palette: what it is, what it does, and why it cannot be done."""

    kind: str
    title: str
    run: Callable[[], object]
    icon: str = ""
    note: str = ""
    keys: str = ""
    blocked: str = ""
    places: tuple[int, ...] = ()
    score: float = 0.0


class Entries(QAbstractListModel):
    """The lines that are shown."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def put(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return len(self.entries)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return entry.blocked or entry.note
        return None


class Line(QStyledItemDelegate):
    """Draws a line: icon, title with the matched letters in the accent colour, a note, keys at the right."""

    def __init__(self, ctx: Context, parent: QObject) -> None:
        super().__init__(parent)
        self.ctx = ctx

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        model = index.model()
        assert isinstance(model, Entries)
        entry, theme, rect = model.entries[index.row()], self.ctx.theme, option.rect
        view = self.parent()
        assert isinstance(view, QListView)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if view.currentIndex().row() == index.row():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selection"))
            painter.drawRoundedRect(rect.adjusted(6, 1, -6, -1), 4, 4)
        token = "disabled" if entry.blocked else "text"
        ratio = painter.device().devicePixelRatioF()
        if entry.icon in icons.names():
            painter.drawPixmap(
                rect.left() + 16, rect.top() + 7, icons.pixmap(entry.icon, theme, 16, "disabled" if entry.blocked else "muted", ratio)
            )
        left, right = rect.left() + 42, rect.right() - 16
        middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.setFont(theme.small())
        aside = entry.keys or entry.kind
        width = painter.fontMetrics().horizontalAdvance(aside)
        painter.setPen(theme.color("disabled" if entry.blocked else "muted"))
        if entry.keys:
            box = QRect(right - width - 10, rect.top() + 6, width + 10, ROW - 12)
            painter.setPen(QPen(theme.color("edge")))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(0, 0, -1, -1), 3, 3)
            painter.setPen(theme.color("disabled" if entry.blocked else "muted"))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), aside)
            width += 10
        else:
            painter.drawText(QRect(right - width, rect.top(), width, ROW), middle, aside)
        right -= width + 16
        painter.setFont(theme.font())
        used = self._title(painter, entry, QRect(left, rect.top(), right - left, ROW), token)
        note = entry.blocked or entry.note
        if note and right - used > 60:
            painter.setFont(theme.small())
            painter.setPen(theme.color("warn" if entry.blocked else "muted"))
            text = painter.fontMetrics().elidedText(note, Qt.TextElideMode.ElideMiddle, right - used - 12)
            painter.drawText(QRect(used + 12, rect.top(), right - used - 12, ROW), middle, text)
        painter.restore()

    def _title(self, painter: QPainter, entry: Entry, rect: QRect, token: str) -> int:
        theme = self.ctx.theme
        metrics = painter.fontMetrics()
        title = metrics.elidedText(entry.title, Qt.TextElideMode.ElideMiddle, rect.width())
        layout = QTextLayout(title, painter.font())
        marks = []
        if title == entry.title:
            look = QTextCharFormat()
            look.setForeground(theme.color("accent"))
            look.setFontWeight(QFont.Weight.DemiBold)
            for place in entry.places if not entry.blocked else ():
                mark = QTextLayout.FormatRange()
                mark.start, mark.length, mark.format = place, 1, look
                marks.append(mark)
        layout.setFormats(marks)
        layout.beginLayout()
        line = layout.createLine()
        line.setLineWidth(rect.width() + 8)
        layout.endLayout()
        painter.setPen(theme.color(token))
        layout.draw(painter, rect.topLeft().toPointF() + _down((ROW - line.height()) / 2))
        return rect.left() + round(line.naturalTextWidth())


def _down(y: float) -> Any:
    from PySide6.QtCore import QPointF

    return QPointF(0, y)


class Palette(QFrame):
    """A field and a list over the upper middle of the window; Escape or a click elsewhere closes it."""

    def __init__(self, ctx: Context, menus: Menus, window: QWidget) -> None:
        super().__init__(window)
        self.ctx, self.menus, self._window = ctx, menus, window
        self.setObjectName("palette")
        self.setAccessibleName("Command palette")
        self._names: tuple[object, list[str], list[str]] = (None, [], [])
        self.field = QLineEdit()
        self.field.setPlaceholderText("Search nodes, tensors, actions, panels, recent files")
        self.field.setAccessibleName("Search")
        self.field.textChanged.connect(self.search)
        self.field.installEventFilter(self)
        self.list = QListView()
        self.entries = Entries(self)
        self.list.setModel(self.entries)
        self.list.setItemDelegate(Line(ctx, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.setAccessibleName("Found")
        self.list.clicked.connect(lambda index: self.choose(index.row()))
        self.nothing = QLabel("Nothing is called so.")
        self.nothing.setProperty("role", "muted")
        self.nothing.setContentsMargins(16, 4, 16, 12)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 7)
        column.setSpacing(6)
        column.addWidget(self.field)
        column.addWidget(self.list)
        column.addWidget(self.nothing)
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(36)
        shadow.setOffset(0, 8)
        self.setGraphicsEffect(shadow)
        self._shadow = shadow
        self._before: QWidget | None = None
        self.hide()

    # ---- opening and closing ----
    def open(self, text: str = "") -> None:
        """Show it, with the field ready; whatever had the focus gets it back."""
        self._before = self._window.focusWidget()
        colour = self.ctx.theme.color("shadow")
        colour.setAlpha(130 if self.ctx.theme.dark else 60)
        self._shadow.setColor(colour)
        self.field.setText(text)
        self.search(text)
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def close_(self) -> None:
        """Hide it and give the focus back."""
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()
        self._before = None

    def place(self) -> None:
        """Stand in the upper middle of the window, as high as the list is long."""
        window = self._window
        width = min(680, window.width() - 80)
        rows = min(len(self.entries.entries), SHOWN)
        self.list.setFixedHeight(rows * ROW)
        self.list.setVisible(bool(rows))
        self.nothing.setVisible(not rows)
        self.setGeometry((window.width() - width) // 2, 46, width, 56 + (rows * ROW if rows else 34))

    # ---- searching ----
    def search(self, text: str) -> None:
        """Find what fits and list it, best first."""
        text = text.strip()
        found = self._actions(text) + self._recent(text)
        if text:
            found.sort(key=lambda entry: -entry.score + (8 if entry.blocked else 0))
            found = found[:EACH] if found and found[0].score > 20 else found[:6]
            nodes = self._nodes(text)
            good = [entry for entry in found if entry.score > 20]
            weak = [entry for entry in found if entry not in good]
            found = good + nodes + weak
        else:
            found.sort(key=lambda entry: bool(entry.blocked))
        self.entries.put(found)
        if found:
            self.list.setCurrentIndex(self.entries.index(0, 0))
        self.place()

    def _actions(self, text: str) -> list[Entry]:
        found = []
        for id, action in self.menus.table.items():
            if id == "view.palette":
                continue
            title = action.title.rstrip("…")
            panel = id.startswith("view.panel.")
            if "/" in action.menu and not panel:
                title = f"{action.menu.rpartition('/')[2]}: {title[0].lower()}{title[1:]}"
            fits = ranking.fit(text, title)
            score, places = fits if fits is not None else (0.0, ())
            if fits is None:
                wide = ranking.fit(text, f"{title} {action.menu} {action.tip}") if len(text) > 2 else None
                if wide is None or wide[0] < 12:
                    continue
                score = wide[0] / 3
            keys = self.menus.actions[id].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            kind = "Panel" if panel else action.menu.partition("/")[0] or "Action"
            found.append(
                Entry(
                    kind,
                    title,
                    self._runner(id),
                    "panel" if panel else action.icon,
                    action.tip,
                    keys,
                    self.menus.reason(id),
                    tuple(places),
                    score,
                )
            )
        return found

    def _runner(self, id: str) -> Callable[[], object]:
        return lambda: self.menus.run(id)

    def _recent(self, text: str) -> list[Entry]:
        found = []
        for name in self.ctx.settings.recent:
            path = Path(name)
            fits = ranking.fit(text, path.name)
            if fits is not None and self.ctx.window is not None:
                blocked = "" if path.exists() else "The file is no longer there."
                opener = self.ctx.window.open_path
                found.append(
                    Entry(
                        "Recent",
                        path.name,
                        partial(opener, path),
                        "file",
                        str(path.parent),
                        "",
                        blocked,
                        fits[1],
                        fits[0],
                    )
                )
        return found

    def _nodes(self, text: str) -> list[Entry]:
        index: GraphIndex | None = self.ctx.services.get("index")
        if index is None:
            return []
        if self._names[0] is not index:
            self._names = (index, [name.lower() for name in index.names], [name.lower() for name in index.tensors])
        found = []
        for row in ranking.names(text, self._names[1], EACH):
            op = index.op_names[int(index.op[row])]
            kind = ("Node", "Input", "Output")[int(index.kind[row])]
            note = " · ".join(part for part in (op if kind == "Node" else "", index.details[row]) if part)
            name = index.names[row]
            fits = ranking.fit(text, name)
            found.append(Entry(kind, name, partial(self._go, name), "node", note, places=fits[1] if fits else ()))
        for tensor in ranking.names(text, self._names[2], EACH // 2):
            name = index.tensors[tensor]
            fits = ranking.fit(text, name)
            found.append(
                Entry(
                    "Tensor",
                    name,
                    partial(self._to_tensor, tensor),
                    "tensor",
                    index.tensor_types[tensor],
                    places=fits[1] if fits else (),
                )
            )
        return found

    def _to_tensor(self, tensor: int) -> None:
        index: GraphIndex = self.ctx.services["index"]
        edges = (index.tensor == tensor).nonzero()[0]
        if len(edges):
            if self.ctx.window is not None:
                self.ctx.window.show_panel("properties")
            self._go(index.names[int(index.src[edges[0]])])
            self.ctx.selection.look_at(index.tensors[tensor])

    def _go(self, name: str) -> None:
        if self.ctx.window is not None:
            self.ctx.window.show_panel("graph")
        self.ctx.selection.set((name,), self)
        self.ctx.selection.reveal.emit(name)

    # ---- choosing ----
    def choose(self, row: int) -> None:
        """Do what a line says; one that is blocked tells why and stays."""
        if not 0 <= row < len(self.entries.entries):
            return
        entry = self.entries.entries[row]
        if entry.blocked:
            self.ctx.notify.info(f"{entry.title} is not possible now: {entry.blocked}")
            return
        self.close_()
        try:
            entry.run()
        except AppError as error:
            self.ctx.notify.error(error)

    def eventFilter(self, target: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event)
        if event.type() == QEvent.Type.FocusOut and isinstance(event, QFocusEvent) and event.reason() not in _PASSING:
            self.hide()
        return False

    def _key(self, event: QKeyEvent) -> bool:
        count, row = len(self.entries.entries), self.list.currentIndex().row()
        jumps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: SHOWN - 1, Qt.Key.Key_PageUp: 1 - SHOWN}
        key = Qt.Key(event.key())
        if key in jumps:
            if count:
                step = jumps[key]
                row = (row + step) % count if abs(step) == 1 else min(max(row + step, 0), count - 1)
                self.list.setCurrentIndex(self.entries.index(row, 0))
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose(row)
            return True
        if key == Qt.Key.Key_Escape or (key == Qt.Key.Key_K and event.modifiers() & Qt.KeyboardModifier.ControlModifier):
            self.close_()
            return True
        return key == Qt.Key.Key_Tab
