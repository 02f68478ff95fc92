"""One weight as a row of elements of which any part can be read: by range, by place, as a block of three dims."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.model.source import Source
from core.model.tensors import DTYPES, EXTERNAL, elements, unpack

if TYPE_CHECKING:
    import numpy as np
    import onnx

#: Elements in one piece: a multiple of what is packed into whole bytes.
PIECE = 1 << 20
#: Seconds that one answer of a long reading may take: another question waits no longer than that.
BUDGET = 0.06
#: Elements that share whole bytes, by the bits of one.
_TOGETHER = {2: 4, 4: 2, 6: 4}
STRING = 8


class Clock:
    """How much of the budget of an answer is left."""

    def __init__(self, budget: float | None = None) -> None:
        self._until = time.perf_counter() + (BUDGET if budget is None else budget)

    @property
    def over(self) -> bool:
        """Whether it is time to answer with what there is."""
        return time.perf_counter() >= self._until


class Pieces:
    """Reads parts of one tensor; nothing else of it is touched. Arrays have the dtype of the tensor and may be read-only."""

    def __init__(self, source: Source, tensor: onnx.TensorProto) -> None:
        self.tensor = tensor
        self.shape = tuple(tensor.dims)
        self.total = elements(self.shape)
        self.bits = DTYPES[tensor.data_type][1]
        self._place = source.regions.place(tensor) if tensor.data_location == EXTERNAL else None
        self._raw: memoryview | bytes = b"" if tensor.data_type == STRING else _raw(source, tensor)

    def flat(self, start: int, count: int) -> np.ndarray:
        """`count` elements from `start` on, in the order of the file."""
        count = max(0, min(count, self.total - start))
        if self.tensor.data_type == STRING:
            import numpy as np

            return np.array([_text(value) for value in self.tensor.string_data[start : start + count]], object)
        lead = start % _TOGETHER.get(self.bits, 1)
        first = start - lead
        raw = self._raw[first * self.bits // 8 : ((start + count) * self.bits + 7) // 8]
        return unpack(raw, self.tensor.data_type, (lead + count,))[lead:]

    def at(self, places: np.ndarray) -> np.ndarray:
        """The elements at `places` (int64, any shape), in their shape."""
        import numpy as np

        if self.tensor.data_type == STRING:
            found = np.array([_text(self.tensor.string_data[place]) for place in places.reshape(-1).tolist()], object)
            return found.reshape(places.shape)
        if self.bits >= 8:
            whole: np.ndarray = unpack(self._raw, self.tensor.data_type, (self.total,))[places]
            return whole
        if self.bits in (2, 4):
            packed = np.frombuffer(self._raw, np.uint8)
            per = 8 // self.bits
            values = (packed[places // per] >> (self.bits * (places % per)).astype(np.uint8)) & np.uint8((1 << self.bits) - 1)
            return np.ascontiguousarray(values).view(self.flat(0, 1).dtype)
        low = int(places.min(initial=self.total))
        part: np.ndarray = self.flat(low, int(places.max(initial=0)) - low + 1)[places - low]
        return part

    def block(self, dims: tuple[int, int, int], part: tuple[slice, slice, slice]) -> np.ndarray:
        """A block of the tensor seen as `dims` (three of them, in the order of the file)."""
        import numpy as np

        (a, b), (c, d), (e, f) = ((each.start, each.stop) for each in part)
        _, middle, inner = dims
        if (e, f) == (0, inner) and ((c, d) == (0, middle) or b - a == 1):  # contiguous
            return self.flat((a * middle + c) * inner, (b - a) * (d - c) * inner).reshape(b - a, d - c, inner)
        if self.bits >= 8:
            view: np.ndarray = unpack(self._raw, self.tensor.data_type, dims)[part]
            return view
        rows = (np.arange(a, b)[:, None] * middle + np.arange(c, d))[:, :, None] * inner
        return self.at(rows + np.arange(e, f))

    def forget_block(self, dims: tuple[int, int, int], part: tuple[slice, slice, slice]) -> None:
        """The same for a block that is contiguous; one that is not shares its pages with its neighbours."""
        rows, columns, inner = part
        if inner.stop - inner.start == dims[2] and (columns.stop - columns.start == dims[1] or rows.stop - rows.start == 1):
            start = (rows.start * dims[1] + columns.start) * dims[2]
            self.forget(start, (rows.stop - rows.start) * (columns.stop - columns.start) * dims[2])

    def forget(self, start: int, count: int) -> None:
        """The elements will not be needed soon: mapped pages leave this process's memory."""
        if self._place is not None:
            region, offset, _ = self._place
            region.forget(offset + start * self.bits // 8, count * self.bits // 8)


def _raw(source: Source, tensor: onnx.TensorProto) -> memoryview | bytes:
    """The bytes of a tensor; those of the last one that was not in a file are kept, as protobuf copies them each time."""
    if tensor.data_location == EXTERNAL:
        return memoryview(source.raw(tensor))
    kept = source.facts.get("raw")
    if kept is None or kept[0] is not tensor:
        kept = source.facts["raw"] = (tensor, source.raw(tensor))
    raw: memoryview | bytes = kept[1]
    return raw


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def wide(piece: np.ndarray) -> np.ndarray:
    """Elements as float64, complex numbers by their magnitude."""
    import numpy as np

    if piece.dtype.kind == "c":
        return np.asarray(np.abs(piece), np.float64)
    if piece.dtype.kind in "fiub":
        return piece.astype(np.float64)
    # ml_dtypes' sub-byte integers convert by way of float32
    return piece.astype(np.float32).astype(np.float64)


def around(shape: Sequence[int], axis: int) -> tuple[int, int, int]:
    """`shape` as three dims, the middle one being `axis`; a scalar is (1, 1, 1)."""
    if not shape:
        return 1, 1, 1
    return elements(shape[:axis]), shape[axis], elements(shape[axis + 1 :])


@dataclass(frozen=True)
class Grid:
    """Three dims cut into blocks of about `PIECE` elements, numbered in the order of the file; the middle one is cut at
    multiples of `multiple`."""

    dims: tuple[int, int, int]
    multiple: int = 1

    @property
    def _sizes(self) -> tuple[int, int, int]:
        outer, middle, inner = self.dims
        c = max(1, min(inner, PIECE))
        b = max(1, min(middle, max(self.multiple, PIECE // c // self.multiple * self.multiple)))
        a = max(1, min(outer, PIECE // (b * c))) if (b, c) == (middle, inner) else 1
        return a, b, c

    def __len__(self) -> int:
        if 0 in self.dims:
            return 0
        count = 1
        for dim, size in zip(self.dims, self._sizes, strict=True):
            count *= -(-dim // size)
        return count

    def part(self, number: int) -> tuple[slice, slice, slice]:
        """The block with this number."""
        found: list[Any] = []
        for dim, size in zip(reversed(self.dims), reversed(self._sizes), strict=True):
            blocks = -(-dim // size)
            start = number % blocks * size
            number //= blocks
            found.append(slice(start, min(dim, start + size)))
        return found[2], found[1], found[0]
