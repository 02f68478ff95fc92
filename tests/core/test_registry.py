from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import UsageError
from core.registry import Registry

FILES = {
    "__init__.py": "",
    "base.py": "class Base:\n    id = ''\n    order = 100\n",
    "b.py": "from {0}.base import Base\nclass B(Base):\n    id = 'b'\n",
    "a.py": "from {0}.base import Base\nclass A(Base):\n    id = 'a'\nclass Inner(Base):\n    pass\nother = A\n",
    "first.py": "from {0}.base import Base\nfrom {0}.a import A\nclass First(Base):\n    id = 'first'\n    order = 1\n",
    "two.py": "from {0}.base import Base\nclass One(Base):\n    id = 'two.one'\nclass Two(Base):\n    id = 'two.two'\n",
    "broken.py": "import a_library_that_is_not_there\n",
    "crooked.py": "1 / 0\n",
    "_private.py": "raise RuntimeError('never imported')\n",
    "folder/__init__.py": "from {0}.folder.part import Deep\n",
    "folder/part.py": "from {0}.base import Base\nclass Deep(Base):\n    id = 'deep'\n",
}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Registry[object]]:
    """A package with good, broken and private modules."""
    name = "rooms_of_a_test"
    for path, text in FILES.items():
        target = tmp_path / name / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text.replace("{0}", name))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Registry(f"{name}.base.Base", name)
    for module in [one for one in sys.modules if one.split(".")[0] == name]:
        del sys.modules[module]


def test_it_finds_what_is_declared_in_order(registry: Registry[object]) -> None:
    assert registry.ids() == ("first", "a", "b", "deep", "two.one", "two.two")
    assert [kind.__name__ for kind in registry] == ["First", "A", "B", "Deep", "One", "Two"]
    assert len(registry) == 6
    assert "a" in registry
    assert "broken" not in registry
    assert registry["two.one"].__name__ == "One"


def test_what_is_broken_stays_visible_and_takes_nothing_with_it(registry: Registry[object]) -> None:
    assert set(registry.broken) == {"broken", "crooked"}
    assert "a_library_that_is_not_there" in registry.broken["broken"]
    assert "ZeroDivisionError" in registry.broken["crooked"]
    with pytest.raises(UsageError, match=r"could not be loaded: .*a_library") as caught:
        registry["broken"]
    assert caught.value.hint
    registry.broken.clear()  # a copy
    assert registry.broken


def test_an_unknown_id_lists_the_known_ones(registry: Registry[object]) -> None:
    with pytest.raises(UsageError, match="no 'c' among the rooms_of_a_test") as caught:
        registry["c"]
    assert "first, a, b" in caught.value.hint


def test_nothing_is_imported_before_the_first_look(registry: Registry[object]) -> None:
    assert registry.package not in sys.modules
    len(registry)
    assert f"{registry.package}.a" in sys.modules
    assert f"{registry.package}._private" not in sys.modules


def test_many_threads_look_at_once(registry: Registry[object]) -> None:
    found: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: found.append(registry.ids())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1


def test_a_base_given_as_a_class(registry: Registry[object]) -> None:
    base = registry.base
    assert Registry(base, registry.package).ids() == registry.ids()


def test_a_package_that_is_not_there_is_no_silence() -> None:
    with pytest.raises(ModuleNotFoundError):
        len(Registry(object, "core.no_such_room"))
