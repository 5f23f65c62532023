"""Sentences read as materials with shares, states and neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.text.materials.reading import Recipe, read_recipe, written


def said(text: str) -> dict[str, float]:
    """Chip → share in percent."""
    return {chip.title: round(100 * chip.share) for chip in read_recipe(text).chips}


def test_amounts_are_shares_and_places_are_neighbours() -> None:
    text = "Mostly bare soil with straw residue, young maize in rows, near a road"
    assert said(text) == {"soil": 67, "straw": 11, "young maize (40 % cover)": 22}
    assert read_recipe(text).near == ("near a road",)
    assert said("40 % water, 60 % sand") == {"water": 40, "sand": 60}
    assert said("wetland with open water and 60 % reeds") == {"reed": 60, "water": 40}


@pytest.mark.parametrize(
    ("text", "chips"),
    [
        ("dark wet asphalt", {"asphalt (wet, dark)"}),
        ("dense crown, taller than 10 m", {"tree"}),
        ("bright roofs near water", {"bright roof"}),
        ("Grass: green, unlike the trees beside it, darker than straw", {"grass"}),
        ("no water, bare soil", {"soil"}),
        ("ripe wheat", {"ripe wheat"}),
        ("harvested corn", {"straw"}),
        ("Wald und Wasser", {"tree", "water"}),
        ("soil may be dry", {"soil"}),
        ("Compared with corn, bare soil", {"soil"}),
        ("concrete without any grass or trees", {"concrete"}),
        ("turbid brown river water", {"turbid water"}),
        ("dark and wet asphalt", {"asphalt (wet, dark)"}),
        ("asphalt, wet after rain", {"asphalt (wet)"}),
        ("water, very dark in the near infrared", {"water"}),
        ("meadow, dark green", {"meadow"}),
        ("straw yellow hay", {"hay"}),
        ("wheat with fading leaf water dips and a weak red edge", {"wheat"}),
        ("tall canopy of pines", {"conifers"}),
        ("roofs, mostly metal roofs", {"roof", "metal roof"}),
        ("", set()),
        ("class seven", set()),
        ("cloud shadow", {"shadow"}),
        ("trees in shadow", {"shadow"}),
        ("rice straw", {"straw"}),
        ("Bare soil (farmland)", {"soil"}),
        ("soil/grass", {"soil", "grass"}),
        ("non-vegetated ground", set()),
    ],
)
def test_what_a_sentence_is_read_as(text: str, chips: set[str]) -> None:
    assert set(said(text)) == chips


def test_heights_are_no_materials() -> None:
    found = read_recipe("a dense forest, 5 to 12 m above ground")
    assert found.height == "5 to 12 m above ground"
    assert [chip.key for chip in found.chips] == ["tree"]


def test_stages_and_dates_move_crops_and_say_so() -> None:
    cover = [read_recipe(f"corn, {n} weeks after planting").chips[0].state.cover for n in ("two", "six", "12")]
    assert cover == sorted(cover)
    assert cover[0] < 0.1
    assert cover[2] == 1.0
    assert said("wheat in May") == {"wheat": 100}
    assert said("wheat, 2023-07-20") == {"ripe wheat": 100}
    assert said("wheat in late August") == {"straw": 100}
    assert "calendar of northern mid-latitudes" in read_recipe("maize, 12 June 1992").notes[0]
    assert read_recipe("water in June").notes == ()  # nothing was assumed


def test_a_correction_reads_back_as_it_was_made_and_is_the_only_one_that_counts() -> None:
    for text in ("dark wet asphalt", "Mostly bare soil with straw residue, young maize", "sparse shrubs over sand"):
        chips = read_recipe(text).chips
        again = read_recipe(f"A class of mine near water. {written(chips)}").chips
        assert [(c.key, c.state) for c in again] == [(c.key, c.state) for c in chips]
        np.testing.assert_allclose([c.share for c in again], [c.share for c in chips], atol=0.01)


def test_a_clause_without_a_name_is_compared_by_the_encoder() -> None:
    def encode(sentences: list[str]) -> np.ndarray:  # everything that speaks of roofs is one thing
        return np.array([[1.0, 0.0] if "roof" in s or "covering" in s else [0.0, 1.0] for s in sentences], np.float32)

    assert read_recipe("a shiny covering").chips == ()
    assert [chip.key for chip in read_recipe("a shiny covering, sand", encode).chips] == ["sand"]  # sand is named
    (chip,) = read_recipe("a shiny covering", encode).chips
    assert "roof" in chip.title
    assert not chip.sure


def test_a_recipe_is_what_the_engine_takes() -> None:
    recipe: Recipe = read_recipe("60 % wet soil, 40 % straw")
    meant = recipe.meant()
    assert meant.weights == pytest.approx({"dark soil": 0.6, "straw": 0.4})
    assert meant.exact
