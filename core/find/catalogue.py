"""An index made ready to be searched: its texts in small letters, what each node makes and reads, its numbers."""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from core.find.facts import Facts
from core.find.grammar import QueryError, Text, compiled

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex

#: Words that a list of texts remembers the hits of: one more letter then looks only where the word before was found.
KEPT = 48
#: A word found more often than this in all texts together is looked for in each of them instead.
_OFTEN = 3000
#: Seconds that an expression may take, and the texts between two looks at the clock.
_PATIENCE, _PACE = 3.0, 512


class Texts:
    """Texts in small letters; every answer is a bool for each of them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = [text.lower() for text in texts]
        self._known: dict[str, np.ndarray] = {}

    @cached_property
    def _joined(self) -> str:
        return "\n".join(self.texts)

    @cached_property
    def _starts(self) -> np.ndarray:
        import numpy as np

        lengths = np.fromiter(map(len, self.texts), np.int64, len(self.texts))
        return np.cumsum(lengths + 1) - lengths - 1

    def hits(self, text: Text) -> np.ndarray:
        """Where a text is found."""
        if text.kind == "part":
            return self.holding(text.text)
        if text.kind == "glob":
            return self.tested(re.compile(fnmatch.translate(text.text)).match)
        return self.tested(compiled(text.text).search)

    def same(self, text: Text) -> np.ndarray:
        """Where a text is the whole, or fits it from end to end."""
        import numpy as np

        if text.kind == "part":
            return np.array([each == text.text for each in self.texts], bool)
        return self.hits(text)

    def holding(self, word: str) -> np.ndarray:
        """Where `word` (in small letters) is a part."""
        import numpy as np

        found = self._known.pop(word, None)
        if found is None:
            wider = [known for known in self._known if known in word]
            if wider:
                places = np.flatnonzero(self._known[max(wider, key=len)])
                texts = self.texts
                found = np.zeros(len(texts), bool)
                found[places] = [word in texts[place] for place in places.tolist()]
            else:
                found = self._scan(word)
            while len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
        self._known[word] = found
        return found

    def _scan(self, word: str) -> np.ndarray:
        """Look through all texts as one, which is quickest for what is rare."""
        import numpy as np

        joined, at = self._joined, -1
        places: list[int] = []
        while len(places) <= _OFTEN:
            at = joined.find(word, at + 1)
            if at < 0:
                found = np.zeros(len(self.texts), bool)
                found[np.searchsorted(self._starts, places, side="right") - 1] = True
                return found
            places.append(at)
        return np.array([word in text for text in self.texts], bool)

    def tested(self, test: Callable[[str], object]) -> np.ndarray:
        """Where `test` says yes; raises `QueryError` when that takes too long."""
        import numpy as np

        found, end = np.zeros(len(self.texts), bool), time.monotonic() + _PATIENCE
        for start in range(0, len(self.texts), _PACE):
            part = self.texts[start : start + _PACE]
            found[start : start + _PACE] = [test(text) is not None for text in part]
            if time.monotonic() > end:
                raise QueryError("The expression takes too long.", hint="Begin it with something that is rare.")
        return found


class Codes:
    """A column of texts of which many are equal."""

    def __init__(self, codes: np.ndarray, texts: Sequence[str]) -> None:
        self.codes, self.texts = codes, Texts(texts)

    def spread(self, hits: np.ndarray) -> np.ndarray:
        """From each different text to each row."""
        import numpy as np

        return np.asarray(hits[self.codes] if len(hits) else np.zeros(len(self.codes), bool))


class Catalogue:
    """An index and (when they are known) the facts beside it. Not shared between threads that search at once.

    Values are the t tensors of the index, then the weights; rows are rows of the index.
    """

    def __init__(self, index: GraphIndex, facts: Facts | None = None) -> None:
        self.index, self.facts = index, facts

    def __len__(self) -> int:
        return len(self.index)

    # ---- texts ----
    @cached_property
    def names(self) -> Texts:
        return Texts(self.index.names)

    @cached_property
    def tensors(self) -> Texts:
        return Texts(self.index.tensors)

    @cached_property
    def weights(self) -> Texts:
        return Texts(self.facts.weights if self.facts is not None else ())

    @cached_property
    def ops(self) -> Codes:
        return Codes(self.index.op, self.index.op_names)

    @cached_property
    def scopes(self) -> Codes:
        import numpy as np

        scope = self.index.scope
        return Codes(scope if scope is not None else np.zeros(len(self), np.int32), self.index.scope_names)

    @cached_property
    def details(self) -> Codes:
        return coded(self.index.details)

    @cached_property
    def types(self) -> Codes:
        """Of every value."""
        return coded([*self.index.tensor_types, *(self.facts.weight_types if self.facts is not None else ())])

    @cached_property
    def shapes(self) -> list[tuple[str, tuple[str, ...] | None]]:
        """(dtype, dims) of each different type, in small letters; None where the dims are not known."""
        return [typed(text) for text in self.types.texts.texts]

    # ---- wiring ----
    @cached_property
    def maker(self) -> np.ndarray:
        """int32 (t): the row that makes each tensor."""
        import numpy as np

        found = np.zeros(len(self.index.tensors), np.int32)
        found[self.index.tensor] = self.index.src
        return found

    @cached_property
    def _by_maker(self) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        order = np.argsort(self.maker, kind="stable")
        return order, np.searchsorted(self.maker[order], np.arange(len(self) + 1))

    def tensors_of(self, row: int) -> list[int]:
        """The tensors of the index that a row makes."""
        order, at = self._by_maker
        found: list[int] = order[at[row] : at[row + 1]].tolist()
        return found

    @cached_property
    def _by_value(self) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        rows, values = self.reads
        order = np.argsort(values, kind="stable")
        return rows[order], np.searchsorted(values[order], np.arange(len(self.index.tensors) + len(self.weights.texts) + 1))

    def readers_of(self, value: int) -> list[int]:
        """The rows that read a value, once for each input that it stands in."""
        rows, at = self._by_value
        found: list[int] = rows[at[value] : at[value + 1]].tolist()
        return found

    @cached_property
    def made_first(self) -> np.ndarray:
        """int64 (n): the value that says what a row makes: its first output that is read, an output's own tensor, else -1."""
        import numpy as np

        index = self.index
        found = np.full(len(self), -1, np.int64)
        found[index.dst[index.kind[index.dst] == 2]] = index.tensor[index.kind[index.dst] == 2]
        number = self.facts.made if self.facts is not None else np.zeros(len(index.tensors), np.int32)
        order = np.argsort(-number.astype(np.int64), kind="stable")  # the first output is written last, and stays
        found[self.maker[order]] = order
        return found

    @cached_property
    def reads(self) -> tuple[np.ndarray, np.ndarray]:
        """(row, value) of everything that is read: links of the index, and weights."""
        import numpy as np

        rows, values = self.index.dst.astype(np.int64), self.index.tensor.astype(np.int64)
        if self.facts is not None:
            readers = np.repeat(np.arange(len(self)), np.diff(self.facts.first))
            weighed = self.facts.inputs >= len(self.index.tensors)
            rows, values = np.concatenate((rows, readers[weighed])), np.concatenate((values, self.facts.inputs[weighed]))
        return rows, values

    def making(self, values: np.ndarray) -> np.ndarray:
        """Rows that make one of the values (bool each)."""
        import numpy as np

        found = np.zeros(len(self), bool)
        found[self.maker[values[: len(self.index.tensors)]]] = True
        return found

    def reading(self, values: np.ndarray) -> np.ndarray:
        """Rows that read one of the values."""
        import numpy as np

        rows, read = self.reads
        found = np.zeros(len(self), bool)
        found[rows[values[read]]] = True
        return found

    def touching(self, values: np.ndarray) -> np.ndarray:
        """Rows that make or read one of the values."""
        import numpy as np

        return np.asarray(self.making(values) | self.reading(values))

    def called(self, text: Text) -> np.ndarray:
        """Values by name."""
        import numpy as np

        return np.concatenate((self.tensors.hits(text), self.weights.hits(text)))

    # ---- attributes ----
    @cached_property
    def attribute_names(self) -> frozenset[str]:
        return frozenset(name for held in (self.facts.distinct if self.facts is not None else ()) for name, _ in held)

    def attribute(self, test: Callable[[dict[str, object]], bool]) -> np.ndarray:
        """Rows whose attributes pass a test."""
        import numpy as np

        assert self.facts is not None
        return np.asarray(np.array([test(dict(held)) for held in self.facts.distinct], bool)[self.facts.attributes])

    def attribute_number(self, read: Callable[[dict[str, object]], float]) -> np.ndarray:
        """float64 (n): a number of each row's attributes."""
        import numpy as np

        assert self.facts is not None
        return np.asarray(np.array([read(dict(held)) for held in self.facts.distinct], np.float64)[self.facts.attributes])


def coded(texts: Sequence[str]) -> Codes:
    """A column of texts, each different one once."""
    import numpy as np

    numbers: dict[str, int] = {}
    codes = np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts), np.int32, len(texts))
    return Codes(codes, list(numbers))


def typed(text: str) -> tuple[str, tuple[str, ...] | None]:
    """`float32[1, n]` as its dtype and dims; dims are None where there are none."""
    head, bracket, rest = text.partition("[")
    if not bracket or not rest.endswith("]") or rest == "…]":
        return head.strip(), None
    inside = rest[:-1].strip()
    return head.strip(), tuple(dim.strip() for dim in inside.split(",")) if inside else ()
