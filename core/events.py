"""An event is a list of callbacks; connecting returns the way to disconnect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Event(Generic[P]):
    """Calls every connected function, in the order they connected, on the thread that emits."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[P, object]] = []

    def connect(self, callback: Callable[P, object]) -> Callable[[], None]:
        """Add `callback`; the function returned removes it again (calling that twice is harmless)."""
        self._callbacks.append(callback)

        def disconnect() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return disconnect

    def emit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call everyone who is connected now; a callback may disconnect itself or others meanwhile."""
        for callback in tuple(self._callbacks):
            if callback in self._callbacks:
                callback(*args, **kwargs)

    def __len__(self) -> int:
        return len(self._callbacks)
