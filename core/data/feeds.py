"""Feeds: the batches of inputs that a model is calibrated, compared and raced with, made or read one at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from core.data import DataSpec
from core.errors import DataError
from core.model import TensorType

if TYPE_CHECKING:
    import numpy as np

_BATCH_WORDS = ("batch", "bs", "n", "b")
_IMAGES_OR_ARRAYS = "Give an .npz file, a folder of .npz files, or a folder of images."


@dataclass(frozen=True)
class Batch:
    """Inputs by name, how many samples they hold, and their labels (int64) where there are any."""

    inputs: dict[str, np.ndarray]
    count: int
    labels: np.ndarray | None = None


class Source(Protocol):
    """Where batches come from: seeded random, .npz (`arrays`), images."""

    description: str
    count: int
    batch_count: int
    labels: np.ndarray | None
    notes: list[str]
    aligned: bool

    def batches(self) -> Iterator[Batch]:
        """Every batch from the first; calling it again starts anew."""
        ...


class Feeds:
    """Batches, streamed: never more than one is held. Iterating gives name -> array; `batches()` adds the labels.

    `count` is the number of samples that will come (fewer when an image turns out to be damaged, which `notes` then
    says); `description` says where they come from, and says "seeded random" when they are.
    """

    def __init__(self, source: Source, *, random: bool) -> None:
        self._source = source
        self.random = random

    @property
    def description(self) -> str:
        """Where the inputs come from, for people."""
        return self._source.description

    @property
    def count(self) -> int:
        """Samples in all."""
        return self._source.count

    @property
    def batch_count(self) -> int:
        """Batches in all."""
        return self._source.batch_count

    @property
    def labels(self) -> np.ndarray | None:
        """int64 labels in sample order, or None."""
        return self._source.labels

    @property
    def aligned(self) -> bool:
        """Whether the nth sample that comes is the nth of the data: False once one in the middle had to be left out."""
        return self._source.aligned

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, and why; complete once all batches have been taken."""
        return tuple(self._source.notes)

    def batches(self) -> Iterator[Batch]:
        """Every batch from the first, with labels."""
        return self._source.batches()

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        for batch in self._source.batches():
            yield batch.inputs


def feeds(inputs: tuple[TensorType, ...], spec: DataSpec) -> Feeds:
    """Batches for a model with these `inputs`, from where `spec` says; raises `DataError` with what to do instead."""
    for item in inputs:
        if item.shape is None:
            hint = "Give the input a shape in the model, then open it again."
            raise DataError(f"The rank of input '{item.name}' is not known.", hint=hint)
    if not spec.path:
        return Feeds(Random(inputs, spec), random=True)
    path = Path(os.path.expanduser(spec.path))
    if not path.exists():
        raise DataError(f"{path} does not exist.", hint=_IMAGES_OR_ARRAYS)
    from core.data.arrays import Arrays
    from core.data.images import SUFFIXES, Images

    if path.is_file():
        if path.suffix.lower() == ".npz":
            return Feeds(Arrays(inputs, spec, (path,)), random=False)
        if path.suffix.lower() in SUFFIXES:
            return Feeds(Images(inputs, spec, path.parent, (path,)), random=False)
        raise DataError(f"{path.name} is not data that can be read.", hint=_IMAGES_OR_ARRAYS)
    files = tuple(sorted(item for item in path.glob("*.npz") if item.is_file()))
    if files:
        return Feeds(Arrays(inputs, spec, files), random=False)
    pictures = tuple(sorted(item for item in path.rglob("*") if item.suffix.lower() in SUFFIXES and item.is_file()))
    if pictures:
        return Feeds(Images(inputs, spec, path, pictures), random=False)
    what = "is empty" if not any(path.iterdir()) else "holds neither .npz files nor images"
    raise DataError(f"The folder {path} {what}.", hint=_IMAGES_OR_ARRAYS)


def shapes(inputs: tuple[TensorType, ...], batch: int, dim: int) -> dict[str, tuple[int, ...]]:
    """The concrete shape of each input: symbols that mean the batch become `batch`, every other open dim `dim`.

    The same symbol gets the same number everywhere. A symbol means the batch when it is called so (`batch`, `N`, ...);
    where no symbol is, the one on the first axis does.
    """
    named = {d for item in inputs for d in item.shape or () if isinstance(d, str) and is_batch_word(d)}
    first = {item.shape[0] for item in inputs if item.shape and isinstance(item.shape[0], str)}
    batch_symbols = named or first
    found = {}
    for item in inputs:
        dims: list[int] = []
        has_batch = any(d in batch_symbols for d in item.shape or () if isinstance(d, str))
        for axis, d in enumerate(item.shape or ()):
            if isinstance(d, int):
                dims.append(d)
            elif d in batch_symbols or (axis == 0 and not has_batch):
                dims.append(batch)
            else:
                dims.append(dim)
        found[item.name] = tuple(dims)
    return found


