"""`run`, the one way to call a task: in this process, or in one of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from core.job import Job
from core.workers.cancel import CancelToken
from core.workers.pool import Pool

if TYPE_CHECKING:
    from core.workers.converse import OnEmit, OnStep

_shared: Pool | None = None
_lock = threading.Lock()


def run(
    task: Callable[..., Any],
    *inputs: Any,
    where: Literal["inline", "process"] = "inline",
    pool: Pool | None = None,
    title: str = "",
    on_step: OnStep | None = None,
    on_emit: OnEmit | None = None,
    cancel: CancelToken | None = None,
    timeout: float | None = None,
    quiet: bool = False,
) -> Any:
    """Run `task(*inputs, job=job)` and return its result; see `Pool.run` for the keywords and what is raised.

    `inline` runs it here: cancel and timeout are then seen at the task's next `job.step`, and an exception is passed
    on as it is. `process` without a `pool` uses one that is shared by the whole program and closed at its end.
    """
    if where == "process":
        chosen = pool if pool is not None else shared()
        return chosen.run(task, *inputs, title=title, on_step=on_step, on_emit=on_emit, cancel=cancel, timeout=timeout, quiet=quiet)
    until = None if timeout is None else time.monotonic() + timeout

    def stop() -> bool:
        if until is not None and timeout is not None and time.monotonic() > until:
            from core.workers.converse import title_of
            from core.workers.death import late

            raise late(title or title_of(task), timeout, "")
        return cancel is not None and cancel.is_set()

    job = Job(on_step=on_step, on_emit=on_emit, is_cancelled=stop)
    try:
        job.check()
        return task(*inputs, job=job)
    finally:
        job.close()


def shared() -> Pool:
    """The pool of those who have none of their own; it starts no spare, and is closed when the program ends."""
    global _shared
    with _lock:
        if _shared is None:
            _shared = Pool(warm=False)
        return _shared
