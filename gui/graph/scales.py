"""The legend of what boxes wear: the ramp with its ends and its threshold, the words of a category, and the badges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPen

from gui import figures
from gui.graph.badges import hue
from gui.graph.heat import Heat, colours, figure, place

if TYPE_CHECKING:
    from gui.graph.painter import Look

LINE = 17.0
BAR = 130.0
#: In a picture that is narrower than this the legend stands above the bar in the other corner, and badges have none.
#: One that is lower as well has no room for any.
CROWDED, LIFT, LOW = 520.0, 46.0, 260.0


def draw(painter: QPainter, heat: Heat, look: Look, left: float, width: float, height: float) -> None:
    """Draw the legend's cards from x = `left` on, at the lower edge of a picture of `width` x `height`."""
    right = left
    crowded = width < CROWDED
    if crowded and height < LOW:
        return
    if crowded:
        height -= LIFT
    if heat.coloured:
        right = (_words if heat.names else _scale)(painter, heat, look, left, height) + 8.0
    if heat.badges and not crowded:
        _badges(painter, heat, look, right, height)


def named(heat: Heat) -> str:
    """`Weight bytes (B), log`."""
    title = f"{heat.title} ({heat.unit})" if heat.unit else heat.title
    return f"{title}, log" if heat.log else title


def ends(heat: Heat) -> str:
    """`0.1 – 12.3`, the cold end first."""
    low, high = figure(heat.low), figure(heat.high)
    return f"{high} – {low}" if heat.reverse else f"{low} – {high}"


def ramp(painter: QPainter, bar: QRectF, heat: Heat, look: Look) -> None:
    """The colours from cold to hot; what is below the threshold is hollow."""
    import numpy as np

    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for number, shade in enumerate(look.shades):
        gradient.setColorAt(number / (len(look.shades) - 1), shade)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2)
    if heat.threshold == heat.threshold:
        at = float(np.clip(place(np.array([heat.threshold]), heat.low, heat.high, heat.log), 0.0, 1.0)[0])
        cut = bar.left() + bar.width() * (1.0 - at if heat.reverse else at)
        from_x, to_x = (cut, bar.right()) if heat.reverse else (bar.left(), cut)
        from_x, to_x = (cut, bar.right()) if heat.reverse else (bar.left(), cut)
        hollow = QRectF(from_x, bar.top(), to_x - from_x, bar.height())
        painter.setBrush(look.box)
        painter.setPen(QPen(look.box_line, 1.0))
        painter.drawRect(hollow)
        painter.setPen(QPen(look.text, 1.5))
        painter.drawLine(QPointF(cut, bar.top() - 3), QPointF(cut, bar.bottom() + 3))


def _scale(painter: QPainter, heat: Heat, look: Look, left: float, height: float) -> float:
    title, numbers = named(heat), ends(heat)
    if heat.threshold == heat.threshold:
        title += f", from {figures.quantity(heat.threshold, heat.unit)}"
    metrics = painter.fontMetrics()
    wide = max(metrics.horizontalAdvance(title) + 24.0, BAR + metrics.horizontalAdvance(numbers) + 34.0)
    rect = QRectF(left, height - 56, wide, 44)
    card(painter, rect, look)
    painter.setPen(look.muted)
    painter.drawText(QRectF(rect.left() + 12, rect.top() + 5, wide, 16), Qt.AlignmentFlag.AlignVCenter, title)
    bar = QRectF(rect.left() + 12, rect.top() + 26, BAR, 8)
    ramp(painter, bar, heat, look)
    painter.setPen(look.muted)
    painter.drawText(QPointF(bar.right() + 10, bar.bottom() + 0.5), numbers)
    return rect.right()


def _words(painter: QPainter, heat: Heat, look: Look, left: float, height: float) -> float:
    return _list(painter, heat.title, heat.words(), colours(heat, look), look, left, height)


def _badges(painter: QPainter, heat: Heat, look: Look, left: float, height: float) -> float:
    said = tuple(f"{badge.title} ({badge.mark or badge.unit})" if badge.mark or badge.unit else badge.title for badge in heat.badges)
    return _list(painter, "Badges", said, [hue(look, number) for number in range(len(said))], look, left, height)


def _list(painter: QPainter, title: str, words: tuple[str, ...], hues: list[QColor], look: Look, left: float, height: float) -> float:
    """A card with a title and a line a word; its right edge."""
    metrics = painter.fontMetrics()
    wide = max(metrics.horizontalAdvance(title) + 20.0, max(metrics.horizontalAdvance(word) for word in words) + 34.0)
    high = LINE * (len(words) + 1) + 11
    rect = QRectF(left, height - high - 12, wide, high)
    card(painter, rect, look)
    painter.setPen(look.muted)
    painter.drawText(QRectF(rect.left() + 9, rect.top() + 6, wide, LINE), Qt.AlignmentFlag.AlignVCenter, title)
    for number, word in enumerate(words):
        y = rect.top() + 6 + (number + 1) * LINE
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(hues[number])
        painter.drawRoundedRect(QRectF(rect.left() + 9, y + 3.5, 4, 10), 2, 2)
        painter.setPen(look.text)
        painter.drawText(QRectF(rect.left() + 20, y, wide, LINE), Qt.AlignmentFlag.AlignVCenter, word)
    return rect.right()


def card(painter: QPainter, rect: QRectF, look: Look) -> None:
    """The ground that a legend stands on."""
    back = QColor(look.box)
    back.setAlpha(228)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(look.box_line, 1.0))
    painter.setBrush(back)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
