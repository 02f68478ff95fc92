"""What a pass costs beside the library that does the work: wall times, interleaved, in one process.

    python tests/bench/passes_overhead.py                            # a generated CNN (10 MB, 52 convolutions)
    python tests/bench/passes_overhead.py model.onnx --samples 48    # a model of yours
    python tests/bench/passes_overhead.py --what int8 --rounds 7

Ours is the whole step as the window runs it (`history.apply`: open, pass, check, save, fingerprint, summary); theirs is
the library called as its documentation says, from file to file: `quantize_static` on the same batches (alone, and after
`quant_pre_process`, which it asks for), and `onnxslim.slim` (with `model_check`, as we verify, and without). A pair of
runs gives one ratio; printed are medians, and the ratio at most 1.10 is what we hold ourselves to.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core import history  # noqa: E402
from core.data import DataSpec  # noqa: E402
from core.data.feeds import feeds  # noqa: E402
from core.job import Job  # noqa: E402
from core.model import document  # noqa: E402
from core.onnxrt.session import Session, quiet  # noqa: E402
from core.passes.quantize_int8 import QuantizeInt8  # noqa: E402
from core.passes.simplify import Simplify  # noqa: E402

LIMIT = 1.10


def cnn(path: Path, blocks: int = 17, channels: int = 96) -> Path:
    """A residual CNN with batch norms and Constant shapes to fold: `x` float32[N, 3, 64, 64] to `y` float32[N, 100]."""
    rng = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []

    def conv(name: str, source: str, inputs: int, outputs: int, size: int, stride: int = 1, relu: bool = True) -> str:
        kernel = (rng.standard_normal((outputs, inputs, size, size)) / np.sqrt(inputs * size * size)).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"{name}.w"))
        for part in ("scale", "bias", "mean", "var"):
            values = np.abs(rng.standard_normal(outputs)) + 0.5 if part in ("scale", "var") else 0.1 * rng.standard_normal(outputs)
            weights.append(numpy_helper.from_array(values.astype(np.float32), f"{name}.{part}"))
        pads = [size // 2] * 4
        nodes.append(helper.make_node("Conv", [source, f"{name}.w"], [f"{name}.c"], name=name, pads=pads, strides=[stride] * 2))
        norm = [f"{name}.{part}" for part in ("scale", "bias", "mean", "var")]
        nodes.append(helper.make_node("BatchNormalization", [f"{name}.c", *norm], [f"{name}.n"], name=f"{name}/norm"))
        if relu:
            nodes.append(helper.make_node("Relu", [f"{name}.n"], [f"{name}.r"], name=f"{name}/relu"))
        return f"{name}.r" if relu else f"{name}.n"

    at = conv("stem", "x", 3, channels, 3, 2)
    for number in range(blocks):
        inner = conv(f"b{number}.1", at, channels, channels // 2, 1)
        inner = conv(f"b{number}.2", inner, channels // 2, channels // 2, 3)
        inner = conv(f"b{number}.3", inner, channels // 2, channels, 1, relu=False)
        nodes.append(helper.make_node("Add", [inner, at], [f"b{number}.y"], name=f"b{number}/add"))
        nodes.append(helper.make_node("Identity", [f"b{number}.y"], [f"b{number}.z"], name=f"b{number}/same"))
        at = f"b{number}.z"
    nodes.append(helper.make_node("GlobalAveragePool", [at], ["pooled"], name="pool"))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"], name="flatten"))
    weights.append(numpy_helper.from_array(rng.standard_normal((20000, channels)).astype(np.float32) / 10, "head.w"))
    nodes.append(helper.make_node("Gemm", ["flat", "head.w"], ["y"], name="head", transB=1))
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "cnn", [info("x", 1, ["N", 3, 64, 64])], [info("y", 1, ["N", 20000])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


class Given:
    """Batches held in memory, as a calibration reader."""

    def __init__(self, batches: list[dict[str, np.ndarray]]) -> None:
        self.batches = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.batches, None)


def timed(work: Callable[[Path], object]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        work(Path(folder))
        return time.perf_counter() - began


def compare(title: str, ours: Callable[[Path], object], theirs: dict[str, Callable[[Path], object]], rounds: int) -> bool:
    """Print medians and the median ratio of each pair; the last of `theirs` is the one that decides."""
    timed(ours)
    for work in theirs.values():
        timed(work)
    mine: list[float] = []
    other: dict[str, list[float]] = {name: [] for name in theirs}
    for number in range(rounds):
        order: list[tuple[str, Callable[[Path], object]]] = [("", ours), *theirs.items()]
        for name, work in order if number % 2 == 0 else order[::-1]:
            (other[name] if name else mine).append(timed(work))
    good = False
    print(f"{title}: ours {statistics.median(mine):.3f} s (median of {rounds})")
    for name, times in other.items():
        ratio = statistics.median(a / b for a, b in zip(mine, times, strict=True))
        good = ratio <= LIMIT
        print(f"    {name:40} {statistics.median(times):.3f} s   ratio {ratio:.3f}{'' if good else f'   over {LIMIT}'}")
    return good


def int8(model: Path, samples: int, rounds: int) -> bool:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    session = Session(model)
    batches = list(feeds(session.inputs, DataSpec(limit=samples)))
    names = [item.name for item in session.inputs]
    session.close()
    folder = Path(tempfile.mkdtemp())
    data = folder / "calibration.npz"
    np.savez(data, **{name: np.concatenate([batch[name] for batch in batches]) for name in names})
    opened = document.snapshot(model)

    def ours(target: Path) -> None:
        history.apply(opened, QuantizeInt8(samples=samples, data=str(data)), target, Job(scratch=target))

    def bare(source: Path, target: Path) -> None:
        with quiet("onnxruntime"):
            quantize_static(
                source, target / "q.onnx", Given(batches), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            )  # fmt: skip

    def prepared(target: Path) -> None:
        with quiet("onnxruntime"):
            quant_pre_process(model, target / "pre.onnx")
        bare(target / "pre.onnx", target)

    with quiet("onnxruntime"):
        quant_pre_process(model, folder / "pre.onnx")
    theirs = {
        "quant_pre_process + quantize_static": prepared,
        "quantize_static, prepared before": lambda target: bare(folder / "pre.onnx", target),
    }
    try:
        return compare(f"INT8, {samples} samples", ours, theirs, rounds)
    finally:
        shutil.rmtree(folder)


def simplify(model: Path, rounds: int) -> bool:
    import onnxslim

    opened = document.snapshot(model)

    def ours(verify: bool) -> Callable[[Path], object]:
        return lambda target: history.apply(opened, Simplify(verify=verify), target, Job(scratch=target))

    def theirs(check: bool) -> Callable[[Path], object]:
        def slim(target: Path) -> None:
            with quiet("onnxslim"):
                onnxslim.slim(str(model), str(target / "s.onnx"), model_check=check)

        return slim

    checked = compare("Simplify, verified", ours(True), {"onnxslim.slim(model_check=True)": theirs(True)}, rounds)
    return compare("Simplify, unverified", ours(False), {"onnxslim.slim": theirs(False)}, rounds) and checked


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a model; a CNN is generated when left out")
    parser.add_argument("--what", choices=("int8", "simplify", "both"), default="both")
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        model = given.model or cnn(Path(folder) / "cnn.onnx")
        print(f"{model.name}: {model.stat().st_size / 1e6:.1f} MB")
        good = True
        if given.what in ("int8", "both"):
            good = int8(model, given.samples, given.rounds) and good
        if given.what in ("simplify", "both"):
            good = simplify(model, given.rounds) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
