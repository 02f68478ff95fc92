from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from core.workers import frames


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for fd in (reading, writing):
        try:
            os.close(fd)
        except OSError:
            continue


def through(pipe: tuple[int, int], kind: int, parts: list[frames.Part]) -> tuple[int, list[frames.Part]]:
    writer = threading.Thread(target=frames.write, args=(pipe[1], kind, parts))
    writer.start()
    found = frames.read(pipe[0])
    writer.join()
    return found


@pytest.mark.parametrize("parts", [[], [b""], [b"a", b"", b"bc"], [b"x" * 70_000, b"y", b"z" * (3 << 20)]])
@pytest.mark.parametrize("kind", [frames.STEP, frames.EMIT])
def test_parts_arrive_as_they_were(pipe: tuple[int, int], kind: int, parts: list[frames.Part]) -> None:
    found_kind, found = through(pipe, kind, parts)
    assert found_kind == kind
    assert [bytes(part) for part in found] == parts


@pytest.mark.parametrize("size", [0, 1, 10_000, 1_000_000])
def test_arrays_arrive_as_they_were(pipe: tuple[int, int], size: int) -> None:
    array = np.arange(size, dtype=np.float64)
    table = np.asfortranarray(np.arange(size * 2, dtype=np.int8).reshape(2, size))
    found = frames.unpack(through(pipe, frames.RESULT, frames.pack({"a": array, "b": [table, table], "c": array[::2]}))[1])
    assert np.array_equal(found["a"], array)
    assert np.array_equal(found["b"][0], table)
    assert found["b"][0] is found["b"][1]
    assert np.array_equal(found["c"], array[::2])
    found["a"] += 1  # it owns its memory


def test_a_large_array_is_not_copied_into_the_pickle() -> None:
    array = np.zeros(1 << 20, dtype=np.uint8)
    parts = frames.pack(array)
    assert len(parts) == 2
    assert len(parts[0]) < 1000
    assert np.shares_memory(np.frombuffer(parts[1], np.uint8), array)


def test_read_only_stays_read_only(pipe: tuple[int, int]) -> None:
    array = np.zeros(1 << 20, dtype=np.uint8)
    array.flags.writeable = False
    found = frames.unpack(through(pipe, frames.RESULT, frames.pack(array))[1])
    assert not found.flags.writeable


def test_the_end_is_told(pipe: tuple[int, int]) -> None:
    os.close(pipe[1])
    with pytest.raises(frames.Closed):
        frames.read(pipe[0])


def test_the_end_in_the_middle_is_told(pipe: tuple[int, int]) -> None:
    frames.write(pipe[1], frames.STEP, [b"complete"])
    os.write(pipe[1], b"\x0c\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00half")
    os.close(pipe[1])
    assert frames.read(pipe[0])[0] == frames.STEP
    with pytest.raises(frames.Closed):
        frames.read(pipe[0])


def test_nobody_reads(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(frames.Closed):
        frames.write(pipe[1], frames.STEP, [b"x"])
