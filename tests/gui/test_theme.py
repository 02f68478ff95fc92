"""Both themes: contrast, colours that stay apart for colour-blind eyes, pictures that match the tokens, live switching."""

from __future__ import annotations

import importlib.util
import itertools
import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from gui import theme
from gui.theme import FAMILIES, Theme

NAMES = ("light", "dark")
SURFACES = ("window", "panel", "raised", "sunken", "selection", "hover", "overlay")
WORDS = ("text", "muted", "accent", "ok", "warn", "bad")
ROOT = Path(__file__).parents[2]


def luminance(colour: QColor) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (colour.redF(), colour.greenF(), colour.blueF())]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a: QColor, b: QColor) -> float:
    """Contrast ratio (WCAG 2.2)."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("word", "surface"), list(itertools.product(WORDS, SURFACES)))
def test_text_is_readable_on_every_surface(name: theme.Name, word: str, surface: str) -> None:
    one = Theme(name)
    assert contrast(one.color(word), one.color(surface)) >= 4.5


@pytest.mark.parametrize("name", NAMES)
def test_text_on_the_accent_is_readable(name: theme.Name) -> None:
    one = Theme(name)
    assert contrast(one.color("accent_text"), one.color("accent")) >= 4.5
    assert contrast(one.color("accent_text"), one.color("accent_hover")) >= 4.5
    assert contrast(one.color("disabled"), one.color("panel")) >= 3.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("token", [*(f"family.{family}" for family in FAMILIES), *(f"series.{n}" for n in range(8))])
def test_marks_are_seen_on_every_surface(name: theme.Name, token: str) -> None:
    one = Theme(name)
    for surface in ("window", "panel", "raised"):
        assert contrast(one.color(token), one.color(surface)) >= 3.0


#: Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
BLINDNESS = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}


def lab(colour: QColor, matrix: tuple[tuple[float, ...], ...] | None) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of a colour as seen through a kind of colour blindness."""
    rgb = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (colour.redF(), colour.greenF(), colour.blueF())]
    if matrix is not None:
        rgb = [min(1.0, max(0.0, sum(m * c for m, c in zip(row, rgb, strict=True)))) for row in matrix]
    x = (0.4124 * rgb[0] + 0.3576 * rgb[1] + 0.1805 * rgb[2]) / 0.95047
    y = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
    z = (0.0193 * rgb[0] + 0.1192 * rgb[1] + 0.9505 * rgb[2]) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def apart(a: QColor, b: QColor, matrix: tuple[tuple[float, ...], ...] | None) -> float:
    """Distance in L*a*b* (CIE76)."""
    return sum((p - q) ** 2 for p, q in zip(lab(a, matrix), lab(b, matrix), strict=True)) ** 0.5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [None, *BLINDNESS])
@pytest.mark.parametrize(
    "tokens", [[f"family.{family}" for family in FAMILIES], [f"series.{n}" for n in range(8)]], ids=["family", "series"]
)
def test_colours_stay_apart(name: theme.Name, kind: str | None, tokens: list[str]) -> None:
    """A word or a shape always says it too; still no two may look the same. 2.3 is a just noticeable difference."""
    one = Theme(name)
    matrix = BLINDNESS[kind] if kind is not None else None
    worst = min((apart(one.color(a), one.color(b), matrix), a, b) for a, b in itertools.combinations(tokens, 2))
    assert worst[0] >= 12.0, worst


@pytest.mark.parametrize("name", NAMES)
def test_the_sheet_names_only_tokens_and_pictures_that_exist(name: theme.Name) -> None:
    text = theme.sheet(name, 13)
    assert "@" not in text
    pictures = set(re.findall(r'url\("([^"]+)"\)', text))
    assert pictures
    for picture in pictures:
        assert Path(picture).is_file(), picture


def test_pictures_are_those_that_the_tokens_make() -> None:
    spec = importlib.util.spec_from_file_location("themes_make", ROOT / "resources/themes/make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    for name in NAMES:
        for file, text in make.pictures(name).items():
            assert (ROOT / "resources/themes" / name / file).read_text(encoding="utf-8") == text, (
                f"run resources/themes/make.py: {name}/{file}"
            )


def test_both_themes_have_the_same_tokens() -> None:
    assert set(theme.tokens("light")) == set(theme.tokens("dark"))


def test_switching_is_live_and_told_once(qapp: QApplication) -> None:
    one = Theme("light")
    told: list[str] = []
    one.changed.connect(lambda: told.append(one.name))
    one.apply(qapp)
    try:
        one.choose("dark")
        one.choose("dark")
        assert told == ["dark"]
        assert qapp.palette().color(QPalette.ColorRole.Window) == one.color("panel")
        assert one.hex("panel") in qapp.styleSheet()
    finally:
        one.release()


def test_the_system_is_followed(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    """The offscreen platform has no scheme of its own: the answer is replaced, the signal is Qt's."""
    monkeypatch.setattr(theme, "system_is_dark", lambda: False)
    one = Theme("system")
    one.apply(qapp)
    try:
        told: list[str] = []
        one.changed.connect(lambda: told.append(one.name))
        monkeypatch.setattr(theme, "system_is_dark", lambda: True)
        qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
        assert told == ["dark"]
        one.choose("light")  # what the person holds, the system does not change
        qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
        assert told == ["dark", "light"]
    finally:
        one.release()
