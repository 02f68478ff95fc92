"""One funnel for everything that a person must hear of: messages, errors, bugs, logs and Qt's own warnings.

Whatever the thread it comes from, a message arrives on the main one. `install` puts the funnel under Python's and Qt's
hooks; the window draws toasts and the crash dialog, the log panel lists everything.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
import types
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from core.errors import AppError, Cancelled
from core.events import Event

Severity = Literal["debug", "info", "warning", "error"]
#: The order of severities, for filters.
SEVERITIES: tuple[Severity, ...] = ("debug", "info", "warning", "error")
#: How many messages are kept.
KEPT = 5000
#: Messages of Qt that tell a person nothing, and that nothing can be done about.
NOISE = ("This plugin does not support", "propagateSizeHints", "QSocketNotifier: Can only be used with threads")


@dataclass(frozen=True)
class Message:
    """One thing that was said. `action` is a button's text and what it does; `bug` marks what should never happen."""

    severity: Severity
    text: str
    hint: str = ""
    detail: str = ""
    source: str = ""
    when: float = field(default_factory=time.time)
    toast: bool = True
    bug: bool = False
    action: tuple[str, Callable[[], object]] | None = None

    def clock(self) -> str:
        """The time of day."""
        return time.strftime("%H:%M:%S", time.localtime(self.when))

    def plain(self) -> str:
        """All of it as text, as it is copied and written to the log file."""
        parts = [f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.when))} {self.severity.upper():7} {self.text}"]
        if self.hint:
            parts.append(f"    {self.hint}")
        if self.detail:
            parts.extend(f"    {line}" for line in self.detail.rstrip().splitlines())
        return "\n".join(parts)


class Notify(QObject):
    """Takes messages from everywhere; `added` tells of each, on the main thread.

    `folder` is where the log file is written (rotated, 1 MB, three old ones); None: nowhere.
    """

    _crossed = Signal(object)

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        self.messages: deque[Message] = deque(maxlen=KEPT)
        self.added: Event[[Message]] = Event()
        self.folder = folder
        self._home = threading.get_ident()
        self._file: logging.Handler | None = None
        self._undo: list[Callable[[], object]] = []
        self._crossed.connect(self._take)

    # ---- saying ----
    def info(self, text: str, hint: str = "", *, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Something went as it should; shown for a few seconds."""
        self.put(Message("info", text, hint, action=action))

    def warn(self, text: str, hint: str = "", *, detail: str = "", action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Something that a person should know, and could do something about."""
        self.put(Message("warning", text, hint, detail, action=action))

    def error(self, error: BaseException | str, *, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Something failed. An `AppError` shows its message and hint; anything else is a bug. Told once for each error."""
        if isinstance(error, str):
            self.put(Message("error", error, action=action))
            return
        if isinstance(error, Cancelled) or getattr(error, "told", False):
            return
        error.told = True  # type: ignore[attr-defined]
        if isinstance(error, AppError):
            self.put(Message("error", error.message, error.hint, error.detail, source=type(error).__name__, action=action))
        else:
            self.bug(error)

    def bug(self, error: BaseException, where: str = "") -> None:
        """Something that should never happen: the crash dialog shows it with all that a report needs."""
        detail = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        text = f"Something went wrong inside Sardonyx: {said}"
        self.put(Message("error", text, "Your session is kept. Copy the report if you can send it.", detail, where, bug=True))

    def put(self, message: Message) -> None:
        """Take a message, from any thread."""
        # Not asked of Qt: a Python wrapper of the main QThread may take the thread's object with it when it goes.
        if threading.get_ident() == self._home:
            self._take(message)
        else:
            self._crossed.emit(message)

    def _take(self, message: Message) -> None:
        self.messages.append(message)
        self._write(message)
        self.added.emit(message)

    # ---- the file ----
    @property
    def path(self) -> Path | None:
        """The log file."""
        return self.folder / "sardonyx.log" if self.folder is not None else None

    def _write(self, message: Message) -> None:
        if self.path is None or message.severity == "debug":
            return
        if self._file is None:
            from logging.handlers import RotatingFileHandler

            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = RotatingFileHandler(self.path, maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True)
            except OSError:  # a full or read-only disk must not silence the window
                self.folder = None
                return
            self._file.setFormatter(logging.Formatter("%(message)s"))
        self._file.handle(logging.LogRecord("sardonyx", logging.INFO, "", 0, message.plain(), None, None))

    # ---- the hooks ----
    def install(self) -> None:
        """Put the funnel under Python's exception hooks, Python's logging, and Qt's messages; `release` takes it out."""
        if self._undo:
            return
        before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = self._raised
        threading.excepthook = self._raised_in_thread
        sys.unraisablehook = self._unraisable
        handler = _Handler(self)
        root = logging.getLogger()
        root.addHandler(handler)
        levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in ("core", "gui")]
        for logger, _ in levels:
            logger.setLevel(logging.INFO)
        logging.captureWarnings(True)
        old = qInstallMessageHandler(self._qt)

        def undo() -> None:
            sys.excepthook, threading.excepthook, sys.unraisablehook = before
            root.removeHandler(handler)
            for logger, level in levels:
                logger.setLevel(level)
            logging.captureWarnings(False)
            qInstallMessageHandler(old)

        self._undo.append(undo)

    def release(self) -> None:
        """Take the funnel out again and close the log file."""
        while self._undo:
            self._undo.pop()()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _raised(self, kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        self.error(error.with_traceback(trace))
        if not isinstance(error, AppError | Cancelled):
            sys.__excepthook__(kind, error, trace)  # also where a terminal or a crash before the window can be read

    def _raised_in_thread(self, args: Any) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            self.error(args.exc_value)

    def _unraisable(self, args: Any) -> None:
        if args.exc_value is None:
            return
        detail = "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
        text = f"{args.err_msg or 'Ignored while cleaning up'}: {type(args.exc_value).__name__}: {args.exc_value}"
        self.put(Message("warning", text, detail=detail, source="python", toast=False))

    def _qt(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if any(noise in text for noise in NOISE):
            return
        severity: Severity = {
            QtMsgType.QtDebugMsg: "debug",
            QtMsgType.QtInfoMsg: "info",
            QtMsgType.QtWarningMsg: "warning",
        }.get(kind, "error")  # type: ignore[assignment]
        self.put(Message(severity, text, source=f"qt.{context.category or 'default'}", toast=False))


class _Handler(logging.Handler):
    """Carries Python's log records into the funnel; they make no toast."""

    def __init__(self, notify: Notify) -> None:
        super().__init__(logging.INFO)
        self._notify = notify

    def emit(self, record: logging.LogRecord) -> None:
        severity: Severity = "error" if record.levelno >= 40 else "warning" if record.levelno >= 30 else "info"
        detail = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # a record whose arguments do not fit its format
            text = str(record.msg)
        self._notify.put(Message(severity, text, detail=detail, source=record.name, when=record.created, toast=False))
