"""Inputs for calibration, benchmarks and comparisons: where they come from, and how they are prepared."""

from __future__ import annotations

from dataclasses import dataclass

from core.params import param


@dataclass(frozen=True)
class DataSpec:
    """Where inputs come from and how they are made ready; declared once, kept in the recipe.

    `path` empty means seeded random inputs (every user of them says so). A folder or file of .npz: each array is
    named after an input, the first axis is the sample; an array `labels` or `y` (int) is taken as labels. A folder of
    images: each is resized, cropped, normalised `(x - mean) / std` on the 0..255 scale and laid out as told; labels come
    from `labels.csv` (file,label) in it, or from the names of subfolders when these are whole numbers.
    """

    path: str = param("", "Folder or .npz file with inputs (empty: seeded random)", kind="path", title="Inputs")
    limit: int = param(64, "At most this many samples", title="Samples", min=1, max=10_000_000)
    seed: int = param(0, "Seed of random inputs", min=0, max=2**31 - 1, advanced=True)
    batch: int = param(1, "Samples in one batch", min=1, max=65536, advanced=True)
    dim: int = param(64, "What symbolic dims other than the batch become", title="Other dims", min=1, max=1_000_000, advanced=True)
    mean: str = param("0", "Mean on the 0..255 scale, one number or one a channel", advanced=True)
    std: str = param("255", "Divisor on the 0..255 scale, one number or one a channel", advanced=True)
    resize: int = param(0, "Shorter side before the crop (0: what the input needs / 0.875)", min=0, max=8192, unit="px", advanced=True)
    channels: str = param("rgb", "Order of colour channels", choices=("rgb", "bgr"), advanced=True)
