"""One fingerprint for what a model says, wherever and however it is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from core.model import document, identity
from tests import models


def test_storage_does_not_matter(tmp_path: Path) -> None:
    inside = models.save(models.mlp(), tmp_path / "inside.onnx")
    outside = models.with_external(tmp_path / "there", "other_name")
    typed = models.mlp()
    for tensor in typed.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor).reshape(-1).tolist()
        tensor.ClearField("raw_data")
        tensor.float_data.extend(values)
    fields = models.save(typed, tmp_path / "fields.onnx")
    prints = {document.fingerprint(path) for path in (inside, outside, fields)}
    assert len(prints) == 1
    assert len(prints.pop()) == 64


def test_what_does_not_compute_does_not_matter(tmp_path: Path) -> None:
    plain = models.save(models.mlp(), tmp_path / "a.onnx")
    model = models.mlp()
    model.producer_name, model.doc_string, model.ir_version = "another", "words", 9
    model.graph.name = "renamed"
    model.graph.value_info.append(onnx.helper.make_tensor_value_info("h", 1, ["N", 32]))
    model.graph.initializer.sort(key=lambda tensor: tensor.name, reverse=True)
    assert document.fingerprint(models.save(model, tmp_path / "b.onnx")) == document.fingerprint(plain)


def _weight(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[1]
    array = onnx.numpy_helper.to_array(tensor).copy()
    array[3] = np.nextafter(array[3], np.float32(9))
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))


def _attribute(model: onnx.ModelProto) -> None:
    model.graph.node[3].attribute[0].i = 1


def _rewire(model: onnx.ModelProto) -> None:
    model.graph.node[2].input[0] = "h"


def _shape(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def _opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 18


def _metadata(model: onnx.ModelProto) -> None:
    model.metadata_props.add(key="labels", value="a")


@pytest.mark.parametrize("change", [_weight, _attribute, _rewire, _shape, _opset, _metadata])
def test_what_computes_matters(change: object, tmp_path: Path) -> None:
    plain = document.fingerprint(models.save(models.mlp(), tmp_path / "a.onnx"))
    model = models.mlp()
    change(model)  # type: ignore[operator]
    assert document.fingerprint(models.save(model, tmp_path / "b.onnx")) != plain


def test_weights_of_branches_and_constants_matter(tmp_path: Path) -> None:
    for build in (models.with_if, models.with_constants):
        plain = document.fingerprint(models.save(build(), tmp_path / "a.onnx"))
        model = build()
        data = bytearray(model.SerializeToString())
        raw = next(
            tensor.raw_data
            for node in model.graph.node
            for attribute in node.attribute
            for tensor in ([attribute.t] if attribute.type == 4 else list(attribute.g.initializer))
            if len(tensor.raw_data) > 32
        )
        data[data.find(raw) + 2] ^= 1
        (tmp_path / "b.onnx").write_bytes(data)
        assert document.fingerprint(tmp_path / "b.onnx") != plain


def test_snapshot_counts_graph_and_weights_once(tmp_path: Path) -> None:
    path = models.with_external(tmp_path)
    weights = sum(len(tensor.raw_data) for tensor in models.mlp().graph.initializer if len(tensor.raw_data) >= 256)
    snapshot = document.snapshot(path)
    assert snapshot.size == path.stat().st_size + weights
    assert snapshot.path == path
    assert snapshot.name == "external"


def test_a_very_large_model_is_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit the ends and 16 pages of each large tensor enter: a change there is seen, between them it is not."""
    monkeypatch.setattr(identity, "SAMPLED", 1 << 20)
    path = models.big(48, tmp_path / "a.onnx", layers=2)
    data = tmp_path / "a.data"
    plain = document.fingerprint(path)
    one = int(onnx.load(path, load_external_data=False).graph.initializer[0].external_data[2].value)
    seen: dict[str, str] = {}
    for name, at in (("first", 5), ("page", (one * 32 // 64 & ~4095) + 9), ("last", one - 3), ("between", one // 2 - 9000)):
        whole = bytearray(data.read_bytes())
        whole[at] ^= 1
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a.data").write_bytes(whole)
        (folder / "a.onnx").write_bytes(path.read_bytes())
        seen[name] = document.fingerprint(folder / "a.onnx")
    assert seen["first"] != plain
    assert seen["page"] != plain
    assert seen["last"] != plain
    assert seen["between"] == plain
