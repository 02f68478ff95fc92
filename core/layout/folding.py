"""Which groups are open: at first, to a level, all; and the tasks that make a picture of that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.layout.tree import BLOCK, STACK

if TYPE_CHECKING:
    from pathlib import Path

    from core.job import Job
    from core.layout.nested import Nest, Shown
    from core.layout.tree import Tree
    from core.model import Model
    from core.model.index import GraphIndex
    from core.model.opening import Opened

#: Graphs with more rows than this are folded when they are opened.
FLAT = 500
#: Graphs with more nodes than this are shown before all is known of them.
SKETCHED = 1000
#: Columns are to be about so many times as wide together as they are high.
ASPECT = 1.6
#: A folded graph opens with about this many boxes.
BOXES = 24


def first(whole: Nest, boxes: int = BOXES) -> set[int]:
    """The groups that are open at first: level by level as long as there are at most about `boxes`; stacks stay folded."""
    import numpy as np

    tree = whole.tree
    size = np.diff(whole.items.start)
    found = {0}
    shown = int(size[0])
    for deep in range(1, int(tree.depth.max()) + 1):
        at = np.flatnonzero((tree.depth == deep) & (tree.kind != STACK) & (tree.kind != BLOCK))
        opened = [group for group in at.tolist() if int(tree.parent[group]) in found]
        more = sum(int(size[group]) - 1 for group in opened)
        if not opened:
            break
        if shown + more > boxes and shown >= boxes // 3:
            break
        if shown + more > boxes:  # too few to be of use: the smallest groups of this level as well
            for group in sorted(opened, key=lambda group: (int(size[group]), group)):
                if shown + int(size[group]) - 1 <= boxes:
                    found.add(group)
                    shown += int(size[group]) - 1
            break
        found.update(opened)
        shown += more
    return found


def to_level(tree: Tree, level: int) -> set[int]:
    """Groups open down to a level: 0 shows the outermost groups folded."""
    import numpy as np

    return {0, *np.flatnonzero(tree.depth <= level).tolist()}


def every(tree: Tree) -> set[int]:
    """All groups."""
    return set(range(len(tree)))


def boxes_of(whole: Nest, unfolded: Collection[int]) -> int:
    """How many boxes a picture with these groups open shows."""
    import numpy as np

    open_ = {0}
    for group in unfolded:
        open_.update(whole.tree.chain(group))
    size = np.diff(whole.items.start)
    return int(size[list(open_)].sum()) - len(open_) + 1


def fold(index: GraphIndex, flat: bool | None, job: Job, columns: bool = False) -> Shown:
    """The first picture of a graph: folded, or (`flat`) with every node that is in no other; None: as suits its size (a task).

    A large flat one that is tall and thin is wrapped into `columns`.
    """
    from core.layout.nested import Unfolder, nest
    from core.layout.tree import grow

    flat = len(index) <= FLAT if flat is None else flat

    job.step(0.0, "Finding groups")
    tree = grow(index, flat=flat)
    job.step(0.3, "Lifting edges")
    whole = nest(index, tree)
    aspect = ASPECT if columns and len(index) > FLAT else 0.0
    return Unfolder(whole).show({0} if flat else first(whole), job.part(0.5, 1.0).step, aspect)


@dataclass(frozen=True)
class OpenedShown:
    """A model that was opened, and the first picture of its graph."""

    opened: Opened
    shown: Shown


def open_shown(path: Path, job: Job) -> OpenedShown:
    """Open the model at `path` and make the first picture of its graph (a task); raises `ModelError` for a bad file.

    Of a large graph a picture without shapes and sums is emitted (a slim `Shown`) as soon as its structure is known.
    """
    from core.model import opening, sketch
    from core.model.source import read

    job.step(0.0, f"Reading {path.name}")
    source = read(path)
    if len(source.proto.graph.node) > SKETCHED:
        job.step(0.05, "Laying out the graph")
        job.emit(fold(sketch.sketch(source), None, job.part(0.05, 0.2)).slim())
    opened = opening.open_model(path, job.part(0.2, 0.8))
    job.step(0.8, "Laying out the graph")
    return OpenedShown(opened=opened, shown=fold(opening.deep_of(source), None, job.part(0.8, 1.0)))


def open_folded(model: Model, flat: bool | None, columns: bool, job: Job) -> Shown:
    """Index a model's graph and make its first picture (a task); `flat` and `columns` as `fold` takes them.

    Raises `ModelError` for what cannot be read, `Cancelled` when told to stop.
    """
    from core.model.opening import read_deep

    return fold(read_deep(model, job.part(0.0, 0.4)), flat, job.part(0.4, 1.0), columns)


def unfold(model: Model, flat: bool, unfolded: frozenset[int], job: Job) -> Shown:
    """The picture of a model's graph with these groups open (a task, for those that take a while). Its `nest` is left out: whoever
    asks has it (`Shown.within`)."""
    from core.layout.nested import Unfolder, nest
    from core.layout.tree import grow
    from core.model.opening import read_deep
    from core.model.source import read

    index = read_deep(model, job.part(0.0, 0.2))
    facts = read(model.path).facts
    whole: Nest | None = facts.get(f"nest, flat {flat}")
    if whole is None or whole.index is not index:
        whole = facts[f"nest, flat {flat}"] = nest(index, grow(index, flat=flat))
    return Unfolder(whole).show(unfolded, job.part(0.3, 1.0).step).bare()
