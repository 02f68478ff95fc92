"""Words for the ways in which a task or its process can end badly."""

from __future__ import annotations

import signal
from pathlib import Path

from core.errors import WorkerError

_WINDOWS = {0xC0000005: "an access violation", 0xC00000FD: "a stack overflow", 0xC0000409: "an abort", 0xC0000017: "no memory"}
_NATIVE = "A library that it uses failed in native code. Your model and session are unharmed; the details say where it was."
_MEMORY = "Close other programs, or use a smaller model, batch or number of samples, and try again."


class TaskBug(Exception):  # noqa: N818 - the word says more than "error"
    """A task raised what it never should: a bug in Sardonyx, not something that a person did.

    `message` is one line, `kind` the name of the exception's type, `detail` the formatted traceback from the worker.
    """

    def __init__(self, message: str, *, kind: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message,), {"kind": self.kind, "detail": self.detail}

    def __str__(self) -> str:
        return self.message


def oom_kills() -> int | None:
    """How often this machine, or this container, has run out of memory and killed a process; None where unknown."""
    for path in ("/proc/vmstat", "/sys/fs/cgroup/memory.events"):
        try:
            lines = Path(path).read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return None


def died(title: str, code: int | None, tail: str, *, ran_out: bool, started: bool = True) -> WorkerError:
    """The error for a worker process that ended by itself, or by somebody else's hand, with exit status `code`.

    `ran_out`: the machine killed something for want of memory meanwhile; `tail`: the last words on its stderr;
    `started`: whether it had ever answered.
    """
    if not started:
        what = f"{title} could not start: its worker process ended at once ({_name(code)})."
        return WorkerError(what, hint="Reinstall Sardonyx if this stays; the details say why.", detail=tail)
    if code is not None and code < 0:
        sign = -code
        how = {"SIGABRT": "aborted", "SIGKILL": "was killed"}
        verb = how.get(_name(code), "crashed" if sign in _crashes() else "was ended")
        message = f"{title} stopped: its worker process {verb} ({_name(code)})."
        if sign == getattr(signal, "SIGKILL", None):
            if ran_out:
                message = f"{title} stopped: the machine ran out of memory and killed its worker process (SIGKILL)."
                return WorkerError(message, hint=_MEMORY, detail=tail)
            return WorkerError(message, hint=f"Perhaps the machine ran out of memory. {_MEMORY}", detail=tail)
        if sign in _crashes() or sign == getattr(signal, "SIGABRT", None):
            return WorkerError(message, hint=_NATIVE, detail=tail)
        return WorkerError(message, hint="Something outside Sardonyx ended it; try again.", detail=tail)
    return WorkerError(f"{title} stopped: its worker process ended with {_name(code)}.", hint=_NATIVE, detail=tail)


def late(title: str, seconds: float, tail: str) -> WorkerError:
    """The error for a task that took longer than it was given."""
    what = f"{title} was stopped: it took longer than the {seconds:g} s that it was given."
    return WorkerError(what, hint="Give it more time, or less to do.", detail=tail)


def hung(title: str, seconds: float, tail: str) -> WorkerError:
    """The error for a worker that neither answered nor computed."""
    what = f"{title} was stopped: its worker process hung (no sign of life for {seconds:g} s)."
    return WorkerError(what, hint="Try again; if it stays, the details show where it stood.", detail=tail)


def _crashes() -> set[int]:
    names = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGSYS", "SIGTRAP")
    return {int(getattr(signal, name)) for name in names if hasattr(signal, name)}


def _name(code: int | None) -> str:
    if code is None:
        return "no exit status"
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return _WINDOWS.get(code, f"exit code {code}")
