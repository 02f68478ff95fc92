"""Calibration: batches handed to ONNX Runtime's quantizer one at a time, with progress and cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.data.feeds import Feeds
from core.job import Job

if TYPE_CHECKING:
    import numpy as np


class Reader:
    """What ONNX Runtime takes as a calibration data reader: `get_next` gives a batch, or None when there is none.

    Every batch is a cancel point. With a `stride`, None comes after each so many batches, and `next_stride` opens the
    next: a histogram keeps all activations of what it was given in one go.
    """

    def __init__(self, data: Feeds, job: Job, stride: int = 0) -> None:
        self._data, self._job, self._stride = data, job, stride
        self._batches: Iterator[dict[str, np.ndarray]] = iter(data)
        self._waiting = next(self._batches, None)
        self._left = stride
        self.given = 0

    def __len__(self) -> int:
        return self._data.batch_count

    def next_stride(self) -> bool:
        """Whether there is more; if so, the next batches may be taken."""
        self._left = self._stride
        return self._waiting is not None

    def get_next(self) -> dict[str, Any] | None:
        """The next batch; reports progress and raises `Cancelled` when told to stop."""
        count = self._data.batch_count
        self._job.step(self.given / max(1, count), f"Calibrating: {self.given} of {count} batches")
        batch = self._waiting
        if batch is None or (self._stride and self._left == 0):
            return None
        self._left -= 1
        self.given += 1
        self._waiting = next(self._batches, None)
        return batch

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while (batch := self.get_next()) is not None:
            yield batch
