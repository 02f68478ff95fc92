"""`sardonyx passes`: every pass, and what it can be told."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from core import params
from core.cli import words
from core.cli.command import Command
from core.cli.terminal import Terminal
from core.errors import UsageError
from core.passes import PASSES

_TYPES = {bool: "yes/no", int: "integer", float: "number", str: "text", tuple: "names"}
_KINDS = {"file": "file", "folder": "folder", "path": "path", "nodes": "nodes"}


@dataclass(frozen=True)
class PassEntry:
    """One pass. `tolerance`: outputs stay equal within it on fp32 (null: lossy); `params` is a JSON schema."""

    id: str
    title: str
    group: str
    help: str
    tolerance: float | None
    params: dict[str, Any]


@dataclass(frozen=True)
class PassesDocument:
    """Every pass that was found, and those that could not be loaded with the reason."""

    passes: tuple[PassEntry, ...]
    broken: dict[str, str]


class Passes(Command):
    """Lists the passes."""

    id = "passes"
    help = "Every pass that can be applied to a model, with its parameters."
    order = 30
    Document = PassesDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("pass_id", metavar="PASS", nargs="?", help="only this one")

    def run(self, args: argparse.Namespace, terminal: Terminal) -> PassesDocument:
        if args.pass_id:
            PASSES[args.pass_id]
        chosen = [cls for cls in PASSES if args.pass_id in (None, cls.id)]
        if not chosen and not PASSES.broken:
            raise UsageError("There is no pass at all.", hint="Reinstall Sardonyx.")
        entries = (PassEntry(cls.id, cls.title, cls.group, _first(cls), cls.tolerance, params.schema(cls)) for cls in chosen)
        return PassesDocument(tuple(entries), PASSES.broken)

    def show(self, document: PassesDocument, terminal: Terminal) -> None:
        for entry in document.passes:
            kept = {None: "lossy", 0.0: "exact"}.get(entry.tolerance, f"within {entry.tolerance}")
            terminal.heading(entry.id)
            terminal.line(f"  {entry.help} ({kept})")
            rows = []
            for spec in params.specs(PASSES[entry.id]):
                default = words.value(spec.default)
                accepts = "|".join(spec.choices) if spec.choices else _bounds(spec)
                rows.append(
                    (
                        spec.name,
                        _KINDS.get(spec.kind) or _TYPES[spec.type],
                        default or "-",
                        spec.help + (f" ({accepts})" if accepts else ""),
                    )
                )
            if rows:
                terminal.table(("parameter", "takes", "default", "what it does"), rows)
            terminal.line()
        for module, reason in document.broken.items():
            terminal.warn(f"{module} could not be loaded: {reason}")


def _bounds(spec: params.Spec) -> str:
    """`0 to 0.99 s`, or nothing when there is no bound that a person would meet."""
    unit = f" {spec.unit}" if spec.unit else ""
    if spec.max is not None and spec.max < 1e6:
        return f"{spec.min or 0:g} to {spec.max:g}{unit}"
    return f"at least {spec.min:g}{unit}" if spec.min is not None else ""


def _first(cls: type) -> str:
    return (cls.__doc__ or "").strip().splitlines()[0] if cls.__doc__ else ""
