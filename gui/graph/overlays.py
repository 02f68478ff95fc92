"""What the graph wears: overlays that were chosen, computed in the background, once for all panels that show them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from core.events import Event
from core.model import Model
from core.overlays import OVERLAYS
from core.overlays.base import Combine, Overlay, Values, measure
from core.overlays.combine import combine
from core.overlays.latency import ID as LATENCY
from core.overlays.numbers import Numbers
from gui.context import Context
from gui.follow import Follow
from gui.graph.badges import MOST
from gui.graph.heat import Badge, Heat
from gui.graph.layouts import Layouts
from gui.graph.offers import LATENCY_OFFER, Offer, computed, has_dim, published

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex
    from gui.graph.scene import Scene
    from gui.jobs import JobHandle

KEY = "graph.overlays"
#: Answers that are kept for going back to.
KEPT = 48
State = Literal["ready", "working", "failed", "absent"]


@dataclass(frozen=True)
class Scale:
    """How the colours of one overlay are spread; None: as suits its values."""

    log: bool | None = None
    reverse: bool | None = None
    threshold: float = math.nan


class Overlays:
    """`colour` and `badges` are ids of what is worn; they survive a change of variant and go with the model.

    `changed` tells of every choice and every answer. What is worn is asked for by itself; nothing else is computed.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._users = 0
        self._layouts = Layouts.of(ctx)
        self.colour = ""
        self.badges: tuple[str, ...] = ()
        #: What symbolic dims count as.
        self.dim = 1
        self.changed: Event[[]] = Event()
        self._scales: dict[str, Scale] = {}
        self._found: dict[tuple[str, str], Values] = {}
        self._errors: dict[tuple[str, str], Exception] = {}
        self._asked: dict[tuple[str, str], JobHandle | None] = {}
        self._mapped: dict[str, tuple[Numbers, GraphIndex, Values]] = {}
        self._follow = Follow(ctx, self._results, opened=self._forget)
        self._off = self._layouts.changed.connect(self._laid_out)

    @staticmethod
    def of(ctx: Context) -> Overlays:
        """The one of this window; give it back with `release`."""
        found: Overlays | None = ctx.services.get(KEY)
        if found is None:
            found = ctx.services[KEY] = Overlays(ctx)
        found._users += 1
        return found

    def release(self) -> None:
        """One user less; the last one ends the work."""
        self._users -= 1
        if self._users:
            return
        self._follow.release()
        self._off()
        self._cancel()
        self._layouts.release()
        self._ctx.services.pop(KEY, None)

    # ---- what there is ----
    @property
    def model(self) -> Model | None:
        """The model of the graph that is shown."""
        return self._layouts.model if self._layouts.index is not None else None

    @property
    def index(self) -> GraphIndex | None:
        """The columns whose rows values are of."""
        return self._layouts.index

    def offers(self) -> tuple[Offer, ...]:
        """Everything that can be worn, those of the session last."""
        found = [computed(cls) for cls in OVERLAYS]
        told = {each.id: each for each in self._published()}
        if LATENCY not in told:
            found.append(LATENCY_OFFER)
        found += [published(each) for each in told.values()]
        return tuple(found)

    def offer(self, id: str) -> Offer | None:
        """The one that is called so."""
        return next((each for each in self.offers() if each.id == id), None)

    def _published(self) -> tuple[Numbers, ...]:
        session = self._ctx.session
        if session is None or session.history.head is None:
            return ()
        return session.numbers_of(session.history.head)

    # ---- choosing ----
    def choose(self, id: str) -> None:
        """Colour boxes by this overlay; empty: by the family of their ops."""
        if id != self.colour:
            self.colour = id
            self._ask()
            self.changed.emit()

    def set_badges(self, ids: tuple[str, ...]) -> None:
        """Wear these as badges, the first three of them."""
        ids = tuple(dict.fromkeys(ids))[:MOST]
        if ids != self.badges:
            self.badges = ids
            self._ask()
            self.changed.emit()

    def step(self, by: int) -> None:
        """The next overlay as colour, or the one before; none stands between the last and the first."""
        ids = ["", *(each.id for each in self.offers() if self.state(each.id) != "absent")]
        at = ids.index(self.colour) if self.colour in ids else 0
        self.choose(ids[(at + by) % len(ids)])

    def clear(self) -> None:
        """Wear nothing."""
        self.badges = ()
        self.colour = ""
        self.changed.emit()

    def scale(self, id: str) -> Scale:
        """How the colours of an overlay are spread."""
        return self._scales.get(id, Scale())

    def set_scale(self, id: str, **fields: Any) -> None:
        """Change `log`, `reverse` or `threshold` of an overlay's colours."""
        new = dataclasses.replace(self.scale(id), **fields)
        self._scales[id] = new
        self.changed.emit()

    def set_dim(self, dim: int) -> None:
        """Take symbolic dims as this number."""
        if dim != self.dim:
            self.dim = dim
            self._ask()
            self.changed.emit()

    def reversed(self, id: str) -> bool:
        """Whether the lowest are the hottest: where a high value is the good one, unless it is chosen otherwise."""
        chosen, offer = self.scale(id).reverse, self.offer(id)
        return chosen if chosen is not None else offer is not None and offer.good == "high"

    # ---- answers ----
    def found(self, id: str) -> Values | None:
        """What an overlay says of the graph that is shown, None until it is known; by row of `index`."""
        model, index = self.model, self.index
        if model is None or index is None:
            return None
        if id in OVERLAYS:
            values = self._found.get((model.fingerprint, self._name(id)))
        else:
            values = self._of_session(id, index)
        return values if values is not None and len(values.values) == len(index) else None

    def _of_session(self, id: str, index: GraphIndex) -> Values | None:
        numbers = next((each for each in self._published() if each.id == id), None)
        if numbers is None or self._layouts.state != "ready":
            return None
        kept = self._mapped.get(id)
        if kept is None or kept[0] is not numbers or kept[1] is not index:
            kept = self._mapped[id] = (numbers, index, numbers.on(index))
        return kept[2]

    def state(self, id: str) -> State:
        """Whether an overlay is there, on its way, or cannot be had; `absent`: somebody has to measure it first."""
        if self.found(id) is not None:
            return "ready"
        if id not in OVERLAYS:
            return "absent"
        return "failed" if self.error(id) is not None else "working"

    def error(self, id: str) -> Exception | None:
        """Why an overlay could not be computed."""
        return self._errors.get((self.model.fingerprint, self._name(id))) if self.model is not None else None

    def again(self, id: str) -> None:
        """Try once more after a failure."""
        if self.model is not None:
            self._errors.pop((self.model.fingerprint, self._name(id)), None)
        self._ask()
        self.changed.emit()

    def job(self, id: str) -> JobHandle | None:
        """The job that computes an overlay now, if it takes one."""
        return self._asked.get((self.model.fingerprint, self._name(id))) if self.model is not None else None

    def heat(self, scene: Scene) -> Heat | None:
        """What a scene wears."""
        index = self.index
        if index is None:
            return None
        colour = self._coloured(scene, index)
        badges = tuple(badge for id in self.badges if (badge := self._badge(scene, index, id)) is not None)
        if colour is None and not badges:
            return None
        found = self.found(self.colour) if self.colour else None
        tensors = found.tensors if found is not None and scene.index is index else None
        return (colour or Heat.bare(len(scene))).wearing(badges, tensors)

    def _coloured(self, scene: Scene, index: GraphIndex) -> Heat | None:
        found, offer = (self.found(self.colour), self.offer(self.colour)) if self.colour else (None, None)
        if found is None or offer is None:
            return None
        values = for_scene(scene, index, found, offer.combine)
        if found.names:
            return Heat.of_words(values, found.names, offer.title)
        scale = self.scale(self.colour)
        return Heat.of(values, offer.title, offer.unit, log=scale.log, threshold=scale.threshold, reverse=self.reversed(self.colour))

    def _badge(self, scene: Scene, index: GraphIndex, id: str) -> Badge | None:
        found, offer = self.found(id), self.offer(id)
        if found is None or offer is None:
            return None
        return Badge(for_scene(scene, index, found, offer.combine), offer.title, offer.unit, offer.mark, found.names)

    # ---- asking ----
    def _name(self, id: str) -> str:
        return repr(self._overlay(id)) if id in OVERLAYS else id

    def _overlay(self, id: str) -> Overlay:
        cls = OVERLAYS[id]
        return cls(dim=self.dim) if has_dim(cls) else cls()

    def _ask(self) -> None:
        """Have what is worn computed, unless it is there or under way; what nobody wears any more is not waited for."""
        model = self.model
        if model is None or self._layouts.state != "ready":
            return
        wanted = {(model.fingerprint, self._name(id)): id for id in (self.colour, *self.badges) if id in OVERLAYS}
        for key in [key for key in self._asked if key not in wanted]:
            self._drop(key)
        for key, id in wanted.items():
            if key not in self._found and key not in self._asked and key not in self._errors:
                self._start(key, model, self._overlay(id))

    def _start(self, key: tuple[str, str], model: Model, overlay: Overlay) -> None:
        done, failed = partial(self._done, key), partial(self._failed, key)
        self._asked[key] = None
        if overlay.reads_weights:
            job = self._ctx.jobs.start(
                measure, model, overlay, title=f"Read weights: {overlay.title}", background=True, on_done=done, on_error=failed
            )
            if key in self._asked:  # else it has failed at once
                self._asked[key] = job
                job.ended.connect(partial(self._ended, key, job))
        else:
            self._ctx.document.ask(measure, model, overlay, on_done=done, on_error=failed, key=f"overlay {overlay!r}")

    def _done(self, key: tuple[str, str], values: Values) -> None:
        self._asked.pop(key, None)
        self._found[key] = values
        while len(self._found) > KEPT:
            del self._found[next(iter(self._found))]
        self.changed.emit()

    def _failed(self, key: tuple[str, str], error: Exception) -> None:
        self._asked.pop(key, None)
        self._errors[key] = error
        self.changed.emit()

    def _ended(self, key: tuple[str, str], job: JobHandle) -> None:
        """A person may cancel it in the jobs panel."""
        if job.state == "cancelled" and self._asked.get(key) is job:
            from core.errors import AppError

            self._failed(key, AppError("Reading the weights was cancelled.", hint="Try again when you need it."))

    def _drop(self, key: tuple[str, str]) -> None:
        job = self._asked.pop(key)
        if job is not None:
            job.cancel()
        else:
            self._ctx.document.forget(f"overlay {key[1]}")

    def _cancel(self) -> None:
        for key in list(self._asked):
            self._drop(key)

    # ---- keeping up ----
    def _forget(self) -> None:
        """Another model is opened: nothing of the old one is worn."""
        self._cancel()
        self.colour, self.badges, self.dim = "", (), 1
        for kept in (self._scales, self._found, self._errors, self._mapped):
            kept.clear()  # type: ignore[attr-defined]

    def _results(self) -> None:
        """Something was measured, or another variant is the current one."""
        self.changed.emit()

    def _laid_out(self) -> None:
        self._ask()
        self.changed.emit()


def for_scene(scene: Scene, index: GraphIndex, found: Values, how: Combine) -> np.ndarray:
    """What is `found` by row of `index` as float64 by box of the scene: what is inside of a folded group taken together as its
    overlay says (`how`); nan for a scene that is of another graph."""
    import numpy as np

    if scene.index is index:
        return found.values
    shown = scene.shown
    if shown is None or shown.nest.index is not index:
        return np.full(len(scene), np.nan)
    return combine(found.values, shown.row, len(scene), how, found.weights)
