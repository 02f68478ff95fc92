"""The table: sorting, filtering, selection and copying, in the rows of the data whatever the order on screen."""

from __future__ import annotations

import random

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QApplication, QHeaderView
from pytestqt.qtbot import QtBot

from gui.table import Column, Table, natural

ROWS = [("conv_10", "Conv", 5.0), ("conv_2", "Conv", None), ("gemm_1", "Gemm", 1.0), ("add_1", "Add", float("nan"))]


@pytest.fixture
def table(qtbot: QtBot) -> Table:
    columns = [
        Column("name", "Name"),
        Column("op", "Op", width=80),
        Column("size", "Size", "right", 80, format=lambda v: "–" if v is None else f"{v:g} kB"),
    ]
    made = Table(columns)
    qtbot.addWidget(made)
    made.resize(500, 200)
    made.set_rows(ROWS)
    made.show()
    return made


def names(table: Table) -> list[str]:
    return [table.value(row, "name") for row in table.shown_rows]


def test_words_sort_as_people_count(table: Table) -> None:
    table.sort_by("name")
    assert names(table) == ["add_1", "conv_2", "conv_10", "gemm_1"]
    table.sort_by("name", down=True)
    assert names(table) == ["gemm_1", "conv_10", "conv_2", "add_1"]


def test_unknown_numbers_stand_last_both_ways(table: Table) -> None:
    table.sort_by("size")
    assert names(table)[:2] == ["gemm_1", "conv_10"]
    table.sort_by("size", down=True)
    assert names(table)[:2] == ["conv_10", "gemm_1"]


def test_the_filter_takes_every_word(table: Table, qtbot: QtBot) -> None:
    with qtbot.waitSignal(table.counted) as told:
        table.set_filter("conv 1")
    assert names(table) == ["conv_10"]
    assert told.args == [1, 4]
    table.set_filter("")
    assert len(table.shown_rows) == 4


def test_selection_is_of_rows_of_the_data_and_survives_sorting(table: Table, qtbot: QtBot) -> None:
    with qtbot.waitSignal(table.selection_changed) as told:
        table.select_rows([2])
    assert told.args == [[2]]
    table.sort_by("name")
    assert table.selected_rows == [2]
    table.set_filter("conv")
    assert table.selected_rows == []


def test_copying_writes_what_is_seen(table: Table, qtbot: QtBot) -> None:
    table.select_rows([0, 2])
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "Name\tOp\tSize\nconv_10\tConv\t5 kB\ngemm_1\tGemm\t1 kB"


def test_enter_chooses_the_current_row(table: Table, qtbot: QtBot) -> None:
    table.sort_by("name")
    table.selectionModel().setCurrentIndex(table.model().index(0, 0), QItemSelectionModel.SelectionFlag.ClearAndSelect)
    with qtbot.waitSignal(table.chosen) as told:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert told.args == [3]


def test_columns_of_different_lengths_are_refused(table: Table) -> None:
    with pytest.raises(ValueError, match="column 'op'"):
        table.set_columns({"name": ["a", "b"], "op": ["x"], "size": [1, 2]})


def test_a_hundred_thousand_rows(qtbot: QtBot) -> None:
    """Right at this size too; that it is also quick is measured in tests/bench."""
    import numpy as np

    count = 100_000
    big = Table([Column("name", "Name"), Column("macs", "MACs", "right", 100)])
    qtbot.addWidget(big)
    macs = np.arange(count, dtype=np.float64)
    random.Random(1).shuffle(macs)
    macs[::7] = np.nan
    big.set_columns({"name": [f"/layers.{n % 80}/MatMul_{n}" for n in range(count)], "macs": macs})
    big.sort_by("macs", down=True)
    shown = macs[big.shown_rows]
    known = shown[~np.isnan(shown)]
    assert (np.diff(known) <= 0).all()
    assert np.isnan(shown[len(known) :]).all()
    big.set_filter("layers.79/ matmul_79")
    assert all(name.startswith("/layers.79/MatMul_79") for name in (big.value(row, "name") for row in big.shown_rows))
    assert len(big.shown_rows) > 0
    big.select_rows(big.shown_rows)
    assert sorted(big.selected_rows) == sorted(big.shown_rows)


def test_natural_order() -> None:
    assert sorted(["n10", "n9", "N1", "a", "10", "9"], key=natural) == ["9", "10", "a", "N1", "n9", "n10"]


def test_rows_are_of_a_height_that_reads_well(table: Table) -> None:
    assert 24 <= table.rowHeight(0) <= 26
    assert table.horizontalHeader().sectionResizeMode(0) == QHeaderView.ResizeMode.Stretch
