"""Opening and copying: nothing that protobuf can say is lost."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from core.errors import ModelError
from core.job import Job
from core.model import document, opening, shapes, source
from tests import models

WHEEL = Path(onnx.__file__).parent / "backend/test/data"


def _every_model() -> list[Path]:
    return sorted(WHEEL.glob("**/*.onnx"))


def _canonical(model: onnx.ModelProto) -> onnx.ModelProto:
    """The documented normalisations: fields set to their default are unset, metadata is sorted."""
    for field in ("producer_name", "producer_version", "domain", "doc_string", "model_version"):
        if not getattr(model, field):
            model.ClearField(field)
    for entry in model.opset_import:
        if not entry.domain:
            entry.ClearField("domain")
    return model


def test_models_of_the_onnx_wheel_come_back_equal() -> None:
    paths = _every_model()
    assert len(paths) > 100
    for path in paths:
        back = document.to_proto(document.clone(document.load(path)))
        assert _canonical(back) == _canonical(onnx.load(path)), path


def test_models_of_the_onnx_wheel_open_and_save(tmp_path: Path) -> None:
    for path in _every_model()[::6]:
        opened = opening.open_model(path, Job())
        assert opened.summary.nodes == len(onnx.load(path).graph.node)
        saved = document.save(document.load(path), tmp_path / "m.onnx")
        assert saved.fingerprint == opened.model.fingerprint, path


def test_everything_that_is_said_besides_is_kept(tmp_path: Path) -> None:
    model = models.residual_cnn()
    model.doc_string, model.producer_version, model.domain, model.model_version = "about it", "1.2", "org.example", 7
    model.metadata_props.add(key="labels", value="a,b")
    model.opset_import.add(domain="com.microsoft", version=1)
    graph = model.graph
    graph.doc_string = "a graph"
    graph.node[0].doc_string = "where it came from"
    graph.node[0].metadata_props.add(key="namespace", value="stem/0")
    graph.initializer[0].doc_string = "weights of the stem"
    graph.value_info.append(helper.make_tensor_value_info("stem", 1, ["N", 8, 8, 8]))
    note = graph.quantization_annotation.add(tensor_name="stem")
    note.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="bn.scale")
    graph.input[0].doc_string = "an image"
    path = models.save(model, tmp_path / "m.onnx")
    saved = document.save(document.clone(document.load(path)), tmp_path / "out.onnx")
    back = onnx.load(saved.path)
    assert [value for value in back.graph.value_info if value.name == "stem"] == list(graph.value_info)
    for field in ("doc_string", "producer_name", "producer_version", "domain", "model_version", "ir_version"):
        assert getattr(back, field) == getattr(model, field)
    assert {entry.domain: entry.version for entry in back.opset_import} == {"": 17, "com.microsoft": 1}
    assert list(back.metadata_props) == list(model.metadata_props)
    assert list(back.graph.node) == list(graph.node)
    assert list(back.graph.initializer) == list(graph.initializer)
    assert list(back.graph.quantization_annotation) == list(graph.quantization_annotation)
    assert back.graph.input == graph.input
    assert back.graph.doc_string == "a graph"


def test_functions_are_kept() -> None:
    model = models.with_function()
    back = document.to_proto(document.clone(document.from_proto(model)))
    assert list(back.functions) == list(model.functions)


def test_sparse_initializers_are_kept(tmp_path: Path) -> None:
    model = models.mlp()
    sparse = model.graph.sparse_initializer.add(dims=[16, 3])
    sparse.values.CopyFrom(onnx.numpy_helper.from_array(np.ones(2, np.float32), "thin"))
    sparse.indices.CopyFrom(onnx.numpy_helper.from_array(np.array([0, 5], np.int64), "thin_indices"))
    model.graph.node.add(op_type="MatMul", name="thin_matmul", input=["x", "thin"], output=["t"])
    model.graph.output.append(helper.make_tensor_value_info("t", 1, ["N", 3]))
    back = document.to_proto(document.clone(document.load(models.save(model, tmp_path / "m.onnx"))))
    assert list(back.graph.sparse_initializer) == list(model.graph.sparse_initializer)


def test_the_ir_version_is_never_raised(tmp_path: Path) -> None:
    for version in (3, 8, 10, 13):
        model = models.mlp()
        model.ir_version = version
        for tensor in model.graph.initializer if version < 4 else ():
            model.graph.input.append(helper.make_tensor_value_info(tensor.name, 1, list(tensor.dims)))
        saved = document.save(document.load(models.save(model, tmp_path / f"{version}.onnx")), tmp_path / "out.onnx")
        assert onnx.load(saved.path).ir_version == version


def test_a_clone_shares_tensors_and_nothing_else(tmp_path: Path) -> None:
    original = document.load(models.save(models.residual_cnn(), tmp_path / "m.onnx"))
    before = document.to_proto(original).SerializeToString()
    copy = document.clone(original)
    value = copy.graph.initializers["fc.weight"]
    assert value.const_value is original.graph.initializers["fc.weight"].const_value
    value.const_value = ir.tensor(np.zeros((10, 16), np.float32), name="fc.weight")
    copy.graph.remove(list(copy.graph)[-1])
    assert document.to_proto(original).SerializeToString() == before


def test_loaded_weights_cannot_be_written_to(tmp_path: Path) -> None:
    for path in (models.save(models.mlp(), tmp_path / "m.onnx"), models.with_external(tmp_path / "e")):
        array = document.load(path).graph.initializers["fc1.weight"].const_value.numpy()  # type: ignore[union-attr]
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1.0


def test_external_weights_stay_in_their_file(tmp_path: Path) -> None:
    path = models.with_external(tmp_path)
    loaded = document.load(path)
    tensor = loaded.graph.initializers["fc1.weight"].const_value
    reference = onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    assert type(tensor).__name__ == "RangeTensor"
    np.testing.assert_array_equal(tensor.numpy(), reference)  # type: ignore[union-attr]
    assert isinstance(tensor, ir.TensorProtocol)
    assert document.to_proto(loaded).graph.initializer[0].raw_data == reference.tobytes()


def test_a_large_model_opens_without_reading_its_weights(tmp_path: Path) -> None:
    """400 MB embedded: the process grows by far less than the weights."""
    path = models.big(400, tmp_path / "big.onnx", embedded=True)
    code = """
        import resource, sys
        from pathlib import Path
        import onnx, onnx_ir, numpy
        from core.model import document
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        model = document.load(Path(sys.argv[1]))
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """
    said = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(path)], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 40


def test_check_finds_what_the_schema_forbids(tmp_path: Path) -> None:
    for build in (models.mlp, models.with_if, models.with_loop, models.with_function, models.int8_qdq, models.zero_size):
        document.check(document.from_proto(build()))
        document.check(build())
    document.check(document.load(models.with_external(tmp_path)))
    document.check(models.unknown_domain())
    model = models.mlp()
    model.graph.node[1].op_type = "Concat"
    with pytest.raises(ModelError, match="not valid ONNX"):
        document.check(model)
    with pytest.raises(ModelError, match="cycle"):
        document.check(models.cyclic())
    with pytest.raises(ModelError, match="topological order"):
        document.check(models.unsorted())


def test_an_unsorted_file_is_sorted_when_loaded(tmp_path: Path) -> None:
    model = document.load(models.save(models.unsorted(), tmp_path / "m.onnx"))
    assert [node.name for node in model.graph] == ["first", "second", "third"]
    document.check(model)


def test_too_large_for_one_message(tmp_path: Path) -> None:
    """4 GB of weights that are a hole in a file: it opens, and is refused as one message with what to do."""
    side = 16384
    with (tmp_path / "hole.data").open("wb") as file:
        file.truncate(4 * side * side * 4)
    model = models.mlp()
    for number in range(4):
        tensor = model.graph.initializer.add(name=f"w{number}", data_type=1, dims=[side, side])
        models.external(tensor, "hole.data", number * side * side * 4, side * side * 4)
    path = models.save(model, tmp_path / "m.onnx")
    opened = opening.open_model(path, Job())
    assert opened.model.size > 4 << 30
    assert opened.summary.weight_bytes > 4 << 30
    with pytest.raises(ModelError, match="more than the 2 GB"):
        document.to_proto(document.load(path))
    saved = document.save(document.load(path), tmp_path / "again.onnx")
    assert saved.fingerprint == opened.model.fingerprint
    assert not (tmp_path / "again.data").exists()


def test_shapes_are_inferred_and_symbols_kept() -> None:
    inferred = shapes.infer(models.dynamic())
    said = {value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in inferred.graph.value_info}
    assert said["q"] == ["N", "L", 16]
    assert said["kt"] == ["N", 16, "L"]
    model = document.from_proto(models.dynamic())
    assert shapes.infer(model) is model
    value = next(node for node in model.graph if node.op_type == "Transpose").outputs[0]
    assert [str(dim) for dim in value.shape] == ["N", "16", "L"]  # type: ignore[union-attr]
    assert value.dtype == ir.DataType.FLOAT


def test_shapes_that_contradict_are_a_note_not_an_error() -> None:
    model = models.mlp()
    model.graph.initializer[0].dims[:] = [16, 32]
    inferred, _ = shapes.infer_noting(model)
    assert len(inferred.graph.node) == 4
    model = models.mlp()
    model.graph.node[1].op_type = "Reshape"
    inferred, _ = shapes.infer_noting(model)
    assert len(inferred.graph.node) == 4


def test_inference_does_not_change_its_argument() -> None:
    model = models.dynamic()
    before = model.SerializeToString()
    shapes.infer(model)
    document.skeleton(model)
    assert model.SerializeToString() == before


def test_the_last_few_files_are_kept(tmp_path: Path) -> None:
    paths = [models.save(models.mlp(hidden=8 + number), tmp_path / f"{number}.onnx") for number in range(8)]
    first = source.read(paths[0])
    for path in paths:
        source.read(path)
    assert source.read(paths[-1]) is source.read(paths[-1])
    assert source.read(paths[0]) is not first
