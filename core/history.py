"""The tree of what was tried: variants, the head, and `apply`, the task that makes the next one.

Undo moves the head to the parent, redo to the child that was left; a pass applied to an older variant makes a branch.
Nothing is ever lost, except by `remove`, which a person asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import UsageError
from core.events import Event
from core.job import Job
from core.model import Model, Summary
from core.passes.base import Pass


@dataclass(frozen=True)
class Step:
    """One pass, applied: what it came from, what it made, and what is known of it.

    `error` compares the outputs of before and after on seeded inputs, when that could be run (None when not, with the
    reason in `notes`).
    """

    pass_id: str
    params: dict[str, Any]
    label: str
    before: Model
    after: Model
    summary: Summary
    modified: bool
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Variant:
    """A model in the tree. `id` is `v0` for the one that was opened, then `v1`, `v2`, ... in the order of making."""

    id: str
    parent: str | None
    title: str
    model: Model
    summary: Summary
    step: Step | None
    created: str


@dataclass
class History:
    """Variants by id and the head; changes only on the thread that owns the session, and tells through `changed`."""

    variants: dict[str, Variant] = field(default_factory=dict)
    head: str | None = None
    changed: Event[[]] = field(default_factory=Event, compare=False, repr=False)
    _redo: dict[str, str] = field(default_factory=dict, repr=False)

    def __getitem__(self, id: str) -> Variant:
        if id not in self.variants:
            raise UsageError(f"There is no variant '{id}'.", hint=f"Known: {', '.join(self.variants)}.")
        return self.variants[id]


def apply(model: Model, step: Pass, folder: Path, job: Job) -> Step:
    """Apply `step` to a private clone of `model` and save the result into `folder` (a task; runs in a worker)."""
    raise NotImplementedError
