"""One picture of a scene: links, boxes, labels, as much of each as the zoom can show.

Arrays go to QPainter without copying: `drawRects` and `drawLines` are given the address of a float64 array. Runs in
any thread, on a QImage; long calls let other threads run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter

from core.layout import boxes
from gui.graph import badges, closer, nesting
from gui.graph.camera import View
from gui.graph.families import FAMILIES
from gui.graph.heat import WORDS, Heat, colours, mix, shades
from gui.graph.pens import pen_of
from gui.graph.texts import Role, Texts

if TYPE_CHECKING:
    import numpy as np

    from core.layout.labels import Labels
    from gui.graph.scene import Scene
    from gui.theme import Theme

#: Below FAR boxes are specks of colour; from LABELS on they have their op, from DETAILS on their second line as well.
FAR, LABELS, DETAILS = 0.12, 0.42, 0.62
#: From SMALL on the op is written in letters that do not shrink any more, as far as it fits and boxes are not too many.
SMALL, NAMED, LETTERS = 0.22, 900, 0.72
#: Curves are curves from here on.
CURVES = 0.16
Rect = tuple[float, float, float, float]
STRIPE, ROUND = 4.0, 5.0


@dataclass(frozen=True)
class Look:
    """The colours and the font of one theme, ready for any thread."""

    window: QColor
    box: QColor
    box_line: QColor
    text: QColor
    muted: QColor
    link: QColor
    accent: QColor
    hover: QColor
    families: list[QColor]
    tints: list[QColor]
    shades: list[QColor]
    shade_text: list[QColor]
    words: list[QColor]
    word_text: list[QColor]
    font: QFont
    dark: bool = field(default=False)

    @staticmethod
    def of(theme: Theme) -> Look:
        """The look of a theme as it is now."""
        window, raised, text, line = (theme.color(token) for token in ("window", "raised", "text", "line"))
        dark = window.lightnessF() < 0.5
        box = raised if dark else mix(theme.color("panel"), QColor("white"), 0.5)
        families = [theme.color(f"family.{name}") for name in FAMILIES]
        hot = QColor("#e2603f") if dark else QColor("#e8643c")
        cold = mix(box, hot, 0.2)
        scale = shades(cold, hot)
        words = [theme.series(number) for number in range(WORDS)]
        ink = [QColor("#000000"), QColor("#ffffff")]  # of these two one always reads
        return Look(
            window=window,
            box=box,
            box_line=mix(line, text, 0.06 if dark else 0.1),
            text=text,
            muted=theme.color("muted"),
            link=mix(window, text, 0.36 if dark else 0.38),
            accent=theme.color("accent"),
            hover=mix(box, text, 0.5),
            families=families,
            tints=[mix(box, colour, 0.34) for colour in families],
            shades=scale,
            shade_text=[ink[contrast(ink[1], shade) > contrast(ink[0], shade)] for shade in scale],
            words=words,
            word_text=[ink[contrast(ink[1], word) > contrast(ink[0], word)] for word in words],
            font=theme.font(),
            dark=dark,
        )

    @property
    def ground(self) -> QColor:
        """What lies under small texts: the window's colour, or in a picture without a background the boxes'."""
        return self.window if self.window.alpha() else self.box

    def texts(self) -> Texts:
        """A fresh set of labels for one thread."""
        return Texts(self.font, boxes.TITLE, boxes.DETAIL, boxes.TAG)


def contrast(a: QColor, b: QColor) -> float:
    """The contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    one, two = _luminance(a), _luminance(b)
    return (max(one, two) + 0.05) / (min(one, two) + 0.05)


def _luminance(colour: QColor) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (colour.redF(), colour.greenF(), colour.blueF())]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def draw_rects(painter: QPainter, rects: np.ndarray) -> None:
    """Draw float64 (n, 4) x, y, w, h with the painter's pen and brush."""
    import numpy as np
    import shiboken6

    if len(rects):
        kept = np.ascontiguousarray(rects, np.float64)
        painter.drawRects(cast(QRectF, shiboken6.wrapInstance(kept.ctypes.data, QRectF)), len(kept))


