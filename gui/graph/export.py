"""The graph as a picture file: SVG by a job in a worker, PNG painted in strips by a thread, so that neither the window nor
the memory feels a large one."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QColor, QImage, QPainter

from core.errors import AppError, Cancelled, UsageError
from core.layout import picture
from core.layout.legend import BAND, families_in, legend
from core.params import param
from gui import figures
from gui.graph.badges import brief
from gui.graph.camera import View
from gui.graph.heat import colours, figure, inks
from gui.graph.painter import Look, paint
from gui.theme import Theme

if TYPE_CHECKING:
    from core.layout.labels import Labels
    from gui.context import Context
    from gui.graph.canvas import Canvas
    from gui.graph.heat import Heat
    from gui.graph.scene import Scene
    from gui.jobs import JobHandle

Rect = tuple[float, float, float, float]
WHOLE, PART = "whole graph", "visible part"
SHOWN = "as shown"
#: Pixels of the largest PNG, of one strip of it, and of a side beyond which many programs give up.
MOST, STRIP, SIDE = 400_000_000, 4_000_000, 65_535


@dataclass(frozen=True)
class PictureOptions:
    """What a person may choose about a picture."""

    format: str = param("SVG", "SVG stays sharp at any size and its text can be searched; PNG opens everywhere", choices=("SVG", "PNG"))
    part: str = param(WHOLE, "All of the graph, or what the window shows of it now", choices=(WHOLE, PART))
    look: str = param(SHOWN, "Colours: those of the window, or light ones (for paper) or dark ones whatever the window has",
                      choices=(SHOWN, "light", "dark"))  # fmt: skip
    transparent: bool = param(False, "Leave out the background")
    shapes: bool = param(True, "Write the shapes of tensors on links", title="Shapes on links")
    legend: bool = param(True, "Say above the graph what its colours mean")
    scale: float = param(1.0, "Pixels of a PNG for each pixel of the graph at 100 %", min=0.05, max=8.0, step=0.25, unit="×")


@dataclass(frozen=True)
class Plan:
    """A picture that is to be made: which part (x0, y0, x1, y1 of the graph), and how large a PNG of it is.

    `above` of the PNG's rows are the legend's. `fits` is the largest scale, in hundredths, at which it is not too large.
    """

    options: PictureOptions
    region: Rect
    width: int
    height: int
    above: int = 0
    fits: float = 8.0

    @property
    def pixels(self) -> int:
        """How many pixels a PNG has."""
        return self.width * self.height

    @property
    def too_large(self) -> bool:
        """Whether that is more than is made."""
        return self.options.format == "PNG" and self.pixels > MOST

    def words(self, boxes: int) -> str:
        """How large it will be."""
        x0, y0, x1, y1 = self.region
        if self.options.format == "SVG":
            return f"{figures.whole(x1 - x0)} × {figures.whole(y1 - y0)} at 100 %, {figures.plural(boxes, 'box', 'boxes')}."
        text = f"{figures.whole(self.width)} × {figures.whole(self.height)} pixels"
        if self.too_large:
            large = f"{figures.whole(self.pixels / 1e6)} megapixels: a PNG may have {figures.whole(MOST / 1e6)} at most."
            return f"{text}, {large} Choose {self.fits:g} × or less."
        text += f", {self.pixels / 1e6:.1f} megapixels."
        if max(self.width, self.height) > SIDE:
            text += f" Many programs open no picture with a side of more than {figures.whole(SIDE)} pixels."
        return text


def plan(canvas: Canvas, options: PictureOptions) -> Plan:
    """What these options make of what a canvas shows."""
    scene = canvas.scene
    assert scene is not None
    region: Rect = (0.0, 0.0, scene.width, scene.height)
    if options.part == PART:
        x0, y0, x1, y1 = canvas.view.rect(canvas.width(), canvas.height())
        inner = (max(0.0, x0), max(0.0, y0), min(scene.width, x1), min(scene.height, y1))
        region = inner if inner[0] < inner[2] and inner[1] < inner[3] else (x0, y0, x1, y1)
    width, height = ((region[2] - region[0]) * options.scale, (region[3] - region[1]) * options.scale)
    above = 0
    if options.legend:
        larger = legend_scale(options.scale)
        high = BAND if canvas.heat is not None else legend(families_in(scene.index), None, width / larger)[0]
        above = round(high * larger)
    made = Plan(options, region, max(1, round(width)), max(1, round(height)) + above, above)
    if made.too_large and options.scale > 0.05:
        # the legend does not shrink with the graph: a second look, a little smaller, where the first guess does not do
        scale = min(options.scale - 0.01, options.scale * (MOST / made.pixels) ** 0.5)
        return replace(made, fits=plan(canvas, replace(options, scale=max(0.05, int(scale * 100) / 100))).fits)
    return replace(made, fits=options.scale)


def legend_scale(scale: float) -> float:
    """How large the legend of a PNG is: never so small that it could not be read."""
    return max(1.0, scale)


class Export(QObject):
    """One picture on its way to a file; exactly one of `done`, `failed` and `stopped` is told in the end."""

    #: How much is done, 0 to 1.
    stepped = Signal(float)
    done = Signal()
    failed = Signal(object)
    stopped = Signal()

    def __init__(self, ctx: Context, canvas: Canvas, plan: Plan, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        assert canvas.scene is not None
        if plan.too_large:
            raise UsageError(plan.words(len(canvas.scene)), hint=f"Choose a scale of {plan.fits:g} or less.")
        self.plan, self.path = plan, path
        self._handle: JobHandle | None = None
        self._thread: _Strips | None = None
        options = plan.options
        theme = ctx.theme if options.look == SHOWN else Theme(cast(Literal["light", "dark"], options.look))
        look = Look.of(theme)
        scene, heat = canvas.scene, canvas.heat
        families = look.font.families()
        style = picture.Style(
            theme=theme.name,
            transparent=options.transparent,
            shapes=options.shapes,
            legend=options.legend,
            font=families[0] if families else look.font.family(),
            region=plan.region if options.part == PART else None,
            title=path.stem,
            badges=badges(heat, look) if heat is not None else None,
            folds=scene.shown.folds() if scene.shown is not None else None,
        )
        if options.format == "SVG":
            handle = self._handle = ctx.jobs.start(
                picture.save, scene.index, scene.shown.plain() if scene.shown is not None else scene.placed, style, path,
                title=f"Draw {path.name}", on_done=lambda _: self.done.emit(), on_error=self.failed.emit,
            )  # fmt: skip
            handle.changed.connect(lambda: self.stepped.emit(handle.fraction))
            handle.ended.connect(lambda: handle.state == "cancelled" and self.stopped.emit())
        else:
            self._thread = _Strips(scene, plan, look, style, heat, path)
            self._thread.stepped.connect(self.stepped)
            self._thread.finished.connect(self._over)
            self._thread.start()

    def cancel(self) -> None:
        """Stop; nothing is left of the file."""
        if self._handle is not None:
            self._handle.cancel()
        if self._thread is not None:
            self._thread.stop.set()

    def close(self) -> None:
        """Stop and wait for the thread; nothing is told after that."""
        self.blockSignals(True)
        self.cancel()
        if self._thread is not None:
            self._thread.wait()
            self._thread = None

    def _over(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        thread.wait()
        if isinstance(thread.error, Cancelled):
            self.stopped.emit()
        elif thread.error is not None:
            self.failed.emit(thread.error)
        else:
            self.done.emit()


def badges(heat: Heat, look: Look) -> picture.Badges | None:
    """An overlay's numbers or words as pictures without Qt take them; None where boxes have their own colours."""
    if not heat.coloured:
        return None
    texts = tuple(brief(heat, row) if shade >= 0 else "" for row, shade in enumerate(heat.shade.tolist()))
    hues, ink = (tuple(each.name() for each in every) for every in (colours(heat, look), inks(heat, look)))
    title = (f"{heat.title} ({heat.unit})" if heat.unit else heat.title) + (", log" if heat.log else "")
    low, high = (heat.names[0], heat.names[-1]) if heat.names else (figure(heat.low), figure(heat.high))
    return picture.Badges(heat.shade, hues, ink, texts, title, low, high)


