"""Write the small pictures that the style sheet needs (arrows, check marks), one folder a theme, from icons and tokens.

Run it when a token in `dark.toml` or `light.toml` changes: `python resources/themes/make.py`; a test compares.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

HERE = Path(__file__).parent
#: Picture -> (icon, token of its colour).
PICTURES = {
    "down": ("chevron-down", "muted"),
    "down-hover": ("chevron-down", "text"),
    "down-disabled": ("chevron-down", "disabled"),
    "up": ("chevron-up", "muted"),
    "up-hover": ("chevron-up", "text"),
    "up-disabled": ("chevron-up", "disabled"),
    "right": ("chevron-right", "muted"),
    "right-hover": ("chevron-right", "text"),
    "left": ("chevron-left", "muted"),
    "check": ("check", "accent_text"),
    "check-disabled": ("check", "disabled"),
    "check-menu": ("check", "accent"),
    "dash": ("minus", "accent_text"),
    "close": ("close", "muted"),
    "close-hover": ("close", "text"),
    "menu": ("chevron-down", "muted"),
    "float": ("float", "muted"),
    "pin": ("pin", "muted"),
    "more": ("more", "muted"),
}


def pictures(theme: str) -> dict[str, str]:
    """File name -> SVG text, for one theme."""
    tokens = tomllib.loads((HERE / f"{theme}.toml").read_text(encoding="utf-8"))
    icons = HERE.parent / "icons"
    found = {}
    for name, (icon, token) in PICTURES.items():
        found[f"{name}.svg"] = (icons / f"{icon}.svg").read_text(encoding="utf-8").replace("currentColor", tokens[token])
    dot = f'<circle cx="8" cy="8" r="3.5" fill="{tokens["accent_text"]}"/>'
    found["dot.svg"] = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{dot}</svg>\n'
    return found


def main() -> int:
    """Write both folders."""
    for theme in ("dark", "light"):
        folder = HERE / theme
        folder.mkdir(exist_ok=True)
        for name, text in pictures(theme).items():
            (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
