"""Pens whose lines keep their width at every zoom and on every screen."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen


def pen_of(painter: QPainter, colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A pen that is as wide at every zoom, in device-independent pixels: Qt counts those of such pens in device pixels."""
    pen = QPen(colour, width * painter.device().devicePixelRatioF(), style)
    pen.setCosmetic(True)
    return pen
