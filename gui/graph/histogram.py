"""A small histogram of one weight: bars, a line at zero, the ends of the range below."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import figures
from gui.theme import Theme

HIGH = 64


def number(value: float) -> str:
    """A weight's value with three figures: `−0.0821`, `1.2e−5`."""
    return f"{value:.3g}".replace("-", figures.MINUS)


class Histogram(QWidget):
    """`counts` in equal bins between `edges` (one more than counts); a `tall` one takes the height that there is, with the ends
    of its range below. `log` draws the counts' logarithm, to see what is rare."""

    def __init__(
        self, theme: Theme, counts: Sequence[int], edges: Sequence[float], name: str, *, tall: bool = False, log: bool = False
    ) -> None:
        super().__init__()
        self._theme, self._counts, self._edges = theme, tuple(counts), tuple(edges)
        self._tall, self._log = tall, log
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding if tall else QSizePolicy.Policy.Fixed)
        if tall:
            self.setMinimumHeight(HIGH)
        else:
            self.setFixedHeight(HIGH)
        self.setAccessibleName(f"Histogram of {name}")
        most = max(range(len(counts)), key=lambda place: counts[place]) if counts else 0
        if counts:
            self.setAccessibleDescription(f"Most values lie between {number(edges[most])} and {number(edges[most + 1])}.")

    def sizeHint(self) -> QSize:
        return QSize(220, HIGH)

    def paintEvent(self, event: QPaintEvent) -> None:
        counts, edges = self._counts, self._edges
        if not counts:
            return
        painter = QPainter(self)
        below = painter.fontMetrics().height() + 2.0 if self._tall else 0.0
        width, base = float(self.width()), self.height() - 4.0 - below
        step = width / len(counts)
        tallest = math.log1p(max(counts)) if self._log else max(counts) or 1
        painter.setPen(QPen(self._theme.color("line"), 1.0))
        painter.drawLine(0, round(base), round(width), round(base))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("accent"))
        gap = 1.0 if step >= 3 else 0.0
        for place, count in enumerate(counts):
            if count:
                high = max(1.0, (base - 6.0) * (math.log1p(count) if self._log else count) / tallest)
                painter.drawRect(QRectF(place * step, base - high, step - gap, high))
        if edges[0] < 0.0 < edges[-1]:
            zero = width * -edges[0] / (edges[-1] - edges[0])
            painter.setPen(QPen(self._theme.color("muted"), 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(round(zero), 2, round(zero), round(base))
        if below:
            painter.setFont(self._theme.small())
            painter.setPen(self._theme.color("muted"))
            line = QRectF(0, base + 2, width, below)
            painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), number(edges[0]))
            painter.drawText(line, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), number(edges[-1]))
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._counts:
            place = min(len(self._counts) - 1, max(0, int(event.pos().x() * len(self._counts) / max(1, self.width()))))
            text = f"{number(self._edges[place])} … {number(self._edges[place + 1])}: {figures.whole(self._counts[place])}"
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)
