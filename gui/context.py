"""What every panel and action is given: the open session, jobs, the selection, messages and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.events import Event
from gui.selection import Selection
from gui.turns import Turns

if TYPE_CHECKING:
    from core.session import Session
    from core.settings import Settings
    from gui.document import Document
    from gui.jobs import Jobs
    from gui.notify import Notify
    from gui.theme import Theme
    from gui.window import MainWindow


@dataclass
class Context:
    """One window's world. `session` is None before a model is open; `session_changed` tells when another one is.

    Within a session, panels listen to `session.history.changed` and `session.results_changed`.
    """

    settings: Settings
    jobs: Jobs
    document: Document
    notify: Notify
    theme: Theme
    window: MainWindow | None = None
    session: Session | None = None
    selection: Selection = field(default_factory=Selection)
    session_changed: Event[[]] = field(default_factory=Event)
    turns: Turns = field(default_factory=Turns)
    #: Things that panels offer to actions elsewhere, by name (kept few: `graph.view`, `bench.start`, ...).
    services: dict[str, Any] = field(default_factory=dict)
