"""Every panel with real content, light and dark, as pictures to look at; and what a picture must not show: cut figures,
icons that nobody explains, colours that are not the theme's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractButton, QHeaderView, QWidget

from gui.panels import PANELS
from gui.steps.tree import FIGURES, TITLE, title_rect
from gui.widgets.rows import Elided
from tests.stories.driver import SAMPLE, Person

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.table import Table
    from gui.window import MainWindow

pytestmark = pytest.mark.timeout(400)

SIZES = (QSize(1280, 800), QSize(1600, 1000), QSize(3840, 2160))


@pytest.fixture
def person(window: MainWindow, qtbot: QtBot) -> Person:
    """Somebody who has tried four things, raced two and compared two."""
    made = Person(window, qtbot)
    window.warm_up()
    made.open(SAMPLE / "digits.onnx")
    made.apply("simplify")
    made.apply("prune_magnitude", sparsity=0.3)
    window.act("edit.undo")
    made.apply("quantize_int8", profile="cpu", data=str(SAMPLE / "calibration.npz"), samples=64)
    made.build("onnxruntime")
    bench = made.panel("bench")
    bench.form.set_values({**bench.form.values(), "seconds": 0.6, "warmup": 0.1})
    window.act("bench.start")
    made.idle()
    compare = made.panel("compare")
    compare.form.set_values({**compare.form.values(), "path": str(SAMPLE / "digits.npz"), "limit": 256, "batch": 64})
    window.act("compare.start")
    made.wait(lambda: compare.shown is not None)
    made.idle()
    window.ctx.selection.set(("/head/Gemm",), None)
    window.toasts.clear()
    return made


def test_pictures(person: Person, qtbot: QtBot) -> None:
    window = person.window
    for theme in ("dark", "light"):
        window.act(f"view.theme.{theme}")
        for id in PANELS.ids():
            if id != "netron":  # another program's page
                panel = person.panel(id)
                qtbot.waitUntil(panel.isVisible)
                person.picture(f"panel {id} {theme}")
                _colours(panel, theme)
        for size in SIZES:
            window.resize(size)
            window.act("view.reset_layout")
            qtbot.wait(250)  # until the graph is drawn as fine as it gets at this size
            for id in ("bench", "compare", "build"):
                person.panel(id)
                person.picture(f"window {id} {theme} {size.width()}")
                _figures(person)
        window.resize(SIZES[0])
        window.act("view.reset_layout")


def _colours(panel: QWidget, theme: str) -> None:
    """The ground of the panel is that of the theme: dark is dark, also behind tabs that were made in the other theme."""
    image = panel.grab().toImage()
    light = [image.pixelColor(x, y).lightness() for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)]
    usual = sorted(light)[len(light) // 2]
    assert usual < 80 if theme == "dark" else usual > 200, (panel.objectName(), theme, usual)


def _figures(person: Person) -> None:
    """What a person came for is not cut: variants with their figures, percentiles, tabs, who is faster."""
    window = person.window
    tree = person.window.panel("variants").tree  # type: ignore[attr-defined]
    for item in tree.every():
        place = title_rect(tree.visualItemRect(item))
        text = item.text(TITLE)
        assert QFontMetrics(item.font(TITLE)).horizontalAdvance(text) <= place.width(), text
        assert item.data(TITLE, FIGURES)[0], text
    current = tree.figures_of(person.head.id)
    assert all(current), current  # size, latency and accuracy
    bench = window.panel("bench")
    if bench.isVisible():
        results = bench.results  # type: ignore[attr-defined]
        for page in range(results.count()):
            if results.tabText(page) in ("Table", "Live"):
                results.setCurrentIndex(page)
                _columns(results.table, ("p50", "p90", "p95", "p99", "p999"))
                assert bench.live.height() >= 96  # type: ignore[attr-defined]


def _columns(table: Table, ids: tuple[str, ...]) -> None:
    """These columns are wide enough for their figures, and in view."""
    if not table.isVisible():
        return
    for place, column in enumerate(table.rows.columns):
        if column.id in ids:
            edge = table.columnViewportPosition(place) + table.columnWidth(place)
            assert edge <= table.viewport().width() + 1, (column.id, edge, table.viewport().width())
            for row in range(table.rows.rowCount()):
                wide = table.fontMetrics().horizontalAdvance(table.rows.shown(row, place)) + 24
                assert wide <= table.columnWidth(place) + 1, (column.id, table.rows.shown(row, place))


def _buttons(window: MainWindow) -> Iterator[QAbstractButton]:
    for button in window.findChildren(QAbstractButton):
        if button.isVisible() and not button.text().strip() and not button.icon().isNull():
            yield button


def test_every_icon_is_explained_and_named(person: Person) -> None:
    window = person.window
    seen = 0
    for id in PANELS.ids():
        if id == "netron":
            continue
        person.panel(id)
        for button in _buttons(window):
            mine = "ads::" not in button.metaObject().className() and not button.objectName().endswith(("CloseButton", "MenuButton"))
            if mine:
                seen += 1
                where = f"{id}: {type(button).__name__} {button.objectName()} {button.accessibleName()}"
                assert button.toolTip(), where
                assert button.accessibleName(), where
    assert seen > 20


def test_whoever_is_cut_says_all_of_it(person: Person) -> None:
    window = person.window
    window.resize(SIZES[0])
    window.act("view.reset_layout")
    for id in ("bench", "compare", "build", "summary", "properties", "jobs"):
        panel = person.panel(id)
        panel.grab()  # a label finds out that it is cut when it is drawn
        for label in panel.findChildren(Elided):
            if label.isVisible() and label.shown() != label.text():
                assert label.toolTip(), (id, label.text())
        for head in panel.findChildren(QHeaderView):
            assert head.isHidden() or head.height() >= 20