def is_batch_word(symbol: str) -> bool:
    """Whether a symbolic dim is called like a batch."""
    low = symbol.lower()
    return low in _BATCH_WORDS or "batch" in low


def fixed_batch(inputs: Sequence[TensorType]) -> int | None:
    """The batch size that the model insists on (its first input's first dim), or None when it is open."""
    for item in inputs:
        if item.shape and len(item.shape) > 1:
            return item.shape[0] if isinstance(item.shape[0], int) else None
    return None


class Random:
    """Seeded random inputs: the same seed gives the same batches, in any order of asking and on any machine."""

    labels: np.ndarray | None = None
    aligned = True

    def __init__(self, inputs: tuple[TensorType, ...], spec: DataSpec) -> None:
        self.inputs, self.spec = inputs, spec
        self.notes: list[str] = []
        for item in inputs:
            _dtype(item)
        fixed = fixed_batch(inputs)
        self._size = fixed if fixed else min(spec.batch, spec.limit)
        self.batch_count = max(1, math.ceil(spec.limit / self._size))
        self.count = spec.limit if fixed is None else self.batch_count * self._size
        self.description = f"{self.count} seeded random sample{'s' * (self.count != 1)} (seed {spec.seed})"

    def batches(self) -> Iterator[Batch]:
        """Every batch from the first."""
        import numpy as np

        left = self.count
        for number in range(self.batch_count):
            size = min(self._size, left)
            left -= size
            rng = np.random.default_rng([self.spec.seed, number])
            concrete = shapes(self.inputs, size, self.spec.dim)
            yield Batch({item.name: random_array(item, concrete[item.name], rng) for item in self.inputs}, size)


def _dtype(item: TensorType) -> np.dtype[Any]:
    """The numpy dtype of an input, or a `DataError` when there is none (strings, bfloat16, float8)."""
    import numpy as np

    try:
        dtype = np.dtype(item.dtype)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "fiubc":
        hint = "Give the inputs as an .npz file, or use a model with numeric inputs."
        raise DataError(f"Input '{item.name}' is {item.dtype}; inputs of that type cannot be made up.", hint=hint)
    return dtype


def random_array(item: TensorType, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """One input, typed and ranged sensibly: N(0, 1) floats, bytes over their whole range, small positive token ids,
    masks of ones, counting positions."""
    import numpy as np

    dtype = _dtype(item)
    low = item.name.lower()
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "fc":
        return rng.standard_normal(shape, dtype=np.float32).astype(dtype)
    if "mask" in low:
        return np.ones(shape, dtype)
    if "token_type" in low or "segment" in low:
        return np.zeros(shape, dtype)
    if "position" in low and shape:
        return np.broadcast_to(np.arange(shape[-1]), shape).astype(dtype)
    if low in ("sr", "sample_rate", "sampling_rate"):
        return np.full(shape, 16000, dtype)
    if dtype.itemsize == 1:
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    # one-hot and embedding tables may be short, so ids stay small; zero is often padding
    return rng.integers(1, 10, shape).astype(dtype)


def fit(item: TensorType, array: np.ndarray, where: str) -> np.ndarray:
    """`array` with the input's dtype, or a `DataError`: floats are converted to floats and integers to integers (in
    range), anything else is told."""
    import numpy as np

    wanted = _dtype(item)
    if array.dtype == wanted:
        return array
    both_float = array.dtype.kind == "f" and wanted.kind == "f"
    if both_float or (array.dtype.kind in "iu" and wanted.kind == "f"):
        return array.astype(wanted)
    if array.dtype.kind in "iub" and wanted.kind in "iub":
        cast = array.astype(wanted)
        if np.array_equal(cast, array):
            return cast
    hint = f"Save the array as {wanted.name}."
    raise DataError(f"{where}: array '{item.name}' is {array.dtype}, the model's input is {item.text()}.", hint=hint)


def misfit(item: TensorType, sample: Sequence[int]) -> bool:
    """Whether `sample`, the shape of a whole input, contradicts a fixed dim of `item`."""
    dims = item.shape or ()
    return len(sample) != len(dims) or any(isinstance(d, int) and d != s for d, s in zip(dims, sample, strict=True))
