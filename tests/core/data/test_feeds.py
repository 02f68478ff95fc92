"""Seeded random and .npz feeds: values, batches, memory and what is said when the data does not fit."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.data import DataSpec
from core.data.feeds import feeds, shapes
from core.errors import DataError
from core.model import TensorType

IMAGE = TensorType("x", "float32", ("N", 1, 8, 8))


def spec(path: Path | str = "", **values: object) -> DataSpec:
    return DataSpec(path=str(path), **values)  # type: ignore[arg-type]


def test_random_is_seeded_and_says_so() -> None:
    first = [batch["x"] for batch in feeds((IMAGE,), spec(limit=10, batch=4, seed=3))]
    made = feeds((IMAGE,), spec(limit=10, batch=4, seed=3))
    again = [batch["x"] for batch in made]
    assert [a.shape for a in first] == [(4, 1, 8, 8), (4, 1, 8, 8), (2, 1, 8, 8)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], next(iter(feeds((IMAGE,), spec(limit=10, batch=4, seed=4))))["x"])
    assert made.random
    assert made.count == 10
    assert "seeded random" in made.description
    values = np.concatenate(first)
    assert values.dtype == np.float32
    assert abs(values.mean()) < 0.15
    assert 0.85 < values.std() < 1.15


def test_random_iterates_anew() -> None:
    made = feeds((IMAGE,), spec(limit=2))
    assert [b["x"][0, 0, 0, 0] for b in made] == [b["x"][0, 0, 0, 0] for b in made]


def test_random_types_are_sensible() -> None:
    inputs = (
        TensorType("input_ids", "int64", ("batch", "length")),
        TensorType("attention_mask", "int64", ("batch", "length")),
        TensorType("token_type_ids", "int64", ("batch", "length")),
        TensorType("position_ids", "int32", ("batch", "length")),
        TensorType("flag", "bool", ("batch", 100)),
        TensorType("pixels", "uint8", ("batch", 100, 10)),
        TensorType("half", "float16", ("batch", 3)),
        TensorType("sr", "int64", ()),
    )
    batch = next(iter(feeds(inputs, spec(batch=2, limit=2, dim=16))))
    assert batch["input_ids"].shape == (2, 16)
    assert batch["input_ids"].min() >= 1
    assert batch["input_ids"].max() < 10
    assert np.all(batch["attention_mask"] == 1)
    assert np.all(batch["token_type_ids"] == 0)
    assert np.array_equal(batch["position_ids"][1], np.arange(16))
    assert batch["flag"].dtype == bool
    assert 0.3 < batch["flag"].mean() < 0.7
    assert batch["pixels"].dtype == np.uint8
    assert batch["pixels"].max() > 200
    assert batch["half"].dtype == np.float16
    assert int(batch["sr"]) == 16000
    assert batch["sr"].shape == ()


def test_shapes_give_the_same_symbol_the_same_number() -> None:
    inputs = (TensorType("input", "float32", ("N", 512)), TensorType("state", "float32", (2, "N", 128)), TensorType("sr", "int64", ()))
    assert shapes(inputs, 3, 64) == {"input": (3, 512), "state": (2, 3, 128), "sr": ()}
    assert shapes((TensorType("x", "float32", ("seq", "batch_size", None)),), 2, 7) == {"x": (7, 2, 7)}
    assert shapes((TensorType("x", "float32", ("rows", "cols")), TensorType("y", "float32", (None, 3))), 5, 6) == {"x": (5, 6), "y": (5, 3)}


def test_fixed_batch_rounds_up() -> None:
    made = feeds((TensorType("x", "float32", (4, 2)),), spec(limit=6))
    assert made.count == 8
    assert [b["x"].shape for b in made] == [(4, 2), (4, 2)]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_is_read_in_order_with_labels(tmp_path: Path, save: object) -> None:
    x = np.arange(10 * 64, dtype=np.float32).reshape(10, 1, 8, 8)
    save(tmp_path / "d.npz", x=x, y=np.arange(10))  # type: ignore[operator]
    made = feeds((IMAGE,), spec(tmp_path / "d.npz", batch=4, limit=7))
    taken = [(batch.inputs["x"], batch.labels) for batch in made.batches()]
    assert [a.shape[0] for a, _ in taken] == [4, 3]
    assert np.array_equal(np.concatenate([a for a, _ in taken]), x[:7])
    assert made.labels is not None
    assert made.labels.dtype == np.int64
    assert made.labels.tolist() == list(range(7))
    assert np.concatenate([label for _, label in taken if label is not None]).tolist() == list(range(7))
    assert made.count == 7
    assert not made.random
    assert "d.npz" in made.description


def test_npz_streams_without_loading_the_array(tmp_path: Path) -> None:
    import tracemalloc

    with zipfile.ZipFile(tmp_path / "big.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (2000, 1, 64, 64)})
        row = np.zeros((1, 64, 64), np.float32).tobytes()
        for _ in range(2000):
            file.write(row)
    made = feeds((TensorType("x", "float32", ("N", 1, 64, 64)),), spec(tmp_path / "big.npz", limit=2000, batch=8))
    tracemalloc.start()
    try:
        total = sum(batch["x"].shape[0] for batch in made)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 2000
    assert peak < 8 << 20, f"{peak} bytes held for an array of {2000 * 64 * 64 * 4}"


def test_folder_of_npz_and_fortran_order(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((6, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=x[:2])
    np.savez(tmp_path / "b.npz", x=np.asfortranarray(x[2:]))
    made = feeds((IMAGE,), spec(tmp_path, batch=3))
    assert np.array_equal(np.concatenate([b["x"] for b in made]), x)
    assert made.count == 6
    assert made.labels is None


def test_whole_inputs_are_fed_one_at_a_time(tmp_path: Path) -> None:
    inputs = (TensorType("input", "float32", ("N", 4)), TensorType("state", "float32", (2, "N", 3)), TensorType("sr", "int64", ()))
    np.savez(tmp_path / "d.npz", input=np.ones((5, 4), np.float32), state=np.zeros((5, 2, 1, 3), np.float32), sr=np.full(5, 16000))
    batches = list(feeds(inputs, spec(tmp_path / "d.npz", batch=4)))
    assert len(batches) == 5
    assert batches[0]["input"].shape == (1, 4)
    assert batches[0]["state"].shape == (2, 1, 3)
    assert batches[0]["sr"].shape == ()


def test_dtypes_are_converted_when_nothing_is_lost(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones((2, 1, 8, 8), np.float64), ids=np.array([[1, 2], [3, 4]], np.int32))
    inputs = (IMAGE, TensorType("ids", "int64", ("N", 2)))
    batch = next(iter(feeds(inputs, spec(tmp_path / "d.npz", batch=2))))
    assert batch["x"].dtype == np.float32
    assert batch["ids"].dtype == np.int64


def test_one_array_for_one_input_may_be_called_otherwise(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", data=np.ones((2, 1, 8, 8), np.float32))
    assert next(iter(feeds((IMAGE,), spec(tmp_path / "d.npz"))))["x"].shape == (1, 1, 8, 8)


def test_samples_that_do_not_fill_a_fixed_batch_are_left_out_and_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones((10, 2), np.float32), y=np.arange(10))
    made = feeds((TensorType("x", "float32", (4, 2)),), spec(tmp_path / "d.npz"))
    assert made.count == 8
    assert made.labels is not None
    assert len(made.labels) == 8
    assert made.notes == ("2 samples left out: the model takes 4 at a time.",)
    with pytest.raises(DataError, match="takes 16 samples at a time"):
        feeds((TensorType("x", "float32", (16, 2)),), spec(tmp_path / "d.npz"))


def test_what_each_file_leaves_out_takes_its_own_labels_along(tmp_path: Path) -> None:
    for number in range(3):
        values = np.arange(5, dtype=np.float32) + 10 * number
        np.savez(tmp_path / f"{number}.npz", x=np.stack([values, values], axis=1), labels=values.astype(np.int64))
    made = feeds((TensorType("x", "float32", (2, 2)),), spec(tmp_path))
    seen = [(batch.inputs["x"][:, 0].tolist(), batch.labels.tolist()) for batch in made.batches() if batch.labels is not None]
    assert seen == [([n, n + 1], [n, n + 1]) for n in (0, 2, 10, 12, 20, 22)]
    assert made.labels is not None
    assert made.labels.tolist() == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
    assert not made.aligned
    assert feeds((TensorType("x", "float32", (2, 2)),), spec(tmp_path / "0.npz")).aligned


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("shape", [(4, 1 << 40), (-4, 3), (1 << 60, 3), (4, 1 << 62, 1 << 62)])
def test_an_array_that_claims_more_than_it_holds_is_refused_by_its_header(tmp_path: Path, shape: tuple[int, ...], fortran: bool) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": fortran, "shape": shape})
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(48))
    dims = ("N", *(None for _ in shape[1:]))
    with pytest.raises(DataError, match=r"d\.npz \(array 'x'\) cannot be read: its shape is .* and it holds \d+ bytes"):
        feeds((TensorType("x", "float32", dims),), spec(tmp_path / "d.npz"))


@pytest.mark.parametrize(
    ("arrays", "message", "hint"),
    [
        ({"a": np.ones((2, 1, 8, 8), np.float32), "b": np.ones(2)}, "has no array 'x'", "x float32[N, 1, 8, 8]"),
        ({"x": np.ones((2, 3, 8, 8), np.float32)}, "has shape [2, 3, 8, 8]", "[samples, 1, 8, 8]"),
        ({"x": np.ones((1, 8, 8), np.float32)}, "has shape [1, 8, 8]", "the first axis being the sample"),
        ({"x": np.ones((2, 1, 8, 8), np.complex64)}, "is complex64", "float32"),
        ({"x": np.ones((2, 1, 8, 8), np.float32), "y": np.ones(3, int)}, "3 labels for 2 samples", "one label for each"),
        ({"x": np.ones((2, 1, 8, 8), np.float32), "y": np.ones(2) * 0.5}, "labels in d.npz are float64", "whole number"),
        ({"x": np.ones((0, 1, 8, 8), np.float32)}, "holds no samples", "first axis"),
        ({"x": np.array([{}, {}])}, "holds Python objects", "numbers"),
    ],
)
def test_wrong_arrays_are_told(tmp_path: Path, arrays: dict[str, np.ndarray], message: str, hint: str) -> None:
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(DataError) as caught:
        list(feeds((IMAGE,), spec(tmp_path / "d.npz")))
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_wrong_paths_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist") as caught:
        feeds((IMAGE,), spec(tmp_path / "nothing"))
    assert caught.value.hint
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is empty"):
        feeds((IMAGE,), spec(tmp_path / "empty"))
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("a")
    with pytest.raises(DataError, match=r"neither \.npz files nor images"):
        feeds((IMAGE,), spec(tmp_path / "text"))
    with pytest.raises(DataError, match="not data that can be read"):
        feeds((IMAGE,), spec(tmp_path / "text" / "a.txt"))
    (tmp_path / "bad.npz").write_bytes(b"not a zip")
    with pytest.raises(DataError, match=r"bad\.npz cannot be read"):
        feeds((IMAGE,), spec(tmp_path / "bad.npz"))


def test_a_truncated_archive_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (4, 1, 8, 8)})
        file.write(b"\0" * (64 * 4 * 2))
    with pytest.raises(DataError, match=r"its shape is \[4, 1, 8, 8\], and it holds 640 bytes"):
        feeds((IMAGE,), spec(tmp_path / "d.npz"))


def test_strings_cannot_be_made_up() -> None:
    with pytest.raises(DataError, match="cannot be made up"):
        feeds((TensorType("s", "string", (1,)),), spec())
    with pytest.raises(DataError, match="rank of input"):
        feeds((TensorType("s", "float32", None),), spec())
