"""Actions are a table: menus, shortcuts, the command palette and the help page are all read from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gui.context import Context


@dataclass(frozen=True)
class Action:
    """One thing that a person can do.

    `menu` is where it stands: `File`, or `View/Theme` for a submenu; empty: only in the palette. `blocked` returns why
    it cannot be done now (shown in its tooltip), or an empty string when it can. `group` keeps neighbours together
    between separators.
    """

    id: str
    title: str
    run: Callable[[Context], object]
    menu: str = ""
    group: int = 50
    shortcut: str = ""
    icon: str = ""
    tip: str = ""
    blocked: Callable[[Context], str] | None = None
    checked: Callable[[Context], bool] | None = None


def needs_model(ctx: Context) -> str:
    """The reason for everything that needs an open model."""
    return "" if ctx.session is not None and ctx.session.history.head is not None else "Open a model first."
