from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.errors import Cancelled
from core.job import Job


def test_a_job_that_nobody_listens_to() -> None:
    job = Job()
    job.step(0.5, "half")
    job.emit(1)
    job.check()
    job.close()


def test_steps_stay_between_nothing_and_all() -> None:
    steps: list[tuple[float, str]] = []
    job = Job(on_step=lambda fraction, text: steps.append((fraction, text)))
    for fraction in (-1.0, 0.25, 7.0):
        job.step(fraction, "x")
    assert steps == [(0.0, "x"), (0.25, "x"), (1.0, "x")]


def test_step_and_check_are_the_cancel_points() -> None:
    told = False
    steps: list[Any] = []
    job = Job(on_step=lambda *step: steps.append(step), is_cancelled=lambda: told)
    job.step(0.1)
    told = True
    with pytest.raises(Cancelled):
        job.step(0.2)
    with pytest.raises(Cancelled):
        job.check()
    assert steps == [(0.1, "")]


def test_a_part_of_a_part_is_scaled() -> None:
    steps: list[float] = []
    events: list[Any] = []
    job = Job(on_step=lambda fraction, text: steps.append(fraction), on_emit=events.append)
    part = job.part(0.5, 1.0)
    part.step(0.0)
    part.part(0.5, 1.0).step(0.5)
    part.step(2.0)
    part.emit("x")
    assert steps == [0.5, 0.875, 1.0]
    assert events == ["x"]
    job.close()


def test_a_part_is_cancelled_with_the_whole() -> None:
    job = Job(is_cancelled=lambda: True)
    with pytest.raises(Cancelled):
        job.part(0.0, 0.5).step(0.1)
    job.close()


def test_scratch_is_made_once_shared_and_removed() -> None:
    job = Job()
    folder = job.scratch
    (folder / "a").write_text("x")
    assert job.scratch == folder == job.part(0, 1).scratch
    job.close()
    assert not folder.exists()
    job.close()
    again = job.scratch
    assert again.exists()
    assert again != folder
    job.close()


def test_a_given_scratch_is_left_to_its_giver(tmp_path: Path) -> None:
    job = Job(scratch=tmp_path)
    assert job.scratch == tmp_path
    job.close()
    assert tmp_path.exists()
