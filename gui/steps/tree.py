"""The tree of variants as rows: titles, figures with their units, and what is known against the one before."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QKeySequence, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from core.history import Variant
from core.session import Session
from gui import figures
from gui.theme import Theme

TITLE, SIZE, LATENCY, ACCURACY = range(4)
ID = Qt.ItemDataRole.UserRole
#: From this width on there is room for another column of figures.
WIDE, WIDER = 310, 400


class VariantTree(QTreeWidget):
    """One row a variant; the current one is bold and has a filled dot. Narrow trees leave out size and accuracy: they are
    in the tooltip, with the differences to the one before and to the original."""

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
        self._accurate = False
        self.setAccessibleName("Variants")
        self.setHeaderLabels(["Variant", "Size", "p50", "Top-1"])
        self.setIndentation(12)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setUniformRowHeights(True)
        self.setIconSize(QSize(16, 16))
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setEditTriggers(QTreeWidget.EditTrigger.NoEditTriggers)
        self.setExpandsOnDoubleClick(False)
        head = self.header()
        head.setStretchLastSection(False)
        head.setSectionsMovable(False)
        head.setSectionResizeMode(TITLE, QHeaderView.ResizeMode.Stretch)
        head.setMinimumSectionSize(40)
        for column, width, tip in (
            (SIZE, 84, "Graph and weights on disk"),
            (LATENCY, 96, "Median latency of the latest benchmark"),
            (ACCURACY, 80, "Top-1 accuracy on labelled data"),
        ):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, width)
            self.headerItem().setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.headerItem().setToolTip(column, tip)
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

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
        accuracies = {id: session.accuracy(id) for id in session.history.variants}
        self._accurate = any(value is not None for value in accuracies.values())
        places: dict[str, QTreeWidgetItem] = {}
        for variant in session.history.variants.values():
            item = self._item(session, variant, accuracies)
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
        self._fit()

    def _item(self, session: Session, variant: Variant, accuracies: Mapping[str, float | None]) -> QTreeWidgetItem:
        latency, accuracy = session.latency(variant.id), accuracies[variant.id]
        texts = (
            variant.title,
            figures.size(variant.model.size),
            figures.milliseconds(latency.p50) if latency else "",
            figures.share(accuracy) if accuracy is not None else "",
        )
        item = QTreeWidgetItem(list(texts))
        item.setData(TITLE, ID, variant.id)
        item.setIcon(TITLE, self._dot(None))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        tip = tip_of(session, variant)
        for column in range(4):
            item.setToolTip(column, tip)
            if column != TITLE:
                item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setForeground(column, self._theme.color("muted"))
        return item

    def _mark(self, item: QTreeWidgetItem) -> None:
        font = item.font(TITLE)
        font.setBold(True)
        item.setFont(TITLE, font)
        item.setIcon(TITLE, self._dot("accent"))
        item.setData(TITLE, Qt.ItemDataRole.AccessibleTextRole, f"{item.text(TITLE)}, current")
        for column in (SIZE, LATENCY, ACCURACY):
            item.setForeground(column, self._theme.color("text"))

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

    def _fit(self) -> None:
        width = self.viewport().width()
        self.setColumnHidden(ACCURACY, not self._accurate or width < WIDE)
        self.setColumnHidden(SIZE, width < (WIDER if self._accurate else WIDE))


def tip_of(session: Session, variant: Variant) -> str:
    """What is known of a variant, with the differences to the one before and to the original."""
    lines = [
        variant.title,
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
