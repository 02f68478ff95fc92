"""Work for the main thread that need not happen at once: one piece in a turn of the event loop, so that nothing stands still."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


class Turns(QObject):
    """Runs what it is given, in order, one piece a turn; other events come in between."""

    def __init__(self) -> None:
        super().__init__()
        self._left: deque[Callable[[], object]] = deque()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._one)

    def later(self, work: Callable[[], object]) -> None:
        """Run `work` when it is its turn; what waits already is not put in twice."""
        if work not in self._left:
            self._left.append(work)
            self._timer.start()

    def drop(self, work: Callable[[], object]) -> None:
        """Take `work` back, if it still waits."""
        if work in self._left:
            self._left.remove(work)

    def finish(self) -> None:
        """Run everything that waits, now."""
        while self._left:
            self._one()

    def _one(self) -> None:
        work = self._left.popleft() if self._left else None
        if not self._left:
            self._timer.stop()
        if work is not None:
            work()
