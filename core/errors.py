"""Every error that Sardonyx raises on purpose, and the one silent exception, `Cancelled`.

    Exception
    * AppError            something a person can act on: what happened, and what to do next
      + ModelError        the file or graph cannot be used as a model
      + DataError         calibration, evaluation or label data cannot be used
      + PassError         a pass cannot do, or did not do, what it promised
      + BackendError      a backend refused, failed to build, or failed to run
      + WorkerError       a worker process died, hung, or could not be started
      + UsageError        the request itself is wrong (CLI exit code 2)
    * Cancelled           the person said stop; never shown, never logged as an error

Anything else that escapes is a bug, and is reported as one.
"""

from __future__ import annotations


class AppError(Exception):
    """What happened, in one sentence, with a `hint` that says what to do next.

    `detail` holds the long text behind it (a parser log, the tail of stderr) for those who want to look.
    """

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        # the last item is what BaseException.__setstate__ puts back; naming no function, it passes `core.workers.answers`
        return type(self), (self.message,), {"hint": self.hint, "detail": self.detail}

    def __str__(self) -> str:
        return self.message


class ModelError(AppError):
    """The file or graph cannot be used as a model."""


class DataError(AppError):
    """Calibration, evaluation or label data cannot be used."""


class PassError(AppError):
    """A pass cannot do, or did not do, what it promised."""


class BackendError(AppError):
    """A backend refused, failed to build, or failed to run."""


class WorkerError(AppError):
    """A worker process died, hung, or could not be started."""


class UsageError(AppError):
    """The request itself is wrong: an unknown name, a value out of range, options that exclude each other."""


class Cancelled(Exception):  # noqa: N818 - not an error: the person said stop
    """The person said stop."""
