"""Every command: a new one is one new file here."""

from __future__ import annotations

from core.cli.command import Command
from core.registry import Registry

COMMANDS: Registry[Command] = Registry(Command, "core.cli.commands")
