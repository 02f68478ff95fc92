"""Figures as people write them: counts, bytes, durations and shares, with units and thin spaces."""

from __future__ import annotations

import math

THIN = "\u202f"
MINUS = "\u2212"
NONE = "–"


def whole(value: float | None) -> str:
    """`1 234 567`, with thin spaces."""
    return NONE if value is None or not math.isfinite(value) else f"{value:,.0f}".replace(",", THIN).replace("-", MINUS)


def short(value: float | None, unit: str = "") -> str:
    """Three figures and a prefix: `4.65 M`, `390 MMACs` with a unit, `812`."""
    if value is None or not math.isfinite(value):
        return NONE
    for limit, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit * 0.9995:
            scale = 1e3 if prefix == "k" else limit
            return f"{_three(value / scale)}{THIN}{prefix}{unit}"
    text = whole(value) if float(value).is_integer() else _three(value)
    return f"{text}{THIN}{unit}" if unit else text


def size(value: float | None) -> str:
    """Bytes: `18.4 MB` (powers of ten, as file managers and vendors count)."""
    if value is None or not math.isfinite(value):
        return NONE
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(value) >= limit * 0.9995:
            return f"{_three(value / limit)}{THIN}{unit}"
    return f"{value:.0f}{THIN}B"


def seconds(value: float | None) -> str:
    """A duration: `0.34 s`, `41 s`, `3 min 12 s`, `2 h 05 min`."""
    if value is None or not math.isfinite(value):
        return NONE
    if value < 10:
        return f"{value:.1f}{THIN}s"
    if value < 100:
        return f"{value:.0f}{THIN}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{THIN}min {rest:02d}{THIN}s"
    return f"{minutes // 60}{THIN}h {minutes % 60:02d}{THIN}min"


def milliseconds(value: float | None) -> str:
    """A latency in milliseconds: `0.343 ms`."""
    return NONE if value is None or not math.isfinite(value) else f"{_three(value)}{THIN}ms"


def share(value: float | None, digits: int = 1) -> str:
    """A share from 0 to 1: `22.0 %`."""
    return NONE if value is None or not math.isfinite(value) else f"{value * 100:.{digits}f}{THIN}%"


def change(before: float | None, after: float | None) -> str:
    """How far `after` is from `before`: `−73 %`, `×2.1`, or empty where there is nothing to say."""
    if not before or after is None or before == after:
        return ""
    ratio = after / before
    if ratio >= 2:
        return f"×{ratio:.3g}"
    percent = (ratio - 1) * 100
    digits = 0 if abs(percent) >= 10 else 1
    return f"{'+' if percent > 0 else MINUS}{abs(percent):.{digits}f}{THIN}%"


def quantity(value: float | None, unit: str) -> str:
    """A number in its unit: bytes for `B`, `42.0 %` for `%`, `0.343 ms`, else three figures and a prefix: `390 MMACs`."""
    if value is None or not math.isfinite(value):
        return NONE
    if unit == "B":
        return size(value)
    if unit in ("%", "ms", "dB"):
        return f"{_three(value)}{THIN}{unit}"
    return short(value, unit)


def plural(count: int, one: str, many: str = "") -> str:
    """`1 node`, `12 nodes`."""
    return f"{whole(count)} {one if count == 1 else many or one + 's'}"


def three(value: float | None) -> str:
    """Three significant figures, for columns whose head has the unit: `0.343`."""
    return NONE if value is None or not math.isfinite(value) else _three(value)


def _three(value: float) -> str:
    """Three significant figures without an exponent."""
    if value == 0:
        return "0"
    value = float(f"{value:.3g}")  # first, so that 0.9996 counts as 1.00
    digits = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    return f"{value:.{min(digits, 6)}f}".replace("-", MINUS)
