"""Layouts in the background: shared, kept for undo, told when they fail, gone with the last panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pytestqt.qtbot import QtBot

from core.errors import AppError
from core.events import Event
from core.model import Model, document
from gui.context import Context
from gui.graph.layouts import Layouts
from tests import models

PATIENCE = 60_000


@pytest.fixture
def small(tmp_path: Path) -> Model:
    return document.snapshot(models.save(models.mlp(), tmp_path / "mlp.onnx"))


@pytest.fixture
def larger(tmp_path: Path) -> Model:
    return document.snapshot(models.save(models.residual_cnn(), tmp_path / "cnn.onnx"))


class Tree:
    """A session with a head that a test moves."""

    def __init__(self, model: Model) -> None:
        self.changed: Event[[]] = Event()
        self.head = "v0"
        self.model = model

    def __getitem__(self, id: str) -> Any:
        return SimpleNamespace(model=self.model)

    def go(self, model: Model) -> None:
        self.model = model
        self.changed.emit()


@pytest.fixture
def open_(ctx: Context) -> Iterator[Callable[[Model], Tree]]:
    def open_model(model: Model) -> Tree:
        tree = Tree(model)
        ctx.session = cast(Any, SimpleNamespace(history=tree, results_changed=Event()))
        ctx.session_changed.emit()
        ctx.turns.finish()
        return tree

    yield open_model
    ctx.session = None


@pytest.fixture
def layouts(ctx: Context) -> Iterator[Layouts]:
    made = Layouts.of(ctx)
    yield made
    made.release()
    assert "graph.layouts" not in ctx.services
    assert "index" not in ctx.services


def wait(layouts: Layouts, qtbot: QtBot, state: str = "ready") -> None:
    qtbot.waitUntil(lambda: layouts.state == state, timeout=PATIENCE)


def test_the_head_is_laid_out_and_the_old_one_stays_meanwhile(
    ctx: Context, layouts: Layouts, open_: Callable[[Model], Tree], small: Model, larger: Model, qtbot: QtBot
) -> None:
    assert layouts.state == "none"
    tree = open_(small)
    assert layouts.state == "working"
    wait(layouts, qtbot)
    first = layouts.placed
    assert layouts.index is not None
    assert ctx.services["index"] is layouts.index
    tree.go(larger)
    assert layouts.state == "working"
    assert layouts.placed is first
    wait(layouts, qtbot)
    assert layouts.placed is not first
    tree.go(small)  # undo: at once, and the very same
    assert layouts.state == "ready"
    assert layouts.placed is first


def test_all_users_share_one(ctx: Context, layouts: Layouts) -> None:
    other = Layouts.of(ctx)
    assert other is layouts
    other.release()
    assert ctx.services["graph.layouts"] is layouts


def test_a_picture_that_came_with_the_model_is_used_at_once(
    ctx: Context, layouts: Layouts, open_: Callable[[Model], Tree], small: Model
) -> None:
    from core.job import Job
    from core.layout.folding import open_folded

    shown = open_folded(small, None, True, Job())
    ctx.services["opened.shown"] = (small.fingerprint, shown)
    open_(small)
    assert layouts.state == "ready"
    assert layouts.shown is shown
    assert ctx.services["index"] is layouts.index is shown.nest.index


def test_a_failure_is_told_and_can_be_tried_again(layouts: Layouts, open_: Callable[[Model], Tree], small: Model, qtbot: QtBot) -> None:
    kept = small.path.read_bytes()
    small.path.unlink()
    open_(small)
    wait(layouts, qtbot, "failed")
    assert isinstance(layouts.error, AppError)
    assert layouts.error.hint
    small.path.write_bytes(kept)
    layouts.again()
    wait(layouts, qtbot)


def test_a_cancelled_layout_says_so(ctx: Context, layouts: Layouts, open_: Callable[[Model], Tree], small: Model, qtbot: QtBot) -> None:
    open_(small)
    for job in ctx.jobs.active():
        job.cancel()
    qtbot.waitUntil(lambda: layouts.state in ("failed", "ready"), timeout=PATIENCE)
    if layouts.state == "failed":
        assert "cancelled" in str(layouts.error)
        layouts.again()
        wait(layouts, qtbot)


def test_closing_the_model_forgets_it(ctx: Context, layouts: Layouts, open_: Callable[[Model], Tree], small: Model, qtbot: QtBot) -> None:
    open_(small)
    wait(layouts, qtbot)
    ctx.session = None
    ctx.session_changed.emit()
    ctx.turns.finish()
    assert layouts.state == "none"
    assert layouts.placed is None
    assert "index" not in ctx.services
