"""A backend that behaves as it is told: for tests of everything above backends, and for demonstrations without a runtime."""

from __future__ import annotations

import ctypes
import datetime
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import params
from core.backends.base import Availability, Backend, BuildOptions, Engine, Layer, Runner, publish
from core.errors import BackendError
from core.job import Job
from core.model import Model
from core.params import param

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class FakeOptions(BuildOptions):
    """How long it pretends to take, and how it fails."""

    latency_ms: float = param(1.0, "How long an inference takes", min=0.0, max=60_000.0, unit="ms")
    jitter: float = param(0.0, "Spread of the latency, as a share of it (seeded)", min=0.0, max=10.0)
    build_seconds: float = param(0.0, "How long a build takes", min=0.0, max=3600.0, unit="s")
    outputs: str = param("reference", "What comes out: ONNX's reference evaluation, or zeros", choices=("reference", "zeros"))
    fail_at: str = param("", "Where it refuses", choices=("", "build", "open", "run"))
    crash: str = param("none", "How the process dies, where `crash_at` says", choices=("none", "segfault", "abort", "kill", "hang"))
    crash_at: str = param("build", "Where it dies", choices=("build", "open", "run"))
    seed: int = param(0, "Seed of the jitter", min=0, max=2**31 - 1)


class Fake(Backend):
    """Pretends to build and run; says so in every result."""

    id = "fake"
    title = "Fake"
    order = 900
    hidden = True
    suffix = ".fake"
    Options = FakeOptions

    def available(self) -> Availability:
        """Always."""
        return Availability(True, True, version="1", device="nothing")

    def _build(self, model: Model, options: BuildOptions, path: Path, job: Job) -> Engine:
        assert isinstance(options, FakeOptions)
        import onnx

        from core.model.values import tensor_type

        started = time.perf_counter()
        job.step(0.0, "Pretending")
        _die(options, "build")
        if options.fail_at == "build":
            raise BackendError("The fake backend refused to build.", hint="Set fail_at to nothing.", detail="it was told to")
        end = started + options.build_seconds
        while (left := end - time.perf_counter()) > 0:
            job.step(1 - left / options.build_seconds, "Pretending")
            time.sleep(min(left, 0.02))
        whole = onnx.load(model.path)
        graph = whole.graph
        draft = job.scratch / path.name
        onnx.save(whole, draft)
        size = draft.stat().st_size
        job.step(1.0, "Done")  # the last chance to cancel: what is published stays
        publish(draft, path)
        constants = {tensor.name for tensor in graph.initializer}
        return Engine(
            backend=self.id,
            options=params.to_dict(options),
            path=path,
            model=model,
            size=size,
            seconds=time.perf_counter() - started,
            device="nothing",
            version="1",
            inputs=tuple(tensor_type(value) for value in graph.input if value.name not in constants),
            outputs=tuple(tensor_type(value) for value in graph.output),
            layers=tuple(Layer(node.name, node.op_type, nodes=(node.name,)) for node in graph.node if node.name),
            log=("[W] This engine is pretended.",),
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )

    def _open(self, engine: Engine) -> Runner:
        options = params.from_dict(FakeOptions, engine.options)
        _die(options, "open")
        if options.fail_at == "open":
            raise BackendError("The fake backend refused to open the engine.", hint="Set fail_at to nothing.")
        return FakeRunner(engine, options)


class FakeRunner(Runner):
    """Deterministic outputs after a while that is deterministic too."""

    device = "nothing"
    notes = ("These latencies are pretended.",)

    def __init__(self, engine: Engine, options: FakeOptions) -> None:
        import numpy as np

        self.inputs, self.outputs = engine.inputs, engine.outputs
        self._engine, self._options = engine, options
        self._rng = np.random.default_rng(options.seed)
        self._evaluator: Any = None

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The reference's outputs, or zeros of the right shape."""
        self._wait()
        return self._reference(feeds) if self._options.outputs == "reference" else self._zeros(feeds)

    def prepare(self, feeds: Mapping[str, np.ndarray]) -> Callable[[], object]:
        """The call only waits."""
        return self._wait

    def _wait(self) -> None:
        _die(self._options, "run")
        if self._options.fail_at == "run":
            raise BackendError("The fake backend refused to run.", hint="Set fail_at to nothing.")
        jitter = 1.0 + self._options.jitter * abs(float(self._rng.standard_normal())) if self._options.jitter else 1.0
        end = time.perf_counter() + self._options.latency_ms / 1e3 * jitter
        if self._options.latency_ms * jitter > 2.0:
            time.sleep(self._options.latency_ms / 1e3 * jitter - 0.001)
        while time.perf_counter() < end:
            pass

    def _reference(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self._evaluator is None:
            from onnx.reference import ReferenceEvaluator

            self._evaluator = ReferenceEvaluator(str(self._engine.path))
        names = [item.name for item in self.outputs]
        return dict(zip(names, self._evaluator.run(names, dict(feeds)), strict=True))

    def _zeros(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        import numpy as np

        sizes: dict[str, int] = {}
        for item in self.inputs:
            for dim, size in zip(item.shape or (), feeds[item.name].shape, strict=True):
                if isinstance(dim, str):
                    sizes[dim] = size
        shapes = {
            item.name: tuple(dim if isinstance(dim, int) else sizes.get(dim or "", 1) for dim in item.shape or ()) for item in self.outputs
        }
        return {item.name: np.zeros(shapes[item.name], np.dtype(item.dtype)) for item in self.outputs}


def _die(options: FakeOptions, where: str) -> None:
    """Die for real, in the way that native code dies; only ever where the options say so."""
    if options.crash == "none" or options.crash_at != where:
        return
    if options.crash == "segfault":
        ctypes.string_at(0)
    if options.crash == "abort":
        os.abort()
    if options.crash == "kill":
        os.kill(os.getpid(), 9)
    threading.Event().wait()  # hang
