"""Sessions that somebody else made: whatever stands in the documents, nothing outside of the folder is read, changed or waited for."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from core import archive
from core.errors import AppError
from core.history import Step
from core.job import Job
from core.model.opening import open_model
from core.session import Session
from tests import models

STAMP = {"size": 0, "modified": 1, "sha256": "0" * 64}
Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A saved session of two variants, in a folder of its own."""
    onnx.save(models.mlp(), tmp_path / "a\\b.onnx")  # a name as odd as Linux allows
    opened = open_model(tmp_path / "a\\b.onnx", Job())
    session = Session.start(opened, tmp_path / "session")
    made = session.models / "made.onnx"
    shutil.copy(session.history["v0"].model.path, made)
    after = dataclasses.replace(session.history["v0"].model, path=made)
    session.history.commit(Step("simplify", {}, "Simplify", session.history["v0"].model, after, opened.summary, True, (), 1.0))
    session.save()
    session.close()
    return session.folder


def change(folder: Path, how: Change) -> None:
    head = folder / archive.HEAD
    document = json.loads(head.read_text())
    text = how(document)
    head.write_text(text if isinstance(text, str) else json.dumps(document))
    (folder / archive.PREVIOUS).unlink(missing_ok=True)


def test_an_honest_one_opens(saved: Path) -> None:
    session = Session.restore(saved)
    assert not session.problems
    assert len(session.history) == 2
    session.close()


@pytest.mark.parametrize(
    "how",
    [
        lambda d: "[" * 200_000,
        lambda d: '{"format": ' + "9" * 5000 + "}",
        lambda d: d["files"].update({"/dev/zero": STAMP}),
        lambda d: d["files"].update({"models/../../outside": STAMP}),
        lambda d: d["files"].update({"a\0b": STAMP}),
        lambda d: d["files"].update({"models/made.onnx": {}}),
        lambda d: d["files"].update({"models/made.onnx": "x"}),
        lambda d: d["files"].update({"models/made.onnx": {**STAMP, "size": "1"}}),
        lambda d: d.update(files=[1]),
        lambda d: d["history"]["variants"][1]["model"].update(path="@session/models/.."),
        lambda d: d["history"]["variants"][1]["model"].update(path="@session/../other/x.onnx"),
        lambda d: d["history"]["variants"][1]["model"].update(path="@session//etc/passwd"),
    ],
)
def test_a_head_that_leads_out_or_makes_no_sense_is_refused(saved: Path, how: Change) -> None:
    change(saved, how)
    before = sorted(saved.rglob("*"))
    with pytest.raises(AppError, match=r"session\.json is damaged") as caught:
        Session.restore(saved)
    assert caught.value.hint
    assert sorted(saved.rglob("*")) == before


def test_a_pipe_where_a_file_should_be_is_not_waited_for(saved: Path) -> None:
    (saved / "models" / "made.onnx").unlink()
    os.mkfifo(saved / "models" / "made.onnx")
    os.mkfifo(saved / "results" / "bench-0001.json")
    change(saved, lambda d: d["results"].append({"kind": "bench", "variant": "v0", "against": "", "file": "results/bench-0001.json"}))
    session = Session.restore(saved)
    assert [problem.message.split(":")[0] for problem in session.problems] == [
        "One bench of v0 is lost",
        "The model of v1 (Simplify) is damaged",
    ]
    session.close()


@pytest.mark.parametrize("file", ["../../../../etc/passwd", "/dev/zero", "a\0b", ""])
def test_results_are_read_from_inside_only(saved: Path, file: str) -> None:
    change(saved, lambda d: d["results"].append({"kind": "bench", "variant": "v0", "against": "", "file": file}))
    session = Session.restore(saved)
    assert len(session.problems) == 1
    assert "is not a path inside the session folder" in session.problems[0].message
    session.close()


def test_removing_a_variant_whose_file_is_the_folder_above_removes_nothing_else(saved: Path) -> None:
    change(saved, lambda d: d["history"]["variants"][1]["model"].update(path=str(saved / "models" / "..")))
    session = Session.restore(saved)
    session.history.remove("v1")
    session.save()
    assert (saved / archive.HEAD).exists()
    assert list((saved / "models").iterdir())
    session.close()


@pytest.mark.parametrize("part", [archive.MODELS, archive.ENGINES, archive.RESULTS])
def test_a_folder_that_is_a_link_is_refused(saved: Path, tmp_path: Path, part: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (saved / part).rename(elsewhere)
    (saved / part).symlink_to(elsewhere)
    kept = sorted(elsewhere.iterdir())
    with pytest.raises(AppError, match=f"{part} is no folder of this session's own"):
        Session.restore(saved)
    assert sorted(elsewhere.iterdir()) == kept


def test_links_are_not_copied_along(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    (saved / "models" / "x.onnx").symlink_to(tmp_path / "secret")
    (saved / "models" / "y").symlink_to(tmp_path)
    session = Session.restore(saved)
    session.save(tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy" / "models").iterdir()) == ["a\\b.onnx", "made.onnx"]
    session.close()
