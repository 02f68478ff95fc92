"""Nothing is told to anybody: ONNX Runtime's telemetry is off before it loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import models

RUN = """
import sys, core, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
"""


def left_by(code: str, model: Path, folder: Path) -> list[str]:
    """The files that `code` leaves in the home and temporary folders."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True)
    kept = {key: value for key, value in os.environ.items() if key not in ("ORT_DISABLE_TELEMETRY", "CI") and not key.startswith("XDG_")}
    kept |= {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    subprocess.run([sys.executable, "-c", code, str(model)], check=True, env=kept)
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def test_onnx_runtime_reports_nothing(tmp_path: Path) -> None:
    model = models.save(models.mlp(), tmp_path / "m.onnx")
    assert left_by(RUN, model, tmp_path / "ours") == []
