"""How a weight's values are spread: the histogram, and range, mean, zeros and what is no number in figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from core.model import weights
from gui import figures
from gui.context import Context
from gui.graph.histogram import Histogram, number
from gui.weights.view import Looking, WeightView
from gui.widgets.rows import Sections, empty_out, pair

if TYPE_CHECKING:
    from core.model.weight_page import WeightPage
    from core.model.weights import Tally, WeightStats

_SIDE = 236


class Overview(WeightView):
    """`measured` is told of the share of zeros of every weight that was read."""

    title = "Spread"
    key = "spread"
    tip = "Histogram, range, mean, zeros, NaN and infinity"

    def __init__(self, ctx: Context, looking: Looking, measured: Callable[[str, float], object]) -> None:
        super().__init__(ctx, looking)
        self._measured = measured
        self.stats: WeightStats | None = None
        self.log = QCheckBox("Logarithmic counts")
        self.log.setToolTip("Draw the logarithm of the counts: what is rare can be seen")
        self.log.toggled.connect(lambda *_: self._draw())
        self.controls.addStretch(1)
        self.controls.addWidget(self.log)
        self.picture = QVBoxLayout()
        self.picture.setContentsMargins(12, 0, 8, 6)
        left = QWidget()
        left.setLayout(self.picture)
        self.figures = Sections("Statistics of the weight")
        self.figures.setFixedWidth(_SIDE)
        row = QHBoxLayout(self.body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(left, 1)
        row.addWidget(self.figures)

    def question(self) -> tuple[Any, ...] | None:
        page = self.looking.page
        return (weights.measure, self.looking.model, page.name) if page is not None else None

    def prepare(self, page: WeightPage) -> None:
        self.stats = None

    def fill(self, part: Tally) -> None:
        if not part.over:
            self.say("Reading…")
            return
        self.stats = part.stats()
        self._measured(part.name, self.stats.zeros)
        self._draw()
        self._say(self.stats, part.total)

    def _draw(self) -> None:
        if self.stats is None:
            return
        empty_out(self.picture)
        if self.stats.histogram:
            self.picture.addWidget(
                Histogram(self.ctx.theme, self.stats.histogram, self.stats.edges, self.stats.name, tall=True, log=self.log.isChecked())
            )

    def _say(self, stats: WeightStats, total: int) -> None:
        sections = self.figures
        sections.begin()
        sections.group("")
        known = stats.min == stats.min
        if known and total == 1:
            sections.add(pair("Value", number(stats.min)))
        elif known:
            sections.add(
                pair("Least", number(stats.min)),
                pair("Largest", number(stats.max)),
                pair("Mean", number(stats.mean)),
                pair("Spread", number(stats.std), tip="Standard deviation"),
                pair("Zeros", f"{figures.whole(round(stats.zeros * total))} · {figures.share(stats.zeros)}"),
            )
        else:
            sections.add(pair("Values", "none is finite"))
        for word, count in (("NaN", stats.nans), ("Infinite", stats.infs)):
            sections.add(pair(word, figures.whole(count), role="warn" if count else "muted"))
        sections.add(pair("Elements", figures.whole(total)), pair("Size", figures.size(stats.bytes)))
        if known and not stats.histogram:
            sections.add(pair("Histogram", "range is too wide"))
        sections.end()

    def restyle(self) -> None:
        """The theme is another one."""
        self.figures.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._draw()
