"""What ONNX says of an operator: attributes with what they do, and the whole documentation on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gui.inspect.parts import beside, text, unfolding
from gui.widgets.rows import Sections

if TYPE_CHECKING:
    from PySide6.QtGui import QFont

    from core.model.manual import AttributeManual, Manual, SlotManual
    from core.model.pages import NodePage

_OPTIONS = {"": "", "optional": " · optional", "variadic": " · any number"}


class ManualRows:
    """Remembers what was unfolded, from one node to the next."""

    def __init__(self, sections: Sections, again: Callable[[], object]) -> None:
        self._sections = sections
        self._again = again
        self.open: set[str] = set()
        self.whole = False

    def attributes(self, page: NodePage, mono: QFont) -> None:
        """What is set, then, muted, what is not and its default; a click on a name shows what the attribute does."""
        known = page.manual
        given = dict(page.attributes)
        rows = [(name, value, True) for name, value in page.attributes]
        if known is not None:
            rows += [(each.name, each.default or "not set", False) for each in known.attributes if each.name not in given]
        if not rows:
            return
        self._sections.group("Attributes")
        for name, value, is_set in rows:
            said = known.attribute(name) if known is not None else None
            self._attribute(name, value, is_set, said, mono)

    def _attribute(self, name: str, value: str, is_set: bool, said: AttributeManual | None, mono: QFont) -> None:
        tip = _attribute_tip(name, said, is_set)
        made = unfolding(name, lambda: self._toggle(name), tip, name in self.open)
        made.setEnabled(said is not None)
        state = "" if is_set else "default " if said is not None and said.default else ""
        made.setAccessibleName(f"{name}: {state}{value}. What it does")
        row = beside(made, value, "" if is_set else "muted", mono=mono)
        row.setToolTip(tip)
        self._sections.add(row)
        if said is not None and name in self.open:
            self._sections.add(text(_attribute_tip(name, said, is_set, name_too=False), "muted"))

    def _toggle(self, name: str) -> None:
        self.open ^= {name}
        self._again()

    def about(self, page: NodePage, mono: QFont) -> None:
        """The documentation: hidden until it is asked for."""
        known = page.manual
        if known is None and not page.note:
            return
        self._sections.group("")
        self._sections.add(
            unfolding(f"About {page.op}", self._toggle_whole, "What the operator does, its inputs, outputs and types", self.whole)
        )
        if not self.whole:
            return
        if page.note:
            self._sections.add(text(page.note, "muted"))
        if known is None:
            return
        if known.deprecated:
            self._sections.add(text("ONNX has withdrawn this operator.", "warn"))
        for kind, words in known.text:
            self._sections.add(text(words, "muted", mono=mono if kind == "code" else None))
        for title, slots in (("What it reads", known.inputs), ("What it makes", known.outputs)):
            self._slots(title, slots, known)
        if known.types:
            self._sections.group("Types")
            for each in known.types:
                allowed = known.allowed_of(each)
                self._sections.add(text(f"{each.name}: {allowed}. {each.doc}".strip(), "muted"))

    def _slots(self, title: str, slots: tuple[SlotManual, ...], known: Manual) -> None:
        if not slots:
            return
        self._sections.group(title)
        for each in slots:
            typed = f" ({each.type})" if each.type else ""
            said = f": {each.doc}" if each.doc else ""
            self._sections.add(text(f"{each.name}{typed}{_OPTIONS[each.option]}{said}", "muted"))

    def _toggle_whole(self) -> None:
        self.whole = not self.whole
        self._again()


def _attribute_tip(name: str, said: AttributeManual | None, is_set: bool, *, name_too: bool = True) -> str:
    if said is None:
        return name
    kind = f"{said.kind}, required" if said.required else f"{said.kind}, {said.default} when left out" if said.default else said.kind
    words = f"{kind[0].upper()}{kind[1:]}. {said.doc}".strip()
    state = "" if is_set else "Not set in this node. "
    return f"{name}\n{state}{words}" if name_too else f"{state}{words}"


def slot_tip(page: NodePage, side: str, word: str) -> str:
    """What the documentation says of an input or output (`side`: `inputs`, `outputs`) that is called so."""
    known = page.manual
    if known is None:
        return ""
    slots: tuple[SlotManual, ...] = getattr(known, side)
    found = next((each for each in slots if each.name == word or (each.option == "variadic" and word.startswith(f"{each.name} "))), None)
    if found is None:
        return ""
    takes = f"Takes {known.allowed(found)}." if found.type else ""
    return "\n".join(part for part in (found.doc, takes) if part)


def left_out(page: NodePage) -> tuple[SlotManual, ...]:
    """Optional inputs that the node does not have."""
    if page.manual is None:
        return ()
    given = {row.slot for row in page.inputs}
    return tuple(each for each in page.manual.inputs if each.option == "optional" and each.name not in given)
