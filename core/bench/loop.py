"""The measuring loop: the clock, the call, the clock, and nothing else between."""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.bench import Samples
from core.job import Job

if TYPE_CHECKING:
    import numpy as np

_BETWEEN = 33_000_000  # nanoseconds between two reports
_ROOM = 1 << 16  # samples between two reports at most: inferences of half a microsecond
#: More are not kept (160 MB); a benchmark that gets there ends.
MOST = 20_000_000
#: After a report the caches are cold. An inference shorter than this is run once more, untimed, before the next sample.
_SHORT = 2_000_000


@dataclass(frozen=True)
class Measured:
    """`latencies`: float64 seconds of every inference; `seconds` they took together, reports left out."""

    latencies: np.ndarray
    seconds: float


def measure(call: Callable[[], object], seconds: float, job: Job, *, limit: int = 0, phase: str = "measure") -> Measured:
    """Call `call` again and again until `seconds` or `limit` inferences are reached, at least once.

    Samples stream through `job.emit` about 30 times a second, `job.step` tells the share and is the cancel point; both
    happen between two inferences and are left out of `seconds`. The garbage collector rests meanwhile.
    """
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        return _loop(call, int(seconds * 1e9), min(limit or MOST, MOST), job, phase)
    finally:
        if collecting:
            gc.enable()


def _loop(call: Callable[[], object], duration: int, limit: int, job: Job, phase: str) -> Measured:
    import numpy as np

    clock = time.perf_counter_ns
    begins, ends = array("q", bytes(8 * _ROOM)), array("q", bytes(8 * _ROOM))
    begin_view, end_view = np.frombuffer(begins, np.int64), np.frombuffer(ends, np.int64)
    kept: list[np.ndarray] = []
    place = count = paused = 0
    first = clock()
    stop, report = first + duration, first + _BETWEEN
    while True:
        begin = clock()
        call()
        end = clock()
        begins[place] = begin
        ends[place] = end
        place += 1
        count += 1
        if end < report and place < _ROOM and end < stop and count < limit:
            continue
        latencies = (end_view[:place] - begin_view[:place]) / 1e9
        kept.append(latencies)
        job.emit(Samples(phase, (end_view[:place] - first) / 1e9, latencies))
        over = end >= stop or count >= limit
        share = 1.0 if over else max((end - first - paused) / max(1, duration), count / limit if limit < MOST else 0.0)
        job.step(min(1.0, share), _said(count) if phase == "measure" else "Warming up")
        if over:
            return Measured(np.concatenate(kept), (end - first - paused) / 1e9)
        if end - begin < _SHORT:
            call()
        place = 0
        now = clock()
        paused += now - end
        stop += now - end
        report = now + _BETWEEN


def _said(count: int) -> str:
    return "1 inference" if count == 1 else f"{count:,} inferences"
