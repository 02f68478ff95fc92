"""What runs, waits and has ended: progress, time, cancel, and why something failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.errors import AppError
from gui import figures, icons
from gui.actions import Action
from gui.context import Context
from gui.panels.base import Panel
from gui.widgets.empty import EmptyState
from gui.widgets.rows import Elided

if TYPE_CHECKING:
    from gui.jobs import JobHandle

#: How many ended jobs stay listed.
KEPT = 50
_LOOKS = {
    "queued": ("history", "muted", "Waiting"),
    "running": ("play", "accent", "Running"),
    "done": ("ok", "ok", "Done"),
    "failed": ("error", "bad", "Failed"),
    "cancelled": ("stop", "muted", "Cancelled"),
}


def nothing_runs(ctx: Context) -> str:
    """The reason for what needs a running job."""
    return "" if ctx.jobs.active() else "Nothing is running."


def cancel_all(ctx: Context) -> None:
    """Cancel everything that runs or waits."""
    for handle in ctx.jobs.active():
        handle.cancel()


def clear(ctx: Context) -> None:
    """Forget the jobs that have ended."""
    panel = ctx.window.panel("jobs") if ctx.window is not None else None
    if isinstance(panel, JobsPanel):
        panel.clear()


class JobsPanel(Panel):
    """One row a job, the newest on top."""

    id = "jobs"
    title = "Jobs"
    area = "left"
    order = 50
    icon = "jobs"
    tip = "What runs, waits and has ended, with progress and a way to cancel it."
    ACTIONS = (
        Action(
            "jobs.cancel_all",
            "Cancel all jobs",
            cancel_all,
            menu="Edit",
            group=80,
            icon="stop",
            blocked=nothing_runs,
            tip="Stop everything that runs or waits.",
        ),
        Action("jobs.clear", "Clear finished jobs", clear, menu="Edit", group=80, icon="trash", tip="Take ended jobs off the list."),
    )

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.entries: list[JobRow] = []
        empty = EmptyState(
            "jobs", "No jobs yet", "Opening, passes, builds and benchmarks run here, each in a process of its own.", theme=ctx.theme
        )
        self.list = QWidget()
        self.list.setObjectName("page")
        self.column = QVBoxLayout(self.list)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)
        self.column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Jobs")
        scroll.setWidget(self.list)
        self.pages = QStackedLayout(self)
        self.pages.addWidget(empty)
        self.pages.addWidget(scroll)
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self._tick)
        for handle in ctx.jobs.active():
            self._added(handle)
        ctx.jobs.added.connect(self._added)
        self.listen(ctx.theme.changed, self._redraw)

    def release(self) -> None:
        self._clock.stop()
        self.ctx.jobs.added.disconnect(self._added)
        super().release()

    def clear(self) -> None:
        """Forget what has ended."""
        for row in list(self.entries):
            if not row.alive:
                self._drop(row)

    def _added(self, handle: JobHandle) -> None:
        row = JobRow(handle, self.ctx)
        row.dismissed = lambda: self._drop(row) if row in self.entries else None
        self.entries.insert(0, row)
        self.column.insertWidget(0, row)
        ended = [each for each in self.entries if not each.alive]
        for old in ended[KEPT:]:
            self._drop(old)
        self.pages.setCurrentIndex(1)
        self._clock.start()

    def _drop(self, row: JobRow) -> None:
        self.entries.remove(row)
        self.column.removeWidget(row)
        row.hide()
        row.deleteLater()
        self.pages.setCurrentIndex(1 if self.entries else 0)

    def _tick(self) -> None:
        alive = [row for row in self.entries if row.alive]
        for row in alive:
            row.refresh()
        if not alive:
            self._clock.stop()

    def _redraw(self) -> None:
        for row in self.entries:
            row.refresh()


class JobRow(QWidget):
    """One job."""

    def __init__(self, handle: JobHandle, ctx: Context) -> None:
        super().__init__()
        self.handle, self.ctx = handle, ctx
        self.dismissed: Callable[[], object] = lambda: None
        self._state = ""
        self.setAccessibleName(handle.title)
        self.picture = QLabel()
        self.picture.setFixedSize(16, 18)
        self.title = Elided(handle.short)
        self.title.setProperty("tip", True)
        self.title.setToolTip(handle.title)
        self.time = QLabel()
        self.time.setProperty("role", "muted")
        self.button = QToolButton()
        self.button.setFixedSize(22, 22)
        self.button.clicked.connect(lambda *_: self._pressed())
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"Progress of {handle.title}")
        self.text = Elided("", "small", mode=Qt.TextElideMode.ElideRight)
        self.more = QPushButton("Details…")
        self.more.setProperty("role", "link")
        self.more.hide()
        self.more.clicked.connect(lambda *_: self._details())
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.picture)
        head.addWidget(self.title, 1)
        head.addWidget(self.time)
        head.addWidget(self.button)
        foot = QHBoxLayout()
        foot.setContentsMargins(24, 0, 0, 0)
        foot.addWidget(self.text, 1)
        foot.addWidget(self.more)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 8, 6)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.bar)
        column.addLayout(foot)
        handle.changed.connect(self.refresh)
        handle.ended.connect(self._ended)
        self.refresh()

    def _ended(self) -> None:
        """Housekeeping that went well is not worth a row."""
        self.refresh()
        if self.handle.background and self.handle.state != "failed":
            self.dismissed()

    @property
    def alive(self) -> bool:
        """Whether it runs or waits."""
        return self.handle.state in ("queued", "running")

    def refresh(self) -> None:
        """Show the job as it is now."""
        state = self.handle.state
        name, token, word = _LOOKS[state]
        key = f"{state}{self.ctx.theme.name}"
        if key != self._state:
            self._state = key
            self.picture.setPixmap(icons.pixmap(name, self.ctx.theme, 16, token, self.devicePixelRatioF()))
            self.picture.setToolTip(word)
            icons.dress(self.button, "close", self.ctx.theme, "muted")
            self.button.setToolTip("Cancel this job" if self.alive else "Take it off the list")
            self.button.setAccessibleName(f"{'Cancel' if self.alive else 'Forget'} {self.handle.title}")
            self.bar.setVisible(state == "running")
            self.text.setProperty("role", "error" if state == "failed" else "small")
            self.text.style().unpolish(self.text)
            self.text.style().polish(self.text)
        if state == "running":
            fraction = self.handle.fraction
            self.bar.setRange(0, 0 if fraction <= 0 and self.handle.elapsed() > 1 else 1000)
            self.bar.setValue(round(fraction * 1000))
        self.time.setText("" if state == "queued" else figures.seconds(self.handle.elapsed()))
        error = self.handle.error if state == "failed" else None
        said = self._said(error) or {"running": self.handle.text, "queued": self.handle.text or "Waits until the machine is free"}.get(
            state, word
        )
        if said != self.text.text():
            self.text.setText(said)
        self.text.setVisible(state != "done")  # the mark, its name and the time say it
        self.text.setProperty("tip", error is not None)
        if isinstance(error, AppError):
            self.text.setToolTip(f"{error.message}\n{error.hint}".strip())
        self.more.setVisible(error is not None)

    @staticmethod
    def _said(error: BaseException | None) -> str:
        if error is None:
            return ""
        return error.message if isinstance(error, AppError) else f"{type(error).__name__}: {error}"

    def _pressed(self) -> None:
        if self.alive:
            self.handle.cancel()
        else:
            self.dismissed()

    def _details(self) -> None:
        from gui.notify import Message

        error = self.handle.error
        if self.ctx.window is None or error is None:
            return
        hint, detail = (error.hint, error.detail) if isinstance(error, AppError) else ("", repr(error))
        self.ctx.window.show_message(Message("error", self._said(error), hint, detail, source=self.handle.title))
