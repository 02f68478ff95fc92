"""Pictures of a view: painted at once when that is quick, else in a thread and swapped in when ready.

Whoever draws shows the last picture, moved and scaled, until the new one is there: the window never waits for a graph.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRectF, QThread, Signal
from PySide6.QtGui import QImage, QPainter

from gui.graph.camera import View
from gui.graph.painter import Look, paint, weigh
from gui.graph.texts import Texts

if TYPE_CHECKING:
    from core.layout.labels import Labels
    from gui.graph.heat import Heat
    from gui.graph.scene import Scene

#: A picture that takes longer than this many milliseconds is painted in the thread.
QUICK = 8.0
#: How much further than the widget a picture from the thread reaches on each side, as a share of its size.
BEYOND = 0.2
#: What one thing costs in microseconds, before any was measured.
FIRST_COST = {"far": 0.5, "middle": 0.8, "near": 2.5}


@dataclass(frozen=True)
class Order:
    """What a picture shall show; `width`, `height` in device-independent pixels, `ratio` device pixels per each."""

    scene: Scene
    view: View
    width: float
    height: float
    ratio: float
    look: Look
    heat: Heat | None
    labels: Labels | None = None


@dataclass(frozen=True)
class Frame:
    """A finished picture; it shows `width` x `height` around the view's middle, perhaps more than was ordered.

    `milliseconds` of its thread's CPU time: what it would take on a quiet machine.
    """

    order: Order
    image: QImage
    width: float
    height: float
    milliseconds: float


def render(order: Order, texts: Texts, beyond: float = 0.0) -> Frame:
    """Paint a picture now, in this thread."""
    start = time.thread_time()
    width, height = order.width * (1 + 2 * beyond), order.height * (1 + 2 * beyond)
    image = QImage(max(1, round(width * order.ratio)), max(1, round(height * order.ratio)), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(order.ratio)
    width, height = image.width() / order.ratio, image.height() / order.ratio
    painter = QPainter(image)
    try:
        paint(painter, order.scene, order.view, width, height, order.look, texts, order.heat, order.labels)
    finally:
        painter.end()
    return Frame(order=order, image=image, width=width, height=height, milliseconds=(time.thread_time() - start) * 1e3)


class _Thread(QThread):
    """Paints the newest order; older ones that it has not begun are forgotten."""

    finished_frame = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("graph frames")
        self._wake = threading.Condition()
        self._next: Order | None = None
        self._stop = False

    def put(self, order: Order) -> None:
        with self._wake:
            self._next = order
            self._wake.notify()

    def close(self) -> None:
        with self._wake:
            self._stop, self._next = True, None
            self._wake.notify()
        self.wait()

    def run(self) -> None:
        texts: Texts | None = None
        look: Look | None = None
        while True:
            with self._wake:
                while self._next is None and not self._stop:
                    self._wake.wait()
                if self._stop:
                    return
                order, self._next = self._next, None
            assert order is not None
            if texts is None or look is not order.look:
                texts, look = order.look.texts(), order.look
            self.finished_frame.emit(render(order, texts, BEYOND))


class Frames(QObject):
    """The newest picture, and the way to a better one; `ready` tells when one from the thread has arrived."""

    ready = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.frame: Frame | None = None
        #: How the last pictures came to be, newest last: (in the thread, milliseconds).
        self.log: list[tuple[bool, float]] = []
        self._thread: _Thread | None = None
        self._asked: Order | None = None
        self._cost = dict(FIRST_COST)
        self._texts: tuple[Look, Texts] | None = None

    def want(self, order: Order) -> None:
        """Have a picture of `order`: in `frame` when this returns if that is quick, else later."""
        if self.frame is not None and self._serves(self.frame, order):
            return
        detail, things = weigh(order.scene, order.view, order.width, order.height)
        if things * self._cost[detail] * order.ratio <= QUICK * 1e3:
            self._take(render(order, self._labels(order.look)), threaded=False)
            self._asked = None
        elif self._asked != order:
            self._asked = order
            if self._thread is None:
                self._thread = _Thread()
                self._thread.finished_frame.connect(self._arrived)
                self._thread.start()
            self._thread.put(order)

    def drop(self) -> None:
        """Forget the picture (another graph is shown)."""
        self.frame, self._asked = None, None

    @property
    def waiting(self) -> bool:
        """Whether a picture is on its way from the thread."""
        return self._asked is not None

    def close(self) -> None:
        """End the thread; nothing arrives after that."""
        self._asked = None
        if self._thread is not None:
            self._thread.finished_frame.disconnect(self._arrived)
            self._thread.close()
            self._thread = None

    def show(self, painter: QPainter, order: Order) -> bool:
        """Draw the picture where `order` has its view; False when there is none."""
        frame = self.frame
        if frame is None or frame.order.scene is not order.scene:
            return False
        old, new = frame.order.view, order.view
        scale = new.scale / old.scale
        x = order.width / 2 + (old.x - new.x) * new.scale
        y = order.height / 2 + (old.y - new.y) * new.scale
        if scale == 1.0:
            # Whole device pixels, so that nothing blurs while the picture is only moved.
            ratio = order.ratio
            x, y = round((x - frame.width / 2) * ratio) / ratio, round((y - frame.height / 2) * ratio) / ratio
            painter.fillRect(QRectF(0, 0, order.width, order.height), order.look.window)
            painter.drawImage(QRectF(x, y, frame.width, frame.height), frame.image)
            return True
        width, height = frame.width * scale, frame.height * scale
        painter.fillRect(QRectF(0, 0, order.width, order.height), order.look.window)
        # Unsmoothed: it stands for a moment only, and smoothing takes four times as long.
        painter.drawImage(QRectF(x - width / 2, y - height / 2, width, height), frame.image)
        return True

    def _serves(self, frame: Frame, order: Order) -> bool:
        old = frame.order
        if old == order:
            return True
        if (old.scene, old.look, old.heat, old.labels, old.ratio, old.view.scale) != (
            order.scene,
            order.look,
            order.heat,
            order.labels,
            order.ratio,
            order.view.scale,
        ):
            return False
        # The same zoom: a picture that reaches further than the widget serves while it covers it, on whole pixels.
        dx, dy = abs(old.view.x - order.view.x) * order.view.scale, abs(old.view.y - order.view.y) * order.view.scale
        return dx <= (frame.width - order.width) / 2 and dy <= (frame.height - order.height) / 2

    def _labels(self, look: Look) -> Texts:
        if self._texts is None or self._texts[0] is not look:
            self._texts = (look, look.texts())
        return self._texts[1]

    def _arrived(self, frame: Frame) -> None:
        if self._asked is None or frame.order.scene is not self._asked.scene:
            return
        if frame.order == self._asked:
            self._asked = None
        self._take(frame, threaded=True)
        self.ready.emit()

    def _take(self, frame: Frame, *, threaded: bool) -> None:
        self.frame = frame
        order = frame.order
        detail, things = weigh(order.scene, order.view, frame.width, frame.height)
        if things > 50:
            measured = frame.milliseconds * 1e3 / things / order.ratio
            self._cost[detail] = 0.7 * self._cost[detail] + 0.3 * measured
        self.log = [*self.log[-19:], (threaded, frame.milliseconds)]
