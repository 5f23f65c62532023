"""Files whose own words are wrong or unusual: read as they are meant and noted, or refused with the word to write."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import rasterio
from scipy.io import savemat

from hsi_studio.errors import BadValues, CorruptFile, FileProblem, UnknownFormat
from hsi_studio.scene.formats.registry import find_reader
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.plan import AskAboutFile
from hsi_studio.scene.rules import classes, wavelengths
from hsi_studio.scene.rules.alignment import Grid, lay
from tests.scene import fake

NM = np.linspace(400.0, 2400.0, 8)


def picture(height: int = 60, width: int = 44, bands: int = 50) -> np.ndarray:
    """(H, W, B) fields of five materials with smooth spectra, mixed anew in every pixel."""
    rng = np.random.default_rng(0)
    nm = np.linspace(0, 1, bands)
    centres, wide = rng.uniform(0, 1, (5, 4, 1)), rng.uniform(0.1, 0.3, (5, 4, 1))
    spectra = 0.05 + np.exp(-(((nm - centres) / wide) ** 2)).sum(axis=1) * 0.15  # (5, B)
    fields = np.kron(rng.dirichlet([0.3] * 5, (height // 4, width // 4)), np.ones((4, 4, 1)))  # (H, W, 5)
    mixed = fields + rng.dirichlet([0.5] * 5, (height, width)) * 0.6
    values = mixed @ spectra + 0.002 * rng.standard_normal((height, width, bands))
    return values.astype("f4")


PICTURE = picture()
MANY = picture(bands=150)


def notes(scene) -> str:
    return " ".join(scene.notes)


@pytest.mark.parametrize(("said", "real"), [("bil", "bsq"), ("bip", "bsq"), ("bip", "bil")])
def test_a_wrong_interleave_is_refused_with_the_right_one(tmp_path, said, real):
    stored = (MANY * 10000).astype("i2")
    path = fake.envi(tmp_path, stored, real, header={"interleave": said})
    with pytest.raises(CorruptFile, match=f"interleave = {real}, lines = 60, samples = 44, bands = 150"):
        open_scene(path)
    assert open_scene(path, rules=4).shape == MANY.shape  # as projects that have it are read
    assert open_scene(fake.envi(tmp_path, stored, real)).shape == MANY.shape


@pytest.mark.parametrize("real", ["bsq", "bil", "bip"])
def test_lines_and_samples_exchanged_are_refused(tmp_path, real):
    path = fake.envi(tmp_path, (MANY * 10000).astype("i2"), real, header={"lines": 44, "samples": 60})
    with pytest.raises(CorruptFile, match="lines = 60, samples = 44, bands = 150"):
        open_scene(path)


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_noise_has_no_better_layout(tmp_path, interleave):
    noise = np.random.default_rng(1).integers(0, 4000, (60, 44, 50)).astype("i2")
    assert open_scene(fake.envi(tmp_path, noise, interleave)).shape == noise.shape


@pytest.mark.parametrize(
    ("dtype", "said", "meant", "scale"), [("f4", 3, 4, 1.0), ("i4", 4, 3, 1e4), ("u2", 2, 12, 1.2e5), ("f8", 14, 5, 1)]
)
def test_a_wrong_data_type_is_refused_with_the_right_one(tmp_path, dtype, said, meant, scale):
    values = np.clip(PICTURE * scale, 0, 65535).astype(dtype)
    assert open_scene(fake.envi(tmp_path, values)).shape == values.shape
    with pytest.raises(CorruptFile, match=f"data type = {meant}"):
        open_scene(fake.envi(tmp_path, values, header={"data type": said}))


def test_text_in_front_of_the_numbers_is_a_header(tmp_path):
    path = fake.envi(tmp_path, (PICTURE * 10000).astype("i2"))
    path.write_bytes(b"CAMERA 12 run 3 " * 10 + path.read_bytes())
    with pytest.raises(CorruptFile, match="header offset = 160"):
        open_scene(path)


@pytest.mark.parametrize(
    ("extra", "unit"),
    [
        (f"reflectance scale factor = {{{', '.join(['10000'] * 8)}}}", "reflectance"),
        ("reflectance scale factor = 0.0001", "reflectance"),
        (f"data reflectance gain values = {{{', '.join(['0.0001'] * 8)}}}", "reflectance"),
        ("data gain values = {0.0001}", ""),
    ],
)
def test_scales_as_other_programs_write_them(tmp_path, extra, unit):
    stored = (fake.cube() * 100).astype("i2")
    path = fake.envi(tmp_path, stored, extra=extra)
    scene = open_scene(path)
    assert np.allclose(scene.read(slice(None), slice(None)), stored / 1e4, rtol=1e-5)
    assert scene.value_unit == unit
    former = open_scene(path, rules=4)
    assert former.id != scene.id


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("scale factor = 10000", "which ENVI does not know"),
        ("data gain values = {1, 2}", "lists 2 data gain values for 8 bands"),
        ("bbl = {0, 0, 0, 0, 0, 0, 1, 1}", "rules out 6 of 8 bands"),
        ("data ignore value = {-1, -2}", "gives 2 “no data” values"),
    ],
)
def test_what_a_header_says_in_vain_is_told(tmp_path, extra, said):
    assert said in notes(open_scene(fake.envi(tmp_path, fake.cube(), extra=extra)))


def test_every_band_may_have_its_own_no_data_value(tmp_path):
    stored = (fake.cube() * 10).astype("i2")
    stored[1, :, :4], stored[1, :, 4:] = -1, -2
    scene = open_scene(fake.envi(tmp_path, stored, extra="data ignore value = {-1,-1,-1,-1,-2,-2,-2,-2}"))
    assert not scene.valid[1].any()
    assert scene.valid[[0, 2, 3, 4, 5]].all()


def test_a_zone_and_a_string_that_disagree_are_told(tmp_path):
    from rasterio.crs import CRS

    extra = (
        "map info = {UTM, 1, 1, 500000, 5800000, 10, 10, 33, North, WGS-84}\n"
        f"coordinate system string = {{{CRS.from_epsg(32632).to_wkt()}}}"
    )
    scene = open_scene(fake.envi(tmp_path, fake.cube(), extra=extra))
    assert "EPSG:32633" in notes(scene)
    assert CRS.from_wkt(scene.crs).to_epsg() == 32632


@pytest.mark.parametrize(("unit", "factor", "width"), [("um", 1e-3, 6.0), ("nm", 1.0, 0.006), ("um", 1e-3, 0.006)])
def test_widths_in_another_unit_than_the_wavelengths(unit, factor, width):
    found = wavelengths.read(NM * factor, unit, np.full(8, width))
    assert found.fwhm_nm == pytest.approx(np.full(8, 6.0))
    assert bool(found.notes) == (width != 0.006 or unit == "nm")


def test_widths_that_fit_no_unit_are_left_out():
    found = wavelengths.read(NM, "nm", np.full(8, 5e7))
    assert found.fwhm_nm is None
    assert "not used" in found.notes[0]


def test_tenths_of_a_nanometre_called_nanometres_are_told():
    found = wavelengths.read(NM * 10, "nm")
    assert found.nm == pytest.approx(NM * 10)
    assert "Ångström" in found.notes[0]
    assert wavelengths.read(np.linspace(30_000, 27_000, 5) / 2, "nm").notes  # 13.5–15 µm might be 1.35–1.5 µm
    assert not wavelengths.read(np.linspace(400, 2500, 5), "nm").notes


def tiff(path, values, **options):
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=values.shape[2],
        dtype=values.dtype.name, transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5.8e6), crs="EPSG:32633", **options,
    ) as target:  # fmt: skip
        target.write(np.moveaxis(values, 2, 0))
    return path


def test_the_last_of_four_bands_of_bytes_is_no_transparency_when_it_is_data(tmp_path):
    """GDAL marks it as alpha by itself, which made of the near infrared of an aerial image a mask."""
    values = np.clip(PICTURE[:, :, [10, 20, 30, 45]] * 400, 1, 255).astype("u1")
    path = tiff(tmp_path / "nir.tif", values)
    scene = open_scene(path)
    assert scene.shape[2] == 4
    assert np.array_equal(scene.read(slice(None), slice(None)), values)
    assert "is read as a band" in notes(scene)
    assert open_scene(path, rules=4).shape[2] == 3
    values[..., 3] = 255
    values[:9, :, 3] = 0
    opaque = open_scene(tiff(tmp_path / "alpha.tif", values))
    assert (opaque.shape[2], int(opaque.valid.sum())) == (3, 51 * 44)


def pages(path, values, description=None):
    """A TIFF with a page for each of `values` (pages, h, w)."""
    from PIL import Image

    images = [Image.fromarray(page) for page in values]
    info = {270: description} if description else None
    images[0].save(path, save_all=True, append_images=images[1:], **({"tiffinfo": info} if info else {}))
    return path


def test_a_page_a_row_is_asked_about_and_a_page_a_band_is_not(tmp_path):
    stored = (PICTURE[:24, :20, :40] * 20000).astype("u2")
    bands = open_scene(pages(tmp_path / "bands.tif", np.ascontiguousarray(stored.transpose(2, 0, 1))))
    assert bands.shape == stored.shape
    path = pages(tmp_path / "rows.tif", stored)
    with pytest.raises(AskAboutFile) as caught:
        open_scene(path)
    answered = open_scene(path, axes=caught.value.choices[0])
    assert np.array_equal(answered.read(slice(None), slice(None)), stored)
    assert open_scene(path, rules=4).shape == (20, 40, 24)


def test_some_wavelengths_are_told(tmp_path):
    path = tiff(tmp_path / "x.tif", PICTURE)
    with rasterio.open(path, "r+") as dataset:
        for band in range(1, 50):
            dataset.update_tags(band, wavelength="500")
    assert "49 of 50 bands name a wavelength" in notes(open_scene(path))


@pytest.mark.parametrize("where", [0, 3])
def test_axes_of_length_one_are_taken_away(tmp_path, where):
    np.save(tmp_path / "x.npy", np.expand_dims(PICTURE, where))
    assert np.array_equal(open_scene(tmp_path / "x.npy").read(slice(None), slice(None)), PICTURE)
    with h5py.File(tmp_path / "x.nc", "w") as file:
        data = file.create_dataset("r", data=PICTURE.transpose(2, 0, 1)[None])
        for axis, name in enumerate(("time", "wavelength", "y", "x")):
            data.dims[axis].label = name
    scene = open_scene(tmp_path / "x.nc")
    assert np.array_equal(scene.read(slice(4, 9), slice(None)), PICTURE[4:9])


def test_scales_of_hdf_as_a_list_and_as_text(tmp_path):
    stored = (fake.cube() * 100).astype("i2")
    gains = np.linspace(1e-4, 2e-4, 8)
    for name, value in (("list.h5", gains), ("text.h5", "0.0001")):
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset("cube", data=stored).attrs["scale_factor"] = value
            file["wavelength"] = NM
        scene = open_scene(tmp_path / name)
        wanted = stored * (gains if name == "list.h5" else 1e-4)
        assert np.allclose(scene.read(slice(None), slice(None)), wanted, rtol=1e-5)
        assert open_scene(tmp_path / name, rules=4).id != scene.id


def test_wavelengths_among_the_attributes_of_the_file(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["cube"] = fake.cube()
        file.attrs["wavelengths"], file.attrs["wavelength_units"] = NM, "nm"
    assert open_scene(tmp_path / "x.h5").bands.wavelength_nm == pytest.approx(NM)


def test_matlab_structs_in_a_row_are_listed_and_version_4_is_named(tmp_path):
    rows = np.empty((1, 2), dtype=[("data", object), ("name", object)])
    for k in range(2):
        rows[0, k] = (PICTURE * (k + 1), f"s{k}")
    savemat(tmp_path / "s.mat", {"S": rows})
    with pytest.raises(FileProblem, match=r"S\{1\}.data"):
        open_scene(tmp_path / "s.mat")
    assert open_scene(tmp_path / "s.mat", variable="S{2}.data").shape == PICTURE.shape
    savemat(tmp_path / "old.mat", {"X": PICTURE[0]}, format="4")
    with pytest.raises(FileProblem, match="MATLAB 4"):
        find_reader(tmp_path / "old.mat")


SCENE = Grid((20, 16), (10, 0, 500_000, 0, -10, 5_800_000), rasterio.crs.CRS.from_epsg(32633).to_wkt())
MAP = np.arange(320, dtype="f4").reshape(20, 16, 1)


def test_a_reference_without_a_map_system_is_laid_on_by_its_coordinates(tmp_path):
    """Of the scene's size and stored from south to north it was laid on upside down."""
    south_up = Grid((20, 16), (10, 0, 500_000, 0, 10, 5_799_800))
    laid, told = lay(tmp_path / "gt.tif", MAP[::-1], south_up, SCENE, "the map", True)
    assert np.array_equal(laid, MAP)
    assert "upside down" in " ".join(told)
    assert "names no map system" in " ".join(told)
    former = Grid(SCENE.shape, SCENE.transform, SCENE.crs, rules=4)
    assert np.array_equal(lay(tmp_path / "gt.tif", MAP[::-1], south_up, former, "the map", True)[0], MAP[::-1])
    elsewhere = Grid((20, 16), (1, 0, 0, 0, -1, 0))  # numbered pixels: of the size of the scene
    assert np.array_equal(lay(tmp_path / "gt.tif", MAP, elsewhere, SCENE, "the map", True)[0], MAP)


