"""A laid-out graph as an SVG file: real shapes and real text, the same look as on the screen.

Every box and every line carries a `<title>`, which browsers show as a tooltip. Styles are classes, so that a whole
picture can be recoloured by editing a few lines at its beginning.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import AppError
from core.layout import boxes
from core.layout.colours import Colours, Theme, colours, mix
from core.layout.families import FAMILIES, families

if TYPE_CHECKING:
    import numpy as np

    from core.job import Job
    from core.layout import Placed
    from core.layout.nested import Folds
    from core.model import Model
    from core.model.index import GraphIndex

Rect = tuple[float, float, float, float]
#: The coloured edge of a box, and the radius of its corners.
STRIPE, ROUND = 4.5, 5.0
#: Where in its line's height a text's baseline is, and how high a line is, as shares of its size.
ASCENT, LINE = 0.93, 1.17
#: So many boxes or lines are written between two looks at whether to stop.
_TURN = 1000
#: What XML 1.0 has no place for, and halves of characters.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Badges:
    """A number on each box: `shade` int8 by row into `colours` and `inks` (`#rrggbb`), -1 for none; `texts` by row.

    `title` says what they are and in which unit, `low` and `high` what the first and the last colour stand for.
    """

    shade: np.ndarray
    colours: tuple[str, ...]
    inks: tuple[str, ...]
    texts: tuple[str, ...]
    title: str = ""
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Style:
    """How a picture looks: which theme, with or without its ground, shapes on links and a legend above, which font first.

    `region` is x0, y0, x1, y1 of the graph to show; None: all of it. `folds` says what is folded, and where frames are.
    """

    theme: Theme = "light"
    transparent: bool = False
    shapes: bool = True
    legend: bool = True
    font: str = ""
    region: Rect | None = None
    title: str = ""
    badges: Badges | None = field(default=None, repr=False)
    folds: Folds | None = field(default=None, repr=False)


def draw(model: Model, flat: bool | None, style: Style, path: Path, job: Job) -> Path:
    """Index and lay out a model's graph and write its picture to `path` (a task); `flat` None: folded when it is large."""
    from core.layout.folding import open_folded

    shown = open_folded(model, flat, True, job.part(0.0, 0.6))
    return save(shown.index, shown.plain(), replace(style, folds=shown.folds()), path, job.part(0.6, 1.0))


def save(index: GraphIndex, placed: Placed, style: Style, path: Path, job: Job) -> Path:
    """Write a laid-out graph's picture to `path`, whole or not at all (a task).

    Raises `AppError` when that cannot be written, `Cancelled` when told to stop.
    """
    draft = job.scratch / "picture.svg"
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            for share, text in svg(index, placed, style):
                job.step(0.95 * share, f"Drawing {path.name}")
                file.write(text)
        job.step(0.95, f"Writing {path.name}")
        _deliver(draft, path)
    except OSError as error:
        raise AppError(
            f"{path} cannot be written: {error.strerror or error}.", hint="Choose another folder, or make room on the disk."
        ) from error
    return path


