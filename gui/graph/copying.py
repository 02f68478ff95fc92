"""What of the graph goes to the clipboard."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from core.model import Model
from gui import figures
from gui.context import Context

KEY = "graph.copy"


def copy_nodes(ctx: Context) -> None:
    """Everything about the selected nodes as text; it is there when the message says so."""
    from core.model import copying

    session, names, tensor = ctx.session, ctx.selection.nodes, ctx.selection.tensor
    if session is None or session.history.head is None or not (names or tensor):
        return
    model = session.history[session.history.head].model
    if tensor:
        _copy_tensor(ctx, model, tensor)
        return

    def done(text: str) -> None:
        QApplication.clipboard().setText(text)
        ctx.notify.info(f"{figures.plural(len(names), 'node')} {'is' if len(names) == 1 else 'are'} on the clipboard as text.")

    ctx.document.ask(copying.nodes_text, model, names, on_done=done, on_error=ctx.notify.error, key=KEY)


def _copy_tensor(ctx: Context, model: Model, tensor: str) -> None:
    """Everything about the tensor that is looked at."""
    from core.model import tensor_page
    from gui.inspect.tensor import as_text

    def done(page: tensor_page.TensorPage) -> None:
        QApplication.clipboard().setText(as_text(page))
        ctx.notify.info("The tensor is on the clipboard as text.")

    ctx.document.ask(tensor_page.tensor_page, model, tensor, on_done=done, on_error=ctx.notify.error, key=KEY)


def copy_names(ctx: Context) -> None:
    """The names of the selected nodes, one a line."""
    names = ctx.selection.nodes
    QApplication.clipboard().setText("\n".join(names))
    ctx.notify.info("The node's name is on the clipboard." if len(names) == 1 else f"{len(names)} names are on the clipboard.")