def draw_lines(painter: QPainter, lines: np.ndarray) -> None:
    """Draw float64 (n, 4) x0, y0, x1, y1 with the painter's pen."""
    import numpy as np
    import shiboken6

    if len(lines):
        kept = np.ascontiguousarray(lines, np.float64)
        painter.drawLines(cast(QLineF, shiboken6.wrapInstance(kept.ctypes.data, QLineF)), len(kept))


def weigh(scene: Scene, view: View, width: float, height: float) -> tuple[str, int]:
    """The level of detail of a view, and about how many things it draws (boxes with labels count more)."""
    rect = view.rect(width, height)
    found, links = len(scene.boxes_in(rect)), len(scene.links_in(rect))
    if view.scale < FAR:
        return "far", found + links
    return ("middle", found + links) if view.scale < LABELS else ("near", 12 * found + 3 * links)


def paint(
    painter: QPainter,
    scene: Scene,
    view: View,
    width: float,
    height: float,
    look: Look,
    texts: Texts,
    heat: Heat | None,
    labels: Labels | None = None,
) -> None:
    """Draw what `view` shows of `scene` on a surface of `width` x `height` pixels that `painter` has from (0, 0) on."""
    painter.fillRect(QRectF(0, 0, width, height), look.window)
    rect = view.rect(width, height)
    painter.save()
    painter.translate(width / 2, height / 2)
    painter.scale(view.scale, view.scale)
    painter.translate(-view.x, -view.y)
    nesting.draw_frames(painter, scene, rect, view.scale, look, texts)
    draw_links(painter, scene, scene.links_in(rect), rect, view.scale, look.link, 1.3)
    rows = scene.boxes_in(rect)
    if view.scale < LABELS:
        _plain_boxes(painter, scene, rows, view.scale, look, heat)
        if view.scale >= SMALL and len(rows) <= NAMED:
            _small_labels(painter, scene, rows, view.scale, look, texts)
        if view.scale >= FAR:
            _plain_tags(painter, scene, scene.tags_in(rect), look)
    else:
        _boxes(painter, scene, rows, view.scale, look, texts, heat)
        _tags(painter, scene, scene.tags_in(rect), view.scale, look, texts)
    if labels is not None:
        _shapes(painter, labels, rect, view.scale, look, texts)
    painter.restore()
    nesting.write_names(painter, scene, view, width, height, look, texts)


def draw_links(painter: QPainter, scene: Scene, ids: np.ndarray, rect: Rect, scale: float, colour: QColor, width: float) -> None:
    """Draw the links that show in `rect`, curved where the zoom can show it, `width` pixels wide at 100 %."""
    if scale < 0.1:  # what is shorter than a pixel lies under the boxes that it joins
        ids = ids[scene.link_length[ids] * scale > 0.7]
    draw_pieces(painter, scene.links[ids], scene.slanted[ids], rect, scale, colour, width)


def draw_pieces(painter: QPainter, links: np.ndarray, slanted: np.ndarray, rect: Rect, scale: float, colour: QColor, width: float) -> None:
    """Draw pieces of links, float64 (s, 4), those that are `slanted` (bool) as curves; what lies outside of `rect` may be left out."""
    import numpy as np

    from core.layout.lines import curve

    smooth = scale >= CURVES
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, scale >= 0.3 or (smooth and len(links) < 4000))
    pen = pen_of(painter, colour, max(1.0, width * min(scale, 1.6)) if smooth else 1.0)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    if not smooth:
        draw_lines(painter, links)
        return
    straight = links[~slanted].copy()
    # Trunks may be a hundred times as long as the view: only what is seen of them is stroked.
    straight[:, 1] = np.maximum(straight[:, 1], rect[1] - 8.0 / scale)
    straight[:, 3] = np.minimum(straight[:, 3], rect[3] + 8.0 / scale)
    draw_lines(painter, straight)
    bends = links[slanted]
    # Short straight pieces: stroking real curves, many of them far longer than the view, takes twenty times as long.
    x, y = curve(bends, np.linspace(0.0, 1.0, 9 if scale < LABELS else 21 if scale < 1.6 else 41))
    pieces = np.stack((x[:, :-1], y[:, :-1], x[:, 1:], y[:, 1:]), 2).reshape(-1, 4)
    left, right = np.minimum(pieces[:, 0], pieces[:, 2]), np.maximum(pieces[:, 0], pieces[:, 2])
    draw_lines(painter, pieces[(left < rect[2]) & (right > rect[0]) & (pieces[:, 1] < rect[3]) & (pieces[:, 3] > rect[1])])


