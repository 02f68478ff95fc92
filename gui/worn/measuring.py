"""The button that times the nodes of the current variant, and how far that is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from core.overlays.latency import ID, ProfilePlan, profile
from core.overlays.numbers import Numbers
from gui.context import Context
from gui.graph.overlays import Overlays
from gui.widgets.jobline import JobLine

if TYPE_CHECKING:
    from core.session import Session


class Measuring(QWidget):
    """`changed` is called when it begins and when it has ended; the numbers go to the session."""

    def __init__(self, ctx: Context, overlays: Overlays, changed: Callable[[], object]) -> None:
        super().__init__()
        self._ctx, self._overlays, self._changed = ctx, overlays, changed
        self.button = QPushButton("Measure")
        self.button.setProperty("role", "primary")
        self.button.setToolTip("Run the current variant with ONNX Runtime's profiler; nothing else runs meanwhile")
        self.button.clicked.connect(lambda *_: self.measure())
        self.line = JobLine(ctx)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.line)

    def show_state(self, *, measured: bool) -> None:
        """Offer to measure, or to do it again."""
        self.button.setEnabled(not self.line.busy)
        self.button.setText("Measure again" if measured else "Measure")

    def measure(self) -> None:
        """Time every node of the current variant; the machine has nothing else to do meanwhile."""
        from core.data import DataSpec

        session = self._ctx.session
        if session is None or session.history.head is None or self.line.busy:
            return
        variant, dim = session.history[session.history.head], self._overlays.dim
        self._overlays.choose(ID)
        handle = self._ctx.jobs.start(
            profile,
            variant.model,
            ProfilePlan(),
            DataSpec(dim=dim) if dim > 1 else DataSpec(),
            title=f"Measure latency of nodes: {variant.title}",
            short="Measure latency",
            exclusive=True,
            on_done=partial(self._measured, session, variant.id),
            on_error=self.line.fail,
        )
        self.line.watch(handle)
        handle.ended.connect(self._changed)
        self._changed()

    def forget(self) -> None:
        """Another model is opened: nobody waits for the times of the old one."""
        if self.line.handle is not None:
            self.line.handle.cancel()
        self.line.clear()

    def _measured(self, session: Session, variant: str, numbers: Numbers) -> None:
        if self._ctx.session is session and variant in session.history.variants:
            session.add_numbers(variant, numbers)
