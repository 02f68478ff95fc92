"""Saving: whole or not at all, nothing twice, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest

from core.errors import ModelError
from core.model import document, source, store
from tests import models

MB = 1 << 20
TINY = [
    models.mlp,
    models.residual_cnn,
    models.zero_size,
    models.empty_graph,
    models.dynamic,
    models.with_if,
    models.with_loop,
    models.with_function,
    models.with_constants,
    models.int8_qdq,
]


def _disk(folder: Path) -> int:
    """Bytes that a folder takes, a hard link to outside counted as nothing, one within as once."""
    seen: dict[int, int] = {}
    for file in folder.iterdir():
        found = file.stat()
        seen[found.st_ino] = found.st_blocks * 512
    return sum(size for inode, size in seen.items() if not _shared(folder, inode))


def _shared(folder: Path, inode: int) -> bool:
    inside = sum(1 for file in folder.iterdir() if file.stat().st_ino == inode)
    links = next(file.stat().st_nlink for file in folder.iterdir() if file.stat().st_ino == inode)
    return links > inside


def _run(path: Path, feed: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: feed})[0])


@pytest.mark.parametrize("build", TINY)
def test_a_small_model_is_one_file_that_says_the_same(build: object, tmp_path: Path) -> None:
    path = models.save(build(), tmp_path / "in.onnx")  # type: ignore[operator]
    saved = document.save(document.clone(document.load(path)), tmp_path / "out" / "out.onnx")
    assert [file.name for file in saved.path.parent.iterdir()] == ["out.onnx"]
    assert saved.fingerprint == document.fingerprint(path)
    assert saved.size == saved.path.stat().st_size
    onnx.checker.check_model(onnx.load(saved.path), full_check=True)
    before = {tensor.name: tensor.SerializeToString() for tensor in onnx.load(path).graph.initializer}
    after = {tensor.name: tensor.SerializeToString() for tensor in onnx.load(saved.path).graph.initializer}
    assert after == before


def test_small_external_data_is_taken_in(tmp_path: Path) -> None:
    path = models.with_external(tmp_path / "in")
    saved = document.save(document.load(path), tmp_path / "out" / "m.onnx")
    assert [file.name for file in saved.path.parent.iterdir()] == ["m.onnx"]
    assert saved.fingerprint == document.fingerprint(path)
    feed = np.ones((2, 16), np.float32)
    np.testing.assert_array_equal(_run(saved.path, feed), _run(path, feed))


@pytest.fixture(scope="module", params=["external", "embedded"])
def big(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 MB of weights in 8 matrices."""
    folder = tmp_path_factory.mktemp(f"big-{request.param}")
    return models.big(80, folder / "big.onnx", embedded=request.param == "embedded")


@pytest.mark.parametrize("embedded", [False, True])
def test_ten_variants_cost_what_changed(embedded: bool, tmp_path: Path) -> None:
    """200 MB of weights in 16 matrices, another one changed in each variant."""
    big = models.big(200, tmp_path / "origin" / "big.onnx", embedded=embedded, layers=16)
    folder = tmp_path / "session"
    origin = document.load(big)
    side = origin.graph.inputs[0].shape[1]  # type: ignore[index]
    assert isinstance(side, int)
    feed = np.ones((1, side), np.float32)
    expected = _run(big, feed)
    one = side * side * 4
    for number in range(10):
        variant = document.clone(origin)
        value = variant.graph.initializers[f"layers.{number}.weight"]
        assert value.const_value is not None
        value.const_value = ir.tensor(value.const_value.numpy() * np.float32(2.0), name=value.name)
        saved = document.save(variant, folder / f"v{number}.onnx")
        # weights in ONNX Runtime: one matrix doubled doubles the output, exactly
        np.testing.assert_allclose(_run(saved.path, feed), expected * 2, rtol=1e-6)
        assert saved.fingerprint != document.fingerprint(big)
        assert abs(saved.size - 200 * MB) < MB
    used = subprocess.run(["du", "-s", "-B1", str(folder)], capture_output=True, text=True, check=True).stdout
    shared = [file for file in folder.iterdir() if "~" in file.name]
    assert len(shared) == 1, "the weights of the origin come into the folder once"
    assert _disk(folder) < 10 * one + MB
    # du counts the hard link's blocks, which the origin has already: at most one origin and what changed
    assert int(used.split()[0]) < 200 * MB + 10 * one + 2 * MB


