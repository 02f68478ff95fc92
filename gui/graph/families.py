"""Op families, as `core.layout.families` tells them: pictures without a window know them too."""

from __future__ import annotations

from core.layout.families import FAMILIES, TITLES, family

__all__ = ["FAMILIES", "TITLES", "family"]
