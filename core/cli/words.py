"""Numbers as people read them in the tables of the command line."""

from __future__ import annotations

import math

#: Ops that hold graphs of their own, whose nodes a summary does not count.
NESTING = frozenset({"If", "Loop", "Scan", "SequenceMap"})


def size(value: float) -> str:
    """Bytes in decimal units, as disks and files are sold: `161.1 kB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def count(value: float | None) -> str:
    """A count with its thousands apart, or in millions and billions when it is large; `unknown` for None."""
    if value is None:
        return "unknown"
    for limit, unit in ((1e9, "G"), (1e6, "M")):
        if abs(value) >= limit:
            return f"{value / limit:.2f} {unit}"
    return f"{value:,.0f}"


def ms(value: float) -> str:
    """Milliseconds with three or four digits that matter."""
    return f"{value:.4f}" if value < 1 else f"{value:.3f}" if value < 100 else f"{value:.1f}"


def percent(value: float | None) -> str:
    """A share as percent with two decimals; a dash for None."""
    return "-" if value is None else f"{100 * value:.2f} %"


def decibel(value: float) -> str:
    """A ratio in dB; `equal` for infinity."""
    if math.isinf(value):
        return "equal" if value > 0 else "-inf dB"
    return f"{value:.1f} dB"


def value(found: object) -> str:
    """A parameter's value as it is written on the command line: `yes`, `a;b`."""
    if isinstance(found, bool):
        return "yes" if found else "no"
    return ";".join(str(item) for item in found) if isinstance(found, tuple) else str(found)


def small(value: float) -> str:
    """A small error, in the shortest form that says enough."""
    return "0" if value == 0 else f"{value:.3g}"
