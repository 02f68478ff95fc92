"""What every plot has: a legend, an empty state, the theme's colours, and ways to take the picture and the data along."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QFontMetricsF, QGuiApplication, QImage, QPainter, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QMenu, QStackedLayout, QVBoxLayout, QWidget

from gui.plots import library
from gui.plots.legend import ROW, Entry, Legend

if TYPE_CHECKING:
    from gui.theme import Theme


class Plot(QWidget):
    """A plot that is nearly free until data comes: pyqtgraph is loaded and the canvas made with the first of it.

    A subclass implements `_furnish` (make its items on `self.canvas`), `_draw` (data into items), `_colour` (theme into
    items), `csv`, and calls `_changed` when its data did. `x_title` and `y_title` carry the units.
    """

    x_title = ""
    y_title = ""
    #: Written behind every number on the axis; an axis that has it needs no title.
    x_unit = ""
    y_unit = ""

    def __init__(self, theme: Theme, *, title: str, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.title = title
        self.canvas: Any = None
        self.setAccessibleName(title)
        self.legend = Legend(theme, self)
        self.readout = QLabel(self)
        self.readout.setProperty("role", "muted")
        self.readout.setAccessibleName(f"{title}: value under the pointer")
        self.header = QHBoxLayout()
        self.header.setContentsMargins(8, 0, 4, 0)
        self.header.setSpacing(4)
        self.header.addWidget(self.legend, 1)
        self.header.addWidget(self.readout)
        self._empty = QLabel(empty, self)
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._stack = QStackedLayout()
        self._stack.addWidget(self._empty)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(self.header)
        whole.addLayout(self._stack, 1)
        self.setMinimumSize(160, 96)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(lambda at: self._open_menu(self.mapToGlobal(at)))
        self._wait = QTimer(self)
        self._wait.setInterval(30)
        self._wait.timeout.connect(self._try_furnish)
        self._disconnect = theme.changed.connect(self._restyle)

    # --- what subclasses say
    def _furnish(self) -> None:
        raise NotImplementedError

    def _draw(self) -> None:
        raise NotImplementedError

    def _colour(self) -> None:
        """Give items the theme's colours; the canvas itself is done."""

    def _entries(self) -> tuple[Entry, ...]:
        return ()

    def _menu_extras(self, menu: QMenu) -> None:
        """Add what only this plot can do."""

    def has_data(self) -> bool:
        """Whether there is anything to draw."""
        raise NotImplementedError

    def csv(self) -> str:
        """What is drawn, as comma-separated values with a line of titles (units in them)."""
        raise NotImplementedError

    def show_all(self) -> None:
        """Fit the view to the data."""
        if self.canvas is not None:
            self.canvas.getViewBox().autoRange()

    # --- life
    def _changed(self) -> None:
        """The data changed: draw it, or begin to load what draws it."""
        if not self.has_data():
            self._stack.setCurrentWidget(self._empty)
            self.legend.set_entries(())
            self.readout.clear()
            if self.canvas is not None:
                self._draw()
            return
        if self.canvas is None:
            if self.isVisible():  # else when it is shown
                self.prepare()
            return
        self._stack.setCurrentWidget(self.canvas)
        self._draw()
        self.legend.set_entries(self._entries())

    def prepare(self) -> None:
        """Have the canvas made as soon as the library is there, so that the first data finds it ready."""
        if self.canvas is None:
            library.preload()
            self._wait.start()

    def _try_furnish(self) -> None:
        if library.ready():
            self._wait.stop()
            self.furnish()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came while nobody looked."""
        super().showEvent(event)
        if self.has_data():
            self._changed()

    def furnish(self) -> None:
        """Make the canvas now (importing pyqtgraph on this thread when nobody did before)."""
        if self.canvas is not None:
            return
        self._wait.stop()
        pg = library.load()
        axes = {side: _axis(pg, side, unit) for side, unit in (("bottom", self.x_unit), ("left", self.y_unit))}
        canvas = pg.PlotWidget(self, axisItems=axes, enableMenu=False)
        spare = canvas.plotItem.ctrlMenu  # made without a parent, and never shown: ours is `menu`
        spare.setParent(canvas, spare.windowFlags())
        canvas.setAccessibleName(f"{self.title}: drawing")
        canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        canvas.setFrameShape(canvas.Shape.NoFrame)
        canvas.setMenuEnabled(False)
        canvas.hideButtons()
        canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        canvas.customContextMenuRequested.connect(lambda at: self._open_menu(canvas.mapToGlobal(at)))
        for side, title in (("bottom", self.x_title), ("left", self.y_title)):
            axis = canvas.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=0, tickTextOffset=6, maxTickLevel=1, maxTextLevel=1)
            if title:
                axis.setLabel(title)
        canvas.scene().sigMouseMoved.connect(self._pointed)
        self.canvas = canvas
        self._stack.addWidget(canvas)
        self._furnish()
        self._restyle()
        if self.has_data():
            self._changed()

    def release(self) -> None:
        """Stop listening to the theme and stop every timer; called once, before the panel goes."""
        self._disconnect()
        if self._wait.isActive():
            self._wait.stop()
            library.settle()
        if self.canvas is not None:
            self.canvas.scene().sigMouseMoved.disconnect(self._pointed)

    def _restyle(self) -> None:
        self.legend.update()
        if self.canvas is None:
            return
        self.canvas.setBackground(self.theme.color("panel"))
        font = self.theme.small()
        for side in ("bottom", "left"):
            axis = self.canvas.getAxis(side)
            axis.setPen(self.theme.color("line"))
            axis.setTextPen(self.theme.color("muted"))
            axis.setTickFont(font)
            if side == "left" and self.y_unit:
                axis.setWidth(round(QFontMetricsF(font).horizontalAdvance(f"0.000 {self.y_unit}")) + 12)
            title = self.x_title if side == "bottom" else self.y_title
            if title:
                axis.label.setFont(font)
                axis.setLabel(title, color=self.theme.color("muted").name())
        self._colour()
        if self.has_data():
            self._draw()

    # --- pointer
    def _pointed(self, at: Any) -> None:
        box = self.canvas.getViewBox()
        inside = box.sceneBoundingRect().contains(at)
        point = box.mapSceneToView(at) if inside else None
        self.readout.setText(self._read(point.x(), point.y()) if point is not None and self.has_data() else "")

    def _read(self, x: float, y: float) -> str:
        """What the point under the pointer says, in words with units."""
        return ""

    # --- to take along
    def menu(self) -> QMenu:
        """The context menu, made anew each time."""
        menu = QMenu(self)
        for text, slot in (
            ("Copy picture", self.copy_picture),
            ("Copy data as CSV", self.copy_csv),
            ("Save picture…", self._ask_picture),
            ("Save data as CSV…", self._ask_csv),
        ):
            action = QAction(text, menu)
            action.setEnabled(self.has_data())
            action.triggered.connect(slot)
            menu.addAction(action)
        menu.addSeparator()
        fit = QAction("Show all", menu)
        fit.triggered.connect(self.show_all)
        menu.addAction(fit)
        self._menu_extras(menu)
        return menu

    def _open_menu(self, at: QPoint) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def picture(self, scale: float = 2.0) -> QImage:
        """The legend and the plot as an image, `scale` pixels for each point."""
        size = self._picture_size()
        image = QImage(size * scale, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(scale)
        image.fill(self.theme.color("panel"))
        painter = QPainter(image)
        self._paint(painter, QRectF(0, 0, size.width(), size.height()))
        painter.end()
        return image

    def save_picture(self, path: Path) -> None:
        """Write the legend and the plot as .png or, by the suffix, as .svg; raises `OSError`."""
        if path.suffix.lower() != ".svg":
            if not self.picture().save(str(path)):
                raise OSError(f"{path} could not be written")
            return
        from PySide6.QtSvg import QSvgGenerator

        size = self._picture_size()
        with path.open("wb"):
            pass  # QSvgGenerator would fail without a word
        writer = QSvgGenerator()
        writer.setFileName(str(path))
        writer.setSize(size)
        writer.setViewBox(QRect(0, 0, size.width(), size.height()))
        writer.setTitle(self.title)
        painter = QPainter(writer)
        painter.fillRect(QRect(0, 0, size.width(), size.height()), self.theme.color("panel"))
        self._paint(painter, QRectF(0, 0, size.width(), size.height()))
        painter.end()

    def _picture_size(self) -> QSize:
        height = self.canvas.height() if self.canvas is not None else self.height()
        return QSize(max(self.width(), 160), max(height, 96) + ROW)

    def _paint(self, painter: QPainter, rect: QRectF) -> None:
        self.legend.draw(painter, QRectF(8, 0, rect.width() - 16, ROW))
        if self.canvas is not None:
            self.canvas.render(painter, QRectF(0, ROW, rect.width(), rect.height() - ROW))

    def copy_picture(self) -> None:
        """Put the picture on the clipboard."""
        QGuiApplication.clipboard().setImage(self.picture())

    def copy_csv(self) -> None:
        """Put the data on the clipboard."""
        QGuiApplication.clipboard().setText(self.csv())

    def _ask_picture(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save picture", f"{self.title}.png", "Picture (*.png);;Drawing (*.svg)")
        if name:
            self.save_picture(Path(name))

    def _ask_csv(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save data", f"{self.title}.csv", "Comma-separated values (*.csv)")
        if name:
            Path(name).write_text(self.csv(), encoding="utf-8")


def _axis(pg: Any, side: str, unit: str) -> Any:
    """An axis that writes `unit` behind its numbers."""

    class UnitAxis(pg.AxisItem):  # type: ignore[misc]
        def tickStrings(self, values: Any, scale: float, spacing: float) -> list[str]:
            texts = super().tickStrings(values, scale, spacing)
            return [f"{text} {unit}" if text else text for text in texts] if unit else texts

        def logTickStrings(self, values: Any, scale: float, spacing: float) -> list[str]:
            return [number(10.0**value) for value in values]

    return UnitAxis(orientation=side)


def number(value: float, digits: int = 3) -> str:
    """`value` with `digits` significant digits, in plain notation, for labels: 0.712, 12.4, 1 240."""
    if value != value or value in (float("inf"), float("-inf")):
        return "–"
    if value == 0:
        return "0"
    import math

    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(places, 9)}f}".replace(",", "\u202f")


def latency(ms: float, digits: int = 3) -> str:
    """A latency in milliseconds as the tables write it (0.0831 ms), in seconds from one second on."""
    if ms >= 1000:
        return f"{number(ms / 1000, digits)} s"
    return f"{number(ms, digits)} ms"


def quoted(text: str) -> str:
    """`text` as one CSV field."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text
