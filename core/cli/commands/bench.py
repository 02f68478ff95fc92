"""`sardonyx bench`: race models and engines."""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import params, record
from core.backends import BACKENDS
from core.backends.base import Engine
from core.bench import BenchPlan, BenchResult
from core.cli import words
from core.cli.command import Command, add_params, existing, from_params, options
from core.cli.terminal import Terminal
from core.errors import UsageError

if TYPE_CHECKING:
    from core.model.opening import Opened


@dataclass(frozen=True)
class BenchEntry:
    """One contestant: the file that was named, and what was measured (`latencies` in ms is empty without --latencies)."""

    path: Path
    result: BenchResult


@dataclass(frozen=True)
class BenchDocument:
    """Every benchmark, in the order given; one ran after the other."""

    benches: tuple[BenchEntry, ...]


class Bench(Command):
    """Measures latency."""

    id = "bench"
    help = "Measure the latency of models (built on the fly) and engines, one after the other."
    order = 60
    Document = BenchDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("targets", metavar="MODEL|ENGINE", nargs="+", help="an .onnx file, or an engine that 'sardonyx build' wrote")
        parser.add_argument("--backend", metavar="B", default="onnxruntime", help="builds the models (default onnxruntime)")
        parser.add_argument(
            "--option", metavar="KEY=VALUE", action="append", default=[], help="an option of the backend; again for the next"
        )
        parser.add_argument("--latencies", action="store_true", help="put every measured latency into the JSON document")
        add_params(parser, BenchPlan, title="what is measured", names={"seconds": ("--duration",)})

    def run(self, args: argparse.Namespace, terminal: Terminal) -> BenchDocument:
        plan = from_params(args, BenchPlan)
        backend = BACKENDS[args.backend]
        chosen = params.to_dict(options(backend.Options, args.option))
        paths = [existing(target) for target in args.targets]
        if plan.data:
            plan = dataclasses.replace(plan, data=str(existing(plan.data)))
        engines = {path: record.read(path) for path in paths if _is_engine(path)}
        entries = []
        with tempfile.TemporaryDirectory(prefix="sardonyx-bench-") as folder:
            for number, path in enumerate(paths):
                engine = engines.get(path) or _build(path, backend.id, chosen, Path(folder) / f"{number}{backend.suffix}", terminal)
                entries.append(BenchEntry(path, _bench(engine, plan, path.name, terminal)))
        if not args.latencies:
            entries = [dataclasses.replace(e, result=dataclasses.replace(e.result, latencies=())) for e in entries]
        return BenchDocument(tuple(entries))

    def show(self, document: BenchDocument, terminal: Terminal) -> None:
        first = document.benches[0].result
        where = first.environment
        terminal.line(
            f"{where.cpu}, {where.cores} cores{', ' + where.gpu if where.gpu else ''}, load {where.load:.2f}; inputs: {first.data}"
        )
        terminal.line("latency in ms; the interval of the median holds with 95 % confidence")
        terminal.line()
        rows = []
        for entry in document.benches:
            result, stats = entry.result, entry.result.stats
            rows.append(
                (
                    entry.path.name,
                    result.backend,
                    words.ms(stats.p50),
                    f"{words.ms(stats.p50_low)} .. {words.ms(stats.p50_high)}",
                    words.ms(stats.p90),
                    words.ms(stats.p95),
                    words.ms(stats.p99),
                    words.ms(stats.p999),
                    f"{stats.throughput:,.1f}",
                    f"{stats.count:,}",
                    f"{first.stats.p50 / stats.p50:.2f}x" if stats.p50 else "-",
                )
            )
        terminal.table(
            ("file", "backend", ">p50", ">interval", ">p90", ">p95", ">p99", ">p99.9", ">inferences/s", ">measured", ">speed"), rows
        )
        terminal.line()
        notes = [set(entry.result.notes) for entry in document.benches]
        shared = set.intersection(*notes) if len(notes) > 1 else set()
        for entry in document.benches:
            for note in entry.result.notes:
                if note not in shared:
                    _tell(note, f"{entry.path.name}: " if len(notes) > 1 else "", terminal)
        for note in first.notes:
            if note in shared:  # what holds for all is said once
                _tell(note, "", terminal)


def _tell(note: str, prefix: str, terminal: Terminal) -> None:
    if note.startswith("Warning: "):
        terminal.warn(prefix + note.removeprefix("Warning: "))
    else:
        terminal.line(prefix + note)


def _is_engine(path: Path) -> bool:
    if record.place(path).exists():
        return True
    if path.suffix.lower() == ".onnx":
        return False
    raise UsageError(
        f"{path.name} is neither an .onnx file nor an engine with its record ({record.place(path).name}) beside it.",
        hint="Build engines with 'sardonyx build', and keep both files together.",
    )


def _build(path: Path, backend: str, chosen: dict[str, object], out: Path, terminal: Terminal) -> Engine:
    from core.backends.tasks import build
    from core.model.opening import open_model

    opened: Opened = terminal.run(open_model, path, title=f"Open {path.name}")
    engine: Engine = terminal.run(build, opened.model, backend, chosen, out, title=f"Build {path.name} with {BACKENDS[backend].title}")
    return engine


def _bench(engine: Engine, plan: BenchPlan, name: str, terminal: Terminal) -> BenchResult:
    from core.bench.run import bench

    result: BenchResult = terminal.run(bench, engine, plan, title=f"Benchmark {name}", quiet=True)
    return result
