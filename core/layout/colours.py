"""The colours of a drawn graph, in light and in dark, for pictures that are made without a window."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from core.layout.families import FAMILIES

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Colours:
    """Every one as `#rrggbb`; `families` in the order of `core.layout.families.FAMILIES`."""

    window: str
    box: str
    box_line: str
    text: str
    muted: str
    link: str
    families: tuple[str, ...]


@cache
def colours(theme: Theme) -> Colours:
    """The colours of a theme, mixed from its tokens as the graph view mixes them."""
    from importlib import resources

    found = tomllib.loads(Path(str(resources.files("resources.themes").joinpath(f"{theme}.toml"))).read_text(encoding="utf-8"))
    return _mixed(found, dark=theme == "dark")


def _mixed(tokens: Mapping[str, Any], *, dark: bool) -> Colours:
    window, text, line = tokens["window"], tokens["text"], tokens["line"]
    return Colours(
        window=window,
        box=tokens["raised"] if dark else mix(tokens["panel"], "#ffffff", 0.5),
        box_line=mix(line, text, 0.06 if dark else 0.1),
        text=text,
        muted=tokens["muted"],
        link=mix(window, text, 0.36 if dark else 0.38),
        families=tuple(tokens["family"][name] for name in FAMILIES),
    )


def mix(a: str, b: str, share: float) -> str:
    """`a` with `share` of `b`, both and the result `#rrggbb`."""
    parts = [(int(a[at : at + 2], 16), int(b[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(one + (other - one) * share):02x}" for one, other in parts)
