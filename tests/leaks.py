"""What a test must not leave behind: threads, processes, windows and unexpected words in the log."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from core.workers import Pool

GRACE = 3.0  # seconds that a thread or process has to end by itself
T = TypeVar("T")

#: Pools that outlive a test: the session's fixture.
kept_pools: weakref.WeakSet[Pool] = weakref.WeakSet()
_told: set[int] = set()  # process ids that an earlier test was blamed for
_qthreads: weakref.WeakSet[Any] = weakref.WeakSet()


class Records(logging.Handler):
    """Keeps every record of WARNING and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def describe(records: Iterable[logging.LogRecord]) -> list[str]:
    """Each record as one line."""
    return [f"{record.levelname} {record.name}: {record.getMessage()}" for record in records]


def pools() -> list[Pool]:
    """The pools that may live on: the session's, and the program's own."""
    call = sys.modules.get("core.workers.call")
    shared = getattr(call, "_shared", None)
    return [*kept_pools, *([shared] if shared is not None else [])]


def leaked_threads(before: set[threading.Thread], grace: float | None = None) -> list[str]:
    """Names of the threads that were not there `before` and still run after `grace` seconds."""

    def look() -> list[str]:
        allowed = _pool_threads()
        new = [thread for thread in threading.enumerate() if thread not in before and _runs(thread)]
        names = [thread.name for thread in new if thread.name not in allowed]
        return names + [f"QThread {thread.objectName() or type(thread).__name__}" for thread in _running_qthreads()]

    return _settled(look, grace)


def leaked_processes(grace: float | None = None) -> list[str]:
    """Command lines of child processes that still run after `grace` seconds and belong to no pool that may live on."""
    import psutil

    me = psutil.Process()

    def look() -> list[str]:
        found = []
        for child in me.children(recursive=True):
            try:
                if child.pid not in allowed() and child.pid not in _told:
                    found.append(f"{child.pid} {child.status()} {' '.join(child.cmdline())[:200]}")
            except psutil.NoSuchProcess:
                continue
        return found

    def allowed() -> set[int]:
        return {pid for pool in pools() for pid in pool.pids()}

    left = _settled(look, grace)
    _told.update(int(line.split()[0]) for line in left)
    busy = [f"{pid} still runs '{title}'" for pool in pools() for pid, title in pool.pids().items() if title]
    return left + busy


def widgets() -> set[int]:
    """The addresses of all windows and parentless widgets; empty where no application runs."""
    return set(_widgets())


def leaked_widgets(before: set[int]) -> list[str]:
    """Class names of windows and parentless widgets that were not there `before`, after Qt has tidied up."""
    if not _widgets():
        return []
    from PySide6.QtCore import QCoreApplication, QEvent

    def look() -> list[str]:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return [name for address, name in _widgets().items() if address not in before and name != "QTipLabel"]

    if look():
        gc.collect()
    return look()


def watch_qthreads() -> None:
    """Remember every QThread that Python starts from now on."""
    from PySide6.QtCore import QThread

    start = QThread.start

    def watched(self: QThread, *args: Any) -> None:
        _qthreads.add(self)
        start(self, *args)

    QThread.start = watched  # type: ignore[method-assign]


def _widgets() -> dict[int, str]:
    qt = sys.modules.get("PySide6.QtWidgets")
    if qt is None or qt.QApplication.instance() is None:
        return {}
    import shiboken6

    return {shiboken6.getCppPointer(one)[0]: f"{type(one).__name__} '{one.objectName()}'" for one in qt.QApplication.topLevelWidgets()}


def _running_qthreads() -> list[Any]:
    if not _qthreads:
        return []
    import shiboken6

    return [thread for thread in list(_qthreads) if shiboken6.isValid(thread) and thread.isRunning()]


def _pool_threads() -> set[str]:
    pids = [pid for pool in pools() for pid in pool.pids()]
    names = {f"sardonyx-{kind}-{pid}" for pid in pids for kind in ("worker", "stderr")}
    return names | ({"sardonyx-pool"} if pools() else set())


def _runs(thread: threading.Thread) -> bool:
    """Whether it runs; Python never takes the threads that others made (Qt's) off its list, so ask the system."""
    if isinstance(thread, threading._DummyThread) and Path("/proc/self/task").is_dir():
        return os.path.exists(f"/proc/self/task/{thread.native_id}")
    return thread.is_alive()


def _settled(look: Callable[[], list[T]], grace: float | None) -> list[T]:
    until = time.monotonic() + (GRACE if grace is None else grace)
    while (found := look()) and time.monotonic() < until:
        time.sleep(0.01)
    return found
