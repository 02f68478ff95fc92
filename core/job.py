"""A job is how a running task reports progress, streams samples, and learns that it must stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import scratch as scratches
from core.errors import Cancelled

Step = Callable[[float, str], None]
Emit = Callable[[Any], None]


class Job:
    """Progress and cancel for one task.

    `step` is the cancel point: a task calls it often (at least every 100 ms where it can) and lets `Cancelled` pass.
    `scratch` is a folder that is the job's alone; whoever started the job removes it, also after a kill, so a task
    writes there first and moves the finished file to its place.
    """

    def __init__(
        self,
        *,
        on_step: Step | None = None,
        on_emit: Emit | None = None,
        is_cancelled: Callable[[], bool] | None = None,
        scratch: Path | None = None,
    ) -> None:
        self._on_step = on_step
        self._on_emit = on_emit
        self._is_cancelled = is_cancelled
        self._scratch = scratch
        self._whole: Job | None = None
        self._made = False

    @property
    def scratch(self) -> Path:
        """A folder for unfinished files, made at first use and removed with the job."""
        if self._whole is not None:
            return self._whole.scratch
        if self._scratch is None:
            self._scratch = scratches.make()
            self._made = True
        return self._scratch

    def step(self, fraction: float, text: str = "") -> None:
        """Report that `fraction` (0 to 1) is done, with what is being done; raises `Cancelled` when told to stop."""
        self.check()
        if self._on_step is not None:
            self._on_step(min(1.0, max(0.0, fraction)), text)

    def check(self) -> None:
        """Raise `Cancelled` when told to stop; reports nothing."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise Cancelled

    def emit(self, event: Any) -> None:
        """Stream one picklable value (a batch of samples, a log line) to whoever started the job."""
        if self._on_emit is not None:
            self._on_emit(event)

    def part(self, start: float, end: float) -> Job:
        """A job for a part of this one: its 0 to 1 are this one's `start` to `end`."""

        def scaled(fraction: float, text: str) -> None:
            if self._on_step is not None:
                self._on_step(start + (end - start) * fraction, text)

        part = Job(on_step=scaled, on_emit=self._on_emit, is_cancelled=self._is_cancelled)
        part._whole = self  # its scratch is ours, made when somebody asks for it
        return part

    def close(self) -> None:
        """Remove the scratch folder if this job made it."""
        if self._made and self._scratch is not None:
            scratches.remove(self._scratch)
            self._made = False
            self._scratch = None
