"""The task: a model's path in, its index and its places out, in this process and in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.errors import Cancelled
from core.job import Job
from core.layout import place
from core.model import document
from tests import models

if TYPE_CHECKING:
    from core.workers import Pool


def test_a_model_is_placed_the_same_here_and_in_a_worker(tmp_path: Path, pool: Pool) -> None:
    model = document.snapshot(models.save(models.residual_cnn(), tmp_path / "cnn.onnx"))
    said: list[float] = []
    index, placed = place(model, Job(on_step=lambda fraction, text: said.append(fraction)))
    assert len(index) == len(placed) > 5
    assert said == sorted(said)
    assert said[-1] == 1.0
    other_index, other = pool.run(place, model, title="Lay out graph")
    assert other_index.names == index.names
    assert np.array_equal(other.points, placed.points)


def test_it_stops_when_told(tmp_path: Path) -> None:
    model = document.snapshot(models.save(models.residual_cnn(), tmp_path / "cnn.onnx"))
    with pytest.raises(Cancelled):
        place(model, Job(is_cancelled=lambda: True))


@pytest.mark.parametrize(
    "build", [models.empty_graph, models.with_if, models.with_loop, models.with_function, models.int8_qdq, models.unsorted]
)
def test_odd_models_are_placed_too(build: object, tmp_path: Path) -> None:
    model = document.snapshot(models.save(build(), tmp_path / "odd.onnx"))  # type: ignore[operator]
    index, placed = place(model, Job())
    assert len(index) == len(placed)
    assert (placed.rank[index.dst] > placed.rank[index.src]).all()
