"""How an output file gets to its place: made in a hidden folder beside it, then moved there at once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import AppError, UsageError


def output(text: str, *inputs: Path, option: str = "-o") -> Path:
    """The path for `-o`, checked before any work is done: its folder is there, and it is none of the inputs."""
    path = Path(text).expanduser().absolute()
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", hint=f"Make it first, or choose another {option}.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", hint=f"Give the name of a file with {option}.")
    for item in inputs:
        if path.resolve() == item.resolve():
            hint = f"Choose another {option}: inputs are never changed."
            raise UsageError(f"The output would replace the input {item.name}.", hint=hint)
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"You may not write to {path.parent}.", hint=f"Choose another folder with {option}.")
    return path


@contextmanager
def workshop(path: Path) -> Iterator[Path]:
    """A folder on the same disk as `path` for all that is unfinished; gone afterwards, whatever happened."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.partial-", dir=path.parent))
    except OSError as error:
        raise AppError(f"Nothing can be written to {path.parent}: {error.strerror}.", hint="Choose another folder with -o.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def deliver(made: Path, path: Path) -> None:
    """Move `made`, and all that lies beside it (external data), to `path`; the file itself comes last, in one rename.

    Raises `AppError` when a file is in the way that did not come with an earlier `path`.
    """
    others = [item for item in sorted(made.parent.iterdir()) if item != made and not item.name.startswith(".")]
    for beside in others:
        if not path.exists() and (path.parent / beside.name).exists():
            hint = "Move it away, or choose another -o."
            raise AppError(f"{beside.name} is there already, and {path.name} needs that name for its data.", hint=hint)
    try:
        for beside in others:
            os.replace(beside, path.parent / beside.name)
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(made, path)
    except OSError as error:
        raise AppError(f"{path} cannot be written: {error.strerror}.", hint="Choose another -o.") from error
