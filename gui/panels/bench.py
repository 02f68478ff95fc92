"""The race: contestants measured one after the other, their latencies live, and a sentence that says who is faster."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QIcon, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
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
from gui import figures, icons, verdict
from gui.actions import Action, needs_model
from gui.context import Context
from gui.empty import EmptyState
from gui.follow import Follow
from gui.forms import Form
from gui.jobline import JobLine
from gui.jobs import JobHandle
from gui.panels.base import Panel
from gui.plots import library
from gui.plots.bars import Bar, BarsPlot
from gui.plots.histogram import HistogramPlot
from gui.plots.live import LivePlot
from gui.plots.scatter import Point, ScatterPlot
from gui.race import DEFAULT_BACKEND, Contestant, Race
from gui.rows import Elided
from gui.table import Column, Table

KEY = Qt.ItemDataRole.UserRole
REFRESH_MS = 200


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
        self._checked: dict[str, bool] = {}
        self._contestants: dict[str, Contestant] = {}
        self._colors: dict[str, int] = {}
        self._results: dict[str, BenchResult] = {}
        self._titles: dict[str, str] = {}
        self._past: list[tuple[str, BenchResult]] = []
        self._filling = False
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
        self.listen(ctx.theme.changed, self.refresh)
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
        split.addWidget(self._left())
        split.addWidget(self.live)
        split.addWidget(self._right())
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 3)
        split.setStretchFactor(2, 2)
        split.setSizes([190, 370, 350])
        column.addWidget(split, 1)
        return page

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
        self.list = QListWidget()
        self.list.setAccessibleName("Contestants")
        self.list.setIconSize(QSize(12, 12))
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemChanged.connect(self._toggled)
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
        self.line.layout().setContentsMargins(8, 2, 8, 4)
        box = QWidget()
        box.setMinimumWidth(180)
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.left, 1)
        column.addWidget(self.line)
        return box

    def _right(self) -> QWidget:
        ms = figures.milliseconds
        self.table = Table(
            [
                Column("title", "Contestant", icon=self._swatch_of),
                *(Column(id, head, "right", 98, tip, ms) for id, head, tip in verdict.PERCENTILES),
                Column("mean", "Mean", "right", 98, "Arithmetic mean", ms),
                Column("throughput", "Per second", "right", 84, "Inferences per second", lambda v: figures.short(v)),
                Column("count", "n", "right", 72, "Inferences that were measured", figures.whole),
                Column("interval", "Median, 95 %", "right", 130, "Where the true median lies with 95 % confidence (bootstrap)"),
            ]
        )
        self.table.setAccessibleName("Percentiles")
        self.table.horizontalHeader().setSectionResizeMode(0, self.table.horizontalHeader().ResizeMode.Interactive)
        self.table.setColumnWidth(0, 150)
        self.histogram = HistogramPlot(self.ctx.theme)
        self.bars = BarsPlot(
            self.ctx.theme, title="Medians", measure="Median latency", unit="ms", empty="Medians with their intervals appear after a race."
        )
        self.scatter = ScatterPlot(
            self.ctx.theme, title="Size and latency", x="Size", x_unit="MB", y="Median latency", y_unit="ms",
            empty="Variants that were raced appear here: size against latency.",
        )  # fmt: skip
        self.scatter.on_pick = lambda id: self.ctx.session is not None and self.ctx.session.history.goto(id)
        self.past = Table(
            [
                Column("created", "When", width=146),
                Column("title", "Contestant"),
                Column("p50", "p50", "right", 98, "Median", ms),
                Column("p99", "p99", "right", 98, "99th percentile", ms),
                Column("batch", "Batch", "right", 56),
                Column("seconds", "Time", "right", 60, "How long it was measured", figures.seconds),
                Column("data", "Inputs", width=110),
            ]
        )
        self.past.setAccessibleName("Past results")
        self.past.setToolTip("Select results to see them side by side.")
        self.past.selection_changed.connect(self._recall)
        self.right = QTabWidget()
        self.right.setDocumentMode(True)
        for widget, title in (
            (self.table, "Table"),
            (self.histogram, "Histogram"),
            (self.bars, "Bars"),
            (self.scatter, "Pareto"),
            (self.past, "Past"),
        ):
            self.right.addTab(widget, title)
        self.right.setMinimumWidth(300)
        return self.right

    def release(self) -> None:
        self._tick.stop()
        self._follow.release()
        if self.race is not None:
            self.race.stop()
        for plot in (self.live, self.histogram, self.bars, self.scatter):
            plot.release()
        library.settle()
        for name in ("bench", "bench.start", "bench.offer"):
            self.ctx.services.pop(name, None)
        super().release()

    def showEvent(self, event: QShowEvent) -> None:
        """Have the plotting library ready by the time that it is needed."""
        super().showEvent(event)
        if self.ctx.session is not None:
            library.preload()

    # --- contestants
    def _another(self) -> None:
        if self.race is not None:
            self.race.stop()
        self._checked.clear()
        self._colors.clear()
        self._show({}, {})
        self.live.clear()
        if self.isVisible():
            library.preload()

    def refresh(self) -> None:
        """List the contestants that there are, and what was measured before."""
        session = self.ctx.session
        if session is None or session.history.head is None:
            self.pages.setCurrentIndex(0)
            return
        self.pages.setCurrentIndex(1)
        found = verdict.contestants(session)
        head, root = session.history.head, session.history.root
        self._contestants = {each.key: each for each in found}
        states = self.ctx.services.get("availability", {})
        self._filling = True
        self.list.clear()
        latest = {}
        for each in found:
            if each.variant in (head, root.id if root else ""):
                latest[each.variant] = each.key
        self._inherit(found)
        short = verdict.names(session, found)
        for each in found:
            item = QListWidgetItem(short[each.key])
            item.setData(KEY, each.key)
            item.setIcon(self._swatch(self._color(each.key)))
            state = states.get(each.engine.backend) if each.engine is not None else None
            off = state is not None and not state.can_run
            item.setFlags(
                Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable | (Qt.ItemFlag(0) if off else Qt.ItemFlag.ItemIsEnabled)
            )
            checked = not off and self._checked.get(each.key, each.key in latest.values())
            item.setCheckState(Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked)
            tip = each.title if each.engine is not None else f"{each.title}\nIt is built when the race starts."
            item.setToolTip(f"{each.title}\nCannot run here: {state.reason}. {state.hint}" if off and state is not None else tip)
            self.list.addItem(item)
        self._filling = False
        self._show_past()
        self._show_scatter()
        self.enable()

    def _inherit(self, found: list[Contestant]) -> None:
        """An engine that was just built for the race keeps the colour that its contestant had before there was one."""
        for each in found:
            before = f"{each.variant}:default"
            if (
                each.engine is not None
                and each.engine.backend == DEFAULT_BACKEND
                and each.key not in self._colors
                and before in self._colors
            ):
                self._colors[each.key] = self._colors[before]
                self._checked.setdefault(each.key, self._checked.get(before, True))

    def _color(self, key: str) -> int:
        return self._colors.setdefault(key, len(self._colors))

    def _swatch(self, number: int) -> QIcon:
        picture = QPixmap(24, 24)
        picture.setDevicePixelRatio(2.0)
        picture.fill(QColor(self.ctx.theme.series(number)))
        return QIcon(picture)

    def _swatch_of(self, title: object) -> QIcon | None:
        key = next((key for key, known in self._titles.items() if known == title), None)
        return None if key is None else self._swatch(self._color(key))

    def _toggled(self, item: QListWidgetItem) -> None:
        if not self._filling:
            self._checked[str(item.data(KEY))] = item.checkState() == Qt.CheckState.Checked
            self.enable()

    def offer(self, engine: Engine) -> None:
        """Check this engine, and no other."""
        for key, each in self._contestants.items():
            self._checked[key] = each.engine is not None and each.engine.path == engine.path
        self.refresh()

    def check(self, keys: set[str]) -> None:
        """Check these contestants, and no others."""
        for key in self._contestants:
            self._checked[key] = key in keys
        self.refresh()

    def checked(self) -> tuple[Contestant, ...]:
        """Who takes part."""
        items = [self.list.item(row) for row in range(self.list.count())]
        return tuple(self._contestants[str(item.data(KEY))] for item in items if item.checkState() == Qt.CheckState.Checked)

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
        if not self.checked():
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
        contestants = self.checked()
        self.line.clear()
        self.live.clear()
        self.pause_button.setChecked(False)
        self._show({}, verdict.names(session, contestants))
        race = Race(self.ctx, session, contestants, plan, self)
        race.began.connect(self._began)
        race.samples.connect(self._samples)
        race.measured.connect(self._measured)
        race.failed.connect(self._failed)
        race.over.connect(self._over)
        self.race = race
        self._tick.start()
        race.start()
        self.enable()

    def stop(self) -> None:
        """End the race; what was measured stays."""
        if self.race is not None:
            self.race.stop()

    def _began(self, key: str, handle: JobHandle) -> None:
        self.line.watch(handle)
        self._say(f"Measuring {self._titles.get(key, key)}" if handle.exclusive else f"Building {self._titles.get(key, key)}", "muted")
        if handle.exclusive:
            self.live.start(key, self._titles[key], self._color(key))
            self.histogram.show_counts(key, self._titles[key], self._color(key), self.live.counts(key))

    def _samples(self, key: str, samples: Samples) -> None:
        assert self.race is not None
        times = samples.times
        if samples.phase == "warmup":
            times = (times - self.race.plan.warmup).clip(max=-1e-9)
        self.live.add(key, times, samples.latencies * 1e3)

    def _measured(self, key: str, result: BenchResult) -> None:
        self._results[key] = result
        self._refresh_figures()

    def _failed(self, key: str, error: Exception) -> None:
        self.line.fail(error)
        if isinstance(error, AppError):
            self.line.message.setText(f"{self._titles.get(key, key)}: {error.message}")

    def _over(self) -> None:
        self._tick.stop()
        self._refresh_figures()
        self._conclude()
        self.enable()
        if self.race is not None:
            self.race.deleteLater()
            self.race = None

    # --- figures
    def _show(self, results: dict[str, BenchResult], titles: dict[str, str]) -> None:
        self._results = results
        self._titles = titles
        self.histogram.clear()
        self._say("", "muted")
        self.place.setText("")
        self._refresh_figures()

    def _refresh_figures(self) -> None:
        rows, bars = [], []
        for key, title in self._titles.items():
            result = self._results.get(key)
            if result is not None:
                rows.append(verdict.row(title, result.stats))
                stats = result.stats
                bars.append(Bar(title, stats.p50, stats.p50_low, stats.p50_high, self._color(key)))
            elif self.racing and self.live.has(key):
                rows.append(verdict.live_row(title, self.live.counts(key)))
        self.table.set_rows(rows)
        if tuple(bars) != self.bars.bars:
            self.bars.set_bars(tuple(bars))
        self.histogram.refresh()
        latest = next(reversed(self._results.values()), None)
        if latest is not None:
            self.place.setText(verdict.place(latest))
            self.place.setToolTip(verdict.place_details(latest))

    def _conclude(self) -> None:
        done = [(self._titles[key], result) for key, result in self._results.items()]
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

    def _show_past(self) -> None:
        assert self.ctx.session is not None
        history, found = self.ctx.session.history, []
        for id, results in self.ctx.session.results.benches.items():
            if id in history.variants:
                found += [(f"{history[id].title} · {verdict.engine_title(each)}", each) for each in results]
        self._past = sorted(found, key=lambda pair: pair[1].created, reverse=True)
        self.past.set_rows(
            [
                (
                    verdict.when(each.created),
                    title,
                    each.stats.p50,
                    each.stats.p99,
                    each.plan.get("batch", 1),
                    each.extra.get("seconds"),
                    each.data,
                )
                for title, each in self._past
            ]
        )

    def _recall(self, rows: list[int]) -> None:
        """Past results side by side, as if they had just been measured."""
        if self.racing or not rows:
            return
        import numpy as np

        from gui.plots.series import Counts

        chosen = {f"past:{row}": self._past[row] for row in rows if row < len(self._past)}
        self._show({key: result for key, (_, result) in chosen.items()}, {key: title for key, (title, _) in chosen.items()})
        for key, (title, result) in chosen.items():
            counts = Counts()
            counts.add(np.asarray(result.latencies))
            self.histogram.show_counts(key, title, self._color(key), counts)
        self._conclude()

    def _show_scatter(self) -> None:
        session = self.ctx.session
        assert session is not None
        points = []
        for number, variant in enumerate(session.history.variants.values()):
            stats = session.latency(variant.id)
            if stats is not None:
                points.append(
                    Point(variant.id, variant.title, variant.model.size / 1e6, stats.p50, number, variant.id == session.history.head)
                )
        if tuple(points) != self.scatter.points:
            self.scatter.set_points(tuple(points))
