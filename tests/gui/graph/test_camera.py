"""Views: what stays where it is while one zooms, flies and clamps."""

from __future__ import annotations

import pytest

from gui.graph.camera import MAX_SCALE, View, clamp, fit, least_scale

SIZE = (900.0, 600.0)


def test_screen_and_graph_are_inverse() -> None:
    view = View(120.0, -40.0, 0.37)
    assert view.to_graph(*view.to_screen(5.0, 7.0, *SIZE), *SIZE) == pytest.approx((5.0, 7.0))
    x0, y0, x1, y1 = view.rect(*SIZE)
    assert view.to_screen(x0, y0, *SIZE) == pytest.approx((0, 0))
    assert view.to_screen(x1, y1, *SIZE) == pytest.approx(SIZE)


@pytest.mark.parametrize("factor", [0.5, 1.25, 100.0])
def test_zooming_keeps_the_point_under_the_pointer(factor: float) -> None:
    view = View(300.0, 4000.0, 0.8)
    before = view.to_graph(211.0, 77.0, *SIZE)
    after = view.zoomed(factor, 211.0, 77.0, *SIZE, least=0.01)
    assert after.to_graph(211.0, 77.0, *SIZE) == pytest.approx(before)
    assert after.scale <= MAX_SCALE


def test_a_flight_keeps_the_point_that_both_views_share() -> None:
    view = View(300.0, 4000.0, 0.2)
    to = view.zoomed(4.0, 211.0, 77.0, *SIZE, least=0.01)
    point = view.to_graph(211.0, 77.0, *SIZE)
    for share in (0.1, 0.5, 0.9):
        assert view.between(to, share).to_graph(211.0, 77.0, *SIZE) == pytest.approx(point)
    assert view.between(to, 1.0) == to
    assert view.between(to, 0.0).scale == pytest.approx(view.scale)


def test_dragging_moves_the_graph_with_the_hand() -> None:
    view = View(10.0, 20.0, 0.5)
    x, y = view.to_screen(1.0, 2.0, *SIZE)
    assert view.moved(30.0, -8.0).to_screen(1.0, 2.0, *SIZE) == pytest.approx((x + 30.0, y - 8.0))


def test_fit_shows_all_and_no_more_than_full_size() -> None:
    view = fit(0, 0, 9000, 600, *SIZE)
    x0, y0, x1, y1 = view.rect(*SIZE)
    assert x0 <= 1e-6
    assert y0 <= 0
    assert x1 >= 9000 - 1e-6
    assert y1 >= 600
    assert fit(0, 0, 10, 10, *SIZE).scale == 1.0


def test_one_cannot_lose_the_graph() -> None:
    far = clamp(View(1e9, -1e9, 1.0), 500, 500, *SIZE)
    x0, y0, x1, y1 = far.rect(*SIZE)
    assert x0 < 500 < x1
    assert y0 < 0 < y1
    here = View(250.0, 250.0, 1.0)
    assert clamp(here, 500, 500, *SIZE) is here
    assert least_scale(9000, 600, *SIZE) < 0.1
