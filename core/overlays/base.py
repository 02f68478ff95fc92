"""An overlay is a number, or a word, for each node of a graph; a file that declares one is the whole of a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from core.job import Job
from core.model import Model

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex
    from core.model.source import Source

Kind = Literal["node", "tensor", "category"]
#: Which end is the better one; empty where neither is.
Good = Literal["low", "high", ""]
Combine = Literal["sum", "max", "weighted mean", "none"]


@dataclass(frozen=True)
class Values:
    """What an overlay says: `values` float64 by row of the index, nan where there is nothing to say.

    Of a category they are numbers into `names`. `weights` float64 by row is what a weighted mean weighs with; `tensors`
    float64 by tensor of the index (nan: unknown) is given by overlays that speak of tensors. `notes` are sentences.
    """

    values: np.ndarray
    names: tuple[str, ...] = ()
    weights: np.ndarray | None = None
    tensors: np.ndarray | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """What an overlay is computed from: the columns of a graph, and its file for what they do not hold."""

    index: GraphIndex
    source: Source


@dataclass(frozen=True)
class Overlay:
    """Says something of every node.

    A subclass is a frozen dataclass with params (`core.params.param`) and a one-sentence docstring that a user can
    read; it sets `id`, `title` and what else differs, and implements `measure`. Values are by row of
    `core.model.index.GraphIndex`; inputs and outputs of the graph have none unless they mean something there.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    order: ClassVar[int] = 100
    #: `B` is written as bytes, `%` as a share of a hundred; empty for a count.
    unit: ClassVar[str] = ""
    #: What stands behind the number on a badge, where the unit says too little beside other badges.
    mark: ClassVar[str] = ""
    #: A number for a node, a number for a tensor (a node has the sum of what it makes), or a word for a node.
    kind: ClassVar[Kind] = "node"
    good: ClassVar[Good] = ""
    #: How the rows inside a collapsed group become one, see `core.overlays.combine`.
    combine: ClassVar[Combine] = "sum"
    #: Whether weights are read: it may take a while, so it runs as a job that can be cancelled.
    reads_weights: ClassVar[bool] = False
    #: Whether the values are a course in the order of execution, to be drawn as one.
    over_time: ClassVar[bool] = False

    def measure(self, graph: Graph, job: Job) -> Values:
        """The values; `job.step` reports and cancels."""
        raise NotImplementedError


def measure(model: Model, overlay: Overlay, job: Job) -> Values:
    """The values of an overlay on a model (a task); kept for as long as the model's file is among the last few opened."""
    from core.model.opening import deep_of
    from core.model.source import read

    job.step(0.0, f"Reading {model.path.name}")
    source = read(model.path)
    key = f"overlay {overlay!r}"
    found: Values | None = source.facts.get(key)
    if found is None:
        job.step(0.0, "Indexing the graph")
        graph = Graph(deep_of(source), source)
        job.step(0.0, overlay.title)
        found = source.facts[key] = overlay.measure(graph, job)
    return found


def known(values: np.ndarray) -> np.ndarray:
    """`values` as float64 with nan in place of zero: a node without weights has nothing to say of them."""
    import numpy as np

    found = np.asarray(values, np.float64)
    return np.where(found == 0, np.nan, found)
