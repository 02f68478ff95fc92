"""Results as a benchmark or a comparison leaves them, for panels that only show them."""

from __future__ import annotations

from core.bench import BenchPlan, BenchResult
from core.bench.environment import environment
from core.bench.stats import stats
from core.model import Model
from core.params import to_dict


def measured(model: Model, median_ms: float, created: str = "2026-11-22T10:00:00+00:00") -> BenchResult:
    """A benchmark whose latencies are `median_ms` give or take 2 %."""
    latencies = tuple(median_ms * (1 + 0.02 * ((i * 7919) % 101 - 50) / 50) for i in range(1001))
    return BenchResult(
        backend="fake",
        options={},
        plan=to_dict(BenchPlan()),
        fingerprint=model.fingerprint,
        engine_size=model.size,
        stats=stats(latencies, sum(latencies) / 1e3),
        latencies=latencies,
        shapes={"x": (1, 3, 8, 8)},
        data="seeded random (seed 0)",
        environment=environment(),
        created=created,
    )
