"""The model in figures: what it is made of, what goes in and out, its operators, and what is odd about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from core.history import Variant
from core.model import Summary, TensorType, model_page
from gui import figures
from gui.actions import Action, needs_model
from gui.context import Context
from gui.graph.families import family
from gui.inspect import metadata, model
from gui.inspect.draft import Draft, DraftBar
from gui.inspect.parts import text
from gui.inspect.signature import Signature
from gui.panels.base import Panel
from gui.widgets.empty import EmptyState
from gui.widgets.rows import Elided, Sections, pair

if TYPE_CHECKING:
    from core.model.model_page import ModelPage

#: How many operators are listed before "Show all", and how many inputs or outputs.
FIRST, ENDS = 12, 24
PAGE = "summary.page"


def rows(variant: Variant) -> list[tuple[str, str]]:
    """The figures of a variant as words and values."""
    summary = variant.summary
    macs = figures.short(summary.macs, "MACs")
    if summary.macs_missing:
        macs = f"at least {macs}" if summary.macs else "not known"
    return [
        ("File", variant.model.path.name),
        ("Producer", summary.producer or "not stated"),
        ("Opset", ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in sorted(summary.opsets.items()))),
        ("IR version", str(summary.ir_version)),
        ("Nodes", figures.whole(summary.nodes)),
        ("Parameters", figures.short(summary.parameters)),
        ("Compute", macs),
        ("Weights", figures.size(summary.weight_bytes)),
        ("Size", figures.size(variant.model.size)),
        ("Precision", summary.precision or "–"),
        *([("Functions", figures.whole(summary.functions))] if summary.functions else []),
    ]


def copy(ctx: Context) -> None:
    """The summary of the current variant as text, to the clipboard."""
    assert ctx.session is not None
    assert ctx.session.history.head is not None
    variant = ctx.session.history[ctx.session.history.head]
    lines = [f"{variant.title}", *(f"{word}\t{value}" for word, value in rows(variant))]
    lines += [f"Input\t{each.name}\t{each.text()}" for each in variant.summary.inputs]
    lines += [f"Output\t{each.name}\t{each.text()}" for each in variant.summary.outputs]
    lines += [f"{op}\t{count}" for op, count in ranked(variant.summary)]
    QApplication.clipboard().setText("\n".join(lines))
    ctx.notify.info("The summary is on the clipboard.")


def ranked(summary: Summary) -> list[tuple[str, int]]:
    """Operators, the most frequent first."""
    return sorted(summary.ops.items(), key=lambda item: (-item[1], item[0]))


def _edit(ctx: Context) -> None:
    if ctx.window is not None:
        ctx.window.show_panel(SummaryPanel.id)
    ctx.services["summary"].to_ends()


def cannot_apply(ctx: Context) -> str:
    """Why no edits can be applied now."""
    panel = ctx.services.get("summary")
    return needs_model(ctx) or (panel.bar.blocked() if isinstance(panel, SummaryPanel) else "Nothing was edited.")


class SummaryPanel(Panel):
    """Figures of the current variant, with how far they are from the model that was opened."""

    id = "summary"
    title = "Summary"
    area = "right"
    order = 20
    icon = "info"
    tip = "What the model is made of: figures, inputs, outputs, operators, warnings."
    ACTIONS = (
        Action(
            "summary.copy", "Copy summary", copy, menu="Model", group=80, icon="copy", blocked=needs_model, tip="Copy the figures as text."
        ),
        Action(
            "summary.edit", "Edit inputs and outputs here…", _edit, "Model", 81, "", "edit",
            "Rename inputs and outputs, fix or free their dims, edit the metadata.", needs_model,
        ),
        Action(
            "summary.apply", "Apply edits of inputs and outputs", lambda ctx: ctx.services["summary"].bar.apply(), "Model", 81, "", "check",
            "Make a variant with the names, dims and metadata that were edited in the summary.", cannot_apply,
        ),
    )  # fmt: skip

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        ctx.services["summary"] = self
        self._all = self._all_functions = False
        self._open = {"Inputs": False, "Outputs": False}
        self._asked_key: str | None = None
        self._shown = ""
        self.page: ModelPage | None = None
        self._off: Callable[[], object] = lambda: None
        self.draft = Draft()
        self.bar = DraftBar(ctx, self.draft)
        self.sections = Sections("Summary of the model")
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.sections, 1)
        column.addWidget(self.bar)
        empty = EmptyState(
            "info",
            "No model is open",
            "Open an ONNX file to see what it is made of.",
            "Open model…",
            lambda: ctx.window is not None and ctx.window.act("file.open"),
            theme=ctx.theme,
        )
        self.pages = QStackedLayout(self)
        self.pages.addWidget(empty)
        self.pages.addWidget(page)
        self._entries: dict[str, str] = {}
        self.listen(self.draft.changed, self._edited)
        self.listen(ctx.session_changed, self._session)
        self.listen(ctx.theme.changed, self.refresh)
        self._session()

    def _session(self) -> None:
        self.draft.clear()
        self._off()
        self._off = lambda: None
        if self.ctx.session is not None:
            self._off = self.ctx.session.history.changed.connect(self.refresh)
        self.refresh()

    def release(self) -> None:
        self._off()
        self.bar.release()
        self.ctx.document.forget(PAGE)
        if self.ctx.services.get("summary") is self:
            del self.ctx.services["summary"]
        super().release()

    def refresh(self) -> None:
        """Show the current variant."""
        session = self.ctx.session
        if session is None or session.history.head is None:
            self._shown, self.page = "", None
            self.pages.setCurrentIndex(0)
            return
        variant = session.history[session.history.head]
        if variant.model.fingerprint != self._shown:
            self._shown, self.page, self._asked_key = variant.model.fingerprint, None, None
            self.draft.clear()  # edits are of the variant that they were made on
            self._ask(variant)
        elif any(each.editor is not None for each in self.sections.findChildren(Signature)):
            return  # what is being typed stays
        root = session.history["v0"] if "v0" in session.history.variants else variant
        self.pages.setCurrentIndex(1)
        self._fill(variant, root)

    def _edited(self) -> None:
        """An edit more or less: rows of metadata come and go, the rest is drawn where it stands (and keeps the keyboard)."""
        for each in self.sections.findChildren(Signature):
            each.edited()
        if self.draft.metadata != self._entries:
            self._entries = dict(self.draft.metadata)
            QTimer.singleShot(0, self, self.refresh)  # not from within a row that goes

    def _ask(self, variant: Variant) -> None:
        def done(page: ModelPage) -> None:
            if self._shown == variant.model.fingerprint:
                self.page = page
                self.refresh()

        self.ctx.document.ask(model_page.model_page, variant.model, on_done=done, key=PAGE)

    def _fill(self, variant: Variant, root: Variant) -> None:
        summary, sections = variant.summary, self.sections
        before = {
            "Nodes": figures.change(root.summary.nodes, summary.nodes),
            "Parameters": figures.change(root.summary.parameters, summary.parameters),
            "Compute": figures.change(root.summary.macs, summary.macs),
            "Weights": figures.change(root.summary.weight_bytes, summary.weight_bytes),
            "Size": figures.change(root.model.size, variant.model.size),
        }
        sections.begin()
        sections.group("Model")
        name = Elided(variant.title, "strong")
        name.setFixedHeight(24)
        sections.add(name)
        tips = {
            "Compute": f"Multiply-accumulates of one inference, symbolic dims taken as 1. {summary.macs_missing} nodes have no known shape."
            if summary.macs_missing
            else "Multiply-accumulates of one inference, symbolic dims taken as 1.",
            "File": str(variant.model.path),
            "Parameters": f"{figures.whole(summary.parameters)} in {figures.plural(summary.initializers, 'initializer')}",
        }
        for word, value in (*rows(variant), *(model.more(self.page) if self.page is not None else ())):
            sections.add(pair(word, value, tip=tips.get(word, ""), note=before.get(word, "")))
        if summary.warnings:
            sections.group("Worth knowing")
            for warning in summary.warnings:
                sections.add(_wrapped(warning, "warn"))
        places = Counter(dim for each in (*summary.inputs, *summary.outputs) for dim in each.shape or () if isinstance(dim, str))
        for title, types in (("Inputs", summary.inputs), ("Outputs", summary.outputs)):
            self._ends(title, types, places)
        self._operators(summary)
        if self.page is not None:
            model.domains(sections, self.page)
            model.functions(sections, self.page, self._all_functions, self._toggle_functions)
            if self.page.doc:
                sections.group("Description")
                sections.add(text(self.page.doc[:4000], "muted"))
            metadata.fill(self.ctx, sections, self.page.metadata, self.draft, self._ask_key, self._asked_key)
        sections.end()
        if self._asked_key is not None and (editor := sections.findChild(metadata.Editor)) is not None:
            (editor.value if self._asked_key else editor.key).setFocus()

    def _ends(self, title: str, types: tuple[TensorType, ...], places: Counter[str]) -> None:
        """Inputs or outputs: the name and each dim can be edited."""
        self.sections.group(f"{title} ({len(types)})" if len(types) != 1 else title[:-1])
        for each in types if self._open[title] else types[:ENDS]:
            self.sections.add(Signature(self.ctx.theme, each, self.draft, places))
        if types and title == "Outputs":
            self.sections.add(text("Double click a name or a dim to edit it.", "small"))
        if len(types) > ENDS:
            button = QPushButton("Show fewer" if self._open[title] else f"Show all {len(types)}")
            button.setProperty("role", "link")
            button.clicked.connect(lambda *_: self._toggle_ends(title))
            self.sections.add(button)

    def _toggle_ends(self, title: str) -> None:
        self._open[title] = not self._open[title]
        self.refresh()

    def _toggle_functions(self) -> None:
        self._all_functions = not self._all_functions
        self.refresh()

    def _ask_key(self, key: str | None) -> None:
        """Edit an entry of the metadata (empty: a new one; None: none)."""
        self._asked_key = key
        QTimer.singleShot(0, self, self.refresh)  # not from within a row that goes

    def to_ends(self) -> None:
        """Bring the first input, or output, into view, ready to be edited."""
        first = self.sections.findChild(Signature)
        if first is not None:
            self.sections.ensureWidgetVisible(first)
            first.setFocus()

    def _operators(self, summary: Summary) -> None:
        ops = ranked(summary)
        self.sections.group(f"Operators ({len(ops)})")
        if not ops:
            self.sections.add(_wrapped("This graph has no nodes: its outputs are its inputs or constants.", "muted"))
            return
        most = ops[0][1]
        for op, count in ops if self._all else ops[:FIRST]:
            self.sections.add(Bar(op, count, most, self.ctx))
        if len(ops) > FIRST:
            button = QPushButton("Show fewer" if self._all else f"Show all {len(ops)}")
            button.setProperty("role", "link")
            button.clicked.connect(lambda *_: self._toggle())
            self.sections.add(button)

    def _toggle(self) -> None:
        self._all = not self._all
        self.refresh()


class Bar(QWidget):
    """One operator: its name, a bar, its count."""

    def __init__(self, op: str, count: int, most: int, ctx: Context) -> None:
        super().__init__()
        self.op, self.count, self.most, self.ctx = op, count, most, ctx
        self.setFixedHeight(22)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{op}: {count}")
        self.setToolTip(f"{op}: {figures.plural(count, 'node')}")

    def sizeHint(self) -> QSize:
        return QSize(120, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self.ctx.theme
        width, height = self.width(), self.height()
        number = figures.whole(self.count)
        right = max(40, self.fontMetrics().horizontalAdvance(number) + 4)
        left = min(176, round(width * 0.52))
        painter.setPen(theme.color("text"))
        name = self.fontMetrics().elidedText(self.op, Qt.TextElideMode.ElideMiddle, left - 8)
        painter.drawText(QRectF(0, 0, left, height), int(Qt.AlignmentFlag.AlignVCenter), name)
        painter.drawText(QRectF(width - right, 0, right, height), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), number)
        room = width - left - right - 8
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(QRectF(left, height / 2 - 3, room, 6), 3, 3)
        painter.setBrush(theme.color(f"family.{family(self.op)}"))
        painter.drawRoundedRect(QRectF(left, height / 2 - 3, max(6.0, room * self.count / self.most), 6), 3, 3)


def _wrapped(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setContentsMargins(0, 3, 0, 3)
    return label
