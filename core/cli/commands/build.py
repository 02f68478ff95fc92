"""`sardonyx build`: turn a model into an engine."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import params, record
from core.backends import BACKENDS
from core.backends.base import Engine
from core.cli import words
from core.cli.command import Command, existing, options
from core.cli.place import deliver, output, workshop
from core.cli.terminal import Terminal
from core.errors import UsageError

if TYPE_CHECKING:
    from core.model.opening import Opened


@dataclass(frozen=True)
class BuildDocument:
    """An engine as it was built, and the record beside it that `bench` reads."""

    engine: Engine
    record: Path


class Build(Command):
    """Builds an engine."""

    id = "build"
    help = "Build an engine from a model, with a record beside it."
    order = 50
    Document = BuildDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="an .onnx file")
        parser.add_argument(
            "--backend", metavar="B", default="onnxruntime", help="which backend (default onnxruntime); 'sardonyx doctor' lists them"
        )
        parser.add_argument(
            "-o", "--output", metavar="ENGINE", required=True, help="where to write the engine (replaced as a whole if it is there)"
        )
        parser.add_argument(
            "--option", metavar="KEY=VALUE", action="append", default=[], help="an option of the backend; again for the next"
        )
        parser.epilog = _listed()

    def run(self, args: argparse.Namespace, terminal: Terminal) -> BuildDocument:
        from core.backends.tasks import build
        from core.model.opening import open_model

        backend = BACKENDS[args.backend]
        chosen = params.to_dict(options(backend.Options, args.option))
        source = existing(args.model)
        out = output(args.output, source)
        if record.place(out).resolve() == source.resolve():
            raise UsageError("The engine's record would replace the model.", hint="Choose another -o.")
        opened: Opened = terminal.run(open_model, source, title=f"Open {source.name}")
        with workshop(out) as folder:
            made: Engine = terminal.run(build, opened.model, backend.id, chosen, folder / out.name, title=f"Build with {backend.title}")
            deliver(made.path, out)
        engine = dataclasses.replace(made, path=out)
        return BuildDocument(engine, record.write(engine))

    def show(self, document: BuildDocument, terminal: Terminal) -> None:
        engine = document.engine
        terminal.heading(f"{engine.path.name}: {BACKENDS[engine.backend].title} {engine.version}")
        terminal.line(f"  {'size':<10} {words.size(engine.size)} (model {words.size(engine.model.size)})")
        terminal.line(f"  {'built in':<10} {engine.seconds:.2f} s")
        terminal.line(f"  {'for':<10} {engine.device or 'this machine'}")
        if engine.layers:
            terminal.line(f"  {'layers':<10} {len(engine.layers)}")
        for item in engine.inputs:
            terminal.line(f"  {'input':<10} {item.name}  {item.text()}")
        for item in engine.outputs:
            terminal.line(f"  {'output':<10} {item.name}  {item.text()}")
        terminal.line(f"Written to {engine.path} (and {document.record.name})")


def _listed() -> str:
    """The options of every backend, for `--help`."""
    lines = ["options of the backends:"]
    for backend in BACKENDS:
        if backend.hidden:
            continue
        lines.append(f"  {backend.id} ({backend.title})")
        rows = []
        for spec in params.specs(backend.Options):
            accepts = f" [{'|'.join(spec.choices)}]" if spec.choices else ""
            rows.append((f"    {spec.name}={words.value(spec.default)}", f"{spec.help}{accepts}"))
        width = max(len(left) for left, _ in rows)
        lines += [f"{left:<{width}}  {right}" for left, right in rows]
    return "\n".join(lines)
