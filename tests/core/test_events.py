from __future__ import annotations

import pytest

from core.events import Event


def test_everyone_is_called_in_the_order_of_connecting() -> None:
    event: Event[[int, str]] = Event()
    told: list[object] = []
    event.connect(lambda number, word: told.append(("a", number, word)))
    event.connect(lambda number, word: told.append(("b", number, word)))
    event.emit(1, word="x")
    assert told == [("a", 1, "x"), ("b", 1, "x")]
    assert len(event) == 2


def test_disconnecting_twice_is_harmless() -> None:
    event: Event[[]] = Event()
    told: list[str] = []
    disconnect = event.connect(lambda: told.append("a"))
    event.connect(lambda: told.append("b"))
    disconnect()
    disconnect()
    event.emit()
    assert told == ["b"]
    assert len(event) == 1


def test_one_who_disconnects_another_meanwhile() -> None:
    event: Event[[]] = Event()
    told: list[str] = []
    event.connect(lambda: later())
    later = event.connect(lambda: told.append("later"))
    event.emit()
    assert told == []


def test_one_who_disconnects_itself_meanwhile() -> None:
    event: Event[[]] = Event()
    told: list[str] = []

    def once() -> None:
        told.append("once")
        disconnect()

    disconnect = event.connect(once)
    event.connect(lambda: told.append("always"))
    event.emit()
    event.emit()
    assert told == ["once", "always", "always"]


def test_one_who_connects_meanwhile_is_called_next_time() -> None:
    event: Event[[]] = Event()
    told: list[str] = []
    event.connect(lambda: event.connect(lambda: told.append("new")))
    event.emit()
    assert told == []
    event.emit()
    assert told == ["new"]


def test_an_exception_reaches_the_one_who_emits() -> None:
    event: Event[[]] = Event()
    event.connect(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        event.emit()


def test_a_bound_method_is_connected_once_for_each_connect() -> None:
    event: Event[[int]] = Event()
    told: list[int] = []
    first = event.connect(told.append)
    event.connect(told.append)
    first()
    event.emit(1)
    assert told == [1]
