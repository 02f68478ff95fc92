"""What is left of a session that somebody leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject

from core import archive
from core.job import Job
from core.model.opening import open_model
from core.session import Session
from gui.shell.keeping import Keeping
from tests import models

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.context import Context


@pytest.mark.parametrize("damaged", [False, True])
def test_an_untouched_session_goes_and_a_damaged_one_stays(ctx: Context, qtbot: QtBot, tmp_path: Path, damaged: bool) -> None:
    session = Session.start(open_model(models.save(models.mlp(), tmp_path / "m.onnx"), Job()))
    session.close()
    head = session.folder / archive.HEAD
    if damaged:
        document = json.loads(head.read_text())
        document["results"].append({"kind": "bench", "variant": "v0", "against": "", "file": "results/gone.json"})
        head.write_text(json.dumps(document))
    session = Session.restore(session.folder)
    assert bool(session.problems) is damaged
    parent = QObject()
    keeping = Keeping(ctx, parent)
    keeping.leave(session)
    qtbot.waitUntil(lambda: not keeping.busy, timeout=60_000)
    assert head.exists() is damaged
