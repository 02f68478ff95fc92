"""The way from the command line to the window: by name only, so that core never depends on it."""

from __future__ import annotations

import importlib
from pathlib import Path

from core.cli import display
from core.errors import AppError

HINT = "'sardonyx --help' lists them."


def window(path: Path | None) -> int:
    """Open the window on a model or a session, and return its exit code when it is closed.

    Raises `AppError` when there is no display, or the window's libraries are not there.
    """
    reason = display.problem()
    if reason:
        raise AppError(f"The window cannot be opened: {reason}.", hint=f"The commands work without one: {HINT}")
    try:
        app = importlib.import_module("gui.app")
    except ImportError as error:
        raise AppError(
            f"The window cannot be opened: {error}.",
            hint="Install PySide6 and the system libraries that it needs ('sardonyx doctor' says more).",
        ) from error
    return int(app.main([str(path)] if path is not None else []) or 0)