def _deliver(draft: Path, path: Path) -> None:
    """Put a finished file in its place at once, also from another disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(draft, beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def svg(index: GraphIndex, placed: Placed, style: Style) -> Iterator[tuple[float, str]]:
    """The picture piece by piece: (how much is done, text); the texts together are one SVG document."""
    page = _Page(index, placed, style)
    yield 0.0, page.head()
    yield 0.0, page.frames()
    for done, text in page.lines():
        yield 0.4 * done, text
    for done, text in page.boxes():
        yield 0.4 + 0.5 * done, text
    yield 0.95, page.tags()
    yield 1.0, page.labels() + page.foot()


class _Page:
    """One picture in the making."""

    def __init__(self, index: GraphIndex, placed: Placed, style: Style) -> None:
        self.index, self.placed, self.style = index, placed, style
        self.colours = colours(style.theme)
        whole = (0.0, 0.0, max(1.0, placed.width), max(1.0, placed.height))
        self.rect: Rect = style.region or whole
        self.above, self.words = _legend(index, style, self.rect[2] - self.rect[0])

    def head(self) -> str:
        """The document's beginning, up to the ground."""
        x0, y0, x1, y1 = self.rect
        y0 -= self.above
        size = f"{_n(x1 - x0)} {_n(y1 - y0)}"
        wide, high = size.split(" ")
        ground = "" if self.style.transparent else f'<rect class="ground" x="{_n(x0)}" y="{_n(y0)}" width="{wide}" height="{high}"/>\n'
        title = f"<title>{_text(self.style.title)}</title>\n" if self.style.title else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="{_n(x0)} {_n(y0)} {size}">\n'
            f"{title}<style>\n{_sheet(self.colours, self.style)}</style>\n{ground}{self._clip()}"
        )

    def _clip(self) -> str:
        """The beginning of what is cut off at the region's edge, where only a part is shown."""
        x0, y0, x1, y1 = self.rect
        if self.style.region is None:
            return "<g>\n"
        rect = f'<rect x="{_n(x0)}" y="{_n(y0)}" width="{_n(x1 - x0)}" height="{_n(y1 - y0)}"/>'
        return f'<clipPath id="part">{rect}</clipPath>\n<g clip-path="url(#part)">\n'

    def foot(self) -> str:
        """The legend, over what small renderers do not cut off, and the document's end."""
        x0, y0, x1, _ = self.rect
        if not self.words:
            return "</g>\n</svg>\n"
        ground = "" if self.style.transparent else f'<rect class="ground" width="{_n(x1 - x0)}" height="{_n(self.above)}"/>\n'
        return f'</g>\n<g transform="translate({_n(x0)} {_n(y0 - self.above)})">\n{ground}{self.words}</g>\n</svg>\n'

    def frames(self) -> str:
        """Open groups, outer ones first, each with its name."""
        folds = self.style.folds
        if folds is None:
            return ""
        x0, y0, x1, y1 = self.rect
        made = []
        columns = (
            folds.x.tolist(),
            folds.y.tolist(),
            folds.w.tolist(),
            folds.h.tolist(),
            folds.depth.tolist(),
            folds.titles,
            folds.details,
        )
        for x, y, w, h, depth, title, detail in zip(*columns, strict=True):
            if not (x < x1 and x + w > x0 and y < y1 and y + h > y0):
                continue
            room = w - 24.0
            name = _cut(title, room, boxes.DETAIL * boxes.BOLD)
            after = boxes.text_width(name, boxes.DETAIL) * boxes.BOLD + 10.0
            said = _cut(detail, room - after, boxes.TAG) if room - after > 40.0 else ""
            whole = f"{title}\n{detail}".strip()
            made.append(
                f"<g><title>{_text(whole)}</title>"
                f'<rect class="frame{depth % 2}" x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="8"/>'
                f'<text class="name" x="{_n(x + 12)}" y="{_n(y + 17)}">{_text(name)}</text>'
                f'<text class="aside" x="{_n(x + 12 + after)}" y="{_n(y + 17)}">{_text(said)}</text></g>\n'
            )
        return "".join(made)

    def lines(self) -> Iterator[tuple[float, str]]:
        """Links, one path for each tensor."""
        import numpy as np

        links, of = self.placed.links, self.placed.link_tensor
        x0, y0, x1, y1 = self.rect
        left, right = np.minimum(links[:, 0], links[:, 2]), np.maximum(links[:, 0], links[:, 2])
        seen = np.flatnonzero((left <= x1) & (right >= x0) & (links[:, 1] <= y1) & (links[:, 3] >= y0))
        seen = seen[np.lexsort((links[seen, 1], of[seen]))]
        straight = (right[seen] - left[seen] <= 0.25).tolist()
        cuts = np.flatnonzero(np.diff(of[seen])) + 1
        starts, ends = [0, *cuts.tolist()], [*cuts.tolist(), len(seen)]
        upright = links[seen].copy()
        upright[:, 1], upright[:, 3] = np.maximum(upright[:, 1], y0), np.minimum(upright[:, 3], y1)  # trunks may go on for ever
        pieces, tensors = np.where(np.array(straight, bool)[:, None], upright, links[seen]).tolist(), of[seen].tolist()
        yield 0.0, '<g class="link">\n'
        made: list[str] = []
        for start, end in zip(starts, ends, strict=True) if len(seen) else ():
            path = "".join(_piece(pieces[at], straight[at]) for at in range(start, end))
            tensor = tensors[start]
            said = f"{self.index.tensors[tensor]}\n{self.index.tensor_types[tensor]}".strip()
            made.append(f'<path d="{path}"><title>{_text(said)}</title></path>\n')
            if len(made) == _TURN:
                yield end / len(seen), "".join(made)
                made.clear()
        yield 1.0, "".join(made) + "</g>\n"

    def boxes(self) -> Iterator[tuple[float, str]]:
        """Boxes with their texts, from top to bottom."""
        import numpy as np

        index, placed = self.index, self.placed
        x, y = placed.x - placed.w / 2, placed.y - placed.h / 2
        x0, y0, x1, y1 = self.rect
        rows = np.flatnonzero((x < x1) & (x + placed.w > x0) & (y < y1) & (y + placed.h > y0))
        rows = rows[np.lexsort((x[rows], y[rows]))]
        folds = self.style.folds
        titles, kinds = boxes.titles(index), (families(index) if folds is None else folds.family).tolist()
        made: list[str] = []
        for done, row in enumerate(rows.tolist()):
            made.append(self._box(row, float(x[row]), float(y[row]), float(placed.w[row]), float(placed.h[row]), kinds[row], titles[row]))
            if len(made) == _TURN:
                yield done / len(rows), "".join(made)
                made.clear()
        yield 1.0, "".join(made)

    def _box(self, row: int, x: float, y: float, w: float, h: float, kind: int, title: str) -> str:
        index, end = self.index, FAMILIES[kind] == "io"
        detail, badge = index.details[row], self._badge(row, x, y, w, h)
        left = 21.0 if end else boxes.LEFT
        room = w - left - boxes.RIGHT - (boxes.BADGE if badge else 0.0)
        high = LINE * (boxes.TITLE + (boxes.DETAIL if detail else 0.0))
        base = y + h / 2 - high / 2 + ASCENT * boxes.TITLE
        radius = h / 2 if end else ROUND
        at = f'x="{_n(x)}" y="{_n(y)}"'
        said = f"{index.op_names[int(index.op[row])]}\n{index.names[row]}" + (f"\n{detail}" if detail else "")
        if badge and self.style.badges is not None:
            said += f"\n{self.style.badges.title}: {self.style.badges.texts[row]}"
        mark = (
            f'<circle class="f{kind}" cx="{_n(x + 12)}" cy="{_n(y + h / 2)}" r="3"/>'
            if end
            else f'<rect class="f{kind}" {at} width="{STRIPE}" height="{_n(h)}" rx="2"/>'
        )
        second = (
            f'<text class="detail" x="{_n(x + left)}" y="{_n(base + LINE * boxes.TITLE - 1.5)}">'
            f"{_text(_cut(detail, room, boxes.DETAIL))}</text>"
            if detail
            else ""
        )
        times = int(self.style.folds.times[row]) if self.style.folds is not None else 0
        cards = "".join(
            f'<rect class="box" x="{_n(x + 3 * step)}" y="{_n(y + 3 * step)}" width="{_n(w)}" height="{_n(h)}" rx="5"/>'
            for step in ((2, 1) if times > 1 else (1,) if times else ())
        )
        return (
            f'<g><title>{_text(said)}</title>{cards}<rect class="box" {at} width="{_n(w)}" height="{_n(h)}" rx="{_n(radius)}"/>{mark}'
            f'<text class="op" x="{_n(x + left)}" y="{_n(base)}">{_text(_cut(title, room, boxes.TITLE * boxes.BOLD))}</text>'
            f"{second}{badge}</g>\n"
        )

    def _badge(self, row: int, x: float, y: float, w: float, h: float) -> str:
        badges = self.style.badges
        shade = int(badges.shade[row]) if badges is not None else -1
        if badges is None or shade < 0:
            return ""
        wide = max(34.0, boxes.text_width(badges.texts[row], boxes.TAG) + 12.0)
        left = x + w - 6.0 - wide
        return (
            f'<rect x="{_n(left)}" y="{_n(y + h / 2 - 9)}" width="{_n(wide)}" height="18" rx="9" fill="{badges.colours[shade]}"/>'
            f'<text class="badge" fill="{badges.inks[shade]}" x="{_n(left + wide / 2)}" y="{_n(y + h / 2 + 3.6)}">'
            f"{_text(badges.texts[row])}</text>"
        )

    def tags(self) -> str:
        """The ends of far-reaching tensors."""
        ports, names = self.placed.ports, self.index.tensors
        x0, y0, x1, y1 = self.rect
        made = []
        columns = (ports.x, ports.y, ports.w, ports.h, ports.tensor, ports.out, ports.consumers)
        for x, y, w, h, tensor, out, count in zip(*(column.tolist() for column in columns), strict=True):
            if not (x - w / 2 < x1 and x + w / 2 > x0 and y - h / 2 < y1 and y + h / 2 > y0):
                continue
            arrow, times = ("↓", f" ×{count}") if out else ("↑", "")
            text = f"{arrow} {_cut(names[tensor], w - 14.0 - boxes.text_width(arrow + times, boxes.TAG), boxes.TAG)}{times}"
            made.append(
                f'<g><title>{_text(names[tensor])}</title><rect class="tag" x="{_n(x - w / 2)}" y="{_n(y - h / 2)}" width="{_n(w)}" '
                f'height="{_n(h)}" rx="{_n(h / 2)}"/><text class="tagged" x="{_n(x)}" y="{_n(y + 3.6)}">{_text(text)}</text></g>\n'
            )
        return "".join(made)

    def labels(self) -> str:
        """Shapes on links."""
        from core.layout.labels import BESIDE, place_labels

        if not self.style.shapes:
            return ""
        found = place_labels(self.index, self.placed)
        made = []
        for at in found.inside(self.rect).tolist():
            x, y, w, h = found.rects[at].tolist()
            text = _cut(found.texts[at], w - 2 * BESIDE, boxes.TAG)
            made.append(
                f'<rect class="under" x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="3"/>'
                f'<text class="tagged" x="{_n(x + w / 2)}" y="{_n(y + h / 2 + 3.6)}">{_text(text)}</text>\n'
            )
        return "".join(made)


