"""Calibration: batches handed to ONNX Runtime's quantizer one at a time, with progress and cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.data.feeds import Feeds
from core.job import Job

if TYPE_CHECKING:
    import numpy as np


class Reader:
    """What `quantize_static` takes as its calibration data reader: `get_next` gives a batch, or None at the end.

    With a `stride`, the quantizer asks for that many batches at a time and lets go of what it computed from them in
    between; `len` is rounded up to whole strides, for it insists on that. Every batch is a cancel point.
    """

    def __init__(self, data: Feeds, job: Job, stride: int = 0) -> None:
        self._data, self._job, self._stride = data, job, stride
        self._batches: Iterator[dict[str, np.ndarray]] = iter(data)
        self._left = -1
        self._given = 0
        self._in_stride = 0
        self._last: dict[str, np.ndarray] | None = None

    def __len__(self) -> int:
        count = self._data.batch_count
        return -(-count // self._stride) * self._stride if self._stride else count

    def set_range(self, start_index: int, end_index: int) -> None:
        """The next `end_index - start_index` batches are wanted, from where the last ones ended."""
        self._left = end_index - start_index
        self._in_stride = 0

    def get_next(self) -> dict[str, Any] | None:
        """The next batch; reports progress and raises `Cancelled` when told to stop."""
        count = self._data.batch_count
        self._job.step(self._given / max(1, count), f"Calibrating: {self._given} of {count} batches")
        if self._left == 0:
            return None
        batch = next(self._batches, None)
        if batch is None:
            # images that turned out damaged can leave a whole stride empty, which the quantizer takes for an error
            if self._stride and self._in_stride == 0 and self._last is not None:
                self._in_stride += 1
                return self._last
            return None
        self._left -= 1
        self._given += 1
        self._in_stride += 1
        self._last = batch
        return batch

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while (batch := self.get_next()) is not None:
            yield batch
