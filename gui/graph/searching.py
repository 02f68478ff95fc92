"""Queries asked of the graph that is shown: answered at once where that is quick, else in a thread; the newest question counts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QThread, Signal

from core.errors import AppError
from gui.context import Context
from gui.graph.layouts import Layouts

if TYPE_CHECKING:
    import numpy as np

    from core.find.catalogue import Catalogue
    from core.find.facts import Facts
    from core.find.grammar import Term
    from core.find.match import Matches
    from core.find.trace import Ways
    from core.model.index import GraphIndex

KEY = "graph.searching"
#: Graphs of at most this many rows are searched where one stands, but for expressions: a millisecond or two.
QUICK = 4000
#: How a query begins that is a pattern of several nodes.
PATTERN = "pattern:"


@dataclass(frozen=True)
class Found:
    """An answer: rows (int64) of `index`, or what is wrong with the question; `pending` says that more has to be read first.

    `matches` is how often a pattern was found, `complete` false where the search for it was given up.
    """

    text: str
    index: GraphIndex
    rows: np.ndarray | None = None
    error: AppError | None = None
    pending: str = ""
    matches: int | None = None
    complete: bool = True


@dataclass(frozen=True)
class _Question:
    asker: str
    number: int
    text: str
    term: Term
    catalogue: Catalogue


Done = Callable[[Found], object]


class Searching:
    """Knows the catalogue of the graph that is shown, and the facts beside it once somebody asked; each asker has one question open."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._users = 0
        self._layouts = Layouts.of(ctx)
        self._disconnect = self._layouts.changed.connect(self._look)
        #: what waits for the graph to be laid out
        self._later: list[Callable[[], object]] = []
        self._catalogue: Catalogue | None = None
        self._rows: dict[str, int] | None = None
        self._ways: Ways | None = None
        self._asked = False
        self._waiting: list[tuple[Callable[[], object], Callable[[AppError], object]]] = []
        self._numbers: dict[str, int] = {}
        self._done: dict[str, Done] = {}
        self._thread: _Thread | None = None
        #: held by whoever looks into the catalogue
        self._busy = threading.Lock()

    @staticmethod
    def of(ctx: Context) -> Searching:
        """The one of this window; give it back with `release`."""
        found: Searching | None = ctx.services.get(KEY)
        if found is None:
            found = ctx.services[KEY] = Searching(ctx)
        found._users += 1
        return found

    def release(self) -> None:
        """One user less; the last one ends the thread."""
        self._users -= 1
        if self._users:
            return
        self._disconnect()
        self._ctx.document.forget(KEY)
        self._done.clear()
        self._later.clear()
        self._waiting.clear()
        if self._thread is not None:
            self._thread.answered.disconnect(self._answered)
            self._thread.close()
            self._thread = None
        self._layouts.release()
        self._ctx.services.pop(KEY, None)

    # ---- what is searched ----
    @property
    def catalogue(self) -> Catalogue | None:
        """The graph that is shown, ready to be searched; None before there is one."""
        index = self._layouts.index
        if index is None:
            self._catalogue = self._rows = self._ways = None
        elif self._catalogue is None or self._catalogue.index is not index:
            from core.find.catalogue import Catalogue

            self._catalogue, self._rows, self._ways, self._asked = Catalogue(index), None, None, False
            self._waiting.clear()
        return self._catalogue

    @property
    def quick(self) -> bool:
        """Whether answers come at once."""
        return self.catalogue is not None and len(self.catalogue) <= QUICK

    @property
    def ways(self) -> Ways | None:
        """The links of the graph that is shown, ready to be followed."""
        catalogue = self.catalogue
        if catalogue is not None and self._ways is None:
            from core.find.trace import Ways

            self._ways = Ways(catalogue.index)
        return self._ways

    def rows_of(self, names: Iterable[str]) -> list[int]:
        """Rows of the whole graph by name; those that it does not have are left out."""
        catalogue = self.catalogue
        if catalogue is None:
            return []
        if self._rows is None:
            self._rows = {name: row for row, name in enumerate(catalogue.index.names)}
        return [self._rows[name] for name in names if name in self._rows]

    def with_facts(self, then: Callable[[], object], otherwise: Callable[[AppError], object]) -> bool:
        """Call `then` when the facts beside the graph are known: now (True), or once they were read."""
        catalogue = self.catalogue
        if catalogue is None:
            return False
        if catalogue.facts is not None:
            then()
            return True
        self._waiting.append((then, otherwise))
        self._read(catalogue)
        return False

    def _read(self, catalogue: Catalogue) -> None:
        model = self._layouts.model
        if self._asked or model is None or self._layouts.state != "ready":
            return
        from core.find.facts import read_facts

        def learn(facts: Facts) -> None:
            self._learn(catalogue, facts)

        self._asked = True
        self._ctx.document.ask(read_facts, model, _deep(catalogue.index), on_done=learn, on_error=self._fail, key=KEY)

    def _look(self) -> None:
        """The graph is there, or another one: go on with what waited for it."""
        if self._layouts.state != "ready":
            return
        later, self._later = self._later, []
        if self._waiting:
            catalogue = self.catalogue
            if catalogue is not None:
                self._read(catalogue)
        for each in later:
            each()

    def _learn(self, catalogue: Catalogue, facts: Facts) -> None:
        if self._catalogue is not catalogue:
            return
        if len(facts.attributes) != len(catalogue.index):
            self._fail(AppError("The model's file has changed since it was opened.", hint="Open it again."))
            return
        from core.find.catalogue import Catalogue as Fresh

        self._catalogue = Fresh(catalogue.index, facts)  # the thread may be busy with the old one
        waiting, self._waiting = self._waiting, []
        for then, _ in waiting:
            then()

    def _fail(self, error: Exception) -> None:
        self._asked = False
        waiting, self._waiting = self._waiting, []
        for _, otherwise in waiting:
            otherwise(error if isinstance(error, AppError) else AppError(str(error)))

    # ---- questions ----
    def ask(self, asker: str, text: str, done: Done, *, regex: bool = False) -> None:
        """Have a query answered; `done` is called now or later, and never for a question that the same asker has replaced.

        It may be called more than once: first with what is known at once, then with what attributes and weights add.
        """
        number = self._numbers[asker] = self._numbers.get(asker, 0) + 1
        catalogue = self.catalogue
        if catalogue is None:
            return
        from core.find import query

        def failed(error: AppError) -> None:
            if self._numbers[asker] == number:
                done(Found(text, catalogue.index, error=error))

        try:
            if text.strip().startswith(PATTERN) and not regex:
                self._ask_pattern(asker, number, text, catalogue, done)
                return
            term = query.expression(text) if regex else query.parse(text)
        except query.QueryError as error:
            failed(error)
            return
        if term is None:
            done(Found(text, catalogue.index, rows=query.rows(None, catalogue)))
            return
        if catalogue.facts is None:

            def again() -> None:
                if self._numbers[asker] == number:
                    self.ask(asker, text, done, regex=regex)

            self.with_facts(again, failed)
            if query.needs_facts(term):
                done(Found(text, catalogue.index, pending="Reading attributes…"))
                return
        question = _Question(asker, number, text, term, catalogue)
        if self.quick and not query.has_expression(term) and self._busy.acquire(blocking=False):
            try:
                found = answer(question)
            finally:
                self._busy.release()
            done(found)
            return
        self._done[asker] = done
        if self._thread is None:
            self._thread = _Thread(self._busy)
            self._thread.answered.connect(self._answered)
            self._thread.start()
        self._thread.put(question)

    def forget(self, asker: str) -> None:
        """Nobody waits for an answer any more."""
        self._numbers[asker] = self._numbers.get(asker, 0) + 1

    def _answered(self, question: _Question, found: Found) -> None:
        done = self._done.get(question.asker)
        if done is not None and self._numbers[question.asker] == question.number and found.index is self._layouts.index:
            done(found)

    def _ask_pattern(self, asker: str, number: int, text: str, catalogue: Catalogue, done: Done) -> None:
        from core.find import pattern
        from core.find.match import find_pattern

        wanted = pattern.parse(text.strip()[len(PATTERN) :])
        model = self._layouts.model
        if model is None or self._layouts.state != "ready":

            def again() -> None:
                if self._numbers[asker] == number:
                    self.ask(asker, text, done)

            self._later.append(again)
            done(Found(text, catalogue.index, pending="Waiting for the graph…"))
            return

        def arrived(matches: Matches) -> None:
            import numpy as np

            if self._numbers[asker] == number and self._layouts.index is catalogue.index:
                rows = np.array([row for match in matches.found for row in match.rows], np.int64)
                done(Found(text, catalogue.index, rows=rows, matches=len(matches), complete=matches.complete))

        def failed(error: Exception) -> None:
            if self._numbers[asker] == number:
                done(Found(text, catalogue.index, error=error if isinstance(error, AppError) else AppError(str(error))))

        done(Found(text, catalogue.index, pending="Looking for the pattern…"))
        self._ctx.document.ask(find_pattern, model, _deep(catalogue.index), wanted, on_done=arrived, on_error=failed, key=f"{KEY}.{asker}")


