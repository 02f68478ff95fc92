"""The worker process: takes tasks from the app, one at a time, runs them on its main thread and answers.

The app starts it as `python -c BOOT --worker PARENT PATHS`, the frozen app as `sardonyx --worker PARENT`: every entry
point calls `main()` before anything else. Standard output belongs to native libraries, so the frames move to private
descriptors first.
"""

from __future__ import annotations

import errno
import faulthandler
import gc
import importlib
import logging
import os
import pickle
import queue
import signal
import struct
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any

from core.errors import AppError, Cancelled, WorkerError
from core.job import Job
from core.workers import frames
from core.workers.death import TaskBug
from core.workers.frames import Part
from core.workers.outbox import Outbox, leave

FLAG = "--worker"
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
#: What a spare imports while it waits, in this order.
PRELOAD = (
    "numpy", "onnx", "numpy.ma", "core.model.opening", "core.model.sketch", "core.layout.folding", "core.layout.blocks",
    "core.layout.shown", "core.layout.boxes", "core.layout.layered", "core.layout.ranks", "core.layout.shelves", "core.layout.nets",
    "core.layout.order", "core.layout.columns", "core.layout.slide", "core.layout.ends", "core.layout.routes", "onnx_ir",
    "onnxruntime", "onnxslim",
)  # fmt: skip


def main() -> None:
    """Become a worker process if the command line says so (and never return), else do nothing."""
    if sys.argv[1:2] != [FLAG]:
        return
    reading, writing = _private_channel()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the app hears Ctrl+C and decides
    _die_with_parent(int(sys.argv[2]))
    faulthandler.enable()
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)  # asked before a kill: where does it stand?
    outbox = Outbox(writing)
    frames.write(writing, frames.READY, [])  # at once, not by the outbox: the first task may crash before that turns
    outbox.start()
    _forward_logs(outbox)
    inbox: queue.SimpleQueue[tuple[int, list[Part]]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(reading, inbox), name="sardonyx-inbox", daemon=True).start()
    _serve(inbox, outbox)


def _serve(inbox: queue.SimpleQueue[tuple[int, list[Part]]], outbox: Outbox) -> None:
    preload: list[str] = []
    idle: float | None = None
    while True:
        try:
            kind, parts = inbox.get_nowait() if preload else inbox.get(timeout=idle)
        except queue.Empty:
            if preload:
                _preload(preload.pop(0))
                if not preload:
                    gc.collect()
                    gc.freeze()  # the libraries stay: no later collection needs to look through them
            else:
                gc.collect()  # what the last task left; between tasks nobody waits for it
                idle = None
            continue
        if kind == frames.WARM:
            _background(True)
            preload += [bytes(part).decode() for part in parts]
        elif kind == frames.TASK:
            _background(False)
            answer = _run(parts, outbox)
            outbox.send(*answer)
            del parts, answer
            idle = 0.05


def _run(parts: list[Part], outbox: Outbox) -> tuple[int, list[Part]]:
    """Run one task; its answer as a frame, whatever happens."""
    over = False

    def step(fraction: float, text: str) -> None:
        if not over:
            outbox.step(fraction, text)

    def emit(event: Any) -> None:
        if not over:
            outbox.emit(event)

    try:
        scratch = Path(os.fsdecode(bytes(parts[0])))
        tempfile.tempdir = str(scratch)  # what libraries put into the temporary folder goes too, also after a kill
        task, inputs = frames.unpack(parts[1:])
        result = task(*inputs, job=Job(on_step=step, on_emit=emit, scratch=scratch))
        over = True  # a thread that the task left behind has nothing more to say
        try:
            return frames.RESULT, [_resident(), *frames.pack(result)]
        except Exception as error:
            name = getattr(task, "__qualname__", str(task))
            what = f"{name} returned a {type(result).__name__} that cannot be sent to the app: {error}"
            raise TaskBug(what, kind=type(error).__name__, detail=traceback.format_exc()) from error
    except BaseException as error:  # noqa: BLE001 - this is the job runner: whatever escapes is sent to the app
        over = True
        return frames.ERROR, [_resident(), *_pack_error(error)]
    finally:
        tempfile.tempdir = None


