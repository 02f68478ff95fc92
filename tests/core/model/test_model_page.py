"""What a model says of itself."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import helper

from core.job import Job
from core.model import document
from core.model.model_page import DomainRow, ModelPage, model_page
from tests import models


def page(folder: Path, model: onnx.ModelProto) -> ModelPage:
    return model_page(document.snapshot(models.save(model, folder / "m.onnx")), Job())


def test_functions_with_their_nodes_and_calls(tmp_path: Path) -> None:
    model = models.with_function()
    model.functions[0].doc_string = "Multiplies,\nthen adds."
    found = page(tmp_path, model)
    assert [(each.name, each.domain, each.nodes, each.calls, each.doc) for each in found.functions] == [
        ("Dense", "local", 2, 2, "Multiplies, then adds.")
    ]
    assert found.domains == (DomainRow("", 17, 3, "ONNX", ()), DomainRow("local", 1, 2, "this model", ()))


def test_domains_and_what_nobody_defines(tmp_path: Path) -> None:
    model = models.unknown_domain()
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert page(tmp_path, model).domains == (
        DomainRow("", 17, 1, "ONNX", ()),
        DomainRow("com.example.unknown", 1, 1, "nobody", ("Frobnicate",)),
        DomainRow("com.microsoft", 1, 0, "ONNX Runtime", ()),
    )


def test_nodes_of_subgraphs_count_and_words_are_kept(tmp_path: Path) -> None:
    model = models.with_if()
    model.doc_string, model.graph.doc_string, model.model_version, model.domain = "A model.", "A graph.", 3, "com.example"
    model.metadata_props.add(key="b", value="2")
    model.metadata_props.add(key="a", value="1")
    found = page(tmp_path, model)
    assert found.domains[0].nodes == 6
    assert (found.doc, found.version, found.domain, found.producer) == ("A model.\n\nA graph.", 3, "com.example", "sardonyx-tests")
    assert found.metadata == (("a", "1"), ("b", "2"))
