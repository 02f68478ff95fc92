"""Worker processes: one spare that waits, warm, and one for each task that runs.

What talks to processes is imported when the first one is wanted: a window makes its pool before it is painted.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from core.errors import Cancelled, WorkerError
from core.workers.cancel import PATIENCE, CancelToken

if TYPE_CHECKING:
    from core.workers.converse import OnEmit, OnStep
    from core.workers.process import Process

MOST_JOBS = 64  # a worker is replaced after so many tasks,
MOST_MEMORY = 2 << 30  # or when it holds so many bytes
KEPT = 2  # idle workers kept
TRIES = 3  # processes that end before they answer, in a row, until no more are started unasked
SILENCE = 30.0  # seconds without a sign of life, and without computing, after which a worker counts as hung


class Pool:
    """Runs tasks in processes of their own; every method may be called from any thread.

    `warm`: spares import the heavy libraries while they wait; `limit`: how many tasks run at once (None: any number);
    `silence`: seconds after which a worker that neither answers nor computes is killed. No process is started before
    the first `run` or `warm_up`.
    """

    def __init__(self, *, warm: bool = True, limit: int | None = None, silence: float = SILENCE) -> None:
        self.silence = silence
        self._warm = warm
        self._limit = limit
        self._change = threading.Condition()
        self._idle: list[Process] = []
        self._busy: dict[Process, str] = {}
        self._all: set[Process] = set()
        self._orders = 0  # callers that wait for a process
        self._refused: list[Exception] = []  # one for each order that the system could not serve
        self._spare_wanted = False
        self._failures = 0
        self._hush = 0  # tasks that want the machine for themselves
        self._talks: list[int] = []  # threads that are in a conversation
        self._closed = False
        self._starter: threading.Thread | None = None
        _open.add(self)

    def warm_up(self) -> None:
        """Start the spare in the background, and keep one waiting from now on; returns at once."""
        with self._change:
            self._spare_wanted = True
            self._failures = 0
            self._need_starter()
            self._change.notify_all()

    def run(
        self,
        task: Callable[..., Any],
        *inputs: Any,
        title: str = "",
        on_step: OnStep | None = None,
        on_emit: OnEmit | None = None,
        cancel: CancelToken | None = None,
        timeout: float | None = None,
        quiet: bool = False,
    ) -> Any:
        """Run `task(*inputs, job=job)` in a worker process and return its result; blocks, callbacks come on this thread.

        `title` names the job in errors; `timeout` in seconds; `quiet`: no spare is started meanwhile (for benchmarks).
        Raises what the task raised: an `AppError`, `Cancelled` (also when `cancel` was set or the pool was closed),
        `WorkerError` when the process died, hung or was too late, and `TaskBug` for any other exception.
        """
        from core.workers.converse import converse, home_of, parcel_of, title_of

        title = title or title_of(task)
        parcel = parcel_of(task, inputs)
        with self._hushed(quiet), self.talk():
            process = self.take(title, cancel)
            good = False
            try:
                answer = converse(
                    process,
                    parcel,
                    title,
                    home=home_of(task),
                    on_step=on_step,
                    on_emit=on_emit,
                    cancel=cancel,
                    timeout=timeout,
                    silence=self.silence,
                )
                good = answer.good
            finally:
                self.give_back(process, good=good)
        return answer.value()

    def resident(self) -> Resident:
        """A process of one's own, for tasks that share caches at module level."""
        return Resident(self)

    def pids(self) -> dict[int, str]:
        """Process id -> title of what it runs; that of an idle worker is empty."""
        with self._change:
            return {process.pid: self._busy.get(process, "") for process in self._all}

    def close(self) -> None:
        """Kill every process, wait until they and the threads are gone; tasks that still run end as cancelled."""
        with self._change:
            self._closed = True
            everyone = set(self._all)  # now: whoever dies meanwhile is no longer listed, but its threads may not be done
            self._change.notify_all()
        if self._starter is not None:
            self._starter.join(PATIENCE)  # first: from here on nothing new is started
        with self._change:
            everyone |= self._all
            self._idle.clear()
        for process in everyone:
            process.kill("close")
        for process in everyone:
            process.join(PATIENCE)
        me = threading.get_ident()  # a callback may close the pool
        with self._change:  # callers still have a scratch folder to remove, and the program may be about to end
            self._change.wait_for(lambda: all(thread == me for thread in self._talks), PATIENCE)
        _open.discard(self)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def take(self, title: str, cancel: CancelToken | None = None) -> Process:
        """Take an idle process, or wait for a new one; give it back with `give_back`."""
        disconnect = cancel.connect(self._look_again) if cancel is not None else lambda: None
        try:
            with self._change:
                self._wait(lambda: self._limit is None or len(self._busy) < self._limit, cancel)
                process = self._idle_one() or self._ordered(title, cancel)
                self._busy[process] = title
                process.jobs += 1
                self._change.notify_all()  # a new spare may be wanted
                return process
        finally:
            disconnect()

    def give_back(self, process: Process, *, good: bool) -> None:
        """Give back a process taken: it waits for the next task if all is `good`, else it is ended."""
        fit = good and process.alive() and process.jobs < MOST_JOBS and process.resident <= MOST_MEMORY
        with self._change:
            self._busy.pop(process, None)
            keep = fit and not self._closed and len(self._idle) < KEPT
            if keep:
                self._idle.append(process)
            self._change.notify_all()
        if not keep:
            process.kill("close")
            process.join(PATIENCE)

    def _idle_one(self) -> Process | None:
        """The idle process that has worked most, as its caches are warmest."""
        self._idle = [process for process in self._idle if process.alive()]
        if not self._idle:
            return None
        process = max(self._idle, key=lambda one: one.jobs)
        self._idle.remove(process)
        return process

    def _ordered(self, title: str, cancel: CancelToken | None) -> Process:
        self._need_starter()
        self._orders += 1
        self._change.notify_all()
        try:
            while True:
                self._wait(lambda: self._idle or self._refused, cancel)
                if self._refused:
                    error = self._refused.pop()
                    raise WorkerError(f"{title} could not start: {error}", hint="Close other programs and try again.") from error
                if (process := self._idle_one()) is not None:
                    return process
        finally:
            self._orders -= 1

    def _wait(self, reached: Callable[[], Any], cancel: CancelToken | None) -> None:
        """Wait for `reached` with the lock held; `Cancelled` when told to stop or closed meanwhile."""
        self._change.wait_for(lambda: reached() or self._closed or (cancel is not None and cancel.is_set()))
        if self._closed or (cancel is not None and cancel.is_set()):
            raise Cancelled

    def _look_again(self) -> None:
        with self._change:
            self._change.notify_all()

    @contextlib.contextmanager
    def _hushed(self, quiet: bool) -> Iterator[None]:
        with self._change:
            self._hush += quiet
        try:
            yield
        finally:
            with self._change:
                self._hush -= quiet
                self._change.notify_all()

    @contextlib.contextmanager
    def talk(self) -> Iterator[None]:
        """What this thread does inside, `close` waits for (it ends soon: every process is killed by then)."""
        me = threading.get_ident()
        with self._change:
            self._talks.append(me)
        try:
            yield
        finally:
            with self._change:
                self._talks.remove(me)
                self._change.notify_all()

    def _need_starter(self) -> None:
        if self._starter is None and not self._closed:
            self._starter = threading.Thread(target=self._start_processes, name="sardonyx-pool", daemon=True)
            self._starter.start()

    def _lacking(self) -> bool:
        """Whether one more process is wanted now: by a caller, or as the spare."""
        if self._orders > len(self._idle) + len(self._refused):
            return True
        return self._spare_wanted and not self._idle and not self._hush and self._failures < TRIES

    def _start_processes(self) -> None:
        """Start every process of this pool, on one thread that lives as long as the pool (see `Process`)."""
        from core.workers import frames
        from core.workers.child import PRELOAD
        from core.workers.process import Process

        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._lacking())
                if self._closed:
                    break
            try:
                process = Process(self._ended)
            except (OSError, RuntimeError) as error:  # no more processes; or no more threads, which is a RuntimeError
                with self._change:
                    self._failures = TRIES
                    self._refused += [error] * max(0, self._orders - len(self._idle) - len(self._refused))
                    self._change.notify_all()
                continue
            if self._warm:
                with contextlib.suppress(frames.Closed):  # it died at once: `_ended` counts that
                    process.send(frames.WARM, [name.encode() for name in PRELOAD])
            with self._change:
                if not process.dead.is_set():
                    self._all.add(process)
                    self._idle.append(process)
                    self._change.notify_all()
        with self._change:
            everyone = list(self._all)
        for process in everyone:
            process.kill("close")
        for process in everyone:
            process.dead.wait(PATIENCE)  # on Linux they would die with this thread anyway, but unburied

    def _ended(self, process: Process) -> None:
        with self._change:
            self._all.discard(process)
            if process in self._idle:
                self._idle.remove(process)
            self._failures = 0 if process.ready else self._failures + 1
            self._change.notify_all()


