"""One message whole: what happened, what to do, and the text behind it; also the crash report."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFont
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton, QWidget

import core
from gui.dialogs.base import Dialog
from gui.notify import Message


def report(message: Message, log: Path | None) -> str:
    """A bug report that somebody can work with: what, where, and on which versions."""
    import PySide6

    lines = [
        f"Sardonyx {core.__version__}, Python {sys.version.split()[0]}, PySide6 {PySide6.__version__}, {platform.platform()}",
        f"Log file: {log}" if log is not None else "",
        "",
        message.plain(),
    ]
    return "\n".join(line for place, line in enumerate(lines) if line or place == 2)


class MessageDialog(Dialog):
    """A message with its hint and its detail, to read and to copy."""

    def __init__(self, message: Message, mono: QFont, parent: QWidget | None = None, *, log: Path | None = None) -> None:
        title = "Something went wrong inside Sardonyx" if message.bug else message.source or "Details"
        super().__init__(title, parent, width=640)
        self.message = message
        text = QLabel(message.text.removeprefix("Something went wrong inside Sardonyx: "))
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if message.severity == "error":
            text.setProperty("role", "error")
        self.body.addWidget(text)
        if message.hint:
            hint = QLabel(message.hint)
            hint.setWordWrap(True)
            hint.setTextFormat(Qt.TextFormat.PlainText)
            self.body.addWidget(hint)
        self.whole = report(message, log) if message.bug else message.plain()
        if message.detail or message.bug:
            detail = QPlainTextEdit(self.whole if message.bug else message.detail)
            detail.setReadOnly(True)
            detail.setFont(mono)
            detail.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
            detail.setAccessibleName("Details")
            detail.setMinimumHeight(220)
            self.body.addWidget(detail, 1)
        if log is not None and message.bug:
            said = QLabel(f"Log file: {log}")
            said.setProperty("role", "small")
            said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            said.setWordWrap(True)
            self.body.addWidget(said)
            self.add_button("Open log folder", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(log.parent))), "plain", left=True)
        self.copy_button: QPushButton = self.add_button("Copy report" if message.bug else "Copy", self.copy)
        self.add_button("Close", self.close, "primary")

    def copy(self) -> None:
        """The whole report to the clipboard."""
        QApplication.clipboard().setText(self.whole)
        self.copy_button.setText("Copied")
