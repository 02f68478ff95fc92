"""`sardonyx optimize`: apply passes to a model, write the result, and say what it cost."""

from __future__ import annotations

import argparse
import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import params, recipe
from core.cli import words
from core.cli.command import Command, add_data, data, existing
from core.cli.place import deliver, output, workshop
from core.cli.terminal import Terminal
from core.compare import Comparison
from core.data import DataSpec
from core.errors import AppError, UsageError
from core.model import Model, Summary
from core.passes import PASSES
from core.passes.base import Pass

if TYPE_CHECKING:
    from core.history import Step
    from core.model.opening import Opened

#: Signal to noise in dB below which outputs are hardly the same any more: errors a third as large as the values.
FAR = 10.0
#: What `core.history.apply` notes of a step that changed nothing.
NOTHING = "Nothing was changed."

EXAMPLE = """examples:
  sardonyx optimize model.onnx -o small.onnx --pass simplify --pass quantize_int8:profile=cpu,data=calibration.npz
  sardonyx optimize model.onnx -o small.onnx --recipe recipe.toml --data evaluation.npz

A recipe is TOML:
  format = 1
  [[step]]
  pass = "simplify"

'sardonyx passes' lists what there is. Values of one pass are separated by commas (\\, is a comma inside one), items of
a list by semicolons."""


@dataclass(frozen=True)
class StepEntry:
    """One pass as it was applied; `modified` is false when it found nothing to do."""

    pass_id: str
    params: dict[str, Any]
    label: str
    modified: bool
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class OptimizeDocument:
    """A model before and after its passes; `data` names the files beside it that hold large weights. `comparison` is after
    against before, null when it could not be run (`comparison_note` says why)."""

    before: Model
    after: Model
    data: tuple[str, ...]
    summary_before: Summary
    summary_after: Summary
    steps: tuple[StepEntry, ...]
    comparison: Comparison | None
    comparison_note: str
    seconds: float


class Optimize(Command):
    """Applies passes to a model and writes the result."""

    id = "optimize"
    help = "Apply passes to a model, write the result, and compare it with what it was."
    epilog = EXAMPLE
    order = 40
    Document = OptimizeDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="an .onnx file")
        parser.add_argument(
            "-o", "--output", metavar="OUT", required=True, help="where to write the result (replaced as a whole if it is there)"
        )
        parser.add_argument(
            "--pass", dest="passes", metavar="NAME[:key=value,...]", action="append", default=[], help="a pass; again for the next"
        )
        parser.add_argument("--recipe", metavar="FILE", help="passes from a recipe instead")
        parser.add_argument("--save-recipe", metavar="FILE", help="write the passes as a recipe")
        parser.add_argument("--labels", metavar="FILE", default="", help="labels of the data, for accuracy before and after")
        parser.add_argument("--no-compare", action="store_true", help="do not run the models to compare their outputs")
        add_data(parser, "data for the comparison, and for passes that were given none")

    def run(self, args: argparse.Namespace, terminal: Terminal) -> OptimizeDocument:
        from core.model.opening import open_model

        begin = time.perf_counter()
        steps = _steps(args)
        source = existing(args.model)
        out = output(args.output, source)
        spec = data(args)
        if args.labels and not spec.path:
            raise UsageError("Labels need the data that they belong to.", hint="Give it with --data.")
        labels = str(existing(args.labels)) if args.labels else ""
        steps = recipe.with_data(steps, spec)
        opened: Opened = terminal.run(open_model, source, title=f"Open {source.name}")
        with workshop(out) as folder:
            done = _apply(opened.model, steps, folder, terminal)
            final = done[-1].after
            comparison, note = None, "Not asked for."
            if not args.no_compare:
                comparison, note = _compare(opened.model, final, spec, labels, terminal)
            from core.cli.tasks import finish

            (folder / "final").mkdir()
            made: Model = terminal.run(finish, final, folder / "final" / out.name, source, out.parent, title=f"Write {out.name}")
            beside = tuple(item.name for item in sorted((folder / "final").iterdir()) if item.name != out.name)
            deliver(folder / "final" / out.name, out)
        if args.save_recipe:
            recipe.write(steps, Path(args.save_recipe).expanduser())
        entries = tuple(StepEntry(s.pass_id, s.params, s.label, s.modified, s.notes, s.seconds) for s in done)
        after = dataclasses.replace(made, path=out)
        return OptimizeDocument(
            opened.model, after, beside, opened.summary, done[-1].summary, entries, comparison, note, time.perf_counter() - begin
        )

    def show(self, document: OptimizeDocument, terminal: Terminal) -> None:
        for step in document.steps:
            terminal.heading(f"{step.label}  ({step.seconds:.1f} s{'' if step.modified else ', changed nothing'})")
            for note in step.notes:
                if note == NOTHING:  # the heading says it
                    continue
                if note.startswith("Warning: "):
                    terminal.warn(note)
                else:
                    terminal.line(f"  {note}")
        terminal.line()
        terminal.table(("", ">before", ">after", ">change"), _rows(document))
        terminal.line()
        if document.comparison is not None:
            for note in document.comparison.notes:
                terminal.line(f"  {note.removeprefix('Warning: ')}")
            for item in document.comparison.outputs:
                if not item.finite:
                    terminal.warn(f"Output {item.name} holds values that are not finite: its comparison says little.")
                elif item.sqnr < FAR:
                    terminal.warn(
                        f"Output {item.name} is far from what it was ({words.decibel(item.sqnr)} SQNR): give real data, or keep more "
                        "of the model as it was ('sardonyx passes' lists what each pass can leave out)."
                    )
        elif document.comparison_note:
            terminal.line(f"  Outputs were not compared: {document.comparison_note}")
        beside = f" (and {', '.join(document.data)})" if document.data else ""
        terminal.line(f"Written to {document.after.path}{beside}")


