"""The frozen app finds everything that the source tree has, and runs the whole loop."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def script(name: str) -> ModuleType:
    """A script of packaging/ as a module."""
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", ROOT / "packaging" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(importlib.util.find_spec("PyInstaller") is None, reason="the `dev` extra (PyInstaller) is not installed")
@pytest.mark.skipif(sys.platform.startswith("linux") and shutil.which("objdump") is None, reason="PyInstaller needs binutils")
def test_the_frozen_app_is_complete_and_works(tmp_path: Path) -> None:
    freeze = script("freeze")
    program = freeze.freeze(tmp_path / "dist", tmp_path / "work")
    found = freeze.self_check(program)
    said = subprocess.run(
        [sys.executable, "-m", "core.cli", "--self-check", "--json"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    source = json.loads(said.stdout)
    for kind in ("commands", "passes", "backends", "panels"):
        assert sorted(found[kind]) == sorted(source[kind]), kind
    assert found["broken"] == {}
    told = freeze.demonstrate(program, tmp_path / "demo")
    assert told["schema"].startswith("sardonyx.demo/")


def test_the_spec_leaves_nothing_of_ours_to_chance() -> None:
    """Registries walk packages, so the spec must name all of ours."""
    text = (ROOT / "packaging" / "sardonyx.spec").read_text(encoding="utf-8")
    for package in ("core", "gui", "resources"):
        assert f'collect_submodules("{package}")' in text
    assert 'collect_data_files("resources")' in text
