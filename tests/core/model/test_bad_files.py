"""What a bad file gets: a ModelError that says what it is and what to do, here and out of a worker process."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from core.errors import ModelError
from core.job import Job
from core.model import document, opening, pages, source, weights
from tests import models

Maker = Callable[[Path], Path]


def _bytes(data: bytes, name: str = "bad.onnx") -> Maker:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def _model(build: Callable[[], onnx.ModelProto]) -> Maker:
    return lambda folder: models.save(build(), folder / "bad.onnx")


def _external(location: str, *, offset: int = 0, prepare: Callable[[Path], None] | None = None) -> Maker:
    """An MLP whose first matrix claims to be at `location`, in a model folder inside `folder`."""

    def make(folder: Path) -> Path:
        model = models.mlp()
        tensor = model.graph.initializer[0]
        length = len(tensor.raw_data)
        (folder / "outside.bin").write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        where = location.replace("{folder}", str(folder))
        models.external(tensor, where, offset, length)
        path = models.save(model, folder / "model" / "bad.onnx")
        if prepare:
            prepare(path.parent)
        return path

    return make


def _torch_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "net.pt", "w") as archive:
        archive.writestr("net/data.pkl", b"\x80\x02.")
    return folder / "net.pt"


def _safetensors(folder: Path) -> Path:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0\0\0")
    return folder / "w.safetensors"


def _symlink_out(folder: Path) -> None:
    (folder / "link.bin").symlink_to(folder.parent / "outside.bin")


def _short(folder: Path) -> None:
    (folder / "short.bin").write_bytes(b"\0" * 100)


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe.bin")


def _missing(folder: Path) -> Path:
    return folder / "nowhere.onnx"


def _directory(folder: Path) -> Path:
    models.save(models.mlp(), folder / "models" / "inside.onnx")
    return folder / "models"


def _wrong_size() -> onnx.ModelProto:
    model = models.mlp()
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]
    return model


def _wrong_count() -> onnx.ModelProto:
    model = models.mlp()
    tensor = model.graph.initializer[1]
    tensor.ClearField("raw_data")
    tensor.float_data.extend([1.0, 2.0])
    return model


def _negative() -> onnx.ModelProto:
    model = models.mlp()
    model.graph.initializer[0].dims[0] = -32
    return model


def _strange_dtype() -> onnx.ModelProto:
    model = models.mlp()
    model.graph.initializer[0].data_type = 77
    return model


def _unmade_output() -> onnx.ModelProto:
    model = models.mlp()
    model.graph.output[0].name = "phantom"
    return model


def _cyclic_body() -> onnx.ModelProto:
    model = models.with_if()
    branch = next(attribute.g for attribute in model.graph.node[3].attribute if attribute.name == "then_branch")
    branch.node[0].input[0] = "loop_b"
    branch.node.add(op_type="Neg", name="back", input=["then_y"], output=["loop_b"])
    return model


def _recursive() -> onnx.ModelProto:
    model = models.with_function()
    model.functions[0].node.add(op_type="Dense", domain="local", name="again", input=["Y", "W", "B"], output=["Z"])
    return model


_WHOLE = models.residual_cnn().SerializeToString()
BAD: dict[str, tuple[Maker, str, str]] = {
    # name: (maker, words in the message, words in the hint)
    "missing file": (_missing, "There is no file", "path"),
    "truncated": (_bytes(_WHOLE[: len(_WHOLE) // 2]), "cut off", "get the file again"),
    "empty": (_bytes(b""), "empty", "get the file again"),
    "text": (_bytes(b"hello, this is\nno model at all\n"), "text file ('hello, this is", ".onnx"),
    "json": (_bytes(b'{"a": 1}'), "JSON", ".onnx"),
    "web page": (_bytes(b"<!DOCTYPE html><html></html>"), "web page", "Download"),
    "git lfs": (_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "Git LFS pointer", "git lfs pull"),
    "prototxt": (_bytes(b"ir_version: 8\ngraph {\n}\n"), "text form", "onnx.load_model"),
    "garbage": (_bytes(bytes(range(255, 155, -1)) * 9), "not a readable ONNX model", "damaged"),
    "zeros": (_bytes(b"\0" * 500), "not a readable ONNX model", "damaged"),
    "no graph": (_bytes(onnx.ModelProto(ir_version=8).SerializeToString()), "no graph", "Get the file again"),
    "directory": (_directory, "is a folder", "inside.onnx"),
    "device": (lambda folder: Path("/dev/null"), "not a regular file", ".onnx"),
    "pytorch": (_torch_zip, "PyTorch", "torch.onnx.export"),
    "tflite": (_bytes(b"\x1c\0\0\0TFL3" + b"\0" * 60, "m.tflite"), "TensorFlow Lite", "tf2onnx"),
    "hdf5": (_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 60, "m.h5"), "HDF5", "tf2onnx"),
    "safetensors": (_safetensors, "safetensors", "Export"),
    "openvino": (_bytes(b'<?xml version="1.0"?>\n<net name="n" version="11">\n</net>', "m.xml"), "OpenVINO", "ONNX"),
    "engine": (_bytes(b"ftrt" + b"\0" * 60, "m.engine"), "TensorRT engine", "ONNX model"),
    "gguf": (_bytes(b"GGUF\x03\0\0\0" + b"\0" * 60, "m.gguf"), "GGUF", "Export"),
    "cycle": (_model(models.cyclic), "cycle", "free of cycles"),
    "cycle in a branch": (_model(_cyclic_body), "cycle", "free of cycles"),
    "written twice": (_model(models.duplicate_output), "'a' is written twice: by Relu 'one' and Abs 'two'", "export the model again"),
    "never made": (_model(models.undefined_input), "Add 'add' reads 'ghost', which nothing makes", "export the model again"),
    "output never made": (_model(_unmade_output), "output 'phantom' is never made", "export the model again"),
    "function of itself": (_model(_recursive), "call themselves: Dense", "export the model again"),
    "weight too short": (_model(_wrong_size), "'fc1.weight' is float32[32, 16], 2,048 bytes, but holds 2,044", "export the model again"),
    "weight with too few values": (_model(_wrong_count), "'fc1.bias' is float32[32], 32 values, but holds 2", "export the model again"),
    "negative dim": (_model(_negative), "negative dimension", "export it again"),
    "unknown dtype": (_model(_strange_dtype), "dtype that ONNX does not know", "newer"),
    "data missing": (_external("gone.bin"), "External data is missing: gone.bin", "model/gone.bin"),
    "data by absolute path": (_external("{folder}/outside.bin"), "outside the model's folder", "inside its own folder"),
    "data by dot dot": (_external("../outside.bin"), "outside the model's folder", "inside its own folder"),
    "data by inner dot dot": (_external("a/../../outside.bin"), "outside the model's folder", "inside its own folder"),
    "data by drive": (_external("C:\\outside.bin"), "outside the model's folder", "inside its own folder"),
    "data by link": (_external("link.bin", prepare=_symlink_out), "a link to", "cp -L"),
    "data too short": (_external("short.bin", prepare=_short), "short.bin is too short", "get it again"),
    "data before the file": (_external("short.bin", offset=-8, prepare=_short), "at -8", "export the model again"),
    "data is a pipe": (_external("pipe.bin", prepare=_fifo), "not a plain file", "expected at"),
    "data is a folder": (_external("sub", prepare=lambda folder: (folder / "sub").mkdir()), "not a plain file", "expected at"),
    "data unnamed": (_external(""), "no file is named", "export it again"),
}


@pytest.fixture(params=BAD)
def bad(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str, str]:
    make, message, hint = BAD[request.param]
    return make(tmp_path), message, hint


def test_says_what_it_is_and_what_to_do(bad: tuple[Path, str, str]) -> None:
    path, message, hint = bad
    with pytest.raises(ModelError) as caught:
        document.load(path)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_crosses_from_a_worker_as_it_is(bad: tuple[Path, str, str], pool: object) -> None:
    path, message, hint = bad
    with pytest.raises(ModelError) as caught:
        pool.run(opening.open_model, path, title="Open")  # type: ignore[attr-defined]
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_cycle_names_two_nodes_of_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"Add 'left'.*Relu 'right'"):
        document.load(models.save(models.cyclic(), tmp_path / "c.onnx"))


def test_no_permission(tmp_path: Path) -> None:
    """In a process that gives up root, for whom every file can be read."""
    path = models.save(models.mlp(), tmp_path / "secret.onnx")
    path.chmod(0)
    tmp_path.chmod(0o755)  # reached as the working folder: the folders above it stay closed
    code = (
        "import os, sys, onnx, onnx_ir\n"
        "from pathlib import Path\n"
        "from core.model import source\n"
        "from core.errors import ModelError\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: source.read(Path(sys.argv[1]))\n"
        "except ModelError as error: sys.exit(f'{error.message} | {error.hint}')\n"
    )
    said = subprocess.run([sys.executable, "-c", code, path.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "secret.onnx may not be read: permission denied. | Change the permissions of" in said.stderr, said.stderr


OPENS: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "unknown domain": (models.unknown_domain, "com.example.unknown"),
    "NaN": (models.nan_weight, "NaN: 'fc1.weight'"),
    "infinity": (models.nan_weight, "infinite values: 'fc2.weight'"),
    "new IR": (models.too_new, "IR version 99"),
    "new opset": (models.too_new, "Opset 99"),
    "unsorted": (models.unsorted, "topological order"),
    "no elements": (models.zero_size, "'nothing' (float32[1, 0])"),
    "no nodes": (models.empty_graph, "no nodes"),
}


@pytest.mark.parametrize("case", OPENS)
def test_opens_with_a_warning(case: str, tmp_path: Path) -> None:
    build, word = OPENS[case]
    opened = opening.open_model(models.save(build(), tmp_path / "m.onnx"), Job())
    assert any(word in warning for warning in opened.summary.warnings), opened.summary.warnings
    assert len(opened.index) >= 2


@pytest.mark.parametrize(
    "build", [models.mlp, models.with_if, models.with_loop, models.with_function, models.int8_qdq, models.residual_cnn]
)
def test_opens_without_a_warning(build: Callable[[], onnx.ModelProto], tmp_path: Path) -> None:
    assert opening.open_model(models.save(build(), tmp_path / "m.onnx"), Job()).summary.warnings == ()


def test_what_exporters_leave_out_is_no_warning(tmp_path: Path) -> None:
    """The region of interest of Resize, and the shape of a scalar, have no elements in sound models."""
    model = models.mlp()
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(0, np.float32), "roi"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(0, np.int64), "scalar"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(2, np.float32), "scales"))
    model.graph.node.add(op_type="Resize", name="resize", input=["h", "roi", "scales"], output=["bigger"])
    model.graph.node.add(op_type="Reshape", name="reshape", input=["h", "scalar"], output=["one"])
    assert opening.open_model(models.save(model, tmp_path / "m.onnx"), Job()).summary.warnings == ()


def test_a_graph_without_nodes_opens(tmp_path: Path) -> None:
    opened = opening.open_model(models.save(models.empty_graph(), tmp_path / "m.onnx"), Job())
    assert opened.index.names == ["x", "x (output)"]
    assert opened.summary.nodes == 0
    assert opened.index.src.tolist() == [0]


def test_unknown_domains_are_named(tmp_path: Path) -> None:
    path = models.save(models.unknown_domain(), tmp_path / "m.onnx")
    assert document.unknown_domains(path) == {"com.example.unknown": ("Frobnicate",)}
    assert document.unknown_domains(document.load(path)) == {"com.example.unknown": ("Frobnicate",)}
    assert document.unknown_domains(models.with_function()) == {}


def test_a_lone_infinity_is_no_warning(tmp_path: Path) -> None:
    model = models.residual_cnn()
    for tensor in model.graph.initializer:
        if tensor.name == "six":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.float32(np.inf), "six"))
    assert opening.open_model(models.save(model, tmp_path / "m.onnx"), Job()).summary.warnings == ()


@pytest.mark.parametrize("lazy", [False, True])
def test_every_cut_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lazy: bool) -> None:
    """A model cut anywhere before its last field is refused, by both readers."""
    if lazy:
        monkeypatch.setattr(source, "LAZY", 0)
    whole = models.mlp().SerializeToString()
    for end in range(1, len(whole) - 8, 37):
        path = tmp_path / f"cut{end}.onnx"
        path.write_bytes(whole[:end])
        with pytest.raises(ModelError):
            source.read(path)


def test_damage_never_escapes_as_another_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded random damage: a file opens, or is refused with a ModelError; nothing else ever."""
    dice = random.Random(20)
    builders = [models.mlp, models.residual_cnn, models.with_if, models.with_loop, models.with_function, models.with_constants]
    opened = 0
    for turn in range(400):
        data = bytearray(dice.choice(builders)().SerializeToString())
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data) if dice.random() < 0.5 else 600 % len(data))] = dice.randrange(256)
        monkeypatch.setattr(source, "LAZY", dice.choice([0, 64 << 20]))
        path = tmp_path / f"{turn}.onnx"
        path.write_bytes(data)
        try:
            found = opening.open_model(path, Job())
            for name in found.index.names[:4]:
                pages.node_page(found.model, name, Job())
            for name in list(found.index.initializers)[:2]:
                weights.stats(found.model, name, Job())
            document.save(document.clone(document.load(path)), tmp_path / "out.onnx")
        except ModelError:
            continue
        opened += 1
    assert opened > 20


