"""The simulated scene: what it promises, and whether its pixels agree with its own truth."""

from __future__ import annotations

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.scene.demo import demo_scene, demo_simulation, simulate
from hsi_studio.scene.physics.layout import NAMES
from hsi_studio.scene.physics.materials import MATERIALS
from hsi_studio.scene.physics.simulate import Simulation
from hsi_studio.types import Scene

ALL = slice(None)
VNIR = np.linspace(402.89, 989.09, 63)


@pytest.fixture(scope="module")
def demo() -> Simulation:
    return demo_simulation(0)


@pytest.fixture(scope="module")
def cube(demo: Simulation) -> np.ndarray:
    values = demo.scene.read(ALL, ALL)
    values.flags.writeable = False
    return values


def band(scene: Scene, cube: np.ndarray, nm: float) -> np.ndarray:
    index = scene.bands.nearest(nm, within_nm=20)
    assert index is not None
    return np.asarray(cube[..., index])


def ndvi(scene: Scene, cube: np.ndarray) -> np.ndarray:
    nir, red = band(scene, cube, 860), band(scene, cube, 665)
    return (nir - red) / np.maximum(nir + red, 1e-3)


def pure(demo: Simulation, material: str) -> np.ndarray:
    """(H, W) sunlit valid pixels wholly of one material."""
    share = demo.truth.abundance[..., demo.truth.materials.index(material)]
    return (share > 0.99) & (demo.truth.sunlit > 0.95) & demo.scene.valid


def test_the_scene_says_what_it_is(demo: Simulation) -> None:
    scene = demo.scene
    assert scene.name == "demo"
    assert scene.shape == (200, 200, 120)
    assert "imulated" in scene.title
    assert any("simulated" in note for note in scene.notes)
    assert scene.licence == "Apache-2.0"
    assert "Verhoef" in scene.citation
    assert scene.gsd_m == 1.5
    wavelength = scene.bands.wavelength_nm
    assert wavelength is not None
    assert wavelength[0] >= 400
    assert wavelength[-1] <= 2450
    assert not np.any((wavelength > 1350) & (wavelength < 1450))  # water vapour
    assert not np.any((wavelength > 1800) & (wavelength < 1950))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits(demo: Simulation, cube: np.ndarray) -> None:
    again = demo_scene(0)
    np.testing.assert_array_equal(again.read(ALL, ALL), cube)
    np.testing.assert_array_equal(again.dsm, demo.scene.dsm)
    np.testing.assert_array_equal(again.reference, demo.scene.reference)
    assert again.sources == demo.scene.sources
    other = demo_scene(1)
    assert np.mean(other.reference != demo.scene.reference) > 0.1


def test_every_class_is_there_and_little_is_unlabelled(demo: Simulation) -> None:
    scene = demo.scene
    assert scene.reference is not None
    assert scene.reference_names == NAMES
    counts = np.bincount(scene.reference.ravel(), minlength=len(NAMES) + 1)
    assert counts[1:].min() >= 150
    assert 0.02 < counts[0] / scene.reference.size < 0.15


def test_the_wedge_outside_the_flight_line_is_invalid_and_unlabelled(demo: Simulation, cube: np.ndarray) -> None:
    scene = demo.scene
    missing = np.isnan(cube[..., 0])
    np.testing.assert_array_equal(missing, np.isnan(cube).all(axis=-1))
    np.testing.assert_array_equal(scene.valid, ~missing)
    assert 0.005 < missing.mean() < 0.05
    assert missing[0, 0]
    assert not missing[0, -1]
    assert scene.reference is not None
    assert np.all(scene.reference[missing] == 0)
    assert scene.good_bands.all()


def test_it_lies_on_the_map(demo: Simulation) -> None:
    from rasterio.crs import CRS

    scene = demo.scene
    assert scene.crs is not None
    assert CRS.from_wkt(scene.crs).to_epsg() == 32632
    corner, next_row = scene.map_xy(0, 0), scene.map_xy(1, 0)
    assert corner is not None
    assert next_row is not None
    assert corner[1] - next_row[1] == 1.5  # rows go south


def test_abundances_sum_to_one_and_the_reference_is_their_majority(demo: Simulation) -> None:
    truth, scene = demo.truth, demo.scene
    np.testing.assert_allclose(truth.abundance.sum(axis=-1), 1.0, atol=1e-5)
    assert scene.reference is not None
    labelled = scene.reference > 0
    best = np.array(truth.materials)[truth.abundance.argmax(axis=-1)]
    named = np.array(["", *(NAMES[v].lower() for v in sorted(NAMES))])[scene.reference]
    assert np.all(best[labelled] == named[labelled])


