"""The command line in this process, on the shared pool of workers; every document is held against its schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from core.cli import main
from core.cli.commands.schema import schemas
from core.cli.sample import path
from core.workers import Pool


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout, which is what its schema says."""
        found: dict[str, Any] = json.loads(self.out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
        command, _, version = found["schema"].removeprefix("sardonyx.").partition("/")
        assert version == "1"
        jsonschema.validate(found, schemas(strict=True)[command], cls=jsonschema.Draft202012Validator)
        return found


Cli = Callable[..., Done]


@pytest.fixture
def cli(pool: Pool, capfd: pytest.CaptureFixture[str]) -> Cli:
    """`cli("inspect", model, "--json")`; what the process writes to its own stdout counts, not only Python's."""

    def call(*words: object) -> Done:
        capfd.readouterr()
        code = main([str(word) for word in words], pool=pool)
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture
def digits() -> Path:
    """The sample's model."""
    return path("digits.onnx")


@pytest.fixture
def evaluation() -> Path:
    """The sample's labelled images."""
    return path("digits.npz")


@pytest.fixture
def calibration() -> Path:
    """The sample's images for calibration."""
    return path("calibration.npz")
