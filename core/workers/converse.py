"""One task in one worker process, from the first frame to the answer."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core import scratch
from core.errors import Cancelled
from core.workers import answers, death, frames
from core.workers.cancel import PATIENCE, CancelToken
from core.workers.death import TaskBug
from core.workers.frames import Part
from core.workers.process import Process

LOOK = 1.0  # seconds between two looks at a silent process
NOTICED = 4.0  # seconds of silence from which on its processor time is watched; it should beat every second

OnStep = Callable[[float, str], None]
OnEmit = Callable[[Any], None]


@dataclass(frozen=True)
class Answer:
    """What a task said at its end: a result, or the exception that it raised."""

    result: Any = None
    error: BaseException | None = None

    @property
    def good(self) -> bool:
        """Whether the process may be trusted with another task: it was no bug that ended this one."""
        return not isinstance(self.error, TaskBug)

    def value(self) -> Any:
        """The result, or raise the exception."""
        if self.error is not None:
            raise self.error
        return self.result


def title_of(task: Callable[..., Any]) -> str:
    """A title for a task that was given none: `open_model` becomes `Open model`."""
    name = getattr(task, "__name__", type(task).__name__)
    return name.strip("_").replace("_", " ").capitalize()


def parcel_of(task: Callable[..., Any], inputs: tuple[Any, ...]) -> list[Part]:
    """The task and its inputs as parts of a frame; raises TypeError for what cannot travel."""
    if getattr(task, "__module__", None) == "__main__":
        raise TypeError(f"{task!r} lives in the start script, where a worker cannot find it: move it into a module")
    try:
        return frames.pack((task, inputs))
    except Exception as error:
        raise TypeError(f"{task!r} or one of its inputs cannot be sent to a worker: {error}") from error


def home_of(task: Callable[..., Any]) -> str:
    """The package that a task is from: data classes of it may be among its answers."""
    return str(getattr(task, "__module__", "")).partition(".")[0] or "core"


def converse(
    process: Process,
    parcel: list[Part],
    title: str,
    *,
    home: str,
    on_step: OnStep | None,
    on_emit: OnEmit | None,
    cancel: CancelToken | None,
    timeout: float | None,
    silence: float,
) -> Answer:
    """Send a task to `process` and pass on what it says until it answers.

    Raises `Cancelled` or `WorkerError` when the process ended before it answered, and what a callback raises; the
    process must not be used again then. The task's scratch folder is gone in every case.
    """
    gate = _Gate(process)
    folder = scratch.make()
    disconnect = cancel.connect(lambda: gate.kill("cancel")) if cancel is not None else lambda: None
    answered = False
    try:
        try:
            process.send(frames.TASK, [os.fsencode(folder), *parcel])
            kind, parts = _listen(process, title, home, on_step, on_emit, timeout, silence)
        except frames.Closed:
            raise _ended(process, title, timeout, silence) from None
        if not gate.close():
            raise Cancelled
        answered = True
        return _answer(process, title, home, kind, parts)
    finally:
        gate.close()
        disconnect()
        if not answered:
            process.kill("failed")
            process.dead.wait(PATIENCE)
        scratch.remove(folder)


class _Gate:
    """Lets a cancel kill the process only while the task has it: a moment later it may be another's."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._open = True

    def kill(self, why: str) -> None:
        with self._lock:
            if self._open:
                self._process.kill(why)

    def close(self) -> bool:
        """Nothing is killed from now on; False if it was."""
        with self._lock:
            self._open = False
            return not self._process.killed


def _listen(
    process: Process, title: str, home: str, on_step: OnStep | None, on_emit: OnEmit | None, timeout: float | None, silence: float
) -> tuple[int, list[Part]]:
    """Pass on progress and events until the answer comes; `Closed` when the process ended or was killed."""
    until = None if timeout is None else time.monotonic() + timeout
    watch = _Watch(process, silence)
    while True:
        wait = min(LOOK, silence)
        if until is not None:
            wait = min(wait, max(0.0, until - time.monotonic()))
        frame = process.receive(wait)
        if process.killed:
            raise frames.Closed
        if frame is not None:
            kind, parts = frame
            if kind in (frames.RESULT, frames.ERROR):
                return frame
            if kind == frames.STEP and on_step is not None:
                on_step(struct.unpack("<d", parts[0])[0], bytes(parts[1]).decode())
            elif kind == frames.EMIT and on_emit is not None:
                for part in parts:
                    on_emit(_read([part], title, home))
        if until is not None and time.monotonic() >= until:
            process.tell_where()
            process.kill("timeout")
            raise frames.Closed
        if frame is None:
            watch.look()


class _Watch:
    """Tells a process that hangs from one that computes without a word (native code may hold the interpreter long)."""

    def __init__(self, process: Process, silence: float) -> None:
        self._process = process
        self._silence = silence
        self._since = time.monotonic()
        self._cpu = -1.0  # not measured yet

    def look(self) -> None:
        process = self._process
        if not process.alive():
            process.kill("")  # it ended, but something that it started holds the pipe
            return
        now = time.monotonic()
        if now - process.heard < min(NOTICED, self._silence / 2):
            return
        cpu = process.cpu()
        if cpu is None or cpu > self._cpu + 0.05:
            if self._cpu >= 0.0 or cpu is None:
                self._since = now  # it computes
            self._cpu = cpu or 0.0
        elif now - max(process.heard, self._since) >= self._silence:
            process.tell_where()
            process.kill("hang")


def _ended(process: Process, title: str, timeout: float | None, silence: float) -> Exception:
    """Why the process ended before it answered."""
    process.dead.wait(PATIENCE)
    if process.killed in ("cancel", "close"):
        return Cancelled()
    if process.killed == "timeout":
        return death.late(title, timeout or 0.0, process.tail())
    if process.killed == "hang":
        return death.hung(title, silence, process.tail())
    return death.died(title, process.code, process.tail(), ran_out=process.ran_out_of_memory(), started=process.ready)


def _answer(process: Process, title: str, home: str, kind: int, parts: list[Part]) -> Answer:
    process.resident = struct.unpack("<Q", parts[0])[0]
    try:
        value = _read(parts[1:], title, home)
    except TaskBug as bug:
        return Answer(error=bug)
    if kind == frames.RESULT:
        return Answer(result=value)
    if not isinstance(value, Exception):
        return Answer(error=TaskBug(f"{title}: the worker's answer could not be read: it is no error.", kind=type(value).__name__))
    return Answer(error=value)


def _read(parts: list[Part], title: str, home: str) -> Any:
    """What a worker sent; raises `TaskBug` when it cannot be read."""
    try:
        return answers.unpack(parts, home)
    except Exception as error:  # reading runs code of whoever made the answer
        raise TaskBug(f"{title}: the worker's answer could not be read: {error}", kind=type(error).__name__) from error
