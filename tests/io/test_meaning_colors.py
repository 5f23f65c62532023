"""Colours by meaning: names that say what they are get its colour, all colours differ, and all are of the palette."""

from __future__ import annotations

import pytest

from hsi_studio.io.meaning_colors import (
    BLUES,
    EARTHS,
    GREENS,
    ICES,
    INSTEAD,
    MEADOWS,
    MEANINGS,
    REDS,
    STATES,
    color_for,
    colors_for,
    meaning_of,
)
from hsi_studio.io.palette import palette

INDIAN_PINES = [
    "Alfalfa", "Corn-notill", "Corn-mintill", "Corn", "Grass-pasture", "Grass-trees", "Grass-pasture-mowed",
    "Hay-windrowed", "Oats", "Soybean-notill", "Soybean-mintill", "Soybean-clean", "Wheat", "Woods",
    "Buildings-Grass-Trees-Drives", "Stone-Steel-Towers",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "color"),
    [("Water", "#0072b2"), ("Woods", "#009e73"), ("Trees", "#009e73"), ("Red roofs", "#d55e00"), ("Corn", "#f0e442"),
     ("Bare soil", "#ddbb88"), ("ROAD", "#773355"), ("Wasser", "#0072b2"), ("Forêt de pins", "#009e73"),
     ("Straße", "#773355"), ("Shadows", "#3311bb"), ("damaged roofs", "#d55e00"), ("Dead Sea", "#0072b2")],
)  # fmt: skip
def test_a_name_that_says_what_it_is_has_its_colour(name: str, color: str) -> None:
    assert color_for(name) == color


@pytest.mark.parametrize("name", ["Season 2", "Alfalfa", "Class 7", "草地", "Office", "Texture", ""])
def test_a_name_without_a_meaning_takes_the_next_of_the_palette(name: str) -> None:
    assert meaning_of(name) == ()
    assert color_for(name) == palette(1)[0]


def test_all_colours_of_a_scene_differ_and_are_of_the_palette() -> None:
    found = colors_for(INDIAN_PINES)
    assert len(set(found)) == len(found)
    assert set(found) <= set(palette(24))
    assert found[INDIAN_PINES.index("Woods")] == "#009e73"
    many = colors_for(["Water"] * 30, ["#0072b2"])
    assert len({*many, "#0072b2"}) == 31


def test_no_other_class_takes_waters_blue() -> None:
    assert colors_for(["a", "b", "c", "d", "e", "f", "Water"])[-1] == "#0072b2"


def test_every_colour_of_a_meaning_is_one_of_the_palette() -> None:
    every = [*MEANINGS.values(), *STATES.values(), *INSTEAD.values()]
    assert {color for colors in every for color in colors} <= set(palette(24))


@pytest.mark.parametrize(("well", "ill"), [("healthy", "weeds"), ("Healthy grass", "Stressed grass"), ("Healthy wheat",
    "diseased wheat"), ("unstressed", "stressed")])  # fmt: skip
def test_what_is_well_is_green_and_what_is_not_is_not_also_where_they_are_added_one_by_one(well: str, ill: str) -> None:
    both = colors_for([ill, well])
    assert both == [color_for(ill), color_for(well, [color_for(ill)])]
    assert both[1] in (*GREENS, *MEADOWS)
    assert both[0] not in (*GREENS, *MEADOWS, *BLUES)


def test_one_more_plant_has_no_colour_of_water_or_roofs_and_water_none_of_roofs() -> None:
    """All yellows are taken by other crops: oats were dark red and wheat pink-red."""
    found = dict(zip(INDIAN_PINES, colors_for(INDIAN_PINES), strict=True))
    for crop in ("Hay-windrowed", "Oats", "Wheat"):
        assert found[crop] not in (*BLUES, *ICES, *REDS)
    assert not {*colors_for(["Water"] * 6)} & {*REDS, *EARTHS}
