"""One backend to choose: its name, what it can do here, and why not."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from core.backends.base import Availability, Backend


class BackendChoice(QWidget):
    """Greyed where it cannot build, with the reason below; `button` is the one to choose it with."""

    def __init__(self, kind: type[Backend]) -> None:
        super().__init__()
        self.button = QRadioButton(kind.title)
        self.state = QLabel("…")
        self.state.setProperty("role", "muted")
        self.why = QLabel()
        self.why.setProperty("role", "small")
        self.why.setWordWrap(True)
        self.why.setContentsMargins(22, 0, 0, 4)
        self.why.hide()
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.button, 1)
        row.addWidget(self.state)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.why)

    def show_state(self, state: Availability | None) -> None:
        if state is None:
            return
        role, text = (
            ("ok", "ready") if state.can_build and state.can_run else ("warn", "builds only") if state.can_build else ("error", "not here")
        )
        self.state.setText(text)
        if self.state.property("role") != role:
            self.state.setProperty("role", role)
            self.state.style().unpolish(self.state)
            self.state.style().polish(self.state)
        whole = bool(state.can_build and state.can_run)
        reason = f"{state.reason[:1].upper()}{state.reason[1:].rstrip('.')}. {state.hint}".strip() if state.reason else ""
        self.why.setText("" if whole else reason)
        self.why.setVisible(bool(reason) and not whole)
        self.button.setEnabled(state.can_build)
        tip = " · ".join(part for part in (state.version and f"Version {state.version}", state.device, reason) if part)
        self.button.setToolTip(tip)
        self.state.setToolTip(tip)
        self.button.setAccessibleDescription(f"{text}. {reason}")
