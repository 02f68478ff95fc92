"""Where a command speaks: one document on stdout, everything else where a person looks."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from core.workers import CancelToken, Pool, run

Step = Callable[[float, str], None]
Emit = Callable[[Any], None]


class Terminal:
    """Progress on stderr (a bar on a terminal, a line a stage elsewhere), tables on stdout, or on stderr with `--json`.

    `cancel` is set by Ctrl+C while a task runs: its process is killed, and `Cancelled` comes out of `run`.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: bool = False, pool: Pool | None = None) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self.cancel = CancelToken()
        self.running = False
        self._pool = pool
        self._own: Pool | None = None

    @property
    def out(self) -> TextIO:
        """Where a person reads the answer: stdout, unless a program reads that."""
        return sys.stderr if self.json else sys.stdout

    # -- work ------------------------------------------------------------------------------------------------------

    def run(self, task: Callable[..., Any], *inputs: Any, title: str, on_emit: Emit | None = None, quiet: bool = False) -> Any:
        """Run a task in a worker process, with its progress on stderr; `quiet`: leave the machine to it (a benchmark)."""
        if self._pool is None:
            self._pool = self._own = Pool(warm=False)
        with self._stage(title, slow=quiet) as on_step, self._busy():
            extra: dict[str, Any] = {"quiet": True} if quiet else {}
            return run(
                task, *inputs, where="process", pool=self._pool, title=title, on_step=on_step, on_emit=on_emit, cancel=self.cancel, **extra
            )

    @contextmanager
    def _busy(self) -> Iterator[None]:
        self.running = True
        try:
            yield
        finally:
            self.running = False

    def close(self) -> None:
        """End the worker processes that this terminal started."""
        if self._own is not None:
            self._own.close()
            self._own = self._pool = None

    @contextmanager
    def _stage(self, title: str, *, slow: bool) -> Iterator[Step | None]:
        if self.quiet:
            yield None
            return
        begin = time.perf_counter()
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            with _bar(title, slow=slow) as on_step:
                yield on_step
        else:
            self.say(f"{title} ...")
            yield self._steps() if self.verbose else None
        self.say(f"{title}: {_seconds(time.perf_counter() - begin)}")

    def _steps(self) -> Step:
        """For a log with -v: one line for each thing that is being done, however often it reports."""
        last = ""

        def on_step(fraction: float, text: str) -> None:
            nonlocal last
            if text and text != last:
                self.say(f"  {100 * fraction:3.0f} % {text}")
                last = text

        return on_step

    # -- words -----------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """One line of progress, for a person."""
        if not self.quiet:
            _write(sys.stderr, f"{text}\n")

    def warn(self, text: str) -> None:
        """A warning: shown also when progress is not."""
        _write(sys.stderr, f"{self._paint('warning:', '33', sys.stderr)} {text.removeprefix('Warning: ')}\n")

    def error(self, message: str, hint: str = "", detail: str = "") -> None:
        """What happened, and what to do; the long text behind it only when asked for."""
        lines = [f"{self._paint('error:', '1;31', sys.stderr)} {message}"]
        if hint:
            lines.append(f"{self._paint('hint:', '36', sys.stderr)} {hint}")
        if detail and self.verbose:
            lines += [f"  | {line}" for line in detail.splitlines()[-40:]]
        elif detail:
            lines.append("(more with -v)")
        _write(sys.stderr, "\n".join(lines) + "\n")

    def line(self, text: str = "") -> None:
        """One line of the answer."""
        _write(self.out, f"{text}\n")

    def heading(self, text: str) -> None:
        """A line of the answer that stands above others."""
        self.line(self._paint(text, "1", self.out))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under their columns; a column whose name begins with `>` is right-aligned (numbers).

        Figures are never cut short: a table of them that is too wide for the terminal is turned, a column for each row.
        """
        right = [name.startswith(">") for name in columns]
        names = [name.removeprefix(">") for name in columns]
        if self.out.isatty():
            wide = shutil.get_terminal_size((100, 24)).columns
            if any(right) and _width([names, *rows]) > wide:
                names, *rows = (list(row) for row in zip(names, *rows, strict=True))
                right = [False] + [True] * (len(names) - 1)
            if not any(right) or _width([names, *rows]) <= wide:
                self._rich_table(names, right, rows)
                return
        cells = [list(names), *([str(cell) for cell in row] for row in rows)]
        widths = [max(len(row[n]) for row in cells) for n in range(len(names))]
        for number, row in enumerate(cells):
            padded = [cell.rjust(width) if flush else cell.ljust(width) for cell, width, flush in zip(row, widths, right, strict=True)]
            self.line("  ".join(padded).rstrip())
            if number == 0:
                self.line("  ".join("-" * width for width in widths))

    def _rich_table(self, names: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for name, flush in zip(names, right, strict=True):
            table.add_column(name, justify="right" if flush else "left", no_wrap=flush)
        for row in rows:
            table.add_row(*(Text(str(cell)) for cell in row))
        Console(file=self.out, highlight=False).print(table)

    def document(self, document: Any) -> None:
        """The one JSON document of this run."""
        text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
        _write(sys.stdout, text + "\n")

    def _paint(self, text: str, code: str, stream: TextIO) -> str:
        plain = not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return text if plain else f"\x1b[{code}m{text}\x1b[0m"


def _width(cells: Sequence[Sequence[str]]) -> int:
    """Columns of the terminal that a table of these takes."""
    return sum(max(len(str(cell)) for cell in column) + 2 for column in zip(*cells, strict=True))


@contextmanager
def _bar(title: str, *, slow: bool) -> Iterator[Step]:
    """A bar on stderr that goes away when the stage is over; drawn seldom while something is being timed."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(
        *columns, TextColumn("[dim]{task.fields[text]}"), console=console, transient=True, refresh_per_second=2 if slow else 10
    ) as progress:
        row = progress.add_task(escape(title), total=1.0, text="")

        def on_step(fraction: float, text: str) -> None:
            progress.update(row, completed=fraction, text=escape(text))

        yield on_step


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {value % 60:.0f} s"


def _write(stream: TextIO, text: str) -> None:
    """Write to a stream that may not know every character (a log in an 8-bit locale)."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(text.encode(stream.encoding or "ascii", "replace").decode(stream.encoding or "ascii"))
    stream.flush()
