"""The line at the foot: the file and its figures, what this machine can build and run, what works, and whether it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from gui import figures
from gui.context import Context
from gui.widgets.rows import Elided, empty_out

if TYPE_CHECKING:
    from core.backends.base import Availability

#: Backends as a person calls them, where the id will not do.
TITLES = {"onnxruntime": "ONNX Runtime", "tensorrt_rtx": "TensorRT-RTX", "tensorrt": "TensorRT"}


class StatusBar(QWidget):
    """What is always to be seen, in one row of 26 px."""

    def __init__(self, ctx: Context) -> None:
        super().__init__()
        self.ctx = ctx
        self.setObjectName("statusbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(27)
        self.setAccessibleName("Status")
        self.file = Elided("No model is open")
        self.file.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.file.setMaximumWidth(320)
        self.figures = QLabel()
        self.backends = QWidget()
        self._backends = QHBoxLayout(self.backends)
        self._backends.setContentsMargins(0, 0, 0, 0)
        self._backends.setSpacing(16)
        self.job = QPushButton()
        self.job.setProperty("role", "plain")
        self.job.setAccessibleName("Show running jobs")
        self.job.clicked.connect(lambda *_: ctx.window is not None and ctx.window.show_panel("jobs"))
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(96)
        self.bar.setAccessibleName("Progress of the running job")
        self.variant = Elided("", right=True)
        self.variant.setMaximumWidth(260)
        self.variant.setMinimumWidth(60)
        self.saved = QLabel()
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 1, 12, 0)
        row.setSpacing(16)
        row.addWidget(self.file)
        row.addWidget(self.figures)
        row.addWidget(self.backends)
        row.addStretch(1)
        row.addWidget(self.job)
        row.addWidget(self.bar)
        row.addWidget(self.variant, 1)
        row.addWidget(self.saved)
        self._timer = QTimer(self)
        self._timer.setInterval(250)
        self._timer.timeout.connect(self.show_jobs)
        self.show_model()
        self.show_jobs()

    def show_model(self) -> None:
        """The file, the figures of the head, and whether it is saved."""
        session = self.ctx.session
        open_ = session is not None and session.history.head is not None
        for part in (self.figures, self.variant, self.saved):
            part.setVisible(open_)
        if session is None or session.history.head is None:
            self.file.setText("No model is open")
            return
        head = session.history[session.history.head]
        self.file.setText(session.source.name)
        self.file.setProperty("tip", True)
        self.file.setToolTip(str(session.source))
        summary = head.summary
        parts = [figures.plural(summary.nodes, "node"), f"{figures.short(summary.parameters)} parameters"]
        if summary.macs:
            parts.append(figures.short(summary.macs, "MACs"))
        self.figures.setText(" · ".join(parts))
        self.variant.setText(head.title)
        busy = self.ctx.window is not None and self.ctx.window.keeping.busy
        self.saved.setText("Saving" if busy else "Unsaved" if session.dirty else "Saved")
        self.saved.setToolTip(f"The session is kept in {session.folder}")

    def show_backends(self, found: dict[str, Availability]) -> None:
        """What this machine can do, each with its reason as a tooltip."""
        empty_out(self._backends)
        for id, state in found.items():
            if id == "fake":
                continue
            title = TITLES.get(id, id)
            version = ".".join(state.version.split(".")[:2])
            if state.can_build and state.can_run:
                text, role = f"{title} {version}".strip(), "ok"
            elif state.can_build:
                text, role = f"{title} {version} builds, cannot run here", "warn"
            else:
                text, role = f"{title} not available", ""
            label = QLabel(text)
            label.setProperty("role", role)
            ready = "Builds and runs engines" if role == "ok" else state.reason
            label.setToolTip("\n".join(part for part in (f"{title} {state.version}", state.device, ready, state.hint) if part))
            self._backends.addWidget(label)

    def show_jobs(self) -> None:
        """The job that runs, and how many more there are."""
        active = self.ctx.jobs.active()
        self.job.setVisible(bool(active))
        running = next((handle for handle in active if handle.state == "running"), None)
        self.bar.setVisible(running is not None)
        if not active:
            self._timer.stop()
            return
        first = running or active[0]
        title = first.title if len(first.title) <= 36 else f"{first.title[:35]}…"
        self.job.setText(title if len(active) == 1 else f"{title} and {len(active) - 1} more")
        self.job.setToolTip("\n".join(f"{handle.title}: {handle.text or handle.state}" for handle in active) + "\nShow the jobs")
        if running is not None:
            self.bar.setValue(round(running.fraction * 1000))
        if not self._timer.isActive():
            self._timer.start()
