"""Finding in the graph: asks what the bar is asked, shows it as list and as highlight, and goes from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import AppError
from gui import figures
from gui.context import Context
from gui.graph.camera import View
from gui.graph.find import FindBar, rows_shown
from gui.graph.searching import PATTERN, Found, Searching

if TYPE_CHECKING:
    import numpy as np

    from core.model.index import GraphIndex
    from gui.graph.canvas import Canvas

#: Queries that are remembered, and how long one may be.
REMEMBERED, LONGEST = 20, 600
ASKER = "find bar"


class Finder:
    """What was found stands in `rows` (of the whole graph, which is `index`), and `at` is the place of the one that is shown.

    The canvas may show a box in a node's place (`rows_shown` knows): nodes are spoken of by name.
    """

    def __init__(self, ctx: Context, canvas: Canvas) -> None:
        self.ctx, self.canvas = ctx, canvas
        self.searching = Searching.of(ctx)
        self.bar = FindBar(canvas, ctx.theme)
        self.bar.recent = lambda: ctx.settings.searches
        self.rows: np.ndarray | None = None
        self.index: GraphIndex | None = None
        self.at = -1
        self._text = ""
        self._within: set[int] | None = None
        self._shown: list[int] = []
        self.bar.searched.connect(self.search)
        self.bar.stepped.connect(self.step)
        self.bar.chosen.connect(self.go)
        self.bar.all_wanted.connect(self.select_all)
        self.bar.narrowed.connect(self._narrow)
        self.bar.closed.connect(self.end)
        self._disconnect = ctx.selection.changed.connect(self._selected)

    def release(self) -> None:
        """Give back what is held; called once, before the panel goes."""
        self._disconnect()
        self.searching.forget(ASKER)
        self.searching.release()

    # ---- asking ----
    def open(self, text: str | None = None) -> None:
        """Show the bar, ready to type; with a text, look for it."""
        self._selected(None)
        self.bar.open(text)

    def search(self, text: str) -> None:
        """Look for what a query says; for an empty one, forget what was found."""
        if not text.strip():
            self.searching.forget(ASKER)
            self._put(None, None)
            self.bar.say("")
            return
        self.searching.ask(ASKER, text, self._answered, regex=self.bar.regex.isChecked())

    def drop(self) -> None:
        """No graph is shown: nothing is found, and when the model is closed nothing is looked for any more."""
        if self.searching.catalogue is None and self.ctx.session is None:
            self.end()
        else:
            self._put(None, None)

    def follow(self) -> None:
        """Another graph is shown: look again for what the bar says, or close it."""
        self._within = None
        self.bar.scope.setChecked(False)
        text = self.bar.field.text()
        if self.bar.isVisibleTo(self.canvas) and text.strip() and self.searching.catalogue is not None:
            self._put(None, None)
            self.search(text)
        else:
            self.end()

    def redraw(self) -> None:
        """The same graph is shown otherwise folded: what was found is in other boxes."""
        if self.rows is None or self.index is None:
            return
        self._shown = self._on_canvas()
        scene = self.canvas.scene
        here = rows_shown(scene, [self.index.names[int(self.rows[self.at])]]) if scene is not None and self.at >= 0 else []
        self.canvas.highlight(self._shown, here[0] if here else None)

    def _answered(self, found: Found) -> None:
        if found.error is not None:
            hint = found.error.hint
            self.bar.say(found.error.message + (f" {hint}" if hint else ""))
            return
        if found.pending:
            self.bar.say(found.pending)
            return
        assert found.rows is not None
        rows = found.rows
        if self._within is not None:
            import numpy as np

            rows = rows[np.isin(rows, np.fromiter(self._within, np.int64, len(self._within)))]
        says = ""
        if found.matches is not None:
            says = f"{figures.plural(found.matches, 'match', 'matches')} of the pattern" + ("" if found.complete else ", and perhaps more")
        elif not len(rows):
            says = "Nothing in the selection fits." if self._within is not None else "Nothing fits."
        self.bar.say(says)
        at = self._still(found, rows)
        self._text = found.text
        self._put(found.index, rows)
        if len(rows):
            self.go(at, select=False)

    def _still(self, found: Found, rows: np.ndarray) -> int:
        """The place of what is shown now, where the same question is answered again with more; else the first."""
        if found.text != self._text or found.index is not self.index or self.rows is None or not 0 <= self.at < len(self.rows):
            return 0
        same = (rows == self.rows[self.at]).nonzero()[0]
        return int(same[0]) if len(same) else 0

    def present(self, title: str, rows: np.ndarray) -> None:
        """Show rows that were found otherwise (a trace), under a title, as the results of a search."""
        catalogue = self.searching.catalogue
        if catalogue is None:
            return
        self.searching.forget(ASKER)
        self.bar.reveal()
        self.bar.say(title)
        self._put(catalogue.index, rows)

    def fail(self, error: AppError) -> None:
        """Say in the bar why something was not found."""
        self.bar.show()
        self.bar.raise_()
        self.bar.say(error.message + (f" {error.hint}" if error.hint else ""))

    # ---- what was found ----
    @property
    def names(self) -> tuple[str, ...]:
        """The names of what was found."""
        if self.rows is None or self.index is None:
            return ()
        names = self.index.names
        return tuple(names[row] for row in self.rows.tolist())

    def _put(self, index: GraphIndex | None, rows: np.ndarray | None) -> None:
        self.index, self.rows, self.at = index, rows, -1
        self._shown = self._on_canvas()
        self.canvas.highlight(self._shown if rows is not None else None)
        self.bar.show_results(index, rows)
        self.bar.show_place(-1)

    def _on_canvas(self) -> list[int]:
        """What of it the canvas shows, as rows of the canvas."""
        scene = self.canvas.scene
        if scene is None or self.rows is None:
            return []
        if scene.index is self.index:  # the whole graph is shown: its rows are these
            rows: list[int] = self.rows.tolist()
            return rows
        if scene.shown is not None and scene.shown.nest.index is self.index:
            import numpy as np

            boxes: list[int] = np.unique(scene.shown.row[self.rows]).tolist()
            return boxes
        return rows_shown(scene, list(self.names))

    def step(self, by: int) -> None:
        """To the next one, round and round."""
        if self.rows is None or not len(self.rows):
            return
        count = len(self.rows)
        if self.at < 0:
            place = 0 if by > 0 else count - 1
        elif abs(by) == 1:
            place = (self.at + by) % count
        else:
            place = min(max(self.at + by, 0), count - 1)
        self.go(place)

    def go(self, place: int, *, select: bool = True) -> None:
        """To one of them; while one types it is shown and not selected, so that what is selected stays."""
        if self.rows is None or self.index is None or not 0 <= place < len(self.rows):
            return
        self.at = place
        name = self.index.names[int(self.rows[place])]
        scene = self.canvas.scene
        here = rows_shown(scene, [name]) if scene is not None else []
        self.canvas.highlight(self._shown, here[0] if here else None)
        self.bar.show_place(place)
        if select:
            self.remember()
            self.ctx.selection.set((name,), None)
            self.ctx.selection.reveal.emit(name)
        elif here:
            self.canvas.reveal(here[0])
        if here:
            self._uncover(here[0])

    def _uncover(self, row: int) -> None:
        """Move what is shown out from under the bar."""
        canvas, bar, scene = self.canvas, self.bar.geometry(), self.canvas.scene
        if scene is None:
            return
        view, width, height = canvas.motion.target, canvas.width(), canvas.height()
        x, y, w, h = (float(value) for value in scene.rects[row])
        at_x, at_y = view.to_screen(x + w / 2, y + h / 2, width, height)
        around = bar.adjusted(*(round(side) for side in (-w / 2 * view.scale, -h / 2 * view.scale, w / 2 * view.scale, h / 2 * view.scale)))
        if not around.contains(round(at_x), round(at_y)):
            return
        beside = width - bar.right() > 1.2 * w * view.scale
        to_x, to_y = ((bar.right() + width) / 2, height / 2) if beside else (width / 2, (bar.bottom() + height) / 2)
        canvas.fly(View(view.x + (at_x - to_x) / view.scale, view.y + (at_y - to_y) / view.scale, view.scale))

    def select_all(self) -> None:
        """Select everything that was found."""
        if self.rows is not None and len(self.rows):
            self.remember()
            self.ctx.selection.set(self.names, None)

    def end(self) -> None:
        """Forget what was found, and close the bar."""
        self.remember()
        self.searching.forget(ASKER)
        self._put(None, None)
        self.bar.say("")
        self._within = None
        self.bar.scope.setChecked(False)
        focus = self.canvas.window().focusWidget()
        focused = focus is not None and self.bar.isAncestorOf(focus)
        self.bar.hide()
        if focused:
            self.canvas.setFocus()

    def remember(self) -> None:
        """Keep the query among those that were used lately, if it found something."""
        text = self.bar.field.text().strip()
        known = self.ctx.settings.searches
        if not text or self.rows is None or not len(self.rows) or self.bar.regex.isChecked() or len(text) > LONGEST or known[:1] == (text,):
            return
        self.ctx.settings.update(searches=(text, *(other for other in known if other != text))[:REMEMBERED])

    # ---- the selection as the place to look ----
    def _selected(self, _: object) -> None:
        if (self._within is None and self.bar.isHidden() is False) or self._within is None:
            chosen = bool(self.ctx.selection.nodes)
            self.bar.scope.setEnabled(chosen)
            self.bar.scope.setToolTip("Look only at what is selected now" if chosen else "Select some nodes first to look only at them")

    def _narrow(self, wanted: bool) -> None:
        self._within = set(self.searching.rows_of(self.ctx.selection.nodes)) if wanted else None
        self.bar.scope.setText(f"In {figures.plural(len(self._within), 'node')}" if self._within is not None else "In selection")
        self._selected(None)
        self.search(self.bar.field.text())


def pattern_text(text: str) -> str:
    """A pattern as the bar takes it."""
    return f"{PATTERN} {text}"
