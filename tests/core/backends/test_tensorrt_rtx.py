"""TensorRT-RTX: real engines without a GPU, every refusal with the node and the step that mends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from core import folders
from core.backends.tensorrt_rtx import RtxOptions, TensorRtRtx
from core.cuda import driver
from core.errors import BackendError, UsageError
from core.job import Job
from core.model import Model
from tests import models
from tests.core.backends import refused

pytest.importorskip("tensorrt_rtx", reason="the extra 'rtx' is not installed")

Maker = Callable[..., Model]
BACKEND = TensorRtRtx()


@pytest.mark.parametrize(
    "build",
    [models.mlp, models.residual_cnn, models.dynamic, refused.int8, models.with_constants, refused.float8, refused.bfloat16],
    ids=lambda build: build.__name__,
)
def test_it_builds_without_a_gpu(build: Callable[[], onnx.ModelProto], model_of: Maker, engines: Path, job: Job) -> None:
    engine = BACKEND.build(model_of(build()), RtxOptions(target="SM89", dim_opt=8, dim_max=16), engines / "a.engine", job)
    assert engine.path.read_bytes()[:4] == b"vtrt"
    assert engine.device == "SM89 (Ada, RTX 40)"
    assert any(line.startswith("[V] Engine Layer Information") for line in engine.log)
    assert not any(line.startswith("[E]") for line in engine.log), engine.log


def test_external_data_is_read_where_it_is(tmp_path: Path, engines: Path, job: Job) -> None:
    path = models.with_external(tmp_path)
    engine = BACKEND.build(Model(path, "x", path.stat().st_size), RtxOptions(target="SM89"), engines / "a.engine", job)
    assert engine.size > (tmp_path / "external.data").stat().st_size


def test_every_target_builds_and_differs(model_of: Maker, engines: Path, job: Job) -> None:

    proto = models.residual_cnn()
    made = set()
    for target in ("portable", "SM80", "SM86", "SM89", "SM120", "SM121"):
        engine = BACKEND.build(model_of(proto), RtxOptions(target=target), engines / f"{target}.engine", job)
        made.add(engine.path.read_bytes())
        assert target == "portable" or engine.device.startswith(target)
    assert len(made) == 6


def test_layers_come_from_nodes(model_of: Maker, engines: Path, job: Job) -> None:
    proto = models.residual_cnn()
    engine = BACKEND.build(model_of(proto), RtxOptions(target="SM89"), engines / "a.engine", job)
    by_node = {name: layer for layer in engine.layers for name in layer.nodes}
    assert set(by_node) == {node.name for node in proto.graph.node}
    conv = next(node.name for node in proto.graph.node if node.op_type == "Conv")
    assert (by_node[conv].kind, by_node[conv].precision) == ("convolution", "float32")


@pytest.mark.parametrize(
    ("build", "target", "words", "hint"),
    [
        (
            refused.dynamic_quantized,
            "SM89",
            "no dynamic quantization: node 'quantize' (DynamicQuantizeLinear) (and 1 more node",
            "profile=tensorrt",
        ),
        (refused.qoperator, "SM89", "no QOperator format: node 'product' (QLinearMatMul)", "profile=tensorrt"),
        (refused.int32_bias, "SM89", "bias quantized to int32: node 'bias'", "profile=tensorrt"),
        (refused.int16, "SM89", "no int16, the type of 'z'", "profile=tensorrt"),
        (refused.custom_domain, "SM89", "no operator Oddity: node 'odd'", "standard operators"),
        (refused.unsupported, "SM89", "does not support node 'unique' (Unique)", "Simplify"),
        (refused.strings, "SM89", "no type for one of the model's inputs", "Strings"),
        (refused.bfloat16, "SM75", "SM75 (Turing, RTX 20) has no bfloat16", "SM80 or newer"),
        (refused.float8, "SM86", "SM86 (Ampere, RTX 30) has no 8-bit floating point", "SM89 or newer"),
        (refused.matmul, "SM75", "Turing (SM75) cannot run node 'product': FP32 GEMM is not supported", "FP16 pass"),
        (models.int8_qdq, "SM89", "symmetric quantization only", "profile=tensorrt"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_refusals_name_the_node_and_the_way_out(
    build: Callable[[], onnx.ModelProto], target: str, words: str, hint: str, model_of: Maker, engines: Path, job: Job
) -> None:
    with pytest.raises(BackendError) as found:
        BACKEND.build(model_of(build()), RtxOptions(target=target), engines / "a.engine", job)
    assert words in found.value.message
    assert hint in found.value.hint
    assert ".cpp" not in found.value.message
    assert found.value.detail
    assert not list(engines.iterdir())


def test_shapes_that_are_too_small_are_refused_and_the_hint_helps(model_of: Maker, engines: Path, job: Job) -> None:
    model = model_of(refused.undersized())
    with pytest.raises(BackendError, match="Node 'conv' gets nothing to work on at the smallest shape") as found:
        BACKEND.build(model, RtxOptions(target="SM89", dim_min=1, dim_opt=2, dim_max=3), engines / "a.engine", job)
    assert "Raise dim_min" in found.value.hint
    good = RtxOptions(target="SM89", dim_min=5, dim_opt=8, dim_max=16)
    assert BACKEND.build(model, good, engines / "a.engine", job).size > 0


def test_a_small_workspace_is_said(model_of: Maker, engines: Path, job: Job) -> None:
    with pytest.raises(BackendError, match="workspace is too small") as found:
        BACKEND.build(model_of(models.residual_cnn(channels=64, size=64)), RtxOptions(workspace=1), engines / "a.engine", job)
    assert "Raise the option workspace" in found.value.hint


def test_shapes_out_of_order_are_refused(model_of: Maker, engines: Path, job: Job) -> None:
    with pytest.raises(UsageError, match="batch_min 4, batch_opt 1 and batch_max 8 are not in order"):
        BACKEND.build(model_of(models.mlp()), RtxOptions(batch_min=4), engines / "a.engine", job)


def test_every_option_is_read_back() -> None:
    import tensorrt_rtx as trt

    from core.tensorrt.flavour import RTX
    from core.tensorrt.lines import Lines, logger
    from core.tensorrt.options import configure

    lines = Lines()
    log = logger(trt, lines)
    builder = trt.Builder(log)
    config = builder.create_builder_config()
    options = RtxOptions(
        optimization_level=5, workspace=64, sparse_weights=True, tf32=False, strict_nans=True, verbosity="detailed", target="SM120"
    )
    configure(trt, config, options, RTX, options.target, lines)
    assert config.builder_optimization_level == 5
    assert config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE) == 64 << 20
    flags = (trt.BuilderFlag.SPARSE_WEIGHTS, trt.BuilderFlag.TF32, trt.BuilderFlag.STRICT_NANS)
    assert [config.get_flag(flag) for flag in flags] == [True, False, True]
    assert config.profiling_verbosity == trt.ProfilingVerbosity.DETAILED
    assert config.get_compute_capability(0) == trt.ComputeCapability.SM120


def test_an_option_that_does_not_take_is_an_error() -> None:
    import tensorrt_rtx as trt

    from core.tensorrt.flavour import RTX
    from core.tensorrt.lines import Lines, logger
    from core.tensorrt.options import configure

    lines = Lines()
    log = logger(trt, lines)
    builder = trt.Builder(log)
    config = builder.create_builder_config()
    with pytest.raises(BackendError, match="did not take the option optimization_level: wanted -1, it stayed 3") as found:
        configure(trt, config, RtxOptions(optimization_level=-1), RTX, "portable", lines)
    assert "level >= 0" in found.value.detail


def test_the_builder_reports_and_stops(model_of: Maker, engines: Path) -> None:
    told: list[str] = []
    job = Job(on_step=lambda fraction, text: told.append(text))
    BACKEND.build(model_of(models.residual_cnn()), RtxOptions(target="SM89"), engines / "a.engine", job)
    job.close()
    assert "Building engine" in told
    assert len(set(told)) > 6, "phases of the builder itself"


def test_what_goes_wrong_in_a_report_is_not_swallowed(model_of: Maker, engines: Path) -> None:
    def burst(fraction: float, text: str) -> None:
        if text == "Building engine":
            raise ZeroDivisionError("in the report")

    job = Job(on_step=burst)
    with pytest.raises(ZeroDivisionError, match="in the report"):
        BACKEND.build(model_of(models.mlp()), RtxOptions(target="SM89"), engines / "a.engine", job)
    job.close()
    assert not list(engines.iterdir())


def test_without_a_driver_it_says_so(model_of: Maker, engines: Path, job: Job) -> None:
    if driver.state().gpus:
        pytest.skip("there is a driver and a GPU")
    state = BACKEND.available()
    assert (state.can_build, state.can_run, state.reason) == (True, False, "no NVIDIA driver was found")
    engine = BACKEND.build(model_of(models.mlp()), RtxOptions(target="SM89"), engines / "a.engine", job)
    with pytest.raises(BackendError, match="TensorRT-RTX cannot run engines here: no NVIDIA driver was found"):
        BACKEND.open(engine)
    # past the door: the runtime's own refusal is decoded too, and nothing crashes
    with pytest.raises(BackendError, match="cannot run here: no NVIDIA driver was found") as found:
        BACKEND._open(engine)
    assert "cudaError 35" in found.value.detail
    engine.path.write_bytes(b"not an engine" * 100)
    with pytest.raises(BackendError, match="the file is damaged"):
        BACKEND._open(engine)


def test_a_gpu_that_is_not_supported_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.backends import tensorrt_rtx

    hopper = driver.Gpu("NVIDIA H200", (9, 0), 140 << 30)
    monkeypatch.setattr(driver, "state", lambda: driver.Driver("13.0", (hopper,)))
    state = tensorrt_rtx._available.__wrapped__()
    assert state.can_build
    assert not state.can_run
    assert "NVIDIA H200" in state.reason
    assert "9.0" in state.reason
    assert "full TensorRT" in state.hint


def test_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.tensorrt import flavour

    absent: dict[str, Any] = {**vars(flavour.RTX), "module": "tensorrt_of_nobody"}
    with pytest.raises(BackendError, match="TensorRT-RTX is not installed") as found:
        flavour.load(flavour.Flavour(**absent))
    assert folders.install("rtx") in found.value.hint
