"""What a command declares: its words, its arguments, the document that it returns, and how a person reads that."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from core import params
from core.cli import words
from core.cli.terminal import Terminal
from core.data import DataSpec
from core.errors import UsageError
from core.params import Spec

T = TypeVar("T")

ALL = 10_000_000


class Command:
    """One command. `run` does the work and returns a frozen dataclass of the type `Document`; `show` prints it.

    The JSON document is `Document` in an envelope: `sardonyx.<id>/<version>`. Raise the version when a field is taken
    away or changes its meaning.
    """

    id: ClassVar[str] = ""
    help: ClassVar[str] = ""
    epilog: ClassVar[str] = ""
    order: ClassVar[int] = 100
    version: ClassVar[int] = 1
    Document: ClassVar[type]

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own arguments."""

    def run(self, args: argparse.Namespace, terminal: Terminal) -> Any:
        """Do the work, through `terminal.run` where it is heavy; returns a `Document`."""
        raise NotImplementedError

    def show(self, document: Any, terminal: Terminal) -> None:
        """Print the document for a person."""
        raise NotImplementedError

    def after(self, document: Any, args: argparse.Namespace, terminal: Terminal) -> None:
        """What follows when everything has been said (`demo` opens the window); nothing, for most."""

    def exit_code(self, document: Any) -> int:
        """0, unless the command is asked to judge (`compare --min-agreement`)."""
        return 0


class Layout(argparse.RawDescriptionHelpFormatter):
    """Help in two columns, as wide as the terminal up to what reads well; commands without a line above them."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=min(shutil.get_terminal_size((100, 24)).columns - 2, 110))

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if action.nargs == argparse.PARSER:  # commands stand two columns further in than argparse reckons
            self._action_max_length += 2

    def _format_action(self, action: argparse.Action) -> str:
        text = super()._format_action(action)
        return text.partition("\n")[2] if action.nargs == argparse.PARSER else text


class Parser(argparse.ArgumentParser):
    """argparse, with its errors told the way all others are."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", hint=f"Run '{self.prog} --help' to see what there is.")


def add_params(
    parser: argparse.ArgumentParser, cls: type, *, title: str, names: Mapping[str, tuple[str, ...]] | None = None, skip: Iterable[str] = ()
) -> None:
    """One flag for each parameter that `cls` declares; `names` gives other flags than `--name` to some."""
    group = parser.add_argument_group(title)
    for spec in params.specs(cls):
        if spec.name in skip:
            continue
        flags = (names or {}).get(spec.name, (f"--{spec.name.replace('_', '-')}",))
        group.add_argument(*flags, dest=f"param_{cls.__name__}_{spec.name}", metavar=_metavar(spec), help=_help(spec), default=None)
        parser.set_defaults(**{f"flag_{cls.__name__}_{spec.name}": flags[0]})


def from_params(args: argparse.Namespace, cls: type[T], **given: Any) -> T:
    """The `cls` that the flags of `add_params` describe; `given` are values from elsewhere."""
    values = dict(given)
    try:
        for spec in params.specs(cls):
            text = getattr(args, f"param_{cls.__name__}_{spec.name}", None)
            if text is not None:
                values[spec.name] = params.parse(spec, text)
        return params.from_dict(cls, values)
    except UsageError as error:  # told by the flag that the person gave
        name, colon, rest = error.message.partition(": ")
        flag = getattr(args, f"flag_{cls.__name__}_{name}", "")
        if not flag:
            raise
        raise UsageError(f"{flag}{colon}{rest}", hint=error.hint) from error


def _metavar(spec: Spec) -> str:
    if spec.choices:
        return "{" + ",".join(spec.choices) + "}"
    if spec.kind in ("file", "folder", "path"):
        return "PATH"
    return {bool: "YES|NO", int: "N", float: spec.unit.upper() or "X", str: "TEXT", tuple: "A;B"}[spec.type]


def _help(spec: Spec) -> str:
    default = (
        ""
        if spec.default in ("", ())
        else f" (default {spec.default:g}{spec.unit and ' ' + spec.unit})"
        if _number(spec)
        else f" (default {words.value(spec.default)})"
    )
    return (spec.help + default).replace("%", "%%")


def _number(spec: Spec) -> bool:
    return isinstance(spec.default, (int, float)) and not isinstance(spec.default, bool)


def add_data(parser: argparse.ArgumentParser, title: str) -> None:
    """The flags of a `DataSpec`, with `--data` for its path."""
    add_params(parser, DataSpec, title=title, names={"path": ("--data",)}, skip=("limit",))
    parser.add_argument("--limit", metavar="N", type=int, help="at most this many samples (default: all of --data, or 64 random ones)")


def data(args: argparse.Namespace) -> DataSpec:
    """The `DataSpec` that those flags describe: all of the data that was given, unless there is a limit."""
    spec = from_params(args, DataSpec)
    limit = args.limit if args.limit is not None else ALL if spec.path else spec.limit
    path = str(existing(spec.path)) if spec.path else ""
    return params.from_dict(DataSpec, {**params.to_dict(spec), "limit": limit, "path": path})


def existing(text: str) -> Path:
    """A path that a person gave for something that must be there."""
    path = Path(text).expanduser()
    if not path.exists():
        raise UsageError(f"There is no {path}.", hint="Check the path; a relative one starts at the current folder.")
    return path.absolute()


def options(cls: type[T], given: Iterable[str]) -> T:
    """`--option key=value`, several times, as a params class."""
    return params.from_text(cls, ",".join(item.replace(",", "\\,") for item in given))


def names_of(cls: type) -> list[str]:
    """The field names of a dataclass."""
    return [field.name for field in dataclasses.fields(cls)]
