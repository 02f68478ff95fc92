"""What boxes wear: categories, thresholds, badges; readable in both themes, and mapped to what a scene shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from core.layout import Placed
from core.model.index import GraphIndex
from gui.graph import badges, scales
from gui.graph.canvas import Canvas
from gui.graph.heat import SHADES, WORDS, Badge, Heat, colours, inks, place, value_at
from gui.graph.overlays import for_scene
from gui.graph.painter import Look, contrast
from gui.graph.scene import Scene
from gui.theme import Theme

NAN = np.nan


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_on_every_colour_can_be_read(theme: str, qapp: object) -> None:
    look = Look.of(Theme(theme))  # type: ignore[arg-type]
    heat, words = Heat.of(np.arange(3.0), "", ""), Heat.of_words(np.arange(3.0), ("a", "b", "c"), "")
    assert heat is not None
    assert words is not None
    for worn in (heat, words):
        assert all(contrast(ink, hue) >= 4.5 for ink, hue in zip(inks(worn, look), colours(worn, look), strict=True))
    assert contrast(look.text, look.window) >= 4.5  # badges stand on the window's colour
    assert all(contrast(badges.hue(look, at), look.window) >= 3.0 for at in range(badges.MOST))


def test_a_scale_as_it_is_told() -> None:
    values = np.array([1.0, 10.0, 1000.0, NAN])
    linear, log = Heat.of(values, "", "", log=False), Heat.of(values, "", "", log=True)
    assert linear is not None
    assert log is not None
    assert (linear.log, log.log) == (False, True)
    assert linear.shade.tolist() == [0, 0, SHADES - 1, -1]
    assert log.shade.tolist() == [0, 8, SHADES - 1, -1]
    hot = Heat.of(values, "", "", log=True, reverse=True)
    assert hot is not None
    assert hot.shade.tolist() == [SHADES - 1, 15, 0, -1]
    cut = Heat.of(values, "", "", threshold=10.0)
    assert cut is not None
    assert cut.shade.tolist()[0] == -1
    assert (cut.shade[1:3] >= 0).all()
    below = Heat.of(np.array([-1.0, 0.0]), "", "", log=True)
    assert below is not None
    assert not below.log  # nothing positive


@pytest.mark.parametrize("log", [True, False])
def test_values_and_places_on_the_scale_are_the_same_thing(log: bool) -> None:
    for share in (0.0, 0.3, 1.0):
        value = value_at(share, 2.0, 500.0, log)
        assert place(np.array([value]), 2.0, 500.0, log)[0] == pytest.approx(share)


def test_many_words_share_the_last_colour() -> None:
    names = tuple(f"dtype{number}" for number in range(12))
    heat = Heat.of_words(np.array([0.0, 6.0, 7.0, 11.0, NAN]), names, "dtype")
    assert heat is not None
    assert heat.shade.tolist() == [0, 6, WORDS - 1, WORDS - 1, -1]
    assert heat.words() == (*names[:7], "other")
    assert heat.label(3) == "dtype11"
    eight = Heat.of_words(np.arange(8.0), names[:8], "dtype")
    assert eight is not None
    assert eight.shade.tolist() == list(range(8))


def test_badges_speak_with_their_units() -> None:
    values = np.array([2.0e6, NAN])
    assert badges.short(Badge(values, "Parameters", "", "par"), 0) == "2.00\u202fM\u202fpar"
    assert badges.short(Badge(values, "Weights", "B"), 0) == "2.00\u202fMB"
    assert badges.short(Badge(np.array([1.0]), "dtype", "", "", ("float32", "int8")), 0) == "int8"
    assert badges.short(Badge(values, "Parameters", "", "par"), 1) == ""
    heat = Heat.of_words(np.array([0.0, 1.0, 2.0]), ("bfloat16", "uint8", "float8_e4m3fn"), "dtype")
    assert heat is not None
    assert [badges.brief(heat, row) for row in range(3)] == ["bf16", "u8", "f8_e4m3fn"]


def worn(scene: Scene, count: int) -> Heat:
    values = np.arange(len(scene), dtype=float) * 1e5
    every = tuple(Badge(values + number, f"badge {number}", "B") for number in range(count))
    return Heat.bare(len(scene)).wearing(every)


def test_badges_hang_on_the_lower_edge(make_canvas: Callable[..., Canvas], residual: tuple[GraphIndex, Placed]) -> None:
    canvas = make_canvas(residual)
    canvas.full_size()
    scene = canvas.scene
    assert scene is not None
    before = canvas.grab().toImage()
    canvas.wear(worn(scene, 3))
    after = canvas.grab().toImage()
    row = scene.nearest(canvas.view.x, canvas.view.y)
    x, y, _, h = scene.rects[row].tolist()
    left, bottom = canvas.view.to_screen(x, y + h, canvas.width(), canvas.height())
    changed = {(px, py) for px in range(int(left), int(left) + 100) for py in range(int(bottom) - 30, int(bottom) + 20)
               if before.pixel(px, py) != after.pixel(px, py)}  # fmt: skip
    rows = {py for _, py in changed}
    assert min(rows) >= bottom - badges.INTO - 2
    assert max(rows) <= bottom + badges.HIGH
    canvas.wear(None)
    assert canvas.grab().toImage() == before


def test_a_row_without_room_ends_in_a_count(residual: tuple[GraphIndex, Placed], qapp: object) -> None:
    look = Look.of(Theme("dark"))
    texts = look.texts()
    image = QImage(400, 100, QImage.Format.Format_RGB32)
    image.fill(look.window)
    painter = QPainter(image)
    said: list[str] = []
    get = texts.get
    texts.get = lambda role, text, room: said.append(text) or get(role, text, room)  # type: ignore[method-assign, assignment, func-returns-value]
    wide = tuple(Badge(np.array([123456.0]), f"b{n}", "operations") for n in range(3))
    badges.draw(painter, np.array([0]), [QRectF(20, 20, 130, 42)], 1.0, look, texts, Heat.bare(1).wearing(wide))
    painter.end()
    assert said == ["123\u202fkoperations", "+2"]


def test_legends_of_everything_are_drawn(qapp: object) -> None:
    look = Look.of(Theme("light"))
    ramp = Heat.of(np.array([1.0, 1e4]), "Weights", "B", threshold=100.0)
    words = Heat.of_words(np.arange(10.0), tuple("abcdefghij"), "dtype")
    assert ramp is not None
    assert words is not None
    assert scales.named(ramp) == "Weights (B), log"
    assert scales.ends(dataclasses.replace(ramp, reverse=True)) == "10k – 1"
    for heat in (ramp, words, Heat.bare(2).wearing((Badge(np.zeros(2), "Parameters", "", "par"),))):
        image = QImage(700, 300, QImage.Format.Format_RGB32)
        image.fill(look.window)
        painter = QPainter(image)
        scales.draw(painter, heat, look, 12.0, 700.0, 300.0)
        painter.end()
        assert len({image.pixel(x, y) for x in range(0, 300, 2) for y in range(100, 300, 2)}) > 3


class _Names:
    """As much of an index as the mapping reads."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)


def test_numbers_of_what_is_inside_of_a_folded_group_are_taken_together() -> None:
    from core.job import Job
    from core.layout.layered import arrange
    from core.layout.nested import Unfolder, nest
    from core.layout.tree import grow
    from core.overlays.base import Values
    from gui.graph.scene import Scene
    from tests.core.layout.test_tree import deep, layers

    index = deep(layers(6))
    shown = Unfolder(nest(index, grow(index))).show({0})
    scene = Scene(shown.index, shown.placed, shown)
    values = np.arange(len(index), dtype=np.float64)
    for how, wanted in (("sum", np.sum), ("max", np.max)):
        found = for_scene(scene, index, Values(values), how)  # type: ignore[arg-type]
        for box in range(len(scene)):
            assert found[box] == wanted(values[shown.row == box])
    flat = Scene(index, arrange(index, Job()))
    assert for_scene(flat, index, Values(values), "sum") is values
    other = deep(layers(3))
    assert np.isnan(for_scene(scene, other, Values(np.zeros(len(other))), "sum")).all()
