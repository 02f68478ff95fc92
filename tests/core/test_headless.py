"""core needs no window: all of it imports where Qt and everything of the window cannot be imported, and quickly."""

from __future__ import annotations

import json
import subprocess
import sys

PROBE = """
import importlib, json, pkgutil, sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"PySide6", "PySide6QtAds", "shiboken6", "pyqtgraph", "qtawesome", "superqt", "gui"}:
            raise ImportError(f"{name} is barred here")

sys.meta_path.insert(0, Wall())
import core
names = [info.name for info in pkgutil.walk_packages(core.__path__, "core.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
heavy = {"numpy", "onnx", "onnx_ir", "onnxruntime", "onnxslim", "tensorrt_rtx", "PIL", "rich", "netron", "cuda"}
print(json.dumps({"modules": len(names), "heavy": sorted(heavy & set(sys.modules))}))
"""


def test_core_imports_without_qt_and_without_heavy_libraries() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", PROBE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["modules"] > 60
    assert said["heavy"] == []
