"""ONNX Runtime: engines that compute what the model computes, layers that know their nodes, refusals in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from core.backends import onnxruntime as backend_module
from core.backends.onnxruntime import OnnxRuntime, OnnxRuntimeOptions
from core.errors import BackendError
from core.job import Job
from core.model import Model
from core.onnxrt.session import EXACT_INT8
from tests import models
from tests.core.backends import refused

Maker = Callable[..., Model]
BACKEND = OnnxRuntime()


def direct(model: Model, feeds: dict[str, np.ndarray], *, level: str = "all") -> list[np.ndarray]:
    """What ONNX Runtime says when nobody stands between (with exact 8-bit products, which some CPUs must be asked for)."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.add_session_config_entry(EXACT_INT8, "1")
    options.log_severity_level = 4
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = getattr(levels, "ORT_DISABLE_ALL" if level == "none" else f"ORT_ENABLE_{level.upper()}")
    session = ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def feeds_for(model: Model) -> dict[str, np.ndarray]:
    import onnxruntime as ort

    from core.bench import BenchPlan
    from core.bench.run import first_batch
    from core.onnxrt.types import tensor_types

    session = ort.InferenceSession(str(model.path), providers=["CPUExecutionProvider"])
    return first_batch(tensor_types(session.get_inputs()), BenchPlan(batch=2, dim=5))[0]


@pytest.mark.parametrize("level", ["auto", "none", "basic", "extended", "layout", "all"])
@pytest.mark.parametrize(
    "build",
    [
        models.mlp,
        models.residual_cnn,
        models.dynamic,
        models.with_if,
        models.with_loop,
        models.with_function,
        models.int8_qdq,
        models.with_constants,
    ],
    ids=lambda build: build.__name__,
)
def test_the_engine_computes_what_the_model_computes(
    build: Callable[[], onnx.ModelProto], level: str, model_of: Maker, engines: Path, job: Job
) -> None:
    model = model_of(build())
    feeds = feeds_for(model)
    engine = BACKEND.build(model, OnnxRuntimeOptions(optimization=level), engines / "a.onnx", job)
    assert engine.extra["optimized"]
    assert engine.extra["level"] == ("all" if level == "auto" else level)
    expected = direct(model, feeds, level=engine.extra["level"])
    with BACKEND.open(engine) as runner:
        got = list(runner.run(feeds).values())
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_opening_does_not_optimize_again(model_of: Maker, engines: Path, job: Job) -> None:
    engine = BACKEND.build(model_of(models.residual_cnn()), OnnxRuntimeOptions(), engines / "a.onnx", job)
    with BACKEND.open(engine) as runner:
        options = runner.session.get_session_options()  # type: ignore[attr-defined]
        assert options.graph_optimization_level.name == "ORT_DISABLE_ALL"


def test_options_reach_the_session(model_of: Maker, engines: Path, job: Job) -> None:
    options = OnnxRuntimeOptions(threads=1, inter_threads=2, execution="parallel", spinning=False, memory_arena=False)
    engine = BACKEND.build(model_of(models.mlp()), options, engines / "a.onnx", job)
    with BACKEND.open(engine) as runner:
        seen = runner.session.get_session_options()  # type: ignore[attr-defined]
    assert (seen.intra_op_num_threads, seen.inter_op_num_threads) == (1, 2)
    assert seen.execution_mode.name == "ORT_PARALLEL"
    assert not seen.enable_cpu_mem_arena
    assert not seen.enable_mem_pattern
    assert seen.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_fused_layers_know_all_their_nodes(model_of: Maker, engines: Path, job: Job) -> None:
    proto = models.residual_cnn()
    engine = BACKEND.build(model_of(proto), OnnxRuntimeOptions(), engines / "a.onnx", job)
    assert 0 < len(engine.layers) < len(proto.graph.node)
    named = [name for layer in engine.layers for name in layer.nodes]
    assert sorted(named) == sorted(node.name for node in proto.graph.node), "each node belongs to one layer"
    convs = [layer for layer in engine.layers if "Conv" in layer.kind]
    assert convs
    assert max(len(layer.nodes) for layer in convs) >= 3
    assert any(line.startswith("[I] ") and "nodes became" in line for line in engine.log)


def test_float8_is_left_alone(model_of: Maker, engines: Path, job: Job) -> None:
    engine = BACKEND.build(model_of(refused.float8()), OnnxRuntimeOptions(), engines / "a.onnx", job)
    assert engine.extra["level"] == "none"
    with BACKEND.open(engine) as runner:
        assert runner.run({"x": np.ones((16, 16), np.float32)})["y"].shape == (16, 16)


def test_float8_with_optimization_is_told_how(model_of: Maker, engines: Path, job: Job) -> None:
    with pytest.raises(BackendError, match="cannot fuse the float8e4m3fn Q/DQ pairs") as found:
        BACKEND.build(model_of(refused.float8_conv()), OnnxRuntimeOptions(optimization="all"), engines / "a.onnx", job)
    assert found.value.hint == "Build with optimization=none."


def test_large_weights_go_beside_the_graph(model_of: Maker, engines: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_module, "EXTERNAL_FROM", 1)
    model = model_of(models.mlp(inputs=64, hidden=64))
    engine = BACKEND.build(model, OnnxRuntimeOptions(), engines / "a.onnx", job)
    assert {file.name for file in engines.iterdir()} == {"a.onnx", "a.onnx.data"}
    assert engine.size == sum(file.stat().st_size for file in engines.iterdir())
    assert (engines / "a.onnx").stat().st_size < model.size / 4
    feeds = {"x": np.ones((1, 64), np.float32)}
    with BACKEND.open(engine) as runner:
        np.testing.assert_allclose(runner.run(feeds)["probabilities"], direct(model, feeds)[0], rtol=1e-5)