def _plain_boxes(painter: QPainter, scene: Scene, rows: np.ndarray, scale: float, look: Look, heat: Heat | None) -> None:
    """Boxes without labels: one batch a colour."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    rects = scene.rects[rows]
    far = scale < FAR
    if far and len(rects):
        # A speck is at least a pixel, or it would not be there.
        least = 1.0 / scale
        rects = rects.copy()
        for side in (2, 3):
            thin = rects[:, side] < least
            rects[thin, side - 2] -= (least - rects[thin, side]) / 2
            rects[thin, side] = least
    if heat is not None and heat.coloured:
        groups, hues, rest = heat.shade[rows], colours(heat, look), look.box_line
    else:
        groups, hues, rest = scene.family[rows], look.families if far else look.tints, look.box
    _by_group(painter, rects, groups, hues, rest)
    if not far:
        stripes = rects.copy()
        stripes[:, 2] = STRIPE if scale > 0.25 else 2.0 / scale
        _by_group(painter, stripes, scene.family[rows], look.families, look.box)


def _small_labels(painter: QPainter, scene: Scene, rows: np.ndarray, scale: float, look: Look, texts: Texts) -> None:
    """Ops in boxes that are too small for their own letters."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(look.text)
    painter.setFont(texts.fonts["title"])
    larger = LETTERS / scale
    high = texts.height("title")
    painter.save()
    painter.scale(larger, larger)
    for row, (x, y, w, h) in zip(rows.tolist(), scene.rects[rows].tolist(), strict=True):
        room = w / larger - 9.0
        if h / larger < high * 0.86 or room < 26.0:
            continue
        label = texts.get("title", scene.titles[row], room)
        painter.drawStaticText(QPointF(x / larger + 6.0, (y + h / 2) / larger - high / 2), label)
    painter.restore()


def _by_group(painter: QPainter, rects: np.ndarray, groups: np.ndarray, colours: list[QColor], rest: QColor) -> None:
    import numpy as np

    by = np.argsort(groups, kind="stable")
    found, begin = np.unique(groups[by], return_index=True)
    end = np.append(begin[1:], len(by)) if len(by) else begin
    for group, low, high in zip(found.tolist(), begin.tolist(), end.tolist(), strict=True):
        painter.setBrush(colours[group] if group >= 0 else rest)
        draw_rects(painter, rects[by[low:high]])


def _plain_tags(painter: QPainter, scene: Scene, ids: np.ndarray, look: Look) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(mix(look.window, look.muted, 0.4))
    draw_rects(painter, scene.tags[ids])


