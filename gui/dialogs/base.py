"""What all dialogs share: a title, a body, buttons at the lower right, Escape closes, deleted when closed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget


class Dialog(QDialog):
    """A dialog of the house; `body` takes the content, `add_button` the ways out."""

    def __init__(self, title: str, parent: QWidget | None, *, width: int = 480, text: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(width)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        head = QLabel(title)
        head.setProperty("role", "title")
        head.setWordWrap(True)
        column.addWidget(head)
        if text:
            said = QLabel(text)
            said.setProperty("role", "muted")
            said.setWordWrap(True)
            column.addWidget(said)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        column.addLayout(self.body, 1)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(8)
        self.buttons.setContentsMargins(0, 4, 0, 0)
        self.buttons.addStretch(1)
        column.addLayout(self.buttons)

    def add_button(self, text: str, run: Callable[[], object], role: str = "", *, left: bool = False) -> QPushButton:
        """A button at the right (or at the left end); the primary one answers Enter."""
        button = QPushButton(text)
        if role:
            button.setProperty("role", role)
        button.setAutoDefault(role == "primary")
        button.setDefault(role == "primary")
        button.clicked.connect(lambda *_: run())
        if left:
            self.buttons.insertWidget(0, button)
        else:
            self.buttons.addWidget(button)
        return button
