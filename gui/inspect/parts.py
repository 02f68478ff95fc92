"""Rows that pages are made of beside words and values: paragraphs, links, a link with a value."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from gui.widgets.rows import Elided, breakable


def text(words: str, role: str, *, mono: QFont | None = None) -> QLabel:
    """A paragraph that can be selected; in `mono` its lines stay as they are, as far as there is room."""
    label = QLabel(words if mono is not None else breakable(words))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setContentsMargins(0, 4, 0, 4)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if mono is not None:
        label.setFont(mono)
    return label


def button(words: str, run: Callable[[], object], tip: str) -> QPushButton:
    """A link."""
    made = QPushButton(words)
    made.setProperty("role", "link")
    made.setToolTip(tip)
    made.setFixedHeight(22)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.clicked.connect(lambda *_: run())
    return made


def unfolding(words: str, run: Callable[[], object], tip: str, on: bool) -> QPushButton:
    """A link that shows more below it, and hides it again."""
    made = button(words, run, tip)
    made.setCheckable(True)
    made.setChecked(on)
    return made


def right(widget: QWidget) -> QWidget:
    """At the right end of its row."""
    row = QWidget()
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.addStretch(1)
    box.addWidget(widget)
    return row


def beside(widget: QWidget, value: str, role: str = "", *, mono: QFont | None = None) -> QWidget:
    """A widget, and its value at the right end of the row."""
    row = QWidget()
    row.setFixedHeight(24)
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(8)
    box.addWidget(widget)
    shown = Elided(value, role, right=True)
    if mono is not None:
        shown.setFont(mono)
    box.addWidget(shown, 1)
    return row


def link(words: str, run: Callable[[], object], tip: str, name: str, room: int) -> QWidget:
    """A link at the right end, cut in the middle where it is wider than `room` pixels; `name` is for those who cannot see it."""
    made = button(words, run, tip)
    made.setAccessibleName(name)
    made.setText(made.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, max(160, room)))
    return right(made)
