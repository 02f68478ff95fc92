"""Small parts that panels are made of: headings, hairlines, words and values side by side, names cut in the middle."""

from __future__ import annotations

import re
from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QFont, QPainter, QPalette
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QLayout, QMenu, QScrollArea, QSizePolicy, QVBoxLayout, QWidget


class Elided(QLabel):
    """A label that cuts its text in the middle when there is no room; the whole is in the tooltip, and can be copied."""

    def __init__(
        self, text: str = "", role: str = "", *, right: bool = False, mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle
    ) -> None:
        super().__init__(text)
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored if right else QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        if role:
            self.setProperty("role", role)
        if right:
            self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def shown(self) -> str:
        """What fits."""
        return self.fontMetrics().elidedText(self.text(), self._mode, self.contentsRect().width())

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.setFont(self.font())
        text = self.shown()
        painter.drawText(self.contentsRect(), int(self.alignment()) | int(Qt.TextFlag.TextSingleLine), text)
        if not self.property("tip"):
            self.setToolTip(self.text() if text != self.text() else "")

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy", lambda: QApplication.clipboard().setText(self.text()))
        menu.popup(event.globalPos())


def breakable(text: str) -> str:
    """`text` with places to break in paths and long names, so that a wrapped label never is wider than its dock."""
    broken = re.sub(r"(?<=[\w)\]])([/_.\\:-])(?=\w)", "\\1\u200b", text)
    return re.sub(r"(\w{20})(?=\w)", "\\1\u200b", broken)


class Wrapped(QLabel):
    """Words over several lines; a path or a long name breaks too, where a plain label would be wider than its dock."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = ""
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setText(text)

    def setText(self, text: str) -> None:
        self._text = text
        self.setAccessibleName(text)
        super().setText(breakable(text))

    def text(self) -> str:
        """What was set, without the places to break."""
        return self._text


def heading(text: str) -> QLabel:
    """The heading of a group: small, muted, in capitals as the group titles of the whole window."""
    label = QLabel(text)
    label.setProperty("role", "heading")
    font = label.font()
    font.setCapitalization(QFont.Capitalization.AllUppercase)
    font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.6)
    label.setFont(font)
    label.setFixedHeight(24)
    return label


def empty_out(layout: QLayout) -> None:
    """Take every widget out of a layout and let it go."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def line() -> QFrame:
    """A hairline."""
    frame = QFrame()
    frame.setProperty("role", "line")
    frame.setFixedHeight(1)
    return frame


def pair(word: str, value: str, *, role: str = "", tip: str = "", mono: QFont | None = None, note: str = "") -> QWidget:
    """A word on the left and its value on the right, in a row of 24 px; `note` is a muted remark before the value."""
    row = QWidget()
    row.setFixedHeight(24)
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(8)
    left = QLabel(word)
    left.setProperty("role", "muted")
    left.setTextFormat(Qt.TextFormat.PlainText)
    box.addWidget(left)
    right = Elided(value, role, right=True)
    if mono is not None:
        right.setFont(mono)
    right.setAccessibleName(f"{word}: {value}")
    box.addWidget(right, 1)
    if note:
        remark = QLabel(note)
        remark.setProperty("role", "small")
        box.addWidget(remark)
    if tip:
        row.setToolTip(tip)
    return row


class Sections(QScrollArea):
    """A column of groups that scrolls: `begin` clears it, `group` adds a heading, `add` a row, `end` closes it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._column: QVBoxLayout | None = None

    def begin(self) -> None:
        """Start anew; the scroll position stays when the height allows."""
        self._at = self.verticalScrollBar().value()
        self._page = QWidget()
        self._page.setObjectName("page")
        self._column = QVBoxLayout(self._page)
        self._column.setContentsMargins(12, 4, 12, 12)
        self._column.setSpacing(0)
        self._groups = 0

    def group(self, title: str) -> None:
        """A heading, after a hairline from the group before."""
        assert self._column is not None
        if self._groups:
            self._column.addSpacing(10)
            self._column.addWidget(line())
            self._column.addSpacing(6)
        if title:
            self._column.addWidget(heading(title))
        self._groups += 1

    def add(self, *rows: QWidget) -> None:
        """Rows below the heading."""
        assert self._column is not None
        for row in rows:
            self._column.addWidget(row)

    def pairs(self, rows: Iterable[tuple[str, str]]) -> None:
        """Words and values."""
        for word, value in rows:
            self.add(pair(word, value))

    def end(self) -> None:
        """Show what was added."""
        assert self._column is not None
        self._column.addStretch(1)
        self.setWidget(self._page)
        self.verticalScrollBar().setValue(self._at)
        self._column = None
