"""What of the graph goes to the clipboard."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from gui import figures
from gui.context import Context

KEY = "graph.copy"


def copy_nodes(ctx: Context) -> None:
    """Everything about the selected nodes as text; it is there when the message says so."""
    from core.model import copying

    session, names = ctx.session, ctx.selection.nodes
    if session is None or session.history.head is None or not names:
        return

    def done(text: str) -> None:
        QApplication.clipboard().setText(text)
        ctx.notify.info(f"{figures.plural(len(names), 'node')} {'is' if len(names) == 1 else 'are'} on the clipboard as text.")

    model = session.history[session.history.head].model
    ctx.document.ask(copying.nodes_text, model, names, on_done=done, on_error=ctx.notify.error, key=KEY)


def copy_names(ctx: Context) -> None:
    """The names of the selected nodes, one a line."""
    names = ctx.selection.nodes
    QApplication.clipboard().setText("\n".join(names))
    ctx.notify.info("The node's name is on the clipboard." if len(names) == 1 else f"{len(names)} names are on the clipboard.")
