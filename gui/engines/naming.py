"""What panels say of engines, and where a new one goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.backends import BACKENDS
from core.backends.base import Engine
from core.history import Variant
from core.session import Session


def backend_title(backend_id: str) -> str:
    """What a backend is called; its id when it is not there any more."""
    return BACKENDS[backend_id].title if backend_id in BACKENDS else backend_id


def options_text(backend_id: str, options: dict[str, Any]) -> str:
    """The options that differ from the defaults: `threads 1, provider cpu`; empty when none does."""
    if backend_id not in BACKENDS:
        return ""
    from core import params

    defaults = {
        spec.name: list(spec.default) if isinstance(spec.default, tuple) else spec.default
        for spec in params.specs(BACKENDS[backend_id].Options)
    }
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in options.items() if name in defaults and value != defaults[name])


def title(engine: Engine) -> str:
    """`ONNX Runtime`, or with what was changed: `ONNX Runtime (threads 1)`."""
    changed = options_text(engine.backend, engine.options)
    return f"{backend_title(engine.backend)} ({changed})" if changed else backend_title(engine.backend)


def place(session: Session, variant: Variant, backend_id: str, options: dict[str, Any]) -> Path:
    """Where an engine is to be built: over the one with the same options, else under a free name."""
    for engine in session.engines_of(variant.id):
        if engine.backend == backend_id and engine.options == options and engine.model.fingerprint == variant.model.fingerprint:
            return engine.path
    taken = {engine.path.name for engine in session.engines_of(variant.id)}
    suffix = BACKENDS[backend_id].suffix
    stem, number = f"{variant.id}-{backend_id}", 1
    name = f"{stem}{suffix}"
    while name in taken or (session.engines / name).exists():
        number += 1
        name = f"{stem}-{number}{suffix}"
    return session.engines / name
