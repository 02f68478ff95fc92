"""Photographs out of scikit-image and scikit-learn as EfficientNet-Lite0 wants them: crops, and what is on three of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

#: EfficientNet-Lite0's preprocessing: (x - MEAN) / STD on the 0..255 scale, RGB, NCHW, 224 pixels.
MEAN, STD, SIDE = 127.0, 128.0, 224
#: ImageNet classes that are right for a photograph (tabby, tiger cat, Egyptian cat; espresso; missile, as the net says of a rocket).
LABELS = {"chelsea": (281, 282, 285), "coffee": (967,), "rocket": (657, 744)}
PHOTOS = ("chelsea", "coffee", "rocket", "astronaut", "motorcycle", "motorcycle_right", "clock", "china", "flower")


def photo(name: str) -> Image.Image:
    """One photograph, RGB."""
    if name in ("china", "flower"):
        from sklearn.datasets import load_sample_image

        return Image.fromarray(load_sample_image(f"{name}.jpg"))
    from skimage import data, io

    if name.startswith("motorcycle"):
        side = "right" if name.endswith("right") else "left"
        return Image.fromarray(io.imread(Path(data.__file__).parent / f"motorcycle_{side}.png")).convert("RGB")
    return Image.fromarray(getattr(data, name)()).convert("RGB")


def tensor(image: Image.Image) -> np.ndarray:
    """A picture of SIDE x SIDE as float32 [3, SIDE, SIDE]."""
    return ((np.asarray(image, np.float32) - MEAN) / STD).transpose(2, 0, 1)


def centre(name: str) -> np.ndarray:
    """The usual evaluation crop of a photograph: shorter side to 256, the middle 224; float32 [3, 224, 224]."""
    image = photo(name)
    scale = SIDE / 0.875 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
    return tensor(image.crop((left, top, left + SIDE, top + SIDE)))


def crops(count: int, seed: int) -> Iterator[tuple[str, Image.Image]]:
    """`count` random crops (60 to 100 % of the shorter side, half of them mirrored), photographs in turn."""
    rng = np.random.default_rng(seed)
    photos = {name: photo(name) for name in PHOTOS}
    for number in range(count):
        name = PHOTOS[number % len(PHOTOS)]
        image = photos[name]
        side = int(min(image.size) * rng.uniform(0.6, 1.0))
        left, top = int(rng.integers(0, image.width - side + 1)), int(rng.integers(0, image.height - side + 1))
        crop = image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        if rng.random() < 0.5:
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        yield f"{number:03d}-{name}", crop
