"""How a view moves: smoothly to a target, or gliding on after a drag; never longer than the eye needs."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer

from gui.graph.camera import View

#: A flight and a step of the wheel, in seconds; and how fast a glide dies away (per second).
FLIGHT, STEP, DECAY = 0.14, 0.09, 6.0
#: Pixels per second below which a glide has ended, and below which none begins.
STILL, PUSH = 25.0, 250.0


class Motion(QObject):
    """Moves a view over time; `apply` is told every view on the way. With `still` everything arrives at once."""

    def __init__(self, parent: QObject, current: Callable[[], View], apply: Callable[[View], None]) -> None:
        super().__init__(parent)
        self._current, self._apply = current, apply
        self.still = False
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(12)
        self._timer.timeout.connect(self._tick)
        self._from: View | None = None
        self._to: View | None = None
        self._begun = self._long = self._last = 0.0
        self._speed = (0.0, 0.0)

    @property
    def target(self) -> View:
        """Where the view will be when the motion ends."""
        return self._to if self._to is not None and self.moving else self._current()

    @property
    def moving(self) -> bool:
        """Whether a flight or a glide is under way."""
        return self._timer.isActive()

    def fly(self, to: View, seconds: float = FLIGHT) -> None:
        """Go to a view smoothly, from wherever one is now."""
        self._speed = (0.0, 0.0)
        if self.still or seconds <= 0:
            self.stop()
            self._apply(to)
            return
        self._from, self._to = self._current(), to
        self._begun, self._long = time.monotonic(), seconds
        self._timer.start()

    def glide(self, x: float, y: float) -> None:
        """Go on after a drag that was let go at a speed of pixels per second."""
        if self.still or x * x + y * y < PUSH * PUSH:
            return
        self._from = self._to = None
        self._speed, self._last = (x, y), time.monotonic()
        self._timer.start()

    def stop(self) -> None:
        """Stay here."""
        self._timer.stop()
        self._from = self._to = None

    def finish(self) -> None:
        """Arrive now."""
        to = self._to
        self.stop()
        if to is not None:
            self._apply(to)

    def _tick(self) -> None:
        now = time.monotonic()
        if self._from is not None and self._to is not None:
            share = min(1.0, (now - self._begun) / self._long)
            to = self._to
            if share >= 1.0:
                self.stop()
                self._apply(to)
            else:
                self._apply(self._from.between(to, 1.0 - (1.0 - share) ** 3))
            return
        passed = min(0.05, now - self._last)
        self._last = now
        x, y = self._speed
        fade = max(0.0, 1.0 - DECAY * passed)
        self._speed = (x * fade, y * fade)
        if x * x + y * y < STILL * STILL:
            self.stop()
        self._apply(self._current().moved(x * passed, y * passed))
