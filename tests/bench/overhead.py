"""How much our benchmark adds to what it measures: its p50 against a bare loop over the same session, interleaved.

    python tests/bench/overhead.py [MODEL.onnx ...] [--rounds N] [--json FILE]

Ours is `core.bench.loop.measure` with samples streaming out of the process 30 times a second; the bare loop is the
clock, ONNX Runtime's own `run_with_iobinding`, the clock. Both use one session (of one thread, which disturbs itself
least) in one process, in rounds of ABBA, so that a drift of the machine hits both alike. The ratio is the median over
rounds of our p50 over the bare p50, its interval that of the median over rounds. Exit code 1 when a ratio is above 1.01,
unless the interval still holds 1: then the machine was too busy to tell, which is printed.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import pickle
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.backends import BACKENDS  # noqa: E402
from core.backends.base import Engine  # noqa: E402
from core.backends.onnxruntime import OnnxRuntimeOptions  # noqa: E402
from core.bench import BenchPlan  # noqa: E402
from core.bench.loop import measure  # noqa: E402
from core.bench.run import first_batch  # noqa: E402
from core.bench.stats import interval, quantile, resampled_medians  # noqa: E402
from core.job import Job  # noqa: E402
from core.model import Model  # noqa: E402
from tests.models import mlp, residual_cnn, save  # noqa: E402

LIMIT = 1.01
ROUND_SECONDS = 0.2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=24, help="rounds of ABBA")
    parser.add_argument("--json", type=Path, help="write the figures here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sardonyx-overhead-") as made:
        models = args.models or [
            save(mlp(), Path(made, "mlp.onnx")),
            ROOT / "resources" / "sample" / "digits.onnx",
            save(residual_cnn(channels=64, size=64), Path(made, "cnn64.onnx")),
        ]
        figures = [compare(path, Path(made), args.rounds) for path in models]
    print(f"{'model':<16}{'ours p50 ms':>14}{'bare p50 ms':>14}{'ratio':>9}{'95 % interval':>20}{'samples':>10}")
    for row in figures:
        span = f"{row['low']:.4f} .. {row['high']:.4f}"
        print(f"{row['model']:<16}{row['ours']:>14.5f}{row['bare']:>14.5f}{row['ratio']:>9.4f}{span:>20}{row['samples']:>10}")
    worst = max(row["ratio"] for row in figures)
    print(f"worst ratio {worst:.4f}, limit {LIMIT}")
    above = [row for row in figures if row["ratio"] > LIMIT]
    unsure = [row["model"] for row in above if row["low"] <= 1.0]
    if unsure:
        print(f"too noisy to tell: {', '.join(unsure)}; run it again on a quiet machine")
    if args.json:
        args.json.write_text(json.dumps({"limit": LIMIT, "worst": worst, "rows": figures}, indent=1))
    return int(len(above) > len(unsure))


def compare(path: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """Our p50 over the bare one for one model."""
    model = Model(path, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
    backend = BACKENDS["onnxruntime"]()
    job = Job()
    engine: Engine = backend.build(model, OnnxRuntimeOptions(threads=1), folder / "engine.onnx", job)
    job.close()
    ours: list[np.ndarray] = []
    bare: list[np.ndarray] = []
    # samples leave the process, as they leave a worker
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as sink, backend.open(engine) as runner:
        pipe = sink.stdin
        assert pipe is not None
        streamed = Job(on_emit=lambda event: (pipe.write(pickle.dumps(event)), pipe.flush()), on_step=lambda fraction, text: None)
        feeds, _, _ = first_batch(runner.inputs, BenchPlan())
        call = runner.prepare(feeds)
        session = runner.session  # type: ignore[attr-defined]
        binding = session.io_binding()
        for name, value in feeds.items():
            binding.bind_cpu_input(name, value)
        for item in session.get_outputs():
            binding.bind_output(item.name, "cpu")
        measure(call, 0.5, streamed)
        count = len(bare_loop(session, binding, 0.5))
        for _ in range(rounds):
            for who in "ABBA":
                if who == "A":
                    ours.append(measure(call, ROUND_SECONDS, streamed).latencies)
                else:
                    bare.append(bare_loop(session, binding, ROUND_SECONDS, count))
        pipe.close()
    # two legs of each make a round
    a, b = ([float(np.median(np.concatenate(legs[i : i + 2]))) * 1e3 for i in range(0, len(legs), 2)] for legs in (ours, bare))
    ratios = np.sort(np.divide(a, b))
    low, high = interval(resampled_medians(ratios))
    return {
        "model": path.stem,
        "ours": float(np.median(a)),
        "bare": float(np.median(b)),
        "ratio": quantile(ratios, 0.5),
        "low": low,
        "high": high,
        "samples": int(sum(leg.size for leg in (*ours, *bare))),
    }


def bare_loop(session: Any, binding: Any, seconds: float, room: int = 1 << 20) -> np.ndarray:
    """What one would write by hand: latencies in seconds."""
    found = array("q", bytes(8 * max(room, 1 << 16)))
    clock, run = time.perf_counter_ns, session.run_with_iobinding
    gc.collect()
    gc.disable()
    place, stop = 0, clock() + int(seconds * 1e9)
    end = 0
    while end < stop and place < len(found):
        begin = clock()
        run(binding)
        end = clock()
        found[place] = end - begin
        place += 1
    gc.enable()
    return np.frombuffer(found, np.int64)[:place] / 1e9


if __name__ == "__main__":
    sys.exit(main())