@pytest.mark.parametrize("external", [False, True])
def test_what_cannot_be_written_is_copied(
    external: bool, model_of: Maker, engines: Path, tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backend_module._session

    def refuses_to_write(*args: object, save: Path | None = None, **words: object) -> object:
        if save is not None:
            save.write_bytes(b"half")
            raise RuntimeError("Unable to serialize model as it contains compiled nodes.")
        return real(*args, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(backend_module, "_session", refuses_to_write)
    if external:
        path = models.with_external(tmp_path)
        model = Model(path, "x", path.stat().st_size)
    else:
        model = model_of(models.mlp())
    engine = BACKEND.build(model, OnnxRuntimeOptions(), engines / "a.onnx", job)
    assert engine.extra["optimized"] is False
    assert any(line.startswith("[W] ") and "copy of the model" in line for line in engine.log)
    feeds = feeds_for(model)
    with BACKEND.open(engine) as runner:
        np.testing.assert_allclose(next(iter(runner.run(feeds).values())), direct(model, feeds)[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "words", "hint"),
    [
        (refused.unknown_op, "does not know the operator Oddity of node 'odd' (opset 17)", "opset"),
        (refused.custom_domain, "Oddity of the custom domain 'com.example' (node 'odd')", "com.example"),
        (models.unknown_domain, "custom domain 'com.example.unknown'", "standard operators"),
        (refused.future_ir, "IR version 99", "ir_version"),
        (refused.future_opset, "opset 99", "older opset"),
        (refused.bfloat16, "no implementation of MatMul (opset 13) for the types of node 'product'", "bfloat16"),
        (refused.bfloat16_conv, "Node 'conv' (Conv) cannot take bfloat16", "no bfloat16 on the CPU"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_refusals_name_the_node(
    build: Callable[[], onnx.ModelProto], words: str, hint: str, model_of: Maker, engines: Path, job: Job
) -> None:
    with pytest.raises(BackendError) as found:
        BACKEND.build(model_of(build()), OnnxRuntimeOptions(), engines / "a.onnx", job)
    assert words in found.value.message
    assert hint in found.value.hint
    assert "[ONNXRuntimeError]" in found.value.detail
    assert "onnxruntime_src" not in found.value.message
    assert not list(engines.iterdir())


def test_cuda_that_is_not_there_is_said(model_of: Maker, engines: Path, job: Job) -> None:
    from core.onnxrt.providers import cuda

    if cuda().usable:
        pytest.skip("CUDA is there")
    with pytest.raises(BackendError, match=r"cannot use CUDA here: .+") as found:
        BACKEND.build(model_of(models.mlp()), OnnxRuntimeOptions(provider="cuda"), engines / "a.onnx", job)
    assert found.value.hint
    assert BACKEND.build(model_of(models.mlp()), OnnxRuntimeOptions(), engines / "a.onnx", job).device == "CPU"


def test_a_damaged_engine_is_built_again(model_of: Maker, engines: Path, job: Job) -> None:
    engine = BACKEND.build(model_of(models.mlp()), OnnxRuntimeOptions(), engines / "a.onnx", job)
    engine.path.write_bytes(engine.path.read_bytes()[:200])
    with pytest.raises(BackendError, match=r"engine a\.onnx does not open") as found:
        BACKEND.open(engine)
    assert "build it again" in found.value.hint


def test_wrong_inputs_are_named(model_of: Maker, engines: Path, job: Job) -> None:
    engine = BACKEND.build(model_of(models.mlp()), OnnxRuntimeOptions(), engines / "a.onnx", job)
    with BACKEND.open(engine) as runner:
        with pytest.raises(BackendError, match=r"Input 'x' has the wrong shape .*Got: 3 Expected: 16"):
            runner.run({"x": np.zeros((1, 3), np.float32)})
        with pytest.raises(BackendError, match=r"type tensor\(double\), the model wants tensor\(float\)"):
            runner.run({"x": np.zeros((1, 16))})
        with pytest.raises(BackendError, match=r"'x'.* were not given"):
            runner.run({"z": np.zeros((1, 16), np.float32)})
        with pytest.raises(BackendError):
            runner.prepare({"x": np.zeros((1, 3), np.float32)})


def test_a_node_that_fails_while_running_is_named(model_of: Maker, engines: Path, job: Job) -> None:
    engine = BACKEND.build(model_of(refused.breaks_when_run()), OnnxRuntimeOptions(), engines / "a.onnx", job)
    with BACKEND.open(engine) as runner:
        assert runner.run({"x": np.zeros(6, np.float32)})["y"].shape == (3, 2)
        with pytest.raises(BackendError, match=r"Node 'reshape' \(Reshape\) failed while running"):
            runner.run({"x": np.zeros(7, np.float32)})


def test_it_writes_nothing_to_stderr(model_of: Maker, engines: Path, job: Job, capfd: pytest.CaptureFixture[str]) -> None:
    BACKEND.build(model_of(models.residual_cnn()), OnnxRuntimeOptions(), engines / "a.onnx", job)
    with pytest.raises(BackendError):
        BACKEND.build(model_of(refused.bfloat16()), OnnxRuntimeOptions(), engines / "b.onnx", job)
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == ""


def test_text_goes_in_and_out(model_of: Maker, engines: Path, job: Job) -> None:
    engine = BACKEND.build(model_of(refused.strings()), OnnxRuntimeOptions(), engines / "a.onnx", job)
    assert engine.inputs[0].text() == "string[1, 4]"
    words = {"x": np.array([["a", "b", "c", "d"]], dtype=object)}
    with BACKEND.open(engine) as runner:
        assert runner.run(words)["y"].tolist() == [["a", "b", "c", "d"]]
        runner.prepare(words)()
