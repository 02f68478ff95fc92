"""EfficientNet-Lite0, MiniLM, silero and magika through the whole loop, in worker processes, with real backends."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.backends.base import Engine
from core.backends.tasks import build
from core.bench import BenchPlan, BenchResult
from core.bench.run import bench
from core.compare import Comparison
from core.compare.outputs import compare
from core.data import DataSpec
from core.history import Step, apply
from core.model import Model
from core.model.opening import Opened, open_model
from core.passes import PASSES
from core.workers import Pool
from tests.real import pictures

MODELS = Path(os.environ.get("SARDONYX_MODELS", Path(__file__).resolve().parent.parent / ".models"))

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def opened(pool: Pool, name: str) -> Opened:
    """A real model, opened; skips when it has not been made."""
    path = MODELS / name
    if not path.exists():
        pytest.skip(f"{name} is not in {MODELS}; python3 tests/real/make_models.py makes it")
    result: Opened = pool.run(open_model, path)
    return result


def applied(pool: Pool, model: Model, folder: Path, id: str, **params: object) -> Step:
    """One pass, applied in a worker."""
    step: Step = pool.run(apply, model, PASSES[id](**params), folder)
    return step


def built(pool: Pool, model: Model, backend: str, path: Path, **options: object) -> Engine:
    engine: Engine = pool.run(build, model, backend, options, path)
    return engine


def compared(pool: Pool, a: Model, b: Model, spec: DataSpec) -> Comparison:
    result: Comparison = pool.run(compare, a, b, spec, "")
    return result


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`calibration/` (48 PNG crops), `crops.npz` (96 other crops) and `labelled.npz` (three photographs with labels)."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "calibration").mkdir()
    for name, image in pictures.crops(48, seed=1):
        image.save(folder / "calibration" / f"{name}.png")
    np.savez(folder / "crops.npz", image=np.stack([pictures.tensor(image) for _, image in pictures.crops(96, seed=2)]))
    names = tuple(pictures.LABELS)
    np.savez(
        folder / "labelled.npz",
        image=np.stack([pictures.centre(name) for name in names]),
        labels=np.array([pictures.LABELS[name][1 if name == "chelsea" else 0] for name in names], np.int64),
    )
    return folder


def test_efficientnet_goes_through_the_whole_loop(pool: Pool, tmp_path: Path, photographs: Path) -> None:
    start = opened(pool, "efficientnet-lite0.onnx")
    assert start.summary.ops["Conv"] == 49
    assert start.summary.parameters == pytest.approx(4.65e6, rel=0.01)
    assert start.summary.macs == pytest.approx(0.39e9, rel=0.03)

    labelled = DataSpec(path=str(photographs / "labelled.npz"))
    simple = applied(pool, start.model, tmp_path, "simplify")
    same = compared(pool, start.model, simple.after, labelled)
    assert same.accuracy_a == same.accuracy_b == 1.0, "chelsea, coffee and rocket keep their labels in fp32"
    assert same.outputs[0].max_abs < 1e-4

    calibration: dict[str, object] = {
        "data": str(photographs / "calibration"), "samples": 48, "mean": "127", "std": "128", "resize": 224,
    }  # fmt: skip
    crops = DataSpec(path=str(photographs / "crops.npz"), limit=96, batch=8)
    agreement = {}
    steps = {}
    for profile in ("cpu", "tensorrt"):
        steps[profile] = applied(pool, simple.after, tmp_path, "quantize_int8", profile=profile, **calibration)
        result = compared(pool, simple.after, steps[profile].after, crops)
        assert result.samples == 96
        agreement[profile] = result.outputs[0].top1
        assert steps[profile].after.size < 0.35 * simple.after.size
    assert agreement["cpu"] is not None
    assert agreement["cpu"] >= 0.90, agreement
    assert agreement["tensorrt"] is not None
    assert agreement["tensorrt"] >= 0.85, agreement

    engine = built(pool, steps["tensorrt"].after, "tensorrt_rtx", tmp_path / "int8.engine", target="SM89")
    assert engine.path.stat().st_size == engine.size > 1_000_000
    assert engine.layers

    races: dict[str, BenchResult] = {}
    for name, model in (("fp32", simple.after), ("int8", steps["cpu"].after)):
        engine = built(pool, model, "onnxruntime", tmp_path / f"{name}.ort.onnx")
        races[name] = pool.run(bench, engine, BenchPlan(seconds=2.0, warmup=0.3))
    for result in races.values():
        assert result.stats.count >= 5
        assert result.stats.p50_low <= result.stats.p50 <= result.stats.p50_high <= result.stats.p99 <= result.stats.max
        assert result.environment.cpu


def test_magnitude_pruning_and_fp16_on_efficientnet(pool: Pool, tmp_path: Path, photographs: Path) -> None:
    start = opened(pool, "efficientnet-lite0.onnx")
    crops = DataSpec(path=str(photographs / "crops.npz"), limit=48, batch=8)
    half = applied(pool, start.model, tmp_path, "fp16")
    assert half.after.size == pytest.approx(start.model.size / 2, rel=0.05)
    result = compared(pool, start.model, half.after, crops)
    assert result.outputs[0].top1 is not None
    assert result.outputs[0].top1 >= 0.97
    pruned = applied(pool, start.model, tmp_path, "prune_magnitude", sparsity=0.1)
    result = compared(pool, start.model, pruned.after, crops)
    assert result.outputs[0].top1 is not None
    assert result.outputs[0].top1 >= 0.8


def test_minilm_opens_simplifies_runs_and_compares(pool: Pool, tmp_path: Path) -> None:
    start = opened(pool, "minilm.onnx")
    assert [item.name for item in start.summary.inputs] == ["input_ids", "attention_mask", "token_type_ids"]
    simple = applied(pool, start.model, tmp_path, "simplify")
    assert simple.summary.nodes <= start.summary.nodes
    lengths = (7, 12, 5, 9, 16, 3, 8, 11)
    ids = np.zeros((8, 16), np.int64)
    mask = np.zeros((8, 16), np.int64)
    rng = np.random.default_rng(0)
    for row, length in enumerate(lengths):
        ids[row, :length] = rng.integers(1000, 20000, length)
        mask[row, :length] = 1
    np.savez(tmp_path / "text.npz", input_ids=ids, attention_mask=mask, token_type_ids=np.zeros_like(ids))
    result = compared(pool, start.model, simple.after, DataSpec(path=str(tmp_path / "text.npz")))
    assert result.samples == 8
    assert result.outputs[0].max_abs < 1e-4
    assert result.outputs[0].finite
    engine = built(pool, simple.after, "onnxruntime", tmp_path / "minilm.ort.onnx")
    race: BenchResult = pool.run(bench, engine, BenchPlan(seconds=1.0, warmup=0.2, batch=2, dim=16))
    assert race.shapes["input_ids"] == (2, 16)
    assert race.stats.count >= 3


@pytest.mark.parametrize("name", ["silero_vad_16k_sequence.onnx", "silero_vad.onnx"])
def test_silero_opens_simplifies_runs_and_compares(pool: Pool, tmp_path: Path, name: str) -> None:
    start = opened(pool, name)
    simple = applied(pool, start.model, tmp_path, "simplify")
    rng = np.random.default_rng(0)
    feeds: dict[str, np.ndarray] = {}
    for item in start.summary.inputs:
        shape = tuple(dim if isinstance(dim, int) else {0: 1, 1: 576}.get(axis, 1) for axis, dim in enumerate(item.shape or ()))
        if item.name == "state":
            shape = (2, 1, 128)
        feeds[item.name] = (
            np.full(shape, 16000, np.int64) if item.dtype == "int64" else (0.1 * rng.standard_normal(shape)).astype(item.dtype)
        )
    # one axis more than the inputs have: whole inputs, one at a time (its states carry no samples on the first axis)
    np.savez(tmp_path / "speech.npz", **{key: value[None] for key, value in feeds.items()})
    data = DataSpec(path=str(tmp_path / "speech.npz"))
    result = compared(pool, start.model, simple.after, data)
    assert all(output.finite and output.max_abs < 1e-3 for output in result.outputs), result


def test_magika_opens_simplifies_and_builds(pool: Pool, tmp_path: Path) -> None:
    magika = pytest.importorskip("magika", reason="the `real` extra is not installed")
    path = next(Path(magika.__file__).parent.glob("models/standard_v3_3/model.onnx"))
    start: Opened = pool.run(open_model, path)
    simple = applied(pool, start.model, tmp_path, "simplify")
    result = compared(pool, start.model, simple.after, DataSpec(limit=8))
    assert result.outputs[0].max_abs < 1e-4
    engine = built(pool, simple.after, "tensorrt_rtx", tmp_path / "magika.engine", target="SM89")
    assert engine.size > 100_000
