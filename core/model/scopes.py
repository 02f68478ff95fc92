"""Where a node belongs: the module path that its exporter wrote down, or that its name tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import onnx

#: Metadata in which exporters of PyTorch write the modules around a node, outermost first, as a Python list of texts.
_SCOPES = "pkg.torch.onnx.name_scopes"
#: The same as one text, `layers.0: torch.nn.Linear/...`; older exporters wrote only this.
_NAMESPACE = "namespace"


class Scopes:
    """Fills the scope column of an index, node by node; `names[0]` is the empty one.

    A scope is a path with slashes: of `/model/layers.0/self_attn/MatMul` it is `model/layers.0/self_attn`.
    """

    def __init__(self, nodes: Sequence[onnx.NodeProto]) -> None:
        self.names: list[str] = [""]
        self._numbers: dict[str, int] = {"": 0}
        #: a name's part before its last slash, or an exporter's text -> number of the scope
        self._known: dict[str, int] = {"": 0}
        self._rows: list[int] = []
        # exporters that write it do so for nearly every node
        self._told = any(node.metadata_props for node in nodes[:: max(1, len(nodes) // 16)][:32])

    def add(self, node: onnx.NodeProto) -> None:
        """The next row is of `node`."""
        self._rows.append(self._of(node))

    def of(self, node: onnx.NodeProto) -> str:
        """The scope of one node, as text."""
        return self.names[self._of(node)]

    def _of(self, node: onnx.NodeProto) -> int:
        if self._told and node.metadata_props:
            for entry in node.metadata_props:
                if entry.key == _SCOPES:
                    return self._number(f"\0{entry.value}", listed)
                if entry.key == _NAMESPACE:
                    return self._number(f"\1{entry.value}", spaced)
        before = node.name.rpartition("/")[0]
        found = self._known.get(before)
        return self._number(before, slashed) if found is None else found

    def _number(self, key: str, read: Reader) -> int:
        found = self._known.get(key)
        if found is None:
            path = read(key[1:] if key[:1] in ("\0", "\1") else key)
            found = self._numbers.setdefault(path, len(self.names))
            if found == len(self.names):
                self.names.append(path)
            self._known[key] = found
        return found

    def column(self, before: int, rows: int) -> np.ndarray:
        """int32 (rows): the first `before` rows (inputs) and those after the nodes (outputs) belong nowhere."""
        import numpy as np

        column = np.zeros(rows, np.int32)
        column[before : before + len(self._rows)] = self._rows
        return column


def slashed(text: str) -> str:
    """`/model//layers.0/` as `model/layers.0`."""
    return "/".join(part for part in text.split("/") if part)


def listed(text: str) -> str:
    """`['', 'blocks', 'blocks.0', 'blocks.0.conv', 'node']` as `blocks/blocks.0/conv`: each says its parents again, last the node."""
    parts = [part.strip().strip("'\"") for part in text.strip().strip("[]").split(",")][:-1]
    return _nested(parts)


def spaced(text: str) -> str:
    """`: Net/blocks.0: torch.nn.Sequential/blocks.0.conv: torch.nn.Conv2d/node: aten.convolution` as `blocks.0/conv`."""
    return _nested([part.partition(":")[0].strip() for part in text.split("/")][:-1])


def _nested(parts: Sequence[str]) -> str:
    """Dotted paths, each one longer than the one before, as one path with slashes."""
    found: list[str] = []
    before = ""
    for part in parts:
        if not part or part == before:
            continue
        inner = part[len(before) + 1 :] if before and part.startswith(f"{before}.") else part
        found.append(f"{found[-1]}.{inner}" if inner.isdigit() and found else inner.replace("/", "."))
        before = part
    return "/".join(found)


if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[str], str]