def test_a_variant_of_a_variant_refers_to_both(big: Path, tmp_path: Path) -> None:
    def doubled(model: ir.Model, name: str) -> ir.Model:
        copy = document.clone(model)
        value = copy.graph.initializers[name]
        assert value.const_value is not None
        value.const_value = ir.tensor(value.const_value.numpy() * np.float32(2.0), name=name)
        return copy

    first = document.save(doubled(document.load(big), "layers.0.weight"), tmp_path / "s" / "v1.onnx")
    second = document.save(doubled(document.load(first.path), "layers.1.weight"), tmp_path / "s" / "v2.onnx")
    names = [file.name for file in document.files(second.path)]
    assert names[0] == "v2.onnx"
    assert {"v1.data", "v2.data"} < set(names)
    assert len(names) == 4
    feed = np.ones((1, document.load(big).graph.inputs[0].shape[1]), np.float32)  # type: ignore[index,arg-type]
    np.testing.assert_allclose(_run(second.path, feed), _run(big, feed) * 4, rtol=1e-6)
    assert {file.name for file in (tmp_path / "s").iterdir() if file.suffix == ".part"} == set()


def test_unchanged_costs_only_the_graph(big: Path, tmp_path: Path) -> None:
    saved = document.save(document.clone(document.load(big)), tmp_path / "s" / "same.onnx")
    assert saved.fingerprint == document.fingerprint(big)
    assert not (tmp_path / "s" / "same.data").exists()
    assert saved.path.stat().st_size < MB


def test_tensors_that_lost_their_place_are_found_by_their_bytes(big: Path, tmp_path: Path) -> None:
    """A library hands back a ModelProto with everything inside and one tensor renamed: still nothing is written twice."""
    proto = document.to_proto(document.load(big))
    assert len(proto.graph.initializer[3].raw_data) > MB
    old, new = proto.graph.initializer[3].name, "renamed"
    proto.graph.initializer[3].name = new
    for node in proto.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
    saved = document.save(document.from_proto(proto), tmp_path / "s" / "m.onnx", sources=[big])
    assert not (tmp_path / "s" / "m.data").exists()
    side = proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    feed = np.ones((1, side), np.float32)
    np.testing.assert_array_equal(_run(saved.path, feed), _run(big, feed))


def test_standalone_shares_nothing(big: Path, tmp_path: Path) -> None:
    saved = document.save(document.load(big), tmp_path / "out" / "m.onnx", standalone=True)
    assert {file.name for file in saved.path.parent.iterdir()} == {"m.onnx", "m.data"}
    assert all(file.stat().st_nlink == 1 for file in saved.path.parent.iterdir())
    assert saved.fingerprint == document.fingerprint(big)
    onnx.load(saved.path)  # onnx itself reads it: no link that it would refuse


