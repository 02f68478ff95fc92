"""Weights: a list of them, and of one its spread, channels, 2:4 groups, a heat map and the values themselves."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QSplitter, QStackedLayout, QTabWidget, QVBoxLayout, QWidget

from core.model import Model, npy, weight_page
from gui import figures, icons
from gui.actions import Action, needs_model
from gui.context import Context
from gui.follow import Follow
from gui.panels.base import Panel
from gui.weights.groups import Groups
from gui.weights.head import Head
from gui.weights.heatmap import HeatMap
from gui.weights.listing import Listing
from gui.weights.overview import Overview
from gui.weights.ranges import RangesView
from gui.weights.values import ValuesView
from gui.weights.view import Looking, first_cut
from gui.widgets.empty import EmptyState
from gui.widgets.jobline import JobLine

if TYPE_CHECKING:
    from core.model.npy import Exported
    from core.model.weight_page import WeightList, WeightPage
    from gui.jobs import JobHandle

#: Name -> kind of view, in the order of the tabs.
VIEWS: dict[str, type[Any]] = {"overview": Overview, "ranges": RangesView, "groups": Groups, "heat": HeatMap, "values": ValuesView}
NOTHING = ("No weight is chosen", "Choose one from the list, or click one in the page of a node.")
LIST, PAGE = "weights.list", "weights.page"
#: A panel narrower than this shows the list or a weight, not both: pixels.
_NARROW = 620


def _panel(ctx: Context) -> WeightsPanel:
    if ctx.window is not None:
        ctx.window.show_panel(WeightsPanel.id)
    panel = ctx.services["weights"]
    assert isinstance(panel, WeightsPanel)
    return panel


def needs_weight(ctx: Context) -> str:
    """Why there is no weight to export or copy."""
    panel = ctx.services.get("weights")
    return needs_model(ctx) or ("" if isinstance(panel, WeightsPanel) and panel.looking.page is not None else "Choose a weight first.")


def _find(ctx: Context) -> None:
    panel = _panel(ctx)
    panel.show_list()
    panel.listing.field.setFocus()


class WeightsPanel(Panel):
    """What is shown of a weight is read while it is seen, piece by piece, by the process that holds the model."""

    id = "weights"
    title = "Weights"
    area = "bottom"
    order = 40
    icon = "tensor"
    tip = "Look into weights: spread, channels, 2:4 groups, heat map, values; export as .npy."
    ACTIONS = (
        Action(
            "weights.find", "Find a weight…", _find, "Model", 82, "", "search",
            "List every weight: filter by name, sort by size.", needs_model,
        ),
        Action(
            "weights.export", "Export weight as .npy…", lambda ctx: _panel(ctx).ask_export(), "Model", 82, "", "export",
            "Write the weight that is shown to a file that numpy reads.", needs_weight,
        ),
        Action(
            "weights.copy", "Copy values of the weight", lambda ctx: _panel(ctx).copy(), "Edit", 40, "", "copy",
            "The selected values, or those in view, as text.", needs_weight,
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services["weights"] = self
        self.looking = Looking()
        self.wanted = ""
        self._listed = ""
        self._placed = False
        self.views: dict[str, Any] = {}
        self.listing = Listing(ctx)
        self.listing.chosen.connect(self.look_into)
        self.looking.go_to = self._go_to
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.listing)
        self.split.addWidget(self._make_detail_space())
        self.split.setStretchFactor(1, 1)
        no_model = EmptyState(
            "tensor",
            "No model is open",
            "Open an ONNX file to look into its weights.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        self.empty = EmptyState("tensor", "Reading…", theme=ctx.theme)
        self.pages = QStackedLayout(self)
        for each in (no_model, self.empty, self.split):
            self.pages.addWidget(each)
        self.listen(ctx.theme.changed, self._restyle)
        self._follow = Follow(ctx, self.refresh, opened=self._another, results=False)
        self.refresh()

    # ---- made when they are needed: all at once would hold the window ----
    def _make_detail_space(self) -> QWidget:
        self.nothing = EmptyState("tensor", *NOTHING, theme=self.ctx.theme)
        space = QWidget()
        self.detail = QStackedLayout(space)
        self.detail.addWidget(self.nothing)
        return space

    @cached_property
    def head(self) -> Head:
        """The line above a weight."""
        made = Head(self.ctx)
        made.back.clicked.connect(lambda *_: self.show_list())
        made.export.clicked.connect(lambda *_: self.ask_export())
        return made

    @cached_property
    def line(self) -> JobLine:
        """How far the export is."""
        return JobLine(self.ctx)

    @cached_property
    def tabs(self) -> QTabWidget:
        """The views, of which those are made that were seen."""
        made = QTabWidget()
        made.setDocumentMode(True)
        for name, kind in VIEWS.items():
            space = QWidget()
            space.setObjectName(name)
            QVBoxLayout(space).setContentsMargins(0, 0, 0, 0)
            made.setTabToolTip(made.addTab(space, kind.title), kind.tip)
        made.currentChanged.connect(lambda place: self.view(list(VIEWS)[place]))
        return made

    def view(self, name: str) -> Any:
        """One of the views, made now if it was not yet."""
        found = self.views.get(name)
        if found is None:
            kind = VIEWS[name]
            found = kind(self.ctx, self.looking, self.listing.measured) if kind is Overview else kind(self.ctx, self.looking)
            self.views[name] = found
            self.tabs.widget(list(VIEWS).index(name)).layout().addWidget(found)
            if self.looking.page is not None:
                found.put()
        return found

    def show_view(self, name: str) -> Any:
        """Bring a view to the front."""
        found = self.view(name)
        self.tabs.setCurrentIndex(list(VIEWS).index(name))
        return found

    def _go_to(self, row: int, column: int) -> None:
        self.view("values").go_to(row, column)
        self.show_view("values")

    def _make_shown(self) -> None:
        shown = QWidget()
        column = QVBoxLayout(shown)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.line)
        column.addWidget(self.tabs, 1)
        self.detail.addWidget(shown)
        self.view(next(iter(VIEWS)))

    def release(self) -> None:
        self._follow.release()
        self.listing.stop()
        for view in self.views.values():
            view.release()
        for key in (LIST, PAGE):
            self.ctx.document.forget(key)
        if self.ctx.services.get("weights") is self:
            del self.ctx.services["weights"]
        super().release()

    @property
    def model(self) -> Model | None:
        """The current variant's model."""
        current = self.ctx.session.history.current if self.ctx.session is not None else None
        return current.model if current is not None else None

    # ---- the list ----
    def _another(self) -> None:
        self.wanted = ""

    def refresh(self) -> None:
        """List the weights of the current variant; the weight that was shown stays, where there still is one of that name."""
        model = self.model
        if model is None:
            self._listed = ""
            self._show(None)
            self.listing.stop()
            self.pages.setCurrentIndex(0)
            return
        if model.fingerprint == self._listed:
            return
        self._listed = model.fingerprint
        if self.pages.currentIndex() == 0:
            self.empty.say("Reading the weights…")
            self.pages.setCurrentIndex(1)
        self.ctx.document.ask(
            weight_page.weight_list, model, on_done=partial(self._listing, model), on_error=partial(self._failed, model), key=LIST
        )

    def _listing(self, model: Model, found: WeightList) -> None:
        if model.fingerprint != self._listed:
            return
        self.listing.put(model, found)
        if not found.names:
            self.empty.say("This model has no weights", "There is no initializer and no Constant in it.")
            self.pages.setCurrentIndex(1)
            return
        self.pages.setCurrentIndex(2)
        self._fold()
        if self.wanted:
            self.look_into(self.wanted)

    def _failed(self, model: Model, error: Exception) -> None:
        if model.fingerprint == self._listed:
            self._listed = ""
            self.empty.say(str(error), getattr(error, "hint", ""))
            self.pages.setCurrentIndex(1)

    # ---- one weight ----
    def look_into(self, weight: str) -> None:
        """Show a weight by its name."""
        self.wanted = weight
        model = self.model
        if model is None or model.fingerprint != self._listed:
            return
        self.listing.select(weight)
        self.ctx.document.ask(
            weight_page.weight_page, model, weight, on_done=partial(self._paged, model), on_error=partial(self._unpaged, weight), key=PAGE
        )

    def _paged(self, model: Model, page: WeightPage) -> None:
        if page.name == self.wanted and model.fingerprint == self._listed:
            self.looking.model = model
            self._show(page)

    def _unpaged(self, weight: str, error: Exception) -> None:
        if weight != self.wanted:
            return
        self._show(None)
        self.nothing.say(str(error), getattr(error, "hint", ""))
        self._fold(True)

    def _show(self, page: WeightPage | None) -> None:
        self.looking.page = page
        self.looking.cut = first_cut(page) if page is not None else self.looking.cut
        if page is None:
            self.detail.setCurrentIndex(0)
            self.nothing.say(*NOTHING)
        else:
            if self.detail.count() < 2:
                self._make_shown()
            self.head.put(page)
            self.detail.setCurrentIndex(1)
        for view in self.views.values():
            view.put()
        if page is not None:
            self._fold(True)

    # ---- room ----
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() <= 0 or not self._placed:
            self._placed = self.isVisible()
            left = min(520, max(236, round(0.42 * self.width())))
            self.split.setSizes([left, self.width() - left])
        self._fold()

    def _fold(self, weight: bool | None = None) -> None:
        """With little room there is the list or a weight."""
        narrow = self.width() < _NARROW
        if "head" in self.__dict__:
            self.head.back.setVisible(narrow)
        if not narrow:
            self.listing.show()
            self.split.widget(1).show()
            return
        if weight is None:
            weight = self.looking.page is not None and not (self.listing.isVisible() and self.split.widget(1).isHidden())
        self.listing.setVisible(not weight)
        self.split.widget(1).setVisible(weight)

    def show_list(self) -> None:
        """Back from a weight to the list, where only one of them has room."""
        self._fold(False)

    # ---- taking it along ----
    def copy(self) -> None:
        """The values that are selected or in view, as text."""
        self.show_view("values").copy()

    def ask_export(self) -> None:
        """Ask where to, then export."""
        page, session = self.looking.page, self.ctx.session
        if page is None or session is None:
            return
        safe = "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in page.name).strip("._")[:120] or "weight"
        start = str(session.source.with_name(f"{safe}.npy"))
        name, _ = QFileDialog.getSaveFileName(self, "Export weight", start, "NumPy array (*.npy)")
        if name:
            self.export(Path(name))

    def export(self, path: Path) -> JobHandle | None:
        """Write the weight that is shown to `path`, in a worker."""
        page, model = self.looking.page, self.looking.model
        if page is None or model is None:
            return None
        if path.suffix.lower() != ".npy":
            path = path.with_name(f"{path.name}.npy")

        def done(made: Exported) -> None:
            wider = f" as {made.dtype}" if made.dtype != page.dtype else ""
            self.ctx.notify.info(f"{made.path.name} holds {page.name}{wider}, {figures.size(made.bytes)}.", str(made.path.parent))

        handle = self.ctx.jobs.start(npy.export, model, page.name, path, title=f"Export {page.name}", on_done=done, on_error=self.line.fail)
        handle.ended.connect(lambda: npy.clear(path))
        self.line.watch(handle)
        return handle

    def _restyle(self) -> None:
        icons.redress(self, self.ctx.theme)
        for view in self.views.values():
            if hasattr(view, "restyle"):
                view.restyle()
