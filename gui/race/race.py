"""A race: contestants measured one after the other, each with the machine to itself."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core import params
from core.backends import BACKENDS
from core.backends import tasks as backend_tasks
from core.backends.base import Engine
from core.bench import BenchPlan, BenchResult
from core.bench.run import bench
from core.errors import Cancelled
from core.session import Session
from gui.context import Context
from gui.engines import naming as engines
from gui.jobs import JobHandle

#: What a variant is built with when nothing was built yet, so that one click is enough, and the one in the settings does
#: not run here.
DEFAULT_BACKEND = "onnxruntime"


def usual_backend(ctx: Context) -> str:
    """The backend in the settings where it builds and runs here, else ONNX Runtime."""
    chosen = ctx.settings.backend
    state = ctx.services.get("availability", {}).get(chosen)
    return chosen if chosen in BACKENDS and state is not None and state.can_build and state.can_run else DEFAULT_BACKEND


@dataclass(frozen=True)
class Contestant:
    """Who runs: an engine of a variant, or (None) one that is built first with `backend` as it comes."""

    key: str
    title: str
    variant: str
    engine: Engine | None
    backend: str = DEFAULT_BACKEND


class Race(QObject):
    """Runs `contestants` in order. A contestant that fails is told by `failed` and the race goes on with the next.

    Everything that is measured goes into the session, also when the race is stopped later.
    """

    #: The contestant whose job begins, and the job.
    began = Signal(str, JobHandle)
    #: The contestant and a `core.bench.Samples`.
    samples = Signal(str, object)
    #: The contestant and its `BenchResult`.
    measured = Signal(str, object)
    #: The contestant and the exception.
    failed = Signal(str, object)
    #: Nothing more will come.
    over = Signal()

    def __init__(self, ctx: Context, session: Session, contestants: tuple[Contestant, ...], plan: BenchPlan, parent: QObject) -> None:
        super().__init__(parent)
        self.ctx = ctx
        self.session = session
        self.plan = plan
        self.contestants = contestants
        self.handle: JobHandle | None = None
        self.running = False
        self._left = list(contestants)

    def start(self) -> None:
        """Begin with the first."""
        self.running = True
        self._next()

    def stop(self) -> None:
        """End the current job and start no other."""
        self._left.clear()
        if self.handle is not None and not self.handle.over:
            self.handle.cancel()

    def _next(self) -> None:
        if not self._left:
            if self.running:
                self.running = False
                self.over.emit()
            return
        contestant = self._left.pop(0)
        if contestant.variant not in self.session.history.variants:
            self._next()  # removed meanwhile
        elif contestant.engine is None:
            self._build(contestant)
        else:
            self._bench(contestant, contestant.engine)

    def _build(self, contestant: Contestant) -> None:
        variant = self.session.history[contestant.variant]
        backend = contestant.backend
        options = params.to_dict(BACKENDS[backend].Options())

        def built(engine: Engine) -> None:
            if variant.id in self.session.history.variants:
                self.session.add_engine(variant.id, engine)
                self._bench(contestant, engine)
            else:
                self._next()

        handle = self.ctx.jobs.start(
            backend_tasks.build,
            variant.model,
            backend,
            options,
            engines.place(self.session, variant, backend, options),
            title=f"Build {variant.title} with {engines.backend_title(backend)}",
            short=f"Build {variant.title}",
            on_done=built,
            on_error=lambda error: self._fail(contestant, error),
        )
        self._take(contestant, handle)

    def _bench(self, contestant: Contestant, engine: Engine) -> None:
        def done(result: BenchResult) -> None:
            if contestant.variant in self.session.history.variants:
                self.session.add_bench(contestant.variant, result)
            self.measured.emit(contestant.key, result)
            self._next()

        handle = self.ctx.jobs.start(
            bench,
            engine,
            self.plan,
            title=f"Race {contestant.title}",
            short=f"Race {self.session.history[contestant.variant].title}",
            on_done=done,
            on_error=lambda error: self._fail(contestant, error),
            on_emit=lambda samples: self.samples.emit(contestant.key, samples),
            exclusive=True,
        )
        self._take(contestant, handle)

    def _take(self, contestant: Contestant, handle: JobHandle) -> None:
        self.handle = handle
        handle.ended.connect(lambda: self._cancelled(handle))
        self.began.emit(contestant.key, handle)

    def _fail(self, contestant: Contestant, error: Exception) -> None:
        if not isinstance(error, Cancelled):
            self.failed.emit(contestant.key, error)
        self._next()

    def _cancelled(self, handle: JobHandle) -> None:
        if handle is self.handle and handle.state == "cancelled":
            self._left.clear()
            self._next()