def _legend(index: GraphIndex, style: Style, width: float) -> tuple[float, str]:
    from core.layout.legend import families_in, legend

    return legend(families_in(index), style.badges, width) if style.legend else (0.0, "")


def legend_svg(index: GraphIndex, style: Style, width: float) -> tuple[float, str]:
    """Only the band above a picture of `width`, as a document of its own: its height (0: there is none), and the SVG."""
    high, words = _legend(index, style, width)
    look = colours(style.theme)
    ground = "" if style.transparent else f'<rect class="ground" width="{_n(width)}" height="{_n(high)}"/>\n'
    return high, (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(high)}" viewBox="0 0 {_n(width)} {_n(high)}">\n'
        f"<style>\n{_sheet(look, style)}</style>\n{ground}{words}</svg>\n"
    )


def _sheet(look: Colours, style: Style) -> str:
    """The style sheet; the selectors are plain classes, which small renderers know too."""
    plain = re.fullmatch(r"[\w .-]+", style.font)
    own = f"'{style.font}', " if plain else ""
    fonts = f"font-family: {own}'DejaVu Sans', Verdana, 'Segoe UI', Roboto, sans-serif;"
    under = look.box if style.transparent else look.window
    rules = [
        f".ground {{ fill: {look.window}; }}",
        f".link {{ fill: none; stroke: {look.link}; stroke-width: 1.3; }}",
        f".box {{ fill: {look.box}; stroke: {look.box_line}; stroke-width: 1; }}",
        f".op {{ {fonts} font-size: {boxes.TITLE:g}px; font-weight: 600; fill: {look.text}; }}",
        f".detail {{ {fonts} font-size: {boxes.DETAIL:g}px; fill: {look.muted}; }}",
        f".tagged {{ {fonts} font-size: {boxes.TAG:g}px; fill: {look.muted}; text-anchor: middle; }}",
        f".badge {{ {fonts} font-size: {boxes.TAG:g}px; text-anchor: middle; }}",
        f".tag {{ fill: {under}; stroke: {look.link}; stroke-width: 1; stroke-dasharray: 1 2; }}",
        f".under {{ fill: {under}; }}",
        f".frame0 {{ fill: {mix(look.window, look.box, 0.42)}; stroke: {look.box_line}; stroke-width: 1; }}",
        f".frame1 {{ fill: {mix(look.window, look.box, 0.78)}; stroke: {look.box_line}; stroke-width: 1; }}",
        f".name {{ {fonts} font-size: {boxes.DETAIL:g}px; font-weight: 600; fill: {look.text}; }}",
        f".aside {{ {fonts} font-size: {boxes.TAG:g}px; fill: {look.muted}; }}",
    ]
    rules += [f".f{kind} {{ fill: {colour}; }}" for kind, colour in enumerate(look.families)]
    return "\n".join(rules) + "\n"


def _piece(line: list[float], straight: bool) -> str:
    x0, y0, x1, y1 = line
    if straight:
        return f"M{_n(x0)} {_n(y0)}V{_n(y1)}"
    middle = _n((y0 + y1) / 2)
    return f"M{_n(x0)} {_n(y0)}C{_n(x0)} {middle} {_n(x1)} {middle} {_n(x1)} {_n(y1)}"


def _n(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    """Any name as XML text: what XML cannot hold becomes the replacement character."""
    return escape(_ILLEGAL.sub("\ufffd", text), quote=False)


def _cut(text: str, room: float, pixels: float) -> str:
    """`text`, its middle taken out where it is wider than `room`."""
    if boxes.text_width(text, pixels) <= room:
        return text
    room -= boxes.text_width("…", pixels)
    head = tail = ""
    for at in range(len(text) // 2 + 1):
        if boxes.text_width(text[: at + 1] + tail, pixels) > room:
            break
        head = text[: at + 1]
        if boxes.text_width(head + text[-at - 1 :], pixels) > room:
            break
        tail = text[-at - 1 :]
    return f"{head}…{tail}"
