"""The builder's nested phases as one fraction of a job, and the job's cancel as the builder's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from core.errors import Cancelled
from core.job import Job

_BETWEEN = 0.03  # seconds: the builder may step thousands of times a second


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


class Phases:
    """What is being done, as a tree of phases; a phase that runs inside another fills one step of it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.phases: dict[str, _Phase] = {}
        self.fraction = 0.0
        self.told = 0.0
        #: What came out of the job while the builder was running: `Cancelled`, or something worse.
        self.stopped: BaseException | None = None

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase begins."""
        self.phases[name] = _Phase(parent, max(1, steps))
        self._tell(name, at_once=True)

    def step(self, name: str, number: int) -> bool:
        """Step `number` (from 0) of a phase is complete; False stops the builder."""
        phase = self.phases.get(name)
        if phase is not None:
            phase.done = max(phase.done, number + 1)
        return self._tell(name)

    def finish(self, name: str) -> None:
        """A phase is over (also after a cancel)."""
        self.phases.pop(name, None)

    def share(self) -> float:
        """How much is done, 0 to 1, never less than before."""
        roots = [name for name, phase in self.phases.items() if phase.parent not in self.phases]
        now = max((self._share(name) for name in roots), default=self.fraction)
        self.fraction = min(1.0, max(self.fraction, now))
        return self.fraction

    def _share(self, name: str) -> float:
        phase = self.phases[name]
        inside = max((self._share(child) for child, item in self.phases.items() if item.parent == name), default=0.0)
        return min(1.0, (phase.done + inside) / phase.steps)

    def _tell(self, name: str, *, at_once: bool = False) -> bool:
        now = time.monotonic()
        try:
            if at_once or now - self.told >= _BETWEEN:
                self.told = now
                self.job.step(self.share(), name)
            else:
                self.job.check()
        except Cancelled as stop:
            self.stopped = stop
        except Exception as error:  # noqa: BLE001 - raised again once the builder, which would print it, is out of the way
            self.stopped = error
        return self.stopped is None


def monitor(trt: Any, phases: Phases) -> Any:
    """An `IProgressMonitor` that tells `phases`. Must outlive the build."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            phases.start(name, parent, steps)

        def step_complete(self, name: str, number: int) -> bool:
            return phases.step(name, number)

        def phase_finish(self, name: str) -> None:
            phases.finish(name)

    return Monitor()
