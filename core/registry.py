"""A registry walks a package and collects the classes in it: a new pass, backend or panel is one new file."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from core.errors import UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """The subclasses of `base` in the modules of `package`, by their `id`, sorted by `(order, id)`.

    Nothing is imported before the first look. A module that fails to import stays visible in `broken` with the
    reason, and takes nothing else down. Modules named `base` or beginning with an underscore are not looked into.
    """

    def __init__(self, base: type[T] | str, package: str) -> None:
        self._base = base
        self.package = package
        self._found: dict[str, type[T]] | None = None
        self._broken: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def base(self) -> type[T]:
        """The class that everything here derives from."""
        if isinstance(self._base, str):
            module, _, name = self._base.rpartition(".")
            self._base = getattr(importlib.import_module(module), name)
        assert not isinstance(self._base, str)
        return self._base

    @property
    def broken(self) -> dict[str, str]:
        """Module name -> why it could not be imported."""
        self._load()
        return dict(self._broken)

    def _load(self) -> dict[str, type[T]]:
        with self._lock:
            if self._found is None:
                self._found = self._walk()
        return self._found

    def _walk(self) -> dict[str, type[T]]:
        found: dict[str, type[T]] = {}
        root = importlib.import_module(self.package)
        for info in pkgutil.iter_modules(root.__path__):
            if info.name == "base" or info.name.startswith("_"):
                continue
            name = f"{self.package}.{info.name}"
            try:
                module = importlib.import_module(name)
            except Exception as error:  # noqa: BLE001 - a broken extension is told, never fatal
                self._broken[info.name] = f"{type(error).__name__}: {error}"
                continue
            for value in vars(module).values():
                if self._is_ours(value, name):
                    found[value.id] = value
        return dict(sorted(found.items(), key=lambda item: (getattr(item[1], "order", 100), item[0])))

    def _is_ours(self, value: Any, module: str) -> bool:
        return (
            isinstance(value, type)
            and issubclass(value, self.base)
            and value.__module__.startswith(module)
            and bool(value.__dict__.get("id"))
        )

    def __iter__(self) -> Iterator[type[T]]:
        return iter(self._load().values())

    def __len__(self) -> int:
        return len(self._load())

    def __contains__(self, id: object) -> bool:
        return id in self._load()

    def __getitem__(self, id: str) -> type[T]:
        found = self._load()
        if id in found:
            return found[id]
        kind = self.package.rpartition(".")[2]
        if id.replace(".", "_") in self._broken:
            reason = self._broken[id.replace(".", "_")]
            raise UsageError(f"'{id}' in {kind} could not be loaded: {reason}", hint="Reinstall Sardonyx.")
        known = ", ".join(id for id, value in found.items() if not getattr(value, "hidden", False))
        raise UsageError(f"There is no '{id}' among the {kind}.", hint=f"Known: {known}.")

    def ids(self) -> tuple[str, ...]:
        """Every id, in order."""
        return tuple(self._load())
