"""Freezes the app with PyInstaller and checks the result: it must find every pass, backend and panel of the source tree.

python packaging/freeze.py [--dist FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def freeze(dist: Path, work: Path) -> Path:
    """Run PyInstaller; returns the frozen command line program."""
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "--distpath", str(dist), "--workpath", str(work)]
    subprocess.run([*command, str(ROOT / "packaging" / "sardonyx.spec")], check=True, cwd=ROOT)
    return dist / "sardonyx" / ("sardonyx.exe" if os.name == "nt" else "sardonyx")


def self_check(program: Path) -> dict[str, object]:
    """What the frozen app says of itself, run without the source tree and this interpreter's settings in reach."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["QT_QPA_PLATFORM"] = "offscreen"
    done = subprocess.run(
        [str(program), "--self-check", "--json"], capture_output=True, text=True, check=False, env=environment, cwd=program.parent
    )
    if done.returncode != 0:
        raise SystemExit(f"the frozen app's self-check ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def demonstrate(program: Path, folder: Path) -> dict[str, object]:
    """The whole loop inside the frozen app: its workers, ONNX Runtime and the sample must work there too."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [str(program), "demo", "--json", "--no-window", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=program.parent)
    if done.returncode != 0:
        raise SystemExit(f"the frozen app's demonstration ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    begin = time.perf_counter()
    program = freeze(options.dist, ROOT / "build" / "freeze")
    seconds = time.perf_counter() - begin
    size = sum(file.stat().st_size for file in program.parent.rglob("*") if file.is_file() and not file.is_symlink())
    found = self_check(program)
    sys.stdout.write(f"frozen in {seconds:.0f} s, {size / 1e6:.0f} MB\n{json.dumps(found, indent=2)}\n")


if __name__ == "__main__":
    main()
