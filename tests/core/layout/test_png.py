"""Our PNG files are what others read: Pillow gets back every pixel, whatever the strips were."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.layout.png import PngWriter


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("strips", [[7], [1, 1, 5], [3, 4]])
def test_pillow_reads_every_pixel(channels: int, strips: list[int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 13, channels), np.uint8)
    file = io.BytesIO()
    png = PngWriter(file, 13, 7, channels, density=3780)
    top = 0
    for rows in strips:
        png.write(pixels[top : top + rows])
        top += rows
    png.close()
    with Image.open(io.BytesIO(file.getvalue())) as image:
        image.load()
        assert image.mode == ("RGB" if channels == 3 else "RGBA")
        assert np.array_equal(np.asarray(image), pixels)
        assert image.info["dpi"] == pytest.approx((96.0, 96.0), abs=0.1)


def test_large_pictures_come_in_several_chunks() -> None:
    pixels: Any = np.random.default_rng(0).integers(0, 256, (400, 700, 3), np.uint8)
    file = io.BytesIO()
    png = PngWriter(file, 700, 400, 3)
    png.write(pixels[:200])
    png.write(pixels[200:])
    png.close()
    assert file.getvalue().count(b"IDAT") > 1
    with Image.open(io.BytesIO(file.getvalue())) as image:
        assert np.array_equal(np.asarray(image), pixels)


def test_rows_that_do_not_fit_are_refused() -> None:
    png = PngWriter(io.BytesIO(), 4, 2, 3)
    with pytest.raises(ValueError, match="does not fit"):
        png.write(np.zeros((1, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="does not fit"):
        png.write(np.zeros((3, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="missing"):
        png.close()
