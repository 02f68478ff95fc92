"""One call, several places: `run(task, *inputs, where="inline" | "process")`.

A task is a top-level function `task(*frozen inputs, job) -> frozen result`; everything crosses by pickle.

    call        run, and the pool of those who have none
    pool        Pool: a warm spare and a process for each task; Resident: one process that keeps its caches
    converse    one task in one process, from the first frame to the answer, a cancel, or a death
    process     the app's end of a worker process: start, listen, kill, bury
    answers     what the app takes out of frames: data, and nothing that acts
    child       the process itself; `child.main()` is called first by every entry point
    outbox      what the process says, batched and at a bearable rate
    frames      the format between the two
    death       words for bad ends; TaskBug, for exceptions that no person can act on
    cancel      CancelToken
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.workers.call import run
from core.workers.cancel import CancelToken
from core.workers.pool import Pool, Resident

if TYPE_CHECKING:
    from core.workers.death import TaskBug

__all__ = ["CancelToken", "Pool", "Resident", "TaskBug", "run"]


def __getattr__(name: str) -> Any:
    """`TaskBug`, when somebody asks for it."""
    if name == "TaskBug":
        from core.workers.death import TaskBug

        return TaskBug
    raise AttributeError(name)
