"""Jobs: tasks that run in worker processes while the window stays awake, each supervised by a thread of its own.

What a task says is gathered on that thread and taken over here about thirty times a second: never one signal a sample.
"""

from __future__ import annotations

import collections
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from PySide6.QtCore import QObject, QThread, QTimer, Signal

from core.errors import AppError, Cancelled
from core.workers import CancelToken, Pool

State = Literal["queued", "running", "done", "failed", "cancelled"]
TICK = 33  # ms between two looks at what a job has said
BUDGET = 0.008  # seconds of one look that may go to streamed events; the rest waits for the next
PATIENCE = 8000  # ms that closing waits for one thread


class JobHandle(QObject):
    """One job as the window sees it; all of it belongs to the main thread.

    `fraction` is 0 to 1; `text` says what is being done; `result` or `error` stand when it has ended. `changed` tells
    of progress and state, `emitted` of each streamed event, `ended` once.
    """

    changed = Signal()
    emitted = Signal(object)
    ended = Signal()

    def __init__(self, title: str, exclusive: bool, background: bool = False, short: str = "") -> None:
        super().__init__()
        self.title = title
        #: What it is called where there is little room.
        self.short = short or title
        #: Housekeeping that nobody asked for by name: shown while it runs, not listed once it is done.
        self.background = background
        self.exclusive = exclusive
        self.state: State = "queued"
        self.fraction = 0.0
        self.text = ""
        self.result: Any = None
        self.error: Exception | None = None
        self._token = CancelToken()
        self._began = 0.0
        self._ended = 0.0
        self._drop: Callable[[JobHandle], None] | None = None

    def elapsed(self) -> float:
        """Seconds that it has run so far, or ran; 0 while it is queued."""
        if not self._began:
            return 0.0
        return (self._ended or time.monotonic()) - self._began

    def cancel(self) -> None:
        """Stop it: a queued job ends at once, a running one within a moment; one that has ended stays as it is."""
        if self.state == "queued" and self._drop is not None:
            self._drop(self)
        elif self.state == "running":
            self._token.set()

    @property
    def over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.state in ("done", "failed", "cancelled")


