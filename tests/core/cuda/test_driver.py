"""The driver's answers, read through its C interface."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from typing import Any

import pytest

from core.cuda import driver


class Library:
    """A driver with GPUs of our choice, called as ctypes calls the real one."""

    def __init__(self, *, init: int = 0, gpus: tuple[driver.Gpu, ...] = ()) -> None:
        self.init, self.gpus = init, gpus

    def cuInit(self, flags: int) -> int:
        return self.init

    def cuDriverGetVersion(self, version: Any) -> int:
        version._obj.value = 13020
        return 0

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = len(self.gpus)
        return 0

    def cuDeviceGet(self, device: Any, ordinal: int) -> int:
        device._obj.value = ordinal
        return 0

    def cuDeviceGetName(self, name: Any, length: int, device: ctypes.c_int) -> int:
        name.value = self.gpus[device.value].name.encode()
        return 0

    def cuDeviceTotalMem_v2(self, memory: Any, device: ctypes.c_int) -> int:
        memory._obj.value = self.gpus[device.value].memory
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: ctypes.c_int) -> int:
        value._obj.value = self.gpus[device.value].compute_capability[{75: 0, 76: 1}[attribute]]
        return 0


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    driver.state.cache_clear()
    yield
    driver.state.cache_clear()


def found(monkeypatch: pytest.MonkeyPatch, library: Library) -> driver.Driver:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    return driver.state()


def test_gpus_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = (driver.Gpu("NVIDIA H200", (9, 0), 150 << 30), driver.Gpu("NVIDIA RTX 4090", (8, 9), 24 << 30))
    state = found(monkeypatch, Library(gpus=gpus))
    assert state == driver.Driver("13.2", gpus)
    assert [gpu.capability for gpu in state.gpus] == ["9.0", "8.9"]


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        (Library(), "sees no GPU"),
        (Library(init=100), "sees no GPU"),
        (Library(init=803), "does not fit its kernel module"),
        (Library(init=999), r"does not answer \(CUDA error 999\)"),
    ],
)
def test_a_driver_that_cannot_help_says_why(library: Library, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state = found(monkeypatch, library)
    assert not state.gpus
    assert state.hint
    assert re.search(reason, state.reason)


def test_no_driver_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise OSError("libcuda.so.1: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    state = driver.state()
    assert (state.gpus, state.reason) == ((), "no NVIDIA driver was found")
    assert state.hint
