"""Write the icon files of this folder from the outlines of the Phosphor font that the qtawesome package carries.

Run it when a name is added: `python resources/icons/make.py`. The files are committed: the app itself needs neither
the font nor qtawesome (importing that costs 0.4 s of start-up, measured). Phosphor is MIT licensed, see LICENSE.txt.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

#: Our name -> Phosphor's.
NAMES = {
    "open": "folder-open",
    "save": "floppy-disk",
    "undo": "arrow-u-up-left",
    "redo": "arrow-u-up-right",
    "branch": "git-branch",
    "build": "wrench",
    "play": "play",
    "stop": "stop",
    "pause": "pause",
    "search": "magnifying-glass",
    "settings": "gear-six",
    "sliders": "sliders-horizontal",
    "cut": "scissors",
    "compare": "scales",
    "chart": "chart-line",
    "bars": "chart-bar",
    "graph": "tree-structure",
    "table": "table",
    "layers": "stack",
    "info": "info",
    "warning": "warning",
    "error": "x-circle",
    "ok": "check-circle",
    "close": "x",
    "check": "check",
    "copy": "copy",
    "export": "export",
    "jobs": "list-dashes",
    "log": "article",
    "history": "clock-counter-clockwise",
    "eye": "eye",
    "fit": "frame-corners",
    "fold": "arrows-in-line-vertical",
    "unfold": "arrows-out-line-vertical",
    "fold-one": "caret-double-up",
    "unfold-one": "caret-double-down",
    "flat": "rows",
    "zoom-in": "magnifying-glass-plus",
    "zoom-out": "magnifying-glass-minus",
    "filter": "funnel",
    "refresh": "arrows-clockwise",
    "globe": "globe",
    "chip": "cpu",
    "trash": "trash",
    "folder": "folder",
    "file": "file",
    "star": "star",
    "race": "timer",
    "speed": "gauge",
    "help": "question",
    "keyboard": "keyboard",
    "plus": "plus",
    "minus": "minus",
    "more": "dots-three",
    "drop": "download-simple",
    "bug": "bug",
    "sun": "sun",
    "moon": "moon",
    "theme": "circle-half",
    "pin": "push-pin",
    "node": "circle",
    "tensor": "cube",
    "panel": "squares-four",
    "edit": "pencil-simple",
    "wand": "magic-wand",
    "link": "link",
    "select": "selection",
    "back": "arrow-left",
    "forward": "arrow-right",
    "float": "arrow-square-out",
    "dropdown": "caret-down",
    "chevron-down": "caret-down",
    "chevron-up": "caret-up",
    "chevron-right": "caret-right",
    "chevron-left": "caret-left",
}
#: The font's em; Phosphor is drawn on a grid of 256.
EM = 256


def outline(raw: object, glyph: int) -> str:
    """SVG path data of a glyph, y down, on the em square."""
    from PySide6.QtGui import QPainterPath

    path: QPainterPath = raw.pathForGlyph(glyph)  # type: ignore[attr-defined]
    rise = raw.ascent()  # type: ignore[attr-defined]
    words: list[str] = []
    i = 0
    while i < path.elementCount():
        at = path.elementAt(i)
        x, y = at.x, at.y + rise
        if at.type == QPainterPath.ElementType.MoveToElement:
            words.append(f"M{x:.4g} {y:.4g}")
        elif at.type == QPainterPath.ElementType.LineToElement:
            words.append(f"L{x:.4g} {y:.4g}")
        else:
            b, c = path.elementAt(i + 1), path.elementAt(i + 2)
            words.append(f"C{x:.4g} {y:.4g} {b.x:.4g} {b.y + rise:.4g} {c.x:.4g} {c.y + rise:.4g}")
            i += 2
        i += 1
    return "".join(words) + "Z"


def main() -> int:
    """Write every file; the number written is the exit message."""
    import qtawesome
    from PySide6.QtGui import QGuiApplication, QRawFont

    app = QGuiApplication.instance() or QGuiApplication(["make", "-platform", "offscreen"])
    fonts = Path(qtawesome.__file__).parent / "fonts"
    chars = json.loads(next(fonts.glob("phosphor-charmap-*.json")).read_text())
    raw = QRawFont(str(next(fonts.glob("phosphor-*.ttf"))), EM)
    here = Path(__file__).parent
    for name, theirs in NAMES.items():
        glyph = raw.glyphIndexesForString(chr(int(chars[theirs], 16)))[0]
        data = outline(raw, glyph)
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {EM} {EM}"><path fill="currentColor" d="{data}"/></svg>\n'
        (here / f"{name}.svg").write_text(svg)
    del app
    sys.stdout.write(f"{len(NAMES)} icons\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