class Jobs(QObject):
    """Starts jobs and knows those that are queued or running.

    At most `limit` run at once; an `exclusive` one (a benchmark) waits until nothing runs, and holds all others back.
    """

    added = Signal(JobHandle)
    ended = Signal(JobHandle)
    failed = Signal(JobHandle)

    def __init__(self, pool: Pool | None = None, parent: QObject | None = None, limit: int | None = None) -> None:
        super().__init__(parent)
        self.pool = pool if pool is not None else Pool()
        self._owns_pool = pool is None
        self._limit = limit if limit is not None else max(2, (os.cpu_count() or 2) // 2)
        #: Seconds that a job may take when its caller does not say; None: as long as it needs.
        self.timeout: Callable[[], float | None] = lambda: None
        self._queued: list[_Supervisor] = []
        self._running: list[_Supervisor] = []
        self._closed = False

    def warm_up(self) -> None:
        """Start the spare worker in the background; call it after the first paint."""
        self.pool.warm_up()

    def start(
        self,
        task: Callable[..., Any],
        *inputs: Any,
        title: str,
        short: str = "",
        on_done: Callable[[Any], object] | None = None,
        on_error: Callable[[Exception], object] | None = None,
        on_emit: Callable[[Any], object] | None = None,
        exclusive: bool = False,
        background: bool = False,
        timeout: float | None = None,
    ) -> JobHandle:
        """Run `task(*inputs, job=...)` in a worker process; the callbacks come here, on the main thread.

        `timeout` is in seconds; without one `self.timeout` holds. `short` is the title where there is little room.
        `on_done(result)` or `on_error(error)` is called once, never after a cancel; `failed` fires in any case.
        """
        handle = JobHandle(title, exclusive, background, short)
        supervisor = _Supervisor(self.pool, handle, task, inputs, timeout if timeout is not None else self.timeout(), self)
        supervisor.on_done, supervisor.on_error, supervisor.on_emit = on_done, on_error, on_emit
        supervisor.over.connect(self._end)
        handle._drop = self._drop
        self._queued.append(supervisor)
        self.added.emit(handle)
        self._pump()
        return handle

    def active(self) -> list[JobHandle]:
        """The jobs that run, then those that wait, oldest first."""
        return [one.handle for one in (*self._running, *self._queued) if not one.handle.over]

    def close(self) -> None:
        """Cancel every job, wait until their threads have ended, and end the worker processes."""
        self._closed = True
        for waiting in tuple(self._queued):
            self._drop(waiting.handle)
        for running in tuple(self._running):
            running.handle.cancel()
        for running in tuple(self._running):
            running.abandon(PATIENCE)
        if self._owns_pool:
            self.pool.close()

    def _pump(self) -> None:
        """Start what may start now, in the order of asking."""
        while self._queued and not self._closed:
            first = self._queued[0]
            alone = first.handle.exclusive or any(one.handle.exclusive for one in self._running)
            if self._running and (alone or len(self._running) >= self._limit):
                return
            self._running.append(self._queued.pop(0))
            first.begin()

    def _drop(self, handle: JobHandle) -> None:
        for one in self._queued:
            if one.handle is handle:
                self._queued.remove(one)
                one.settle(Cancelled())
                return

    def _end(self, supervisor: _Supervisor) -> None:
        if supervisor in self._running:
            self._running.remove(supervisor)
        handle = supervisor.handle
        self._pump()
        self.ended.emit(handle)
        if handle.state == "failed":
            self.failed.emit(handle)
        supervisor.deleteLater()


class _Supervisor(QObject):
    """Runs one job on a thread and brings what it says to the main thread."""

    over = Signal(object)
    _news = Signal()

    def __init__(
        self, pool: Pool, handle: JobHandle, task: Callable[..., Any], inputs: tuple[Any, ...], timeout: float | None, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.handle = handle
        self.on_done: Callable[[Any], object] | None = None
        self.on_error: Callable[[Exception], object] | None = None
        self.on_emit: Callable[[Any], object] | None = None
        self._pool, self._task, self._inputs, self._timeout = pool, task, inputs, timeout
        self._lock = threading.Lock()
        self._step: tuple[float, str] | None = None
        self._events: collections.deque[Any] = collections.deque()
        self._outcome: tuple[Any, BaseException | None] | None = None
        self._settled = False
        self._heard = 0.0
        self.thread_ = _Thread(self._work)
        self.thread_.finished.connect(self.finish)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        self._news.connect(self._arm)

    def begin(self) -> None:
        handle = self.handle
        handle.state = "running"
        handle._began = time.monotonic()
        self.thread_.start()
        handle.changed.emit()

    def finish(self) -> None:
        """The thread has ended: pass on its last news, then the outcome."""
        self.thread_.wait()  # it tells that it ends, and ends
        self._look()

    def abandon(self, patience: int) -> None:
        """Wait for the thread of a job that was cancelled, and settle without its last news."""
        self.thread_.wait(patience)
        self._events.clear()
        self.settle(Cancelled())

    def settle(self, error: BaseException | None) -> None:
        """Write down how it ended and tell everybody, also when one of them stumbles."""
        if self._settled:
            return
        self._settled = True
        self._timer.stop()
        handle = self.handle
        handle._ended = time.monotonic()
        if error is None:
            handle.state, handle.fraction = "done", 1.0
        elif isinstance(error, Cancelled):
            handle.state = "cancelled"
        else:
            handle.state = "failed"
            handle.error = error if isinstance(error, Exception) else AppError(f"{handle.title} was interrupted.")
        try:
            if error is None and self.on_done is not None:
                self.on_done(handle.result)
            elif handle.error is not None and self.on_error is not None:
                self.on_error(handle.error)
        finally:
            self.on_done = self.on_error = self.on_emit = None
            handle.changed.emit()
            handle.ended.emit()
            self.over.emit(self)

    def _work(self) -> None:
        """On the job's thread: wait for the worker process."""
        result, error = None, None
        try:
            result = self._pool.run(
                self._task,
                *self._inputs,
                title=self.handle.title,
                on_step=self._on_step,
                on_emit=self._on_event,
                cancel=self.handle._token,
                timeout=self._timeout,
                quiet=self.handle.exclusive,
            )
        except BaseException as caught:  # noqa: BLE001 - the job runner: whatever happened is the job's outcome
            error = caught
        self._outcome = (result, error)

    def _on_step(self, fraction: float, text: str) -> None:
        with self._lock:
            first = self._step is None and not self._events
            self._step = (fraction, text)
        if first:
            self._news.emit()

    def _on_event(self, event: Any) -> None:
        with self._lock:
            first = not self._events
            self._events.append(event)
        if first:
            self._news.emit()

    def _arm(self) -> None:
        """Look within a tick; at once at an event after a while without one."""
        if self._settled:
            return
        if self._events and time.monotonic() - self._heard > TICK / 1e3:
            self._timer.start(0)
        elif not self._timer.isActive():
            self._timer.start(TICK)

    def _look(self) -> None:
        """Pass on progress, events for as long as the window can spare, and after the last of them the outcome."""
        if self._settled:
            return
        handle = self.handle
        with self._lock:
            step, self._step = self._step, None
        if step is not None:
            handle.fraction = step[0]
            handle.text = step[1] or handle.text
            handle.changed.emit()
        if self._events:
            self._heard = time.monotonic()
        until = time.perf_counter() + BUDGET
        try:
            while self._events and time.perf_counter() < until:
                event = self._events.popleft()
                if self.on_emit is not None:
                    self.on_emit(event)
                handle.emitted.emit(event)
        finally:  # a callback that stumbles must not take the rest with it
            if self._events:
                self._arm()
            elif self._outcome is not None and self.thread_.isFinished():
                handle.result, error = self._outcome
                self.settle(error)


class _Thread(QThread):
    """A QThread that runs one function."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._run = work

    def run(self) -> None:
        self._run()