def _steps(args: argparse.Namespace) -> tuple[Pass, ...]:
    if args.recipe and args.passes:
        raise UsageError("Passes and a recipe exclude each other.", hint="Use --pass or --recipe.")
    if args.recipe:
        steps = recipe.read(Path(args.recipe).expanduser())
    else:
        steps = tuple(_one(text) for text in args.passes)
    if not steps:
        raise UsageError("There is nothing to do.", hint=f"Name a pass with --pass: {', '.join(PASSES.ids())}.")
    return steps


def _one(text: str) -> Pass:
    name, _, values = text.partition(":")
    cls = PASSES[name.strip().replace("-", "_")]
    try:
        return params.from_text(cls, values)
    except UsageError as error:
        raise UsageError(f"--pass {name}: {error.message}", hint=error.hint) from None


def _apply(model: Model, steps: tuple[Pass, ...], folder: Path, terminal: Terminal) -> list[Step]:
    from core.history import apply

    done: list[Step] = []
    for step in steps:
        done.append(terminal.run(apply, done[-1].after if done else model, step, folder / "models", title=step.title))
    return done


def _compare(before: Model, after: Model, spec: DataSpec, labels: str, terminal: Terminal) -> tuple[Comparison | None, str]:
    """A model that cannot be run here may still be what was wanted: then the reason is told. Bad data is an error."""
    from core.compare.outputs import compare
    from core.errors import DataError

    try:
        found: Comparison = terminal.run(compare, before, after, spec, labels, title="Compare outputs")
    except DataError:
        raise
    except AppError as error:
        if spec.path:
            raise
        return None, f"{error.message} {error.hint}".strip()
    return found, ""


def _rows(document: OptimizeDocument) -> list[tuple[str, str, str, str]]:
    a, b = document.summary_before, document.summary_after
    nests = not words.NESTING.isdisjoint(a.ops)  # notes of passes count what is inside too
    rows = [
        ("nodes, outermost" if nests else "nodes", f"{a.nodes:,}", f"{b.nodes:,}", _change(a.nodes, b.nodes)),
        ("parameters", words.count(a.parameters), words.count(b.parameters), _change(a.parameters, b.parameters)),
        ("size", words.size(document.before.size), words.size(document.after.size), _change(document.before.size, document.after.size)),
        ("MACs", words.count(a.macs), words.count(b.macs), _change(a.macs, b.macs)),
        ("precision", a.precision or "-", b.precision or "-", ""),
    ]
    found = document.comparison
    if found is None:
        return rows
    if found.accuracy_a is not None and found.accuracy_b is not None:
        change = f"{100 * (found.accuracy_b - found.accuracy_a):+.2f} pp"
        rows.append(("accuracy", words.percent(found.accuracy_a), words.percent(found.accuracy_b), change))
    for output_error in found.outputs:
        prefix = f"{output_error.name}: " if len(found.outputs) > 1 else ""
        told = "equal" if output_error.equal else words.decibel(output_error.sqnr) + " SQNR"
        rows.append((f"{prefix}largest error", "", words.small(output_error.max_abs), told))
        if output_error.top1 is not None:
            count = f"{found.samples} sample{'s' * (found.samples != 1)}"
            rows.append((f"{prefix}top-1 agreement", "", words.percent(output_error.top1), count))
    return rows


def _change(before: float | None, after: float | None) -> str:
    if before is None or after is None or before == after:
        return ""
    if not before:
        return "new"
    change = 100 * (after - before) / before
    return f"{change:+.1f} %" if abs(change) >= 0.05 else "~0 %"
