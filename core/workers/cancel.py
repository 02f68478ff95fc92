"""A cancel token: the person's "stop", told to a running task from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

PATIENCE = 5.0  # seconds to wait for a killed process to be gone


class CancelToken:
    """Set once, from any thread; everyone who listens hears of it at once, on the thread that set it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        """Say stop; further calls do nothing. The callbacks only send a signal: this never blocks."""
        with self._lock:
            if self._set:
                return
            self._set = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Whether somebody said stop."""
        return self._set

    def connect(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when the token is set (now, if it is already); returns the way to disconnect."""
        with self._lock:
            late = self._set
            if not late:
                self._callbacks.append(callback)
        if late:
            callback()

        def disconnect() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return disconnect
