"""What importing this room costs, and what opening a large model takes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from tests import models


def _child(code: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True, check=True).stdout


def test_importing_the_room_loads_nothing_heavy() -> None:
    loaded = _child(
        """
        import importlib, pkgutil, sys
        import core.model
        for module in pkgutil.iter_modules(core.model.__path__):
            importlib.import_module(f"core.model.{module.name}")
        heavy = {"numpy", "onnx", "onnx_ir", "onnxruntime", "onnxslim", "ml_dtypes", "google.protobuf", "psutil", "PySide6", "gui"}
        print(sorted(heavy & set(sys.modules)))
        """
    )
    assert loaded.strip() == "[]"


def test_hashing_a_large_model_does_not_keep_it_in_memory(tmp_path: Path) -> None:
    """300 MB are read to be digested, weight by weight; the process does not grow by them."""
    path = models.big(300, tmp_path / "big.onnx", layers=30)
    grown = _child(
        """
        import resource, sys
        from pathlib import Path
        import numpy, onnx, onnx_ir
        from core.job import Job
        from core.model import opening
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        opening.open_model(Path(sys.argv[1]), Job())
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
        """,
        str(path),
    )
    assert int(grown) < 120
