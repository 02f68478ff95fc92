"""Models as files, and jobs that end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import pytest

from core.job import Job
from core.model import Model
from tests.models import save


@pytest.fixture
def model_of(tmp_path: Path) -> Callable[..., Model]:
    """A `Model` in a folder of its own, from a ModelProto."""

    def make(proto: onnx.ModelProto, name: str = "model") -> Model:
        path = save(proto, tmp_path / "models" / f"{name}.onnx")
        return Model(path, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)

    return make


@pytest.fixture
def job() -> Iterator[Job]:
    """A job that nobody watches."""
    made = Job()
    yield made
    made.close()


@pytest.fixture
def engines(tmp_path: Path) -> Path:
    """The folder for engines."""
    folder = tmp_path / "engines"
    folder.mkdir()
    return folder
