"""Latency: how it is measured (`run`), and what is said of it (`stats`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.params import param

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class BenchPlan:
    """What a benchmark does: warm up, then measure single inferences in a closed loop until time or count is reached."""

    seconds: float = param(5.0, "How long to measure", title="Measure for", min=0.05, max=3600.0, step=1.0, unit="s")
    warmup: float = param(0.5, "How long to run before measuring", title="Warm-up", min=0.0, max=600.0, step=0.5, unit="s")
    batch: int = param(1, "What symbolic batch dims become", min=1, max=65536)
    dim: int = param(64, "What other symbolic dims become", title="Other dims", min=1, max=1_000_000, advanced=True)
    samples: int = param(0, "Stop after this many inferences (0: no limit)", title="Most inferences", min=0, max=100_000_000, advanced=True)
    data: str = param("", "Folder or .npz file with inputs (empty: seeded random)", kind="path", title="Inputs")
    seed: int = param(0, "Seed of random inputs", min=0, max=2**31 - 1, advanced=True)


@dataclass(frozen=True)
class Samples:
    """A batch of measurements, as `job.emit` streams it about 30 times a second.

    `times`: float64 seconds since its phase began, at the end of each inference; `latencies`: float64 seconds.
    `phase` is `warmup` or `measure`.
    """

    phase: str
    times: np.ndarray
    latencies: np.ndarray


@dataclass(frozen=True)
class Stats:
    """Latency statistics in milliseconds (percentiles by linear interpolation), throughput in inferences per second."""

    count: int
    mean: float
    std: float
    min: float
    p50: float
    p90: float
    p95: float
    p99: float
    p999: float
    max: float
    throughput: float
    p50_low: float
    p50_high: float


@dataclass(frozen=True)
class Environment:
    """Where a number was measured; a latency is never stored without it."""

    machine: str
    cpu: str
    cores: int
    memory: int
    os: str
    python: str
    governor: str
    gpu: str
    driver: str
    load: float
    versions: dict[str, str]


@dataclass(frozen=True)
class BenchResult:
    """One benchmark of one engine. `latencies` holds milliseconds, at most 20,000 of them (evenly thinned when there
    were more; `stats` counts all)."""

    backend: str
    options: dict[str, Any]
    plan: dict[str, Any]
    fingerprint: str
    engine_size: int
    stats: Stats
    latencies: tuple[float, ...]
    shapes: dict[str, tuple[int, ...]]
    data: str
    environment: Environment
    created: str
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
