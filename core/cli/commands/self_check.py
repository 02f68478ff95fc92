"""`sardonyx --self-check`: is everything that belongs to the app really in it? For installers and frozen builds."""

from __future__ import annotations

import argparse
import importlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.backends import BACKENDS
from core.cli import sample
from core.cli.command import Command
from core.cli.terminal import Terminal
from core.errors import AppError
from core.passes import PASSES

if TYPE_CHECKING:
    from core.cli.tasks import Imports


@dataclass(frozen=True)
class SelfCheckDocument:
    """What was found by the registries, what a worker process can import, and whatever is broken with its reason."""

    commands: tuple[str, ...]
    passes: tuple[str, ...]
    backends: tuple[str, ...]
    panels: tuple[str, ...]
    libraries: dict[str, str]
    broken: dict[str, str]


class SelfCheck(Command):
    """Checks the app itself."""

    id = "self-check"
    help = "Whether every part of the app is there (also: sardonyx --self-check)."
    order = 120
    Document = SelfCheckDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """None."""

    def run(self, args: argparse.Namespace, terminal: Terminal) -> SelfCheckDocument:
        from core.cli.commands import COMMANDS
        from core.cli.tasks import imports

        broken = {f"command {name}": why for name, why in COMMANDS.broken.items()}
        broken |= {f"pass {name}": why for name, why in PASSES.broken.items()}
        broken |= {f"backend {name}": why for name, why in BACKENDS.broken.items()}
        for kind, ids in (("pass", PASSES.ids()), ("backend", BACKENDS.ids())):
            if not ids:
                broken[f"{kind} registry"] = "nothing was found"
        panels = _panels(broken)
        libraries: dict[str, str] = {}
        try:
            found: Imports = terminal.run(imports, title="Import the libraries in a worker process")
            libraries = found.versions
            broken |= {f"library {name}": why for name, why in found.broken.items()}
        except AppError as error:
            broken["worker"] = f"{error.message} {error.detail}".strip()
        for name in sample.NAMES:
            if not sample.path(name).is_file():
                broken[f"resource {name}"] = "not there"
        return SelfCheckDocument(COMMANDS.ids(), PASSES.ids(), BACKENDS.ids(), panels, libraries, broken)

    def show(self, document: SelfCheckDocument, terminal: Terminal) -> None:
        for name in ("commands", "passes", "backends", "panels"):
            terminal.line(f"{name:<10} {', '.join(getattr(document, name)) or 'none'}")
        terminal.line(f"{'libraries':<10} {', '.join(f'{name} {version}' for name, version in document.libraries.items())}")
        for name, why in document.broken.items():
            terminal.error(f"{name}: {why}")
        terminal.line("Something is broken." if document.broken else "Everything is there.")

    def exit_code(self, document: SelfCheckDocument) -> int:
        return 1 if document.broken else 0


def _panels(broken: dict[str, str]) -> tuple[str, ...]:
    """The window's panels, by name only; no window is opened, so this works without a display."""
    before = os.environ.get("QT_QPA_PLATFORM")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        for module in ("gui.app", "gui.window"):
            importlib.import_module(module)
        registry = importlib.import_module("gui.panels").PANELS
        broken |= {f"panel {name}": why for name, why in registry.broken.items()}
        ids = tuple(registry.ids())
        if not ids:
            broken["panel registry"] = "nothing was found"
        return ids
    except ImportError as error:
        broken["window"] = f"{type(error).__name__}: {error}"
        return ()
    finally:
        if before is None:
            os.environ.pop("QT_QPA_PLATFORM", None)
