"""A benchmark: open an engine, warm it up, time single inferences, and say how far the numbers can be trusted."""

from __future__ import annotations

import datetime
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import params
from core.backends import BACKENDS
from core.backends.base import Engine
from core.bench import BenchPlan, BenchResult, Environment, Stats
from core.bench.environment import environment
from core.bench.loop import MOST, Measured, measure
from core.bench.stats import quantile, stats
from core.data import DataSpec
from core.data.feeds import feeds as make_feeds
from core.errors import DataError
from core.job import Job
from core.model import TensorType

if TYPE_CHECKING:
    import numpy as np

#: As many latencies as a result carries.
KEPT = 20_000
_SPREAD = 0.05  # standard deviation over mean that is still called steady
_DRIFT = 0.05  # between the medians of the two halves
_OTHERS = 0.10  # share of the processors that other programs may use


def bench(engine: Engine, plan: BenchPlan, job: Job) -> BenchResult:
    """Measure `engine` as `plan` says (a task); streams `Samples` and returns statistics with their environment.

    Raises `BackendError` when the engine does not open or run, `DataError` when inputs cannot be had.
    """
    params.validate(plan)
    place = environment()
    job.step(0.0, "Opening the engine")
    with BACKENDS[engine.backend]().open(engine) as runner:
        inputs, description, random = first_batch(runner.inputs, plan)
        job.step(0.03, "Preparing the inputs")
        call = runner.prepare(inputs)
        with runner.guard():
            if plan.warmup > 0:
                measure(call, plan.warmup, job.part(0.05, 0.15), phase="warmup")
            busy = _Busy()
            measured = measure(call, plan.seconds, job.part(0.15, 0.98), limit=plan.samples)
            others = busy.others()
        notes, device = list(runner.notes), runner.device
    job.step(0.98, "Counting")
    found = stats(measured.latencies * 1e3, measured.seconds)
    if random:
        notes.append("Inputs are seeded random; an engine whose work depends on its inputs may take longer or shorter on real ones.")
    return BenchResult(
        backend=engine.backend,
        options=engine.options,
        plan=params.to_dict(plan),
        fingerprint=engine.model.fingerprint,
        engine_size=engine.size,
        stats=found,
        latencies=thinned(measured.latencies * 1e3),
        shapes={name: tuple(int(dim) for dim in array.shape) for name, array in inputs.items()},
        data=description,
        environment=place,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        notes=(*notes, *cautions(measured, found, place, others)),
        extra={"device": device, "others": round(others, 4), "seconds": measured.seconds},
    )


def first_batch(inputs: tuple[TensorType, ...], plan: BenchPlan) -> tuple[dict[str, np.ndarray], str, bool]:
    """The batch that is measured again and again, where it comes from, and whether it is random."""
    import numpy as np

    source = make_feeds(inputs, DataSpec(path=plan.data, limit=plan.batch, seed=plan.seed, batch=plan.batch, dim=plan.dim))
    for batch in source:
        return {name: np.ascontiguousarray(array) for name, array in batch.items()}, source.description, source.random
    raise DataError("There is not one sample to measure with.", hint="Choose other data, or leave it empty for random inputs.")


def thinned(latencies_ms: np.ndarray, most: int = KEPT) -> tuple[float, ...]:
    """At most `most` of the latencies, evenly spaced over the run, the first and the last among them."""
    import numpy as np

    if latencies_ms.size > most:
        latencies_ms = latencies_ms[np.linspace(0, latencies_ms.size - 1, most).round().astype(np.int64)]
    return tuple(latencies_ms.tolist())


def cautions(measured: Measured, found: Stats, place: Environment, others: float) -> tuple[str, ...]:
    """What keeps these numbers from being trusted, each with what to do about it."""
    notes = []
    if others > _OTHERS:
        notes.append(f"Warning: other programs used {others:.0%} of the processors meanwhile; close them and measure again.")
    elif place.load > place.cores:
        notes.append(f"Warning: the machine was busy just before (load {place.load:.1f} on {place.cores} cores).")
    if found.count < 100:
        notes.append(f"Warning: p99 and p99.9 cannot be told from so few inferences ({found.count}); measure longer.")
    elif found.count < 1000:
        notes.append(f"p99.9 cannot be told from so few inferences ({found.count}); measure longer.")
    if found.count > 1 and found.std / found.mean > _SPREAD:
        spread = found.std / found.mean
        notes.append(f"Latencies vary by {spread:.0%} (standard deviation over mean): compare medians, not means.")
    drift = _drift(measured.latencies)
    if abs(drift) > _DRIFT:
        way = "slower" if drift > 0 else "faster"
        notes.append(f"Warning: the second half was {abs(drift):.0%} {way} than the first (heat, clocks or other work); measure longer.")
    if place.governor and place.governor not in ("performance", "schedutil"):
        notes.append(f"The processor's frequency governor is '{place.governor}'; 'performance' gives steadier numbers.")
    if found.count >= MOST:
        notes.append(f"Stopped after {MOST:,} inferences.")
    return tuple(notes)


def _drift(latencies: np.ndarray) -> float:
    import numpy as np

    if latencies.size < 20:
        return 0.0
    middle = latencies.size // 2
    first, second = (quantile(np.sort(half), 0.5) for half in (latencies[:middle], latencies[middle:]))
    return second / first - 1.0 if first > 0 else 0.0


@dataclass
class _Busy:
    """How much of the processors others use, from now until `others` is asked."""

    def __post_init__(self) -> None:
        self._busy, self._own, self._wall = _busy_seconds(), time.process_time(), time.perf_counter()

    def others(self) -> float:
        """The share, 0 to 1, of this machine's processor time that other processes used."""
        wall = time.perf_counter() - self._wall
        own = time.process_time() - self._own
        used = _busy_seconds() - self._busy - own
        return min(1.0, max(0.0, used / (wall * (os.cpu_count() or 1)))) if wall > 0 else 0.0


def _busy_seconds() -> float:
    import psutil

    times = psutil.cpu_times()
    return float(sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal")))
