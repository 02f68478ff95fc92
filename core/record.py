"""The record beside an engine file: everything needed to open the engine again, as `ENGINE.json`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import core
from core.archive import read_json, write_json
from core.backends.base import Engine
from core.errors import BackendError
from core.schemas import decode, exact

NAME = "sardonyx.engine/1"


def place(engine: Path) -> Path:
    """Where the record of an engine file lies."""
    return engine.with_name(f"{engine.name}.json")


def write(engine: Engine) -> Path:
    """Write the record beside the engine file, whole or not at all; the two may be moved together. Returns its path."""
    path = place(engine.path)
    document = {"schema": NAME, "version": core.__version__, **exact(engine), "path": engine.path.name}
    write_json(path, document, durable=False)
    return path


def read(path: Path) -> Engine:
    """The engine at `path`, from its record; raises `BackendError` when the two are not there or do not belong together."""
    record = place(path)
    if not record.exists():
        raise BackendError(
            f"{path.name} has no record beside it ({record.name}).", hint="Build it with 'sardonyx build'; keep both files together."
        )
    document: Any = read_json(record)
    if not isinstance(document, dict) or document.get("schema") != NAME:
        raise BackendError(f"{record.name} is not the record of an engine.", hint="Build the engine again.")
    try:
        engine: Engine = decode(Engine, {**document, "path": str(path)})
    except (ValueError, KeyError) as error:
        raise BackendError(f"{record.name} is damaged: {error}.", hint="Build the engine again.") from error
    beside = path.with_name(f"{path.name}.data")
    found = sum(file.stat().st_size for file in (path, beside) if file.is_file())
    if path.is_file() and found != engine.size:
        raise BackendError(
            f"{path.name} is not the engine that {record.name} describes: {found} bytes, not {engine.size}.",
            hint="Keep all of its files together, or build the engine again.",
        )
    return dataclasses.replace(engine, path=path)
