"""The graph on the screen: one widget that shows a scene, and everything that one can do with it.

Whoever owns it sets a graph with `show_graph` and listens to `picked`; rows are rows of the graph's index. The same
nodes are to be found in the nodes table, which is what a screen reader reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from gui.graph import camera, marks
from gui.graph.camera import View
from gui.graph.frames import Frames, Order
from gui.graph.hands import Hands
from gui.graph.minimap import Minimap
from gui.graph.motion import FLIGHT, STEP, Motion
from gui.graph.painter import Look

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from core.layout import Placed
    from core.model.index import GraphIndex
    from gui.graph.heat import Heat
    from gui.graph.scene import Scene
    from gui.theme import Theme

#: How near the mouse must be to a line, in pixels; and the zoom below which lines are not looked for.
NEAR, LINES = 6.0, 0.12
#: What travelling to a node shows at least.
CLOSE = 0.8
PADDING = 24.0


class Canvas(QWidget):
    """Draws a graph from arrays; pans, zooms, selects, searches, and wears numbers on its nodes."""

    #: The person selected these rows (a list), here.
    picked = Signal(list)
    #: The view moved or zoomed.
    viewed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.scene: Scene | None = None
        self.heat: Heat | None = None
        self.view = View()
        self._look: Look | None = None
        self._marks = marks.Marks()
        self._keep: Literal["", "open", "fit"] = ""
        self._hands = Hands(self)
        self.motion = Motion(self, lambda: self.view, self._move)
        self.frames = Frames(self)
        self.frames.ready.connect(self.update)
        self.minimap = Minimap(self)
        self.minimap.travel.connect(self._travel)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("Graph of the model")
        self._describe()

    # ---- what is shown ----
    def show_graph(self, index: GraphIndex, placed: Placed) -> None:
        """Show a graph. The node that is selected, or else in the middle, stays where it is if it still exists."""
        from gui.graph.scene import Scene

        anchor = self._anchor()
        selected = self.selected_names
        scene = Scene(index, placed)
        self.scene, self.heat = scene, None
        self.motion.stop()
        self.frames.drop()
        self._marks = marks.Marks(selected=[scene.rows[name] for name in selected if name in scene.rows], focused=self.hasFocus())
        name, at = anchor if anchor is not None else ("", (0.0, 0.0))
        row = scene.rows.get(name)
        if row is not None:
            x, y = float(placed.x[row]), float(placed.y[row])
            self.view = View(x - at[0] / self.view.scale, y - at[1] / self.view.scale, self.view.scale)
            self._keep = ""
        else:
            self._open()
        self._map()
        self._describe()
        self._changed()

    def clear(self) -> None:
        """Show nothing."""
        self.motion.stop()
        self.scene, self.heat, self._marks = None, None, marks.Marks()
        self.frames.drop()
        self._map()
        self._describe()
        self._changed()

    def _anchor(self) -> tuple[str, tuple[float, float]] | None:
        """The node to hold on to when the graph changes, and where it is from the middle of the widget, in pixels."""
        scene = self.scene
        if scene is None or not len(scene):
            return None
        import numpy as np

        placed, view = scene.placed, self.view
        row = self._marks.selected[0] if self._marks.selected else int(np.argmin(np.hypot(placed.x - view.x, placed.y - view.y)))
        return scene.index.names[row], ((float(placed.x[row]) - view.x) * view.scale, (float(placed.y[row]) - view.y) * view.scale)

    def _open(self) -> None:
        """The first view: all of it if that can be read, else the beginning."""
        scene = self.scene
        assert scene is not None
        self._keep = "open"
        whole = self._whole()
        if whole.scale >= camera.OPEN_WHOLE or not len(scene):
            self.view = whole
            return
        placed, scale = scene.placed, camera.READABLE
        first = int(placed.y.argmin())
        self.view = View(float(placed.x[first]), max(float(placed.y[first]), self.height() * 0.42 / scale), scale)

    def set_overlay(self, values: np.ndarray | None, title: str = "", unit: str = "") -> None:
        """Wear numbers: one float for each row (nan: none) as colour and badge, with a scale; None takes them off."""
        from gui.graph.heat import Heat

        if values is not None and self.scene is not None and len(values) != len(self.scene):
            raise ValueError(f"{len(values)} values for {len(self.scene)} nodes")
        self.heat = None if values is None or self.scene is None else Heat.of(values, title, unit)
        self._map()
        self.update()

    # ---- selection and search ----
    @property
    def selected_rows(self) -> list[int]:
        """What is selected."""
        return list(self._marks.selected)

    @property
    def selected_names(self) -> tuple[str, ...]:
        """The names of what is selected."""
        return tuple(self.scene.index.names[row] for row in self._marks.selected) if self.scene is not None else ()

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

    # ---- views ----
    @property
    def least_scale(self) -> float:
        """How far one may zoom out."""
        return camera.least_scale(self.scene.width, self.scene.height, self.width(), self.height()) if self.scene is not None else 0.1

    def look_at(self, view: View) -> None:
        """Show a view now."""
        self._keep = ""
        self.motion.stop()
        self._move(view)

    def fit(self) -> None:
        """Show all of the graph."""
        if self.scene is not None:
            self.motion.fly(self._whole())
            self._keep = "fit"

    def _whole(self) -> View:
        assert self.scene is not None
        return camera.fit(0, 0, self.scene.width, self.scene.height, self.width(), self.height())

    def full_size(self) -> None:
        """100 %, around the selection if it is in sight, else the middle."""
        rows = self._marks.selected
        x, y = self.view.x, self.view.y
        if rows and self.scene is not None:
            x, y = float(self.scene.placed.x[rows[0]]), float(self.scene.placed.y[rows[0]])
        self.fly(View(x, y, 1.0))

    def zoom_to_selection(self) -> None:
        """Show what is selected, or all when nothing is."""
        if self.scene is None:
            return
        if not self._marks.selected:
            self.fit()
            return
        x0, y0, x1, y1 = self.scene.bounds(self._marks.selected)
        around = 60.0
        self.fly(camera.fit(x0 - around, y0 - around, x1 + around, y1 + around, self.width(), self.height(), most=1.25))

    def zoom(self, factor: float, x: float | None = None, y: float | None = None, seconds: float = STEP) -> None:
        """Zoom by a factor, to a point of the widget (its middle by default)."""
        at_x, at_y = (self.width() / 2, self.height() / 2) if x is None or y is None else (x, y)
        to = self.motion.target.zoomed(factor, at_x, at_y, self.width(), self.height(), self.least_scale)
        self.fly(self._within(to), seconds)

    def reveal(self, row: int) -> None:
        """Travel to a node, unless it can be seen and read already."""
        if self.scene is None:
            return
        x, y = float(self.scene.placed.x[row]), float(self.scene.placed.y[row])
        at_x, at_y = self.motion.target.to_screen(x, y, self.width(), self.height())
        edge = 60.0
        seen = edge < at_x < self.width() - edge and edge < at_y < self.height() - edge
        scale = max(self.motion.target.scale, CLOSE)
        if not seen or scale > self.motion.target.scale * 1.6:
            self.fly(View(x, y, scale))

    def fly(self, view: View, seconds: float = FLIGHT) -> None:
        """Travel to a view."""
        self._keep = ""
        self.motion.fly(view, seconds)

    def _within(self, view: View) -> View:
        if self.scene is None:
            return view
        return camera.clamp(view, self.scene.width, self.scene.height, max(1, self.width()), max(1, self.height()))

    def _move(self, view: View) -> None:
        view = self._within(view)
        if view != self.view:
            self.view = view
            self._changed()

    def _travel(self, x: float, y: float) -> None:
        self.look_at(View(x, y, self.view.scale))

    def _changed(self) -> None:
        self.minimap.follow(self.view, self.width(), self.height())
        self.viewed.emit()
        self.update()

    # ---- what hands do ----
    def graph_point(self, at: QPointF) -> tuple[float, float]:
        """The point of the graph at a point of the widget."""
        return self.view.to_graph(at.x(), at.y(), self.width(), self.height())

    def hover(self, at: QPointF | None) -> None:
        """The mouse is here, without a button; None: nowhere."""
        row = tensor = None
        if at is not None and self.scene is not None:
            x, y = self.graph_point(at)
            row = self.scene.box_at(x, y)
            if row is None and self.view.scale >= LINES:
                tensor = self.scene.tensor_at(x, y, NEAR / self.view.scale)
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
    def sizeHint(self) -> QSize:
        return QSize(900, 640)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._paint(painter)
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        look = self._looks()
        if self.scene is None:
            painter.fillRect(self.rect(), look.window)
            return
        width, height = float(self.width()), float(self.height())
        order = Order(self.scene, self.view, width, height, self.devicePixelRatioF(), look, self.heat)
        self.frames.want(order)
        if not self.frames.show(painter, order):
            painter.fillRect(self.rect(), look.window)
        marks.draw(painter, self.scene, self.view, width, height, look, self._marks)
        painter.setFont(self.theme.small())
        marks.legend(painter, self.scene, self.heat, look, width, height)

    def _looks(self) -> Look:
        if self._look is None:
            self._look = Look.of(self.theme)
        return self._look

    def restyle(self) -> None:
        """Take the theme's colours as they are now."""
        self._look = None
        self._map()
        self.update()

    def _map(self) -> None:
        self.minimap.show_scene(self.scene, self._looks(), self.heat)
        self._mark_map()
        self.minimap.follow(self.view, self.width(), self.height())

    def _mark_map(self) -> None:
        self.minimap.mark(self._marks.found if self._marks.found is not None else self._marks.selected)

    def _describe(self) -> None:
        """Say in words what is shown, for those who do not see it."""
        if self.scene is None:
            self.setAccessibleDescription("No model is open.")
            return
        names = self.selected_names
        chosen = f"Selected: {names[0]}." if len(names) == 1 else f"{len(names)} nodes are selected." if names else "Nothing is selected."
        boxes = f"{len(self.scene)} boxes, from inputs above to outputs below."
        self.setAccessibleDescription(f"{boxes} {chosen} Arrow keys go along links; the Nodes table lists the same.")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.minimap.move(self.width() - self.minimap.width() - 12, 12)
        if self.scene is not None and self._keep == "open":
            self._open()
        elif self.scene is not None and self._keep == "fit":
            self.motion.stop()
            self.view = self._whole()
        self._changed()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            from gui.graph.tips import tip

            text = tip(self.scene, self._marks.hovered, self._marks.tensor, self.heat) if self.scene is not None else ""
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
        if self.scene is not None and self.scene.box_at(*self.graph_point(event.position())) is not None:
            self.zoom_to_selection()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._hands.wheel(event)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self.hover(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._hands.key(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        self._hands.key_up(event)
        super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def release(self) -> None:
        """End what runs; called once, before the widget goes."""
        self.motion.stop()
        self.frames.close()
