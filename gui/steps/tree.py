"""The tree of variants as rows: titles, figures with their units, and what is known against the one before."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QIcon, QKeyEvent, QKeySequence, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeWidget, QTreeWidgetItem, QWidget

from core.history import Variant
from core.session import Session
from gui import figures
from gui.theme import Theme

TITLE = 0
ID = Qt.ItemDataRole.UserRole
#: The figures of a row as text: size, median latency, accuracy; empty where it is not known.
FIGURES = Qt.ItemDataRole.UserRole + 1
#: A row is two lines: the title, and its figures; latency and accuracy end at the same places in every row.
ROW, LINE = 42, 17
COLUMNS = (("Size on disk", 60), ("median latency", 76), ("top-1 accuracy", 62))


class _Row(QStyledItemDelegate):
    """Paints a variant: dot and title, below them its figures."""

    def __init__(self, theme: Theme, parent: QTreeWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(80, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        whole = QStyleOptionViewItem(option)
        self.initStyleOption(whole, index)
        title, font, icon = whole.text, whole.font, index.data(Qt.ItemDataRole.DecorationRole)
        whole.text, whole.icon = "", QIcon()
        view = self.parent()
        assert isinstance(view, QTreeWidget)
        view.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, whole, painter, view)
        rect = option.rect
        painter.save()
        icon.paint(painter, QRect(rect.left() + 6, rect.top() + 5, 16, 16))
        painter.setFont(font)
        painter.setPen(self._theme.color("text"))
        place = title_rect(rect)
        words = QFontMetrics(font).elidedText(title, Qt.TextElideMode.ElideMiddle, place.width())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), words)
        painter.setFont(self._theme.small())
        painter.setPen(self._theme.color("text" if font.bold() else "muted"))
        size, *others = index.data(FIGURES) or ("", "", "")
        right = rect.right() - 9
        for text, (_, width) in zip(reversed(others), reversed(COLUMNS), strict=False):
            cell = QRect(right - width, place.bottom() + 1, width, LINE)
            painter.drawText(cell, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), text)
            right -= width
        wide = painter.fontMetrics().horizontalAdvance(size)
        left = min(place.left(), right - wide + 4)  # deep in the tree it gives way to the columns
        painter.drawText(QRect(left, place.bottom() + 1, wide + 4, LINE), int(Qt.AlignmentFlag.AlignVCenter), size)
        painter.restore()

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        editor.setGeometry(title_rect(option.rect).adjusted(-4, -1, 4, 3))


def title_rect(row: QRect) -> QRect:
    """Where the title stands in a row."""
    return QRect(row.left() + 26, row.top() + 4, row.width() - 34, LINE)


class VariantTree(QTreeWidget):
    """Two lines a variant, so that nothing is left out of a narrow dock; the current one is bold and has a filled dot. The
    differences to the one before and to the original are in the tooltip."""

    #: A click or Enter: go to this variant.
    went = Signal(str)
    #: A title was typed.
    titled = Signal(str, str)
    #: F2, Del and Ctrl+C: `rename`, `remove`, `copy`.
    asked = Signal(str)
    #: The context menu is wanted here (on the screen).
    menu_wanted = Signal(QPoint)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._filling = False
        self.setAccessibleName("Variants")
        self.setHeaderHidden(True)
        self.setColumnCount(1)
        self.setIndentation(12)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setUniformRowHeights(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QTreeWidget.EditTrigger.NoEditTriggers)
        self.setExpandsOnDoubleClick(False)
        self.setItemDelegate(_Row(theme, self))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self.itemClicked.connect(lambda item, _: self.went.emit(str(item.data(TITLE, ID))))
        self.itemChanged.connect(self._changed)

    def every(self) -> list[QTreeWidgetItem]:
        """All items, top down."""
        found: list[QTreeWidgetItem] = []
        waiting: list[QTreeWidgetItem | None] = [self.topLevelItem(i) for i in range(self.topLevelItemCount())]
        while waiting:
            item = waiting.pop(0)
            if item is not None:
                found.append(item)
                waiting[:0] = [item.child(i) for i in range(item.childCount())]
        return found

    def drawBranches(self, painter: QPainter, rect: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        """None: the indentation says it, and nothing folds."""

    def _menu(self, at: QPoint) -> None:
        if self.itemAt(at) is None and self.currentItem() is None:
            return
        self.menu_wanted.emit(self.viewport().mapToGlobal(at))

    def _changed(self, item: QTreeWidgetItem) -> None:
        if not self._filling:
            self.titled.emit(str(item.data(TITLE, ID)), item.text(TITLE).strip())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.state() == QTreeWidget.State.EditingState:
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_F2:
            self.asked.emit("rename")
        elif event.key() == Qt.Key.Key_Delete:
            self.asked.emit("remove")
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.went.emit(self.selected())
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.asked.emit("copy")
        else:
            super().keyPressEvent(event)

    def fill(self, session: Session) -> None:
        """Draw the tree anew, with the selection on the current variant."""
        self._filling = True
        self.clear()
        places: dict[str, QTreeWidgetItem] = {}
        for variant in session.history.variants.values():
            item = self._item(session, variant)
            places[variant.id] = item
            parent = places.get(variant.parent or "")
            if parent is None:
                self.addTopLevelItem(item)
            else:
                parent.addChild(item)
        self.expandAll()
        if session.history.head in places:
            item = places[session.history.head]
            self._mark(item)
            self.setCurrentItem(item)
            self.scrollToItem(item)
        self._filling = False

    def _item(self, session: Session, variant: Variant) -> QTreeWidgetItem:
        latency, accuracy = session.latency(variant.id), session.accuracy(variant.id)
        texts = (
            figures.size(variant.model.size),
            figures.milliseconds(latency.p50) if latency else "",
            figures.share(accuracy) if accuracy is not None else "",
        )
        item = QTreeWidgetItem([variant.title])
        item.setData(TITLE, ID, variant.id)
        item.setData(TITLE, FIGURES, texts)
        item.setIcon(TITLE, self._dot(None))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        item.setToolTip(TITLE, tip_of(session, variant))
        said = [f"{word} {text}" for (word, _), text in zip(COLUMNS, texts, strict=True) if text]
        item.setData(TITLE, Qt.ItemDataRole.AccessibleDescriptionRole, ", ".join(said))
        return item

    def figures_of(self, variant_id: str) -> tuple[str, ...]:
        """What is written below a title: size, median latency, accuracy."""
        item = self.item_of(variant_id)
        return tuple(item.data(TITLE, FIGURES)) if item is not None else ()

    def _mark(self, item: QTreeWidgetItem) -> None:
        font = self._theme.font()
        font.setBold(True)
        item.setFont(TITLE, font)
        item.setIcon(TITLE, self._dot("accent"))
        item.setData(TITLE, Qt.ItemDataRole.AccessibleTextRole, f"{item.text(TITLE)}, current")

    def _dot(self, token: str | None) -> QIcon:
        """A filled dot for the variant that is open, a ring for the others."""
        ratio = self.devicePixelRatioF()
        picture = QPixmap(round(16 * ratio), round(16 * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._theme.color(token or "muted"))
        if token:
            painter.setBrush(self._theme.color(token))
        painter.drawEllipse(QPoint(8, 8), 4, 4)
        painter.end()
        return QIcon(picture)

    def selected(self) -> str:
        """The id of the selected variant; empty when there is none."""
        item = self.currentItem()
        return str(item.data(TITLE, ID)) if item is not None else ""

    def item_of(self, variant_id: str) -> QTreeWidgetItem | None:
        """The row of a variant."""
        return next((item for item in self.every() if item.data(TITLE, ID) == variant_id), None)

    def edit_title(self, variant_id: str) -> None:
        """Let the title be typed in place."""
        item = self.item_of(variant_id)
        if item is not None:
            self.setFocus()
            self.setCurrentItem(item)
            self.editItem(item, TITLE)


def tip_of(session: Session, variant: Variant) -> str:
    """What is known of a variant, with the differences to the one before and to the original."""
    latency, accuracy = session.latency(variant.id), session.accuracy(variant.id)
    known = [
        figures.size(variant.model.size),
        f"median {figures.milliseconds(latency.p50)}, p99 {figures.milliseconds(latency.p99)}" if latency else "not raced yet",
        f"accuracy {figures.share(accuracy)}" if accuracy is not None else "accuracy not measured yet",
    ]
    lines = [
        variant.title,
        " · ".join(known),
        f"{variant.id} · {figures.plural(variant.summary.nodes, 'node')} · {variant.summary.precision or 'no weights'}",
    ]
    history = session.history
    for word, other in (("the one before", variant.parent), ("the original", history.root.id if history.root else None)):
        if other is None or other == variant.id or (word == "the original" and other == variant.parent):
            continue
        lines.append(f"Against {word}: {', '.join(differences(session, history[other], variant)) or 'no difference known'}")
    if variant.step is not None:
        lines += list(variant.step.notes)
        lines.append(f"Made in {figures.seconds(variant.step.seconds)}.")
    return "\n".join(lines)


def differences(session: Session, other: Variant, variant: Variant) -> list[str]:
    """How a variant differs from another, in words."""
    found = []
    if change := figures.change(other.model.size, variant.model.size):
        found.append(f"size {change}")
    ours, theirs = session.latency(variant.id), session.latency(other.id)
    if ours and theirs and (change := figures.change(theirs.p50, ours.p50)):
        found.append(f"median latency {change}")
    before, accuracy = session.accuracy(other.id), session.accuracy(variant.id)
    if accuracy is not None and before is not None:
        found.append(f"accuracy {100 * (accuracy - before):+.1f} points".replace("-", figures.MINUS))
    return found
