"""What is asked of backends as tasks: build an engine, say which backends can do what here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import params
from core.backends import BACKENDS
from core.backends.base import Availability, Engine
from core.job import Job
from core.model import Model


def build(model: Model, backend_id: str, options: dict[str, Any], path: Path, job: Job) -> Engine:
    """Build an engine of `model` at `path` (a task); options left out stay at their defaults.

    Raises `UsageError` for an unknown backend or option, `BackendError` with the decoded reason when it is refused.
    """
    backend = BACKENDS[backend_id]()
    return backend.build(model, params.from_dict(backend.Options, options), path, job)


def availability(job: Job) -> dict[str, Availability]:
    """What each backend can do on this machine, by id, in order (a task: it imports their libraries)."""
    found: dict[str, Availability] = {}
    for number, kind in enumerate(BACKENDS):
        job.step(number / max(1, len(BACKENDS)), kind.title)
        found[kind.id] = kind().available()
    for name, reason in BACKENDS.broken.items():
        found[name] = Availability(False, False, reason=f"its module does not load: {reason}", hint="Reinstall Sardonyx.")
    job.step(1.0, "Done")
    return found
