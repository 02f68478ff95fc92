"""What the GPU backends do on this machine, as one JSON document on stdout: for a machine that has a GPU but no pytest.

    python tests/gpu/check.py [FOLDER]

It needs numpy, onnx, psutil and onnxruntime-gpu; tensorrt_rtx and cuda-bindings where they are to be tried. Every check
says `ok`, `skipped` with the reason, or `failed` with what happened; the exit code is 1 when one failed.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


class Skipped(Exception):  # noqa: N818 - not an error
    """This cannot be tried here."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="sardonyx-gpu-") as made:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        rows = [attempt(check, folder) for check in CHECKS]
    print(json.dumps(rows, indent=1, default=str))
    return int(any(row["result"] == "failed" for row in rows))


def attempt(check: Callable[[Path], Any], folder: Path) -> dict[str, Any]:
    """Run one check, whatever it does."""
    row: dict[str, Any] = {"check": check.__name__, "about": (check.__doc__ or "").splitlines()[0]}
    try:
        return {**row, "result": "ok", "seen": check(folder)}
    except Skipped as reason:
        return {**row, "result": "skipped", "why": str(reason)}
    except Exception as error:
        return {**row, "result": "failed", "why": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}


def model_in(folder: Path) -> Any:
    """A residual CNN with a free batch, as a `Model`."""
    from core.model import Model
    from tests.models import residual_cnn, save

    path = save(residual_cnn(batch="N", channels=32, size=32), folder / "cnn.onnx")
    return Model(path, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


def gpu(folder: Path) -> Any:
    """The driver answers and names its GPUs."""
    from core.cuda import driver

    state = driver.state()
    if not state.gpus:
        raise Skipped(state.reason)
    assert state.cuda
    assert all(item.memory > 2**28 and item.compute_capability >= (5, 0) for item in state.gpus)
    return asdict(state)


def memory(folder: Path) -> Any:
    """Bytes go to the GPU and come back the same."""
    import numpy as np

    from core.cuda import driver
    from core.cuda import memory as room

    if not driver.state().gpus:
        raise Skipped(driver.state().reason)
    if room.missing():
        raise Skipped(room.missing())
    there = np.random.default_rng(0).standard_normal(1 << 20)
    back = np.zeros_like(there)
    with room.Stream() as stream:
        address = stream.allocate(there.nbytes)
        stream.upload(there, address)
        stream.download(address, back)
        stream.synchronize()
        stream.waiter()()
    np.testing.assert_array_equal(there, back)
    return {"bytes": there.nbytes}


def onnxruntime_cuda(folder: Path) -> Any:
    """ONNX Runtime on CUDA computes what it computes on the CPU, and is measured."""
    import numpy as np

    from core.backends.onnxruntime import OnnxRuntime, OnnxRuntimeOptions
    from core.bench import BenchPlan
    from core.bench.run import bench
    from core.job import Job
    from core.onnxrt.providers import cuda

    if not cuda().usable:
        raise Skipped(cuda().reason)
    backend, model, results = OnnxRuntime(), model_in(folder), {}
    feeds = {"image": np.random.default_rng(0).standard_normal((8, 3, 32, 32), np.float32)}
    for provider in ("cpu", "cuda"):
        job = Job()
        engine = backend.build(model, OnnxRuntimeOptions(provider=provider), folder / f"{provider}.onnx", job)
        with backend.open(engine) as runner:
            results[provider] = (engine, runner.run(feeds)["logits"], runner.device)
        job.close()
    # TF32 is on by default on CUDA
    np.testing.assert_allclose(results["cuda"][1], results["cpu"][1], rtol=2e-2, atol=2e-3)
    engine = results["cuda"][0]
    found = bench(engine, BenchPlan(seconds=2.0, batch=8), Job())
    assert found.extra["device"] == results["cuda"][2] != "CPU"
    assert any("Transfers" in note for note in found.notes)
    return {"device": engine.device, "layers": len(engine.layers), "log": engine.log, "stats": asdict(found.stats), "notes": found.notes}


def tensorrt_rtx_runs(folder: Path) -> Any:
    """A TensorRT-RTX engine computes what ONNX Runtime computes, and is measured."""
    import numpy as np

    from core.backends.onnxruntime import OnnxRuntime, OnnxRuntimeOptions
    from core.backends.tensorrt_rtx import RtxOptions, TensorRtRtx
    from core.bench import BenchPlan
    from core.bench.run import bench
    from core.job import Job

    backend = TensorRtRtx()
    state = backend.available()
    if not state.can_run:
        raise Skipped(state.reason)
    model, feeds = model_in(folder), {"image": np.random.default_rng(0).standard_normal((4, 3, 32, 32), np.float32)}
    engine = backend.build(model, RtxOptions(), folder / "cnn.engine", Job())
    with backend.open(engine) as runner:
        got = runner.run(feeds)["logits"]
    reference = OnnxRuntime()
    with reference.open(reference.build(model, OnnxRuntimeOptions(provider="cpu"), folder / "ref.onnx", Job())) as runner:
        np.testing.assert_allclose(got, runner.run(feeds)["logits"], rtol=2e-2, atol=2e-3)
    return asdict(bench(engine, BenchPlan(seconds=2.0, batch=4), Job()).stats)


def tensorrt_rtx_refuses(folder: Path) -> Any:
    """On a GPU that it does not support (9.0: H100, H200) TensorRT-RTX builds, and refuses to run, in words."""
    from core.backends.tensorrt_rtx import RtxOptions, TensorRtRtx
    from core.cuda import driver
    from core.errors import BackendError
    from core.job import Job
    from core.tensorrt.flavour import RTX

    backend = TensorRtRtx()
    state = backend.available()
    if not state.can_build:
        raise Skipped(state.reason)
    if not driver.state().gpus:
        raise Skipped(driver.state().reason)
    if RTX.runs_on(driver.state().gpus[0].compute_capability):
        raise Skipped("this GPU is supported")
    assert not state.can_run
    assert "compute capability" in state.reason
    engine = backend.build(model_in(folder), RtxOptions(), folder / "refused.engine", Job())
    said = {}
    for name, door in (("open", backend.open), ("runtime", backend._open)):
        try:
            door(engine)
        except BackendError as error:
            said[name] = {"message": error.message, "hint": error.hint, "detail": error.detail}
        else:
            raise AssertionError(f"{name}: it was not refused")
    # the runtime itself, asked behind the backend's back, says the same
    assert "compute capability" in said["runtime"]["message"], said
    return {"reason": state.reason, "said": said, "size": engine.size}


CHECKS: tuple[Callable[[Path], Any], ...] = (gpu, memory, onnxruntime_cuda, tensorrt_rtx_runs, tensorrt_rtx_refuses)

if __name__ == "__main__":
    sys.exit(main())
