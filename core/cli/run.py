"""What happens around every command: parsing, Ctrl+C, errors in words, exit codes."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import core
from core import folders
from core.cli import display
from core.cli.command import Command, Layout, Parser
from core.cli.commands import COMMANDS
from core.cli.terminal import Terminal
from core.errors import AppError, Cancelled, UsageError
from core.schemas import envelope
from core.workers import Pool

ABOUT = "See, cut, build, race and ship ONNX models."
EPILOG = """start here:
  sardonyx demo                                                    the whole loop on a small sample
  sardonyx doctor                                                  what this machine can build and run
  sardonyx model.onnx                                              the window, on a model
  sardonyx inspect model.onnx                                      what is in it
  sardonyx optimize model.onnx -o small.onnx --pass simplify       cut it
  sardonyx build small.onnx -o small.engine                        build it
  sardonyx bench model.onnx small.engine                           race it
  sardonyx compare model.onnx small.onnx --data evaluation.npz     what it still gets right

'sardonyx COMMAND --help' says more. Without a command the window opens. Every command takes --json: one document on
stdout, nothing else there. Exit codes: 0 done, 1 an error that says what to do, 2 wrong usage, 130 cancelled."""
SHARED = ("--json", "-q", "--quiet", "-v", "--verbose")
ISSUES = "If it happens again, report it with this file."


@dataclass(frozen=True)
class ErrorDocument:
    """What went wrong: `kind` is the name of the error's type, `hint` what to do next, `detail` the long text behind it."""

    kind: str
    message: str
    hint: str
    detail: str
    exit_code: int


def run(words: Sequence[str], pool: Pool | None = None) -> int:
    """Run the command that `words` name; returns the exit code, and never raises."""
    flags = set(words)
    terminal = Terminal(json="--json" in flags, quiet=bool({"-q", "--quiet"} & flags), verbose=bool({"-v", "--verbose"} & flags), pool=pool)
    with _logging(terminal):
        try:
            with _interrupts(terminal):
                try:
                    return _command(words, terminal)
                finally:
                    terminal.close()
        except SystemExit as ended:  # argparse, after --help and --version
            return ended.code if isinstance(ended.code, int) else 1
        except BrokenPipeError:
            return _reader_left()
        except (Cancelled, KeyboardInterrupt):
            return _failed(terminal, "Cancelled", "Cancelled.", "", "", 130)
        except AppError as error:
            code = 2 if isinstance(error, UsageError) else 1
            return _failed(terminal, type(error).__name__, error.message, error.hint, error.detail, code)
        except Exception as error:  # noqa: BLE001 - the end of the line: whatever comes here is a bug, and is told as one
            return _bug(terminal, words, error)


def _command(words: Sequence[str], terminal: Terminal) -> int:
    words = _expanded(words)
    parser = _parser(next((word for word in words if not word.startswith("-")), ""))
    args = parser.parse_args(words)
    command: Command = args.command()
    document = command.run(args, terminal)
    command.show(document, terminal)
    if terminal.json:
        terminal.document(envelope(command.id, document, command.version))
    command.after(document, args, terminal)
    return command.exit_code(document)


def _expanded(words: Sequence[str]) -> list[str]:
    """`sardonyx` and `sardonyx m.onnx` mean `gui`; `--self-check` is a command that looks like a flag; `--json` may stand first."""
    start = next((n for n, word in enumerate(words) if word not in SHARED), len(words))
    words = [*words[start:], *words[:start]]
    if words[:1] == ["--self-check"]:
        return ["self-check", *words[1:]]
    if not words or words[0] in SHARED:
        if not display.has_display():
            _parser("").print_help(sys.stderr)
            raise UsageError("There is no display to open the window on.", hint="Name a command, for example: sardonyx demo")
        return ["gui", *words]
    return ["gui", *words] if words[0].lower().endswith(".onnx") else words


def _parser(wanted: str) -> argparse.ArgumentParser:
    """The parser of everything; only the wanted command declares its arguments, so that the others need not load."""
    shared = Parser(add_help=False)
    group = shared.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON document on stdout, and nothing else there")
    group.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    group.add_argument("-v", "--verbose", action="store_true", help="show the details of errors")
    parser = Parser(prog="sardonyx", description=ABOUT, epilog=EPILOG, allow_abbrev=False, formatter_class=Layout)
    parser.add_argument("--version", action="version", version=f"sardonyx {core.__version__}")
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in _commands(wanted):
        one = choices.add_parser(
            command.id,
            help=command.help,
            description=command.help,
            epilog=command.epilog,
            parents=[shared],
            allow_abbrev=False,
            formatter_class=Layout,
        )
        one.set_defaults(command=command)
        if command.id == wanted:
            command().arguments(one)
    return parser


def _commands(wanted: str) -> Iterable[type[Command]]:
    """Only the wanted one when its file is called like it (the window should not wait for the others), else all."""
    name = f"core.cli.commands.{wanted.replace('-', '_')}"
    if not wanted.replace("-", "_").isidentifier() or importlib.util.find_spec(name) is None:
        return COMMANDS
    module = importlib.import_module(name)
    found = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, Command) and item.id == wanted]
    return found or COMMANDS


@contextmanager
def _interrupts(terminal: Terminal) -> Iterator[None]:
    """Ctrl+C (and a polite request to end) cancels the running task; a second one, or one between tasks, ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if terminal.running and not terminal.cancel.is_set():
            # Not here: this may stand in the middle of what the token's listeners need.
            threading.Thread(target=terminal.cancel.set, name="sardonyx-cancel", daemon=True).start()
        else:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Told(logging.Handler):
    """Warnings of libraries and of our own, in one voice."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.WARNING)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.warn(record.getMessage())


@contextmanager
def _logging(terminal: Terminal) -> Iterator[None]:
    handler, root = _Told(terminal), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


def _failed(terminal: Terminal, kind: str, message: str, hint: str, detail: str, code: int) -> int:
    try:
        terminal.error(message, hint, detail) if code != 130 else terminal.say(message)
        if terminal.json:
            terminal.document(envelope("error", ErrorDocument(kind, message, hint, detail, code)))
    except BrokenPipeError:
        _reader_left()
    return code


def _reader_left() -> int:
    """Whoever read our output has enough (`| head`): end quietly, also when Python flushes at its own end."""
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _bug(terminal: Terminal, words: Sequence[str], error: BaseException) -> int:
    """Keep the traceback in the log, and tell where that is."""
    detail = str(getattr(error, "detail", "")) or "".join(traceback.format_exception(error))
    path = folders.logs() / "sardonyx.log"
    hint = f"The details are in {path}. {ISSUES}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} sardonyx {core.__version__}: {' '.join(words)}\n{detail}\n")
    except OSError as refused:
        hint = f"The log cannot be written to {path} ({refused.strerror}); run it again with -v to see the details."
    kind = getattr(error, "kind", "") or type(error).__name__
    first = (str(error).splitlines() or [""])[0]
    return _failed(terminal, kind, f"This is a bug in Sardonyx: {first or kind}", hint, detail, 1)


#: Documents that belong to no command, by the name in their schema.
OTHERS: dict[str, Any] = {"error": ErrorDocument}
