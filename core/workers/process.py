"""The app's end of one worker process: start it, talk to it, kill it, bury it."""

from __future__ import annotations

import collections
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from core.workers import answers, frames
from core.workers.child import FLAG
from core.workers.death import oom_kills
from core.workers.frames import Part

_log = logging.getLogger(__name__)

#: First words of a worker: the app's import paths, then `child.main`.
BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv[3]); from core.workers.child import main; main()"
HEARD = 1 << 15  # bytes of stderr that are kept,
TAIL = 4096  # and characters of it that are shown
FULL = 256 << 20  # bytes of unread frames at which the reading pauses (and with it, in the end, the task's `emit`)


def command() -> list[str]:
    """What starts a worker process here."""
    if getattr(sys, "frozen", False):
        return [sys.executable, FLAG, str(os.getpid())]
    paths = [os.path.abspath(path) for path in sys.path]
    return [sys.executable, "-P", "-c", BOOT, FLAG, str(os.getpid()), json.dumps(paths)]


class Process:
    """One worker process and the two threads that listen to it.

    Start it on a thread that lives as long as the process may: on Linux a child dies with the *thread* that made it.
    Everything else may be called from any thread. `killed` says why somebody here killed it (empty: nobody did).
    """

    def __init__(self, on_death: Callable[[Process], None]) -> None:
        self._on_death = on_death
        self._oom_kills = oom_kills()
        self._popen = subprocess.Popen(
            command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        _widen(self._popen)
        self.pid = self._popen.pid
        self.jobs = 0
        self.resident = 0  # bytes of memory, as told with the last answer
        self.ready = False
        self.killed = ""
        self.code: int | None = None
        self.dead = threading.Event()
        self.heard = time.monotonic()
        self._life = threading.Lock()  # guards the process id: it is not signalled once it is being reaped
        self._reaping = False
        self._sending = threading.Lock()
        self._news = threading.Condition()
        self._frames: collections.deque[tuple[int, list[Part]]] = collections.deque()
        self._unread = 0
        self._tail = bytearray()
        self._reader = threading.Thread(target=self._read, name=f"sardonyx-worker-{self.pid}", daemon=True)
        self._stderr = threading.Thread(target=self._read_stderr, name=f"sardonyx-stderr-{self.pid}", daemon=True)
        try:
            self._stderr.start()
            self._reader.start()
        except RuntimeError:  # the system gives no more threads: then nobody could bury it either
            self._popen.kill()
            self._popen.wait()
            for stream in (self._popen.stdin, self._popen.stdout):
                assert stream is not None
                stream.close()
            if self._stderr.ident is None:
                assert self._popen.stderr is not None
                self._popen.stderr.close()
            raise

    def send(self, kind: int, parts: list[Part]) -> None:
        """Send a frame; raises `frames.Closed` when the process is gone."""
        assert self._popen.stdin is not None
        with self._sending:
            if self._popen.stdin.closed:
                raise frames.Closed
            frames.write(self._popen.stdin.fileno(), kind, parts)

    def receive(self, timeout: float) -> tuple[int, list[Part]] | None:
        """The next frame, or None after `timeout` seconds or when the process was killed here; `Closed` at the end."""
        with self._news:
            self._news.wait_for(lambda: self._frames or self.killed or self.dead.is_set(), timeout)
            if self.killed:
                return None
            if self._frames:
                frame = self._frames.popleft()
                self._unread -= sum(len(part) for part in frame[1])
                self._news.notify_all()
                return frame
            if self.dead.is_set():
                raise frames.Closed
            return None

    def kill(self, why: str) -> None:
        """Kill it and all that it started, now; returns at once. The first reason given is the one that counts."""
        with self._life:
            self.killed = self.killed or why
            self._kill_group()
        with self._news:
            self._news.notify_all()

    def tell_where(self) -> None:
        """Let it write to its stderr where it stands, also when native code holds the interpreter; takes 0.1 s."""
        if hasattr(signal, "SIGUSR1") and self.ready:
            with self._life:
                if not self._reaping and not self.killed:
                    os.kill(self.pid, signal.SIGUSR1)
            self.dead.wait(0.1)

    def alive(self) -> bool:
        """Whether the process still runs."""
        return not self.dead.is_set() and not self.killed and not self._exited()

    def cpu(self) -> float | None:
        """Seconds of processor time that it has used so far; None where that is not known."""
        import psutil

        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:
            return None
        return float(times.user + times.system)

    def tail(self) -> str:
        """The last words on its stderr (up to 4 kB, without Python's list of everything that was imported)."""
        if self.dead.is_set():
            self._stderr.join(0.5)  # what was written just before the end
        lines = bytes(self._tail).decode("utf-8", "replace").splitlines()
        return "\n".join(line for line in lines if not line.startswith("Extension modules: ")).strip()[-TAIL:]

    def ran_out_of_memory(self) -> bool:
        """Whether the machine has killed something for want of memory since this process was started."""
        now = oom_kills()
        return now is not None and self._oom_kills is not None and now > self._oom_kills

    def join(self, timeout: float) -> bool:
        """Wait until it is dead, buried and its threads have ended; False if that took longer than `timeout` seconds."""
        until = time.monotonic() + timeout
        for thread in (self._reader, self._stderr):
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        return self.dead.is_set() and not self._reader.is_alive() and not self._stderr.is_alive()

    def _read(self) -> None:
        try:
            self._read_frames()
        except frames.Closed:
            pass
        except Exception:  # noqa: BLE001 - what it sends is no frame: somebody else writes there, or has taken it over
            _log.exception("Worker process %d is ended: it does not speak as a worker does.", self.pid)
            self.kill("")
        self._bury()

    def _read_frames(self) -> None:
        assert self._popen.stdout is not None
        fd = self._popen.stdout.fileno()
        while True:
            kind, parts = frames.read(fd)
            self.heard = time.monotonic()
            if kind == frames.BEAT:
                continue
            if kind == frames.READY:
                self.ready = True
            elif kind == frames.LOG:
                _relay(parts)
            else:
                self._keep(kind, parts)

    def _keep(self, kind: int, parts: list[Part]) -> None:
        size = sum(len(part) for part in parts)
        with self._news:
            self._news.wait_for(lambda: self._unread < FULL or self.killed)
            if not self.killed:
                self._frames.append((kind, parts))
                self._unread += size
                self._news.notify_all()

    def _read_stderr(self) -> None:
        assert self._popen.stderr is not None
        with self._popen.stderr as stream:
            while data := os.read(stream.fileno(), 1 << 16):
                self._tail += data
                del self._tail[:-HEARD]

    def _bury(self) -> None:
        """The pipe is closed: see the process end, end what it started, and take its exit status."""
        until = time.monotonic() + 0.5
        while not self._exited() and time.monotonic() < until:
            time.sleep(0.002)
        with self._life:
            self._kill_group()  # first the group: the id is free for others once the process is reaped
            self._reaping = True
        try:
            self.code = self._popen.wait(30)
        except subprocess.TimeoutExpired:  # stuck in a driver; the system reaps it after us
            _log.warning("Worker process %d does not end although it was killed.", self.pid)
        with self._sending:
            assert self._popen.stdin is not None
            assert self._popen.stdout is not None
            self._popen.stdin.close()
            self._popen.stdout.close()
        with self._news:
            self.dead.set()
            self._news.notify_all()
        self._on_death(self)

    def _exited(self) -> bool:
        """Whether the process has ended, without reaping it where the system can tell so."""
        if self._popen.returncode is not None:
            return True
        if not hasattr(os, "waitid"):
            return self._popen.poll() is not None
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        except ChildProcessError:  # reaped on another thread just now
            return True

    def _kill_group(self) -> None:
        if self._reaping or self._popen.returncode is not None:
            return
        if hasattr(os, "killpg"):
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # not yet its own group, or already gone
                self._popen.kill()
        else:
            import psutil

            try:
                family = psutil.Process(self.pid).children(recursive=True)
            except psutil.Error:
                family = []
            self._popen.kill()
            for process in family:
                try:
                    process.kill()
                except psutil.Error:
                    continue


def _widen(popen: subprocess.Popen[bytes]) -> None:
    """Let a megabyte wait in each pipe, where the system allows it: a large array then takes fewer turns."""
    if sys.platform == "linux":
        import fcntl

        for stream in (popen.stdin, popen.stdout):
            with contextlib.suppress(OSError):
                fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, 1 << 20)  # type: ignore[arg-type]


def _relay(parts: list[Part]) -> None:
    record = logging.makeLogRecord(answers.unpack(parts))
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
