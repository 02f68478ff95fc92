"""Cyclic garbage is collected on the main thread only: Qt objects must die on the thread that they live on.

Python's collector runs on whatever thread happens to allocate. A supervising thread that collects a window's leavings
would destroy QObjects that belong to the main thread, which crashes now and then.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

#: Milliseconds between two looks.
EVERY = 500


def sweep() -> int:
    """Collect the generations that are due, oldest last; the highest that was collected, or -1. Call it on the main thread."""
    done = -1
    for generation, (count, threshold) in enumerate(zip(gc.get_count(), THRESHOLD, strict=True)):
        if count <= threshold:
            break
        gc.collect(generation)
        done = generation
    return done


THRESHOLD = gc.get_threshold()


class Garbage(QObject):
    """Takes the collector's work over while it lives; `release` gives it back."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY)
        self._timer.timeout.connect(sweep)
        self._timer.start()

    def release(self) -> None:
        """Give it back."""
        self._timer.stop()
        if self._was:
            gc.enable()