def test_elevation_minus_ground_is_the_height_of_what_stands_there(demo: Simulation) -> None:
    scene, truth = demo.scene, demo.truth
    assert scene.dsm is not None
    measured = scene.dsm[..., 0] - truth.ground_m
    seen = np.isfinite(measured)
    np.testing.assert_allclose(measured[seen], truth.height_m[seen], atol=0.5)  # six times the range noise
    gaps = ~seen
    assert 0 < gaps.sum() < 200
    assert np.all(truth.abundance[gaps, truth.materials.index("water")] > 0.9)
    for name, low, high in [("tile roof", 4, 11), ("broadleaf trees", 2, 18), ("maize", 1.5, 2.8), ("asphalt", 0, 2)]:
        height = truth.height_m[pure(demo, name)]
        assert low <= np.median(height) <= high, name


def test_vegetation_index_follows_leaf_area(demo: Simulation, cube: np.ndarray) -> None:
    index = ndvi(demo.scene, cube)
    for name in ("meadow", "maize", "broadleaf trees"):
        assert np.median(index[pure(demo, name)]) > 0.75, name
    assert 0.25 < np.median(index[pure(demo, "dry grass")]) < 0.6
    for name in ("bare soil", "asphalt", "tile roof", "metal roof", "bitumen roof"):
        assert np.median(index[pure(demo, name)]) < 0.25, name
    meadow = pure(demo, "meadow")
    rank = (np.argsort(np.argsort(values[meadow])) for values in (demo.truth.lai, index))  # it saturates: ranks
    assert np.corrcoef(*rank)[0, 1] > 0.6


def test_chlorophyll_and_moisture_can_be_seen(demo: Simulation, cube: np.ndarray) -> None:
    maize, soil = pure(demo, "maize"), pure(demo, "bare soil")
    green = band(demo.scene, cube, 550)[maize] / band(demo.scene, cube, 860)[maize]  # a ratio: slopes cancel
    assert np.corrcoef(demo.truth.chlorophyll_ug_cm2[maize], green)[0, 1] < -0.5
    depth = band(demo.scene, cube, 1980)[soil] / band(demo.scene, cube, 1650)[soil]
    assert np.corrcoef(demo.truth.soil_moisture[soil], depth)[0, 1] < -0.7


def test_water_is_dark_beyond_the_red(demo: Simulation, cube: np.ndarray) -> None:
    water = pure(demo, "water")
    assert np.percentile(band(demo.scene, cube, 860)[water], 95) < 0.05
    assert np.percentile(band(demo.scene, cube, 1650)[water], 95) < 0.05


def test_shadows_are_darker_and_bluer(demo: Simulation, cube: np.ndarray) -> None:
    truth, scene = demo.truth, demo.scene
    street = (truth.abundance[..., truth.materials.index("asphalt")] > 0.99) & scene.valid
    shade, lit = street & (truth.sunlit < 0.05), street & (truth.sunlit > 0.95)
    assert shade.sum() > 20
    near_infrared, blue = np.maximum(band(scene, cube, 860), 1e-3), band(scene, cube, 470)
    assert np.median(near_infrared[shade]) < 0.5 * np.median(near_infrared[lit])
    assert np.median((blue / near_infrared)[shade]) > 1.2 * np.median((blue / near_infrared)[lit])


def test_streets_and_flat_roofs_differ_in_height_not_in_colour(demo: Simulation, cube: np.ndarray) -> None:
    street, roof = pure(demo, "asphalt"), pure(demo, "bitumen roof")
    a, b = cube[street].mean(axis=0), cube[roof].mean(axis=0)
    angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert angle < 0.06
    assert np.median(demo.truth.height_m[roof]) - np.median(demo.truth.height_m[street]) > 4


