"""The model in figures: what it is made of, what goes in and out, its operators, and what is odd about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QSizePolicy, QStackedLayout, QWidget

from core.history import Variant
from core.model import Summary
from gui import figures
from gui.actions import Action, needs_model
from gui.context import Context
from gui.graph.families import family
from gui.panels.base import Panel
from gui.widgets.empty import EmptyState
from gui.widgets.rows import Elided, Sections, pair

#: How many operators are listed before "Show all".
FIRST = 12


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
    )

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self._all = False
        self._off: Callable[[], object] = lambda: None
        self.sections = Sections("Summary of the model")
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
        self.pages.addWidget(self.sections)
        self.listen(ctx.session_changed, self._session)
        self.listen(ctx.theme.changed, self.refresh)
        self._session()

    def _session(self) -> None:
        self._off()
        self._off = lambda: None
        if self.ctx.session is not None:
            self._off = self.ctx.session.history.changed.connect(self.refresh)
        self.refresh()

    def release(self) -> None:
        self._off()
        super().release()

    def refresh(self) -> None:
        """Show the current variant."""
        session = self.ctx.session
        if session is None or session.history.head is None:
            self.pages.setCurrentIndex(0)
            return
        variant = session.history[session.history.head]
        root = session.history["v0"] if "v0" in session.history.variants else variant
        self.pages.setCurrentIndex(1)
        self._fill(variant, root)

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
        for word, value in rows(variant):
            sections.add(pair(word, value, tip=tips.get(word, ""), note=before.get(word, "")))
        if summary.warnings:
            sections.group("Worth knowing")
            for warning in summary.warnings:
                sections.add(_wrapped(warning, "warn"))
        for title, types in (("Inputs", summary.inputs), ("Outputs", summary.outputs)):
            sections.group(f"{title} ({len(types)})" if len(types) != 1 else title[:-1])
            for each in types:
                sections.add(pair(each.name, each.text().replace(each.dtype, f"{each.dtype} ", 1), tip=f"{each.name}: {each.text()}"))
        self._operators(summary)
        if summary.metadata:
            sections.group("Metadata")
            sections.pairs(sorted(summary.metadata.items()))
        sections.end()

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
