"""What every view of a weight has: it reads while it is seen, says how far it is, can be stopped and can go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from core.errors import AppError
from core.model import Model
from core.model.slices import Cut
from gui.context import Context
from gui.weights.reading import Part, Reading

if TYPE_CHECKING:
    from core.model.weight_page import WeightPage

#: A reading that is shorter than this share at its first answer shows no progress: it would only flash.
_SHORT = 0.34


class Looking:
    """What all views of a panel look at: the weight, the two axes that make a table of it, and where to go in there."""

    def __init__(self) -> None:
        self.model: Model | None = None
        self.page: WeightPage | None = None
        self.cut = Cut()
        self.on_cut: list[Callable[[], object]] = []
        self.go_to: Callable[[int, int], object] = lambda row, column: None

    def set_cut(self, cut: Cut) -> None:
        """Choose other axes, or another place along the others."""
        if cut != self.cut:
            self.cut = cut
            for each in self.on_cut:
                each()


def first_cut(page: WeightPage) -> Cut:
    """Channels against what is summed over; the longest of the others where that is one long."""
    rank = len(page.shape)
    if rank < 2:
        return Cut()
    rows = page.channel_axis or 0
    columns = page.group_axis if page.group_axis is not None else -1
    others = [axis for axis in range(rank) if axis != rows]
    if columns not in others or page.shape[columns] < 2:
        columns = max(others, key=lambda axis: page.shape[axis])
    return Cut(rows, columns, (0,) * rank)


class WeightView(QWidget):
    """A subclass says its `task` and inputs in `question`, shows an answer in `fill`, and what there is instead of one in
    `blank` (an empty text: go on and ask). Its `controls` stand above, its `body` below."""

    title = ""
    key = ""
    tip = ""

    def __init__(self, ctx: Context, looking: Looking) -> None:
        super().__init__()
        self.ctx, self.looking = ctx, looking
        self.part: Any = None
        self.setAccessibleName(self.title)
        self._reading = Reading(ctx, f"weights.{self.key}")
        self._asked: object = None
        self.controls = QHBoxLayout()
        self.controls.setContentsMargins(8, 4, 8, 4)
        self.controls.setSpacing(8)
        self.body = QWidget()
        self.said = QLabel()
        self.said.setProperty("role", "muted")
        self.said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.said.setWordWrap(True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.said.setContentsMargins(16, 8, 16, 8)
        self.stack = QStackedLayout()
        self.stack.addWidget(self.said)
        self.stack.addWidget(self.body)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self.controls)
        column.addLayout(self.stack, 1)
        column.addWidget(self._make_progress())

    def _make_progress(self) -> QWidget:
        self.progress = QWidget()
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"{self.title}: read so far")
        self.share = QLabel()
        self.share.setProperty("role", "small")
        self.stop_button = QPushButton("Stop")
        self.stop_button.setProperty("role", "plain")
        self.stop_button.setToolTip("Stop reading; what is known stays")
        self.stop_button.clicked.connect(lambda *_: self._stop_or_go_on())
        row = QHBoxLayout(self.progress)
        row.setContentsMargins(8, 2, 8, 2)
        row.setSpacing(8)
        row.addWidget(self.bar, 1)
        row.addWidget(self.share)
        row.addWidget(self.stop_button)
        self.progress.hide()
        return self.progress

    # ---- what subclasses say ----
    def question(self) -> tuple[Any, ...] | None:
        """The task and its inputs, without the answer so far; None where there is nothing to ask."""
        raise NotImplementedError

    def fill(self, part: Any) -> None:
        """Show an answer, which may not be over."""
        raise NotImplementedError

    def blank(self, page: WeightPage) -> str:
        """Why there is nothing to show of this weight."""
        if page.text:
            return "This weight holds text: see Values."
        return "This weight has no elements." if page.total == 0 else ""

    def prepare(self, page: WeightPage) -> None:
        """Another weight: set the controls."""

    # ---- life ----
    def put(self) -> None:
        """Another weight, or none: forget what was shown, and read when it is seen."""
        self._reading.stop()
        self._asked, self.part = None, None
        self.progress.hide()
        if self.looking.page is not None:
            self.prepare(self.looking.page)
        if self.isVisible():
            self.read()

    def read(self) -> None:
        """Ask, unless that was done already."""
        page = self.looking.page
        if page is None:
            return
        reason = self.blank(page)
        if reason:
            self.say(reason)
            return
        question = self.question()
        if question is None or (question == self._asked and (self._reading.running or (self.part is not None and self.part.over))):
            return
        so_far = self.part if question == self._asked else None
        if so_far is None:
            self.part = None
            self.say("Reading…")
        self._asked = question
        self._go(so_far)

    def _go(self, so_far: Part | None) -> None:
        assert isinstance(self._asked, tuple)
        self._reading.start(*self._asked, on_part=self._part, on_error=self._failed, so_far=so_far)
        self.stop_button.setText("Stop")

    def _part(self, part: Any) -> None:
        first = self.part is None
        self.part = part
        if part.over:
            self.progress.hide()
        elif not first or part.share < _SHORT:
            self.progress.show()
        self.bar.setValue(round(1000 * part.share))
        self.share.setText(f"Read {100 * part.share:.0f} %")
        self.stack.setCurrentIndex(1)
        self.fill(part)

    def _failed(self, error: Exception) -> None:
        self.progress.hide()
        self._asked = None
        if not isinstance(error, AppError):
            self.ctx.notify.error(error)
        self.say(f"{error}\n{getattr(error, 'hint', '')}".strip(), "error")

    def _stop_or_go_on(self) -> None:
        if self._reading.running:
            self._reading.stop()
            self.stop_button.setText("Read on")
            self.stop_button.setToolTip("Go on where it was stopped")
            self.share.setText(f"Stopped at {100 * self.part.share:.0f} %" if self.part is not None else "Stopped")
        else:
            self._go(self.part)

    def say(self, text: str, role: str = "muted") -> None:
        """Words instead of a picture."""
        self.said.setText(text)
        self.said.setProperty("role", role)
        self.said.style().unpolish(self.said)
        self.said.style().polish(self.said)
        self.stack.setCurrentIndex(0)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.read()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: go on when somebody does."""
        super().hideEvent(event)
        if self._reading.running:
            self._reading.stop()

    def release(self) -> None:
        """Leave what is being read."""
        self._reading.stop()
