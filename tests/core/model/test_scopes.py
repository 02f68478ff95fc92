"""Where a node belongs."""

from __future__ import annotations

import pytest
from onnx import helper

from core.model.scopes import Scopes, listed, slashed, spaced


@pytest.mark.parametrize(
    ("read", "text", "path"),
    [
        (slashed, "/model/layers.0/self_attn", "model/layers.0/self_attn"),
        (slashed, "a//b/", "a/b"),
        (slashed, "", ""),
        (listed, "['', 'blocks', 'blocks.0', 'blocks.0.conv', 'node_conv']", "blocks/blocks.0/conv"),
        (listed, "['', 'layers.1', 'layers.1.norm', 'layers.1.norm', 'mul']", "layers.1/norm"),
        (listed, "[]", ""),
        (listed, "not a list at all", ""),
        (spaced, ": Net/blocks.0: torch.nn.Sequential/blocks.0.conv: torch.nn.Conv2d/node: aten.conv", "blocks.0/conv"),
    ],
)
def test_texts_become_paths(read: object, text: str, path: str) -> None:
    assert read(text) == path  # type: ignore[operator]


def test_the_column_has_a_number_for_every_node() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"], name=name) for name in ("/a/b/relu", "relu", "/a/b/other", "/a/relu")]
    scopes = Scopes(nodes)
    for node in nodes:
        scopes.add(node)
    column = scopes.column(1, 6)
    assert [scopes.names[number] for number in column] == ["", "a/b", "", "a/b", "a", ""]


def test_what_the_exporter_says_goes_before_the_name() -> None:
    node = helper.make_node("Conv", ["x"], ["y"], name="/wrong/node_conv")
    node.metadata_props.add(key="namespace", value=": Net/stem: torch.nn.Conv2d/conv: aten")
    node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'stem', 'conv']")
    assert Scopes([node]).of(node) == "stem"
