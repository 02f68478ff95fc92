"""What a worker may answer: all that our tasks do, and nothing that has something called in the app."""

from __future__ import annotations

import copyreg
import os
import pickle
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pytest

from core import archive
from core.backends.base import Availability
from core.bench import Samples
from core.errors import BackendError, Cancelled, ModelError
from core.model import Model, TensorType
from core.workers import Pool, TaskBug, answers, frames
from tests.core.workers import tasks


@pytest.fixture
def own() -> Iterator[Pool]:
    with Pool(warm=False) as made:
        yield made


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"a": (1, 2.5, 1j, "text", b"bytes", bytearray(b"x"), {3}, frozenset({4}), range(5), slice(1, 2))},
        Model(Path("/somewhere/model.onnx"), "0" * 64, 7),
        (TensorType("x", "float32", (1, "N", None)), Availability(True, False, reason="none")),
        (PurePosixPath("a"), PureWindowsPath("b"), datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_data_arrives(value: Any) -> None:
    assert answers.unpack(frames.pack(value)) == value


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "bool", "complex64", "U3", "datetime64[s]"])
@pytest.mark.parametrize("size", [0, 3, 100_000])
def test_arrays_arrive(dtype: str, size: int) -> None:
    array = np.zeros(size, dtype)
    found = answers.unpack(frames.pack((array, array[::2], array.reshape(1, -1).T)))
    assert found[0].dtype == array.dtype
    assert [part.shape for part in found] == [(size,), (-(-size // 2),), (size, 1)]
    assert answers.unpack(frames.pack(np.ones(2, dtype)[0])) == np.ones(2, dtype)[0]


def test_samples_arrive() -> None:
    found = answers.unpack([pickle.dumps(Samples("measure", np.arange(3.0), np.ones(3)), protocol=5)])
    assert found.phase == "measure"
    assert found.times.tolist() == [0, 1, 2]


@pytest.mark.parametrize("error", [ModelError("a", hint="b", detail="c"), BackendError("only this"), TaskBug("a", kind="b", detail="c")])
def test_errors_arrive_whole(error: Exception) -> None:
    found = answers.unpack(frames.pack(error))
    assert (type(found), vars(found), found.args) == (type(error), vars(error), error.args)
    assert isinstance(answers.unpack(frames.pack(Cancelled())), Cancelled)


ACTS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (os.system, ("true",)),
    (eval, ("1",)),
    (getattr, (1, "real")),
    (__import__, ("os",)),
    (subprocess.Popen, (["true"],)),
    (shutil.rmtree, ("/nowhere",)),
    (pickle.loads, (b"N.",)),
    (np.load, ("/nowhere",)),
    (np.fromfile, ("/nowhere",)),
    (archive.write_json, (Path("/nowhere/x"), 1)),
    (Pool, ()),
]


@pytest.mark.parametrize(("function", "given"), ACTS)
def test_nothing_is_called(function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    with pytest.raises(pickle.UnpicklingError, match="not among what a worker may send"):
        answers.unpack(frames.pack(tasks.Reach(function, *given)))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("core.workers.process", "subprocess.Popen"),
        ("core.workers.process", "os.system"),
        ("core.archive", "Path.unlink"),
        ("core.session", "Session.restore"),
        ("core.backends.base", "Engine.__init__"),
        ("builtins", "frozenset.__class__"),
        ("numpy", "ndarray.tofile"),
    ],
)
def test_nothing_is_reached_by_way_of_what_is_allowed(module: str, name: str) -> None:
    said = b"\x80\x05\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93."
    pickle.loads(said)  # there is such a thing
    with pytest.raises(pickle.UnpicklingError, match="not among what a worker may send"):
        answers.unpack([said])


@pytest.mark.parametrize(
    "said", [b"cos\nsystem\n.", b"(ios\nsystem\n.", b"\x82\x01.", b"\x83\x01\x00.", b"\x84\x01\x00\x00\x00.", b"Pname\n.", b"NQ."]
)
def test_no_opcode_brings_in_anything(said: bytes) -> None:
    copyreg.add_extension("os", "system", 1)
    try:
        with pytest.raises(pickle.UnpicklingError):
            answers.unpack([said])
    finally:
        copyreg.remove_extension("os", "system", 1)


def test_a_worker_that_was_taken_over_calls_nothing_here(own: Pool, tmp_path: Path) -> None:
    for task in (tasks.reach_out, tasks.emit_reach):
        with pytest.raises(TaskBug, match=r"Look: the worker's answer could not be read: \w+\.system is not among"):
            own.run(task, os.system, (f"touch {tmp_path / 'seen'}",), title="Look", on_emit=lambda event: None)
    assert not list(tmp_path.iterdir())
    assert own.run(tasks.echo, 1) == 1


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x10\x01\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x80\x05N?",  # a log record that is none
        b"\x0d\x01\x00\x00\x00" + b"\xff" * 8,  # an event larger than any memory
        b"\x0d" + b"\xff" * 4,
    ],
)
def test_a_worker_that_speaks_rubbish_is_ended(own: Pool, rubbish: bytes, allow_logs: list[Any]) -> None:
    with pytest.raises(Exception, match=r"Write rubbish stopped: its worker process was killed"):
        own.run(tasks.write_rubbish, rubbish)
    assert own.pids() == {}
    assert "does not speak as a worker does" in allow_logs[0].getMessage()
    assert own.run(tasks.echo, 1) == 1
