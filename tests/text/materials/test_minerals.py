"""Minerals as spectra and as names: bands where they were published, mixing of grains, and what a name means."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.scene.physics.spectra import grid_nm
from hsi_studio.text.materials.minerals import GROUPS, MINERALS, NEW, WIDER, kin, mixed_grains, seen_nm
from hsi_studio.text.materials.names import LANGUAGES, is_mineral, materials, meant
from hsi_studio.text.materials.recipes import draw
from hsi_studio.types import FloatArray

TABLE = (  # key, German, French, Spanish, Chinese
    ("kaolinite", "Kaolinit", "kaolinite", "caolinita", "高岭石"),
    ("alunite", "Alunit", "alunite", "alunita", "明矾石"),
    ("muscovite", "Muskovit", "séricite", "moscovita", "绢云母"),
    ("montmorillonite", "Bentonit", "smectite", "esmectita", "蒙脱石"),
    ("nontronite", "Nontronit", "nontronite", "nontronita", "绿脱石"),
    ("pyrophyllite", "Pyrophyllit", "pyrophyllite", "pirofilita", "叶蜡石"),
    ("chlorite", "Chlorit", "chlorite", "clorita", "绿泥石"),
    ("epidote", "Epidot", "épidote", "epidota", "绿帘石"),
    ("serpentine", "Serpentinit", "serpentinite", "serpentina", "蛇纹石"),
    ("talc", "Speckstein", "stéatite", "talco", "滑石"),
    ("amphibole", "Hornblende", "trémolite", "actinolita", "角闪石"),
    ("calcite", "Kalzit", "calcite", "calcita", "方解石"),
    ("dolomite", "Dolomit", "dolomie", "dolomía", "白云石"),
    ("gypsum", "Gips", "gypse", "yeso", "石膏"),
    ("jarosite", "Jarosit", "jarosite", "jarosita", "黄钾铁矾"),
    ("buddingtonite", "Buddingtonit", "buddingtonite", "buddingtonita", "水铵长石"),
    ("chalcedony", "Chalzedon", "calcédoine", "calcedonia", "玉髓"),
    ("hematite", "Hämatit", "hématite", "hematita", "赤铁矿"),
    ("goethite", "Goethit", "goethite", "goethita", "针铁矿"),
    ("olivine", "Olivin", "olivine", "olivino", "橄榄石"),
    ("carbonate", "Kalkstein", "calcaire", "caliza", "石灰岩"),
)


@pytest.mark.parametrize(
    ("key", "low", "high", "published"),
    [
        ("kaolinite", 2100, 2260, 2207),  # R. N. Clark et al., 1990
        ("alunite", 2100, 2260, 2168),
        ("muscovite", 2150, 2280, 2204),
        ("montmorillonite", 2150, 2280, 2209),
        ("pyrophyllite", 2100, 2260, 2166),
        ("nontronite", 2250, 2330, 2288),
        ("calcite", 2250, 2410, 2338),  # S. J. Gaffey, 1987
        ("dolomite", 2230, 2400, 2318),
        ("talc", 2260, 2360, 2312),
        ("epidote", 2290, 2400, 2340),
        ("jarosite", 2230, 2310, 2264),
        ("gypsum", 1700, 1790, 1749),
        ("buddingtonite", 2060, 2190, 2118),  # M. D. Krohn & S. P. Altaner, 1987
        ("hematite", 760, 1000, 868),  # R. V. Morris et al., 1985
        ("goethite", 770, 1200, 925),
        ("olivine", 700, 1500, 1050),
    ],
)
def test_the_deepest_band_lies_where_it_was_published(key: str, low: int, high: int, published: int) -> None:
    nm = grid_nm()
    mean = draw(key, 200).mean(axis=0)
    inside = (nm >= low) & (nm <= high)
    line = np.interp(nm[inside], [low, high], np.interp([low, high], nm, mean))
    deepest = nm[inside][int(np.argmin(mean[inside] / line))]
    assert abs(deepest - published) <= max(10.0, 0.04 * (high - low))  # of three bands in one, as olivine's


def test_grains_beside_each_other_are_darker_than_patches_beside_each_other() -> None:
    bright, dark = np.full((1, 5), 0.8), np.full((1, 5), 0.1)
    half = np.array([[0.5]])
    np.testing.assert_allclose(mixed_grains(bright, dark, np.array([[1.0]])), bright, atol=1e-9)
    np.testing.assert_allclose(mixed_grains(bright, bright, half), bright, atol=1e-9)
    assert (mixed_grains(bright, dark, half) < 0.45).all()


def test_spectra_of_minerals_are_reflectance_and_differ_from_draw_to_draw() -> None:
    for key in NEW:
        spectra = draw(key, 40)
        assert spectra.shape == (40, grid_nm().size)
        assert ((spectra > 0) & (spectra < 1)).all()
        assert (spectra.std(axis=0) / spectra.mean(axis=0)).mean() > 0.1


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_a_mineral_is_known_in_every_language(row: tuple[str, ...]) -> None:
    assert [meant(name).weights for name in row[1:]] == [{row[0]: 1.0}] * 4
    assert {row[0] for row in TABLE} == NEW


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Kaolinite #1", "kaolinite"),
        ("Muscovite_2", "muscovite"),
        ("Alunite K", "alunite"),
        ("Na-Alunite", "alunite"),
        ("illite", "muscovite"),
        ("limestone", "carbonate"),
        ("chalk", "carbonate"),
        ("limestone gravel road", "gravel"),
        ("lime trees", "broadleaf"),
        ("Kalkmagerrasen", "dry grass"),
        ("Tonboden", "soil"),
        ("clay", "soil"),
        ("Ton", "clay mineral"),
        ("argile", "clay mineral"),
        ("黏土", "clay mineral"),
        ("iron oxides", "iron oxide"),
        ("evaporite", "salt"),
        ("halite", "salt"),
        ("quartz", "rock"),
        ("Desert varnish", "rock"),
        ("Pyrope", "rock"),
        ("Dumortierite", "rock"),
        ("Andradite #1", "iron oxide"),
    ],
)
def test_names_of_minerals_rocks_and_mixes(name: str, key: str) -> None:
    assert meant(name).weights == {key: 1.0}


def test_nothing_is_likened_to_a_mineral_that_it_does_not_name() -> None:
    def encode(sentences: list[str]) -> FloatArray:  # everything is alike
        return np.ones((len(sentences), 1), np.float32)

    for text in ("zzyzx", "stony ground of some kind", "whitish stuff"):
        assert not NEW & meant(text, encode).weights.keys()
    assert not NEW & meant("rock", encode, without=["rock"]).weights.keys()


def test_a_question_for_a_mix_may_not_deny_its_minerals() -> None:
    assert kin("kaolinite") == {"kaolinite", "clay mineral"}
    assert kin("carbonate") == {"carbonate", "calcite", "dolomite"}
    assert kin("talc") == {"talc"}
    for key in (*MINERALS, *GROUPS):
        low, high = seen_nm(key) or (0, 0)
        assert 400 < low < high < 2460
    assert seen_nm("soil") is None


def test_the_tag_says_what_is_a_mineral() -> None:
    assert {key for key, one in materials().items() if "mineral" in one.tags} == NEW | GROUPS.keys()
    assert set(WIDER) <= NEW
    assert is_mineral("Calcite 2")
    assert is_mineral("Tonminerale")
    assert not is_mineral("gravel")
    assert {len(one.names) for one in materials().values()} == {len(LANGUAGES)}
