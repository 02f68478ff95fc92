"""The worker's side of the pipe: a thread that sends what the task says, batched, and beats while it is silent."""

from __future__ import annotations

import os
import pickle
import struct
import threading
import time
from typing import Any

from core.workers import frames
from core.workers.frames import Part

BEAT = 1.0  # seconds of silence after which the worker says that it lives
STEP_EVERY = 1 / 30  # seconds between two progress messages
LINGER = 0.01  # seconds that a lone event waits for company
BATCH = 1 << 20  # bytes of events that are sent without lingering
FULL = 64 << 20  # bytes of unsent events at which `emit` waits for the app to read


class Outbox(threading.Thread):
    """Sends frames in the order events, last progress, everything else; a task never waits for the pipe.

    The one exception: `emit` waits while more than 64 MB of events are unsent.
    """

    def __init__(self, fd: int) -> None:
        super().__init__(name="sardonyx-outbox", daemon=True)
        self._fd = fd
        self._wake = threading.Condition()
        self._events: list[bytes] = []
        self._events_bytes = 0
        self._events_since = 0.0
        self._step: tuple[float, str] | None = None
        self._step_sent = 0.0
        self._rest: list[tuple[int, list[Part]]] = []

    def send(self, kind: int, parts: list[Part]) -> None:
        """Queue one frame and send it soon, after the events and the progress that were queued before."""
        with self._wake:
            self._rest.append((kind, parts))
            self._wake.notify_all()

    def step(self, fraction: float, text: str) -> None:
        """Queue a progress message, which takes the place of one that is still unsent."""
        with self._wake:
            first = self._step is None
            self._step = (fraction, text)
            if first:
                self._wake.notify_all()

    def emit(self, event: Any) -> None:
        """Queue one event as it is now: the task may go on to change the arrays in it."""
        data = pickle.dumps(event, protocol=5)
        with self._wake:
            while self._events_bytes > FULL:
                self._wake.wait()
            self._events.append(data)
            self._events_bytes += len(data)
            if len(self._events) == 1:
                self._events_since = time.monotonic()
                self._wake.notify_all()
            elif self._events_bytes > BATCH:
                self._wake.notify_all()

    def run(self) -> None:
        """Send until the app is gone; then end this process and whatever it started."""
        heard = time.monotonic()
        try:
            while True:
                due = self._collect(heard + BEAT)
                for kind, parts in due or [(frames.BEAT, [])]:
                    frames.write(self._fd, kind, parts)
                heard = time.monotonic()
        except frames.Closed:
            leave()

    def _collect(self, beat: float) -> list[tuple[int, list[Part]]]:
        """Wait for something to send, at most until `beat`, and take it."""
        with self._wake:
            while True:
                now = time.monotonic()
                step_due = self._step_sent + STEP_EVERY
                event_due = now if self._events_bytes > BATCH else self._events_since + LINGER
                if self._rest or now >= beat or (self._events and now >= event_due) or (self._step and now >= step_due):
                    break
                until = min([beat, *([event_due] if self._events else []), *([step_due] if self._step else [])])
                self._wake.wait(until - now)
            found: list[tuple[int, list[Part]]] = []
            if self._events:
                found.append((frames.EMIT, list(self._events)))
                self._events = []
                self._events_bytes = 0
                self._wake.notify_all()
            if self._step and (self._rest or now >= step_due):
                fraction, text = self._step
                found.append((frames.STEP, [struct.pack("<d", fraction), text.encode("utf-8", "replace")]))
                self._step = None
                self._step_sent = now
            found += self._rest
            self._rest = []
            return found


def leave() -> None:
    """End this process at once, with what it started: there is nobody to answer any more."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), 9)
    os._exit(1)
