"""The command line: the same functions as the window, in a straight line.

    run         what happens around every command: parsing, errors, exit codes, Ctrl+C
    command     what a command declares; terminal: stdout and stderr, progress, tables
    place       how an output file gets to its place; display, window: whether there is a screen, and the way to it
    words       numbers as people read them; sample, tasks: what only commands need
    commands/   one file a command, found by a walk: a new command is one new file

With `--json` stdout gets exactly one JSON document (`sardonyx schema COMMAND` prints its schema); everything for people
goes to stderr. Exit codes: 0 done; 1 an error that a person can act on, or a bug; 2 wrong usage; 130 cancelled.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.workers import Pool


def main(argv: Sequence[str] | None = None, *, pool: Pool | None = None) -> int:
    """Run one command and return the exit code. Heavy work goes to `pool`, or to one of the command's own."""
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is None and words[:1] == ["--worker"]:
        from core.workers.child import main as work

        work()
        return 0
    from core.cli.run import run

    return run(words, pool)
