"""The whole graph in a corner, with a frame around what is shown; click or drag to travel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui.graph.camera import View
from gui.graph.heat import Heat, colours
from gui.graph.painter import Look

if TYPE_CHECKING:
    import numpy as np

    from gui.graph.scene import Scene

WIDE, HIGH, PAD = 132, 168, 8
#: The least share of the map's width and height that a graph takes.
SLENDER = 0.5
#: The frame is at least this wide and high, in pixels.
LEAST = 5.0
#: Of more boxes than this only some are drawn: the map has fewer pixels.
SPECKS = 12_000


class Minimap(QWidget):
    """Draws specks for boxes from arrays; `travel` asks the view to look at a point of the graph."""

    travel = Signal(float, float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(WIDE, HIGH)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Map of the graph")
        self.setToolTip("The whole graph; click or drag to travel")
        self._scene: Scene | None = None
        self._look: Look | None = None
        self._heat: Heat | None = None
        self._marked: list[int] = []
        self._image: QImage | None = None
        self._shown = (0.0, 0.0, 1.0, 1.0)
        self.hide()

    def show_scene(self, scene: Scene | None, look: Look, heat: Heat | None) -> None:
        """Draw this graph from now on."""
        self._scene, self._look, self._heat, self._image = scene, look, heat, None
        self.update()

    def mark(self, rows: list[int]) -> None:
        """Put dots on some nodes (what is selected or found)."""
        self._marked = rows
        self.update()

    def follow(self, view: View, width: float, height: float) -> None:
        """Put the frame around what is shown; the map hides while all is."""
        if self._scene is None:
            self.hide()
            return
        self._shown = view.rect(width, height)
        x0, y0, x1, y1 = self._shown
        whole = x0 <= 0 and y0 <= 0 and x1 >= self._scene.width and y1 >= self._scene.height
        self.setVisible(not whole and len(self._scene) > 1 and width > 3 * WIDE and height > 1.5 * HIGH)
        self.update()

    def _scales(self) -> tuple[float, float, float, float]:
        """Pixels per graph pixel across and down, and where the graph begins."""
        assert self._scene is not None
        across, down = (WIDE - 2 * PAD) / self._scene.width, (HIGH - 2 * PAD) / self._scene.height
        even = min(across, down)
        # A very slender graph is shown wider than it is, at least `SLENDER` of the map, so that something can be seen.
        across, down = max(even, across * SLENDER), max(even, down * SLENDER)
        return across, down, (WIDE - across * self._scene.width) / 2, (HIGH - down * self._scene.height) / 2

    def _draw(self, ratio: float) -> QImage:
        import numpy as np

        assert self._scene is not None
        assert self._look is not None
        scene, look = self._scene, self._look
        wide, high = round(WIDE * ratio), round(HIGH * ratio)
        across, down, left, top = self._scales()
        every = max(1, len(scene) // SPECKS)
        rects, family = scene.rects[::every], scene.family[::every]
        x0 = ((rects[:, 0] * across + left) * ratio).astype(np.int64).clip(0, wide - 1)
        x1 = (((rects[:, 0] + rects[:, 2]) * across + left) * ratio).astype(np.int64).clip(0, wide - 1)
        y = (((rects[:, 1] + rects[:, 3] / 2) * down + top) * ratio).astype(np.int64).clip(0, high - 1)
        thick = max(1, min(round(4 * ratio), round(30.0 * down * ratio)))
        length = x1 - x0 + 1
        box = np.repeat(np.arange(len(rects)), length)
        x = x0[box] + np.arange(len(box)) - np.repeat(np.cumsum(length) - length, length)
        if self._heat is not None and self._heat.coloured:
            table = _bytes([*colours(self._heat, look), look.box_line])
            colour = table[self._heat.shade[::every][box]]
        else:
            colour = _bytes(look.families)[family[box]]
        pixels = np.zeros((high, wide, 4), np.uint8)
        for line in range(thick):
            pixels[np.minimum(y[box] + line - thick // 2, high - 1).clip(0), x] = colour
        image = QImage(pixels.data, wide, high, wide * 4, QImage.Format.Format_ARGB32_Premultiplied).copy()
        image.setDevicePixelRatio(ratio)
        return image

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._scene is None or self._look is None:
            return
        look, ratio = self._look, self.devicePixelRatioF()
        if self._image is None or self._image.devicePixelRatio() != ratio:
            self._image = self._draw(ratio)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        back = QColor(look.box)
        back.setAlpha(225)
        painter.setPen(QPen(look.box_line, 1.0))
        painter.setBrush(back)
        painter.drawRoundedRect(QRectF(0.5, 0.5, WIDE - 1, HIGH - 1), 6, 6)
        painter.drawImage(QPointF(0, 0), self._image)
        across, down, left, top = self._scales()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.accent)
        for row in self._marked[:200]:
            x, y, w, h = self._scene.rects[row].tolist()
            painter.drawEllipse(QPointF((x + w / 2) * across + left, (y + h / 2) * down + top), 2.2, 2.2)
        x0, y0, x1, y1 = self._shown
        shown = QRectF(QPointF(x0 * across + left, y0 * down + top), QPointF(x1 * across + left, y1 * down + top))
        shown = shown.intersected(QRectF(2, 2, WIDE - 4, HIGH - 4))
        # Of a graph that is a hundred times as long as the view, the frame would be a hair.
        wide, high = max(LEAST, shown.width()), max(LEAST, shown.height())
        shown = QRectF(shown.center().x() - wide / 2, shown.center().y() - high / 2, wide, high)
        fill = QColor(look.accent)
        fill.setAlpha(36)
        painter.setBrush(fill)
        painter.setPen(QPen(look.accent, 1.4))
        painter.drawRoundedRect(shown, 2, 2)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def _go(self, event: QMouseEvent) -> None:
        if self._scene is not None:
            across, down, left, top = self._scales()
            at = event.position()
            self.travel.emit((at.x() - left) / across, (at.y() - top) / down)


def _bytes(colours: list[QColor]) -> np.ndarray:
    """Colours as uint8 (n, 4) in the byte order of QImage's ARGB32 on little-endian machines."""
    import numpy as np

    return np.array([[c.blue(), c.green(), c.red(), 255] for c in colours], np.uint8)
