"""A long reading as a chain of short questions: others get their answers in between, and it stops between two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from gui.context import Context


class Part(Protocol):
    """What a task of this kind answers: as far as it came."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""


class Reading:
    """Asks the document's process `task(*inputs, so_far)` again and again, with what it answered before, until that is over.

    One at a time: `start` leaves the one before. `key` is what the document knows its questions by.
    """

    def __init__(self, ctx: Context, key: str) -> None:
        self._ctx, self._key = ctx, key
        self._number = 0
        self.running = False

    def start(
        self,
        task: Callable[..., Any],
        *inputs: Any,
        on_part: Callable[[Any], object],
        on_error: Callable[[Exception], object],
        so_far: Part | None = None,
    ) -> None:
        """Begin, or go on from `so_far`; `on_part` is told of every answer, the last one is over."""
        self._number += 1
        self.running = True
        self._ask(self._number, task, inputs, on_part, on_error, so_far)

    def stop(self) -> None:
        """Leave it: nothing more is told."""
        self._number += 1
        self.running = False
        self._ctx.document.forget(self._key)

    def _ask(
        self,
        number: int,
        task: Callable[..., Any],
        inputs: tuple[Any, ...],
        on_part: Callable[[Any], object],
        on_error: Callable[[Exception], object],
        so_far: Part | None,
    ) -> None:
        def done(part: Part) -> None:
            if number != self._number:
                return
            if part.over:
                self.running = False
            else:
                self._ask(number, task, inputs, on_part, on_error, part)
            on_part(part)

        def failed(error: Exception) -> None:
            if number == self._number:
                self.running = False
                on_error(error)

        self._ctx.document.ask(task, *inputs, so_far, on_done=done, on_error=failed, key=self._key)
