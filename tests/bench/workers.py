"""How fast workers are: `python -m tests.bench.workers` prints medians; nothing is asserted.

Times are wall clock on a machine that may be shared: read them as an order of magnitude.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from core.errors import Cancelled
from core.workers import CancelToken, Pool
from tests.core.workers import tasks


def median(measure: Callable[[], float], rounds: int, unit: str = "ms") -> str:
    """Median and range of `measure` (seconds), in ms or µs."""
    scale = {"ms": 1e3, "µs": 1e6}[unit]
    times = sorted(measure() * scale for _ in range(rounds))
    return f"{statistics.median(times):8.1f} {unit}   ({times[0]:.1f} to {times[-1]:.1f}, {rounds} rounds)"


def until_start(pool: Pool) -> float:
    """From the call to the first line of the task (both read the same monotonic clock)."""
    before = time.monotonic()
    return float(pool.run(tasks.clock)) - before


def cold(warm: bool) -> float:
    with Pool(warm=warm) as pool:
        return until_start(pool)


def all_loaded() -> float:
    """From `warm_up` to the spare having everything loaded."""
    names = ("numpy", "onnx", "onnx_ir", "onnxruntime", "onnxslim")
    with Pool() as pool:
        before = time.monotonic()
        pool.warm_up()
        resident = pool.resident()
        while resident.run(tasks.loaded, names) != list(names):
            continue
        return time.monotonic() - before


def round_trip(pool: Pool, value: Any) -> float:
    before = time.perf_counter()
    pool.run(tasks.echo, value)
    return time.perf_counter() - before


def cancel(pool: Pool, raised: bool) -> float:
    """From `set` to the process being dead, or to the caller having `Cancelled` and its scratch folder removed."""
    token = CancelToken()
    running = threading.Event()
    caught = [0.0]
    pids: list[int] = []

    def work() -> None:
        try:
            pool.run(tasks.wait_forever, cancel=token, on_emit=lambda event: (pids.append(event[0]), running.set()))
        except Cancelled:
            caught[0] = time.perf_counter()

    thread = threading.Thread(target=work)
    thread.start()
    running.wait()
    process = next(one for one in pool._all if one.pid == pids[0])
    before = time.perf_counter()
    token.set()
    process.dead.wait()
    dead = time.perf_counter()
    thread.join()
    return (caught[0] if raised else dead) - before


def events(pool: Pool, count: int) -> float:
    before = time.perf_counter()
    pool.run(tasks.single_samples, count, on_emit=lambda event: None)
    return (time.perf_counter() - before) / count


def main() -> None:
    import numpy as np

    megabyte = np.zeros(1 << 20, np.uint8)
    print("run() to the task's start, cold, bare worker     ", median(lambda: cold(False), 7))
    print("run() to the task's start, cold, one that preloads", median(lambda: cold(True), 7))
    print("warm_up() to everything loaded                   ", median(all_loaded, 3))
    with Pool() as pool:
        pool.warm_up()
        names = ("numpy", "onnx", "onnx_ir", "onnxruntime", "onnxslim")
        while pool.run(tasks.loaded, names) != list(names):
            continue
        print("run() to the task's start, warm spare            ", median(lambda: until_start(pool), 50))
        print("round trip of nothing                            ", median(lambda: round_trip(pool, None), 50))
        print("round trip of 1 MB                               ", median(lambda: round_trip(pool, megabyte), 50))
        print("one small event of 200,000                       ", median(lambda: events(pool, 200_000), 3, "µs"))
        print("cancel to the process being dead                 ", median(lambda: cancel(pool, False), 10))
        print("cancel to Cancelled at the caller, scratch gone  ", median(lambda: cancel(pool, True), 10))


if __name__ == "__main__":
    main()
