"""The current variant's graph, indexed, folded and laid out in the background, once for all panels that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from core.events import Event
from core.model import Model
from gui.context import Context
from gui.follow import Follow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.layout import Placed
    from core.layout.nested import Shown, Unfolder
    from core.model.index import GraphIndex
    from gui.jobs import JobHandle

KEY = "graph.layouts"
#: Graphs that are kept for going back to, and how many rows they may have together.
KEPT, ROWS = 6, 150_000
#: A folding with at most this many boxes is laid out here and now; larger ones by the document's process.
NOW = 1200


class Layouts:
    """`shown`, the picture of `model`, and `index`, all of its rows; while the next one is being made they stay as they were.

    `state` is `none` (no model is open), `working`, `ready`, or `failed` (with `error`); `changed` tells of every new one, also
    when groups were folded or unfolded. Groups that the person opened stay open in the next variant, by their paths.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._users = 0
        self._job: JobHandle | None = None
        self._wanted = ""
        self.state: Literal["none", "working", "ready", "failed"] = "none"
        self.error: Exception | None = None
        self.model: Model | None = None
        self.shown: Shown | None = None
        self.changed: Event[[]] = Event()
        #: What was folded or unfolded last, by path: the picture keeps it in its place.
        self.touched = ""
        #: Whether the graph is shown without scopes and blocks; None: as suits its size.
        self.flat: bool | None = None
        self._unfolder: Unfolder | None = None
        self._index: GraphIndex | None = None
        self._rows: tuple[GraphIndex, dict[str, int]] | None = None
        self._paths: set[str] | None = None
        self._kept: dict[str, Shown] = {}
        self._columns = ctx.settings.graph_columns
        self._settings_off = ctx.settings.changed.connect(self.settle)
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
        self._settings_off()
        self._cancel()
        for name in (KEY, "index"):
            self._ctx.services.pop(name, None)

    # ---- what there is ----
    @property
    def index(self) -> GraphIndex | None:
        """All rows of the graph, those inside of nodes too."""
        return self._index

    @property
    def placed(self) -> Placed | None:
        """Where the boxes of the picture are."""
        return self.shown.placed if self.shown is not None else None

    @property
    def rows(self) -> dict[str, int]:
        """Rows of `index` by name."""
        if self._index is None:
            return {}
        if self._rows is None or self._rows[0] is not self._index:
            self._rows = self._index, {name: row for row, name in enumerate(self._index.names)}
        return self._rows[1]

    def again(self) -> None:
        """Try once more after a failure."""
        self._wanted = ""
        self._look()

    # ---- folding ----
    def toggle(self, group: int) -> None:
        """Unfold a folded group, fold an open one."""
        shown = self.shown
        if shown is None or self.model is None or group <= 0:
            return
        tree = shown.nest.tree
        if group in shown.unfolded:
            self.unfold({other for other in shown.unfolded if group not in tree.chain(other)}, tree.paths[group])
        else:
            opened, inner = {*shown.unfolded, *tree.chain(group)}, group
            # what holds one group only is opened with it
            while not int((tree.home == inner).sum()) and len(tree.children(inner)) == 1:
                inner = int(tree.children(inner)[0])
                opened.add(inner)
            self.unfold(opened, tree.paths[group])

    def reveal(self, name: str) -> None:
        """Open what hides a node."""
        shown, row = self.shown, self.rows.get(name)
        if shown is None or row is None:
            return
        box = int(shown.row[row])
        if int(shown.group[box]) >= 0:
            tree = shown.nest.tree
            self.unfold({*shown.unfolded, *tree.chain(int(tree.home[row]))}, name)

    def level(self, deeper: int) -> None:
        """One level more (1) or less (-1) open everywhere."""
        from core.layout import folding

        shown = self.shown
        if shown is not None and self.model is not None:
            tree = shown.nest.tree
            now = max((int(tree.depth[group]) for group in shown.unfolded), default=0)
            if deeper > 0:
                folded = [int(tree.depth[group]) for group in shown.group.tolist() if group >= 0]
                now = min(folded, default=now) - 1
            self.unfold(folding.to_level(tree, max(0, now + deeper)), "")

    def everything(self, opened: bool) -> None:
        """Open every group, or none."""
        from core.layout import folding

        if self.shown is not None and self.model is not None:
            self.unfold(folding.every(self.shown.nest.tree) if opened else {0}, "")

    def show_flat(self, flat: bool) -> None:
        """Show the graph without scopes and blocks, or with them."""
        if self.shown is None or self.model is None or self.flat_now == flat:
            return
        self.flat, self._paths = flat, None
        self._kept.clear()
        self.again()

    def settle(self) -> None:
        """The settings have changed: a flat graph may be wanted in columns, or no longer."""
        columns = self._ctx.settings.graph_columns
        if columns != self._columns:
            self._columns = columns
            if self.model is not None and self.flat_now:
                self._kept.clear()
                self.again()

    @property
    def flat_now(self) -> bool:
        """Whether the picture has no scopes and blocks."""
        from core.layout.folding import FLAT

        return self.flat if self.flat is not None else self._index is not None and len(self._index) <= FLAT

    def unfold(self, groups: Iterable[int], touched: str) -> None:
        """Show exactly these groups open (and those around them), now or, when that takes a while, soon."""
        from core.layout import folding

        shown, model = self.shown, self.model
        if shown is None or model is None:
            return
        wanted = frozenset({0, *groups})
        if wanted == shown.unfolded:
            return
        tree = shown.nest.tree
        self._paths = {tree.paths[group] for group in wanted}
        self.touched = touched
        if folding.boxes_of(shown.nest, wanted) <= NOW:
            self._ctx.document.forget("graph.unfold")
            self._picture(self._unfold_now(wanted))
            return
        whole = shown.nest
        self._ctx.document.ask(
            folding.unfold, model, self.flat_now, wanted,
            on_done=lambda bare: self._unfolded(whole, bare), on_error=self._fail, key="graph.unfold",
        )  # fmt: skip
        self._tell("working")

    def _unfold_now(self, wanted: Iterable[int]) -> Shown:
        from core.layout.nested import Unfolder

        assert self.shown is not None
        if self._unfolder is None or self._unfolder.nest is not self.shown.nest:
            self._unfolder = Unfolder(self.shown.nest)
        return self._unfolder.show(frozenset(wanted))

    def _unfolded(self, whole: Any, bare: Shown) -> None:
        if self.shown is not None and self.shown.nest is whole:
            self._picture(bare.within(whole))

    def _picture(self, shown: Shown) -> None:
        self.shown = shown
        assert self.model is not None
        self._keep(self.model.fingerprint)
        self._tell("ready")

    # ---- before a model is there ----
    def preview(self, shown: Shown | None) -> None:
        """Show a slim picture of what is being opened, while no model is open; None: it will not be opened."""
        if self._ctx.session is None:
            self.shown, self.touched = shown, ""
            self._tell("working" if shown is not None else "none")

    # ---- the head's graph ----
    def _cancel(self) -> None:
        self._ctx.document.forget("graph.unfold")
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _forget(self) -> None:
        """Another model is opened: nothing of the old one is shown."""
        self._cancel()
        self.model = self.shown = self._index = self._rows = self._paths = self._unfolder = None
        self._wanted = self.touched = ""
        self.flat = None
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
            self._done(model, known)
            return
        self._start(model)
        if self._job is not None:
            self._tell("working")

    def _start(self, model: Model) -> None:
        from core.layout import folding

        fingerprint, shown = self._ctx.services.get("opened.shown", ("", None))
        if fingerprint == model.fingerprint and shown is not None and self.flat is None:
            self._done(model, shown)
            return
        self._job = self._ctx.jobs.start(
            folding.open_folded,
            model,
            self.flat,
            self._ctx.settings.graph_columns,
            title="Lay out graph",
            background=True,
            on_done=lambda found: self._done(model, found),
            on_error=self._fail,
        )
        self._job.ended.connect(self._ended)

    def _ended(self) -> None:
        """A person may cancel it in the jobs panel: what was shown stays, and one can try again."""
        job = self._job
        if job is not None and job.state == "cancelled":
            from core.errors import AppError

            self._fail(AppError("The graph's layout was cancelled.", hint="Lay it out again when you need it."))

    def _done(self, model: Model, shown: Shown) -> None:
        self._job = None
        self.model, self.shown, self.error = model, shown, None
        self._index = self._ctx.services["index"] = shown.nest.index
        self.touched = ""
        self._same_open()
        self._keep(model.fingerprint)
        self._tell("ready")

    def _same_open(self) -> None:
        """Open in this variant what the person had open in the one before."""
        shown = self.shown
        if shown is None or self._paths is None:
            return
        from core.layout import folding

        tree = shown.nest.tree
        wanted = frozenset({0, *(group for group, path in enumerate(tree.paths) if path in self._paths)})
        if wanted != shown.unfolded and folding.boxes_of(shown.nest, wanted) <= NOW:
            self.shown = self._unfold_now(wanted)

    def _keep(self, fingerprint: str) -> None:
        """Keep what is shown, the newest last; undo and redo find it again at once."""
        assert self.shown is not None
        self._kept.pop(fingerprint, None)
        self._kept[fingerprint] = self.shown
        while len(self._kept) > 1 and (len(self._kept) > KEPT or sum(len(one.nest.index) for one in self._kept.values()) > ROWS):
            del self._kept[next(iter(self._kept))]

    def _fail(self, error: Exception) -> None:
        self._job = None
        self.error = error
        self._tell("failed")

    def _tell(self, state: Literal["none", "working", "ready", "failed"]) -> None:
        self.state = state
        self.changed.emit()
