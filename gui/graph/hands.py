"""Mouse, wheel, touch and keys, turned into what the canvas can do.

Drag (left on the ground or a box, middle, or any with space): pan, gliding on. Shift and drag: select with a rubber
band. Click: select; with Ctrl: add or take away. Double click: look closer. Wheel or pinch: zoom to the pointer; with
Shift: sideways. Arrows: along links. F, 1, Z, +, -: fit, 100 %, selection, zoom. Enter or a double click on a folded
group, or a click on its mark: unfold; Backspace, or a click on a frame's heading: fold. Escape: nothing selected.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent

from gui.graph.motion import STEP

if TYPE_CHECKING:
    from gui.graph.canvas import Canvas

#: A press that moves less than this is a click; how much one step of the wheel zooms.
SLOP, NOTCH = 4.0, 1.25
#: Keyboard pans by this share of the widget.
PAN = 0.15


class Hands:
    """Keeps what the buttons are doing between events."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._dragging = False
        self._band = False
        self._space = False
        self._button = Qt.MouseButton.NoButton
        self._track: deque[tuple[float, float, float]] = deque(maxlen=8)

    # ---- mouse ----
    def press(self, event: QMouseEvent) -> None:
        """A button goes down."""
        self._canvas.motion.stop()
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        self._pressed = self._last = event.position()
        self._button = event.button()
        self._dragging = False
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._band = shift and event.button() == Qt.MouseButton.LeftButton and not self._space
        self._track.clear()

    def move(self, event: QMouseEvent) -> None:
        """The mouse moves, with or without a button."""
        at = event.position()
        if self._pressed is None:
            self._canvas.hover(at)
            return
        if not self._dragging:
            if (at - self._pressed).manhattanLength() < SLOP:
                return
            self._dragging = True
            self._canvas.hover(None)
            self._canvas.setCursor(Qt.CursorShape.CrossCursor if self._band else Qt.CursorShape.ClosedHandCursor)
        if self._band:
            self._canvas.stretch_band(QRectF(self._pressed, at).normalized())
        else:
            step = at - self._last
            self._track.append((time.monotonic(), at.x(), at.y()))
            self._canvas.look_at(self._canvas.view.moved(step.x(), step.y()))
        self._last = at

    def release(self, event: QMouseEvent) -> None:
        """A button goes up."""
        if self._pressed is None or event.button() != self._button:
            return
        add = bool(event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier))
        pressed, dragged, band = self._pressed, self._dragging, self._band
        self._pressed, self._dragging, self._band = None, False, False
        self._canvas.unsetCursor()
        if not dragged:
            if event.button() == Qt.MouseButton.LeftButton:
                self._canvas.click(event.position(), add=add)
        elif band:
            self._canvas.take_band(QRectF(pressed, event.position()).normalized(), add=add)
        else:
            self._canvas.motion.glide(*self._speed())
        self._canvas.hover(event.position())

    def _speed(self) -> tuple[float, float]:
        """Pixels per second over the last moment of a drag; none when the mouse had stopped."""
        now = time.monotonic()
        recent = [point for point in self._track if now - point[0] < 0.08]
        if len(recent) < 2 or recent[-1][0] - recent[0][0] < 1e-3:
            return 0.0, 0.0
        passed = recent[-1][0] - recent[0][0]
        return (recent[-1][1] - recent[0][1]) / passed, (recent[-1][2] - recent[0][2]) / passed

    # ---- wheel and touch ----
    def wheel(self, event: QWheelEvent) -> None:
        """Zoom to the pointer; with Shift, or sideways on a touchpad, pan."""
        delta = event.angleDelta()
        if not delta.y() and not delta.x():
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or not delta.y():
            by = float(delta.x() or delta.y())
            self._canvas.look_at(self._canvas.view.moved(by, 0.0))
            return
        at = event.position()
        fine = not event.pixelDelta().isNull()
        self._canvas.zoom(NOTCH ** (delta.y() / 120.0), at.x(), at.y(), 0.0 if fine else STEP)

    def gesture(self, event: QNativeGestureEvent) -> bool:
        """Pinch; whether it was one."""
        if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            at = event.position()
            self._canvas.zoom(1.0 + event.value(), at.x(), at.y(), 0.0)
            return True
        return False

    # ---- keys ----
    def key(self, event: QKeyEvent) -> bool:
        """A key goes down; whether it means something here."""
        canvas, key = self._canvas, event.key()
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        arrows = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        if key in arrows:
            x, y = arrows[Qt.Key(key)]
            if modifiers & Qt.KeyboardModifier.ControlModifier:
                canvas.fly(canvas.view.moved(-x * PAN * canvas.width(), -y * PAN * canvas.height()), STEP)
            else:
                canvas.step(x, y, add=bool(modifiers & Qt.KeyboardModifier.ShiftModifier))
            return True
        if modifiers & ~Qt.KeyboardModifier.ShiftModifier:
            return False
        if key == Qt.Key.Key_Space:
            self._space = True
            canvas.setCursor(Qt.CursorShape.OpenHandCursor)
        elif key in (Qt.Key.Key_F, Qt.Key.Key_Home):
            canvas.fit()
        elif key == Qt.Key.Key_1:
            canvas.full_size()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not canvas.unfold_selected():
                canvas.zoom_to_selection()
        elif key == Qt.Key.Key_Backspace:
            return canvas.fold_around()
        elif key == Qt.Key.Key_Z:
            canvas.zoom_to_selection()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            canvas.zoom(NOTCH)
        elif key == Qt.Key.Key_Minus:
            canvas.zoom(1 / NOTCH)
        elif key == Qt.Key.Key_Escape and (canvas.selected_rows or canvas.found is not None):
            canvas.escape()
        else:
            return False
        return True

    def key_up(self, event: QKeyEvent) -> None:
        """A key goes up."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._canvas.unsetCursor()
