"""Frames around open groups, and what tells a folded group's box from a node's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from core.layout.boxes import UNFOLD
from core.layout.group import HEAD
from gui.graph.camera import View
from gui.graph.heat import mix
from gui.graph.pens import pen_of

if TYPE_CHECKING:
    import numpy as np

    from gui.graph.painter import Look
    from gui.graph.scene import Rect, Scene
    from gui.graph.texts import Texts

#: Below this zoom headings are written over the picture, as names on a map, if their frames are at least so large (pixels).
WRITTEN, LEAST_WIDE, LEAST_HIGH = 0.55, 84.0, 34.0
#: Headings in one picture.
MOST = 80
#: How far the cards of a stack stand out behind its box.
CARD = 3.0
ROUND = 8.0


def fills(look: Look) -> tuple[QColor, QColor]:
    """The ground of frames, one inside of the other by turns."""
    return mix(look.window, look.box, 0.42), mix(look.window, look.box, 0.78)


def draw_frames(painter: QPainter, scene: Scene, rect: Rect, scale: float, look: Look, texts: Texts) -> None:
    """Draw the frames in `rect`, outer ones first, with their headings where these can be read."""
    if not len(scene.frames):
        return
    assert scene.shown is not None
    shown = scene.shown
    near = scale >= WRITTEN
    pen = pen_of(painter, look.box_line, 1.0)
    grounds = fills(look)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, near)
    frames = scene.frames_in(rect).tolist()
    for frame in frames:
        x, y, w, h = scene.frames[frame].tolist()
        if min(w, h) * scale < 3.0:
            continue
        painter.setPen(pen if min(w, h) * scale > 24.0 else Qt.PenStyle.NoPen)
        painter.setBrush(grounds[int(shown.frames.depth[frame]) % 2])
        area = _cut(x, y, w, h, rect)
        if near:
            painter.drawRoundedRect(area, ROUND, ROUND)
        else:
            painter.drawRect(area)
    if near:
        for frame in frames:
            _heading(painter, scene, frame, rect, look, texts)


def _cut(x: float, y: float, w: float, h: float, rect: Rect) -> QRectF:
    """A frame, no further than a little beyond what is seen: some are a hundred times as large as the view."""
    around = 40.0 + 0.1 * (rect[2] - rect[0])
    left, top = max(x, rect[0] - around), max(y, rect[1] - around)
    return QRectF(left, top, min(x + w, rect[2] + around) - left, min(y + h, rect[3] + around) - top)


def _heading(painter: QPainter, scene: Scene, frame: int, rect: Rect, look: Look, texts: Texts) -> None:
    from core.layout.nested import title

    shown = scene.shown
    assert shown is not None
    x, y, w, _ = scene.frames[frame].tolist()
    if y + HEAD < rect[1] or y > rect[3]:
        return
    group = int(shown.frames.group[frame])
    left = max(x, min(rect[0], x + w - 160.0))  # a heading stays in sight while its frame is
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.muted)
    painter.drawPolygon(_mark(left + 14.0, y + HEAD / 2, opened=True))
    room = x + w - left - 36.0
    name = texts.get("heading", title(shown.nest.tree, group), max(24.0, room))
    painter.setPen(look.text)
    painter.setFont(texts.fonts["heading"])
    top = y + (HEAD - texts.height("heading")) / 2
    painter.drawStaticText(QPointF(left + 24.0, top), name)
    rest = room - name.size().width() - 12.0
    said = shown.nest.details[group]
    if said and rest > 40.0:
        painter.setPen(look.muted)
        painter.setFont(texts.fonts["tag"])
        lower = y + (HEAD - texts.height("tag")) / 2
        painter.drawStaticText(QPointF(left + 24.0 + name.size().width() + 10.0, lower), texts.get("tag", said, rest))


def _mark(x: float, y: float, *, opened: bool) -> QPolygonF:
    """A small triangle: down for an open group, to the right for a folded one."""
    if opened:
        return QPolygonF([QPointF(x - 4.0, y - 2.5), QPointF(x + 4.0, y - 2.5), QPointF(x, y + 3.0)])
    return QPolygonF([QPointF(x - 2.5, y - 4.0), QPointF(x + 3.0, y), QPointF(x - 2.5, y + 4.0)])


def draw_cards(painter: QPainter, scene: Scene, rows: np.ndarray, look: Look) -> None:
    """The cards behind the boxes of folded groups: one for a group, two for a stack of equal ones; before the boxes."""
    if scene.shown is None:
        return
    times = scene.shown.nest.tree.times
    pen = pen_of(painter, look.box_line, 1.0)
    painter.setPen(pen)
    painter.setBrush(mix(look.box, look.window, 0.35))
    for row in rows[scene.folded[rows]].tolist():
        x, y, w, h = scene.rects[row].tolist()
        for step in (2, 1) if times[int(scene.shown.group[row])] > 1 else (1,):
            painter.drawRoundedRect(QRectF(x + CARD * step, y + CARD * step, w, h), 5.0, 5.0)


def draw_marks(painter: QPainter, scene: Scene, rows: np.ndarray, look: Look) -> None:
    """The mark that unfolds, at the right of folded groups' boxes; after the boxes."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.muted)
    for row in rows[scene.folded[rows]].tolist():
        x, y, w, h = scene.rects[row].tolist()
        painter.drawPolygon(_mark(x + w - UNFOLD / 2, y + h / 2, opened=False))


def write_names(painter: QPainter, scene: Scene, view: View, width: float, height: float, look: Look, texts: Texts) -> None:
    """From afar: the names of frames over the picture, in pixels, those of outer ones first and none over another."""
    if not len(scene.frames) or view.scale >= WRITTEN:
        return
    from core.layout.nested import title

    shown = scene.shown
    assert shown is not None
    rect = view.rect(width, height)
    taken: list[QRectF] = []
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setFont(texts.fonts["heading"])
    high = texts.height("heading")
    for frame in scene.frames_in(rect).tolist():
        w, h = float(scene.frames[frame, 2]) * view.scale, float(scene.frames[frame, 3]) * view.scale
        if w < LEAST_WIDE or h < LEAST_HIGH:
            continue
        left, top = view.to_screen(float(scene.frames[frame, 0]), float(scene.frames[frame, 1]), width, height)
        right = left + w
        left, top = max(left, 0.0) + 6.0, max(top, 0.0) + 3.0
        room = min(right, width) - left - 8.0
        if room < 40.0:
            continue
        name = texts.get("heading", title(shown.nest.tree, int(shown.frames.group[frame])), room)
        area = QRectF(left - 3.0, top, name.size().width() + 6.0, high + 1.0)
        if any(area.intersects(other) for other in taken):
            continue
        taken.append(area)
        back = QColor(fills(look)[int(shown.frames.depth[frame]) % 2])
        back.setAlpha(215)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(back)
        painter.drawRoundedRect(area, 3.0, 3.0)
        painter.setPen(look.text)
        painter.drawStaticText(QPointF(left, top), name)
        if len(taken) >= MOST:
            return
