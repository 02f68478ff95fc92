"""The picture of a graph on the screen: where one looks, what is drawn there, and what stays when the graph changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui.graph import camera, marks
from gui.graph.camera import View
from gui.graph.edge_labels import EdgeLabels
from gui.graph.frames import Frames, Order
from gui.graph.minimap import Minimap
from gui.graph.motion import FLIGHT, STEP, Motion
from gui.graph.painter import Look

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from core.layout import Placed
    from core.layout.nested import Shown
    from core.model.index import GraphIndex
    from gui.graph.heat import Heat
    from gui.graph.scene import Scene
    from gui.graph.thumbs import Thumbs
    from gui.theme import Theme

#: What travelling to a node shows at least.
CLOSE = 0.8


class Viewer(QWidget):
    """Shows a scene: pans, zooms and flies, wears numbers on its nodes; whoever derives from it adds what hands do."""

    #: The view moved or zoomed.
    viewed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.scene: Scene | None = None
        self.heat: Heat | None = None
        #: What a scene wears, asked whenever there is another one; whoever owns the overlays sets it.
        self.wardrobe: Callable[[Scene], Heat | None] = lambda scene: None
        self.view = View()
        self._look: Look | None = None
        self._marks = marks.Marks()
        self._keep: Literal["", "open", "fit"] = ""
        self.motion = Motion(self, lambda: self.view, self._move)
        self.frames = Frames(self)
        self.frames.ready.connect(self.update)
        self.edge_labels = EdgeLabels(self)
        self.edge_labels.ready.connect(self.update)
        self.thumbs: Thumbs | None = None
        self.minimap = Minimap(self)
        self.minimap.travel.connect(self._travel)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("Graph of the model")
        self._describe()

    # ---- what is shown ----
    def show_graph(self, index: GraphIndex, placed: Placed, shown: Shown | None = None, touched: str = "") -> None:
        """Show a graph. What was folded or unfolded (`touched`), else the node that is selected or in the middle, stays where it is if
        it still exists; what was selected stays so."""
        from gui.graph.scene import Scene

        held = self._held(touched)
        selected = self.selected_names
        scene = Scene(index, placed, shown)
        self.scene, self.heat = scene, self.wardrobe(scene)
        self.motion.stop()
        self.frames.drop()
        self._marks = marks.Marks(selected=scene.boxes_of(selected), focused=self.hasFocus())
        for name, (x, y) in held:
            at = scene.anchor(name)
            if at is not None:
                self.view = View(at[0] - x / self.view.scale, at[1] - y / self.view.scale, self.view.scale)
                self._keep = ""
                break
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

    def _held(self, touched: str) -> list[tuple[str, tuple[float, float]]]:
        """What to hold on to when the graph changes, the first that exists then, and where it is from the middle of the widget."""
        scene = self.scene
        if scene is None or not len(scene):
            return []
        import numpy as np

        placed, view = scene.placed, self.view
        wanted = [touched] if touched else []
        wanted += [scene.index.names[row] for row in self._marks.selected[:1]]
        near = np.argsort(np.hypot(placed.x - view.x, placed.y - view.y), kind="stable")[:8].tolist()
        wanted += [scene.index.names[row] for row in near]
        found = []
        for name in wanted:
            at = scene.anchor(name)
            if at is not None:
                found.append((name, ((at[0] - view.x) * view.scale, (at[1] - view.y) * view.scale)))
        return found

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
        self.wear(None if values is None or self.scene is None else Heat.of(values, title, unit))

    def wear(self, heat: Heat | None) -> None:
        """Wear colours and badges; None takes them off."""
        if heat is None and self.heat is None:
            return
        self.heat = heat
        self._map()
        self._describe()
        self.update()

    def redress(self) -> None:
        """Wear what the wardrobe has for this scene now."""
        self.wear(self.wardrobe(self.scene) if self.scene is not None else None)

    # ---- what is marked ----
    @property
    def selected_rows(self) -> list[int]:
        """What is selected."""
        return list(self._marks.selected)

    @property
    def selected_names(self) -> tuple[str, ...]:
        """The names of what is selected."""
        return self.scene.names_of(self._marks.selected) if self.scene is not None else ()

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

    def graph_point(self, at: QPointF) -> tuple[float, float]:
        """The point of the graph at a point of the widget."""
        return self.view.to_graph(at.x(), at.y(), self.width(), self.height())

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
        labels = self.edge_labels.of(self.scene, self.view.scale)
        order = Order(self.scene, self.view, width, height, self.devicePixelRatioF(), look, self.heat, labels)
        self.frames.want(order)
        if not self.frames.show(painter, order):
            painter.fillRect(self.rect(), look.window)
        if self.thumbs is not None:
            self.thumbs.draw(painter, self.scene, self.view, width, height, look, self.heat)
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
        if self.heat is not None and self.heat.coloured:
            boxes += f" Coloured by {self.heat.title}; the Overlays panel lists the values."
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

    def release(self) -> None:
        """End what runs; called once, before the widget goes."""
        self.motion.stop()
        self.frames.close()
        self.edge_labels.close()
        if self.thumbs is not None:
            self.thumbs.close()
