"""Numbers on boxes: the pill with the colour's own on the right, and a row of badges on the lower edge."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from core.layout import boxes
from gui import figures
from gui.graph.heat import Badge, Heat, colours, inks
from gui.graph.pens import pen_of

if TYPE_CHECKING:
    import numpy as np

    from gui.graph.painter import Look
    from gui.graph.texts import Texts

#: How many badges a box can have beside its colour.
MOST = 3
#: The pill's height; the badges' height, how far they reach into the box, and beyond its sides.
PILL, HIGH, INTO, BEYOND = 18.0, 15.0, 4.0, 12.0
#: Below this zoom badges are not drawn: nobody could read them.
READABLE = 0.55
GAP, PAD, SWATCH = 3.0, 5.0, 3.0
#: Words longer than this many pixels are cut in a pill.
WORD = 64.0


def written(worn: Heat | Badge, row: int) -> str:
    """What is worn says of a row, with its unit; empty where it says nothing."""
    value = float(worn.values[row])
    if value != value:
        return ""
    return worn.names[int(value)] if worn.names else figures.quantity(value, worn.unit)


def short(badge: Badge, row: int) -> str:
    """The same for a badge: with its mark where it has one."""
    value = float(badge.values[row])
    if value != value or badge.names or not badge.mark:
        return written(badge, row)
    return f"{figures.short(value)}{figures.THIN}{badge.mark}"


_DTYPE = re.compile(r"^(u?int|b?float|complex)(\d.*)$")
_BRIEF = {"uint": "u", "int": "i", "float": "f", "bfloat": "bf", "complex": "c"}


def brief(heat: Heat, row: int) -> str:
    """What the pill of a row says: a figure, or the word, dtypes as `f32` and `u8`."""
    label = heat.label(row)
    found = _DTYPE.match(label) if heat.names else None
    return f"{_BRIEF[found[1]]}{found[2]}" if found else label


def hue(look: Look, place: int) -> QColor:
    """The mark of the badge in a place: from the other end of the colours than words of a category."""
    return look.words[-1 - place]


def pill_width(heat: Heat, row: int, texts: Texts) -> float:
    """How wide the pill of a row is."""
    return max(34.0, min(WORD, texts.width("tag", brief(heat, row))) + 12.0)


def room(heat: Heat, row: int, texts: Texts) -> float:
    """What the pill of a row takes away from the labels in its box; 0 where it has none."""
    return max(boxes.BADGE, pill_width(heat, row, texts) + 2.0) if heat.shade[row] >= 0 else 0.0


def draw(painter: QPainter, rows: np.ndarray, rects: list[QRectF], scale: float, look: Look, texts: Texts, heat: Heat) -> None:
    """Draw pills and badges on the boxes `rects` of `rows`."""
    painter.setFont(texts.fonts["tag"])
    numbers = rows.tolist()
    if heat.coloured:
        _pills(painter, numbers, rects, look, texts, heat)
    if heat.badges and scale >= READABLE:
        for row, rect in zip(numbers, rects, strict=True):
            _row(painter, row, rect, look, texts, heat.badges)


def _pills(painter: QPainter, rows: list[int], rects: list[QRectF], look: Look, texts: Texts, heat: Heat) -> None:
    hues, ink = colours(heat, look), inks(heat, look)
    painter.setPen(Qt.PenStyle.NoPen)
    for row, rect in zip(rows, rects, strict=True):
        shade = int(heat.shade[row])
        if shade < 0:
            continue
        wide = pill_width(heat, row, texts)
        pill = QRectF(rect.right() - 6.0 - wide, rect.center().y() - PILL / 2, wide, PILL)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(hues[shade])
        painter.drawRoundedRect(pill, PILL / 2, PILL / 2)
        painter.setPen(ink[shade])
        label = texts.get("tag", brief(heat, row), WORD)
        size = label.size()
        painter.drawStaticText(QPointF(pill.center().x() - size.width() / 2, pill.center().y() - size.height() / 2), label)


def _row(painter: QPainter, row: int, rect: QRectF, look: Look, texts: Texts, badges: tuple[Badge, ...]) -> None:
    """The badges of one box from its left edge on; those that there is no room for become a count."""
    said = [(place, text) for place, badge in enumerate(badges) if (text := short(badge, row))]
    if not said:
        return
    widths = [texts.width("tag", text) + 2 * PAD + SWATCH for _, text in said]
    limit = rect.width() + 2 * BEYOND
    kept = len(said)
    while kept > 1 and sum(widths[:kept]) + GAP * (kept - 1) + (_more(texts) if kept < len(said) else 0.0) > limit:
        kept -= 1
    whole = sum(widths[:kept]) + GAP * (kept - 1) + (_more(texts) if kept < len(said) else 0.0)
    x = rect.left() + min(6.0, (rect.width() - whole) / 2)
    y = rect.bottom() - INTO
    for (place, text), wide in zip(said[:kept], widths, strict=False):
        _badge(painter, QRectF(x, y, wide, HIGH), text, place, look, texts)
        x += wide + GAP
    if kept < len(said):
        painter.setPen(look.muted)
        label = texts.get("tag", f"+{len(said) - kept}", 40.0)
        painter.drawStaticText(QPointF(x, y + (HIGH - label.size().height()) / 2), label)


def _more(texts: Texts) -> float:
    return GAP + texts.width("tag", "+2")


def _badge(painter: QPainter, rect: QRectF, text: str, place: int, look: Look, texts: Texts) -> None:
    painter.setPen(pen_of(painter, look.box_line, 1.0))
    painter.setBrush(look.window)
    painter.drawRoundedRect(rect, 4.0, 4.0)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(hue(look, place))
    painter.drawRoundedRect(QRectF(rect.left() + 2.5, rect.top() + 3.0, SWATCH, rect.height() - 6.0), 1.5, 1.5)
    painter.setPen(look.text)
    label = texts.get("tag", text, 120.0)
    painter.drawStaticText(QPointF(rect.left() + PAD + SWATCH, rect.center().y() - label.size().height() / 2), label)