class Resident:
    """A worker process that keeps what its tasks have cached, and takes one task after the other.

    The process is taken at the first `run`; after a death or a cancel the next `run` starts afresh.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turn = threading.Lock()
        self._process: Process | None = None

    def run(
        self,
        task: Callable[..., Any],
        *inputs: Any,
        title: str = "",
        on_step: OnStep | None = None,
        on_emit: OnEmit | None = None,
        cancel: CancelToken | None = None,
        timeout: float | None = None,
    ) -> Any:
        """As `Pool.run`, always in the same process while that lives."""
        from core.workers.converse import converse, home_of, parcel_of, title_of

        title = title or title_of(task)
        parcel = parcel_of(task, inputs)
        with self._turn, self._pool.talk():
            if self._process is None or not self._process.alive():
                self._drop()
                self._process = self._pool.take(title, cancel)
            answered = False
            try:
                answer = converse(
                    self._process,
                    parcel,
                    title,
                    home=home_of(task),
                    on_step=on_step,
                    on_emit=on_emit,
                    cancel=cancel,
                    timeout=timeout,
                    silence=self._pool.silence,
                )
                answered = True
            finally:
                if not answered:
                    self._drop()
        return answer.value()

    @property
    def pid(self) -> int | None:
        """The process id; None before the first task."""
        process = self._process
        return None if process is None else process.pid

    def close(self) -> None:
        """Kill the process; a task that still runs ends as cancelled."""
        process = self._process
        if process is not None:
            process.kill("close")
        with self._turn:
            self._drop()

    def _drop(self) -> None:
        if self._process is not None:
            self._pool.give_back(self._process, good=False)
            self._process = None


_open: weakref.WeakSet[Pool] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for pool in list(_open):
        pool.close()
