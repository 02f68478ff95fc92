"""The race: contestants measured one after the other, their latencies live, and a sentence that says who is faster."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedLayout,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.backends.base import Engine
from core.bench import BenchPlan, BenchResult, Samples
from core.errors import AppError, UsageError
from gui import icons
from gui.actions import Action, needs_model
from gui.context import Context
from gui.follow import Follow
from gui.forms import Form
from gui.jobs import JobHandle
from gui.panels.base import Panel
from gui.plots import library
from gui.plots.live import LivePlot
from gui.race import verdict
from gui.race.contestants import ContestantList
from gui.race.race import Race, usual_backend
from gui.race.results import RaceResults
from gui.widgets.empty import EmptyState
from gui.widgets.jobline import JobLine
from gui.widgets.rows import Elided

#: How often figures are written anew while a race runs.
REFRESH_MS = 200
#: From this width on plot and table stand side by side; from this height on, above one another.
WIDE, HIGH = 1080, 380


def _panel(ctx: Context) -> BenchPanel:
    if ctx.window is not None:
        ctx.window.show_panel(BenchPanel.id)
    panel = ctx.services["bench"]
    assert isinstance(panel, BenchPanel)
    return panel


def cannot_start(ctx: Context) -> str:
    """Why no race can start now."""
    panel = ctx.services.get("bench")
    return needs_model(ctx) or (panel.blocked() if isinstance(panel, BenchPanel) else "")


def cannot_stop(ctx: Context) -> str:
    """Why there is nothing to stop."""
    panel = ctx.services.get("bench")
    return "" if isinstance(panel, BenchPanel) and panel.racing else "No race is running."


class BenchPanel(Panel):
    """One click on Start is enough: a variant that was not built yet is built with ONNX Runtime first."""

    id = "bench"
    title = "Race"
    area = "bottom"
    order = 10
    icon = "race"
    tip = "Measure latencies live, and see which variant is faster, with how much certainty."
    ACTIONS = (
        Action(
            "bench.start", "Start race", lambda ctx: _panel(ctx).start(), "Race", 10, "Ctrl+R", "play",
            "Measure the checked contestants, one after the other.", cannot_start,
        ),
        Action(
            "bench.stop", "Stop race", lambda ctx: _panel(ctx).stop(), "Race", 10, "Ctrl+Shift+R", "stop",
            "End the measurement that runs; what was measured stays.", cannot_stop,
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services.update({"bench": self, "bench.start": self.start, "bench.offer": self.offer})
        self.race: Race | None = None
        self._failures: list[tuple[str, Exception]] = []
        empty = EmptyState(
            "race",
            "Open a model to race it",
            "Latencies are drawn live; variants and backends run against each other on the same inputs.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        self.pages = QStackedLayout(self)
        self.pages.addWidget(empty)
        self.pages.addWidget(self._page())
        self._tick = QTimer(self)
        self._tick.setInterval(REFRESH_MS)
        self._tick.timeout.connect(self._refresh_figures)
        self.listen(ctx.theme.changed, lambda: icons.redress(self, ctx.theme))  # also behind another tab
        self.listen(ctx.theme.changed, self.refresh)
        self.listen(ctx.settings.changed, self.refresh)
        self._follow = Follow(ctx, self.refresh, opened=self._another)
        self.refresh()

    # --- making
    def _page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar())
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        self.live = LivePlot(self.ctx.theme)
        self._live_buttons()
        self.list = ContestantList(self.ctx.theme)
        self.list.chosen.connect(self.enable)
        self.results = RaceResults(self.ctx.theme, self.list.color, self.list.swatch, self._goto)
        self.results.recalled.connect(self._recall)
        split.addWidget(self._left())
        split.addWidget(self.live)
        split.addWidget(self.results)
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 3)
        split.setStretchFactor(2, 2)
        split.setSizes([200, 560, 480])
        column.addWidget(split, 1)
        self._split, self._how = split, "aside"
        return page

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Plot and table side by side where there is room for it, else above one another, else behind tabs."""
        super().resizeEvent(event)
        how = "aside" if self.width() >= WIDE else "above" if self.height() >= HIGH else "tabs"
        if how == self._how:
            return
        self._how = how
        self.results.arrange(how, self.live)
        if how == "aside":
            self._split.insertWidget(1, self.live)
            self.live.show()
        QTimer.singleShot(0, self, self._share)  # the splitter has its new width then

    def _share(self) -> None:
        """A fifth for the contestants at most; the rest for the plot and, beside it, the table with all its percentiles."""
        width = self._split.width()
        left = min(260, max(200, width // 6))
        table = max(500, width * 4 // 10)
        self._split.setSizes([left, width - left - table, table] if self._how == "aside" else [left, width - left])

    def _bar(self) -> QWidget:
        self.start_button = QPushButton("Start")
        self.start_button.setProperty("role", "primary")
        self.start_button.clicked.connect(lambda *_: self.stop() if self.racing else self.start())
        self.sentence = Elided("", mode=Qt.TextElideMode.ElideRight)
        self.sentence.setProperty("tip", "own")
        self.sentence.setAccessibleName("Who is faster")
        self.place = Elided("", "small", right=True)
        self.place.setProperty("tip", "own")
        self.place.setAccessibleName("Where it was measured")
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(8, 5, 8, 3)
        row.setSpacing(12)
        row.addWidget(self.start_button)
        row.addWidget(self.sentence, 7)
        row.addWidget(self.place, 3)
        return bar

    def _live_buttons(self) -> None:
        self.pause_button = QToolButton()
        self.pause_button.setCheckable(True)
        icons.dress(self.pause_button, "pause", self.ctx.theme)
        self.pause_button.setToolTip("Pause drawing (the race goes on)")
        self.pause_button.toggled.connect(self.live.set_paused)
        fit = QToolButton()
        icons.dress(fit, "fit", self.ctx.theme)
        fit.setToolTip("Show the whole race and follow it")
        fit.clicked.connect(lambda *_: self.live.show_all())
        for button in (self.pause_button, fit):
            button.setIconSize(QSize(14, 14))
            button.setAccessibleName(button.toolTip())
            self.live.header.addWidget(button)

    def _left(self) -> QWidget:
        self.form: Form[BenchPlan] = Form(BenchPlan)
        self.form.changed.connect(self.enable)
        options = QWidget()
        options.setObjectName("page")
        inner = QVBoxLayout(options)
        inner.setContentsMargins(10, 6, 10, 6)
        inner.addWidget(self.form)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(options)
        self.left = QTabWidget()
        self.left.setDocumentMode(True)
        self.left.addTab(self.list, "Contestants")
        self.left.addTab(scroll, "Options")
        self.line = JobLine(self.ctx)
        self.line.cancel.setText("Stop")
        self.line.setContentsMargins(8, 0, 8, 2)
        box = QWidget()
        box.setMinimumWidth(150)
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.left, 1)
        column.addWidget(self.line)
        return box

    def release(self) -> None:
        self._tick.stop()
        self._follow.release()
        self._abandon()
        self.live.release()
        self.results.release()
        library.settle()
        for name in ("bench", "bench.start", "bench.offer"):
            self.ctx.services.pop(name, None)
        super().release()

    def showEvent(self, event: QShowEvent) -> None:
        """Have the plotting library ready by the time that it is needed."""
        super().showEvent(event)
        if self.ctx.session is not None:
            self.live.prepare()

    # --- contestants
    def _another(self) -> None:
        self._abandon()
        self.list.forget()
        self.line.clear()
        self.live.clear()
        self._show({}, {})
        if self.isVisible():
            self.live.prepare()

    def _abandon(self) -> None:
        """Stop a race that nobody waits for any more."""
        self._tick.stop()
        if self.race is not None:
            self.race.blockSignals(True)
            self.race.stop()
            self.race = None

    def refresh(self) -> None:
        """List the contestants that there are, and what was measured before."""
        session = self.ctx.session
        if session is None or session.history.head is None:
            self.pages.setCurrentIndex(0)
            return
        self.pages.setCurrentIndex(1)
        self.list.fill(session, self.ctx.services.get("availability", {}), usual_backend(self.ctx))
        self.results.show_session(session)
        self.enable()

    def _goto(self, variant_id: str) -> None:
        if self.ctx.session is not None and variant_id in self.ctx.session.history.variants:
            self.ctx.session.history.goto(variant_id)

    def offer(self, engine: Engine) -> None:
        """Check this engine, and no other."""
        self.list.check_engine(engine)

    # --- the race
    @property
    def racing(self) -> bool:
        """Whether a race is on."""
        return self.race is not None and self.race.running

    def blocked(self) -> str:
        """Why no race can start now."""
        if self.ctx.session is None:
            return "Open a model first."
        if self.racing:
            return "A race is running."
        if not self.list.checked():
            return "Check at least one contestant."
        if not self.form.valid:
            return "Some options are out of range."
        return ""

    def enable(self) -> None:
        """The button starts or stops, and says why it is off."""
        reason = self.blocked()
        self.start_button.setText("Stop" if self.racing else "Start")
        role = "danger" if self.racing else "primary"
        if self.start_button.property("role") != role:
            self.start_button.setProperty("role", role)
            self.start_button.style().unpolish(self.start_button)
            self.start_button.style().polish(self.start_button)
        self.start_button.setEnabled(self.racing or not reason)
        self.start_button.setToolTip("Stop (Ctrl+Shift+R)" if self.racing else reason or "Start (Ctrl+R)")
        plan = self.form.values()
        self.left.setTabToolTip(1, f"{plan['seconds']} s after {plan['warmup']} s of warm-up, batch {plan['batch']}")

    def start(self) -> None:
        """Measure the checked contestants."""
        session = self.ctx.session
        if session is None or self.blocked():
            return
        try:
            plan = self.form.value()
        except UsageError:
            self.left.setCurrentIndex(1)  # the form says what is wrong
            return
        contestants = self.list.checked()
        self.line.clear()
        self._failures.clear()
        self.live.clear()
        self.pause_button.setChecked(False)
        self._show(verdict.names(session, contestants), {})
        race = Race(self.ctx, session, contestants, plan, self)
        race.began.connect(self._began)
        race.samples.connect(self._samples)
        race.measured.connect(self._measured)
        race.failed.connect(self._failed)
        race.over.connect(self._over)
        self.race = race
        self._tick.start()
        self.results.show_live()
        race.start()
        self.enable()

    def stop(self) -> None:
        """End the race; what was measured stays."""
        if self.race is not None:
            self.race.stop()

    def _began(self, key: str, handle: JobHandle) -> None:
        self.line.watch(handle)
        title = self.results.titles.get(key, key)
        self._say(f"Measuring {title}" if handle.exclusive else f"Building {title}", "muted")
        if handle.exclusive:
            self.live.start(key, self.results.titles[key], self.list.color(key))
            self.results.follow(key, self.live.counts(key))

    def _samples(self, key: str, samples: Samples) -> None:
        assert self.race is not None
        times = samples.times
        if samples.phase == "warmup":
            times = (times - self.race.plan.warmup).clip(max=-1e-9)
        self.live.add(key, times, samples.latencies * 1e3)

    def _measured(self, key: str, result: BenchResult) -> None:
        self.results.results[key] = result
        self._refresh_figures()

    def _failed(self, key: str, error: Exception) -> None:
        self._failures.append((self.results.titles.get(key, key), error))
        self._tell_failure()

    def _tell_failure(self) -> None:
        """Who failed, and why; shown again at the end, when no other contestant's progress stands there."""
        title, error = self._failures[-1]
        self.line.fail(error)
        if isinstance(error, AppError):
            others = len(self._failures) - 1
            more = f" ({others} more failed, see the log.)" if others else ""
            self.line.message.setText(f"{title}: {error.message}{more}")

    def _over(self) -> None:
        self._tick.stop()
        self._refresh_figures()
        self._conclude()
        if self._failures:
            self._tell_failure()
        self.enable()
        if self.race is not None:
            self.race.deleteLater()
            self.race = None

    # --- figures
    def _show(self, titles: dict[str, str], results: dict[str, BenchResult]) -> None:
        self._say("", "muted")
        self.place.setText("")
        self.results.begin(titles, results)
        self._refresh_figures()

    def _refresh_figures(self) -> None:
        results = self.results.results
        waiting = {key: self.live.counts(key) for key in self.results.titles if key not in results and self.live.has(key)}
        self.results.refresh(waiting if self.racing else {})
        latest = next(reversed(results.values()), None)
        if latest is not None:
            self.place.setText(verdict.place(latest))
            self.place.setToolTip(verdict.place_details(latest))

    def _conclude(self) -> None:
        done = [(self.results.titles[key], result) for key, result in self.results.results.items()]
        text, role = verdict.sentence(done)
        self._say(text, role)
        cautions = [f"{title}: {note}" for title, result in done for note in result.notes]
        self.sentence.setToolTip("\n".join([text, *cautions]))

    def _say(self, text: str, role: str) -> None:
        self.sentence.setText(text)
        self.sentence.setToolTip(text)
        if self.sentence.property("role") != role:
            self.sentence.setProperty("role", role)
            self.sentence.style().unpolish(self.sentence)
            self.sentence.style().polish(self.sentence)

    def _recall(self, chosen: list[tuple[str, BenchResult]]) -> None:
        """Past results side by side, as if they had just been measured."""
        if self.racing or not chosen:
            return
        titles = {f"past:{number}": title for number, (title, _) in enumerate(chosen)}
        self._show(titles, {f"past:{number}": result for number, (_, result) in enumerate(chosen)})
        self._conclude()
