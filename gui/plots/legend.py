"""The legend above a plot: a line of contestants, each with its colour, its name and its latest figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

if TYPE_CHECKING:
    from gui.theme import Theme

SWATCH, GAP, BETWEEN, ROW = 14.0, 6.0, 18.0, 24


@dataclass(frozen=True)
class Entry:
    """One contestant: `color` is its place among the theme's series colours, `dash` marks it without colour too."""

    key: str
    title: str
    value: str = ""
    color: int = 0
    dash: bool = False


class Legend(QWidget):
    """Draws entries from the left; long names are cut in the middle, with the whole in the tooltip."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.entries: tuple[Entry, ...] = ()
        self._places: list[tuple[QRectF, Entry]] = []
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(40)

    def set_entries(self, entries: tuple[Entry, ...]) -> None:
        """Show `entries`, and tell a screen reader."""
        if entries != self.entries:
            self.entries = entries
            self.setAccessibleName("Legend: " + ", ".join(f"{e.title} {e.value}".strip() for e in entries))
            self.update()

    def sizeHint(self) -> QSize:
        """One row."""
        return QSize(200, ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw into the widget."""
        painter = QPainter(self)
        self.draw(painter, QRectF(self.rect()))
        painter.end()

    def draw(self, painter: QPainter, rect: QRectF) -> None:
        """Draw into any painter (also the one that makes a picture to keep)."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self._theme.small()
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        self._places = []
        if not self.entries:
            return
        wanted = [metrics.horizontalAdvance(e.title) + 1 for e in self.entries]
        bare = len(wanted) * (SWATCH + GAP + BETWEEN) - BETWEEN
        values = sum(GAP + metrics.horizontalAdvance(e.value) + 1 for e in self.entries if e.value)
        with_values = bare + values + sum(min(w, 60.0) for w in wanted) <= rect.width()
        room = max(24.0 * len(wanted), rect.width() - bare - (values if with_values else 0))
        share = _shares(wanted, room)
        x = rect.left()
        for entry, width in zip(self.entries, share, strict=True):
            pen = QPen(self._theme.color(f"series.{entry.color % 8}"), 2.0)
            if entry.dash:
                pen.setStyle(Qt.PenStyle.DotLine)
            painter.setPen(pen)
            middle = rect.center().y()
            start = x
            painter.drawLine(QPointF(x, middle), QPointF(x + SWATCH, middle))
            x += SWATCH + GAP
            painter.setPen(self._theme.color("text"))
            text = metrics.elidedText(entry.title, Qt.TextElideMode.ElideMiddle, width)
            painter.drawText(QRectF(x, rect.top(), width, rect.height()), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
            x += width
            if entry.value and with_values:
                x += GAP
                painter.setPen(self._theme.color("muted"))
                wide = metrics.horizontalAdvance(entry.value) + 1
                painter.drawText(QRectF(x, rect.top(), wide, rect.height()), Qt.AlignmentFlag.AlignVCenter, entry.value)
                x += wide
            self._places.append((QRectF(start, rect.top(), x - start, rect.height()), entry))
            x += BETWEEN

    def event(self, event: QEvent) -> bool:
        """Show the whole name of the entry under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            for place, entry in self._places:
                if place.contains(event.position() if hasattr(event, "position") else QPointF(event.pos())):
                    QToolTip.showText(event.globalPos(), f"{entry.title} {entry.value}".strip(), self)
                    return True
            QToolTip.hideText()
            return True
        return super().event(event)


def _shares(wanted: list[float], room: float) -> list[float]:
    """Widths for names so that they fit into `room`: short ones keep theirs, long ones share the rest."""
    if sum(wanted) <= room:
        return wanted
    shares = [0.0] * len(wanted)
    left, names = room, len(wanted)
    for at in sorted(range(len(wanted)), key=lambda i: wanted[i]):
        shares[at] = min(wanted[at], left / names)
        left -= shares[at]
        names -= 1
    return shares
