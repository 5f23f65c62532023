"""Names of materials in five languages, as docs/words.md lists them for people to check."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.scene.physics.spectra import grid_nm
from hsi_studio.text.materials.names import LANGUAGES, materials, meant
from hsi_studio.text.materials.recipes import RECIPES, draw
from hsi_studio.types import FloatArray

LISTS = Path(__file__).with_name("class_lists.csv")  # of the field's public scenes, by what their authors describe
DOCS = Path(__file__).parents[3] / "docs" / "words.md"


def table() -> dict[str, list[tuple[str, str]]]:
    """Language → (name, key) of the documented table."""
    out: dict[str, list[tuple[str, str]]] = {language: [] for language in LANGUAGES[1:]}
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"\|.*\|", line) and cells[0] in materials() and len(cells) == 5:
            for language, name in zip(LANGUAGES[1:], cells[1:], strict=True):
                out[language].append((name, cells[0]))
    return out


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_forty_names_mean_the_right_material(language: str) -> None:
    rows = table()[language]
    assert len(rows) >= 40
    right = [max(found.weights, key=lambda key: found.weights[key], default="") == key
             for name, key in rows for found in [meant(name)]]  # fmt: skip
    assert sum(right) >= 0.85 * len(rows)


def test_classes_of_public_scenes_are_the_materials_their_authors_describe() -> None:
    with LISTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["scene"] for row in rows}) >= 20
    found = {(row["scene"], row["class"]): meant(row["class"]) for row in rows}
    wrong = {
        at: one.parts
        for (at, one), row in zip(found.items(), rows, strict=True)
        if " + ".join(" or ".join(part) for part in one.parts) != row["materials"] or not one.exact
    }
    assert not wrong


def test_every_material_of_the_list_has_a_recipe_and_names_in_every_language() -> None:
    assert set(RECIPES) == set(materials())
    assert all(all(found.names[language]) for found in materials().values() for language in LANGUAGES)
    assert sum(len(names) for found in materials().values() for names in found.names.values()) > 1000


def test_a_name_is_known_whatever_its_case_plural_and_dashes() -> None:
    for text in ("Metal roofs", "METAL-ROOF", "metal_roof", "Metalldach"):
        assert meant(text).weights == {"metal roof": 1.0}


def test_a_split_name_is_several_materials_in_one_pixel() -> None:
    assert [set(part) for part in meant("Grass-trees").parts] == [{"grass"}, {"tree"}]
    assert [set(part) for part in meant("Wald und Wasser").parts] == [{"tree"}, {"water"}]


def test_what_is_no_material_means_nothing() -> None:
    assert meant("class 7").parts == ()
    assert meant("").parts == ()


@pytest.mark.parametrize(
    "text", ["not water", "No vegetation", "non-vegetated", "Without trees", "kein Wald", "sans arbres", "pas d'eau"]
)
def test_a_name_that_denies_a_material_does_not_mean_it(text: str) -> None:
    assert meant(text, _letters).parts == ()


def test_a_state_that_begins_like_a_denial_is_none() -> None:
    assert meant("No-till corn").weights == {"maize": 1.0}
    assert meant("Non-residential buildings").weights == {"roof": 1.0}


@pytest.mark.parametrize("text", ["class 1", "Unknown", "Other_2", "unclassified", "Klasse 3", "test area", "7"])
def test_words_for_classes_are_not_compared_with_materials(text: str) -> None:
    assert meant(text, _letters).parts == ()


@pytest.mark.parametrize(
    "text", ["cloud shadow", "Shadow of clouds", "house-shadow", "Baumschatten", "ombre des arbres"]
)
def test_a_shadow_is_a_shadow_whatever_casts_it(text: str) -> None:
    assert meant(text).weights.get("shadow", 0.0) >= 0.5
    assert not {"cloud", "tree"} & set(meant(text).weights)


def test_things_named_after_a_material_are_not_that_material() -> None:
    found = {text: meant(text).weights for text in ("water tower", "dry lake", "ice plant", "snow pea")}
    assert [max(one, key=lambda key: one[key]) for one in found.values()] == [
        "metal",
        "soil",
        "low vegetation",
        "soybean",
    ]


def _letters(texts: list[str]) -> FloatArray:
    """Unit vectors by counts of letters: an encoder that knows no meaning."""
    counts = np.array([[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts])
    return np.asarray(counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def test_a_word_that_has_kinds_is_all_of_them_alike() -> None:
    weights = meant("roof", _letters, without=["roof", "roofs"]).weights
    kinds = [weights.get(key, 0.0) for key in ("tile roof", "metal roof", "bitumen roof")]
    assert min(kinds) > 0.0
    assert max(kinds) < 1.5 * min(kinds)


def test_a_word_that_ends_in_a_name_is_a_kind_of_it() -> None:
    holds = {key for key, one in materials().items() if any("roof" in name for name in one.names["en"])}
    assert meant("rusty tin roof", _letters).weights.keys() <= holds
    assert meant("tall slender trees").weights == {"tree": 1.0}  # no encoder


def test_a_number_at_the_end_is_no_part_of_a_name() -> None:
    assert meant("Parking lot 7").weights == {"parking lot": 1.0}
    assert meant("Reeds_2").weights == {"reed": 1.0}


def test_a_hidden_name_is_not_looked_up() -> None:
    assert meant("water", without=["Water"]).parts == ()


def test_spectra_are_reflectance_and_the_same_at_every_call() -> None:
    for key in ("tree", "water", "metal roof", "soil"):
        spectra = draw(key, 12)
        assert spectra.shape == (12, grid_nm().size)
        assert np.isfinite(spectra).all()
        assert (spectra > -0.01).all()
        assert (spectra < 1.5).all()
        np.testing.assert_array_equal(spectra, draw(key, 12))


def test_plants_have_a_red_edge_and_water_is_dark_beyond_it() -> None:
    nm = grid_nm()
    red, nir = int(np.argmin(abs(nm - 670))), int(np.argmin(abs(nm - 860)))
    for key in ("tree", "lawn", "soybean"):
        spectra = draw(key, 60)
        assert np.median(spectra[:, nir] / spectra[:, red]) > 3
    assert np.median(draw("water", 60)[:, nir]) < 0.06
