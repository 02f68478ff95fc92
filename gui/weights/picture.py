"""A small picture of numbers, stretched over its widget, with a cell that the pointer or the arrow keys are on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    import numpy as np

    from gui.theme import Theme

#: Negative and positive ends of the diverging scale: blue and orange are told apart by every kind of colour vision.
_ENDS = {"dark": (("#1f4e79", "#7cc0ff"), ("#7a4a12", "#ffb454")), "light": (("#9cc7ee", "#0b4f94"), ("#f6c58b", "#a34e00"))}
_STEPS = 256


def _blend(a: QColor, b: QColor, share: float) -> int:
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a.getRgb()[:3], b.getRgb()[:3], strict=True))  # type: ignore[index]
    return 0xFF000000 | red << 16 | green << 8 | blue


def _ramp(*colours: QColor) -> list[int]:
    """`_STEPS` colours from the first to the last."""
    parts = len(colours) - 1
    found = []
    for step in range(_STEPS):
        at = step / (_STEPS - 1) * parts
        place = min(int(at), parts - 1)
        found.append(_blend(colours[place], colours[place + 1], at - place))
    return found


def diverging(theme: Theme) -> list[int]:
    """ARGB colours from the most negative over zero to the most positive."""
    zero = theme.color("window") if theme.dark else QColor("#ffffff")
    cold, warm = ((QColor(near), QColor(far)) for near, far in _ENDS[theme.name])
    return [*reversed(_ramp(zero, *cold)), *_ramp(zero, *warm)]


def rising(theme: Theme) -> list[int]:
    """ARGB colours from none to all."""
    return _ramp(theme.color("raised"), QColor(_ENDS[theme.name][0][0]), QColor(_ENDS[theme.name][0][1]))


def colour(values: np.ndarray, low: float, high: float, scale: list[int], odd: QColor, missing: np.ndarray | None = None) -> QImage:
    """`values` (rows, columns) between `low` and `high` as an image; what is not finite in `odd`, where `missing` nothing."""
    import numpy as np

    table = np.array(scale, np.uint32)
    span = high - low
    with np.errstate(invalid="ignore", over="ignore"):
        share = (values.astype(np.float64) - low) / span if span > 0 else np.full(values.shape, 0.5)
        places = np.nan_to_num(share * (len(table) - 1), nan=0.0, posinf=0.0, neginf=0.0).clip(0, len(table) - 1).astype(np.int64)
    pixels = table[places]
    pixels[~np.isfinite(values)] = odd.rgba()
    if missing is not None:
        pixels[missing] = 0
    pixels = np.ascontiguousarray(pixels)
    rows, columns = pixels.shape
    return QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_ARGB32).copy()


class Picture(QWidget):
    """`pointed` tells the cell (row, column of the picture), (-1, -1) when there is none; `chosen` one that was taken."""

    pointed = Signal(int, int)
    chosen = Signal(int, int)

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self._image = QImage()
        self.cell = (-1, -1)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(80, 48)

    def sizeHint(self) -> QSize:
        return QSize(320, 160)

    def put(self, image: QImage) -> None:
        """Show another picture; one of the same size keeps the cell."""
        if image.size() != self._image.size():
            self.cell = (-1, -1)
        self._image = image
        self.update()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self._image.height(), self._image.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = self.rect().adjusted(0, 0, -1, -1)
        if not self._image.isNull():
            # every value counts where there are more of them than pixels; where there are fewer, each is a box with sharp edges
            small = self._image.height() > self.height() or self._image.width() > self.width()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, small)
            painter.drawImage(area, self._image)
        painter.setPen(QPen(self._theme.color("accent" if self.hasFocus() else "line"), 1.0))
        painter.drawRect(area)
        if self.cell[0] >= 0:
            box = self._box(*self.cell)
            painter.setPen(QPen(self._theme.color("text"), 1.0))
            painter.drawRect(box.adjusted(-1, -1, 1, 1))
        painter.end()

    def _box(self, row: int, column: int) -> QRectF:
        rows, columns = self.shape
        wide, high = self.width() / columns, self.height() / rows
        return QRectF(column * wide, row * high, max(3.0, wide), max(3.0, high))

    def _at(self, place: QPoint) -> tuple[int, int]:
        rows, columns = self.shape
        if not rows or not columns or not QRect(QPoint(), self.size()).contains(place):
            return -1, -1
        return min(rows - 1, place.y() * rows // self.height()), min(columns - 1, place.x() * columns // self.width())

    def point(self, row: int, column: int) -> None:
        """Put the cell somewhere."""
        if (row, column) != self.cell:
            self.cell = (row, column)
            self.update()
            self.pointed.emit(row, column)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.point(*self._at(event.position().toPoint()))

    def leaveEvent(self, event: object) -> None:
        if not self.hasFocus():
            self.point(-1, -1)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        cell = self._at(event.position().toPoint())
        if cell[0] >= 0:
            self.chosen.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        rows, columns = self.shape
        moves = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
        move = moves.get(Qt.Key(event.key()))
        if move is not None and rows and columns:
            far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            row, column = (max(0, place) + far * step for place, step in zip(self.cell, move, strict=True))
            self.point(min(rows - 1, max(0, row)), min(columns - 1, max(0, column)))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.cell[0] >= 0:
            self.chosen.emit(*self.cell)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: object) -> None:
        self.update()

    def focusOutEvent(self, event: object) -> None:
        self.update()


class Scale(QWidget):
    """The colours of a picture from its least to its largest value, with both in figures."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._colours: list[int] = []
        self._texts = ("", "", "")
        self.setFixedHeight(16)
        self.setMinimumWidth(110)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(170, 16)

    def put(self, colours: list[int], low: str, middle: str, high: str) -> None:
        """Show a scale."""
        self._colours, self._texts = colours, (low, middle, high)
        self.setAccessibleName(f"Colours from {low} to {high}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._colours:
            return
        painter = QPainter(self)
        painter.setFont(self._theme.small())
        metrics = painter.fontMetrics()
        low, middle, high = self._texts
        left, right = metrics.horizontalAdvance(low) + 6, self.width() - metrics.horizontalAdvance(high) - 6
        bar = QRect(left, 3, max(10, right - left), 10)
        image = QImage(len(self._colours), 1, QImage.Format.Format_ARGB32)
        for place, each in enumerate(self._colours):
            image.setPixel(place, 0, each)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, image)
        painter.setPen(self._theme.color("line"))
        painter.drawRect(bar.adjusted(0, 0, -1, -1))
        painter.setPen(self._theme.color("muted"))
        middle_line = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRect(0, 0, left, self.height()), middle_line | int(Qt.AlignmentFlag.AlignLeft), low)
        painter.drawText(QRect(right + 6, 0, self.width() - right, self.height()), middle_line | int(Qt.AlignmentFlag.AlignLeft), high)
        painter.setPen(self._theme.color("text"))
        painter.drawText(bar, int(Qt.AlignmentFlag.AlignCenter), middle)
        painter.end()
