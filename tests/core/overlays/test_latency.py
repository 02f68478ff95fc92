"""Kernel times of ONNX Runtime's profiler, written down at the model's own nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import helper

from core.cli.sample import path as sample
from core.data import DataSpec
from core.errors import Cancelled, ModelError
from core.job import Job
from core.model import Model
from core.model.document import snapshot
from core.model.opening import read_deep
from core.onnxrt.profiling import Kernel, kernels, owner
from core.overlays import latency
from core.overlays.latency import ProfilePlan, middle, profile
from core.overlays.numbers import Numbers
from tests import models

PLAN = ProfilePlan(runs=4)


def timed(model: Model, plan: ProfilePlan = PLAN, spec: DataSpec | None = None) -> Numbers:
    job = Job()
    try:
        return profile(model, plan, spec or DataSpec(dim=8), job)
    finally:
        job.close()


def test_the_digits_sample() -> None:
    model = snapshot(sample("digits.onnx"), Job())
    index = read_deep(model, Job())
    found = timed(model)
    assert found.unit == "ms"
    assert found.title == "Latency (ONNX Runtime, CPU)"
    assert found.source == "4 runs on 1 seeded random sample (seed 0)"
    assert set(found.by_name) <= set(index.names)
    ops = dict(zip(index.names, index.op.tolist(), strict=True))
    convs = {name for name in index.names if index.op_names[ops[name]] == "Conv"}
    assert convs <= set(found.by_name)  # a fused kernel's time stands at its Conv
    assert "/head/Gemm" in found.by_name
    assert all(took >= 0 for took in found.by_name.values())
    assert 0 < sum(found.by_name.values()) < 1000
    assert any("fused kernel" in note for note in found.notes)
    on = found.on(index)
    assert on.values.shape == (len(index),)
    assert on.notes == found.notes  # every name was found


def test_nameless_nodes_and_constants(tmp_path: Path) -> None:
    model = models.with_constants()
    for node in model.graph.node:
        node.name = ""
    saved = snapshot(models.save(model, tmp_path / "nameless.onnx"), Job())
    index = read_deep(saved, Job())
    found = timed(saved)
    assert set(found.by_name) <= set(index.names)
    assert "MatMul_1" in found.by_name


def test_control_flow_is_one_node(tmp_path: Path) -> None:
    saved = snapshot(models.save(models.with_loop(), tmp_path / "loop.onnx"), Job())
    found = timed(saved)
    assert set(found.by_name) == {"abs", "loop"}


def test_a_large_graph_is_run_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "EVENTS", 20)
    saved = snapshot(models.save(models.mlp(), tmp_path / "mlp.onnx"), Job())
    assert timed(saved, ProfilePlan(runs=50)).source.startswith("3 runs")


def test_what_cannot_run_is_told_and_what_is_cancelled_stops(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot open"):
        timed(snapshot(models.save(models.unknown_domain(), tmp_path / "unknown.onnx"), Job()))
    saved = snapshot(models.save(models.mlp(), tmp_path / "mlp.onnx"), Job())
    job = Job(is_cancelled=lambda: True)
    with pytest.raises(Cancelled):
        profile(saved, PLAN, DataSpec(), job)


def event(cat: str, name: str, ts: int, dur: int, number: int = 0) -> dict[str, object]:
    return {"cat": cat, "name": name, "ts": ts, "dur": dur, "args": {"node_index": str(number)}}


def test_events_become_runs() -> None:
    """Two runs; what is no kernel of the main graph is left out; two nodes of one name are told apart by their number."""
    graph = helper.make_graph(
        [
            helper.make_node("Relu", ["x"], ["a"], name="same"),
            helper.make_node("Neg", ["a"], ["b"], name="same"),
            helper.make_node("Abs", ["b"], ["y"]),
        ],
        "g", [helper.make_tensor_value_info("x", 1, [1])], [helper.make_tensor_value_info("y", 1, [1])],
    )  # fmt: skip
    events = []
    for run in range(2):
        at = 100 * run
        events += [
            event("Node", "same_kernel_time", at + 1, 5 + run, 0),
            event("Node", "same_kernel_time", at + 11, 7, 1),
            event("Node", "Abs_2_kernel_time", at + 21, 9, 2),
            event("Node", "inner_kernel_time", at + 22, 3, 0),
            event("Node", "same_fence_before", at + 23, 1, 0),
            event("Session", "model_run", at, 50),
        ]
    found = kernels(events, graph, graph)
    assert [(kernel.kind, kernel.microseconds) for kernel in found] == [("Relu", (5.0, 6.0)), ("Neg", (7.0, 7.0)), ("Abs", (9.0, 9.0))]
    assert found[2] == Kernel(name="Abs_2", kind="Abs", nodes=("Abs_2",), microseconds=(9.0, 9.0))


def test_whose_time_it_is() -> None:
    ops = {"dq": "DequantizeLinear", "conv": "Conv", "relu": "Relu"}
    assert owner(("dq", "conv", "relu"), "fused_1", ops) == "conv"
    assert owner(("dq", "conv", "relu"), "relu_nchwc", ops) == "relu"
    assert owner(("dq", "relu"), "x", ops) == "dq"


def test_the_middle_of_samples() -> None:
    assert middle([100.0, 4.0, 5.0, 0.0]) == 4.5
    assert middle([2.0]) == 2.0
    assert middle([]) == 0.0


def test_numbers_of_strange_nodes_are_told(tmp_path: Path) -> None:
    index = read_deep(snapshot(models.save(models.mlp(), tmp_path / "mlp.onnx"), Job()), Job())
    found = Numbers("x", "Error", "dB", {"/fc1/Gemm": 1.0, "gone": 2.0}, "a test").on(index)
    assert found.values[index.names.index("/fc1/Gemm")] == 1.0
    assert found.notes == ("1 of 2 numbers are of nodes that this graph does not have.",)
