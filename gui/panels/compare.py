"""How far two variants are apart: outputs on the same inputs, and accuracy where there are labels."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedLayout,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from core.compare import Comparison
from core.compare import outputs as compare_outputs
from core.data import DataSpec
from core.errors import UsageError
from core.history import Variant
from gui import figures
from gui.actions import Action, needs_model
from gui.context import Context
from gui.follow import Follow
from gui.forms import Form
from gui.panels.base import Panel
from gui.table import Column, Table
from gui.widgets.empty import EmptyState
from gui.widgets.fields import field
from gui.widgets.jobline import JobLine
from gui.widgets.rows import Elided


def _panel(ctx: Context) -> ComparePanel:
    if ctx.window is not None:
        ctx.window.show_panel(ComparePanel.id)
    panel = ctx.services["compare"]
    assert isinstance(panel, ComparePanel)
    return panel


def cannot_compare(ctx: Context) -> str:
    """Why nothing can be compared now."""
    panel = ctx.services.get("compare")
    return needs_model(ctx) or (panel.blocked() if isinstance(panel, ComparePanel) else "")


def error_text(value: float) -> str:
    """An error: short, in scientific notation where it is very small."""
    if value == 0:
        return "0"
    return f"{value:.2e}" if abs(value) < 1e-3 or abs(value) >= 1e5 else f"{value:.4g}"


def decibel(value: float) -> str:
    """SQNR: `38.2 dB`, `∞` when equal."""
    return "∞" if value == float("inf") else figures.NONE if value != value else f"{value:.1f}{figures.THIN}dB"


class ComparePanel(Panel):
    """A is what B is measured from; unless chosen otherwise, the model that was opened and the current variant."""

    id = "compare"
    title = "Compare"
    area = "bottom"
    order = 20
    icon = "compare"
    tip = "How far the outputs and the accuracy of two variants are apart."
    ACTIONS = (
        Action(
            "compare.start", "Compare", lambda ctx: _panel(ctx).compare(), "Race", 40, "Ctrl+D", "compare",
            "Run both variants on the same inputs and compare what comes out.", cannot_compare,
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services.update({"compare": self, "compare.offer": self.offer})
        self._filling = False
        self._chosen: tuple[str, str] | None = None
        self._history: list[tuple[str, Comparison]] = []
        self.comparison: Comparison | None = None
        empty = EmptyState(
            "compare",
            "Open a model to compare its variants",
            "Run two variants on the same inputs and see how far their outputs, and their accuracy, are apart.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        self.pages = QStackedLayout(self)
        self.pages.addWidget(empty)
        self.pages.addWidget(self._page())
        self.listen(ctx.theme.changed, self.refresh)
        self._follow = Follow(ctx, self.refresh, opened=self._another)
        self.refresh()

    # --- making
    def _page(self) -> QWidget:
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self._left())
        split.addWidget(self._right())
        split.setStretchFactor(1, 1)
        split.setSizes([244, 800])
        return split

    def _left(self) -> QWidget:
        self.a, self.b = QComboBox(), QComboBox()
        page = QWidget()
        page.setObjectName("page")
        column = QVBoxLayout(page)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(6)
        for box, word, tip in ((self.a, "A", "What B is measured from"), (self.b, "B", "What is measured")):
            box.setToolTip(tip)
            box.setAccessibleName(f"{word}: {tip}")
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.currentIndexChanged.connect(self._picked)
            label = QLabel(word)
            label.setProperty("role", "muted")
            label.setFixedWidth(14)
            label.setBuddy(box)
            row = QHBoxLayout()
            row.setSpacing(6)
            row.addWidget(label)
            row.addWidget(box, 1)
            column.addLayout(row)
        self.form: Form[DataSpec] = Form(DataSpec)
        self.form.changed.connect(self.enable)
        column.addWidget(self.form)
        labels = QLabel("Labels (empty: those of the data)")
        labels.setProperty("role", "muted")
        self.labels = field(LABELS)
        self.labels.setToolTip(LABELS.help)
        labels.setBuddy(self.labels)
        column.addWidget(labels)
        column.addWidget(self.labels)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        self.button = QPushButton("Compare")
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(lambda *_: self.compare())
        self.line = JobLine(self.ctx)
        foot = QVBoxLayout()
        foot.setContentsMargins(10, 4, 10, 8)
        foot.setSpacing(2)
        foot.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        foot.addWidget(self.line)
        side = QWidget()
        side.setMinimumWidth(230)
        whole = QVBoxLayout(side)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scroll, 1)
        whole.addLayout(foot)
        return side

    def _right(self) -> QWidget:
        self.sentence = QLabel("Choose two variants and press Compare.")
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details = Elided("", "small", mode=Qt.TextElideMode.ElideRight)
        self.notes = QLabel()
        self.notes.setProperty("role", "warn")
        self.notes.setWordWrap(True)
        self.notes.setTextFormat(Qt.TextFormat.PlainText)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.notes.hide()
        theme = self.ctx.theme
        self.table = Table(
            [
                Column("name", "Output"),
                Column("max", "Max", "right", 74, "Error: largest absolute difference", error_text),
                Column("mean", "Mean", "right", 74, "Error: mean absolute difference", error_text),
                Column("cosine", "Cosine", "right", 78, "Cosine of the flattened outputs, mean over samples", lambda v: f"{v:.5f}"),
                Column("sqnr", "SQNR", "right", 76, "Signal to quantization noise: 10 log10(Σa² / Σ(a−b)²)", decibel),
                Column("top1", "Top-1", "right", 78, "Share of rows whose largest element is at the same place", figures.share),
                Column("state", "", width=76, colour=lambda v: theme.color("bad") if v == "not finite" else theme.color("ok")),
            ]
        )
        self.table.setAccessibleName("Errors of each output")
        self.past = Table(
            [
                Column("a", "A", width=120),
                Column("b", "B", width=140),
                Column("sqnr", "SQNR", "right", 84, "The lowest of all outputs", decibel),
                Column("top1", "Top-1", "right", 78, "Share of rows whose largest element is at the same place", figures.share),
                Column("before", "Accuracy A", "right", 106, "Top-1 against labels", figures.share),
                Column("after", "Accuracy B", "right", 106, "Top-1 against labels", figures.share),
                Column("samples", "Samples", "right", 84),
                Column("data", "Inputs", width=170),
            ]
        )
        self.past.setAccessibleName("Comparisons of this session")
        self.past.selection_changed.connect(lambda rows: rows and self.show_comparison(*self._history[rows[0]]))
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(10, 8, 0, 0)
        column.setSpacing(4)
        for widget in (self.sentence, self.details, self.notes):
            column.addWidget(widget)
        column.addWidget(self.table, 1)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(page, "Outputs")
        self.tabs.addTab(self.past, "Past")
        return self.tabs

    def release(self) -> None:
        self._follow.release()
        for name in ("compare", "compare.offer"):
            self.ctx.services.pop(name, None)
        super().release()

    # --- who
    def _another(self) -> None:
        self._chosen = None
        self.comparison = None
        self.line.clear()
        self._clear()

    def refresh(self) -> None:
        """List the variants and the comparisons that were made."""
        session = self.ctx.session
        if session is None or session.history.root is None or session.history.head is None:
            self.pages.setCurrentIndex(0)
            return
        self.pages.setCurrentIndex(1)
        variants = session.history.variants
        if self._chosen is not None and not all(id in variants for id in self._chosen):
            self._chosen = None
        a, b = self._chosen or (session.history.root.id, session.history.head)
        self._filling = True
        for box, id in ((self.a, a), (self.b, b)):
            box.clear()
            titles = [variant.title for variant in variants.values()]
            for variant in variants.values():
                again = titles.count(variant.title) > 1
                box.addItem(f"{variant.title} ({variant.id})" if again else variant.title, variant.id)
            box.setCurrentIndex(box.findData(id))
        self._filling = False
        self._list_past()
        self.enable()

    def _picked(self) -> None:
        if not self._filling:
            self._chosen = (str(self.a.currentData()), str(self.b.currentData()))
            self.enable()

    def offer(self, a: str, b: str) -> None:
        """Choose two variants, as the variants panel asks."""
        self._chosen = (a, b)
        self.refresh()

    def pair(self) -> tuple[Variant, Variant] | None:
        """The two that are chosen."""
        session = self.ctx.session
        if session is None or self.a.currentData() is None or self.b.currentData() is None:
            return None
        return session.history[self.a.currentData()], session.history[self.b.currentData()]

    def blocked(self) -> str:
        """Why nothing can be compared now."""
        pair = self.pair()
        if pair is None:
            return "Open a model first."
        if self.line.busy:
            return "A comparison is running."
        if pair[0].id == pair[1].id:
            return "A and B are the same variant: apply a pass first, or choose another."
        if not self.form.valid:
            return "Some options are out of range."
        return ""

    def enable(self) -> None:
        """The button says why it is off."""
        reason = self.blocked()
        self.button.setEnabled(not reason)
        self.button.setToolTip(reason or "Compare (Ctrl+D)")
        if self.comparison is None:
            self.sentence.setText(reason or "Press Compare to run both on the same inputs.")

    # --- compare
    def compare(self) -> None:
        """Run both on the same inputs."""
        session, pair = self.ctx.session, self.pair()
        if session is None or pair is None or self.blocked():
            return
        try:
            spec = self.form.value()
        except UsageError:
            self.enable()
            return
        a, b = pair

        def done(comparison: Comparison) -> None:
            if self.ctx.session is session and a.id in session.history.variants and b.id in session.history.variants:
                session.add_comparison(b.id, comparison, against=a.id)
                self.tabs.setCurrentIndex(0)
                self.show_comparison(f"{a.title}\n{b.title}", comparison)

        handle = self.ctx.jobs.start(
            compare_outputs.compare,
            a.model,
            b.model,
            spec,
            str(self.labels.get()),
            title=f"Compare {a.title} with {b.title}",
            short=f"Compare {b.title}",
            on_done=done,
            on_error=self.line.fail,
        )
        self.line.watch(handle)
        handle.ended.connect(self.enable)
        self.enable()

    # --- shown
    def _clear(self) -> None:
        self.table.set_rows([])
        self.details.setText("")
        self.notes.hide()
        _role(self.sentence, "muted")

    def show_comparison(self, names: str, comparison: Comparison) -> None:
        """Show a comparison; `names` holds the titles of A and B on two lines."""
        self.comparison = comparison
        a, _, b = names.partition("\n")
        text, role = summary(a, b, comparison)
        self.sentence.setText(text)
        _role(self.sentence, role)
        samples = figures.plural(comparison.samples, "sample")
        self.details.setText(f"{b} against {a} · {samples} · {comparison.data} · {figures.seconds(comparison.seconds)}")
        self.notes.setText("\n".join(note.removeprefix("Warning: ") for note in comparison.notes))
        self.notes.setVisible(bool(comparison.notes))
        rows: list[tuple[Any, ...]] = []
        for each in comparison.outputs:
            state = "not finite" if not each.finite else "equal" if each.equal else ""
            rows.append((each.name, each.max_abs, each.mean_abs, each.cosine, each.sqnr, each.top1, state))
        self.table.set_rows(rows)
        self.table.setColumnHidden(6, not any(row[-1] for row in rows))

    def _list_past(self) -> None:
        session = self.ctx.session
        assert session is not None
        titles = {variant.model.fingerprint: variant.title for variant in reversed(session.history.variants.values())}
        self._history = []
        rows: list[tuple[Any, ...]] = []
        for id, comparisons in session.results.comparisons.items():
            for each in comparisons:
                a, b = titles.get(each.a, "removed"), session.history[id].title if id in session.history.variants else "removed"
                self._history.append((f"{a}\n{b}", each))
                sqnr = min((out.sqnr for out in each.outputs), default=float("nan"))
                top1 = min((out.top1 for out in each.outputs if out.top1 is not None), default=None)
                rows.append((a, b, sqnr, top1, each.accuracy_a, each.accuracy_b, each.samples, each.data))
        self.past.set_rows(rows)
        self.tabs.setTabText(1, f"Past ({len(rows)})" if rows else "Past")


def summary(a: str, b: str, comparison: Comparison) -> tuple[str, str]:
    """A comparison in one sentence, and the role (colour) of the words."""
    if comparison.outputs and all(each.equal for each in comparison.outputs):
        said, role = f"{b} computes exactly what {a} does.", "ok"
    elif any(not each.finite for each in comparison.outputs):
        return "Some outputs are not finite (NaN or infinity).", "error"
    else:
        worst = min(comparison.outputs, key=lambda each: each.sqnr, default=None)
        parts = []
        if worst is not None:
            one = len(comparison.outputs) == 1
            parts.append(f"SQNR {decibel(worst.sqnr)}" if one else f"Lowest SQNR {decibel(worst.sqnr)} ({worst.name})")
            agree = [each.top1 for each in comparison.outputs if each.top1 is not None]
            if agree:
                parts.append(f"same top-1 in {figures.share(min(agree))} of rows")
        said, role = "; ".join(parts) + ".", ""
    if comparison.accuracy_a is not None and comparison.accuracy_b is not None:
        change = 100 * (comparison.accuracy_b - comparison.accuracy_a)
        sign = "no change" if abs(change) < 5e-3 else f"{change:+.1f} points".replace("-", figures.MINUS)
        said += f" Accuracy {figures.share(comparison.accuracy_a)} before, {figures.share(comparison.accuracy_b)} after ({sign})."
        role = role or ("ok" if change >= -0.5 else "warn")
    return said, role


def _role(label: QLabel, role: str) -> None:
    if label.property("role") != role:
        label.setProperty("role", role)
        label.style().unpolish(label)
        label.style().polish(label)


def _labels_spec() -> Any:
    from core.params import Spec

    help = "Labels of the data, one a sample: .npy, .npz, .csv or .txt (empty: those that come with the data)"
    return Spec("labels", str, "", help, "Labels", kind="file")


LABELS = _labels_spec()