def _pack_error(error: BaseException) -> list[Part]:
    detail = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError):
        hint = "Close other programs, or use a smaller model, batch or number of samples, and try again."
        error = WorkerError("There was not enough memory for this.", hint=hint, detail=detail)
    elif isinstance(error, OSError) and error.errno in _NO_ROOM:
        hint = f"Free some space where the session is, and where temporary files go ({_temporary()})."
        error = WorkerError(f"There was not enough room on a disk for this: {error.strerror}.", hint=hint, detail=detail)
    if isinstance(error, AppError | Cancelled | TaskBug):
        try:
            data = pickle.dumps(error, protocol=5)
            if isinstance(pickle.loads(data), AppError | Cancelled | TaskBug):
                return [data]
        except Exception:  # noqa: BLE001 - an exception that does not survive the trip is told as a bug, below
            detail += "\n(This error could not be sent as it is.)\n" + traceback.format_exc()
    kind = type(error).__name__
    text = str(error).strip()
    return [pickle.dumps(TaskBug(f"{kind}: {text}" if text else kind, kind=kind, detail=detail), protocol=5)]


def _temporary() -> str:
    """Where scratch folders are made: a task's `tempfile.tempdir` is its own, inside of it."""
    scratch = tempfile.tempdir
    return os.path.dirname(scratch) if scratch is not None else tempfile.gettempdir()


def _preload(name: str) -> None:
    try:
        importlib.import_module(name)
    except Exception:  # the task that needs it will say so
        logging.getLogger(__name__).debug("could not preload %s", name, exc_info=True)


def _listen(fd: int, inbox: queue.SimpleQueue[tuple[int, list[Part]]]) -> None:
    try:
        while True:
            inbox.put(frames.read(fd))
    except frames.Closed:
        leave()


def _private_channel() -> tuple[int, int]:
    """Move the frames off descriptors 0 and 1: a native library's printf goes to stderr, a read finds nothing."""
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    return reading, writing


def _die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when the app's thread that started it ends; elsewhere the pipe tells."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
    if hasattr(os, "getppid") and sys.platform != "win32" and os.getppid() != parent:
        os._exit(1)


def _background(on: bool) -> None:
    """Yield to the window while preloading. (Not by nice: nobody may raise their own priority again.)"""
    if not hasattr(os, "SCHED_BATCH"):
        return
    try:
        threads = [int(name) for name in os.listdir("/proc/self/task")]
    except OSError:
        threads = [0]
    for thread in threads:
        try:
            os.sched_setscheduler(thread, os.SCHED_BATCH if on else os.SCHED_OTHER, os.sched_param(0))
        except OSError:  # the thread ended meanwhile, or the sandbox does not allow it: it is only a courtesy
            continue


def _resident() -> bytes:
    """Bytes of memory that this process holds now (0 where that is not known cheaply)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return struct.pack("<Q", pages * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, IndexError, AttributeError):
        return struct.pack("<Q", 0)


class _Forward(logging.Handler):
    """Sends log records to the app, where they appear under the same logger's name."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__(logging.WARNING)
        self._outbox = outbox

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._outbox.send(frames.LOG, frames.pack(_fields(record)))
        except Exception:  # noqa: BLE001 - as every handler: a log line that cannot be written must not end the task
            self.handleError(record)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = {key: getattr(record, key) for key in ("name", "levelno", "levelname", "pathname", "filename", "module", "lineno", "funcName")}
    fields["msg"] = record.getMessage()
    if record.exc_info:
        fields["exc_text"] = logging.Formatter().formatException(record.exc_info)
    return fields


def _forward_logs(outbox: Outbox) -> None:
    root = logging.getLogger()
    root.addHandler(_Forward(outbox))
    logging.captureWarnings(True)
