"""Every pass: a new one is one new file here."""

from core.passes.base import Pass
from core.registry import Registry

PASSES: Registry[Pass] = Registry(Pass, "core.passes")
