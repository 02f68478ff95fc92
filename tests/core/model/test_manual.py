"""What ONNX says of its operators, as plain text."""

from __future__ import annotations

from pathlib import Path

from onnx import defs, helper

from core.job import Job
from core.model import document, manual, pages
from tests import models


def test_every_operator_of_every_version_has_one() -> None:
    for schema in defs.get_all_schemas_with_history():
        found = manual.of_schema(schema)
        assert found.op == schema.name
        assert len(found.inputs) == len(schema.inputs)
        assert {each.name for each in found.attributes} == set(schema.attributes)
        for _, text in found.text:
            assert text.strip()
        assert not [text for kind, text in found.text if kind == "words" and ("](http" in text or " **op" in text or "```" in text)]


def test_a_convolution() -> None:
    found = manual.of_schema(defs.get_schema("Conv", 11, ""))
    group = found.attribute("group")
    assert group == manual.AttributeManual(
        "group", "whole number", False, "1", "number of groups input channels and output channels are divided into."
    )
    weight, bias = found.inputs[1:]
    assert (weight.name, weight.option, bias.option) == ("W", "", "optional")
    assert found.allowed(weight) == "float16, float32, float64"
    assert found.types[0].doc == "Constrain input and output types to float tensors."
    assert manual.of_schema(defs.get_schema("Sum", 13, "")).inputs[0].option == "variadic"


def test_markdown_becomes_text() -> None:
    doc = """
      One **bold** word, `code`
      and a [link](https://example.com).

      * first
        goes on
      * second

      ```
        indented = 1
      ```
    """
    assert manual.blocks(doc) == (
        ("words", "One bold word, code and a link."),
        ("words", "• first goes on\n• second"),
        ("code", "indented = 1"),
    )


def test_functions_bring_their_own(tmp_path: Path) -> None:
    model = models.with_function()
    model.functions[0].doc_string = "Multiplies, then adds.\n\nTwice."
    model.functions[0].attribute.append("axis")
    page = pages.node_page(document.snapshot(models.save(model, tmp_path / "f.onnx")), "first", Job())
    assert page.manual is not None
    assert page.manual.text == (("words", "Multiplies, then adds."), ("words", "Twice."))
    assert page.doc == "Multiplies, then adds."
    assert [each.name for each in page.manual.attributes] == ["axis"]
    assert [each.name for each in page.manual.inputs] == list(model.functions[0].input)


def test_what_nobody_defines_has_none(tmp_path: Path) -> None:
    page = pages.node_page(document.snapshot(models.save(models.unknown_domain(), tmp_path / "u.onnx")), "frob", Job())
    assert page.manual is None
    node = helper.make_node("Relu", ["x"], ["y"])
    assert manual.schema_of(node, [helper.make_opsetid("", 2**31 + 5)]) is not None
