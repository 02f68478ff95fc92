"""Scratch folders: one a job, in the temporary folder, with the process id of whoever has to remove it in its name.

A program that is killed cannot remove its own. The next one does, before it makes its first.
"""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from core.errors import WorkerError

_PREFIX = "sardonyx-job-"
_lock = threading.Lock()
_swept = False


def make() -> Path:
    """A new empty folder, for `remove` in the end; raises `WorkerError` when there can be none."""
    import tempfile

    global _swept
    with _lock:
        first, _swept = not _swept, True
    try:
        if first:
            sweep()
        return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    except OSError as error:
        hint = "Free some space there, or set TMPDIR to a folder on another disk."
        raise WorkerError(f"There can be no temporary folder: {error.strerror or error}.", hint=hint, detail=str(error)) from error


def remove(folder: Path) -> None:
    """Remove a folder and all that is in it; what cannot be removed stays for a later `sweep`."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the folders of programs that are gone."""
    import tempfile

    import psutil

    for found in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = found.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and len(owner) < 10 and not psutil.pid_exists(int(owner)) and _is_ours(found):
            remove(found)


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder, no link to one, and this user's: anybody may put things into the temporary folder."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid())
