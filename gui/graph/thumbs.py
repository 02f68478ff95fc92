"""Pictures of weights in boxes that are looked at from close by; asked for when they come into view, a few at a time."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from core.model import thumbs
from gui.graph import closer
from gui.graph.camera import View
from gui.graph.heat import mix

if TYPE_CHECKING:
    from core.model import Model
    from core.model.thumbs import Thumb
    from gui.document import Document
    from gui.graph.heat import Heat
    from gui.graph.painter import Look
    from gui.graph.scene import Scene

KEY = "graph.thumbs"
#: So many are asked for at once, after so many milliseconds in which the view stood still.
BATCH, PAUSE = 8, 90
#: So many are kept.
KEPT = 2000
#: Blue for negative, orange for positive values: told apart by all eyes, in both themes.
NEGATIVE, POSITIVE = {True: "#4f9dff", False: "#1f5fc4"}, {True: "#ff9a3c", False: "#c65a00"}


class Thumbs(QObject):
    """Keeps the pictures of one model; `arrived` tells when there are more to draw."""

    arrived = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._model: Model | None = None
        self._known: dict[str, Thumb | None] = {}
        self._images: dict[str, QImage] = {}
        self._look: Look | None = None
        self._wanted: list[str] = []
        self._asked: tuple[str, ...] = ()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._ask)

    def of(self, model: Model | None) -> None:
        """Show weights of this model from now on."""
        if model != self._model:
            self._forget()
            self._model = model
            self._known.clear()
            self._images.clear()

    def known(self, node: str) -> Thumb | None:
        """The picture of a node's weight, when it has come."""
        return self._known.get(node)

    def tip(self, node: str) -> str:
        """What the picture of a node's weight shows, for its tooltip; empty when there is none."""
        thumb = self._known.get(node)
        if thumb is None:
            return ""
        seen = f"the farthest from zero in each of {thumb.rows} × {thumb.columns} patches"
        return f"<br>Picture: {escape(thumb.weight)}, −{thumb.limit:.3g} blue … {thumb.limit:.3g} orange, {seen}"

    def close(self) -> None:
        """Ask for nothing more."""
        self._forget()
        self._model = None

    def draw(self, painter: QPainter, scene: Scene, view: View, width: float, height: float, look: Look, heat: Heat | None) -> None:
        """Draw the pictures of the boxes in view, an empty frame for those that have not come; ask for these."""
        if view.scale < closer.FROM or self._model is None:
            return
        if look is not self._look:
            self._look = look
            self._images.clear()
        wanted = []
        frame = QPen(look.box_line, 1.0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for row in scene.boxes_in(view.rect(width, height)).tolist():
            place = closer.slot(scene, row, QRectF(*scene.rects[row].tolist())) if heat is None or heat.shade[row] < 0 else None
            if place is None:
                continue
            name = scene.index.names[row]
            x, y = view.to_screen(place.x(), place.y(), width, height)
            rect = QRectF(round(x), round(y), round(place.width() * view.scale), round(place.height() * view.scale))
            if name not in self._known:
                wanted.append(name)
            thumb = self._known.get(name)
            if thumb is not None:
                painter.drawImage(rect, self._image(thumb, look))
            elif name in self._known:
                continue  # it has no weight that can be seen
            painter.setPen(frame)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.restore()
        if wanted != self._wanted:
            self._wanted = wanted
            if wanted and not self._asked:
                self._pause.start()

    def _image(self, thumb: Thumb, look: Look) -> QImage:
        image = self._images.get(thumb.node)
        if image is None:
            image = QImage(thumb.columns, thumb.rows, QImage.Format.Format_Indexed8)
            image.setColorTable(_table(look))
            for row in range(thumb.rows):
                line = bytes((cell + 128) & 255 for cell in thumb.cells[row * thumb.columns : (row + 1) * thumb.columns])
                memoryview(image.scanLine(row))[: thumb.columns] = line
            self._images[thumb.node] = image
        return image

    def _forget(self) -> None:
        self._pause.stop()
        self._document.forget(KEY)
        self._wanted, self._asked = [], ()

    def _ask(self) -> None:
        if self._model is None or self._asked or not self._wanted:
            return
        self._asked = tuple(self._wanted[:BATCH])
        self._document.ask(thumbs.thumbnails, self._model, self._asked, on_done=self._answered, on_error=self._failed, key=KEY)

    def _answered(self, found: tuple[Thumb, ...]) -> None:
        if len(self._known) > KEPT:
            self._known.clear()
            self._images.clear()
        self._known.update(dict.fromkeys(self._asked))
        self._known.update({thumb.node: thumb for thumb in found})
        self._asked, self._wanted = (), []
        self.arrived.emit()

    def _failed(self, error: Exception) -> None:
        """A weight that cannot be read is told where it is looked into (properties); here its box stays without a picture."""
        self._answered(())


def _table(look: Look) -> list[int]:
    """Colours for -127 to 127 around the box's own, by value + 128; the first stands for what is no number."""
    low, high = QColor(NEGATIVE[look.dark]), QColor(POSITIVE[look.dark])
    shades = [mix(look.box, low if value < 0 else high, abs(value) / 127) for value in range(-127, 128)]
    return [look.hover.rgb(), *(shade.rgb() for shade in shades)]
