"""What a model says of itself: its domains and whether they can run, its functions, who made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui import figures
from gui.inspect.parts import text, unfolding
from gui.widgets.rows import Sections, pair

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.model.model_page import DomainRow, FunctionRow, ModelPage

#: Functions that are listed before "Show all".
FUNCTIONS = 12


def domains(sections: Sections, page: ModelPage) -> None:
    """Each domain with its version, who defines it, and what of it nobody can run."""
    sections.group("Domains" if len(page.domains) > 1 else "Domain")
    for each in page.domains:
        name = each.domain or "ai.onnx"
        version = f"version {each.version}" if each.version else "no version"
        sections.add(pair(name, f"{version} · {figures.plural(each.nodes, 'node')}", tip=_domain_tip(each)))
        if each.unknown:
            listed = ", ".join(each.unknown[:4]) + (f" and {len(each.unknown) - 4} more" if len(each.unknown) > 4 else "")
            sections.add(text(f"Cannot run here: nobody defines {listed}.", "warn"))
        elif each.defined_by != "ONNX":
            sections.add(text(_who(each), "muted"))


def _who(each: DomainRow) -> str:
    if each.defined_by == "nobody":
        return "No node uses it."
    return "Defined by functions of this model." if each.defined_by == "this model" else "Runs in ONNX Runtime."


def _domain_tip(each: DomainRow) -> str:
    return f"{each.domain or 'ai.onnx'}: operators of ONNX itself" if each.defined_by == "ONNX" else f"{each.domain}: {_who(each)}"


def functions(sections: Sections, page: ModelPage, every: bool, toggle: Callable[[], object]) -> None:
    """Functions with how many nodes are in them and how often they are called."""
    if not page.functions:
        return
    sections.group(f"Functions ({len(page.functions)})")
    for each in page.functions if every else page.functions[:FUNCTIONS]:
        calls = "never called" if not each.calls else f"called {'once' if each.calls == 1 else f'{figures.whole(each.calls)} times'}"
        sections.add(pair(each.name, f"{figures.plural(each.nodes, 'node')}, {calls}", tip=_function_tip(each)))
    if len(page.functions) > FUNCTIONS:
        sections.add(unfolding("Show fewer" if every else f"Show all {len(page.functions)}", toggle, "Every function of the model", every))


def _function_tip(each: FunctionRow) -> str:
    whole = f"{each.domain}.{each.name}" if each.domain else each.name
    sides = f"{', '.join(each.inputs) or 'nothing'} → {', '.join(each.outputs) or 'nothing'}"
    return "\n".join(part for part in (whole, sides, each.doc) if part)


def more(page: ModelPage) -> list[tuple[str, str]]:
    """Rows that stand under the model's figures."""
    rows = [("Graph", page.graph)]
    if page.version:
        rows.append(("Model version", str(page.version)))
    if page.domain:
        rows.append(("Model domain", page.domain))
    return [(word, value) for word, value in rows if value]
