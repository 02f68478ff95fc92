"""One call, several places: `run(task, *inputs, where="inline" | "process")`.

A task is a top-level function `task(*frozen inputs, job) -> frozen result`; everything crosses by pickle.
"""

from __future__ import annotations

from core.workers.run import CancelToken, Pool, run

__all__ = ["CancelToken", "Pool", "run"]
