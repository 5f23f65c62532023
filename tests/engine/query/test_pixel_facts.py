"""Descriptions of simulated materials against what the generator knows: every stated fact has to be true.

One scene with a patch of every material on open meadow, at known heights; expected indices and depths come from the
generator's noise-free spectra, mixed by the material's shares.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from hsi_studio.engine.query.pixel_facts import PixelFacts, class_facts, describe_class, describe_region, map_shapes
from hsi_studio.errors import BadRequest
from hsi_studio.features.cache import FeatureCache
from hsi_studio.features.measures import Axis, Measured, measure
from hsi_studio.scene.demo import demo_bands
from hsi_studio.scene.physics.light import Sun, diffuse_fraction
from hsi_studio.scene.physics.materials import MATERIALS
from hsi_studio.scene.physics.simulate import Simulation, simulate
from hsi_studio.scene.physics.spectra import band_response, grid_nm
from hsi_studio.scene.physics.surfaces import NODES, tabulate
from hsi_studio.text.description import Description, describe
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction

SIDE, GAP, ACROSS = 26, 14, 5
NAMES = [name for name in MATERIALS if name != "background"]
HEIGHT_M = {
    "broadleaf trees": 12.0, "conifers": 16.0, "mixed woods": 13.0, "apple trees": 3.0, "vineyard": 1.8, "maize": 2.1,
    "tile roof": 7.0, "bitumen roof": 8.0, "metal roof": 8.5, "roofs": 6.0,
}  # fmt: skip
MIXED = {"mixed woods", "ground", "roofs"}  # several surfaces side by side: no one spectrum is expected


@functools.cache
def world() -> Simulation:
    rows = -(-len(NAMES) // ACROSS)
    shape = (rows * (SIDE + GAP) + GAP, ACROSS * (SIDE + GAP) + GAP)
    meadow = NAMES.index("meadow") + 1
    raster = np.full(shape, meadow)
    row, col = np.mgrid[: shape[0], : shape[1]]
    ground = 0.02 * row + 0.01 * col
    height = np.zeros(shape)
    for k, name in enumerate(NAMES):
        at = _patch(k)
        raster[at] = k + 1
        height[at] = HEIGHT_M.get(name, 0.0)
    materials = {k + 1: name for k, name in enumerate(NAMES)}
    centre, fwhm = demo_bands()
    return simulate(
        raster,
        ground + height,
        materials=materials,
        wavelength_nm=centre,
        fwhm_nm=fwhm,
        ground_m=ground,
        name="patches",
    )


def _patch(k: int, inner: int = 0) -> tuple[slice, slice]:
    top, left = GAP + k // ACROSS * (SIDE + GAP), GAP + k % ACROSS * (SIDE + GAP)
    return slice(top + inner, top + SIDE - inner), slice(left + inner, left + SIDE - inner)


@functools.cache
def pixel_facts() -> PixelFacts:
    return PixelFacts(world().scene, FeatureCache())


def mask(name: str) -> np.ndarray:
    out = np.zeros(world().scene.shape[:2], dtype=bool)
    out[_patch(NAMES.index(name), 4)] = True
    return out & (world().truth.sunlit > 0.9)


@functools.cache
def said(name: str) -> Description:
    row, col = np.nonzero(mask(name))
    return describe(name, pixel_facts().facts(row, col))


@functools.cache
def expected(name: str) -> Measured:
    """Facts of the material's noise-free spectrum at its middle."""
    centre, fwhm = demo_bands()
    sun = Sun()
    diffuse = diffuse_fraction(grid_nm())
    middle = NODES**2 // 2
    total = np.zeros(grid_nm().size)
    for surface, share in MATERIALS[name].parts:
        table = tabulate(surface, sun.zenith_deg)
        total += share * ((1 - diffuse) * table.sun[middle] + diffuse * table.sky[middle])
    seen = band_response(centre.astype(float), fwhm.astype(float)) @ total
    return measure(seen[None].astype(np.float32), Axis(centre, np.ones(centre.size, dtype=bool)))


def slots(name: str) -> dict[str, object]:
    return {p.slot: p for p in said(name).phrases}


@pytest.mark.parametrize("name", NAMES)
def test_stated_vegetation_agrees_with_the_leaves_there(name: str) -> None:
    phrase = slots(name).get("plants")
    assert phrase is not None
    lai = float(world().truth.lai[mask(name)].mean())
    text = phrase.text  # type: ignore[attr-defined]
    if "without" in text:
        assert lai < 0.35
    elif "dense" in text:
        assert lai > 1.5
    elif "sparse" in text:
        assert 0.05 < lai < 3.0
    else:
        assert lai > 0.2


