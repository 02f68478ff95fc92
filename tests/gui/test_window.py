"""The window: it stands, its actions say why they cannot run, its panels come when they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import UsageError
from gui.window import MainWindow


def test_a_window_stands_without_a_model(window: MainWindow) -> None:
    assert window.pages.currentWidget() is window.welcome
    assert not window.action("file.save_session").isEnabled()
    assert "Open a model first." in window.action("file.save_session").toolTip()


def test_a_blocked_action_says_why(window: MainWindow) -> None:
    with pytest.raises(UsageError, match="Open a model first"):
        window.act("file.close")
    with pytest.raises(UsageError, match="no action 'nonsense'"):
        window.act("nonsense")