def test_data_that_shrinks_after_opening_is_an_error_not_a_crash(tmp_path: Path) -> None:
    path = models.with_external(tmp_path)
    model = document.load(path)
    (tmp_path / "external.data").write_bytes(b"short")
    with pytest.raises(ModelError, match=r"external\.data has 5 bytes"):
        model.graph.initializers["fc1.weight"].const_value.numpy()  # type: ignore[union-attr]


def test_data_swapped_for_a_link_after_opening_is_not_followed(tmp_path: Path) -> None:
    path = models.with_external(tmp_path / "model")
    model = document.load(path)
    data = tmp_path / "model" / "external.data"
    data.rename(tmp_path / "elsewhere.data")
    data.symlink_to(tmp_path / "elsewhere.data")
    with pytest.raises(ModelError, match="cannot be read"):
        model.graph.initializers["fc1.weight"].const_value.numpy()  # type: ignore[union-attr]


def test_a_typed_payload_is_as_good_as_raw_bytes(tmp_path: Path) -> None:
    model = models.mlp()
    values = onnx.numpy_helper.to_array(model.graph.initializer[0]).copy()
    model.graph.initializer[0].ClearField("raw_data")
    model.graph.initializer[0].float_data.extend(values.reshape(-1).tolist())
    model.graph.initializer.add(name="half", data_type=TensorProto.FLOAT16, dims=[3], int32_data=[15360, 0, 31744])
    model.graph.initializer.add(name="nibbles", data_type=TensorProto.INT4, dims=[3], int32_data=[0x21, 0x0F])
    path = models.save(model, tmp_path / "m.onnx")
    loaded = document.load(path).graph.initializers
    np.testing.assert_array_equal(loaded["fc1.weight"].const_value.numpy(), values)  # type: ignore[union-attr]
    opened = source.read(path)
    assert opened.array(opened.initializers()["half"]).tolist() == [1.0, 0.0, np.inf]
    assert opened.array(opened.initializers()["nibbles"]).astype(np.int32).tolist() == [1, 2, -1]
