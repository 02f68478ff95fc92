"""Latency of each node, from ONNX Runtime's own profiler."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.data import DataSpec
from core.errors import ModelError
from core.job import Job
from core.model import Model
from core.overlays.numbers import Numbers
from core.params import param

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from core.onnxrt.profiling import Kernel, Profiler

ID, TITLE = "latency.onnxruntime.cpu", "Latency (ONNX Runtime, CPU)"
#: Events that the profiler may write: each is about a kilobyte of JSON.
EVENTS = 40_000
#: Runs that are thrown away: the first pays for memory and caches.
WARM = 2


@dataclass(frozen=True)
class ProfilePlan:
    """How nodes are timed."""

    runs: int = param(20, "Inferences that are timed, after two to warm up", min=1, max=1000)
    seconds: float = param(5.0, "Stop timing after this long, however many there were", min=0.1, max=600.0, unit="s")


def profile(model: Model, plan: ProfilePlan, spec: DataSpec, job: Job) -> Numbers:
    """Milliseconds of each node in one inference (a task): ONNX Runtime on the CPU, the first batch of `spec` again and again.

    The number is the mean of the middle half of the runs: the profiler counts whole microseconds. The time of a fused
    kernel stands at the node it is called after, or at the one of its nodes that computes most; `notes` tell how many
    others are part of it, and what could not be traced back. Raises `ModelError` when the model cannot be run, `DataError`
    when inputs for it cannot be made up.
    """
    from core.data.feeds import feeds
    from core.model.source import read
    from core.onnxrt.profiling import Profiler

    job.step(0.0, f"Opening {model.name}")
    notes = []
    try:
        session = Profiler(model.path, job.scratch)
    except ModelError as refused:
        try:
            session = Profiler(model.path, job.scratch, optimize=False)
        except ModelError:
            raise refused from None
        notes.append("Runs without graph optimisations: ONNX Runtime's optimiser does not take this model.")
    data = feeds(session.inputs, replace(spec, limit=spec.batch))
    graph = read(model.path).proto.graph
    runs = _run(session, next(iter(data)), plan, len(graph.node), job)
    job.step(0.95, "Reading the profile")
    numbers = _numbers(session.close(), graph, notes)
    job.step(1.0, f"Timed {runs} runs")
    return Numbers(
        id=ID,
        title=TITLE,
        unit="ms",
        by_name=numbers,
        source=f"{runs} run{'s' * (runs != 1)} on {data.description}",
        notes=tuple(notes),
    )


def _run(session: Profiler, batch: Mapping[str, np.ndarray], plan: ProfilePlan, nodes: int, job: Job) -> int:
    """Warm up, then time; how many runs count."""
    for number in range(WARM):
        job.step(0.05, f"Warming up, run {number + 1} of {WARM}")
        session.run(batch)
    wanted = max(1, min(plan.runs, EVENTS // max(1, nodes) - WARM))
    until = time.perf_counter() + plan.seconds
    done = 0
    while done < wanted and (done == 0 or time.perf_counter() < until):
        job.step(0.1 + 0.85 * done / wanted, f"Run {done + 1} of {wanted}")
        session.run(batch)
        done += 1
    return done


def _numbers(kernels: tuple[Kernel, ...], graph: onnx.GraphProto, notes: list[str]) -> dict[str, float]:
    """Milliseconds by node, and what could not be said to `notes`."""
    from core.model.index import names
    from core.onnxrt.profiling import owner

    ops = dict(zip(names(graph.node), [node.op_type for node in graph.node], strict=True))
    found: dict[str, float] = {}
    merged = 0
    strange: dict[str, float] = {}
    for kernel in kernels:
        took = middle(kernel.microseconds[WARM:]) / 1e3
        nodes = tuple(name for name in kernel.nodes if name in ops)
        if not nodes:
            strange[kernel.kind] = strange.get(kernel.kind, 0.0) + took
            continue
        at = owner(nodes, kernel.name, ops)
        found[at] = found.get(at, 0.0) + took
        merged += len(nodes) - 1
    total = sum(found.values()) + sum(strange.values())
    notes.append(f"{total:.3g} ms in all kernels.")
    if merged:
        notes.append(f"{merged} node{'s are' if merged != 1 else ' is'} part of a fused kernel, whose time stands at another node.")
    if strange:
        share = 100.0 * sum(strange.values()) / total if total else 0.0
        kinds = ", ".join(sorted(strange, key=strange.__getitem__, reverse=True)[:3])
        notes.append(f"{share:.1f} % of the time is in kernels that belong to no node of the model: {kinds}.")
    gone = sum(node.op_type != "Constant" for node in graph.node) - len(found) - merged
    if gone > 0:
        notes.append(f"{gone} node{'s' * (gone != 1)} did not run: folded into constants, or dropped.")
    return found


def middle(samples: Sequence[float]) -> float:
    """The mean of the middle half of the samples, all of them when they are fewer than four."""
    kept = sorted(samples)
    cut = len(kept) // 4
    kept = kept[cut : len(kept) - cut]
    return sum(kept) / len(kept) if kept else 0.0
