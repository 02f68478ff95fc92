"""Nodes as text, for the clipboard: a block of tab-separated lines each."""

from __future__ import annotations

from collections.abc import Iterable

from core.job import Job
from core.model import Model
from core.model.opening import deep_of
from core.model.pages import NodePage, node_page
from core.model.source import read


def page_text(page: NodePage) -> str:
    """The name, then op, inputs, outputs (slot, tensor, type) and attributes, one a line."""
    lines = [_line(page.name), _line("op", f"{page.domain}.{page.op}" if page.domain not in ("", "ai.onnx") else page.op)]
    for side, rows in (("input", page.inputs), ("output", page.outputs)):
        lines += [_line(f"{side} {row.slot}".rstrip(), row.name, row.type) for row in rows]
    lines += [_line(name, value) for name, value in page.attributes]
    return "\n".join(lines)


def nodes_text(model: Model, names: tuple[str, ...], job: Job) -> str:
    """Some nodes as text, blocks with an empty line between them (a task); what the model does not know is only named."""
    known = set(deep_of(read(model.path)).names)
    blocks = []
    for done, name in enumerate(names):
        job.step(done / len(names), f"Reading {name}")
        blocks.append(page_text(node_page(model, name, job)) if name in known else _line(name))
    return "\n\n".join(blocks)


def _line(*fields: str) -> str:
    return "\t".join(" ".join(field.split()) if any(c in field for c in "\t\r\n") else field for field in _without_end(fields))


def _without_end(fields: Iterable[str]) -> list[str]:
    """Fields up to the last that says something."""
    found = list(fields)
    while len(found) > 1 and not found[-1]:
        found.pop()
    return found
