from __future__ import annotations

import copy
import pickle

import pytest

from core import errors
from core.errors import AppError, Cancelled
from core.workers import TaskBug

KINDS = [AppError, *AppError.__subclasses__()]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    for kind in KINDS:
        assert kind.__name__ in (errors.__doc__ or "")
        assert kind.__doc__
    assert {kind.__name__ for kind in KINDS} >= {"ModelError", "DataError", "PassError", "BackendError", "WorkerError", "UsageError"}
    assert not issubclass(Cancelled, AppError)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_the_trip_between_processes(kind: type[AppError], protocol: int) -> None:
    error = kind("what — happened", hint="do this", detail="a\nlong\ntext")
    found = pickle.loads(pickle.dumps(error, protocol))
    assert type(found) is kind
    assert (found.message, found.hint, found.detail) == ("what — happened", "do this", "a\nlong\ntext")
    assert str(found) == "what — happened"
    assert found.args == ("what — happened",)


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_equal_in_words(kind: type[AppError]) -> None:
    error = kind("what", hint="do")
    for found in (copy.copy(error), copy.deepcopy(error)):
        assert (type(found), found.message, found.hint, found.detail) == (kind, "what", "do", "")


def test_hint_and_detail_are_optional_and_named() -> None:
    error = AppError("what")
    assert (error.hint, error.detail) == ("", "")
    with pytest.raises(TypeError):
        AppError("what", "hint")  # type: ignore[misc]


def test_cancelled_survives_too() -> None:
    assert isinstance(pickle.loads(pickle.dumps(Cancelled())), Cancelled)


def test_a_bug_survives_too() -> None:
    found = pickle.loads(pickle.dumps(TaskBug("KeyError: 'x'", kind="KeyError", detail="Traceback …")))
    assert (found.message, found.kind, found.detail, str(found)) == ("KeyError: 'x'", "KeyError", "Traceback …", "KeyError: 'x'")
    assert not isinstance(found, AppError)
