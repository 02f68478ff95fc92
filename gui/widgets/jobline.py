"""One line under a button that starts a job: how far it is and how to stop it; afterwards, what went wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from core.errors import AppError
from gui import figures
from gui.context import Context
from gui.jobs import JobHandle
from gui.notify import Message
from gui.widgets.rows import Elided, Wrapped


class JobLine(QWidget):
    """Hidden until `watch` or `fail`. The panel that shows an error here is where it is read: it makes no toast as well,
    but stands in the log."""

    def __init__(self, ctx: Context) -> None:
        super().__init__()
        self._ctx = ctx
        self.handle: JobHandle | None = None
        self.error: Exception | None = None
        self._running = self._make_running()
        self._failed = self._make_failed()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(0)
        column.addWidget(self._running)
        column.addWidget(self._failed)
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self._show)
        self.clear()

    def _make_running(self) -> QWidget:
        box = QWidget()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress")
        self.text = Elided("", "muted")
        self.time = QLabel()
        self.time.setProperty("role", "muted")
        self.cancel = QPushButton("Cancel")
        self.cancel.setProperty("role", "plain")
        self.cancel.clicked.connect(lambda *_: self.handle is not None and self.handle.cancel())
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        row.addWidget(self.time)
        row.addWidget(self.cancel)
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.bar)
        column.addLayout(row)
        return box

    def _make_failed(self) -> QWidget:
        box = QFrame()
        box.setProperty("role", "notice")
        self.message = Wrapped()
        self.message.setProperty("role", "error")
        self.hint = Wrapped()
        self.help = QPushButton()
        self.help.setProperty("role", "link")
        self.help.clicked.connect(lambda *_: self._on_help is not None and self._on_help())
        self._on_help: Callable[[], object] | None = None
        copy = QPushButton("Copy details")
        copy.setProperty("role", "link")
        copy.clicked.connect(lambda *_: self._copy())
        hide = QPushButton("Dismiss")
        hide.setProperty("role", "link")
        hide.clicked.connect(lambda *_: self.clear())
        self.details = copy
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.help)
        row.addWidget(copy)
        row.addWidget(hide)
        row.addStretch(1)
        column = QVBoxLayout(box)
        column.setContentsMargins(10, 6, 8, 6)
        column.setSpacing(3)
        column.addWidget(self.message)
        column.addWidget(self.hint)
        column.addLayout(row)
        return box

    @property
    def busy(self) -> bool:
        """Whether the job that is watched is queued or running."""
        return self.handle is not None and not self.handle.over

    def watch(self, handle: JobHandle) -> None:
        """Show this job until it ends."""
        self.clear()
        self.handle = handle
        handle.changed.connect(self._show)
        handle.ended.connect(self._ended)
        self.show()
        self._running.show()
        self._clock.start()
        self._show()

    def _show(self) -> None:
        handle = self.handle
        if handle is None:
            return
        waiting = handle.state == "queued"
        self.bar.setRange(0, 0 if handle.fraction <= 0.0 and not waiting else 1000)
        self.bar.setValue(round(1000 * handle.fraction))
        self.text.setText("Waiting for other jobs" if waiting else handle.text or handle.title)
        self.time.setText("" if waiting else figures.seconds(handle.elapsed()))

    def _ended(self) -> None:
        if self.handle is not None and self.handle.over:
            self._clock.stop()
            self._running.hide()
            if self.error is None:
                self.hide()

    def fail(self, error: Exception, help_text: str = "", on_help: Callable[[], object] | None = None) -> None:
        """Show what went wrong, with a button for the way out when there is one; a bug goes to the crash dialog instead."""
        self._clock.stop()
        self._running.hide()
        if not isinstance(error, AppError):
            self._ctx.notify.error(error)
            self.hide()
            return
        self.error = error
        parent = self.parentWidget()
        if not getattr(error, "told", False) and (parent is None or parent.isVisible()):
            self._ctx.notify.put(Message("error", error.message, error.hint, error.detail, source=type(error).__name__, toast=False))
            error.told = True  # type: ignore[attr-defined]
        self.message.setText(error.message)
        self.hint.setText(error.hint)
        self.hint.setVisible(bool(error.hint))
        self.help.setText(help_text)
        self.help.setVisible(bool(help_text))
        self._on_help = on_help
        self.setAccessibleDescription(f"{error.message} {error.hint}")
        self._failed.show()
        self.show()

    def clear(self) -> None:
        """Show nothing."""
        if self.handle is not None:
            self.handle.changed.disconnect(self._show)
            self.handle.ended.disconnect(self._ended)
            self.handle = None
        self.error = None
        self._clock.stop()
        self._running.hide()
        self._failed.hide()
        self.hide()

    def _copy(self) -> None:
        if isinstance(self.error, AppError):
            parts = (self.error.message, self.error.hint, self.error.detail)
            QApplication.clipboard().setText("\n\n".join(part for part in parts if part))
