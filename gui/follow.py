"""How a panel keeps up with the session: told when another one is opened, when its tree changes, when results come."""

from __future__ import annotations

from collections.abc import Callable

from core.session import Session
from gui.context import Context


class Follow:
    """Calls `changed` for whatever happens to the session, and `opened` (before it) when another session takes its place.

    The contents of a new session are shown in a turn of the event loop for each panel: all at once would hold the window.
    """

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
            self._opened()  # at once: what belongs to the old session ends before that is left
        if self._ctx.session is None:
            self._ctx.turns.drop(self._changed)
            self._changed()
        else:
            self._ctx.turns.later(self._changed)

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
        self._ctx.turns.drop(self._changed)
        for disconnect in self._disconnects:
            disconnect()
        self._disconnects.clear()
