from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from core import scratch
from core.errors import WorkerError


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "_swept", False)
    return tmp_path


@pytest.fixture
def ended() -> int:
    """The id of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_folder_is_made_and_removed_with_all_that_is_in_it(temporary: Path) -> None:
    one, other = scratch.make(), scratch.make()
    assert one != other
    (one / "deep" / "er").mkdir(parents=True)
    (one / "deep" / "file").write_text("x")
    scratch.remove(one)
    scratch.remove(one)
    assert list(temporary.iterdir()) == [other]


def test_the_first_one_clears_what_killed_programs_left(temporary: Path, ended: int) -> None:
    left = temporary / f"sardonyx-job-{ended}-abcdefgh"
    (left / "half").mkdir(parents=True)
    theirs = temporary / f"sardonyx-job-{os.getppid()}-abcdefgh"
    strange = temporary / "sardonyx-job-x-abcdefgh"
    huge = temporary / f"sardonyx-job-{10**30}-abcdefgh"
    for folder in (theirs, strange, huge):
        folder.mkdir()
    made = scratch.make()
    assert set(temporary.iterdir()) == {theirs, strange, huge, made}


def test_a_link_is_not_followed(temporary: Path, ended: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").write_text("x")
    link = temporary / f"sardonyx-job-{ended}-abcdefgh"
    link.symlink_to(elsewhere)
    inside = temporary / f"sardonyx-job-{ended}-ijklmnop"
    inside.mkdir()
    (inside / "link").symlink_to(elsewhere)
    scratch.sweep()
    assert link.is_symlink()
    assert not inside.exists()
    assert (elsewhere / "kept").exists()


def test_no_room_is_told(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    with pytest.raises(WorkerError, match=r"There can be no temporary folder: No such file or directory\.") as caught:
        scratch.make()
    assert "TMPDIR" in caught.value.hint
