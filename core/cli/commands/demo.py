"""`sardonyx demo`: the whole loop on the sample that comes with the app."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core import archive, params, recipe
from core.backends import BACKENDS
from core.backends.base import Availability, Engine
from core.bench import BenchPlan, BenchResult, Environment, Stats
from core.cli import display, sample, words
from core.cli.command import Command
from core.cli.place import workshop
from core.cli.terminal import Terminal
from core.cli.window import window
from core.compare import Comparison
from core.data import DataSpec
from core.errors import AppError, BackendError, UsageError
from core.history import Variant
from core.passes import PASSES
from core.session import Session

if TYPE_CHECKING:
    from core.model.opening import Opened

ORT, RTX = "onnxruntime", "tensorrt_rtx"
#: Samples in one inference: with a single 8x8 image the call itself would be most of what is measured.
BATCH = 64
#: Each benchmark is measured in turn with the others, so many times.
ROUNDS = 3
#: Every calibration image of the sample.
CALIBRATION = 256
PLAIN, FOR_CPU = "Simplified", "INT8 for the CPU"
DOCUMENT, RECIPE, DATA = "demo.json", "recipe.toml", "data"


@dataclass(frozen=True)
class DemoRow:
    """One variant of the sample. `agreement`: share of the samples that it classifies as the original does (null for that
    itself); `accuracy` on the held-out images; what was not built or measured is null."""

    variant: str
    title: str
    nodes: int
    size: int
    precision: str
    accuracy: float | None
    agreement: float | None
    onnxruntime: Stats | None
    tensorrt_rtx_size: int | None
    tensorrt_rtx_seconds: float | None
    tensorrt_rtx: Stats | None


@dataclass(frozen=True)
class DemoDocument:
    """What the demonstration did. `folder` is the session that it left behind; latencies are of `batch` samples at once, each
    the least disturbed of three rounds in turn;
    `notes` says what could not be done here and why; `problems` what should have worked and did not (exit code 1)."""

    folder: Path
    rows: tuple[DemoRow, ...]
    backends: dict[str, Availability]
    batch: int
    samples: int
    environment: Environment | None
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float


@dataclass
class Loop:
    """The demonstration while it runs: the open session, and what there is to say so far."""

    session: Session
    terminal: Terminal
    plan: BenchPlan
    backends: dict[str, Availability]
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Demo(Command):
    """Shows the whole loop."""

    id = "demo"
    help = "The whole loop on the sample: inspect, simplify, INT8, build, race, and what it cost."
    order = 90
    Document = DemoDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--out", metavar="FOLDER", help="where the session goes, a new or an empty folder (default: your data folder)")
        parser.add_argument(
            "--duration", metavar="S", type=float, default=3.0, help="how long each benchmark measures, in three rounds (default 3 s)"
        )
        parser.add_argument("--no-window", action="store_true", help="do not open the window on the result")

    def run(self, args: argparse.Namespace, terminal: Terminal) -> DemoDocument:
        begin = time.perf_counter()
        plan = params.from_dict(BenchPlan, {"seconds": args.duration, "batch": BATCH})
        target = _target(args.out)
        with workshop(target) as folder:
            loop = _open(folder / "session", plan, terminal)
            original = loop.session.history["v0"]
            plain = _apply(loop, original, "simplify", PLAIN)
            calibration = str(loop.session.folder / DATA / "calibration.npz")
            for_cpu = _apply(loop, plain, "quantize_int8", FOR_CPU, profile="cpu", data=calibration, samples=CALIBRATION)
            for_rtx = _apply(loop, plain, "quantize_int8", "INT8 for TensorRT", profile="tensorrt", data=calibration, samples=CALIBRATION)
            _race(loop, _built(loop, (original, plain, for_cpu), ORT))
            _race(loop, _built(loop, (plain, for_rtx), RTX))
            for variant in (plain, for_cpu, for_rtx):
                _judge(loop, original, variant)
            document = _document(loop, target, time.perf_counter() - begin)
            loop.session.history.goto(for_cpu.id)
            recipe.write(recipe.of(loop.session.history, for_cpu.id), loop.session.folder / RECIPE)
            loop.session.save()
            loop.session.close()
            self.keep(document, loop.session.folder / DOCUMENT)
            _deliver(loop.session.folder, target)
        return document

    def keep(self, document: DemoDocument, path: Path) -> None:
        """Write the JSON document of this run beside the session."""
        from core.schemas import envelope

        archive.write_json(path, envelope(self.id, document, self.version), durable=False)

    def show(self, document: DemoDocument, terminal: Terminal) -> None:
        terminal.line()
        terminal.heading("A residual CNN on handwritten digits, from float32 to engines")
        where = document.environment
        if where is not None:
            terminal.line(f"{where.cpu}, {where.cores} cores{', ' + where.gpu if where.gpu else ''}, load {where.load:.2f}")
        terminal.line(f"accuracy on {document.samples} held-out images; median latency in ms of {document.batch} images at once,")
        terminal.line(f"the least disturbed of {ROUNDS} rounds in turn")
        terminal.line()
        columns = (
            "variant",
            ">nodes",
            ">size",
            "precision",
            ">accuracy",
            ">same answer",
            ">ONNX Runtime",
            ">speed",
            ">RTX engine",
            ">RTX build",
            ">TensorRT-RTX",
        )
        base = next((row.onnxruntime.p50 for row in document.rows if row.onnxruntime is not None), None)
        rows = []
        for row in document.rows:
            ort = row.onnxruntime
            rows.append(
                (
                    row.title,
                    str(row.nodes),
                    words.size(row.size),
                    row.precision,
                    words.percent(row.accuracy),
                    words.percent(row.agreement),
                    words.ms(ort.p50) if ort is not None else "-",
                    f"{base / ort.p50:.2f}x" if base and ort is not None and ort.p50 else "-",
                    words.size(row.tensorrt_rtx_size) if row.tensorrt_rtx_size is not None else "-",
                    f"{row.tensorrt_rtx_seconds:.2f} s" if row.tensorrt_rtx_seconds is not None else "-",
                    words.ms(row.tensorrt_rtx.p50) if row.tensorrt_rtx is not None else "-",
                )
            )
        shown = [n for n in range(len(columns)) if any(row[n] != "-" for row in rows)]  # no column for what cannot be run here
        terminal.table([columns[n] for n in shown], [[row[n] for n in shown] for row in rows])
        terminal.line()
        for note in document.notes:
            terminal.line(note)
        for problem in document.problems:
            terminal.error(problem)
        terminal.line(f"The session, its engines, {RECIPE} and {DOCUMENT} are in {document.folder}")

    def after(self, document: DemoDocument, args: argparse.Namespace, terminal: Terminal) -> None:
        if args.no_window or terminal.json:
            return
        if not display.has_display():
            terminal.line(f"There is no display here; where there is one: sardonyx gui {document.folder}")
            return
        terminal.close()
        window(document.folder)

    def exit_code(self, document: DemoDocument) -> int:
        return 1 if document.problems else 0


def _target(text: str | None) -> Path:
    """Where the session will be; the folder above it is made, it itself must be new or empty."""
    path = Path(text).expanduser().absolute() if text else archive.new_folder("digits-demo")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} is not empty.", hint="Choose a new or an empty folder with --out.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AppError(f"{path.parent} cannot be made: {error.strerror}.", hint="Choose another folder with --out.") from error
    return path


def _deliver(made: Path, target: Path) -> None:
    """The finished session in its place, in one rename."""
    try:
        if target.exists():
            target.rmdir()
        os.replace(made, target)
    except OSError as error:
        raise AppError(f"{target} cannot be written: {error.strerror}.", hint="Choose another folder with --out.") from error


def _open(folder: Path, plan: BenchPlan, terminal: Terminal) -> Loop:
    from core.backends.tasks import availability
    from core.model.opening import open_model

    opened: Opened = terminal.run(open_model, sample.path("digits.onnx"), title="Inspect the sample")
    backends: dict[str, Availability] = terminal.run(availability, title="Look at the backends")
    open_session = Session.start(opened, folder)
    (folder / DATA).mkdir()
    shutil.copyfile(sample.path("calibration.npz"), folder / DATA / "calibration.npz")
    shutil.copyfile(sample.path("digits.npz"), folder / DATA / "evaluation.npz")
    return Loop(open_session, terminal, plan, {id: backends[id] for id in (ORT, RTX) if id in backends})


def _apply(loop: Loop, variant: Variant, pass_id: str, title: str, **values: object) -> Variant:
    from core.history import apply

    step = params.from_dict(PASSES[pass_id], values)
    done = loop.terminal.run(apply, variant.model, step, loop.session.models, title=title)
    return loop.session.history.rename(loop.session.history.commit(done, variant.id).id, title)


def _built(loop: Loop, variants: tuple[Variant, ...], backend_id: str) -> list[tuple[Variant, Engine]]:
    """An engine of each variant, those that can be run here returned; what cannot be done here becomes a note."""
    from core.backends.tasks import build

    state = loop.backends.get(backend_id)
    title = BACKENDS[backend_id].title if backend_id in BACKENDS else backend_id
    if state is None or not state.can_build:
        reason = f"{state.reason} {state.hint}" if state is not None else BACKENDS.broken.get(backend_id, "it was not found")
        loop.notes.append(f"{title} was left out: {reason}".strip())
        return []
    options = params.to_dict(BACKENDS[backend_id].Options())
    engines = []
    for variant in variants:
        path = loop.session.engines / f"{variant.id}-{backend_id}{BACKENDS[backend_id].suffix}"
        try:
            engine: Engine = loop.terminal.run(build, variant.model, backend_id, options, path, title=f"Build {variant.title} with {title}")
        except BackendError as error:
            loop.problems.append(f"{variant.title} with {title}: {error.message} {error.hint}".strip())
            continue
        loop.session.add_engine(variant.id, engine)
        engines.append((variant, engine))
    if engines and not state.can_run:
        loop.notes.append(f"{title} built its engines, but cannot run them here: {state.reason}. {_where(state)}".strip())
        return []
    return engines


def _where(state: Availability) -> str:
    return state.hint.removeprefix("Engines can be built here. ")  # they were, just now


def _race(loop: Loop, engines: list[tuple[Variant, Engine]]) -> None:
    """Measure each in turn, several rounds, and keep its least disturbed one: what else a machine does comes in bursts."""
    from core.bench.run import bench

    plan = dataclasses.replace(loop.plan, seconds=max(loop.plan.seconds / ROUNDS, 0.05))
    best: dict[str, BenchResult] = {}
    for number in range(1, ROUNDS + 1):
        for variant, engine in engines:
            title = f"Benchmark {variant.title} with {BACKENDS[engine.backend].title}, round {number} of {ROUNDS}"
            try:
                result: BenchResult = loop.terminal.run(bench, engine, plan, title=title, quiet=True)
            except BackendError as error:
                loop.problems.append(f"{title}: {error.message} {error.hint}".strip())
                return
            if variant.id not in best or result.stats.p50 < best[variant.id].stats.p50:
                best[variant.id] = result
    for id, result in best.items():
        loop.session.add_bench(id, result)
        for note in result.notes:
            if note.startswith("Warning: ") and "p99" not in note:  # the table has medians only
                loop.notes.append(f"{loop.session.history[id].title}: {note.removeprefix('Warning: ')}")


def _judge(loop: Loop, original: Variant, variant: Variant) -> None:
    from core.compare.outputs import compare

    spec = DataSpec(path=str(loop.session.folder / DATA / "evaluation.npz"), limit=100_000, batch=BATCH)
    found: Comparison = loop.terminal.run(compare, original.model, variant.model, spec, "", title=f"Accuracy of {variant.title}")
    loop.session.add_comparison(variant.id, found, original.id)


def _document(loop: Loop, target: Path, seconds: float) -> DemoDocument:
    results = loop.session.results
    loop.notes += _slower(loop)
    benches = [bench for each in results.benches.values() for bench in each]
    compared = [item for each in results.comparisons.values() for item in each]
    return DemoDocument(
        folder=target,
        rows=tuple(_row(loop, variant) for variant in loop.session.history.variants.values()),
        backends=loop.backends,
        batch=BATCH,
        samples=compared[0].samples if compared else 0,
        environment=benches[0].environment if benches else None,
        notes=tuple(loop.notes),
        problems=tuple(loop.problems),
        seconds=seconds,
    )


def _slower(loop: Loop) -> list[str]:
    """Why INT8 did not pay on this processor, when it did not."""
    medians = {loop.session.history[id].title: found[-1].stats.p50 for id, found in loop.session.results.benches.items() if found}
    plain, small = medians.get(PLAIN), medians.get(FOR_CPU)
    if plain is None or small is None or small < plain:
        return []
    return [
        f"{FOR_CPU} is smaller but not faster here: 8-bit kernels pay off on processors with 8-bit dot products (VNNI on x86), "
        "and on larger models than this one."
    ]


def _row(loop: Loop, variant: Variant) -> DemoRow:
    results = loop.session.results
    stats = {bench.backend: bench.stats for bench in results.benches.get(variant.id, ())}
    rtx = next((engine for engine in loop.session.engines_of(variant.id) if engine.backend == RTX), None)
    comparisons = results.comparisons.get(variant.id, ())
    return DemoRow(
        variant=variant.id,
        title=variant.title,
        nodes=variant.summary.nodes,
        size=variant.model.size,
        precision=variant.summary.precision,
        accuracy=loop.session.accuracy(variant.id),
        agreement=comparisons[-1].outputs[0].top1 if comparisons else None,
        onnxruntime=stats.get(ORT),
        tensorrt_rtx_size=rtx.size if rtx is not None else None,
        tensorrt_rtx_seconds=rtx.seconds if rtx is not None else None,
        tensorrt_rtx=stats.get(RTX),
    )
