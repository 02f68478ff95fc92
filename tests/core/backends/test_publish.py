"""Engines appear whole or not at all, also across disks."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from core.backends.base import publish


def test_a_finished_file_replaces_the_old_one(tmp_path: Path) -> None:
    source, target = tmp_path / "draft", tmp_path / "engine"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    publish(source, target)
    assert target.read_bytes() == b"new"
    assert not source.exists()


@pytest.fixture
def two_disks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, Path]:
    """A scratch folder and a target folder between which nothing can be renamed."""
    scratch, there = tmp_path / "scratch", tmp_path / "there"
    scratch.mkdir()
    there.mkdir()
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    return scratch, there


def test_across_disks_it_is_copied_beside_first(two_disks: tuple[Path, Path]) -> None:
    scratch, there = two_disks
    (scratch / "draft").write_bytes(b"new")
    publish(scratch / "draft", there / "engine")
    assert [file.name for file in there.iterdir()] == ["engine"]
    assert not list(scratch.iterdir())


def test_a_full_disk_leaves_the_old_one(two_disks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    scratch, there = two_disks
    (scratch / "draft").write_bytes(b"new")
    (there / "engine").write_bytes(b"old")

    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"n")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        publish(scratch / "draft", there / "engine")
    assert [file.name for file in there.iterdir()] == ["engine"]
    assert (there / "engine").read_bytes() == b"old"
