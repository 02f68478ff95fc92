"""Where a pattern stands in a graph: from its rarest node along the wires, taking back what does not fit."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.find import query
from core.find.catalogue import Catalogue
from core.find.facts import NOTHING, read_facts
from core.find.grammar import Compare
from core.find.numbers import known
from core.find.pattern import Node, Pattern, Variable
from core.job import Job
from core.model import Model, opening
from core.model.source import read

if TYPE_CHECKING:
    import numpy as np

#: Not bound yet; made, and read by nobody.
_FREE, _UNREAD = -2, -3
#: Attempts to put a node somewhere, after which the search ends and says that it is not complete.
PATIENCE = 3_000_000
_PACE = 1024


@dataclass(frozen=True)
class Match:
    """One place of a pattern: the row of each of its nodes, and the tensor of each of its names (empty where nothing reads it).

    Weights are among the tensors, by the name that the node reads them under.
    """

    rows: tuple[int, ...]
    tensors: dict[str, str]


@dataclass(frozen=True)
class Matches:
    """Where a pattern was found, from the first to the last place; `complete` unless the search was given up."""

    pattern: Pattern
    found: tuple[Match, ...] = ()
    complete: bool = True

    def __len__(self) -> int:
        return len(self.found)


def find_pattern(model: Model, deep: bool, pattern: Pattern, job: Job) -> Matches:
    """Look for a pattern in a model's graph, with or without the bodies of its nodes (a task); rows are those of its index."""
    source = read(model.path)
    facts = read_facts(model, deep, job)
    key = "catalogue.deep" if deep else "catalogue"
    catalogue: Catalogue | None = source.facts.get(key)
    if catalogue is None:
        index = opening.deep_of(source) if deep else opening.index_of(source)
        catalogue = source.facts[key] = Catalogue(index, facts)
    return find(pattern, catalogue, job=job)


def find(pattern: Pattern, catalogue: Catalogue, *, overlap: bool = False, patience: int = PATIENCE, job: Job | None = None) -> Matches:
    """Every place where a pattern stands. Without `overlap` no node is in two of them: the first that is found, in the order of
    the pattern's rarest node, keeps it; with it, every different choice of rows is there once. The catalogue must have facts."""
    search = _Search(pattern, catalogue, overlap, patience)
    found = tuple(sorted(search.all(job), key=lambda match: (min(match.rows), match.rows)))
    return Matches(pattern, found, complete=search.patience > 0)


@dataclass
class _State:
    """What is chosen so far."""

    rows: list[int]
    values: list[int]
    used: set[int] = field(default_factory=set)


