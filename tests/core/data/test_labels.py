"""Label files of every kind, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.data.labels import load
from core.errors import DataError


def test_every_kind(tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", np.array([3, 1, 2], np.int32))
    np.savez(tmp_path / "l.npz", labels=np.array([[3], [1], [2]]))
    (tmp_path / "l.txt").write_text("3\n1\n\n2\n")
    (tmp_path / "l.csv").write_text("label\n3\n1\n2\n")
    for name in ("l.npy", "l.npz", "l.txt", "l.csv"):
        found = load(tmp_path / name)
        assert isinstance(found, np.ndarray), name
        assert found.dtype == np.int64
        assert found.tolist() == [3, 1, 2], name
    (tmp_path / "named.csv").write_text("\ufefffile,label\na b.png,3\nc.png,4\n", encoding="utf-8")
    assert load(tmp_path / "named.csv") == {"a b.png": 3, "c.png": 4}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "1\ncat\n", "line 2: 'cat' is not a whole number"),
        ("a.txt", "1\n9223372036854775808\n", "line 2: '9223372036854775808' is not a whole number"),
        ("a.txt", "1\n" + "9" * 5000, "line 2: '9{40}' is not a whole number"),
        ("a.csv", "a,1\n2\n", "mixes lines"),
        ("a.csv", "file,label\n", "holds no labels"),
        ("a.pdf", "", "not a label file"),
        ("a.npy", "text", "cannot be read"),
        ("a.npz", "text", "cannot be read"),
    ],
)
def test_wrong_files(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path / name)
    assert caught.value.hint


@pytest.mark.parametrize("values", [[np.inf], [-np.inf], [np.nan], [1e30], [2.0**63], np.array([1 << 63], np.uint64), np.float64(3)])
def test_numbers_that_are_no_labels(tmp_path: Path, values: object) -> None:
    np.save(tmp_path / "a.npy", np.asarray(values))
    with pytest.raises(DataError, match=r"The labels in a\.npy are"):
        load(tmp_path / "a.npy")


def test_the_largest_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([(1 << 63) - 1], np.uint64))
    found = load(tmp_path / "a.npy")
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [(1 << 63) - 1]
    (tmp_path / "a.txt").write_text("-9223372036854775808\n9223372036854775807\n")
    assert len(load(tmp_path / "a.txt")) == 2


def test_missing_and_one_hot(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "none.txt")
    np.save(tmp_path / "hot.npy", np.eye(4))
    with pytest.raises(DataError, match=r"shape \[4, 4\]"):
        load(tmp_path / "hot.npy")
