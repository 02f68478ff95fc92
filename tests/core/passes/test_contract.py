"""What every pass keeps to: a new file in core/passes is tested before its author writes a test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import pytest

from core import history, params, recipe
from core.errors import AppError, Cancelled, UsageError
from core.job import Job
from core.model import Model, document
from core.onnxrt.session import Session
from core.passes import PASSES
from core.passes.base import Pass
from core.workers import Pool
from tests import models

NETS: dict[str, Callable[[], onnx.ModelProto]] = {
    "mlp": models.mlp,
    "residual_cnn": models.residual_cnn,
    "dynamic": models.dynamic,
    "with_if": models.with_if,
    "with_loop": models.with_loop,
    "with_function": models.with_function,
    "with_constants": models.with_constants,
    "int8_qdq": models.int8_qdq,
    "unsorted": models.unsorted,
    "zero_size": models.zero_size,
    "empty": models.empty_graph,
    "nan_weight": models.nan_weight,
}
#: What makes a pass quick here; a pass that is not named runs with its defaults.
QUICK = {"quantize_int8": {"samples": 2}, "edit_interface": {"metadata": ("reviewed=yes",)}, "prune_two_four": {"least": 4}}
#: Models that a pass refuses, with a message and a hint.
REFUSED = {
    "simplify": (),
    "edit_interface": (),
    "fp16": ("int8_qdq",),
    "quantize_int8": ("int8_qdq", "nan_weight"),
    "prune_magnitude": ("with_loop", "with_function", "int8_qdq", "unsorted", "zero_size", "empty"),
    "prune_two_four": ("with_loop", "with_function", "int8_qdq", "unsorted", "zero_size", "empty"),
}
T = TypeVar("T")
ALL = pytest.mark.parametrize("cls", list(PASSES), ids=lambda cls: cls.id)


def make(cls: type[Pass]) -> Pass:
    return params.from_dict(cls, QUICK.get(cls.id, {}))


def refused(work: Callable[[], T]) -> T | AppError:
    """What `work` returns, or the error that it raises on purpose."""
    try:
        return work()
    except AppError as error:
        return error


def opened(name: str, folder: Path) -> Model:
    return document.snapshot(models.save(NETS[name](), folder / f"{name}.onnx"))


def frame(path: Path) -> list[tuple[str, int]]:
    """Names and ranks of inputs and outputs."""
    graph = onnx.load(path).graph
    return [(value.name, len(value.type.tensor_type.shape.dim)) for value in (*graph.input, *graph.output)]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Job(scratch=scratch)


def test_nothing_is_broken() -> None:
    assert PASSES.broken == {}
    assert PASSES.ids() == ("simplify", "edit_interface", "fp16", "quantize_int8", "prune_magnitude", "prune_two_four")


@ALL
def test_it_is_declared_for_people(cls: type[Pass]) -> None:
    assert cls.id.isidentifier()
    assert cls.title
    assert cls.group in ("Graph", "Precision", "Quantize", "Prune")
    assert cls.icon
    sentence = (cls.__doc__ or "").splitlines()[0]
    assert sentence.endswith(".")
    assert len(sentence) > 20
    for spec in params.specs(cls):
        assert len(spec.help) > 8, spec.name
        assert params.check(spec, spec.default) == spec.default
        if spec.type in (int, float):
            assert spec.min is not None, spec.name
            assert spec.max is not None, spec.name


@ALL
def test_params_round_trip(cls: type[Pass], tmp_path: Path) -> None:
    step = cls()
    assert params.from_dict(cls, params.to_dict(step)) == step
    assert params.from_text(cls, "") == step
    assert hash(step) == hash(cls())
    recipe.write([step], tmp_path / "r.toml")
    assert recipe.read(tmp_path / "r.toml") == (step,)
    assert step.label == cls.title or cls.named
    assert step.label.startswith(cls.title)
    changed = _changed(cls)
    assert changed != step
    recipe.write([changed], tmp_path / "c.toml")
    assert recipe.read(tmp_path / "c.toml") == (changed,)
    assert changed.label.startswith(cls.title)
    assert len(changed.label) < 80


def _changed(cls: type[Pass]) -> Pass:
    """The pass with every parameter moved away from its default, where that is possible."""
    values: dict[str, object] = {}
    for spec in params.specs(cls):
        if spec.type is bool:
            values[spec.name] = not spec.default
        elif spec.choices:
            other = next(choice for choice in spec.choices if choice != spec.default and (choice,) != spec.default)
            values[spec.name] = (other,) if spec.type is tuple else other
        elif spec.type is tuple:
            values[spec.name] = ("a, b", "c;d")
        elif spec.type is str:
            values[spec.name] = "/data/12" if spec.kind else "12"
        else:
            values[spec.name] = spec.min if spec.default != spec.min else spec.max
    return params.from_dict(cls, values)


@ALL
@pytest.mark.parametrize("net", list(NETS))
def test_the_result_is_sound_and_the_input_untouched(cls: type[Pass], net: str, tmp_path: Path, job: Job) -> None:
    model = opened(net, tmp_path)
    digest = hashlib.sha256(model.path.read_bytes()).hexdigest()
    loaded = document.load(model.path)
    tensors = [value.const_value for value in loaded.graph.initializers.values()]
    before = [tensor.tobytes() for tensor in tensors if tensor is not None]
    done = refused(lambda: history.apply(model, make(cls), tmp_path / "out", job))
    assert hashlib.sha256(model.path.read_bytes()).hexdigest() == digest
    assert [tensor.tobytes() for tensor in tensors if tensor is not None] == before
    if isinstance(done, AppError):
        assert done.message.startswith(f"{cls.title}: "), done.message
        assert done.hint, done.message
        assert net in REFUSED[cls.id], done.message
        assert not list(tmp_path.glob("out/*"))
        return
    assert net not in REFUSED[cls.id]
    assert done.notes
    if done.modified:
        made = onnx.load(done.after.path)
        onnx.checker.check_model(made, full_check=True)
        original = onnx.load(model.path)
        assert {(item.domain, item.version) for item in made.opset_import} == {
            (item.domain, item.version) for item in original.opset_import
        }
        assert made.ir_version == original.ir_version
        assert made.producer_name == original.producer_name
    assert frame(done.after.path) == frame(model.path)
    if cls.tolerance is not None:
        assert error_between(model.path, done.after.path) <= cls.tolerance
    else:
        Session(done.after.path).close()


def error_between(a: Path, b: Path) -> float:
    """The largest absolute difference of all outputs on seeded random inputs."""
    first, second = Session(a), Session(b)
    rng = np.random.default_rng(5)
    worst = 0.0
    given = {}
    for item in first.inputs:
        shape = [dim if isinstance(dim, int) else 3 for dim in item.shape or ()]
        given[item.name] = rng.integers(0, 9, shape) if "int" in item.dtype else rng.standard_normal(shape).astype(item.dtype)
    for name, value in first.run(given).items():
        other = second.run(given)[name]
        assert np.array_equal(np.isnan(value), np.isnan(other))
        worst = max(worst, float(np.nanmax(np.abs(value - other), initial=0.0)))
    return worst


@ALL
@pytest.mark.parametrize("net", list(NETS))
def test_preview_touches_nothing(cls: type[Pass], net: str, tmp_path: Path, job: Job) -> None:
    model = opened(net, tmp_path)
    loaded = document.load(model.path)
    frozen = document.to_proto(loaded).SerializeToString(deterministic=True)
    known = {node.name or f"{node.op_type}_{place}" for place, node in enumerate(loaded.graph)}
    known |= {node.name for node in loaded.graph.all_nodes() if node.name}
    shown = refused(lambda: history.preview(model, make(cls), job))
    if isinstance(shown, AppError):
        assert shown.hint
    else:
        assert shown.text
        assert set(shown.nodes) <= known
        assert len(set(shown.nodes)) == len(shown.nodes)
        assert all(isinstance(text, str) for text in shown.figures.values())
    assert document.to_proto(document.load(model.path)).SerializeToString(deterministic=True) == frozen
    assert not list(job.scratch.iterdir())


@ALL
def test_cancel_before_and_during(cls: type[Pass], tmp_path: Path, job: Job) -> None:
    model = opened("residual_cnn", tmp_path)
    with pytest.raises(Cancelled):
        history.apply(model, make(cls), tmp_path / "out", Job(scratch=job.scratch, is_cancelled=lambda: True))
    steps: list[float] = []
    history.apply(model, make(cls), tmp_path / "counted", Job(scratch=job.scratch, on_step=lambda f, t: steps.append(f)))
    assert len(steps) > 4
    assert steps == sorted(steps)
    for stop in range(1, len(steps), max(1, len(steps) // 6)):
        seen: list[float] = []

        def cancelled(seen: list[float] = seen, stop: int = stop) -> bool:
            return len(seen) >= stop

        watched = Job(scratch=job.scratch, on_step=lambda f, t, seen=seen: seen.append(f), is_cancelled=cancelled)  # type: ignore[misc]
        with pytest.raises(Cancelled):
            history.apply(model, make(cls), tmp_path / "out", watched)
        assert not list(tmp_path.glob("out/*.onnx"))


@ALL
def test_it_prints_nothing(cls: type[Pass], tmp_path: Path, job: Job, capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to the CLI's one document, the log to the person; a logged warning fails by itself."""
    import logging

    handlers = {name: list(logging.getLogger(name).handlers) for name in ("", "onnxslim", "onnxruntime")}
    for net in ("residual_cnn", "dynamic"):
        history.apply(opened(net, tmp_path), make(cls), tmp_path / "out", job)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert {name: list(logging.getLogger(name).handlers) for name in handlers} == handlers


@ALL
def test_it_runs_in_a_worker_process(cls: type[Pass], tmp_path: Path, pool: Pool) -> None:
    model = opened("residual_cnn", tmp_path)
    steps: list[float] = []
    done = pool.run(history.apply, model, make(cls), tmp_path / "out", on_step=lambda f, t: steps.append(f))
    assert isinstance(done, history.Step)
    assert done.after.path.is_file()
    assert steps == sorted(steps)
    assert pool.run(history.preview, model, make(cls)).text
    with pytest.raises(UsageError):
        pool.run(history.apply, model, _out_of_range(cls), tmp_path / "out")


def _out_of_range(cls: type[Pass]) -> Pass:
    """The pass with its first bounded parameter out of bounds, which only validation can notice."""
    for spec in params.specs(cls):
        if spec.choices and spec.type is str:
            return cls(**{spec.name: "no such choice"})
        if spec.max is not None:
            return cls(**{spec.name: spec.type(spec.max + 1)})
    return cls(**{params.specs(cls)[0].name: object()})
