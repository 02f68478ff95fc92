"""Every backend: a new one is one new file here."""

from core.backends.base import Backend
from core.registry import Registry

BACKENDS: Registry[Backend] = Registry(Backend, "core.backends")
