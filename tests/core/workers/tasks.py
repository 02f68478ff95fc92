"""Tasks for the tests of the workers, in a module that a worker process can import."""

from __future__ import annotations

import ctypes
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import ModelError
from core.job import Job

CACHE: dict[str, int] = {}


def echo(value: Any, job: Job) -> Any:
    return value


def pid(job: Job) -> int:
    return os.getpid()


def steps(count: int, job: Job) -> int:
    for index in range(count):
        job.step((index + 1) / count, f"step {index + 1}")
    return count


def emits(values: list[Any], job: Job) -> int:
    for value in values:
        job.emit(value)
    return len(values)


def many_samples(count: int, chunk: int, job: Job) -> int:
    """Emit 0, 1, ... count - 1 in arrays of `chunk`, from one buffer that is overwritten at once."""
    import numpy as np

    buffer = np.empty(chunk)
    for start in range(0, count, chunk):
        buffer[:] = np.arange(start, start + chunk)
        job.emit(buffer)
        buffer[:] = -1
    return count


def single_samples(count: int, job: Job) -> int:
    for index in range(count):
        job.emit(index)
    return count


def array(count: int, job: Job) -> Any:
    import numpy as np

    return np.arange(count, dtype=np.float32)


def add_one(values: Any, job: Job) -> Any:
    values += 1
    return values


def remember(name: str, job: Job) -> int:
    CACHE[name] = CACHE.get(name, 0) + 1
    return CACHE[name]


def loaded(names: tuple[str, ...], job: Job) -> list[str]:
    return [name for name in names if name in sys.modules]


def kill_myself(number: int, job: Job) -> None:
    os.write(2, b"last words\n")
    os.kill(os.getpid(), number)
    time.sleep(60)


def read_null(job: Job) -> None:
    ctypes.string_at(0)


def abort(job: Job) -> None:
    os.abort()


def leave(code: int, job: Job) -> None:
    os._exit(code)


def hold_interpreter(seconds: int, job: Job) -> None:
    """Sleep in native code that does not release the interpreter."""
    ctypes.PyDLL(None).sleep(seconds)


def compute_holding_interpreter(seconds: float, job: Job) -> str:
    """Compute in native code (a pathological regular expression) that does not release the interpreter."""
    import re

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        re.match(r"(a+)+b", "a" * 24)
    return "computed"


def wait_forever(job: Job) -> None:
    (job.scratch / "half-written").write_text("…")
    job.emit((os.getpid(), str(job.scratch)))
    threading.Event().wait()


def wait_with_child(job: Job) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    job.emit(child.pid)
    threading.Event().wait()


def finish_with_child(job: Job) -> int:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    child.returncode = 0  # no warning: it is left behind on purpose
    return child.pid


def fork_and_leave(code: int, job: Job) -> None:
    """End at once, but leave a forked child that holds every descriptor open."""
    if os.fork() == 0:
        time.sleep(600)
    os._exit(code)


def wait_for_file(path: Path, job: Job) -> str:
    job.step(0.0, "waiting")
    while not path.exists():
        time.sleep(0.005)
    return path.read_text()


def scratch(job: Job) -> Path:
    (job.scratch / "file").write_text("x")
    return job.scratch


def refuse(job: Job) -> None:
    raise ModelError("The file is no model.", hint="Choose another.", detail="line 1")


def stumble(job: Job) -> None:
    raise ZeroDivisionError("one over nothing")


def exit_politely(job: Job) -> None:
    sys.exit(5)


def fill_the_disk(job: Job) -> None:
    """Write until the system says no (the limit on file sizes says so sooner than the disk would)."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    (job.scratch / "large").write_bytes(bytes(5000))


def run_out(job: Job) -> None:
    raise MemoryError


class AwkwardError(Exception):
    """An exception that cannot be made again from its args."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.second = second


class AwkwardModelError(ModelError):
    """An AppError that cannot be pickled."""

    def __init__(self) -> None:
        super().__init__("awkward model", hint="look")
        self.lock = threading.Lock()

    def __reduce__(self) -> Any:
        raise pickle.PicklingError("no way")


def raise_awkward(job: Job) -> None:
    raise AwkwardError("a", "b")


def raise_awkward_model(job: Job) -> None:
    raise AwkwardModelError


def return_lock(job: Job) -> Any:
    return threading.Lock()


class Trap:
    """Pickles well, cannot be read again."""

    def __reduce__(self) -> Any:
        return Spring, ()


class Spring(Exception):  # noqa: N818 - an exception only because answers may hold those
    def __init__(self) -> None:
        super().__init__()
        if os.environ.get("SARDONYX_TEST_TRAP"):
            raise RuntimeError("snap")


class Reach:
    """What a worker that was taken over would answer: a call of `function`, made where the answer is read."""

    def __init__(self, function: Callable[..., Any], *given: Any) -> None:
        self.call = function, given

    def __reduce__(self) -> Any:
        return self.call


def reach_out(function: Callable[..., Any], given: tuple[Any, ...], job: Job) -> Any:
    return Reach(function, *given)


def emit_reach(function: Callable[..., Any], given: tuple[Any, ...], job: Job) -> None:
    job.emit(Reach(function, *given))


def write_rubbish(data: bytes, job: Job) -> None:
    """Write past the outbox, on the descriptor that the frames go through."""
    outbox = next(thread for thread in threading.enumerate() if thread.name == "sardonyx-outbox")
    os.write(vars(outbox)["_fd"], data)
    threading.Event().wait()


def return_trap(job: Job) -> Any:
    return Trap()


def log(job: Job) -> None:
    logging.getLogger("sardonyx.test").debug("a debug line")
    logging.getLogger("sardonyx.test").warning("a warning from %s", "the worker")
    try:
        raise ValueError("inside")
    except ValueError:
        logging.getLogger("sardonyx.test").exception("an error")


def log_badly(job: Job) -> str:
    logging.getLogger("sardonyx.test").warning("%d of %d", "one")
    return "done"


def warn(job: Job) -> None:
    warnings.warn("mind the step", RuntimeWarning, stacklevel=1)


def native_noise(job: Job) -> str:
    """Print through C and Python to standard output, where the frames once were, and read standard input."""
    libc = ctypes.CDLL(None)
    for _ in range(100):
        libc.puts(b"noise from native code")
    libc.fflush(None)
    os.write(1, b"\x00\xff raw noise\n")
    sys.stdout.write("python noise\n")
    return sys.stdin.read() if sys.stdin is not None else ""


def ignores_sigterm(job: Job) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    job.emit(os.getpid())
    while True:
        time.sleep(1)


def nested_bug(job: Job) -> None:
    try:
        {}["key"]
    except KeyError as error:
        raise RuntimeError("outer") from error


def emit_after_end(job: Job) -> threading.Thread | None:
    """Leave a thread behind that goes on to emit."""

    def later() -> None:
        for _ in range(50):
            job.emit("late")
            time.sleep(0.002)

    threading.Thread(target=later, daemon=True).start()
    return None


def clock(job: Job) -> float:
    return time.monotonic()
