"""The picture of a map: its scale bar is true, long sides are thinned, names are text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from hsi_studio.io import map_figure
from hsi_studio.io.map_figure import INK, LONGEST_NAME, export_figure, export_png
from hsi_studio.scene.crs_name import sides_m
from hsi_studio.types import ClassInfo, ClassSchema, Prediction
from tests.project.small import small_scene


def a_map(height: int, width: int, name: str = "Corn") -> Prediction:
    schema = ClassSchema((ClassInfo("a", name, "#ff0000"),))
    return Prediction(schema, np.ones((height, width), np.uint16), np.ones((height, width), np.float32), "live", {}, 1)


def longest_run(picture: np.ndarray, color: str) -> int:
    """The longest horizontal line of one colour, in pixels of the picture."""
    is_it = (picture == [int(color[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=2)
    best = 0
    for line in is_it[is_it.any(axis=1)]:
        ends = np.flatnonzero(np.diff(np.concatenate([[0], line.view(np.int8), [0]])))
        best = max(best, int((ends[1::2] - ends[::2]).max()))
    return best


def test_the_scale_bar_is_as_long_as_it_says(tmp_path: Path) -> None:
    """A map 200 m wide: the bar is the longest of 1, 2, 5 × 10ⁿ within a quarter of it, 50 m."""
    scene = small_scene(80, 100, gsd_m=2.0)
    drawn = (imread(export_png(a_map(80, 100), scene, tmp_path / "m.png"))[:, :, :3] * 255).round().astype(np.uint8)
    assert longest_run(drawn, INK) / longest_run(drawn, "#ff0000") == pytest.approx(50 / 200, abs=0.01)


def test_the_scale_bar_of_pixels_that_are_no_squares_is_along_the_rows(tmp_path: Path) -> None:
    """100 pixels of 30 × 10 m: the map is 3,000 m wide, the bar 500 m."""
    scene = small_scene(80, 100, gsd_m=300**0.5, transform=(30.0, 0.0, 6e5, 0.0, -10.0, 4e6))
    drawn = (imread(export_png(a_map(80, 100), scene, tmp_path / "m.png"))[:, :, :3] * 255).round().astype(np.uint8)
    assert longest_run(drawn, INK) / longest_run(drawn, "#ff0000") == pytest.approx(500 / 3000, abs=0.01)
    assert sides_m(scene) == pytest.approx((30, 10))
    assert sides_m(replace(scene, transform=(30.0, 10.0, 6e5, 0.0, -10.0, 4e6))) == pytest.approx((30, 200**0.5))


@pytest.mark.parametrize(
    ("length_m", "bar_m"), [(1.0, 1.0), (0.7, 0.5), (99.9, 50.0), (100.0, 100.0), (4999.0, 2000.0), (5e3, 5e3)]
)
def test_the_bars_length_is_the_longest_round_one(length_m: float, bar_m: float) -> None:
    assert map_figure._round_length(length_m) == pytest.approx(bar_m)


def test_long_sides_are_thinned_and_short_maps_keep_every_pixel() -> None:
    made = a_map(3, map_figure.MOST_PIXELS * 2 + 1)
    assert map_figure._colored(made).shape[1] <= map_figure.MOST_PIXELS
    small = a_map(2, 2)
    small.label[0, 1] = 0
    assert map_figure._colored(small).tolist() == [[[255, 0, 0], [0xD9, 0xDC, 0xE1]], [[255, 0, 0]] * 2]


def test_a_name_is_shown_whole_or_cut_with_an_ellipsis() -> None:
    assert map_figure._shown("x" * LONGEST_NAME) == "x" * LONGEST_NAME
    cut = map_figure._shown("x" * LONGEST_NAME + "y")
    assert (len(cut), cut[-1]) == (LONGEST_NAME, "…")
    assert "\n" not in map_figure._shown("two\nlines")
    assert map_figure._shown(" \n\t") == "(no name)"


def test_the_size_is_rows_by_columns_as_on_the_page(tmp_path: Path) -> None:
    drawn = export_figure(a_map(20, 30), small_scene(20, 30), tmp_path / "m.svg").read_text(encoding="utf-8")
    assert "20 × 30 pixels, 600 mapped" in drawn
