"""What a race comes to in words and rows: who is faster, with how much certainty, measured where."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.bench import BenchResult, Stats
from core.session import Session
from gui import figures
from gui.engines import naming as engines
from gui.race.race import DEFAULT_BACKEND, Contestant

if TYPE_CHECKING:
    from gui.plots.series import Counts

#: Columns of the table: id, head, tip.
PERCENTILES = (
    ("p50", "p50", "Median: half of the inferences were faster"),
    ("p90", "p90", "Nine of ten were faster"),
    ("p95", "p95", "19 of 20 were faster"),
    ("p99", "p99", "99 of 100 were faster"),
    ("p999", "p99.9", "999 of 1000 were faster"),
)


def contestants(session: Session, backend: str = DEFAULT_BACKEND) -> list[Contestant]:
    """Who could race: engines of the current variant first, then of the original, then of the others; a variant without
    an engine for `backend` can be built when the race starts."""
    history = session.history
    order = [id for id in (history.head, history.root.id if history.root else None) if id is not None]
    order += [id for id in history.variants if id not in order]
    found: list[Contestant] = []
    for id in dict.fromkeys(order):
        variant = history[id]
        built = session.engines_of(id)
        if not any(engine.backend == backend for engine in built):
            found.append(Contestant(f"{id}:default", f"{variant.title} · {engines.backend_title(backend)}", id, None, backend))
        found += [Contestant(f"{id}:{engine.path.name}", f"{variant.title} · {engines.title(engine)}", id, engine) for engine in built]
    return found


def names(session: Session, contestants: Sequence[Contestant]) -> dict[str, str]:
    """What contestants are called by their key: the backend is left out where all have the same, the variant likewise."""
    variants = {each.variant for each in contestants}
    backends = {each.title.rpartition(" · ")[2] for each in contestants}
    if len(contestants) > 1 and len(backends) == 1:
        return {each.key: session.history[each.variant].title for each in contestants}
    if len(contestants) > 1 and len(variants) == 1:
        return {each.key: each.title.rpartition(" · ")[2] for each in contestants}
    return {each.key: each.title for each in contestants}


def row(title: str, stats: Stats) -> tuple[Any, ...]:
    """A row of the table from final statistics."""
    interval = f"{stats.p50_low:.4g} – {stats.p50_high:.4g}{figures.THIN}ms"
    return (title, stats.p50, stats.p90, stats.p95, stats.p99, stats.p999, stats.mean, stats.throughput, stats.count, interval)


def live_row(title: str, counts: Counts) -> tuple[Any, ...]:
    """A row of the table while the race runs: percentiles from the bins, the rest later."""
    shares = (0.5, 0.9, 0.95, 0.99, 0.999)
    return (title, *(counts.quantile(share) for share in shares), None, None, counts.total, "")


def sentence(done: list[tuple[str, BenchResult]]) -> tuple[str, str]:
    """Who is fastest against who is next, and the role (colour) of the words; only a difference beyond chance is a win."""
    from core.bench.stats import ratio

    if not done:
        return "", "muted"
    ordered = sorted(done, key=lambda pair: pair[1].stats.p50)
    best, first = ordered[0]
    if len(ordered) == 1:
        stats = first.stats
        return (
            f"{best}: median {figures.milliseconds(stats.p50)}, p99 {figures.milliseconds(stats.p99)}, n = {figures.whole(stats.count)}",
            "",
        )
    other, second = ordered[1]
    if first.shapes != second.shapes:
        return f"{best} and {other} ran on different shapes: they cannot be compared.", "warn"
    found = ratio(second.latencies, first.latencies)
    interval = f"95 % interval {found.low:.2f} – {found.high:.2f}"
    if found.sure:
        return f"{best} is faster than {other}: {found.value:.2f}× ({interval})", "ok"
    return f"Cannot tell {best} from {other}: {found.value:.2f}× ({interval})", "warn"


def engine_title(result: BenchResult) -> str:
    """The backend of a result, with the options that were changed."""
    changed = engines.options_text(result.backend, result.options)
    return f"{engines.backend_title(result.backend)} ({changed})" if changed else engines.backend_title(result.backend)


def place(result: BenchResult) -> str:
    """Where it was measured, in one line."""
    env = result.environment
    device = str(result.extra.get("device") or env.gpu or env.cpu)
    return " · ".join(part for part in (device, figures.plural(env.cores, "core"), f"load {env.load:.1f}") if part)


def place_details(result: BenchResult) -> str:
    """Where it was measured, whole."""
    env = result.environment
    lines = [
        env.machine,
        f"{env.cpu} ({figures.plural(env.cores, 'core')}, {figures.size(env.memory)})",
        f"GPU {env.gpu}, driver {env.driver}" if env.gpu else "No GPU",
        f"{env.os}, Python {env.python}",
        f"Governor {env.governor}" if env.governor else "",
        f"Load before: {env.load:.2f}",
        ", ".join(f"{name} {version}" for name, version in env.versions.items()),
        *result.notes,
    ]
    return "\n".join(line for line in lines if line)


def when(created: str) -> str:
    """A time of day, in this place's time, with the date."""
    try:
        return datetime.datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return created
