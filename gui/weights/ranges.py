"""The range of every channel: as a plot that can be sorted, and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QPushButton, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from core.model import channels
from gui import figures
from gui.context import Context
from gui.graph.histogram import number
from gui.table import Column, Table
from gui.weights.axes import AxisBox
from gui.weights.view import Looking, WeightView
from gui.widgets.rows import Elided

if TYPE_CHECKING:
    import numpy as np

    from core.model.channels import Channels
    from core.model.weight_page import WeightPage
    from gui.theme import Theme

SORTS = (
    ("channel", "By channel"),
    ("absmax", "By magnitude"),
    ("low", "By minimum"),
    ("high", "By maximum"),
    ("zeros", "By zeros"),
)


class RangesPlot(QWidget):
    """One bar from minimum to maximum for each channel, in the order that is asked for; many share a column of pixels."""

    #: The place that the pointer is on, -1 for none.
    pointed = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._low: np.ndarray | None = None
        self._high: np.ndarray | None = None
        self.place = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(64)
        self.setAccessibleName("Range of each channel")

    def sizeHint(self) -> QSize:
        return QSize(320, 140)

    def put(self, low: np.ndarray, high: np.ndarray) -> None:
        """Show ranges in this order; those of channels without a finite value are nan."""
        self._low, self._high = low, high
        self.place = min(self.place, len(low) - 1)
        self.update()

    def _span(self) -> tuple[float, float]:
        import numpy as np

        assert self._low is not None
        assert self._high is not None
        good = np.isfinite(self._low) & np.isfinite(self._high)
        if not good.any():
            return -1.0, 1.0
        low, high = min(0.0, float(self._low[good].min())), max(0.0, float(self._high[good].max()))
        return (low, high) if high > low else (low - 1.0, high + 1.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._low is None or self._high is None or not len(self._low):
            return
        import numpy as np

        painter = QPainter(self)
        theme = self._theme
        painter.setFont(theme.small())
        low, high = self._span()
        texts = (number(high), number(low))
        left = max(painter.fontMetrics().horizontalAdvance(text) for text in texts) + 10.0
        width, height = self.width() - left - 2, self.height() - 12.0
        count = len(self._low)

        def y(value: float) -> float:
            return 6.0 + (high - value) / (high - low) * height

        painter.setPen(theme.color("muted"))
        for text, at in ((texts[0], y(high)), (texts[1], y(low))):
            painter.drawText(QRectF(0, at - 8, left - 6, 16), int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text)
        columns = max(1, min(count, int(width)))
        starts = np.arange(columns) * count // columns
        with np.errstate(invalid="ignore"):
            least = np.minimum.reduceat(np.nan_to_num(self._low, nan=np.inf), starts)
            most = np.maximum.reduceat(np.nan_to_num(self._high, nan=-np.inf), starts)
        step = width / columns
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent"))
        gap = 1.0 if step >= 4 else 0.0
        for place, (a, b) in enumerate(zip(least.tolist(), most.tolist(), strict=True)):
            if a <= b:
                top, bottom = y(b), y(a)
                painter.drawRect(QRectF(left + place * step, top, step - gap, max(1.0, bottom - top)))
        painter.setPen(QPen(theme.color("muted"), 1.0, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(left, y(0.0)), QPointF(left + width, y(0.0)))
        if self.place >= 0:
            at = left + (self.place + 0.5) / count * width
            painter.setPen(QPen(theme.color("text"), 1.0))
            painter.drawLine(QPointF(at, 2), QPointF(at, self.height() - 2))
        if self.hasFocus():
            painter.setPen(QPen(theme.color("accent"), 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        self._left, self._width = left, width
        painter.end()

    def point(self, place: int) -> None:
        """Put the mark somewhere."""
        if place != self.place:
            self.place = place
            self.update()
            self.pointed.emit(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._low is not None and len(self._low) and hasattr(self, "_left"):
            share = (event.position().x() - self._left) / max(1.0, self._width)
            self.point(int(share * len(self._low)) if 0 <= share < 1 else -1)

    def leaveEvent(self, event: object) -> None:
        if not self.hasFocus():
            self.point(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        count = len(self._low) if self._low is not None else 0
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: -count, Qt.Key.Key_End: count}.get(Qt.Key(event.key()))
        if step is None or not count:
            super().keyPressEvent(event)
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            step *= 10
        self.point(min(count - 1, max(0, max(self.place, 0) + step)))

    def focusInEvent(self, event: object) -> None:
        self.update()

    def focusOutEvent(self, event: object) -> None:
        self.update()


class RangesView(WeightView):
    """Ranges along an axis."""

    title = "Channels"
    key = "ranges"
    tip = "Minimum, maximum and largest magnitude of every channel"

    def __init__(self, ctx: Context, looking: Looking) -> None:
        super().__init__(ctx, looking)
        self.axis = AxisBox("Along", "The axis whose indices are the channels")
        self.axis.chosen.connect(lambda *_: self.read())
        self.sort = QComboBox()
        self.sort.setAccessibleName("Order of the channels")
        self.sort.setToolTip("Order of the channels in the plot")
        for id, text in SORTS:
            self.sort.addItem(text, id)
        self.sort.setMinimumWidth(self.sort.sizeHint().width())
        self.sort.currentIndexChanged.connect(lambda *_: self._show())
        self.readout = Elided("", "muted")
        self.readout.setAccessibleName("Channel under the pointer")
        self.as_table = QPushButton("Table")
        self.as_table.setCheckable(True)
        self.as_table.setToolTip("Show the figures of every channel instead of the plot")
        self.as_table.toggled.connect(self._turn)
        self.controls.addWidget(self.axis)
        self.controls.addWidget(self.sort)
        self.controls.addStretch(1)
        self.controls.addWidget(self.as_table)
        self.plot = RangesPlot(ctx.theme)
        self.plot.pointed.connect(self._point)
        self.table = Table(
            [
                Column("channel", "Channel", "right", 76),
                Column("low", "Minimum", "right", 100, "", number),
                Column("high", "Maximum", "right", 100, "", number),
                Column("absmax", "Largest magnitude", "right", 140, "What a symmetric scale of the channel would be made of", number),
                Column("zeros", "Zeros", "right", 80, "Share of the channel that is exactly zero", figures.share),
            ]
        )
        self.table.setAccessibleName("Range of each channel")
        self.pages = QStackedLayout()
        self.pages.addWidget(self.plot)
        self.pages.addWidget(self.table)
        self._order: Any = None
        column = QVBoxLayout(self.body)
        column.setContentsMargins(8, 0, 8, 4)
        column.setSpacing(4)
        column.addLayout(self.pages, 1)
        column.addWidget(self.readout)

    def prepare(self, page: WeightPage) -> None:
        self.axis.put(page.shape, page.channel_axis or 0)

    def question(self) -> tuple[Any, ...] | None:
        page = self.looking.page
        return (channels.ranges, self.looking.model, page.name, self.axis.axis) if page is not None else None

    def fill(self, part: Channels) -> None:
        self._show()

    def _turn(self, table: bool) -> None:
        self.pages.setCurrentIndex(int(table))
        self.sort.setVisible(not table)  # a table is sorted by its heads
        self.readout.setVisible(not table)

    def _show(self) -> None:
        import numpy as np

        part: Channels | None = self.part
        if part is None:
            return
        known = part.low <= part.high
        low, high = np.where(known, part.low, np.nan), np.where(known, part.high, np.nan)
        zeros = part.zeros / max(1, part.each)
        columns = {"channel": np.arange(len(low)), "low": low, "high": high, "absmax": part.absmax, "zeros": zeros}
        sort = str(self.sort.currentData())
        by = columns[sort]
        self._order = by if sort == "channel" else np.argsort(by if sort == "low" else -by, kind="stable")
        self.plot.put(low[self._order], high[self._order])
        self.plot.setAccessibleDescription(self._summary(low, high))
        if part.over:
            self.table.set_columns({id: values.tolist() for id, values in columns.items()})
        self._point(self.plot.place)

    def _summary(self, low: np.ndarray, high: np.ndarray) -> str:
        import numpy as np

        reach = np.fmax(np.abs(low), np.abs(high))
        reach = reach[np.isfinite(reach)]
        return (
            f"{len(low)} channels, largest magnitudes from {number(float(reach.min()))} to {number(float(reach.max()))}."
            if reach.size
            else ""
        )

    def _point(self, place: int) -> None:
        part: Channels | None = self.part
        if part is None or self._order is None or not 0 <= place < len(self._order):
            self.readout.setText(figures.plural(len(part.low), "channel") if part is not None else "")
            return
        channel = int(self._order[place])
        low, high = float(part.low[channel]), float(part.high[channel])
        span = f"{number(low)} … {number(high)}" if low <= high else "nothing finite"
        self.readout.setText(f"{channel}: {span}, {figures.share(float(part.zeros[channel]) / max(1, part.each))} zeros")