def _boxes(painter: QPainter, scene: Scene, rows: np.ndarray, scale: float, look: Look, texts: Texts, heat: Heat | None) -> None:
    """Boxes with stripe and labels."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    ends = scene.family[rows] == FAMILIES.index("io")
    body = pen_of(painter, look.box_line, 1.0)
    rects = [QRectF(*rect) for rect in scene.rects[rows].tolist()]
    nesting.draw_cards(painter, scene, rows, look)
    painter.setPen(body)
    painter.setBrush(look.box)
    for rect, end in zip(rects, ends.tolist(), strict=True):
        radius = rect.height() / 2 if end else ROUND
        painter.drawRoundedRect(rect, radius, radius)
    painter.setPen(Qt.PenStyle.NoPen)
    family = scene.family[rows].tolist()
    for rect, kind, end in zip(rects, family, ends.tolist(), strict=True):
        painter.setBrush(look.families[kind])
        if end:
            painter.drawEllipse(QPointF(rect.left() + 12, rect.center().y()), 3.0, 3.0)
        else:
            painter.drawRoundedRect(QRectF(rect.left(), rect.top(), STRIPE + 0.5, rect.height()), 2.0, 2.0)
    if scale >= closer.FROM:
        closer.labels(painter, scene, rows, rects, ends.tolist(), look, texts, heat)
    else:
        _labels(painter, scene, rows, rects, ends.tolist(), scale, look, texts, heat)
    nesting.draw_marks(painter, scene, rows, look)
    if heat is not None:
        beside = [boxes.UNFOLD - 8.0 if folded else 0.0 for folded in scene.folded[rows].tolist()]  # left of the mark that unfolds
        rects = [rect.adjusted(0.0, 0.0, -off, 0.0) for rect, off in zip(rects, beside, strict=True)]
        badges.draw(painter, rows, rects, scale, look, texts, heat)


def _labels(
    painter: QPainter,
    scene: Scene,
    rows: np.ndarray,
    rects: list[QRectF],
    ends: list[bool],
    scale: float,
    look: Look,
    texts: Texts,
    heat: Heat | None,
) -> None:
    title_height, detail_height = texts.height("title"), texts.height("detail")
    second = []
    painter.setPen(look.text)
    painter.setFont(texts.fonts["title"])
    numbers = rows.tolist()
    for row, rect, end in zip(numbers, rects, ends, strict=True):
        left = 21.0 if end else boxes.LEFT
        room = rect.width() - left - boxes.RIGHT - (badges.room(heat, row, texts) if heat is not None else 0.0)
        room -= boxes.UNFOLD - boxes.RIGHT if scene.folded[row] else 0.0
        detail = scene.details[row]
        both = bool(detail) and scale >= DETAILS
        top = rect.center().y() - ((title_height + detail_height) if both else title_height) / 2
        painter.drawStaticText(QPointF(rect.left() + left, top), texts.get("title", scene.titles[row], room))
        if both:
            second.append((rect.left() + left, top + title_height - 0.5, detail, room))
    painter.setPen(look.muted)
    painter.setFont(texts.fonts["detail"])
    for x, y, detail, room in second:
        painter.drawStaticText(QPointF(x, y), texts.get("detail", detail, room))


def _shapes(painter: QPainter, labels: Labels, rect: Rect, scale: float, look: Look, texts: Texts) -> None:
    """Shapes of tensors on their links, each on a bit of ground so that its line does not run through it."""
    ids = labels.inside(rect)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.ground)
    draw_rects(painter, labels.rects[ids])
    role: Role = "tag" if scale < closer.FROM else "line"  # as large as what boxes say
    painter.setPen(look.muted)
    painter.setFont(texts.fonts[role])
    for at in ids.tolist():
        x, y, w, h = labels.rects[at].tolist()
        label = texts.get(role, labels.texts[at], w)
        size = label.size()
        painter.drawStaticText(QPointF(x + (w - size.width()) / 2, y + (h - size.height()) / 2), label)


def _tags(painter: QPainter, scene: Scene, ids: np.ndarray, scale: float, look: Look, texts: Texts) -> None:
    """Ends of far-reaching tensors: a dashed pill with the tensor's name, an arrow to where it leads."""
    ports, names = scene.placed.ports, scene.index.tensors
    pen = pen_of(painter, look.link, 1.0, Qt.PenStyle.DotLine)
    painter.setFont(texts.fonts["tag"])
    for tag in ids.tolist():
        x, y, w, h = scene.tags[tag].tolist()
        painter.setPen(pen)
        painter.setBrush(look.ground)
        painter.drawRoundedRect(QRectF(x, y, w, h), h / 2, h / 2)
        if scale < 0.5:
            continue
        name = names[int(ports.tensor[tag])]
        count = int(ports.consumers[tag])
        text = f"↓ {name} ×{count}" if ports.out[tag] else f"↑ {name}"
        label = texts.get("tag", text, w - 14.0)
        size = label.size()
        painter.setPen(look.muted)
        painter.drawStaticText(QPointF(x + (w - size.width()) / 2, y + (h - size.height()) / 2), label)
