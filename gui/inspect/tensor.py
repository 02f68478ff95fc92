"""The page of a tensor: type, bytes, who makes it and who reads it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from gui import figures
from gui.context import Context
from gui.inspect.node import into_weight
from gui.inspect.parts import button, link, text
from gui.widgets.rows import Sections, pair

if TYPE_CHECKING:
    from core.model.readers import End
    from core.model.tensor_page import TensorPage

#: So many readers are listed.
READERS = 24
_KINDS = {"input": "input of the graph", "initializer": "initializer", "Constant": "Constant", "made": "made by a node"}


def fill(ctx: Context, sections: Sections, page: TensorPage, select: Callable[[tuple[str, ...]], object]) -> None:
    """The rows of a tensor's page; `select` goes to nodes."""
    sections.add(pair("Type", page.type or "is not known"))
    if page.bytes is not None:
        sections.add(pair("Size", figures.size(page.bytes), tip=f"{figures.whole(page.bytes)} bytes"))
    if page.symbolic:
        free = ", ".join(page.symbolic)
        sections.add(text(f"{free} {'is' if len(page.symbolic) == 1 else 'are'} taken as 1 for the size.", "muted"))
    kind = _KINDS[page.kind]
    sections.add(pair("Tensor", f"{kind}, output of the graph" if page.is_output else kind))
    for box, word in ((page.input_box, "input"), (page.output_box, "output")):
        if box:
            sections.add(_to(sections, f"Go to the graph's {word}", box, page.name, select))
    if page.kind in ("initializer", "Constant"):
        sections.add(into_weight(ctx, page.name))
    if page.maker is not None:
        sections.group("Made by")
        sections.add(*_end(sections, page.maker, page.name, select))
    if page.readers:
        sections.group(f"Read by ({len(page.readers)})" if len(page.readers) > 1 else "Read by")
        for each in page.readers[:READERS]:
            sections.add(*_end(sections, each, page.name, select))
        if len(page.readers) > 1:
            nodes = tuple(dict.fromkeys(each.node for each in page.readers))
            sections.add(
                button(
                    f"Select {'both' if len(nodes) == 2 else f'all {len(nodes)}'}",
                    partial(select, nodes),
                    "Select every node that reads it",
                )
            )
    elif not page.is_output:
        sections.add(text("Nothing reads it.", "muted"))


def _end(sections: Sections, end: End, tensor: str, select: Callable[[tuple[str, ...]], object]) -> tuple[QWidget, ...]:
    return pair(end.op, end.slot), _to(sections, end.node, end.node, tensor, select)


def _to(sections: Sections, words: str, node: str, tensor: str, select: Callable[[tuple[str, ...]], object]) -> QWidget:
    return link(words, partial(select, (node,)), f"{tensor}\nGo to {node}", f"Go to {node}", sections.width() - 60)


def as_text(page: TensorPage) -> str:
    """Everything that is shown, as text."""
    lines = [page.name, f"type\t{page.type}", f"kind\t{_KINDS[page.kind]}"]
    if page.bytes is not None:
        lines.append(f"bytes\t{page.bytes}")
    if page.maker is not None:
        lines.append(f"made by\t{page.maker.node}\t{page.maker.op}\t{page.maker.slot}")
    lines += [f"read by\t{each.node}\t{each.op}\t{each.slot}" for each in page.readers]
    return "\n".join(lines)
