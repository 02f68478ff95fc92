"""`sardonyx inspect`: what a model is made of."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import words
from core.cli.command import Command, existing
from core.cli.place import output
from core.cli.terminal import Terminal
from core.errors import UsageError
from core.model import Model, Summary

if TYPE_CHECKING:
    from core.model.opening import Opened


@dataclass(frozen=True)
class InspectDocument:
    """A model file and what it is made of, found without running it."""

    model: Model
    summary: Summary
    #: Where the picture of the graph was written, when one was asked for.
    picture: Path | None = None


class Inspect(Command):
    """Reads a model and tells what it is made of."""

    id = "inspect"
    help = "What a model is made of: nodes, parameters, compute, inputs and outputs."
    order = 20
    Document = InspectDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="an .onnx file")
        parser.add_argument("--picture", metavar="FILE.svg", help="draw the graph into this file as well")
        parser.add_argument("--flat", action="store_true", help="draw every node, where a large graph would be folded by scopes and blocks")
        parser.add_argument("--look", choices=("light", "dark"), default="light", help="the picture's colours (default light)")

    def run(self, args: argparse.Namespace, terminal: Terminal) -> InspectDocument:
        from core.model.opening import open_model

        path = existing(args.model)
        target = _target(args.picture, path) if args.picture else None
        opened: Opened = terminal.run(open_model, path, title=f"Open {path.name}")
        if target is not None:
            from core.layout import picture

            style = picture.Style(theme=args.look, title=path.name)
            terminal.run(picture.draw, opened.model, True if args.flat else None, style, target, title=f"Draw {target.name}")
        return InspectDocument(opened.model, opened.summary, target)

    def show(self, document: InspectDocument, terminal: Terminal) -> None:
        summary, model = document.summary, document.model
        terminal.heading(f"{model.path.name}: {summary.name}" if summary.name else model.path.name)
        opsets = ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in summary.opsets.items())
        nests = [op for op in summary.ops if op in words.NESTING]
        rows = [
            ("nodes", f"{summary.nodes:,}" + (f" (and those inside {', '.join(nests)})" if nests else "")),
            ("parameters", words.count(summary.parameters) + (f" ({summary.precision})" if summary.precision else "")),
            ("weights", words.size(summary.weight_bytes) + _held(summary)),
            ("MACs", _macs(summary)),
            ("file", words.size(model.size)),
            ("opset", opsets),
            ("IR version", str(summary.ir_version)),
            ("producer", summary.producer or "-"),
            ("fingerprint", model.fingerprint[:16]),
        ]
        if summary.functions:
            rows.append(("functions", str(summary.functions)))
        for name, value in rows:
            terminal.line(f"  {name:<12} {value}")
        terminal.line()
        tensors = [("input", item.name, item.text()) for item in summary.inputs] + [
            ("output", item.name, item.text()) for item in summary.outputs
        ]
        terminal.table(("", "name", "type"), tensors)
        terminal.line()
        ops = sorted(summary.ops.items(), key=lambda item: (-item[1], item[0]))
        terminal.table(("op", ">nodes"), [(name, f"{number:,}") for name, number in ops])
        if document.picture is not None:
            terminal.line()
            terminal.line(f"The graph is drawn in {document.picture}.")
        for warning in summary.warnings:
            terminal.warn(warning)


def _target(text: str, model: Path) -> Path:
    """Where the picture goes; told before any work is done when it cannot be made."""
    path = output(text, model, option="--picture")
    if path.suffix.lower() != ".svg":
        raise UsageError(f"A picture is written as SVG, not as {path.suffix or 'a file without an ending'}.", hint="Name it *.svg.")
    return path


def _held(summary: Summary) -> str:
    if summary.initializers:
        return f" in {summary.initializers:,} initializer{'s' * (summary.initializers != 1)}"
    return " in Constant nodes" if summary.weight_bytes else ""


def _macs(summary: Summary) -> str:
    """Multiply-accumulates, and what they hold for where dimensions are open."""
    if summary.macs is None:
        return f"unknown ({summary.macs_missing} node{'s' * (summary.macs_missing != 1)} without shapes)"
    dims = [dim for item in summary.inputs for dim in item.shape or () if not isinstance(dim, int)]
    named = " = ".join(dict.fromkeys(dim for dim in dims if dim))
    return words.count(summary.macs) + (f" (for {named or 'every open dimension'} = 1)" if dims and summary.macs else "")