@pytest.mark.parametrize("name", [n for n in NAMES if n not in MIXED])
def test_stated_indices_are_those_of_the_noise_free_spectrum(name: str) -> None:
    row, col = np.nonzero(mask(name))
    facts, true = pixel_facts().facts(row, col).facts, expected(name)
    for index, slack in (("ndvi", 0.07), ("ndmi", 0.08), ("redness", 0.08), ("red_edge_nm", 5.0)):
        if name == "water":  # next to nothing comes back from it: the noise is as large as the signal
            continue
        if index == "red_edge_nm" and float(true.values["ndvi"][0]) < 0.45:
            continue
        wanted = float(true.values[index][0])
        assert facts[index].value == pytest.approx(wanted, abs=slack), index
        assert facts[index].low - slack <= wanted <= facts[index].high + slack


@pytest.mark.parametrize("name", [n for n in NAMES if n not in MIXED])
def test_stated_absorptions_are_in_the_material(name: str) -> None:
    """A feature that is named has at least two thirds of its threshold in the noise-free spectrum."""
    depth = {k: float(v[0]) for k, v in expected(name).values.items() if k.startswith("depth")}
    texts = " ".join(p.text for p in said(name).phrases)
    for words, key, least in (
        ("1450", "depth_1450", 0.2), ("1940 nm", "depth_1940", 0.2), ("2200", "depth_2200", 0.03),
        ("2320", "depth_2300", 0.033), ("1730", "depth_1730", 0.013), ("2100", "depth_2100", 0.027),
    ):  # fmt: skip
        if words in texts:
            assert depth[key] > least, (words, texts)
    if float(expected(name).values["ndvi"][0]) > 0.6:
        assert depth["depth_1450"] > 0.3
        assert "liquid water absorption" in texts


@pytest.mark.parametrize("name", NAMES)
def test_stated_heights_are_within_a_tenth(name: str) -> None:
    truth = float(np.median(world().truth.height_m[mask(name)]))
    phrase = slots(name).get("height")
    if phrase is None:
        assert 0.3 < truth < 4.0  # low and wide: the two ways to find the ground disagree, and nothing is said
        return
    evidence = phrase.evidence  # type: ignore[attr-defined]
    if "stated_m" in evidence:
        assert evidence["stated_m"] == pytest.approx(truth, rel=0.1)
    elif "at_least_m" in evidence:
        assert evidence["at_least_m"] <= 1.1 * truth
    else:
        assert truth < 0.6


def test_most_tall_things_get_a_number() -> None:
    numbers = [n for n in HEIGHT_M if n in NAMES and "stated_m" in getattr(slots(n).get("height"), "evidence", {})]
    assert len(numbers) >= 6


def test_nothing_is_said_about_wavelengths_the_sensor_lacks() -> None:
    """The same patches through a sensor that ends at 1000 nm, and one with a gap at 2200 nm."""
    scene = world().scene
    row, col = np.nonzero(mask("bare soil"))
    spectra = pixel_facts().spectra_at(row, col)
    centre = scene.bands.wavelength_nm
    assert centre is not None
    for usable in (centre < 1000, (centre < 2150) | (centre > 2280)):
        got = measure(spectra, Axis(centre, usable))
        used = {w for bands in got.bands_nm.values() for w in bands}
        assert all(np.abs(centre[usable] - w).min() < 0.06 for w in used)
        assert "depth_2200" not in got.values


def test_a_class_is_described_from_its_labels_alone() -> None:
    scene = world().scene
    schema = ClassSchema(tuple(ClassInfo.new(n, "#000000") for n in ("Soil", "Trees", "Empty")))
    points = [np.argwhere(mask(n))[::9] for n in ("bare soil", "broadleaf trees")]
    row, col = np.concatenate(points).T
    label = np.repeat([0, 1], [len(p) for p in points])
    labels = LabelSet(schema, row, col, label, 7)
    found = describe_class(pixel_facts(), labels, schema.classes[0].id)
    assert found.text.startswith("Soil:")
    assert any(p.slot == "difference" for p in found.phrases)
    assert "trees" in found.sentences[-1]
    assert set(class_facts(pixel_facts(), labels)) == {c.id for c in schema.classes[:2]}
    with pytest.raises(BadRequest, match="Empty has no labelled pixels"):
        describe_class(pixel_facts(), labels, schema.classes[2].id)
    assert scene.reference is not None  # it is there, and nothing above read it: the facts are the labels'


def test_regions_and_borders_come_from_a_map() -> None:
    schema = ClassSchema((ClassInfo.new("Field", "#000000"), ClassInfo.new("Road", "#000000")))
    label = np.ones((60, 80), dtype=np.uint16)
    label[20:24] = 2
    found = map_shapes(Prediction(schema, label, np.ones((60, 80), np.float32), "live", {}, 1), 2.0)
    road, borders = found[schema.classes[1].id]
    assert road.width_m == pytest.approx(8.0, abs=0.6)
    assert road.elongation > 15
    assert borders == (("Field", 1.0),)


def test_an_empty_region_says_so() -> None:
    with pytest.raises(BadRequest, match="choose others"):
        describe_region(pixel_facts(), np.zeros(world().scene.shape[:2], dtype=bool))
