"""Questions about the open model, answered by a worker process that holds it."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from core.errors import Cancelled
from core.workers import CancelToken, Pool

PATIENCE = 8000  # ms that closing waits for the thread


@dataclass(eq=False)
class _Question:
    task: Callable[..., Any]
    inputs: tuple[Any, ...]
    on_done: Callable[[Any], object]
    on_error: Callable[[Exception], object] | None
    key: str | None
    dropped: bool = False


class Document(QObject):
    """Asks one resident process, one question after the other; answers come on the main thread.

    A newer question with the same key takes the place of an older one that is not answered yet. `failed` tells of an
    error that nobody else was there to hear.
    """

    failed = Signal(object)
    _answered = Signal(object, object, object)

    def __init__(self, pool: Pool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._resident = pool.resident()
        self._stop = CancelToken()
        self._news = threading.Condition()
        self._waiting: collections.deque[_Question] = collections.deque()
        self._current: _Question | None = None
        self._closed = False
        self._thread: QThread | None = None
        self._answered.connect(self._pass_on)

    def ask(
        self,
        task: Callable[..., Any],
        *inputs: Any,
        on_done: Callable[[Any], object],
        on_error: Callable[[Exception], object] | None = None,
        key: str | None = None,
    ) -> None:
        """Have `task(*inputs, job=...)` answered by the process that holds the model; returns at once."""
        question = _Question(task, inputs, on_done, on_error, key)
        with self._news:
            if self._closed:
                return
            if key is not None:
                self._forget(lambda one: one.key == key)
            self._waiting.append(question)
            self._news.notify_all()
        if self._thread is None:
            self._thread = _Thread(self._work)
            self._thread.start()

    def forget(self, key: str) -> None:
        """Drop the unanswered question with this key: nobody wants to know any more."""
        with self._news:
            self._forget(lambda one: one.key == key)

    def close(self) -> None:
        """Drop every question and end the process and the thread."""
        with self._news:
            self._closed = True
            self._forget(lambda one: True)
            self._news.notify_all()
        self._stop.set()
        if self._thread is not None:
            self._thread.wait(PATIENCE)
            self._thread = None
        self._resident.close()

    def _forget(self, unwanted: Callable[[_Question], bool]) -> None:
        for question in (*self._waiting, *([self._current] if self._current is not None else [])):
            if unwanted(question):
                question.dropped = True
        self._waiting = collections.deque(one for one in self._waiting if not one.dropped)

    def _work(self) -> None:
        """On the document's thread: take a question, wait for the answer."""
        while True:
            with self._news:
                self._current = None
                self._news.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._current = question = self._waiting.popleft()
            result, error = None, None
            try:
                result = self._resident.run(question.task, *question.inputs, cancel=self._stop)
            except Exception as caught:  # noqa: BLE001 - the job runner: whatever happened is the answer
                error = caught
            self._answered.emit(question, result, error)

    def _pass_on(self, question: _Question, result: Any, error: Exception | None) -> None:
        if question.dropped or self._closed or isinstance(error, Cancelled):
            return
        if error is None:
            question.on_done(result)
        elif question.on_error is not None:
            question.on_error(error)
        else:
            self.failed.emit(error)


class _Thread(QThread):
    """A QThread that runs one function."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._run = work

    def run(self) -> None:
        self._run()
