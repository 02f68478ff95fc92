"""Figures read as people write them."""

from __future__ import annotations

import math

import pytest

from gui import figures


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (figures.whole(1234567), "1 234 567"),
        (figures.whole(None), "–"),
        (figures.short(4_652_008), "4.65 M"),
        (figures.short(999_600_000), "1.00 G"),
        (figures.short(390e6, "MACs"), "390 MMACs"),
        (figures.short(12_345), "12.3 k"),
        (figures.short(812), "812"),
        (figures.short(math.nan), "–"),
        (figures.size(0), "0 B"),
        (figures.size(18_412_345), "18.4 MB"),
        (figures.size(999), "999 B"),
        (figures.seconds(0.34), "0.3 s"),
        (figures.seconds(41.2), "41 s"),
        (figures.seconds(192), "3 min 12 s"),
        (figures.seconds(7500), "2 h 05 min"),
        (figures.milliseconds(0.3431), "0.343 ms"),
        (figures.milliseconds(12.34), "12.3 ms"),
        (figures.share(0.22), "22.0 %"),
        (figures.change(100, 27), "−73 %"),
        (figures.change(100, 210), "×2.1"),
        (figures.change(100, 100), ""),
        (figures.change(0, 5), ""),
        (figures.change(1000, 999), "−0.1 %"),
        (figures.plural(1, "node"), "1 node"),
        (figures.plural(12, "node"), "12 nodes"),
    ],
)
def test_figures(said: str, wanted: str) -> None:
    assert said.replace(figures.THIN, " ") == wanted
