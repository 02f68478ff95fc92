"""Pictures as files: what is on the screen, whole or not at all, at any size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from pytestqt.qtbot import QtBot

from core.errors import AppError, UsageError
from core.job import Job
from core.layout import Placed, picture
from core.layout.colours import colours
from core.layout.families import FAMILIES
from core.layout.labels import place_labels
from core.model.index import GraphIndex
from gui.context import Context
from gui.graph import export
from gui.graph.camera import View
from gui.graph.canvas import Canvas
from gui.graph.export import PART, Export, PictureOptions, plan
from gui.graph.heat import Heat
from gui.graph.painter import Look, paint
from gui.graph.scene import Scene
from gui.theme import Theme

Graph = tuple[GraphIndex, Placed]
PATIENCE = 60_000


@pytest.fixture
def canvas(make_canvas: Callable[..., Canvas], residual: Graph) -> Canvas:
    return make_canvas(residual)


def painted(scene: Scene, scale: float, look: Look, heat: Heat | None = None, *, shapes: bool = True) -> QImage:
    """All of a graph as the window paints it."""
    image = QImage(round(scene.width * scale), round(scene.height * scale), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    view = View(image.width() / 2 / scale, image.height() / 2 / scale, scale)
    labels = place_labels(scene.index, scene.placed) if shapes else None
    paint(painter, scene, view, image.width(), image.height(), look, look.texts(), heat, labels)
    painter.end()
    return image


def pixels(image: QImage) -> np.ndarray:
    kept = image.convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(kept.constBits(), np.uint8).reshape(kept.height(), kept.bytesPerLine())
    return data[:, : kept.width() * 3].reshape(kept.height(), kept.width(), 3).astype(np.int16)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_without_a_window_are_those_of_the_window(theme: str, qapp: object) -> None:
    look, plain = Look.of(Theme(theme)), colours(theme)  # type: ignore[arg-type]
    for name in ("window", "box", "box_line", "text", "muted", "link"):
        one, two = getattr(look, name), QColor(getattr(plain, name))
        assert max(abs(one.red() - two.red()), abs(one.green() - two.green()), abs(one.blue() - two.blue())) <= 1, name
    assert tuple(colour.name() for colour in look.families) == plain.families


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("heated", [False, True])
def test_an_svg_looks_as_the_screen_does(scene: Scene, theme: str, heated: bool, tmp_path: Path, qapp: object) -> None:
    """Drawn again by another renderer: the same boxes at the same places; letters may differ by a pixel."""
    look = Look.of(Theme(theme))  # type: ignore[arg-type]
    values = np.where(np.arange(len(scene)) % 3 == 0, np.arange(len(scene)) + 1.0, np.nan)
    heat = Heat.of(values, "time", "ms") if heated else None
    style = picture.Style(theme=theme, legend=False, badges=export.badges(heat, look) if heat is not None else None)  # type: ignore[arg-type]
    path = picture.save(scene.index, scene.placed, style, tmp_path / "graph.svg", Job())
    renderer = QSvgRenderer(str(path))
    assert renderer.isValid()
    shown = painted(scene, 1.0, look, heat)
    image = QImage(shown.size(), QImage.Format.Format_RGB32)
    image.fill(QColor("magenta"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, scene.width, scene.height))
    painter.end()
    apart = np.abs(pixels(image) - pixels(shown)).max(axis=2)
    assert (apart > 24).mean() < 0.03, f"{(apart > 24).mean():.1%} of the pixels differ"
    for row in range(len(scene)):  # each box: its ground beside the stripe, and its stripe
        x, y, w, h = scene.rects[row].tolist()
        if scene.index.kind[row]:
            continue
        for at in ((x + 9, y + h / 2), (x + 2, y + h / 2), (x + w / 2, y + h - 2)):
            assert apart[round(at[1]), round(at[0])] <= 24, (scene.index.names[row], at)


@pytest.mark.parametrize(("scale", "strip"), [(1.0, 4_000_000), (2.0, 40_000), (0.3, 7_000)])
def test_a_png_is_what_the_window_paints_without_seams(
    ctx: Context, canvas: Canvas, scale: float, strip: int, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "STRIP", strip)
    assert canvas.scene is not None
    path = tmp_path / "graph.png"
    made = Export(ctx, canvas, plan(canvas, PictureOptions(format="PNG", scale=scale, legend=False)), path)
    with qtbot.waitSignals([made.done, made.stepped], timeout=PATIENCE):
        pass
    with Image.open(path) as image:
        found = np.asarray(image).astype(np.int16)
        assert image.mode == "RGB"
    wanted = pixels(painted(canvas.scene, scale, Look.of(ctx.theme), shapes=scale >= 0.5))
    assert found.shape == wanted.shape
    assert (np.abs(found - wanted).max(axis=2) > 40).mean() < 0.002
    assert [item.name for item in tmp_path.glob("*.p*")] == ["graph.png"]


def test_a_transparent_png_is_empty_beside_the_boxes(ctx: Context, canvas: Canvas, tmp_path: Path, qtbot: QtBot) -> None:
    made = Export(ctx, canvas, plan(canvas, PictureOptions(format="PNG", transparent=True)), tmp_path / "graph.png")
    with qtbot.waitSignal(made.done, timeout=PATIENCE):
        pass
    assert canvas.scene is not None
    row = canvas.scene.find("conv")[0]
    with Image.open(tmp_path / "graph.png") as image:
        assert image.mode == "RGBA"
        assert image.getpixel((2, 2)) == (0, 0, 0, 0)
        x, y, _, h = canvas.scene.rects[row].tolist()
        y += made.plan.above
        assert image.getpixel((round(x) + 9, round(y + h / 2)))[3] == 255  # type: ignore[index]


def test_a_light_picture_from_a_dark_window(ctx: Context, canvas: Canvas, tmp_path: Path, qtbot: QtBot) -> None:
    assert ctx.theme.dark
    made = Export(ctx, canvas, plan(canvas, PictureOptions(format="PNG", look="light")), tmp_path / "graph.png")
    with qtbot.waitSignal(made.done, timeout=PATIENCE):
        pass
    with Image.open(tmp_path / "graph.png") as image:
        assert image.getpixel((2, 2)) == Theme("light").color("window").getRgb()[:3]


def test_the_visible_part_is_what_the_window_shows(canvas: Canvas) -> None:
    assert canvas.scene is not None
    canvas.look_at(View(canvas.scene.width / 2, 300.0, 2.0))
    made = plan(canvas, PictureOptions(format="PNG", part=PART, scale=2.0, legend=False))
    x0, y0, x1, y1 = made.region
    assert (y0, y1) == (300.0 - canvas.height() / 4, 300.0 + canvas.height() / 4)
    assert x0 >= 0
    assert x1 <= canvas.scene.width
    assert made.height == canvas.height()


def test_a_picture_that_is_too_large_is_refused_with_a_size_that_is_not(
    ctx: Context, canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST", 100_000)
    made = plan(canvas, PictureOptions(format="PNG", scale=2.0))
    assert made.too_large
    assert "a PNG may have" in made.words(10)
    with pytest.raises(UsageError, match="megapixels"):
        Export(ctx, canvas, made, Path("never.png"))
    smaller = plan(canvas, PictureOptions(format="PNG", scale=made.fits))
    assert not smaller.too_large
    assert smaller.pixels > 50_000
    assert not plan(canvas, PictureOptions(format="SVG", scale=2.0)).too_large


def test_stopping_leaves_the_old_picture(
    ctx: Context, canvas: Canvas, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "STRIP", 1000)
    path = tmp_path / "graph.png"
    path.write_text("the old one")
    made = Export(ctx, canvas, plan(canvas, PictureOptions(format="PNG", scale=4.0)), path)
    with qtbot.waitSignal(made.stopped, timeout=PATIENCE):
        made.cancel()
    assert path.read_text() == "the old one"
    again = Export(ctx, canvas, plan(canvas, PictureOptions(format="PNG", scale=4.0)), path)
    again.close()
    assert path.read_text() == "the old one"
    assert not list(tmp_path.glob(".graph*"))


@pytest.mark.parametrize("format", ["PNG", "SVG"])
def test_a_folder_that_is_not_there_is_told(ctx: Context, canvas: Canvas, format: str, tmp_path: Path, qtbot: QtBot) -> None:
    made = Export(ctx, canvas, plan(canvas, PictureOptions(format=format)), tmp_path / "no" / f"graph.{format.lower()}")
    with qtbot.waitSignal(made.failed, timeout=PATIENCE) as caught:
        pass
    assert isinstance(caught.args[0], AppError)
    assert "cannot be written" in str(caught.args[0])


def test_an_svg_is_written_by_a_job(ctx: Context, canvas: Canvas, tmp_path: Path, qtbot: QtBot) -> None:
    made = Export(ctx, canvas, plan(canvas, PictureOptions(shapes=False)), tmp_path / "graph.svg")
    assert [job.title for job in ctx.jobs.active()] == ["Draw graph.svg"]
    with qtbot.waitSignal(made.done, timeout=PATIENCE):
        pass
    assert QSvgRenderer(str(tmp_path / "graph.svg")).isValid()


@pytest.mark.parametrize("heated", [False, True])
@pytest.mark.parametrize("scale", [0.3, 2.0])
def test_the_legend_stands_above_the_graph(ctx: Context, canvas: Canvas, heated: bool, scale: float, tmp_path: Path, qtbot: QtBot) -> None:
    assert canvas.scene is not None
    if heated:
        canvas.set_overlay(np.arange(len(canvas.scene), dtype=float), "Time", "ms")
    sizes = {}
    for legend in (False, True):
        options = PictureOptions(format="PNG", scale=scale, legend=legend)
        made = Export(ctx, canvas, plan(canvas, options), tmp_path / f"{legend}.png")
        with qtbot.waitSignal(made.done, timeout=PATIENCE):
            pass
        with Image.open(tmp_path / f"{legend}.png") as image:
            sizes[legend] = np.asarray(image)
    above = sizes[True].shape[0] - sizes[False].shape[0]
    assert above >= 40
    assert np.array_equal(sizes[True][above:], sizes[False])
    colours = {tuple(pixel) for pixel in sizes[True][:above].reshape(-1, 3).tolist()}
    look = Look.of(ctx.theme)
    wanted = look.shades[-1] if heated else look.families[FAMILIES.index("conv")]
    assert any(max(abs(a - b) for a, b in zip(pixel, wanted.getRgb()[:3], strict=True)) <= 3 for pixel in colours)
