"""What is selected in the model, shared by all panels: names of nodes, so that it survives a change of variant, and the
tensor that is looked at."""

from __future__ import annotations

from core.events import Event


class Selection:
    """Node names (as `core.model.index.GraphIndex.names` gives them); `changed` tells who set it, to avoid echoes."""

    def __init__(self) -> None:
        self.nodes: tuple[str, ...] = ()
        self.changed: Event[[object]] = Event()
        #: Emitted when a panel wants the graph to travel to a node.
        self.reveal: Event[[str]] = Event()
        #: The tensor whose page is wanted instead of the nodes'; empty for none. Whoever selects nodes leaves it.
        self.tensor = ""
        self.tensor_changed: Event[[]] = Event()

    def set(self, nodes: tuple[str, ...], source: object = None) -> None:
        """Select `nodes`; `source` is the panel that did it."""
        left, self.tensor = self.tensor, ""
        if nodes != self.nodes:
            self.nodes = nodes
            self.changed.emit(source)
        if left:
            self.tensor_changed.emit()

    def look_at(self, tensor: str) -> None:
        """Want the page of a tensor, by its name; the selected nodes stay."""
        if tensor != self.tensor:
            self.tensor = tensor
            self.tensor_changed.emit()
