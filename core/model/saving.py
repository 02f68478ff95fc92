"""Save a variant for use elsewhere: one model that needs nothing of the session."""

from __future__ import annotations

from pathlib import Path

from core.errors import UsageError
from core.job import Job
from core.model import Model


def save_copy(model: Model, path: Path, job: Job) -> Model:
    """Write `model` to `path` whole or not at all, weights included or beside it, referring to nothing else (a task).

    Raises `UsageError` when that would replace the model itself, `ModelError` when there is no room.
    """
    from core.model import document

    if path.resolve() == model.path.resolve():
        raise UsageError(f"{path.name} is the file that this variant lives in.", hint="Choose another name.")
    job.step(0.0, f"Reading {model.path.name}")
    loaded = document.clone(document.load(model.path))
    job.step(0.3, f"Writing {path.name}")
    return document.save(loaded, path, standalone=True, job=job)
