"""Whether an engine of ONNX Runtime is as fast as the model it was built from: its optimized file against a direct session.

    python tests/bench/reopened.py [MODEL.onnx ...]

The direct session optimizes the model while it opens, as most programs do; ours opens the optimized file and optimizes
nothing. Rounds of ABBA in one process; prints the ratio of medians (below 1: the engine is faster).
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.backends.onnxruntime import OnnxRuntime, OnnxRuntimeOptions, SessionRunner, _session  # noqa: E402
from core.bench import BenchPlan  # noqa: E402
from core.bench.loop import measure  # noqa: E402
from core.bench.run import first_batch  # noqa: E402
from core.bench.stats import ratio  # noqa: E402
from core.job import Job  # noqa: E402
from core.model import Model  # noqa: E402
from tests.models import dynamic, int8_qdq, mlp, residual_cnn, save  # noqa: E402

LIMIT = 1.02


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=24)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sardonyx-reopened-") as made:
        folder = Path(made)
        paths = args.models or [
            save(mlp(), folder / "mlp.onnx"),
            ROOT / "resources" / "sample" / "digits.onnx",
            save(int8_qdq(), folder / "int8.onnx"),
            save(dynamic(), folder / "attention.onnx"),
            save(residual_cnn(channels=64, size=32), folder / "cnn32.onnx"),
        ]
        rows = [compare(path, folder, args.rounds) for path in paths]
    print(f"{'model':<16}{'engine p50 ms':>16}{'direct p50 ms':>16}{'ratio':>9}{'95 % interval':>20}")
    for row in rows:
        span = f"{row['low']:.4f} .. {row['high']:.4f}"
        print(f"{row['model']:<16}{row['engine']:>16.5f}{row['direct']:>16.5f}{row['ratio']:>9.4f}{span:>20}")
    # slower only when the interval says so too
    return int(any(row["low"] > LIMIT for row in rows))


def compare(path: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """The engine's p50 over that of a direct session."""
    model = Model(path, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
    options, job = OnnxRuntimeOptions(), Job()
    engine = OnnxRuntime().build(model, options, folder / "engine.onnx", job)
    job.close()
    taken: dict[str, list[np.ndarray]] = {"engine": [], "direct": []}
    with OnnxRuntime().open(engine) as ours, SessionRunner(_session(path, options, "all", "cpu"), "cpu") as direct:
        feeds, _, _ = first_batch(ours.inputs, BenchPlan())
        calls = {"engine": ours.prepare(feeds), "direct": direct.prepare(feeds)}
        for call in calls.values():
            measure(call, 0.3, Job())
        for _ in range(rounds):
            for who in ("engine", "direct", "direct", "engine"):
                taken[who].append(measure(calls[who], 0.1, Job()).latencies)
    a, b = (np.concatenate(taken[who]) * 1e3 for who in ("engine", "direct"))
    found = ratio(a, b)
    return {
        "model": path.stem,
        "engine": float(np.median(a)),
        "direct": float(np.median(b)),
        "ratio": found.value,
        "low": found.low,
        "high": found.high,
    }


if __name__ == "__main__":
    sys.exit(main())
