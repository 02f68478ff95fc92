"""Keeping: sessions are saved, moved and left on a thread beside the window, one after the other, as they were when asked."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, QTimer, Signal

from core.errors import AppError
from gui.context import Context
from gui.shell.opening import Aside

if TYPE_CHECKING:
    from core.session import Session

#: How long after a change the session is saved by itself.
REST_MS = 3000
Plan = tuple[Callable[[], object], Callable[[], object], Callable[[Exception], object]]


class Keeping(QObject):
    """Saves what it is given. A crash costs at most the last seconds: what changed is saved by itself after a rest."""

    #: Something begins or has ended.
    changed = Signal()

    def __init__(self, ctx: Context, parent: QObject) -> None:
        super().__init__(parent)
        self.ctx = ctx
        self._queue: list[Callable[[], Plan | None]] = []
        self._later: list[Callable[[], object]] = []
        self._thread: Aside | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._rested)

    @property
    def busy(self) -> bool:
        """Whether something is being saved, or is going to be."""
        return self._thread is not None or bool(self._queue)

    def soon(self) -> None:
        """Save the open session when it has rested for a while."""
        self._rest.start()

    def _rested(self) -> None:
        session = self.ctx.session
        if session is None or not session.dirty:
            return
        if self.busy or any(handle.exclusive for handle in self.ctx.jobs.active()):  # a benchmark has the disk to itself too
            self._rest.start()
        else:
            self.save(session)

    def save(self, session: Session, folder: Path | None = None, on_done: Callable[[], object] = lambda: None) -> None:
        """Save `session`, into `folder` when given, where it lives from then on; a refusal of the disk is told."""

        def plan() -> Plan:
            from core.session import Saving

            saving = Saving(session, folder)

            def done() -> None:
                saving.settle()
                on_done()

            def failed(error: Exception) -> None:
                saving.fail()
                self.ctx.notify.error(error)

            return saving.write, done, failed

        self._ask(plan)

    def leave(self, session: Session) -> None:
        """Save a session that is left, and close it; one in which nothing was done leaves no folder behind."""

        def plan() -> Plan | None:
            from core import folders

            results = session.results
            untouched = len(session.history.variants) <= 1 and not (results.engines or results.benches or results.comparisons)
            untouched = untouched and not session.problems  # a damaged one shows less than its folder holds
            if not untouched or session.folder.parent != folders.data() / "sessions":
                session.close()
                return None

            def discard() -> None:
                with contextlib.suppress(OSError):
                    shutil.rmtree(session.folder)

            return discard, session.close, self._told

        def save() -> Plan | None:
            if not session.dirty:
                return None
            from core.session import Saving

            saving = Saving(session)
            return saving.write, saving.settle, self._told

        self._queue += [save] if session.dirty else []
        self._ask(plan)

    def _told(self, error: Exception) -> None:
        self.ctx.notify.error(error if isinstance(error, AppError) else AppError(f"The session was not saved: {error}"))

    def after(self, run: Callable[[], object]) -> None:
        """Call `run` when nothing is being saved any more; at once when nothing is."""
        if self.busy:
            self._later.append(run)
        else:
            run()

    def wait(self) -> None:
        """Return when everything is saved; the window is drawn meanwhile, and takes no input."""
        self._rest.stop()
        while self.busy:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 20)

    def release(self) -> None:
        """Save nothing by itself any more."""
        self._rest.stop()

    def _ask(self, plan: Callable[[], Plan | None]) -> None:
        self._queue.append(plan)
        self._next()

    def _next(self) -> None:
        while self._thread is None and self._queue:
            plan = self._queue.pop(0)()
            if plan is not None:
                work, done, failed = plan
                self._thread = Aside(work, partial(self._done, done), partial(self._failed, failed), self)
                self._thread.start()
        self.changed.emit()
        while not self.busy and self._later:
            self._later.pop(0)()

    def _done(self, done: Callable[[], object], _: object) -> None:
        self._over(done)

    def _failed(self, failed: Callable[[Exception], object], error: Exception) -> None:
        self._over(lambda: failed(error))

    def _over(self, then: Callable[[], object]) -> None:
        self._thread = None
        try:
            then()
        finally:
            self._next()
