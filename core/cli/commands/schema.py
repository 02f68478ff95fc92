"""`sardonyx schema`: the JSON schema of each document."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

from core.cli.command import Command
from core.cli.terminal import Terminal
from core.errors import UsageError
from core.schemas import schema_of


@dataclass(frozen=True)
class SchemaDocument:
    """JSON schemas (draft 2020-12) by the name of the command whose document they describe, and `error`."""

    schemas: dict[str, Any]


class Schema(Command):
    """Prints JSON schemas."""

    id = "schema"
    help = "The JSON schema of what a command prints with --json."
    order = 110
    Document = SchemaDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", metavar="COMMAND", nargs="?", help="only this one")

    def run(self, args: argparse.Namespace, terminal: Terminal) -> SchemaDocument:
        everything = schemas()
        if args.name is None:
            return SchemaDocument(everything)
        if args.name not in everything:
            raise UsageError(f"There is no document '{args.name}'.", hint=f"Known: {', '.join(everything)}.")
        return SchemaDocument({args.name: everything[args.name]})

    def show(self, document: SchemaDocument, terminal: Terminal) -> None:
        if terminal.json:
            return
        found: Any = document.schemas
        terminal.line(json.dumps(next(iter(found.values())) if len(found) == 1 else found, indent=2))


def schemas(*, strict: bool = False) -> dict[str, Any]:
    """Every document's schema by its name."""
    from core.cli.commands import COMMANDS
    from core.cli.run import OTHERS

    found = {command.id: schema_of(command.id, command.Document, command.version, strict=strict) for command in COMMANDS}
    return {**found, **{name: schema_of(name, cls, strict=strict) for name, cls in OTHERS.items()}}
