"""Dtypes: which precision a node works in, and which its weights are kept in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from core.job import Job
from core.model.tensors import byte_size, dtype_name
from core.overlays.base import Combine, Graph, Kind, Overlay, Values
from core.overlays.weights import held


@dataclass(frozen=True)
class OutputDtype(Overlay):
    """The dtype of the first of the node's outputs that something reads."""

    id: ClassVar[str] = "dtype"
    title: ClassVar[str] = "Output dtype"
    order: ClassVar[int] = 80
    kind: ClassVar[Kind] = "category"
    combine: ClassVar[Combine] = "none"

    def measure(self, graph: Graph, job: Job) -> Values:
        """Names by how many rows have them; nan where no type is known."""
        index = graph.index
        words = [text.partition("[")[0] for text in index.tensor_types]
        found = [""] * len(index)
        for row, tensor in zip(index.src.tolist(), index.tensor.tolist(), strict=True):
            found[row] = found[row] or words[tensor]
        return category(found)


@dataclass(frozen=True)
class WeightDtype(Overlay):
    """The dtype of the largest of the node's weights."""

    id: ClassVar[str] = "weight_dtype"
    title: ClassVar[str] = "Weight dtype"
    order: ClassVar[int] = 81
    kind: ClassVar[Kind] = "category"
    combine: ClassVar[Combine] = "none"

    def measure(self, graph: Graph, job: Job) -> Values:
        """Names by how many rows have them; nan for rows without weights."""
        found, most = [""] * len(graph.index), [-1] * len(graph.index)
        for row, tensor in held(graph):
            size = byte_size(tensor.data_type, tensor.dims)
            if size > most[row]:
                found[row], most[row] = dtype_name(tensor.data_type), size
        return category(found)


def category(words: Sequence[str]) -> Values:
    """A word for each row as a category, the most frequent word first; an empty word is nothing to say."""
    import numpy as np

    names = [name for name, _ in sorted(Counter(word for word in words if word).items(), key=lambda item: (-item[1], item[0]))]
    place: dict[str, float] = {name: float(number) for number, name in enumerate(names)}
    return Values(values=np.array([place.get(word, np.nan) for word in words], np.float64), names=tuple(names))
