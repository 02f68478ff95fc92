"""`sardonyx gui`: the window."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from core.cli.command import Command, existing
from core.cli.terminal import Terminal
from core.cli.window import window


@dataclass(frozen=True)
class GuiDocument:
    """What was opened (null: nothing), and how the window ended."""

    opened: Path | None
    exit_code: int


class Gui(Command):
    """Opens the window."""

    id = "gui"
    help = "Open the window (what 'sardonyx' alone does)."
    order = 10
    Document = GuiDocument

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", nargs="?", help="an .onnx file, or the folder of a session")

    def run(self, args: argparse.Namespace, terminal: Terminal) -> GuiDocument:
        path = existing(args.model) if args.model else None
        return GuiDocument(path, window(path))

    def show(self, document: GuiDocument, terminal: Terminal) -> None:
        """Nothing: the window has been seen."""

    def exit_code(self, document: GuiDocument) -> int:
        return document.exit_code
