"""Everything that was said: messages, errors with their details, logs of the libraries and of Qt."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication, QComboBox, QHBoxLayout, QPlainTextEdit, QPushButton, QSplitter, QVBoxLayout, QWidget

from gui import icons
from gui.actions import Action
from gui.context import Context
from gui.notify import SEVERITIES, Message
from gui.panels.base import Panel
from gui.table import Column, Table

_TOKENS = {"debug": "muted", "info": "text", "warning": "warn", "error": "bad"}
_LEVELS = (("Everything", "debug"), ("From info", "info"), ("From warnings", "warning"), ("Only errors", "error"))


def copy(ctx: Context) -> None:
    """All messages as text, to the clipboard."""
    QApplication.clipboard().setText("\n".join(message.plain() for message in ctx.notify.messages))
    ctx.notify.info("The log is on the clipboard.")


class LogPanel(Panel):
    """A table of messages with a filter for level and words; the selected one is shown whole below."""

    id = "log"
    title = "Log"
    area = "bottom"
    order = 60
    icon = "log"
    tip = "Messages, errors with their details, and what the libraries said."
    ACTIONS = (Action("log.copy", "Copy log", copy, menu="Help", group=40, icon="copy", tip="Copy every message with its details."),)

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self._listed: list[Message] = []
        self.table = Table(
            [
                Column("when", "Time", width=90, search=False),
                Column("severity", "Level", width=96, colour=self._colour, icon=self._icon, format=str.capitalize),
                Column("text", "Message"),
                Column("source", "From", width=104),
            ],
        )
        self.table.setAccessibleName("Messages")
        self.table.selection_changed.connect(self._select)
        self.table.horizontalHeader().setSortIndicatorShown(False)
        self.detail = QPlainTextEdit()
        self.detail.setReadOnly(True)
        self.detail.setFont(ctx.theme.mono())
        self.detail.setAccessibleName("The selected message, whole")
        self.detail.hide()
        self.table.setToolTip("Select a message to read all of it.")
        self.level = QComboBox()
        self.level.setAccessibleName("Level")
        for title, severity in _LEVELS:
            self.level.addItem(title, severity)
        self.level.setCurrentIndex(1)
        self.level.currentIndexChanged.connect(lambda *_: self.refresh())
        search = self.table.filter_field("Search messages")
        all_ = QPushButton("Copy all")
        all_.setToolTip("Copy every message with its details.")
        all_.clicked.connect(lambda *_: copy(ctx))

        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(search, 1)
        row.addWidget(self.level)
        row.addWidget(all_)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.table)
        split.addWidget(self.detail)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setChildrenCollapsible(False)
        split.setSizes([600, 300])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(split, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(50)
        self._timer.timeout.connect(self.refresh)
        self.listen(ctx.notify.added, lambda _: self._timer.isActive() or self._timer.start())
        self.listen(ctx.theme.changed, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the messages of the chosen levels; follows the newest when the end was in view."""
        least = SEVERITIES.index(self.level.currentData())
        bar = self.table.verticalScrollBar()
        follow = bar.value() >= bar.maximum() - 2
        chosen = self._listed[self.table.selected_rows[0]] if self.table.selected_rows else None
        self._listed = [message for message in self.ctx.notify.messages if SEVERITIES.index(message.severity) >= least]
        self.table.set_rows([(m.clock(), m.severity, m.text.replace("\n", " "), m.source) for m in self._listed])
        if chosen is not None:
            self.table.select_rows([row for row, message in enumerate(self._listed) if message is chosen], scroll=False)
        if follow:
            self.table.scrollToBottom()

    def _select(self, rows: list[int]) -> None:
        self.detail.setPlainText(self._listed[rows[0]].plain() if rows else "")
        self.detail.setVisible(bool(rows))

    def _colour(self, severity: str) -> QColor:
        return self.ctx.theme.color(_TOKENS[severity])

    def _icon(self, severity: str) -> QIcon:
        name = {"debug": "more", "info": "info", "warning": "warning", "error": "error"}[severity]
        return icons.icon(name, self.ctx.theme, _TOKENS[severity])
