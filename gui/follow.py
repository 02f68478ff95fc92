"""How a panel keeps up with the session: told when another one is opened, when its tree changes, when results come."""

from __future__ import annotations

from collections.abc import Callable

from core.session import Session
from gui.context import Context


class Follow:
    """Calls `changed` for whatever happens to the session, and `opened` (before it) when another session takes its place."""

    def __init__(
        self, ctx: Context, changed: Callable[[], object], *, opened: Callable[[], object] | None = None, results: bool = True
    ) -> None:
        self._ctx = ctx
        self._changed = changed
        self._opened = opened
        self._results = results
        self._session: Session | None = None
        self._disconnects: list[Callable[[], None]] = []
        self._stop = ctx.session_changed.connect(self._switch)
        self._connect()

    def _switch(self) -> None:
        another = self._ctx.session is not self._session
        self._connect()
        if another and self._opened is not None:
            self._opened()
        self._changed()

    def _connect(self) -> None:
        for disconnect in self._disconnects:
            disconnect()
        self._disconnects.clear()
        self._session = self._ctx.session
        if self._session is not None:
            self._disconnects.append(self._session.history.changed.connect(self._changed))
            if self._results:
                self._disconnects.append(self._session.results_changed.connect(self._changed))

    def release(self) -> None:
        """Stop listening."""
        self._stop()
        for disconnect in self._disconnects:
            disconnect()
        self._disconnects.clear()
