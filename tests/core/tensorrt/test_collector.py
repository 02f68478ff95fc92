"""The garbage collector stays out of TensorRT's calls: a builder in a reference cycle is not destroyed inside a callback."""

from __future__ import annotations

import gc

import pytest

from core.tensorrt.collector import kept_out


class Cyclic:
    """Garbage that only a collection finds."""

    def __init__(self, gone: list[str]) -> None:
        self.me = self
        self.gone = gone

    def __del__(self) -> None:
        self.gone.append("gone")


def test_what_is_garbage_goes_before_and_nothing_is_collected_within() -> None:
    before, within = [], []
    Cyclic(before)
    with kept_out():
        assert before == ["gone"]
        Cyclic(within)
        assert not gc.isenabled()
        for _ in range(10_000):
            [[]].append([])
        assert within == []
    gc.collect()
    assert within == ["gone"]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(enabled: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(ZeroDivisionError), kept_out():
            raise ZeroDivisionError
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()
