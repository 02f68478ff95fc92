"""The builder's and the runtime's own words, kept with their levels."""

from __future__ import annotations

from typing import Any

#: int(Severity) -> the letter in front of a line.
_LETTERS = "EEWIV"
#: Noise of a machine without a driver: every other error is followed by one of these.
_NOISE = ("catchCudaError", "Thread context has not been set", "---------------------")
#: What is worth keeping of the verbose level, of which a large model has hundreds of thousands of lines.
_VERBOSE = ("Engine Layer Information", "Number of target compute capabilities")


class Lines:
    """`lines` as `(level, text)`, level 0 internal error, 1 error, 2 warning, 3 info, 4 verbose."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def add(self, level: int, text: str) -> None:
        """Keep one message, unless it says nothing."""
        text = text.strip()
        if not text or any(noise in text for noise in _NOISE):
            return
        if level >= 4 and not text.startswith(_VERBOSE):
            return
        self.lines.append((level, text))

    def errors(self) -> list[str]:
        """The texts of errors, oldest first."""
        return [text for level, text in self.lines if level <= 1]

    def warnings(self) -> list[str]:
        """The texts of warnings, oldest first."""
        return [text for level, text in self.lines if level == 2]

    def text(self) -> tuple[str, ...]:
        """Each line with its level in front: `[W] ...`."""
        return tuple(f"[{_LETTERS[min(level, 4)]}] {text}" for level, text in self.lines)


def logger(trt: Any, lines: Lines) -> Any:
    """An `ILogger` that keeps everything in `lines`. Must outlive what is made with it."""

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            lines.add(int(severity), message)

    return Logger()
