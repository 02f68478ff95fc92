"""What lies over the picture: selection and its links, what is under the mouse, what a search found, the legends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QRegion

from gui.graph import scales
from gui.graph.camera import View
from gui.graph.families import FAMILIES, TITLES
from gui.graph.heat import Heat
from gui.graph.painter import LABELS, ROUND, Look, Rect, draw_links, draw_pieces, draw_rects
from gui.graph.pens import pen_of

if TYPE_CHECKING:
    import numpy as np

    from gui.graph.scene import Scene

#: More selected nodes than this are outlined, but their links are not lit up.
LIT = 60
#: More found boxes in sight than this stay under the veil, with their outline over it.
HOLES = 400


@dataclass
class Marks:
    """What is marked now: rows and tensors of the scene."""

    selected: list[int] = field(default_factory=list)
    hovered: int | None = None
    tensor: int | None = None
    found: list[int] | None = None
    current: int | None = None
    band: QRectF | None = None
    focused: bool = False
    _rows: tuple[list[int], np.ndarray] | None = field(default=None, repr=False)

    def found_rows(self) -> np.ndarray:
        """What was found as an array, made once: it may be all of a large graph."""
        import numpy as np

        assert self.found is not None
        if self._rows is None or self._rows[0] is not self.found:
            self._rows = self.found, np.asarray(self.found, np.int64)
        return self._rows[1]


def draw(painter: QPainter, scene: Scene, view: View, width: float, height: float, look: Look, marks: Marks) -> None:
    """Draw the marks over a picture of `view`."""
    rect = view.rect(width, height)
    painter.save()
    if marks.found is not None:
        veil = QColor(look.window)
        veil.setAlpha(170)
        painter.setClipRegion(_ground(scene, view, width, height, marks.found_rows()))
        painter.fillRect(QRectF(0, 0, width, height), veil)
        painter.setClipping(False)
    painter.translate(width / 2, height / 2)
    painter.scale(view.scale, view.scale)
    painter.translate(-view.x, -view.y)
    if marks.found:
        _found(painter, scene, rect, view.scale, look, marks)
    if marks.tensor is not None:
        _lit(painter, scene, [marks.tensor], rect, view.scale, look.hover, 2.2)
    if marks.selected and len(marks.selected) <= LIT:
        tensors = {int(scene.index.tensor[edge]) for row in marks.selected for edge in scene.edges_out(row)}
        _lit(painter, scene, sorted(tensors), rect, view.scale, look.accent, 2.0)
        _lit_routes(painter, scene, marks.selected, rect, view.scale, look)
    _outlines(painter, scene, marks.selected, rect, view.scale, look.accent, 2.0)
    if marks.hovered is not None and marks.hovered not in marks.selected:
        _outlines(painter, scene, [marks.hovered], rect, view.scale, look.hover, 1.5)
    painter.restore()
    if marks.band is not None:
        fill = QColor(look.accent)
        fill.setAlpha(30)
        painter.setPen(QPen(look.accent, 1.0))
        painter.setBrush(fill)
        painter.drawRect(marks.band)


def _ground(scene: Scene, view: View, width: float, height: float, rows: np.ndarray) -> QRegion:
    """All of the widget but the boxes in `rows`."""
    import numpy as np

    region = QRegion(0, 0, round(width) + 1, round(height) + 1)
    wanted = np.zeros(len(scene), bool)
    wanted[rows] = True
    seen = scene.boxes_in(view.rect(width, height))
    seen = seen[wanted[seen]]
    if len(seen) > HOLES:
        return region
    for x, y, w, h in scene.rects[seen].tolist():
        left, top = view.to_screen(x, y, width, height)
        region -= QRegion(QRectF(left, top, w * view.scale, h * view.scale).toAlignedRect())
    return region


def _lit(painter: QPainter, scene: Scene, tensors: list[int], rect: Rect, scale: float, colour: QColor, width: float) -> None:
    """Draw whole tensors again, brighter."""
    import numpy as np

    if not tensors:
        return
    ids = np.concatenate([scene.links_of(tensor) for tensor in tensors])
    links = scene.links
    x0, y0, x1, y1 = rect
    left, right = np.minimum(links[ids, 0], links[ids, 2]), np.maximum(links[ids, 0], links[ids, 2])
    ids = ids[(left < x1) & (right > x0) & (links[ids, 1] < y1) & (links[ids, 3] > y0)]
    draw_links(painter, scene, ids, rect, scale, colour, width)


def _lit_routes(painter: QPainter, scene: Scene, rows: list[int], rect: Rect, scale: float, look: Look) -> None:
    """Draw the routes that lead to nodes again, brighter: only their own part of a shared line."""
    import numpy as np

    routes = [scene.route(edge) for row in rows for edge in scene.edges_in(row).tolist()]
    if routes:
        pieces = np.concatenate([np.concatenate((route[:-1], route[1:]), 1) for route in routes])
        pieces = pieces[(pieces[:, 1] < rect[3]) & (pieces[:, 3] > rect[1])]
        draw_pieces(painter, pieces, np.abs(pieces[:, 0] - pieces[:, 2]) > 0.25, rect, scale, look.accent, 2.0)


def _outlines(
    painter: QPainter, scene: Scene, rows: list[int] | np.ndarray, rect: Rect, scale: float, colour: QColor, width: float
) -> None:
    import numpy as np

    if not len(rows):
        return
    boxes = scene.rects[rows]
    x0, y0, x1, y1 = rect
    seen = (boxes[:, 0] < x1) & (boxes[:, 0] + boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 1] + boxes[:, 3] > y0)
    boxes, kinds = boxes[seen], scene.family[np.asarray(rows)[seen]]
    painter.setPen(pen_of(painter, colour, width))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, scale >= LABELS)
    if scale < LABELS:
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        draw_rects(painter, _grown(boxes, _lack(boxes, scale)))
        return
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for (x, y, w, h), kind in zip(boxes.tolist(), kinds.tolist(), strict=True):
        radius = h / 2 if FAMILIES[kind] == "io" else ROUND
        painter.drawRoundedRect(QRectF(x, y, w, h), radius, radius)


def _lack(boxes: np.ndarray, scale: float) -> np.ndarray:
    """How much boxes must grow on every side to be seen: at least 5 pixels across."""
    import numpy as np

    return np.asarray(np.maximum(0.0, 5.0 / scale - boxes[:, 2:].min(axis=1)) / 2)


def _grown(boxes: np.ndarray, by: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.stack((boxes[:, 0] - by, boxes[:, 1] - by, boxes[:, 2] + 2 * by, boxes[:, 3] + 2 * by), 1)


def _found(painter: QPainter, scene: Scene, rect: Rect, scale: float, look: Look, marks: Marks) -> None:
    """Bring what a search found out from under the veil."""
    assert marks.found is not None
    _outlines(painter, scene, marks.found_rows(), rect, scale, look.accent, 1.5)
    if marks.current is not None:
        _outlines(painter, scene, [marks.current], rect, scale, look.accent, 3.0)


def legend(painter: QPainter, scene: Scene, heat: Heat | None, look: Look, width: float, height: float) -> None:
    """In the lower left corner: which colour is what, and what badges say."""
    font = painter.font()
    font.setPixelSize(11)
    painter.setFont(font)
    left = 12.0
    if heat is None or not heat.coloured:
        left = _families(painter, scene, look, width, height)
    if heat is not None:
        scales.draw(painter, heat, look, left, width, height)


def _families(painter: QPainter, scene: Scene, look: Look, width: float, height: float) -> float:
    """The families that occur; where the next thing may stand beside them."""
    import numpy as np

    counts = np.bincount(scene.family, minlength=len(FAMILIES))
    shown = [kind for kind in range(len(FAMILIES)) if counts[kind] and FAMILIES[kind] != "io"]
    metrics = painter.fontMetrics()
    names = [TITLES[FAMILIES[kind]] for kind in shown]
    wide = max((metrics.horizontalAdvance(name) for name in names), default=0) + 34
    line = 17.0
    high = line * len(shown) + 11
    if not shown or width < 3 * wide or height < 2.2 * high:
        return 12.0
    top = height - high - 12
    scales.card(painter, QRectF(12, top, wide, high), look)
    for place, (kind, name) in enumerate(zip(shown, names, strict=True)):
        y = top + 6 + place * line
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.families[kind])
        painter.drawRoundedRect(QRectF(20, y + 3.5, 4, 10), 2, 2)
        painter.setPen(look.muted)
        painter.drawText(QRectF(31, y, wide, line), Qt.AlignmentFlag.AlignVCenter, name)
    return 12 + wide + 8
