"""Engines to measure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from core.backends import BACKENDS
from core.backends.base import Engine
from core.job import Job
from core.model import Model
from core.params import from_dict
from tests import models


@pytest.fixture
def engine_of(tmp_path: Path) -> Callable[..., Engine]:
    """An engine of a ModelProto (an MLP when left out) by a backend, options as keywords."""

    def make(backend: str, proto: onnx.ModelProto | None = None, **options: Any) -> Engine:
        path = models.save(proto or models.mlp(), tmp_path / "model.onnx")
        model = Model(path, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        kind = BACKENDS[backend]
        job = Job()
        try:
            return kind().build(model, from_dict(kind.Options, options), tmp_path / f"engine{kind.suffix}", job)
        finally:
            job.close()

    return make