def answer(question: _Question) -> Found:
    """Look, in this thread."""
    from core.find import query

    try:
        rows = query.rows(question.term, question.catalogue)
    except query.QueryError as error:
        return Found(question.text, question.catalogue.index, error=error)
    return Found(question.text, question.catalogue.index, rows=rows)


def _deep(index: Any) -> bool:
    """Whether an index has the bodies of its nodes in it."""
    return index.holder is not None


class _Thread(QThread):
    """Answers the newest question of each asker."""

    answered = Signal(object, object)

    def __init__(self, busy: threading.Lock) -> None:
        super().__init__()
        self.setObjectName("graph search")
        self._busy = busy
        self._wake = threading.Condition()
        self._questions: dict[str, _Question] = {}
        self._stop = False

    def put(self, question: _Question) -> None:
        with self._wake:
            self._questions[question.asker] = question
            self._wake.notify()

    def close(self) -> None:
        with self._wake:
            self._stop = True
            self._questions.clear()
            self._wake.notify()
        self.wait()

    def run(self) -> None:
        while True:
            with self._wake:
                while not self._questions and not self._stop:
                    self._wake.wait()
                if self._stop:
                    return
                question = self._questions.pop(next(iter(self._questions)))
            with self._busy:
                found = answer(question)
            self.answered.emit(question, found)
