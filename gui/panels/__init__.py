"""Every panel: a new one is one new file here."""

from core.registry import Registry
from gui.panels.base import Panel

PANELS: Registry[Panel] = Registry(Panel, "gui.panels")