def test_a_copy_where_links_cannot_be(big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another filesystem: one copy for the whole folder."""
    monkeypatch.setattr(store, "_reflink", lambda file, target: False)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    for name in ("a", "b"):
        document.save(document.clone(document.load(big)), tmp_path / "s" / f"{name}.onnx")
    assert [file.stat().st_nlink for file in (tmp_path / "s").glob("*~*")] == [1]
    assert document.fingerprint(tmp_path / "s" / "b.onnx") == document.fingerprint(big)


def test_saving_over_the_file_that_the_weights_are_in(big: Path, tmp_path: Path) -> None:
    path = document.materialize(document.snapshot(big), tmp_path / "own")
    before = document.fingerprint(path)
    saved = document.save(document.clone(document.load(path)), path)
    assert saved.fingerprint == before
    assert _run(path, np.ones((1, document.load(big).graph.inputs[0].shape[1]), np.float32)).shape[0] == 1  # type: ignore[index,arg-type]
    assert document.fingerprint(big) == before


def test_materialize_brings_every_file(big: Path, tmp_path: Path) -> None:
    path = document.materialize(document.snapshot(big), tmp_path / "there")
    assert document.fingerprint(path) == document.fingerprint(big)
    assert {file.name for file in path.parent.iterdir()} == {file.name for file in document.files(big)}
    assert document.materialize(document.snapshot(big), tmp_path / "there") == path


def _child(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("limit", [1 * MB, 40 * MB])
def test_no_room_leaves_nothing(big: Path, tmp_path: Path, limit: int) -> None:
    """The system refuses to let a file grow, in a child: an error with a hint, and the folder as it was."""
    folder = tmp_path / "s"
    folder.mkdir()
    said = _child(
        """
        import resource, sys
        from pathlib import Path
        from core.errors import ModelError
        from core.model import document
        model = document.load(Path(sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
        try:
            document.save(model, Path(sys.argv[2]), standalone=True)
        except ModelError as error:
            sys.exit(f"{error.message} | {error.hint}")
        """,
        str(big),
        str(folder / "m.onnx"),
        str(limit),
    )
    assert "There is no room for m.onnx" in said.stderr, said.stderr
    assert "Nothing was changed." in said.stderr
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_seen_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = models.save(models.mlp(), tmp_path / "in.onnx")
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(ModelError, match="no room") as caught:
        document.save(document.load(path), tmp_path / "s" / "m.onnx")
    assert "Free some space" in caught.value.hint
    assert list((tmp_path / "s").iterdir()) == []


def test_a_kill_in_the_middle_leaves_no_model_and_the_next_save_cleans_up(big: Path, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    code = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from core.job import Job
        from core.model import document
        def step(fraction, text):
            if fraction > 0.4:
                print("half", flush=True)
                time.sleep(60)
        document.save(document.load(Path(sys.argv[1])), Path(sys.argv[2]), standalone=True, job=Job(on_step=step))
        """
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(big), str(folder / "m.onnx")], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "half\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    left = list(folder.iterdir())
    assert [file.name.startswith(".m.data.") and file.suffix == ".part" for file in left] == [True]
    document.save(document.load(models.save(models.mlp(), tmp_path / "small.onnx")), folder / "next.onnx")
    assert [file.name for file in folder.iterdir()] == ["next.onnx"]


def test_a_cancel_in_the_middle_leaves_nothing(big: Path, tmp_path: Path) -> None:
    from core.errors import Cancelled
    from core.job import Job

    steps = iter([False, False, False, True])
    with pytest.raises(Cancelled):
        document.save(document.load(big), tmp_path / "s" / "m.onnx", standalone=True, job=Job(is_cancelled=lambda: next(steps, True)))
    assert list((tmp_path / "s").iterdir()) == []


def test_somebody_elses_unfinished_file_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / f".v1.data.{os.getppid()}.abcd.part"
    theirs.write_bytes(b"half")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    stale = tmp_path / f".v2.data.{dead.pid}.abcd.part"
    stale.write_bytes(b"half")
    store.sweep(tmp_path)
    assert theirs.exists()
    assert not stale.exists()


def test_an_older_model_keeps_its_data_when_saved_over(big: Path, tmp_path: Path) -> None:
    """The .onnx is replaced last: until then the old one still finds its own bytes."""
    first = document.save(document.load(big), tmp_path / "m.onnx", standalone=True)
    document.save(document.load(big), tmp_path / "m.onnx", standalone=True)
    assert {file.name for file in tmp_path.iterdir()} == {"m.onnx", "m.data", "m-1.data"}
    assert document.fingerprint(tmp_path / "m.onnx") == first.fingerprint


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="cannot be written"):
        document.save(document.load(models.save(models.mlp(), tmp_path / "m.onnx")), tmp_path / "file" / "m.onnx")


def test_loading_the_embedded_is_lazy(tmp_path: Path) -> None:
    path = models.big(80, tmp_path / "b.onnx", embedded=True)
    opened = source.read(path)
    assert all(not tensor.raw_data for tensor in opened.proto.graph.initializer)
    whole = onnx.load(path)
    for tensor in whole.graph.initializer:
        assert opened.raw(opened.initializers()[tensor.name]) == tensor.raw_data


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = models.save(models.mlp(), tmp_path / "m.onnx")
    first = document.load(path)
    assert document.load(path) is first
    models.save(models.residual_cnn(), path)
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 1))
    assert document.load(path) is not first
