"""Exports are opened again with the programs people use: rasterio (GDAL) and spectral."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.io.export import (
    export_all,
    export_confidence_geotiff,
    export_map_envi,
    export_map_geotiff,
    export_png,
    write_map,
    zip_files,
)
from hsi_studio.io.map_figure import _fonts
from hsi_studio.io.palette import palette
from hsi_studio.io.qgis_style import export_qgis_style
from hsi_studio.scene import read_class_map
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction, Scene
from tests.project.small import UTM, small_scene, utm_wkt

NASTY = [
    "Corn, \"sweet\" 'x'",
    "two\nlines",
    "Süßgräser 草地",
    "</script><b>&amp;",
    "=1+1",
    "{a=b}, c",
    "$x_1$ \\frac",
    "_hidden",
]


def prediction(names: list[str] = NASTY, scene: Scene | None = None) -> Prediction:
    scene = scene or small_scene()
    height, width, _ = scene.shape
    classes = (ClassInfo.new(n, c) for n, c in zip(names, palette(len(names)), strict=True))
    label = (np.arange(height * width).reshape(height, width) % (len(names) + 1)).astype(np.uint16)
    confidence = np.where(label > 0, 0.5 + label / 1000, np.nan).astype(np.float32)
    return Prediction(ClassSchema(tuple(classes)), label, confidence, "live", {"scale": 3}, 7)


def georeferenced(**options: Any) -> Scene:
    return small_scene(**({"transform": UTM, "crs": utm_wkt(), "gsd_m": 2.0} | options))


def test_geotiff_keeps_map_place_colours_and_names(tmp_path: Path) -> None:
    import rasterio

    scene, made = georeferenced(), prediction()
    path = export_map_geotiff(made, scene, tmp_path / "map.tif")
    with rasterio.open(path) as source:
        assert source.dtypes == ("uint8",)
        assert source.nodata == 0
        assert source.crs.to_epsg() == 32616
        assert tuple(source.transform)[:6] == UTM
        assert (source.read(1) == made.label).all()
        colors = source.colormap(1)
        assert [f"#{r:02x}{g:02x}{b:02x}" for r, g, b, _ in (colors[k] for k in range(1, 9))] == made.schema.colors
        assert json.loads(source.tags(1)["class_names"]) == {str(k): name for k, name in enumerate(NASTY, start=1)}
        assert json.loads(source.tags()["params"]) == {"scale": 3}
        assert source.interleaving is None or source.compression is not None
    assert read_class_map(path, (12, 16))[1] == dict(enumerate(NASTY, start=1))


def test_the_tags_say_what_made_the_map(tmp_path: Path) -> None:
    """Scene, method, parameters and labels: a file found a year later can be made again."""
    import rasterio

    made, scene = prediction(), georeferenced()
    expected = {
        "scene": "small", "scene_id": "0123456789abcdef", "method": "live", "params": '{"scale": 3}',
        "labels_revision": "7", "software": "HSI Studio",
    }  # fmt: skip
    for write in (export_map_geotiff, export_confidence_geotiff):
        with rasterio.open(write(made, scene, tmp_path / f"{write.__name__}.tif")) as source:
            assert {key: source.tags().get(key) for key in expected} == expected
    header = export_map_envi(made, scene, tmp_path / "map.hdr").read_text(encoding="utf-8")
    assert "A small scene, method live" in header.replace(";", ",")


def test_gdal_shows_the_category_names_and_the_table(tmp_path: Path) -> None:
    made = prediction()
    path = export_map_geotiff(made, georeferenced(), tmp_path / "map.tif")
    root = ElementTree.parse(path.with_name("map.tif.aux.xml")).getroot()
    assert [c.text for c in root.iter("Category")] == ["Unclassified", *NASTY]
    rows = [[cell.text for cell in row] for row in root.iter("Row")]
    assert rows[2][:2] == ["2", NASTY[1]]
    assert int(rows[2][5]) == np.count_nonzero(made.label == 2)


def test_without_a_map_system_the_tiff_is_plain_and_valid(tmp_path: Path) -> None:
    import warnings

    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    path = export_map_geotiff(prediction(), small_scene(), tmp_path / "map.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as source:
            assert source.crs is None
            assert source.read(1).shape == (12, 16)


def test_more_than_255_classes_take_16_bits(tmp_path: Path) -> None:
    import rasterio

    scene = georeferenced(height=20, width=20)
    made = prediction([f"c{k}" for k in range(300)], scene)
    with rasterio.open(export_map_geotiff(made, scene, tmp_path / "map.tif")) as source:
        assert source.dtypes == ("uint16",)
        assert (source.read(1) == made.label).all()
    assert read_class_map(export_map_envi(made, scene, tmp_path / "e.hdr"), (20, 20))[0].max() == 300


def test_confidence_is_float_with_nan(tmp_path: Path) -> None:
    import rasterio

    made = prediction()
    with rasterio.open(export_confidence_geotiff(made, georeferenced(), tmp_path / "c.tif")) as source:
        assert source.dtypes == ("float32",)
        assert np.isnan(source.nodata)
        assert source.profile["tiled"]
        assert source.profile["compress"] == "deflate"
        np.testing.assert_array_equal(source.read(1), made.confidence)


def test_envi_opens_in_spectral_and_gdal(tmp_path: Path) -> None:
    import rasterio
    import spectral

    made = prediction(["Corn, sweet", "Wood", "Wa{t}er"])
    header = export_map_envi(made, georeferenced(), tmp_path / "map.img")
    assert header == tmp_path / "map.hdr"
    image = spectral.open_image(str(header))
    assert (np.asarray(image.load())[:, :, 0] == made.label).all()
    assert image.metadata["class names"] == ["Unclassified", "Corn; sweet", "Wood", "Wa(t)er"]
    assert image.metadata["classes"] == "4"
    lookup = np.array(image.metadata["class lookup"], int).reshape(-1, 3)
    assert ["#{:02x}{:02x}{:02x}".format(*rgb) for rgb in lookup[1:]] == made.schema.colors
    with rasterio.open(tmp_path / "map.img") as source:
        assert source.crs.to_epsg() == 32616
        assert tuple(source.transform)[:6] == pytest.approx(UTM)
        assert (source.read(1) == made.label).all()


def test_envi_holds_exact_names_too(tmp_path: Path) -> None:
    from urllib.parse import unquote

    header = export_map_envi(prediction(), small_scene(), tmp_path / "map.hdr")
    lines = dict(line.split(" = ", 1) for line in header.read_text(encoding="utf-8").splitlines()[1:])
    exact = [unquote(name.strip()) for name in lines["class names exact"].strip("{}").split(",")]
    assert exact == ["Unclassified", *NASTY]
    assert lines["class names"].count(",") == len(NASTY)
    assert "map info" not in lines


@pytest.mark.parametrize("degrees", [0.0, 20.0])
def test_envi_rotation_agrees_with_gdal(tmp_path: Path, degrees: float) -> None:
    import rasterio

    affine = rasterio.Affine(*UTM) @ rasterio.Affine.rotation(degrees)
    scene = georeferenced(transform=tuple(affine)[:6])
    export_map_envi(prediction(), scene, tmp_path / "map.hdr")
    with rasterio.open(tmp_path / "map.img") as source:
        assert tuple(source.transform)[:6] == pytest.approx(tuple(affine)[:6], abs=1e-6)


def test_a_sheared_transform_is_left_out_and_other_map_systems_survive(tmp_path: Path) -> None:
    import rasterio
    from rasterio.crs import CRS

    header = export_map_envi(prediction(), georeferenced(transform=(2.0, 1.0, 0.0, 0.0, -2.0, 0.0)), tmp_path / "s.hdr")
    assert "map info" not in header.read_text()
    for epsg in (4326, 25833, 3035):
        scene = georeferenced(transform=(0.5, 0.0, 10.0, 0.0, -0.5, 50.0), crs=CRS.from_epsg(epsg).to_wkt())
        export_map_envi(prediction(), scene, tmp_path / "m.hdr")
        with rasterio.open(tmp_path / "m.img") as source:
            assert source.crs.to_epsg(confidence_threshold=20) == epsg
            assert tuple(source.transform)[:6] == pytest.approx(scene.transform)


def _pixels(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    return (np.asarray(imread(path))[:, :, :3] * 255).round().astype(np.uint8)


def test_the_picture_has_the_map_and_a_legend_of_what_occurs(tmp_path: Path) -> None:
    made = prediction(["Corn", "Wood", "Never"])
    made = replace(made, label=np.where(made.label == 3, 1, made.label).astype(np.uint16))
    picture = _pixels(export_png(made, georeferenced(), tmp_path / "p.png"))
    split = int(picture.shape[1] * 0.55)  # the map is left of the legend
    for color, shown in zip(made.schema.colors, (True, True, False), strict=True):
        rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        found = (picture == rgb).all(axis=2)
        assert found.any() == shown
        assert found[:, split:].any() == shown
    assert not (picture == 0).all(axis=2).all()


@pytest.mark.slow
def test_the_picture_takes_any_name_and_any_size(tmp_path: Path) -> None:
    export_png(prediction(), georeferenced(title="$\\frac{ title\n" * 20), tmp_path / "a.png")
    long = [f"{k} " + "x" * 78 for k in range(60)]
    for size in ((4, 300), (300, 4)):
        scene = small_scene(*size)
        assert _pixels(export_png(prediction(long, scene), scene, tmp_path / "b.png")).shape[1] < 5000


def test_signs_that_no_font_has_are_said_in_the_figure() -> None:
    families, lacking = _fonts("Wälder, meadows, Ώ")
    assert (families[0], lacking) == ("DejaVu Sans", False)
    assert _fonts("a name with \U000e0001")[1]  # a sign of no font


def test_the_qgis_style_lists_every_class(tmp_path: Path) -> None:
    root = ElementTree.parse(export_qgis_style(prediction(), tmp_path / "m.qml")).getroot()
    entries = [(e.get("value"), e.get("label"), e.get("color")) for e in root.iter("paletteEntry")]
    assert [label for _, label, _ in entries] == NASTY
    assert [value for value, *_ in entries] == [str(k) for k in range(1, 9)]


def test_everything_at_once_under_a_safe_name(tmp_path: Path) -> None:
    scene, made = georeferenced(name="../Bäume: 1"), prediction()
    labels = LabelSet(made.schema, np.array([1]), np.array([2]), np.array([0]), 3)
    files = export_all(made, labels, scene, tmp_path / "out")
    assert sorted(files) == sorted((tmp_path / "out").iterdir())
    assert all(file.name.startswith("Baume-1_") for file in files)
    archive = zip_files(files, tmp_path / "all.zip")
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [file.name for file in files]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = export_map_geotiff(prediction(), small_scene(), tmp_path / "m.tif")
    before = path.read_bytes()
    broken = replace(prediction(), label=np.zeros((3, 3, 3), np.uint16))
    with pytest.raises(ValueError, match=r".*"):
        export_map_geotiff(broken, small_scene(), path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.tif", "m.tif.aux.xml"]


def test_write_map_goes_by_the_ending(tmp_path: Path) -> None:
    made, scene = prediction(), small_scene()
    assert [write_map(made, scene, tmp_path / f"m{end}").suffix for end in (".TIF", ".img", ".png")] == [
        ".TIF",
        ".hdr",
        ".png",
    ]
    with pytest.raises(BadRequest, match=r"\.tif, \.hdr .* or \.png"):
        write_map(made, scene, tmp_path / "m.jpg")