class _Strips(QThread):
    """Paints a PNG strip by strip."""

    stepped = Signal(float)

    def __init__(self, scene: Scene, plan: Plan, look: Look, style: picture.Style, heat: Heat | None, path: Path) -> None:
        super().__init__()
        self.setObjectName("graph picture")
        self._scene, self._plan, self._look, self._style, self._heat, self._path = scene, plan, look, style, heat, path
        self.stop = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
        try:
            try:
                self._write(beside)
                os.replace(beside, self._path)
            finally:
                beside.unlink(missing_ok=True)
        except (OSError, MemoryError) as error:
            said = getattr(error, "strerror", "") or "there is not enough memory"
            self.error = AppError(f"{self._path} cannot be written: {said}.", hint="Choose another folder, or make room.")
        except Exception as error:  # noqa: BLE001 - the thread's own job runner: whatever happened is its outcome
            self.error = error

    def _write(self, beside: Path) -> None:
        import numpy as np

        from core.layout.labels import place_labels
        from core.layout.png import PngWriter

        plan, options, scene = self._plan, self._plan.options, self._scene
        labels = place_labels(scene.index, scene.placed) if options.shapes and options.scale >= 0.5 else None
        look = replace(self._look, window=QColor(0, 0, 0, 0)) if options.transparent else self._look
        texts, channels = look.texts(), 4 if options.transparent else 3
        kind = QImage.Format.Format_RGBA8888 if options.transparent else QImage.Format.Format_RGB888
        high = max(1, STRIP // plan.width)
        with beside.open("wb") as file:
            png = PngWriter(file, plan.width, plan.height, channels, density=round(96 * options.scale / 0.0254))
            tops = [*([0] if plan.above else []), *range(plan.above, plan.height, high)]
            for top, end in zip(tops, [*tops[1:], plan.height], strict=True):
                if self.stop.is_set():
                    raise Cancelled
                rows = end - top
                strip = self._legend() if end == plan.above else self._strip(top - plan.above, rows, look, texts, labels)
                image = strip.convertToFormat(kind)
                data = np.frombuffer(image.constBits(), np.uint8).reshape(rows, image.bytesPerLine())
                png.write(data[:, : plan.width * channels].reshape(rows, plan.width, channels))
                self.stepped.emit(end / plan.height)
            png.close()

    def _strip(self, top: int, rows: int, look: Look, texts: object, labels: Labels | None) -> QImage:
        plan = self._plan
        scale, (x0, y0, _, _) = plan.options.scale, plan.region
        view = View(x0 + plan.width / 2 / scale, y0 + (top + rows / 2) / scale, scale)
        image = _blank(plan.width, rows)
        painter = QPainter(image)
        try:
            paint(painter, self._scene, view, plan.width, rows, look, texts, self._heat, labels)  # type: ignore[arg-type]
        finally:
            painter.end()
        return image

    def _legend(self) -> QImage:
        from PySide6.QtCore import QByteArray, QRectF
        from PySide6.QtSvg import QSvgRenderer

        plan = self._plan
        larger = legend_scale(plan.options.scale)
        _, text = picture.legend_svg(self._scene.index, self._style, plan.width / larger)
        image = _blank(plan.width, plan.above)
        image.fill(self._look.window if not plan.options.transparent else QColor(0, 0, 0, 0))
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        QSvgRenderer(QByteArray(text.encode())).render(painter, QRectF(0, 0, plan.width, plan.above))
        painter.end()
        return image


def _blank(width: int, height: int) -> QImage:
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    if image.isNull():
        raise MemoryError
    image.fill(0)
    return image
