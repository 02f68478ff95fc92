"""The sample that comes with the app: a small model, and images to calibrate and judge it with."""

from __future__ import annotations

from pathlib import Path

NAMES = ("digits.onnx", "digits.npz", "calibration.npz")


def path(name: str) -> Path:
    """A file of the sample."""
    from importlib import resources

    return Path(str(resources.files("resources.sample").joinpath(name)))
