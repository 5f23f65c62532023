"""The facts of a scene are plain values, counted right, and name the map system people know."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rasterio.crs import CRS

from hsi_studio.engine.scene_info import crs_name, scene_facts
from hsi_studio.types import Source
from tests.project.small import UTM, small_scene, striped_reference, utm_wkt


def test_facts_are_json_and_count_pixels_as_they_are() -> None:
    reference = striped_reference(12, 16, 3)
    scene = small_scene(
        invalid=[(0, 0), (3, 4)],
        reference=reference,
        reference_names={3: "Water", 1: "Corn", 2: "Wood"},
        transform=UTM,
        crs=utm_wkt(),
        gsd_m=2.0,
    )
    facts = json.loads(json.dumps(scene_facts(scene), allow_nan=False))
    assert (facts["rows"], facts["columns"], facts["bands"], facts["usable_bands"]) == (12, 16, 5, 5)
    assert facts["valid_pixels"] == 12 * 16 - 2
    assert [entry["name"] for entry in facts["reference"]] == ["Corn", "Wood", "Water"]
    assert sum(entry["pixels"] for entry in facts["reference"]) == int((reference > 0).sum())
    low, high = facts["value_range"]
    cube = scene.read(slice(0, 12), slice(0, 16))
    assert (low, high) == (float(np.nanmin(cube)), float(np.nanmax(cube)))


def test_what_a_scene_has_not_is_null() -> None:
    facts = scene_facts(small_scene())
    assert [facts[key] for key in ("wavelength_nm", "reference", "crs", "transform", "gsd_m")] == [None] * 5
    assert facts["dsm_layers"] == 0
    assert scene_facts(small_scene(dsm=np.zeros((12, 16, 2), np.float32)))["dsm_layers"] == 2


def test_sources_are_named_without_the_folders_of_this_computer() -> None:
    """The facts are printed and shown; a path tells a user's name."""
    facts = scene_facts(small_scene(sources=(Source("cube", "/home/ana/secret/pines.mat", "ab"),)))
    assert facts["sources"] == [{"role": "cube", "file": "pines.mat", "sha256": "ab"}]
    assert "ana" not in json.dumps(facts)


@pytest.mark.parametrize(
    ("epsg", "name"),
    [(32616, "EPSG:32616 · WGS 84 / UTM zone 16N"), (4326, "EPSG:4326 · WGS 84"), (2154, "EPSG:2154 · RGF93")],
)
def test_map_systems_are_named_as_in_the_epsg_registry(epsg: int, name: str) -> None:
    found = crs_name(CRS.from_epsg(epsg).to_wkt())
    assert found is not None
    assert found.startswith(name)


def test_a_system_without_a_number_keeps_its_own_name() -> None:
    local = 'LOCAL_CS["mine grid",UNIT["metre",1]]'
    assert crs_name(local) == "mine grid"
    assert crs_name(None) is None