class _Search:
    def __init__(self, pattern: Pattern, catalogue: Catalogue, overlap: bool, patience: int) -> None:
        import numpy as np

        assert catalogue.facts is not None
        self.pattern, self.catalogue, self.facts = pattern, catalogue, catalogue.facts
        self.overlap, self.patience = overlap, patience
        self.tensors = len(catalogue.index.tensors)
        self.fits = [self._fitting(node) for node in pattern.nodes]
        self.counts = [int(np.count_nonzero(mask)) for mask in self.fits]
        #: (node, output) that makes each variable
        self.maker = {made: (place, number) for place, node in enumerate(pattern.nodes) for number, made in enumerate(node.outputs)}
        self.state = _State([_FREE] * len(pattern.nodes), [_FREE] * len(pattern.variables))
        self.taken: set[int] = set()

    def _fitting(self, node: Node) -> np.ndarray:
        """Rows whose op and attributes are a node's."""
        import numpy as np

        index = self.catalogue.index
        named = np.array([any(fnmatch.fnmatchcase(name, op) for op in node.ops) for name in index.op_names], bool)
        mask = named[index.op] & (index.kind == 0) if len(index) else np.zeros(0, bool)
        for condition in node.conditions:
            mask = mask & self._holding(condition)
        return np.asarray(mask)

    def _holding(self, condition: Compare) -> np.ndarray:
        import numpy as np

        if known(condition.name) is None and condition.name.lower() not in {name.lower() for name in self.catalogue.attribute_names}:
            return np.zeros(len(self.catalogue), bool)
        return query.holds(condition, self.catalogue)

    # ---- the search ----
    def all(self, job: Job | None) -> Iterator[Match]:
        import numpy as np

        anchor = min(range(len(self.counts)), key=self.counts.__getitem__)
        places = np.flatnonzero(self.fits[anchor]).tolist() if all(self.counts) else []
        for number, row in enumerate(places):
            if job is not None and not number % _PACE:
                job.step(number / len(places), "Looking for the pattern")
            seen: set[tuple[int, ...]] = set()
            for match in self._put(anchor, row):
                if match.rows in seen:
                    continue
                seen.add(match.rows)
                yield match
                if not self.overlap:
                    self.taken.update(match.rows)
                    break
            else:
                continue
            self._reset()

    def _reset(self) -> None:
        """Forget what a search that was left in the middle had chosen."""
        self.state = _State([_FREE] * len(self.pattern.nodes), [_FREE] * len(self.pattern.variables))

    def _put(self, place: int, row: int) -> Iterator[Match]:
        """Matches in which a node of the pattern stands at a row."""
        state, node = self.state, self.pattern.nodes[place]
        self.patience -= 1
        if self.patience <= 0 or row in state.used or row in self.taken or not self.fits[place][row]:
            return
        trail: list[int] = []
        state.rows[place] = row
        state.used.add(row)
        if self._outputs(node, row, trail):
            yield from self._inputs(node, self.facts.of(row))
        for variable in trail:
            state.values[variable] = _FREE
        state.used.discard(row)
        state.rows[place] = _FREE

    def _outputs(self, node: Node, row: int, trail: list[int]) -> bool:
        values, made = self.state.values, self.facts.made
        own = {int(made[tensor]): tensor for tensor in self.catalogue.tensors_of(row)}
        for number, variable in enumerate(node.outputs):
            tensor = own.get(number, _UNREAD)
            if values[variable] == _FREE:
                values[variable] = tensor
                trail.append(variable)
            elif values[variable] != tensor:
                return False
        return True

    def _inputs(self, node: Node, values: Sequence[int]) -> Iterator[Match]:
        """Matches in which the inputs of a node stand where they fit."""
        if node.commutative:
            yield from self._in_any_order(node, values, [])
            return
        trail: list[int] = []
        for slot, variable in enumerate(node.inputs):
            value = values[slot] if slot < len(values) else NOTHING
            if not self._same(variable, value):
                break
            if self.state.values[variable] == _FREE:
                self.state.values[variable] = value
                trail.append(variable)
        else:
            yield from self._on()
        for variable in trail:
            self.state.values[variable] = _FREE

    def _in_any_order(self, node: Node, values: Sequence[int], chosen: list[int]) -> Iterator[Match]:
        """The same where the slots of the first inputs are `chosen`."""
        if len(chosen) == len(node.inputs):
            yield from self._on()
            return
        variable = node.inputs[len(chosen)]
        for slot, value in enumerate(values):
            before = self.state.values[variable]
            if slot not in chosen and self._same(variable, value):
                self.state.values[variable] = value
                yield from self._in_any_order(node, values, [*chosen, slot])
                self.state.values[variable] = before

    def _same(self, variable: int, value: int) -> bool:
        """Whether a variable is, or may become, a value."""
        known_value = self.state.values[variable]
        if known_value != _FREE:
            return known_value == value
        wanted = self.pattern.variables[variable]
        if wanted.kind == "made":
            if not 0 <= value < self.tensors:
                return False
            place, number = self.maker[variable]
            row = int(self.catalogue.maker[value])
            return bool(self.fits[place][row]) and int(self.facts.made[value]) == number and self.state.rows[place] in (_FREE, row)
        return self._of_kind(wanted, value)

    def _of_kind(self, wanted: Variable, value: int) -> bool:
        if wanted.kind == "none":
            return value == NOTHING
        if wanted.kind == "any":
            return value >= 0
        if value < self.tensors:
            return False
        held = self.facts.weight_values[value - self.tensors]
        if wanted.kind == "number":
            return held is not None and abs(held - wanted.value) <= 1e-4 * max(abs(wanted.value), 1e-8)
        return wanted.kind == "const" or held is not None

    def _on(self) -> Iterator[Match]:
        """Matches of what is chosen so far, and more."""
        state = self.state
        best: tuple[int, list[int]] | None = None
        for place, node in enumerate(self.pattern.nodes):
            if state.rows[place] != _FREE:
                continue
            for rows in self._where(node):
                if best is None or len(rows) < len(best[1]):
                    best = place, rows
        if best is None:
            if self._alone():
                yield self._match()
            return
        for row in best[1]:
            yield from self._put(best[0], row)

    def _where(self, node: Node) -> Iterator[list[int]]:
        """Rows of which a node must be one, for each of its tensors that is known."""
        for variable in node.outputs:
            value = self.state.values[variable]
            if value != _FREE:
                yield [int(self.catalogue.maker[value])] if 0 <= value < self.tensors else []
        for variable in node.inputs:
            value = self.state.values[variable]
            if value >= 0:
                yield sorted(set(self.catalogue.readers_of(value)))
            elif value == _UNREAD:
                yield []

    def _alone(self) -> bool:
        """Whether what shall be read by the match alone is."""
        nodes = zip(self.pattern.nodes, self.state.rows, strict=True)
        made = [tensor for node, row in nodes if node.alone for tensor in self.catalogue.tensors_of(row)]
        return all(reader in self.state.used for tensor in made for reader in self.catalogue.readers_of(tensor))

    def _match(self) -> Match:
        values = zip(self.pattern.variables, self.state.values, strict=True)
        return Match(tuple(self.state.rows), {variable.name: self._name(value) for variable, value in values if variable.name})

    def _name(self, value: int) -> str:
        if value < 0:
            return ""
        return self.catalogue.index.tensors[value] if value < self.tensors else self.facts.weights[value - self.tensors]
