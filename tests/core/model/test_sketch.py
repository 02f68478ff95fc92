"""The bare structure of a graph equals that of its index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from core.model import index, opening
from core.model.sketch import sketch
from core.model.source import read
from tests import models

LIGHT = sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))


def _same(path: Path) -> None:
    source = read(path)
    light, whole = sketch(source), opening.index_of(source)
    assert light.names == whole.names
    assert [light.op_names[op] for op in light.op] == [whole.op_names[op] for op in whole.op]
    assert light.kind.tolist() == whole.kind.tolist()
    assert light.file_index.tolist() == whole.file_index.tolist()
    assert (light.src.tolist(), light.dst.tolist()) == (whole.src.tolist(), whole.dst.tolist())
    assert [light.tensors[number] for number in light.tensor] == [whole.tensors[number] for number in whole.tensor]
    assert whole.scope is not None
    assert light.scope is not None
    assert [light.scope_names[scope] for scope in light.scope] == [whole.scope_names[scope] for scope in whole.scope]


@pytest.mark.parametrize("path", LIGHT, ids=lambda path: path.stem)
def test_real_topologies(path: Path) -> None:
    _same(path)


@pytest.mark.parametrize(
    "build",
    [models.mlp, models.with_if, models.with_loop, models.with_function, models.with_constants, models.unsorted, models.empty_graph],
)
def test_small_models(build: Callable[[], onnx.ModelProto], tmp_path: Path) -> None:
    _same(models.save(build(), tmp_path / "model.onnx"))


def test_names_of_inputs_and_outputs_give_way() -> None:
    assert index.apart(["x", "a"], ["x", "b"], ["a", ""]) == ["x (input)", "a", "x", "b", "a (output)", " (output)"]
