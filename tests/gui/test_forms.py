"""Forms: one editor a parameter, checked as it is typed, advanced ones folded, everything can be set and read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from core import params
from core.backends import BACKENDS
from core.bench import BenchPlan
from core.errors import UsageError
from core.params import param
from core.passes import PASSES
from core.settings import Settings
from gui.forms import Form
from gui.widgets.fields import NodesField, NumberField, PathField


@dataclass(frozen=True)
class Every:
    """One of each."""

    on: bool = param(True, "A switch")
    profile: str = param("cpu", "A choice", choices=("cpu", "tensorrt"))
    share: float = param(0.05, "A share", min=0.0, max=0.99, step=0.05)
    count: int = param(4, "A count", min=1, max=65536, unit="rows")
    name: str = param("", "A text")
    data: str = param("", "A path", kind="path")
    nodes: tuple[str, ...] = param((), "Some nodes", kind="nodes")
    ops: tuple[str, ...] = param((), "Some ops", choices=("Conv", "Gemm"))
    seed: int = param(0, "A seed", advanced=True)


@pytest.fixture
def form(qtbot: QtBot) -> Form[Every]:
    made: Form[Every] = Form(Every, selection=lambda: ("a", "b"))
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_form_begins_with_the_defaults(form: Form[Every]) -> None:
    assert form.value() == Every()
    assert form.valid


def test_values_go_in_and_come_out(form: Form[Every]) -> None:
    values = {
        "on": False,
        "profile": "tensorrt",
        "share": 0.35,
        "count": 8,
        "name": "x",
        "data": "/d",
        "nodes": ("n;1"[:1], "m"),
        "ops": ("Conv",),
        "seed": 7,
    }
    form.set_values(values)
    assert form.value() == Every(**values)  # type: ignore[arg-type]


def test_an_invalid_value_is_marked_beside_its_field(form: Form[Every]) -> None:
    form.put("ops", ("Foo",))
    assert not form.valid
    assert form.fields["ops"].focusProxy().property("invalid") is True
    said = [label.text() for label in form.findChildren(QLabel) if label.property("role") == "error" and label.isVisible()]
    assert said == ["'Foo' is not one of the choices. Choose from: Conv, Gemm."]
    with pytest.raises(UsageError, match="Foo"):
        form.value()
    form.put("ops", ("Gemm",))
    assert form.valid
    assert form.fields["ops"].focusProxy().property("invalid") is False


def test_advanced_parameters_are_folded(form: Form[Every]) -> None:
    assert form.disclosure is not None
    assert not form.fields["seed"].isVisible()
    form.disclosure.click()
    assert form.fields["seed"].isVisible()


def test_the_selection_fills_a_list_of_nodes(form: Form[Every], qtbot: QtBot) -> None:
    nodes = form.fields["nodes"]
    assert isinstance(nodes, NodesField)
    with qtbot.waitSignal(form.changed):
        nodes.button.click()
    assert form.values()["nodes"] == ("a", "b")


def test_without_a_selection_there_is_no_button_for_it(qtbot: QtBot) -> None:
    made: Form[Every] = Form(Every)
    qtbot.addWidget(made)
    assert made.fields["nodes"].button.isHidden()  # type: ignore[attr-defined]


def test_reset_brings_the_default_back(form: Form[Every]) -> None:
    form.put("count", 9)
    form.put("share", 0.5)
    form.reset("count")
    assert (form.values()["count"], form.values()["share"]) == (4, 0.5)
    form.reset()
    assert form.value() == Every()


def test_real_numbers_are_shown_as_people_write_them(form: Form[Every], qtbot: QtBot) -> None:
    share = form.fields["share"]
    assert isinstance(share, NumberField)
    assert share.spin.text() == "0.05"
    share.spin.selectAll()
    qtbot.keyClicks(share.spin, "0.3")
    qtbot.keyClick(share.spin, Qt.Key.Key_Return)
    assert form.values()["share"] == 0.3


def test_the_wheel_does_not_change_a_field_that_has_no_focus(form: Form[Every]) -> None:
    spin = form.fields["count"].spin  # type: ignore[attr-defined]
    spin.clearFocus()
    at = QPointF(5, 5)
    event = QWheelEvent(
        at, at, QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(spin, event)
    assert form.values()["count"] == 4


def test_browsing_fills_a_path(form: Form[Every], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = form.fields["data"]
    assert isinstance(data, PathField)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    data._folder()
    assert form.values()["data"] == str(tmp_path)


def test_every_field_can_be_read_aloud_and_reached(form: Form[Every]) -> None:
    for name, field in form.fields.items():
        editor = field.focusProxy()
        assert editor is not None, name
        assert editor.accessibleName()
        assert editor.accessibleDescription()
        assert editor.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert form.labels[name].buddy() is field
        assert field.toolTip()


ALL: list[Any] = [*PASSES, *(backend.Options for backend in BACKENDS), BenchPlan, Settings]


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_params_class_makes_a_form_that_keeps_its_defaults(cls: Any, qtbot: QtBot) -> None:
    hidden = getattr(cls, "HIDDEN", ())
    form: Form[Any] = Form(cls, exclude=hidden)
    qtbot.addWidget(form)
    assert params.to_dict(form.value()) == params.to_dict(cls())
