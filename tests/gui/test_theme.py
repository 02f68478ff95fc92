"""Both themes: contrast, colours that stay apart for colour-blind eyes, pictures that match the tokens, live switching."""

from __future__ import annotations

import importlib.util
import itertools
import math
import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from core.layout.families import FAMILIES
from gui import theme
from gui.theme import Theme

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
#: The same paper's matrix for tritan eyes: far fewer people, and the hues that the other two leave as refuge.
TRITAN = ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900))
Lab = tuple[float, float, float]


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


def ciede2000(one: Lab, two: Lab) -> float:
    """CIEDE2000 as Sharma, Wu and Dalal (2005) write it down, all weights 1."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * math.sqrt(mean**7 / (mean**7 + 25**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    dl, dc, dh = l2 - l1, c2 - c1, 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    lm, cm, hm = (l1 + l2) / 2, (c1 + c2) / 2, h1 + turn / 2 if c1 * c2 else h1 + h2
    hm %= 360
    t = 1 - 0.17 * math.cos(math.radians(hm - 30)) + 0.24 * math.cos(math.radians(2 * hm))
    t += 0.32 * math.cos(math.radians(3 * hm + 6)) - 0.20 * math.cos(math.radians(4 * hm - 63))
    sl, sc, sh = 1 + 0.015 * (lm - 50) ** 2 / math.sqrt(20 + (lm - 50) ** 2), 1 + 0.045 * cm, 1 + 0.015 * cm * t
    bend = -math.sin(math.radians(60 * math.exp(-(((hm - 275) / 25) ** 2)))) * 2 * math.sqrt(cm**7 / (cm**7 + 25**7))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + bend * dc / sc * dh / sh)


@pytest.mark.parametrize(
    ("one", "two", "wanted"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
        ((50.0, -1.0, 2.0), (50.0, 0.0, 0.0), 2.3669),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_is_that_of_the_published_table(one: Lab, two: Lab, wanted: float) -> None:
    assert ciede2000(one, two) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [None, "protan", "deutan", "tritan"])
def test_families_stay_apart_for_every_kind_of_eyes(name: theme.Name, kind: str | None) -> None:
    """All of them, for any two may stand side by side in the legend when the others are not in the graph."""
    one = Theme(name)
    matrix = {None: None, **BLINDNESS, "tritan": TRITAN}[kind]
    seen = {family: lab(one.color(f"family.{family}"), matrix) for family in FAMILIES}
    worst = min((ciede2000(seen[a], seen[b]), a, b) for a, b in itertools.combinations(FAMILIES, 2))
    assert worst[0] >= 8.8, worst


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