@pytest.mark.parametrize(
    ("values", "unlabelled"),
    [
        ([100, 150, 200, 255], 255),
        ([30, 60, 90, 127], 127),
        ([51, 102, 153, 204, 255], None),
        ([0, 100, 200, 255], None),
    ],
)
def test_the_largest_byte_where_nothing_else_means_not_labelled(tmp_path, values, unlabelled):
    found = classes.of_values(tmp_path / "gt.tif", np.array([values, values], float), {})
    named = set(found.names)
    assert named == {v for v in values if v and v != unlabelled}
    assert bool(found.notes) == (unlabelled is not None)


def test_a_class_map_as_a_picture(tmp_path):
    from PIL import Image

    scene = tiff(tmp_path / "s.tif", PICTURE)
    labels = np.zeros((60, 44), "u1")
    labels[5:9], labels[30:40] = 1, 2
    image = Image.fromarray(labels, "P")
    image.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    image.save(tmp_path / "gt.png")
    opened = open_scene(scene, reference=tmp_path / "gt.png")
    assert np.array_equal(opened.reference, labels)
    assert opened.reference_colors == {1: "#c80000", 2: "#00c800"}
    (tmp_path / "gt.jpg").write_bytes(b"\xff\xd8\xff\xe0" + b"\0" * 99)
    with pytest.raises((UnknownFormat, BadValues)):
        open_scene(scene, reference=tmp_path / "gt.jpg")


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_an_even_scene_is_no_other_layout(tmp_path, interleave):
    """As of water or a target in a laboratory: one spectrum, shading across, noise."""
    spectrum = 2000 + 1500 * np.sin(np.linspace(0, 5, 70))
    across = 1 + 0.1 * np.sin(np.arange(50) / 30)
    noise = 0.02 * np.random.default_rng(0).standard_normal((50, 50, 70))
    even = (spectrum * (across[None, :, None] + noise)).astype("i2")
    assert open_scene(fake.envi(tmp_path, even, interleave)).shape == even.shape
