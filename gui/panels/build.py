"""Build engines: choose a backend, set its options, watch it build, and see what was built."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core import params
from core.backends import BACKENDS
from core.backends import tasks as backend_tasks
from core.backends.base import Availability, Engine
from core.errors import AppError, UsageError
from core.history import Variant
from core.passes import PASSES
from gui import figures
from gui.actions import Action, needs_model
from gui.context import Context
from gui.engines import naming as engines
from gui.engines.built import EngineList
from gui.engines.choice import BackendChoice
from gui.follow import Follow
from gui.forms import Form
from gui.panels.base import Panel
from gui.widgets.empty import EmptyState
from gui.widgets.jobline import JobLine
from gui.widgets.rows import Elided, heading, line

#: Where the window puts what the backends can do here.
AVAILABILITY = "availability"
#: How long to wait for that before asking oneself.
WAIT_MS = 3000


def _panel(ctx: Context) -> BuildPanel:
    if ctx.window is not None:
        ctx.window.show_panel(BuildPanel.id)
    panel = ctx.services["build"]
    assert isinstance(panel, BuildPanel)
    return panel


def cannot_build(ctx: Context) -> str:
    """Why nothing can be built now."""
    panel = ctx.services.get("build")
    return needs_model(ctx) or (panel.blocked() if isinstance(panel, BuildPanel) else "")


class BuildPanel(Panel):
    """Which backends there are is asked once, in a worker; one that cannot build here stays visible with the reason."""

    id = "build"
    title = "Build"
    area = "right"
    order = 40
    icon = "build"
    tip = "Turn the current variant into an engine for ONNX Runtime or TensorRT."
    ACTIONS = (
        Action(
            "build.start", "Build engine", lambda ctx: _panel(ctx).build(), "Build", 10, "Ctrl+B", "build",
            "Build an engine of the current variant with the chosen backend.", cannot_build,
        ),
        Action(
            "build.backends", "Look for backends", lambda ctx: _panel(ctx).look(), "Build", 20, "", "refresh",
            "Ask again which backends can build and run on this machine.",
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services["build"] = self
        self.states: dict[str, Availability] = {}
        self.choices: dict[str, BackendChoice] = {}
        self.form: Form[object] | None = None
        self._values: dict[str, dict[str, object]] = {}
        self._looked = False
        self.chosen = ""
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(WAIT_MS)
        self._wait.timeout.connect(self._waited)
        empty = EmptyState(
            "build",
            "Open a model to build it",
            "A backend turns the model into an engine: optimized for one runtime, ready to race.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        self.pages = QStackedLayout(self)
        self.pages.addWidget(empty)
        self.pages.addWidget(self._page())
        self.listen(ctx.theme.changed, self.refresh)
        self._follow = Follow(ctx, self.refresh)
        visible = [kind for kind in BACKENDS if not kind.hidden]
        self._told = ctx.settings.backend
        if visible:
            self.choose(self._told if self._told in self.choices else visible[0].id)
        self.listen(ctx.settings.changed, self._settings)
        self.refresh()

    # --- making
    def _page(self) -> QWidget:
        page = QWidget()
        page.setObjectName("page")
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 4, 12, 12)
        column.setSpacing(6)
        self.name = Elided("", "strong")
        self.name.setFixedHeight(24)
        column.addWidget(self.name)
        column.addWidget(heading("Backend"))
        self._group = QButtonGroup(self)
        for kind in BACKENDS:
            if not kind.hidden:
                choice = BackendChoice(kind)
                self._group.addButton(choice.button)
                choice.button.clicked.connect(lambda *_, id=kind.id: self.choose(id))
                self.choices[kind.id] = choice
                column.addWidget(choice)
        for name, reason in BACKENDS.broken.items():
            label = QLabel(f"{name} could not be loaded. {reason}")
            label.setProperty("role", "muted")
            label.setWordWrap(True)
            column.addWidget(label)
        column.addWidget(line())
        column.addWidget(heading("Options"))
        self._form_place = QVBoxLayout()
        column.addLayout(self._form_place)
        self.button = QPushButton("Build engine")
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(lambda *_: self.build())
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addStretch(1)
        column.addLayout(row)
        self.line = JobLine(self.ctx)
        column.addWidget(self.line)
        column.addWidget(line())
        column.addWidget(heading("Engines of this variant"))
        self.list = EngineList(self.ctx.theme)
        self.list.raced.connect(self._race)
        column.addWidget(self.list)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setAccessibleName("Build")
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        return scroll

    def release(self) -> None:
        self._wait.stop()
        self._follow.release()
        self.ctx.services.pop("build", None)
        super().release()

    # --- backends
    def showEvent(self, event: object) -> None:
        """Ask what this machine can do, the first time that somebody looks."""
        super().showEvent(event)  # type: ignore[arg-type]
        self._need()

    def _need(self) -> None:
        """Know what this machine can do: the window asks soon after its start; without its answer, ask here."""
        if self._looked or self.ctx.session is None or not self.isVisible():
            return
        if AVAILABILITY in self.ctx.services:
            self._found(self.ctx.services[AVAILABILITY])
        elif self.ctx.window is not None and not self._wait.isActive():
            self._wait.start()
        elif self.ctx.window is None:
            self.look()

    def _waited(self) -> None:
        if AVAILABILITY in self.ctx.services:
            self._found(self.ctx.services[AVAILABILITY])
        elif not self._looked:
            self.look()

    def look(self) -> None:
        """Ask, in a worker, which backends can build and run here."""
        self._looked = True
        self._wait.stop()
        ask = self.ctx.jobs.start
        ask(backend_tasks.availability, title="Look for backends", background=True, on_done=self._found, on_error=self._not_found)

    def _found(self, states: dict[str, Availability]) -> None:
        self._looked = True
        self.states = states
        self.ctx.services[AVAILABILITY] = states
        self.refresh()

    def _not_found(self, error: Exception) -> None:
        self._looked = False
        self.line.fail(error, "Try again", self.look)

    def choose(self, backend_id: str) -> None:
        """Show the options of this backend."""
        if self.form is not None:
            self._values[self.chosen] = dict(self.form.values())
            self._form_place.removeWidget(self.form)
            self.form.hide()
            self.form.deleteLater()
        self.chosen = backend_id
        self.form = Form(BACKENDS[backend_id].Options, self._values.get(backend_id))
        self.form.changed.connect(self.enable)
        self._form_place.addWidget(self.form)
        if backend_id in self.choices:
            self.choices[backend_id].button.setChecked(True)
        self.enable()

    def _settings(self) -> None:
        """Another default backend holds at once."""
        wanted = self.ctx.settings.backend
        if wanted != self._told:
            self._told = wanted
            if wanted in self.choices:
                self.choose(wanted)

    def blocked(self) -> str:
        """Why nothing can be built now."""
        state = self.states.get(self.chosen)
        if self.ctx.session is None:
            return "Open a model first."
        if self.line.busy:
            return "An engine is being built."
        if state is not None and not state.can_build:
            return f"{engines.backend_title(self.chosen)} cannot build here: {state.reason}."
        if self.form is not None and not self.form.valid:
            return "Some options are out of range."
        return ""

    def enable(self) -> None:
        """The button says why it is off."""
        reason = self.blocked()
        self.button.setEnabled(not reason)
        self.button.setToolTip(reason or "Build an engine of the current variant (Ctrl+B)")

    # --- shown
    @property
    def variant(self) -> Variant | None:
        return self.ctx.session.history.current if self.ctx.session is not None else None

    def refresh(self) -> None:
        """Show the current variant, the backends and what was built."""
        variant, session = self.variant, self.ctx.session
        if variant is None or session is None:
            self.pages.setCurrentIndex(0)
            return
        self.pages.setCurrentIndex(1)
        self._need()
        self.name.setText(variant.title)
        for id, choice in self.choices.items():
            choice.show_state(self.states.get(id))
        self.list.show_engines(session.engines_of(variant.id), self.states)
        self.enable()

    def _race(self, engine: Engine) -> None:
        if self.ctx.window is not None:
            self.ctx.window.show_panel("bench")
        offer = self.ctx.services.get("bench.offer")
        if offer is not None:
            offer(engine)

    # --- build
    def build(self) -> None:
        """Build an engine of the current variant."""
        session, variant = self.ctx.session, self.variant
        if session is None or variant is None or self.form is None or self.blocked():
            return
        try:
            options = params.to_dict(self.form.value())
        except UsageError:
            self.enable()
            return
        backend = self.chosen

        def done(engine: Engine) -> None:
            if self.ctx.session is session and variant.id in session.history.variants:
                session.add_engine(variant.id, engine)
                size, time = figures.size(engine.size), figures.seconds(engine.seconds)
                if not self.isVisible():
                    self.ctx.notify.info(f"{engines.title(engine)} engine of {variant.title}: {size}, built in {time}.")

        handle = self.ctx.jobs.start(
            backend_tasks.build,
            variant.model,
            backend,
            options,
            engines.place(session, variant, backend, options),
            title=f"Build {variant.title} with {engines.backend_title(backend)}",
            short=f"Build {variant.title}",
            on_done=done,
            on_error=self._failed,
        )
        self.line.watch(handle)
        handle.ended.connect(self.enable)
        self.enable()

    def _failed(self, error: Exception) -> None:
        suggestion = suggested_pass(error)
        if suggestion and self.ctx.window is not None:
            window = self.ctx.window
            self.line.fail(error, f"Open {PASSES[suggestion].title}", lambda: window.act(f"pass.{suggestion}"))
        else:
            self.line.fail(error)


def suggested_pass(error: Exception) -> str:
    """The id of the pass that the error's hint speaks of, or an empty text."""
    hint = error.hint if isinstance(error, AppError) else ""
    for found in PASSES:
        for word in (found.id, found.title):
            if re.search(rf"\b{re.escape(word)}\b", hint, re.IGNORECASE):
                return found.id
    return ""
