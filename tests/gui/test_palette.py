"""The palette: what is typed is found, the best first, by keyboard alone; what is blocked says why."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.model.index import INPUT, NODE, GraphIndex
from gui.palette import Palette
from gui.shell import ranking
from gui.window import MainWindow


def index(names: list[str], tensors: list[str] = []) -> GraphIndex:  # noqa: B006 - only read
    """An index with as much as the palette reads."""
    count = len(names)
    zeros = np.zeros(count, np.int64)
    kind = np.full(count, NODE, np.uint8)
    kind[0] = INPUT
    edges = np.arange(len(tensors), dtype=np.int32)
    return GraphIndex(
        names=names, op=np.ones(count, np.int32), op_names=["Input", "Conv"], kind=kind,
        file_index=np.arange(count, dtype=np.int32), parameters=zeros,
        weight_bytes=zeros, macs=zeros.astype(float), details=[""] * count, src=edges, dst=edges + 1, tensor=edges, tensors=tensors,
        tensor_types=["float32[1]"] * len(tensors), initializers={},
    )  # fmt: skip


@pytest.fixture
def palette(window: MainWindow, qtbot: QtBot) -> Palette:
    window.build()
    window.act("view.palette")
    return window.palette_


def titles(palette: Palette) -> list[str]:
    return [entry.title for entry in palette.entries.entries]


def test_it_opens_with_the_field_ready_and_closes_by_escape(palette: Palette, qtbot: QtBot) -> None:
    assert palette.isVisible()
    assert palette.field.placeholderText()
    assert palette.window().focusWidget() is palette.field
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()


def test_what_can_be_done_stands_before_what_cannot(palette: Palette) -> None:
    blocked = [bool(entry.blocked) for entry in palette.entries.entries]
    assert blocked == sorted(blocked)
    assert any(blocked)


def test_an_action_is_found_and_run_by_keyboard(palette: Palette, window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClicks(palette.field, "theme light")
    assert titles(palette)[0] == "Theme: light"
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.ctx.theme.name == "light"
    assert not palette.isVisible()


def test_initials_find_a_title(palette: Palette, qtbot: QtBot) -> None:
    qtbot.keyClicks(palette.field, "os")
    assert "Open session" in titles(palette)


def test_a_blocked_action_tells_why_and_stays(palette: Palette, window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClicks(palette.field, "save session")
    assert palette.entries.entries[0].blocked == "Open a model first."
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible()
    assert "Open a model first." in window.ctx.notify.messages[-1].text


def test_panels_and_recent_files_are_found(palette: Palette, window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    gone = tmp_path / "gone.onnx"
    window.ctx.settings.update(recent=(str(gone),))
    palette.search("gone")
    assert (palette.entries.entries[0].kind, palette.entries.entries[0].blocked) == ("Recent", "The file is no longer there.")
    palette.search("summary")
    entry = palette.entries.entries[0]
    assert (entry.kind, entry.title) == ("Panel", "Summary")


def test_nodes_and_tensors_are_found_and_travelled_to(palette: Palette, window: MainWindow) -> None:
    window.show_panel("graph")  # without a model it clears the index once, when it is made
    window.ctx.services["index"] = index(["x", "/stem/Conv", "/block1/Conv"], ["x", "/stem/out"])
    told: list[str] = []
    window.ctx.selection.reveal.connect(told.append)
    palette.search("stem conv")
    assert (palette.entries.entries[0].kind, palette.entries.entries[0].title) == ("Node", "/stem/Conv")
    palette.choose(0)
    assert window.ctx.selection.nodes == ("/stem/Conv",)
    assert told == ["/stem/Conv"]
    palette.search("stem/out")
    assert palette.entries.entries[0].kind == "Tensor"
    palette.choose(0)  # to the node that makes it
    assert window.ctx.selection.nodes == ("/stem/Conv",)


def test_a_hundred_thousand_nodes_are_searched(palette: Palette, window: MainWindow) -> None:
    names = [f"/layers.{n % 80}/mlp/MatMul_{n}" for n in range(100_000)]
    window.ctx.services["index"] = index(names)
    palette.search("matmul_99999")
    assert palette.entries.entries[0].title == names[99_999]
    palette.search("matmul")
    assert 40 <= len(palette.entries.entries) < 120


def test_nothing_found_says_so(palette: Palette) -> None:
    palette.search("qqqqzzz")
    assert not palette.entries.entries
    assert palette.nothing.isVisible()


def test_arrows_go_round(palette: Palette, qtbot: QtBot) -> None:
    last = len(palette.entries.entries) - 1
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == last
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentIndex().row() == 0


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("open", "Open model", "Reopen all"),
        ("sm", "Save model", "Resume"),
        ("log", "Log", "Open log folder"),
        ("build", "Build engine", "Rebuild"),
    ],
)
def test_ranking(query: str, better: str, worse: str) -> None:
    first, second = ranking.fit(query, better), ranking.fit(query, worse)
    assert first is not None
    assert second is None or first[0] > second[0]


def test_letters_out_of_order_do_not_fit() -> None:
    assert ranking.fit("nepo", "Open") is None
    assert ranking.fit("open zebra", "Open model") is None
    assert ranking.fit("", "anything") == (-0.08, ())
    assert SimpleNamespace(places=ranking.fit("om", "Open model")[1]).places == (0, 5)  # type: ignore[index]
