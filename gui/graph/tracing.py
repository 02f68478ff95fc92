"""Ways through the graph from what is selected, as actions: what it depends on, what depends on it, what lies between, what looks alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gui import figures
from gui.actions import Action, needs_model
from gui.context import Context
from gui.graph.finder import Finder, pattern_text

if TYPE_CHECKING:
    import numpy as np

    from core.find.trace import Ways

MENU = "View/Trace"


def _finder(ctx: Context) -> Finder:
    if ctx.window is not None:
        ctx.window.show_panel("graph")
    found: Finder = ctx.services["graph.view"].finder
    return found


def needs_nodes(ctx: Context) -> str:
    """The reason for what starts from nodes."""
    return needs_model(ctx) or ("" if ctx.selection.nodes else "Select a node first.")


def needs_two(ctx: Context) -> str:
    """The reason for what lies between two nodes."""
    return needs_model(ctx) or ("" if len(ctx.selection.nodes) == 2 else "Select two nodes first (Ctrl+click adds one).")


def needs_found(ctx: Context) -> str:
    """The reason for what goes through what was found."""
    panel = ctx.services.get("graph.view")
    rows = panel.finder.rows if panel is not None else None
    return "" if rows is not None and len(rows) else "Look for something first (Ctrl+F)."


def _said(ctx: Context) -> str:
    names = ctx.selection.nodes
    return names[0] if len(names) == 1 else f"{len(names)} nodes"


def _trace(way: Callable[[Ways, list[int]], np.ndarray], says: str) -> Callable[[Context], None]:
    """An action that lists where ways from the selection lead; `says` is `upstream of`."""

    def run(ctx: Context) -> None:
        finder = _finder(ctx)
        ways = finder.searching.ways
        if ways is not None:
            rows = way(ways, finder.searching.rows_of(ctx.selection.nodes))
            finder.present(f"{figures.plural(len(rows), 'node')} {says} {_said(ctx)}", rows)

    return run


def _both(ways: Ways, rows: list[int]) -> np.ndarray:
    import numpy as np

    return np.union1d(ways.upstream(rows), ways.downstream(rows))


def between(ctx: Context) -> None:
    """List every node on a way between the two that are selected, whichever comes first."""
    finder = _finder(ctx)
    ways = finder.searching.ways
    rows = finder.searching.rows_of(ctx.selection.nodes)
    if ways is None or len(rows) != 2:
        return
    one, other = sorted(rows)  # a link leads to a later row
    found = ways.between([one], [other])
    names = ways.index.names
    if not len(found):
        finder.present(f"No way leads from {names[one]} to {names[other]}.", found)
        return
    links = figures.plural(len(ways.shortest(one, other)) - 1, "link")
    says = f"{figures.plural(len(found), 'node')} on ways from {names[one]} to {names[other]}; the shortest has {links}"
    finder.present(says, found)


def shortest(ctx: Context) -> None:
    """List the nodes on the shortest way between the two that are selected."""
    import numpy as np

    finder = _finder(ctx)
    ways = finder.searching.ways
    rows = finder.searching.rows_of(ctx.selection.nodes)
    if ways is None or len(rows) != 2:
        return
    one, other = sorted(rows)
    way, names = ways.shortest(one, other), ways.index.names
    says = f"{figures.plural(len(way), 'node')} on the shortest way from {names[one]} to {names[other]}"
    finder.present(says if way else f"No way leads from {names[one]} to {names[other]}.", np.array(way, np.int64))


def alike(ctx: Context) -> None:
    """Look for more places that are wired as what is selected: one node with its attributes, several by their ops and links."""
    finder = _finder(ctx)

    def look() -> None:
        from core.errors import AppError
        from core.find.pattern import like

        catalogue = finder.searching.catalogue
        rows = finder.searching.rows_of(ctx.selection.nodes)
        if catalogue is None:
            return
        try:
            finder.open(pattern_text(like(catalogue, rows, attributes=len(rows) == 1).text))
        except AppError as error:
            finder.fail(error)

    finder.searching.with_facts(look, finder.fail)


def _next(by: int) -> Callable[[Context], None]:
    return lambda ctx: _finder(ctx).step(by)


ACTIONS = (
    Action("graph.find_next", "Find next", _next(1), "View", 40, "F3", "chevron-down", "To the next node that was found.", needs_found),
    Action(
        "graph.find_previous", "Find previous", _next(-1), "View", 40, "Shift+F3", "chevron-up",
        "To the node that was found before.", needs_found,
    ),
    Action(
        "graph.find_all", "Select all found", lambda ctx: _finder(ctx).select_all(), "View", 40, "", "select",
        "Select everything that was found (Alt+Enter in the field).", needs_found,
    ),
    Action(
        "graph.trace_up", "Trace upstream", _trace(lambda ways, rows: ways.upstream(rows), "upstream of"), MENU, 40, "Ctrl+Shift+U",
        "chevron-up", "Everything that the selection depends on.", needs_nodes,
    ),
    Action(
        "graph.trace_down", "Trace downstream", _trace(lambda ways, rows: ways.downstream(rows), "downstream of"), MENU, 40, "Ctrl+Shift+D",
        "chevron-down", "Everything that depends on the selection.", needs_nodes,
    ),
    Action(
        "graph.trace_both", "Trace both ways", _trace(_both, "upstream and downstream of"), MENU, 40, "", "branch",
        "Everything that the selection depends on, and that depends on it.", needs_nodes,
    ),
    Action(
        "graph.between", "Paths between two nodes", between, MENU, 60, "", "link",
        "Every node on a way between the two that are selected.", needs_two,
    ),
    Action(
        "graph.shortest", "Shortest path between two nodes", shortest, MENU, 60, "", "link",
        "The fewest links between the two that are selected.", needs_two,
    ),
    Action(
        "graph.alike", "Find more like the selection", alike, MENU, 70, "", "search",
        "Places with the same ops wired in the same way; of a single node, with the same attributes.", needs_nodes,
    ),
    Action(
        "graph.trace_clear", "Clear what was found", lambda ctx: _finder(ctx).end(), MENU, 80, "", "close",
        "Take the highlight off and close the list.", needs_model,
    ),
)  # fmt: skip
