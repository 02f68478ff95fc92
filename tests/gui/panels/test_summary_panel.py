"""The summary panel: the figures of the head, changes against what was opened, odd models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from gui.panels.summary import Bar, SummaryPanel
from gui.window import MainWindow
from tests import models

Open = Callable[[Path], None]


def texts(panel: SummaryPanel) -> list[str]:
    return [label.text() for label in panel.sections.widget().findChildren(QLabel)]


def test_it_says_what_it_is_for_before_a_model_is_open(window: MainWindow) -> None:
    panel = window.show_panel("summary")
    assert isinstance(panel, SummaryPanel)
    assert panel.pages.currentIndex() == 0


@pytest.mark.parametrize("make", [models.mlp, models.residual_cnn, models.dynamic, models.empty_graph, models.int8_qdq])
def test_figures_of_models(window: MainWindow, open_model: Open, tmp_path: Path, make: Callable[[], object]) -> None:
    open_model(models.save(make(), tmp_path / "model.onnx"))  # type: ignore[arg-type]
    panel = window.show_panel("summary")
    assert isinstance(panel, SummaryPanel)
    session = window.ctx.session
    assert session is not None
    assert session.history.head is not None
    summary = session.history[session.history.head].summary
    found = texts(panel)
    assert "model.onnx" in found
    assert str(summary.ir_version) in found
    for each in (*summary.inputs, *summary.outputs):
        assert each.name in found
    assert {bar.op: bar.count for bar in panel.sections.widget().findChildren(Bar)} == summary.ops


def test_it_is_copied_as_text(window: MainWindow, open_model: Open, tmp_path: Path, qtbot: QtBot) -> None:
    open_model(models.save(models.mlp(), tmp_path / "mlp.onnx"))
    window.act("summary.copy")
    assert "File\tmlp.onnx" in QApplication.clipboard().text()
