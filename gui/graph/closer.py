"""From close by a box says more within the same size: smaller lines under its op, and a slot for its weight's picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from core.layout import boxes
from core.layout.labels import text_of
from core.model.thumbs import LEAST
from gui.graph import badges
from gui.graph.texts import Texts

if TYPE_CHECKING:
    import numpy as np

    from gui.graph.heat import Heat
    from gui.graph.painter import Look
    from gui.graph.scene import Scene

#: The zoom from which boxes say more: a line of 8 px is then nearly 13 on the screen.
FROM = 1.6
#: The longest side of a weight's picture, and its distance from the box's edge.
SIDE, INSET = 34.0, 4.0


def said(scene: Scene, row: int) -> list[str]:
    """The lines below the title, the most telling first: attributes, the first output's shape, the node's name."""
    index = scene.index
    lines = [index.details[row]] if index.details[row] else []
    if index.kind[row]:
        return lines
    edges = scene.edges_out(row)
    made = text_of(index.tensor_types[int(index.tensor[edges[0]])]) if len(edges) else ""
    if made and made not in lines:
        lines.append(f"→ {made}")
    return [*lines, index.names[row]]


def slot(scene: Scene, row: int, box: QRectF) -> QRectF | None:
    """Where the picture of a node's weight goes: at the right end of its box; None for nodes without weights to speak of."""
    if scene.index.kind[row] or scene.index.parameters[row] < LEAST:
        return None
    side = min(SIDE, box.height() - 2 * INSET)
    return QRectF(box.right() - INSET - side, box.center().y() - side / 2, side, side)


def labels(
    painter: QPainter, scene: Scene, rows: np.ndarray, rects: list[QRectF], ends: list[bool], look: Look, texts: Texts, heat: Heat | None
) -> None:
    """Write what boxes say from close by."""
    title_height, line_height = texts.height("close"), texts.height("line")
    below: list[tuple[float, float, str, float]] = []
    painter.setPen(look.text)
    painter.setFont(texts.fonts["close"])
    for row, rect, end in zip(rows.tolist(), rects, ends, strict=True):
        left = 21.0 if end else boxes.LEFT
        room = rect.width() - left - boxes.RIGHT
        if heat is not None and heat.shade[row] >= 0:
            room -= badges.room(heat, row, texts)
        else:
            picture = slot(scene, row, rect)
            room -= picture.width() if picture is not None else 0.0
        room -= boxes.UNFOLD - boxes.RIGHT if scene.folded[row] else 0.0
        lines = said(scene, row)[: int((rect.height() - title_height) / line_height)]
        top = rect.center().y() - (title_height + line_height * len(lines)) / 2
        painter.drawStaticText(QPointF(rect.left() + left, top), texts.get("close", scene.titles[row], room))
        for place, line in enumerate(lines):
            below.append((rect.left() + left, top + title_height + place * line_height, line, room))
    painter.setPen(look.muted)
    painter.setFont(texts.fonts["line"])
    for x, y, line, room in below:
        painter.drawStaticText(QPointF(x, y), texts.get("line", line, room))