def test_few_labels_leave_room_and_height_helps(demo: Simulation, cube: np.ndarray) -> None:
    """An RBF support vector machine on 10 pixels a class is neither lost nor perfect."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    assert demo.scene.reference is not None
    y = demo.scene.reference.ravel()
    spectra = cube.reshape(-1, cube.shape[-1])
    with_height = np.hstack([spectra, np.repeat(demo.truth.height_m.reshape(-1, 1), 12, axis=1)])
    accuracy: dict[str, list[float]] = {"spectra": [], "with height": []}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        train = np.concatenate([rng.permutation(np.flatnonzero(y == k))[:10] for k in NAMES])
        test = rng.choice(np.setdiff1d(np.flatnonzero(y > 0), train), 3000, replace=False)
        for name, x in (("spectra", spectra), ("with height", with_height)):
            model = make_pipeline(StandardScaler(), SVC(C=100.0)).fit(x[train], y[train])
            accuracy[name].append(float(np.mean(model.predict(x[test]) == y[test])))
    assert 0.62 < np.mean(accuracy["spectra"]) < 0.90
    assert np.mean(accuracy["with height"]) > np.mean(accuracy["spectra"]) + 0.05


# the generator on a given layout


def _layout() -> tuple[np.ndarray, np.ndarray]:
    raster = np.zeros((48, 60), dtype=np.uint8)
    raster[2:20, 2:25], raster[24:44, 4:30], raster[6:40, 36:50] = 1, 2, 3
    dsm = np.zeros((48, 60, 2), dtype=np.float32)
    dsm[24:44, 4:30, 0] = 7.0
    dsm[0:12, 52:, 0] = 9.0  # something tall without a label
    dsm[..., 1] = 40.0
    dsm[5, 5, 0] = 2901.0  # a spike, as in real rasters
    dsm[6, 6, 0] = np.nan
    return raster, dsm


_OF = {1: "vineyard", 2: "roofs", 3: "asphalt"}


def test_a_given_raster_and_surface_come_back_unchanged() -> None:
    raster, dsm = _layout()
    made = simulate(raster, dsm, materials=_OF, wavelength_nm=VNIR, seed=4, class_names={1: "Vineyard"})
    scene = made.scene
    assert scene.shape == (48, 60, 63)
    np.testing.assert_array_equal(scene.reference, raster)
    np.testing.assert_array_equal(scene.dsm, dsm)
    assert scene.reference_names == {1: "Vineyard", 2: "roofs", 3: "asphalt"}
    assert raster.flags.writeable  # the caller's arrays stay the caller's
    assert dsm.flags.writeable
    values = scene.read(ALL, ALL)
    assert np.isfinite(values).all()
    assert scene.valid.all()
    again = simulate(raster, dsm, materials=_OF, wavelength_nm=VNIR, seed=4)
    np.testing.assert_array_equal(again.scene.read(ALL, ALL), values)
    other = simulate(raster, dsm, materials=_OF, wavelength_nm=VNIR, seed=5)
    assert other.scene.id != scene.id


def test_pixels_without_a_class_become_background_and_trees_where_something_stands() -> None:
    raster, dsm = _layout()
    truth = simulate(raster, dsm, materials=_OF, wavelength_nm=VNIR).truth
    tall, low = (truth.abundance[..., truth.materials.index(name)] for name in ("broadleaf trees", "background"))
    assert np.all(tall[0:12, 52:] == 1)
    assert np.all(low[45:, :] == 1)
    assert np.all((tall + low)[raster > 0] == 0)


def test_sub_pixels_mix_at_borders_and_borders_stay_unlabelled() -> None:
    raster = np.ones((20, 20), dtype=int)
    raster[:, 9:] = 2  # the border cuts through the fifth column of pixels
    made = simulate(
        raster, np.zeros((20, 20)), materials={1: "meadow", 2: "asphalt"}, wavelength_nm=VNIR, subpixels=2, snr=2000
    )
    assert made.scene.shape == (10, 10, 63)
    np.testing.assert_array_equal(made.scene.reference, np.repeat([[1] * 4 + [0] + [2] * 5], 10, axis=0))
    np.testing.assert_allclose(made.truth.abundance[:, 4], 0.5)
    index = ndvi(made.scene, made.scene.read(ALL, ALL))
    assert np.all(index[:, 9] < index[:, 4])
    assert np.all(index[:, 4] < index[:, 0])


def test_an_unknown_material_is_refused_with_the_names_that_exist() -> None:
    raster, dsm = _layout()
    with pytest.raises(BadRequest, match="'lava'") as caught:
        simulate(raster, dsm, materials={**_OF, 3: "lava"}, wavelength_nm=VNIR)
    assert all(name in str(caught.value) for name in MATERIALS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"materials": {1: "vineyard"}}, r"holds \[2, 3\]"),
        ({"wavelength_nm": [350.0, 700.0]}, "400–2500 nm"),
        ({"fwhm_nm": [10.0]}, "1 band widths for 63 bands"),
        ({"subpixels": 7}, "7 × 7"),
        ({"invalid": np.zeros((3, 3), dtype=bool)}, "invalid has shape"),
    ],
)
def test_requests_that_make_no_sense_say_why(change: dict[str, object], words: str) -> None:
    raster, dsm = _layout()
    request: dict[str, object] = {"materials": _OF, "wavelength_nm": VNIR, **change}
    with pytest.raises(BadRequest, match=words):
        simulate(raster, dsm, **request)  # type: ignore[arg-type]


def test_a_surface_of_another_size_is_refused() -> None:
    raster, dsm = _layout()
    with pytest.raises(BadRequest, match=r"\(40, 60, 2\)"):
        simulate(raster, dsm[:40], materials=_OF, wavelength_nm=VNIR)


@pytest.mark.parametrize("name", list(MATERIALS))
def test_every_material_can_be_simulated(name: str) -> None:
    made = simulate(np.ones((12, 12), dtype=int), np.zeros((12, 12)), materials={1: name}, wavelength_nm=[560.0, 860.0])
    values = made.scene.read(ALL, ALL)
    assert np.all((values > -0.02) & (values < 1.0))
    assert made.truth.materials == (name,)
