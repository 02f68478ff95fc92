"""2:4 sparsity: how many groups of four hold at least two zeros, and where in the weight those are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from core.model import two_four
from gui import figures
from gui.context import Context
from gui.weights.axes import AxisBox
from gui.weights.picture import Picture, Scale, colour, rising
from gui.weights.view import Looking, WeightView
from gui.widgets.rows import Elided

if TYPE_CHECKING:
    from core.model.two_four import TwoFour
    from core.model.weight_page import WeightPage
    from gui.theme import Theme

_SIDE = 236


class Counts(QWidget):
    """Groups by how many of their four values are not zero; the first three bars comply."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.counts: tuple[int, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(5 * 18)

    def sizeHint(self) -> QSize:
        return QSize(_SIDE, 90)

    def put(self, counts: tuple[int, ...]) -> None:
        """Show other counts."""
        self.counts = counts
        said = ", ".join(f"{count} groups with {place}" for place, count in enumerate(counts))
        self.setAccessibleName(f"Nonzeros in a group: {said}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.counts:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, total = self._theme, sum(self.counts) or 1
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        for place, count in enumerate(self.counts):
            top = place * 18
            painter.setPen(theme.color("muted"))
            painter.drawText(QRectF(0, top, 76, 18), middle, f"{4 - place} {'zero' if place == 3 else 'zeros'}")
            text = figures.share(count / total)
            painter.setPen(theme.color("text"))
            painter.drawText(QRectF(0, top, self.width(), 18), middle | int(Qt.AlignmentFlag.AlignRight), text)
            room = self.width() - 76 - 58
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("raised"))
            painter.drawRoundedRect(QRectF(70, top + 6, room, 6), 3, 3)
            if count:
                painter.setBrush(theme.color("accent" if place <= 2 else "warn"))
                painter.drawRoundedRect(QRectF(70, top + 6, max(6.0, room * count / total), 6), 3, 3)
        painter.end()


class Groups(WeightView):
    """Groups along the axis that the weight's readers sum over, or along another."""

    title = "2:4"
    key = "groups"
    tip = "Which groups of four hold at least two zeros, as sparse tensor cores want it"

    def __init__(self, ctx: Context, looking: Looking) -> None:
        super().__init__(ctx, looking)
        self.axis = AxisBox("Along", "The axis of which four neighbours are a group: the one that is summed over")
        self.axis.chosen.connect(lambda *_: self.read())
        self.readout = Elided("", "muted")
        self.readout.setAccessibleName("Groups under the pointer")
        self.controls.addWidget(self.axis)
        self.controls.addWidget(self.readout, 1)
        self.verdict = QLabel()
        self.verdict.setProperty("role", "strong")
        self.verdict.setWordWrap(True)
        self.more = QLabel()
        self.more.setProperty("role", "muted")
        self.more.setWordWrap(True)
        self.counts = Counts(ctx.theme)
        side = QWidget()
        side.setFixedWidth(_SIDE)
        left = QVBoxLayout(side)
        left.setContentsMargins(8, 0, 12, 4)
        left.setSpacing(6)
        left.addWidget(self.verdict)
        left.addWidget(self.counts)
        left.addWidget(self.more)
        left.addStretch(1)
        self.picture = Picture(ctx.theme, "Where groups hold two zeros")
        self.picture.pointed.connect(self._point)
        self.scale = Scale(ctx.theme)
        right = QVBoxLayout()
        right.setSpacing(4)
        right.addWidget(self.picture, 1)
        right.addWidget(self.scale)
        row = QHBoxLayout(self.body)
        row.setContentsMargins(8, 0, 0, 4)
        row.addLayout(right, 1)
        row.addWidget(side)

    def prepare(self, page: WeightPage) -> None:
        self.axis.put(page.shape, page.group_axis or 0)

    def question(self) -> tuple[Any, ...] | None:
        page = self.looking.page
        return (two_four.pattern, self.looking.model, page.name, self.axis.axis) if page is not None else None

    def fill(self, part: TwoFour) -> None:
        import numpy as np

        self.counts.put(part.counts)
        share = np.where(part.whole > 0, part.kept / np.maximum(part.whole, 1), np.nan)
        scale = rising(self.ctx.theme)
        self.picture.put(colour(share, 0.0, 1.0, scale, self.ctx.theme.color("panel"), part.whole == 0))
        self.scale.put(scale, f"0{figures.THIN}%", "", f"100{figures.THIN}%")
        if not part.groups:
            self.verdict.setText("Reading…")
            return
        so_far = "" if part.over else " so far"
        if part.compliance == 1.0:
            self.verdict.setText(f"Every group complies{so_far}.")
        else:
            self.verdict.setText(f"{figures.share(part.compliance)} of {figures.plural(part.groups, 'group')} comply{so_far}.")
        self.more.setText(
            "Sparse tensor cores can skip half of the work."
            if part.compliance == 1.0
            else "A weight gains by sparse tensor cores when every group of four holds two zeros."
        )
        self.picture.setAccessibleDescription(self.verdict.text())
        self._point(*self.picture.cell)

    def _point(self, row: int, column: int) -> None:
        part: TwoFour | None = self.part
        if part is None or row < 0 or row >= part.whole.shape[0] or column >= part.whole.shape[1]:
            self.readout.setText("")
            return
        kept, whole = int(part.kept[row, column]), int(part.whole[row, column])
        lines = _span(row, part.whole.shape[0], part.lines[0]), _span(column, part.whole.shape[1], part.lines[1])
        self.readout.setText(f"rows {lines[0]}, groups {lines[1]}: {figures.whole(kept)} of {figures.whole(whole)} comply")

    def restyle(self) -> None:
        """The theme is another one."""
        if self.part is not None:
            self.fill(self.part)


def _span(place: int, cells: int, lines: int) -> str:
    """Which lines a cell of the map stands for."""
    first, last = -(-place * lines // cells), -(-(place + 1) * lines // cells) - 1
    return str(first) if last <= first else f"{first}–{last}"
