"""Boxes are as large as their two lines of text need, and no larger than a row can take."""

from __future__ import annotations

from core.layout import boxes


def test_wide_letters_need_more_room_than_narrow_ones() -> None:
    assert boxes.text_width("WWWW", 13) > boxes.text_width("iiii", 13) > 0
    assert boxes.text_width("", 13) == 0
    assert boxes.text_width("×", 10) == 6.4


def test_a_longer_detail_makes_a_wider_and_taller_box() -> None:
    short, long = boxes._size("Conv", ""), boxes._size("Conv", "float32[1, 64, 112, 112]")
    assert short == (boxes.MIN_WIDTH, boxes.SHORT)
    assert long[0] > short[0]
    assert long[1] == boxes.TALL
    endless = boxes._size("Conv", "n" * 1000)
    assert endless[0] <= boxes.LEFT + boxes.MAX_TEXT + boxes.RIGHT + boxes.BADGE + 8


def test_a_tag_has_room_for_its_count() -> None:
    assert boxes.tag_width("mask", 40) > boxes.tag_width("mask", 1) > boxes.text_width("mask", boxes.TAG)
