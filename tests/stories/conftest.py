"""Stories use the same window as the tests of its parts."""

from __future__ import annotations

from tests.gui.conftest import _garbage, ctx, open_model, window

__all__ = ["_garbage", "ctx", "open_model", "window"]
