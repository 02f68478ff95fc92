"""The current variant's graph, indexed and laid out in the background, once for all panels that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from core.events import Event
from core.model import Model
from gui.context import Context
from gui.follow import Follow

if TYPE_CHECKING:
    from core.layout import Placed
    from core.model.index import GraphIndex
    from gui.jobs import JobHandle

KEY = "graph.layouts"
#: Graphs that are kept for going back to, and how many boxes they may have together.
KEPT, BOXES = 6, 150_000


class Layouts:
    """`index` and `placed` of `model`; while the next one is being laid out they stay as they were.

    `state` is `none` (no model is open), `working`, `ready`, or `failed` (with `error`); `changed` tells of every new one.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._users = 0
        self._job: JobHandle | None = None
        self._wanted = ""
        self.state: Literal["none", "working", "ready", "failed"] = "none"
        self.error: Exception | None = None
        self.model: Model | None = None
        self.index: GraphIndex | None = None
        self.placed: Placed | None = None
        self.changed: Event[[]] = Event()
        self._kept: dict[str, tuple[GraphIndex, Placed]] = {}
        self._follow = Follow(ctx, self._look, opened=self._forget, results=False)

    @staticmethod
    def of(ctx: Context) -> Layouts:
        """The one of this window; give it back with `release`."""
        found: Layouts | None = ctx.services.get(KEY)
        if found is None:
            found = ctx.services[KEY] = Layouts(ctx)
            found._look()
        found._users += 1
        return found

    def release(self) -> None:
        """One user less; the last one ends the work."""
        self._users -= 1
        if self._users:
            return
        self._follow.release()
        self._cancel()
        for name in (KEY, "index"):
            self._ctx.services.pop(name, None)

    def again(self) -> None:
        """Try once more after a failure."""
        self._wanted = ""
        self._look()

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _forget(self) -> None:
        """Another model is opened: nothing of the old one is shown."""
        self._cancel()
        self.model = self.index = self.placed = None
        self._wanted = ""
        self._kept.clear()

    def _look(self) -> None:
        """Lay out the head's graph, unless that is done or under way."""
        session = self._ctx.session
        if session is None or session.history.head is None:
            self._forget()
            self._ctx.services.pop("index", None)
            self._tell("none")
            return
        model = session.history[session.history.head].model
        if model.fingerprint == self._wanted:
            return
        self._cancel()
        self._wanted = model.fingerprint
        known = self._kept.get(model.fingerprint)
        if known is not None:
            self._done(model, *known)
            return
        self._start(model)
        if self.state != "failed":
            self._tell("working")

    def _start(self, model: Model) -> None:
        fingerprint, index = self._ctx.services.get("opened.index", ("", None))
        start = self._ctx.jobs.start
        on_error = self._fail
        if fingerprint == model.fingerprint and index is not None:
            from core.layout.layered import arrange

            self.index = index
            self._ctx.services["index"] = index
            self._job = start(
                arrange,
                index,
                title="Lay out graph",
                background=True,
                on_done=lambda placed: self._done(model, index, placed),
                on_error=on_error,
            )
        else:
            from core.layout import place

            done = lambda both: self._done(model, *both)  # noqa: E731 - beside its twin above
            self._job = start(place, model, title="Lay out graph", background=True, on_done=done, on_error=on_error)
        self._job.ended.connect(self._ended)

    def _ended(self) -> None:
        """A person may cancel it in the jobs panel: what was shown stays, and one can try again."""
        job = self._job
        if job is not None and job.state == "cancelled":
            from core.errors import AppError

            self._fail(AppError("The graph's layout was cancelled.", hint="Lay it out again when you need it."))

    def _done(self, model: Model, index: Any, placed: Any) -> None:
        self._job = None
        self.model, self.index, self.placed, self.error = model, index, placed, None
        self._keep(model.fingerprint)
        self._ctx.services["index"] = index
        self._tell("ready")

    def _keep(self, fingerprint: str) -> None:
        """Keep what is shown, the newest last; undo and redo find it again at once."""
        assert self.index is not None
        assert self.placed is not None
        self._kept.pop(fingerprint, None)
        self._kept[fingerprint] = (self.index, self.placed)
        while len(self._kept) > 1 and (len(self._kept) > KEPT or sum(len(index) for index, _ in self._kept.values()) > BOXES):
            del self._kept[next(iter(self._kept))]

    def _fail(self, error: Exception) -> None:
        self._job = None
        self.error = error
        self._tell("failed")

    def _tell(self, state: Literal["none", "working", "ready", "failed"]) -> None:
        self.state = state
        self.changed.emit()
