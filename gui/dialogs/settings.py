"""Preferences: a form made from their declaration; changes hold at once."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QWidget

from core import settings as kept
from core.errors import AppError, UsageError
from core.settings import Settings
from gui.context import Context
from gui.dialogs.base import Dialog
from gui.forms import Form


class SettingsDialog(Dialog):
    """Every preference that a person may set; what is typed wrong is marked and not taken."""

    def __init__(self, ctx: Context, parent: QWidget | None = None) -> None:
        super().__init__("Settings", parent, width=520)
        self.ctx = ctx
        from core import params

        self.form: Form[Settings] = Form(Settings, params.to_dict(ctx.settings), exclude=Settings.HIDDEN, chosen=("backend",))
        self._offer_backends()
        self.form.changed.connect(self._take)
        self.body.addWidget(self.form)
        self.body.addStretch(1)
        where = QLabel(f"Kept in {ctx.settings.path}")
        where.setProperty("role", "small")
        where.setWordWrap(True)
        self.body.addWidget(where)
        self.add_button("Reset to defaults", self._reset, "plain", left=True)
        self.add_button("Close", self.close, "primary")

    def _offer_backends(self) -> None:
        """The backends that there are, by their titles (the settings themselves know nothing above them)."""
        from core.backends import BACKENDS
        from gui.widgets.fields import ChoiceField

        field = self.form.fields["backend"]
        assert isinstance(field, ChoiceField)
        field.offer({kind.id: kind.title for kind in BACKENDS if not kind.hidden})

    def _take(self) -> None:
        if not self.form.valid:
            return
        values = {name: value for name, value in self.form.values().items() if name not in Settings.HIDDEN}
        try:
            self.ctx.settings.update(**values)
        except UsageError:
            return
        except AppError as error:
            self.ctx.notify.error(error)

    def _reset(self) -> None:
        from core import params

        kept.reset(self.ctx.settings)
        self.form.set_values(params.to_dict(self.ctx.settings))
