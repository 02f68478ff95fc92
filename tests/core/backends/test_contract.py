"""What every backend promises, asked of each that is registered."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from core import params
from core.backends import BACKENDS
from core.backends.base import Backend
from core.errors import BackendError, Cancelled, UsageError
from core.job import Job
from core.model import Model
from tests.models import dynamic, mlp

Maker = Callable[..., Model]
pytestmark = pytest.mark.parametrize("kind", list(BACKENDS), ids=BACKENDS.ids())


def ready(kind: type[Backend]) -> Backend:
    """The backend, or a skip with its reason where it cannot build."""
    backend = kind()
    state = backend.available()
    if not state.can_build:
        pytest.skip(f"{kind.title}: {state.reason}")
    return backend


def test_it_introduces_itself(kind: type[Backend]) -> None:
    assert kind.id
    assert kind.title
    assert kind.suffix.startswith(".")
    assert kind.__doc__
    assert kind.__doc__.splitlines()[0].endswith((".", ":"))
    assert params.specs(kind.Options), "options are params"
    assert {field.name for field in fields(kind.Options)} == {spec.name for spec in params.specs(kind.Options)}
    assert all(spec.help and not spec.help.endswith(".") for spec in params.specs(kind.Options))


def test_options_make_the_round_trip(kind: type[Backend]) -> None:
    options = kind.Options()
    params.validate(options)
    assert params.from_dict(kind.Options, json.loads(json.dumps(params.to_dict(options)))) == options
    assert pickle.loads(pickle.dumps(options)) == options


def test_it_says_what_it_can_do_here(kind: type[Backend]) -> None:
    state = kind().available()
    assert state == kind().available()
    if not (state.can_build and state.can_run):
        assert state.reason
        assert state.hint
        assert not state.reason.endswith("."), "the reason is put into sentences"
    if state.can_build:
        assert state.version


def test_an_engine_knows_where_it_came_from(kind: type[Backend], model_of: Maker, engines: Path, job: Job) -> None:
    model = model_of(mlp())
    before = hashlib.sha256(model.path.read_bytes()).hexdigest()
    path = engines / f"a{kind.suffix}"
    engine = ready(kind).build(model, kind.Options(), path, job)
    assert hashlib.sha256(model.path.read_bytes()).hexdigest() == before, "the model is not touched"
    assert engine.path == path
    assert engine.backend == kind.id
    assert engine.model == model
    assert engine.size == sum(file.stat().st_size for file in engines.iterdir())
    assert [item.name for item in engine.inputs] == ["x"]
    assert [item.name for item in engine.outputs] == ["probabilities"]
    assert engine.inputs[0].text() == "float32[N, 16]"
    assert engine.seconds > 0
    assert engine.device
    assert engine.version
    assert engine.created
    assert params.from_dict(kind.Options, engine.options) == kind.Options()
    assert pickle.loads(pickle.dumps(engine)) == engine
    json.dumps([engine.options, engine.extra, engine.log])
    named = {name for layer in engine.layers for name in layer.nodes}
    assert named
    assert named <= {node.name for node in mlp().graph.node}
    if kind().available().can_run:
        return
    with pytest.raises(BackendError, match="cannot run engines here") as refused:
        kind().open(engine)
    assert refused.value.hint


def test_progress_goes_up_to_one(kind: type[Backend], model_of: Maker, engines: Path) -> None:
    told: list[tuple[float, str]] = []
    job = Job(on_step=lambda fraction, text: told.append((fraction, text)))
    ready(kind).build(model_of(dynamic()), kind.Options(), engines / f"a{kind.suffix}", job)
    job.close()
    shares = [fraction for fraction, _ in told]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert all(text for _, text in told)


def test_a_cancelled_build_leaves_nothing(kind: type[Backend], model_of: Maker, engines: Path) -> None:
    backend, model = ready(kind), model_of(mlp())
    told: list[str] = []
    job = Job(on_step=lambda fraction, text: told.append(text))
    backend.build(model, kind.Options(), engines / f"a{kind.suffix}", job)
    job.close()
    for file in engines.iterdir():
        file.unlink()
    for place in range(len(told) - 1):
        seen: list[str] = []
        job = Job(on_step=lambda fraction, text: seen.append(text), is_cancelled=lambda: len(seen) > place)  # noqa: B023 - used at once
        with pytest.raises(Cancelled):
            backend.build(model, kind.Options(), engines / f"a{kind.suffix}", job)
        job.close()
        assert not list(engines.iterdir()), f"cancelled after {seen}"


def test_wrong_options_are_refused_before_anything_happens(kind: type[Backend], model_of: Maker, engines: Path, job: Job) -> None:
    class Other(kind.Options):  # type: ignore[misc, name-defined]
        pass

    for spec in params.specs(kind.Options):
        if spec.max is not None:
            options = kind.Options(**{spec.name: spec.type(spec.max + 1)})
            with pytest.raises(UsageError, match=spec.name):
                ready(kind).build(model_of(mlp()), options, engines / "a", job)
    from core.backends.base import BuildOptions

    with pytest.raises(TypeError):
        ready(kind).build(model_of(mlp()), BuildOptions(), engines / "a", job)
    assert not list(engines.iterdir())


def test_a_missing_model_is_an_error_that_helps(kind: type[Backend], tmp_path: Path, engines: Path, job: Job) -> None:
    with pytest.raises(BackendError) as refused:
        ready(kind).build(Model(tmp_path / "gone.onnx", "", 0), kind.Options(), engines / "a", job)
    assert "gone.onnx" in refused.value.message
    assert refused.value.hint
    assert not list(engines.iterdir())


def test_it_runs_what_it_built(kind: type[Backend], model_of: Maker, engines: Path, job: Job) -> None:
    backend = ready(kind)
    state = backend.available()
    if not state.can_run:
        pytest.skip(f"{kind.title} cannot run here: {state.reason}")
    engine = backend.build(model_of(mlp()), kind.Options(), engines / f"a{kind.suffix}", job)
    feeds = {"x": np.random.default_rng(0).standard_normal((3, 16), np.float32)}
    with backend.open(engine) as runner:
        outputs = runner.run(feeds)
        assert list(outputs) == ["probabilities"]
        assert outputs["probabilities"].shape == (3, 10)
        np.testing.assert_allclose(outputs["probabilities"].sum(axis=1), 1.0, rtol=1e-5)
        call = runner.prepare(feeds)
        call()
        call()
        np.testing.assert_array_equal(runner.run(feeds)["probabilities"], outputs["probabilities"])
        assert [item.name for item in runner.inputs] == ["x"]
        assert runner.device
    runner.close()
    moved = engines / "elsewhere" / engine.path.name
    moved.parent.mkdir()
    engine.path.rename(moved)
    with pytest.raises(BackendError, match="is gone"):
        backend.open(engine)
    with backend.open(dataclasses.replace(engine, path=moved)) as runner:
        np.testing.assert_array_equal(runner.run(feeds)["probabilities"], outputs["probabilities"])
