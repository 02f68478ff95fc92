"""`sardonyx compare`: how far the outputs of two models are apart."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import words
from core.cli.command import Command, add_data, data, existing
from core.cli.terminal import Terminal
from core.compare import Comparison
from core.errors import UsageError

if TYPE_CHECKING:
    from core.model.opening import Opened


@dataclass(frozen=True)
class CompareDocument:
    """B against A on the same inputs. `failed` has one sentence for each limit that was not kept; then the exit code is 1."""

    a: Path
    b: Path
    comparison: Comparison
    failed: tuple[str, ...]


class Compare(Command):
    """Compares the outputs of two models."""

    id = "compare"
    help = "Run two models on the same inputs, and say how far their outputs are apart."
    order = 70
    Document = CompareDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("a", metavar="A", help="the model to measure from")
        parser.add_argument("b", metavar="B", help="the model to measure")
        parser.add_argument("--labels", metavar="FILE", default="", help="labels of the data, for the accuracy of both")
        add_data(parser, "inputs")
        limits = parser.add_argument_group("limits, for CI (exit code 1 when one is not kept)")
        limits.add_argument("--min-agreement", metavar="SHARE", type=float, help="top-1 agreement of each output, 0 to 1")
        limits.add_argument("--max-abs", metavar="X", type=float, help="largest absolute error of any output")
        limits.add_argument("--min-sqnr", metavar="DB", type=float, help="signal to quantization noise ratio of each output")
        limits.add_argument("--max-drop", metavar="SHARE", type=float, help="how much accuracy B may lose, 0 to 1 (needs labels)")

    def run(self, args: argparse.Namespace, terminal: Terminal) -> CompareDocument:
        from core.compare.outputs import compare
        from core.model.opening import open_model

        a, b = existing(args.a), existing(args.b)
        spec = data(args)
        if args.labels and not spec.path:
            raise UsageError("Labels need the data that they belong to.", hint="Give it with --data.")
        labels = str(existing(args.labels)) if args.labels else ""
        first: Opened = terminal.run(open_model, a, title=f"Open {a.name}")
        second: Opened = terminal.run(open_model, b, title=f"Open {b.name}")
        found: Comparison = terminal.run(compare, first.model, second.model, spec, labels, title="Compare outputs")
        return CompareDocument(a, b, found, tuple(_failed(found, args)))

    def show(self, document: CompareDocument, terminal: Terminal) -> None:
        found = document.comparison
        terminal.heading(f"{document.b.name} against {document.a.name}, {found.samples} samples")
        terminal.line(f"  inputs: {found.data}")
        if found.accuracy_a is not None and found.accuracy_b is not None:
            change = 100 * (found.accuracy_b - found.accuracy_a)
            terminal.line(f"  accuracy: {words.percent(found.accuracy_a)} -> {words.percent(found.accuracy_b)} ({change:+.2f} pp)")
        terminal.line()
        rows = []
        for item in found.outputs:
            cosine = "equal" if item.equal else f"{item.cosine:.6f}"
            sqnr = words.decibel(item.sqnr)
            rows.append((item.name, words.small(item.max_abs), words.small(item.mean_abs), cosine, sqnr, words.percent(item.top1)))
        terminal.table(("output", ">max abs", ">mean abs", ">cosine", ">SQNR", ">top-1 agreement"), rows)
        for item in found.outputs:
            if not item.finite:
                terminal.warn(f"Output {item.name} holds values that are not finite.")
        for note in found.notes:
            if note.startswith("Warning: "):
                terminal.warn(note)
            else:
                terminal.line(note)
        for text in document.failed:
            terminal.error(text)

    def exit_code(self, document: CompareDocument) -> int:
        return 1 if document.failed else 0


def _failed(found: Comparison, args: argparse.Namespace) -> list[str]:
    """One sentence a limit that was not kept; a limit on something that was not measured is not kept either."""
    told = []
    for item in found.outputs:
        if args.min_agreement is not None and item.top1 is not None and not item.top1 >= args.min_agreement:
            told.append(f"{item.name}: top-1 agreement {item.top1:.4f} is below {args.min_agreement:g}.")
        if args.max_abs is not None and not item.max_abs <= args.max_abs:
            told.append(f"{item.name}: largest error {item.max_abs:g} is above {args.max_abs:g}.")
        if args.min_sqnr is not None and not (item.sqnr >= args.min_sqnr or (item.equal and math.isnan(item.sqnr))):
            told.append(f"{item.name}: SQNR {item.sqnr:.1f} dB is below {args.min_sqnr:g} dB.")
    if args.min_agreement is not None and all(item.top1 is None for item in found.outputs):
        told.append("No output has classes, so there is no top-1 agreement to judge.")
    if args.max_drop is not None:
        if found.accuracy_a is None or found.accuracy_b is None:
            told.append("There are no labels, so there is no accuracy to judge.")
        elif found.accuracy_a - found.accuracy_b > args.max_drop:
            told.append(f"Accuracy drops by {found.accuracy_a - found.accuracy_b:.4f}, more than {args.max_drop:g}.")
    return told
