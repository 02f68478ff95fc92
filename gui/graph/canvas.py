"""The graph in a person's hands: a viewer in which one selects, searches, hovers and walks along links.

Whoever owns it sets a graph with `show_graph` and listens to `picked`; rows are rows of the graph's index. The same
nodes are to be found in the nodes table, which is what a screen reader reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from core.layout.boxes import UNFOLD
from gui.graph import closer
from gui.graph.camera import READABLE, View, fit
from gui.graph.hands import Hands
from gui.graph.painter import LABELS
from gui.graph.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gui.theme import Theme

#: How near the mouse must be to a line, in pixels; and the zoom below which lines are not looked for.
NEAR, LINES = 6.0, 0.12


class Canvas(Viewer):
    """Select, search and walk a graph with mouse, touch and keys."""

    #: The person selected these rows (a list), here.
    picked = Signal(list)
    #: The person wants this group (of the scene's tree) unfolded, or folded again.
    folding = Signal(int)
    #: The person wants the menu of a "node", a "tensor" (with its number, else -1) or the "ground", at a point of the screen.
    asked = Signal(str, int, QPoint)
    #: The person wants what is selected as text.
    copied = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._hands = Hands(self)

    # ---- selection and search ----
    @property
    def found(self) -> list[int] | None:
        """What the search found, None while there is none."""
        return self._marks.found

    def select(self, rows: Iterable[int], *, tell: bool = False) -> None:
        """Select rows; `tell` says that the person did it here."""
        chosen = list(dict.fromkeys(rows))
        if chosen != self._marks.selected:
            self._marks.selected = chosen
            self._mark_map()
            self._describe()
            self.update()
            if tell:
                self.picked.emit(chosen)

    def highlight(self, rows: list[int] | None, current: int | None = None) -> None:
        """Bring out rows (a search's) from under a veil; None takes it off."""
        self._marks.found, self._marks.current = rows, current
        self._mark_map()
        self.update()

    def escape(self) -> None:
        """Select nothing, then end the search."""
        if self._marks.selected:
            self.select([], tell=True)
        else:
            self.highlight(None)

    # ---- what hands do ----
    def hover(self, at: QPointF | None) -> None:
        """The mouse is here, without a button; None: nowhere."""
        row = tensor = None
        if at is not None and self.scene is not None:
            x, y = self.graph_point(at)
            row = self.scene.box_at(x, y)
            if row is None and self.view.scale >= LINES:
                tensor = self.scene.line_at(x, y, NEAR / self.view.scale)
        if (row, tensor) != (self._marks.hovered, self._marks.tensor):
            self._marks.hovered, self._marks.tensor = row, tensor
            self.update()

    def click(self, at: QPointF, *, add: bool) -> None:
        """Select what is here; a tag leads to the other end of its tensor, a line to its producer and consumers."""
        if self.scene is None:
            return
        scene = self.scene
        x, y = self.graph_point(at)
        row = scene.box_at(x, y)
        group = self._mark_at(x, y, row)
        if group is not None:
            self.folding.emit(group)
            return
        if row is not None:
            rows = self._marks.selected
            self.select(([r for r in rows if r != row] if row in rows else [*rows, row]) if add else [row], tell=True)
            return
        tag = scene.tag_at(x, y)
        if tag is not None:
            edges = scene.edges_of(int(scene.placed.ports.tensor[tag]))
            if scene.placed.ports.out[tag]:
                self.select(scene.index.dst[edges].tolist(), tell=True)
                self.zoom_to_selection()
            else:
                producer = int(scene.index.src[edges[0]])
                self.select([producer], tell=True)
                self.reveal(producer)
            return
        if not add:
            self.select([], tell=True)

    def _mark_at(self, x: float, y: float, row: int | None) -> int | None:
        """The group whose mark to fold or unfold it is at a point of the graph."""
        scene = self.scene
        if scene is None or scene.shown is None or self.view.scale < LABELS:
            return None
        if row is not None:
            left, _, wide, _ = scene.rects[row].tolist()
            return int(scene.shown.group[row]) if scene.folded[row] and x > left + wide - UNFOLD else None
        frame = scene.head_at(x, y)
        return int(scene.shown.frames.group[frame]) if frame is not None else None

    @property
    def folded_selected(self) -> bool:
        """Whether one folded group is selected, and nothing else."""
        rows = self._marks.selected
        return self.scene is not None and len(rows) == 1 and bool(self.scene.folded[rows[0]])

    def look_into(self, frame: int) -> None:
        """Travel to an open group: all of it if that can be read, else its beginning."""
        if self.scene is None:
            return
        x, y, w, h = self.scene.frames[frame].tolist()
        whole = fit(x - 30.0, y - 30.0, x + w + 30.0, y + h + 30.0, self.width(), self.height())
        if whole.scale >= READABLE / 2:
            self.fly(whole)
        else:
            scale = max(READABLE / 2, min(1.0, self.width() / (w + 60.0)))
            self.fly(View(x + w / 2, y - 30.0 + self.height() / 2 / scale, scale))

    def unfold_selected(self) -> bool:
        """Unfold the folded group that is selected; whether one is."""
        scene, rows = self.scene, self._marks.selected
        if scene is None or scene.shown is None or not self.folded_selected:
            return False
        self.folding.emit(int(scene.shown.group[rows[0]]))
        return True

    def fold_around(self) -> bool:
        """Fold the group around what is selected, or else around the middle of the view; whether there is one."""
        scene = self.scene
        if scene is None or scene.shown is None:
            return False
        rows, group = self._marks.selected, 0
        if rows:
            group = scene.around(rows[0])
        else:
            frame = scene.frame_at(self.view.x, self.view.y)
            group = int(scene.shown.frames.group[frame]) if frame is not None else 0
        if group:
            self.folding.emit(group)
        return group > 0

    def under(self, at: QPointF | None) -> tuple[str, int, QPoint]:
        """What a context menu at a point of the widget is about, and where it opens: a box (selected from then on), a
        link, or the ground; None: the selection's, wherever that is."""
        rows, tensor = self._marks.selected, -1
        if self.scene is None:
            return "ground", tensor, self.rect().center()
        if at is None:
            row = rows[0] if rows else None
            x, y = (float(self.scene.placed.x[row]), float(self.scene.placed.y[row])) if row is not None else (self.view.x, self.view.y)
            spot = QPointF(*self.view.to_screen(x, y, self.width(), self.height())).toPoint()
            return "node" if rows else "ground", tensor, spot if self.rect().contains(spot) else self.rect().center()
        x, y = self.graph_point(at)
        row = self.scene.box_at(x, y)
        if row is not None:
            if row not in rows:
                self.select([row], tell=True)
            return "node", tensor, at.toPoint()
        found = self.scene.line_at(x, y, NEAR / self.view.scale) if self.view.scale >= LINES else None
        return ("tensor", found, at.toPoint()) if found is not None else ("ground", tensor, at.toPoint())

    def stretch_band(self, band: QRectF) -> None:
        """Draw the rubber band."""
        self._marks.band = band
        self.update()

    def take_band(self, band: QRectF, *, add: bool) -> None:
        """Select what the rubber band touches."""
        self._marks.band = None
        if self.scene is not None:
            x0, y0 = self.graph_point(band.topLeft())
            x1, y1 = self.graph_point(band.bottomRight())
            rows = self.scene.boxes_in((x0, y0, x1, y1)).tolist()
            self.select([*self._marks.selected, *rows] if add else rows, tell=True)
        self.update()

    def step(self, x: int, y: int, *, add: bool = False) -> None:
        """Go to the next node from the selected one: along a link down or up, or to the neighbour in its row."""
        from gui.graph.paths import neighbour

        if self.scene is None or not len(self.scene):
            return
        rows = self._marks.selected
        if not rows:
            row: int | None = self.scene.nearest(self.view.x, self.view.y)
        else:
            row = neighbour(self.scene, rows[-1], x, y)
        if row is not None:
            self.select([*[r for r in rows if r != row], row] if add else [row], tell=True)
            self.reveal(row)

    # ---- Qt ----
    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            from gui.graph.tips import tip

            text = tip(self.scene, self._marks.hovered, self._marks.tensor, self.heat) if self.scene is not None else ""
            if self.thumbs is not None and self.scene is not None and self._marks.hovered is not None and self.view.scale >= closer.FROM:
                text += self.thumbs.tip(self.scene.index.names[self._marks.hovered])
            if text:
                QToolTip.showText(event.globalPos(), text, self)
            else:
                QToolTip.hideText()
            return True
        if isinstance(event, QNativeGestureEvent) and self._hands.gesture(event):
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._hands.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hands.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._hands.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.scene is None:
            return
        x, y = self.graph_point(event.position())
        row = self.scene.box_at(x, y)
        if self._mark_at(x, y, row) is not None:
            return  # each of the two clicks has done something already
        if row is not None and not self.unfold_selected():
            self.zoom_to_selection()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._hands.wheel(event)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self.hover(None)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        kind, tensor, at = self.under(None if keyboard else QPointF(event.pos()))
        self.asked.emit(kind, tensor, self.mapToGlobal(at))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copied.emit()
        elif not self._hands.key(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        self._hands.key_up(event)
        super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
