"""Rasters of classes are laid on the scene by their place, whatever their size, direction, pixel and system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from hsi_studio.errors import ChooseLabels, FileProblem, SizeMismatch, UnknownFormat
from tests.io.label_files.places import labels, read, scene
from tests.project.small import UTM, small_scene, utm_wkt

A, B, C, D, E, F = UTM


def classes() -> np.ndarray[Any, Any]:
    values = np.zeros((12, 16), dtype=np.uint8)
    values[2:5, 3:6], values[8, 9:12] = 1, 7
    return values


WANTED = sorted(
    [(r, c, "Class 1") for r in range(2, 5) for c in range(3, 6)] + [(8, c, "Class 7") for c in range(9, 12)]
)


def raster(path: Path, values: np.ndarray[Any, Any], transform: Any = UTM, crs: Any = "EPSG:32616") -> Path:
    height, width = values.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": values.dtype.name}
    if transform is not None:
        profile |= {"transform": rasterio.Affine(*transform), "crs": crs}
    with rasterio.open(path, "w", **profile) as target:
        target.write(values, 1)
    return path


def test_the_same_grid(tmp_path: Path) -> None:
    path = raster(tmp_path / "c.tif", classes())
    assert labels(path) == WANTED
    assert read(path).reports[0].place == "on the scene's own grid"
    assert read(path).sentences() == []


@pytest.mark.parametrize(
    ("change", "transform"),
    [
        (lambda v: v[::-1], (A, B, C, D, -E, F + 12 * E)),  # south up
        (lambda v: np.pad(v, 5), (A, B, C - 5 * A, D, E, F - 5 * E)),  # larger
        (lambda v: v[1:10, 2:13], (A, B, C + 2 * A, D, E, F + E)),  # a part
        (lambda v: v.repeat(4, 0).repeat(4, 1), (A / 4, B, C, D, E / 4, F)),  # finer
    ],
    ids=["south up", "larger", "smaller", "finer"],
)
def test_other_grids(tmp_path: Path, change: Any, transform: Any) -> None:
    assert labels(raster(tmp_path / "c.tif", change(classes()), transform)) == WANTED


def test_another_system(tmp_path: Path) -> None:
    """GDAL turns the raster into UTM 17, finer than the scene; it comes back where it was."""
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    source = classes()
    left, bottom, right, top = C, F + 12 * E, C + 16 * A, F
    transform, width, height = calculate_default_transform(
        "EPSG:32616", "EPSG:32617", 16, 12, left, bottom, right, top, resolution=0.2
    )
    turned = np.zeros((height, width), dtype=np.uint8)
    reproject(source, turned, src_transform=rasterio.Affine(*UTM), src_crs="EPSG:32616", dst_transform=transform,
              dst_crs="EPSG:32617", resampling=Resampling.nearest)  # fmt: skip
    assert labels(raster(tmp_path / "c.tif", turned, tuple(transform)[:6], "EPSG:32617")) == WANTED


def test_size_counts_only_where_a_place_is_missing(tmp_path: Path) -> None:
    bare = raster(tmp_path / "c.tif", classes(), None)
    assert labels(bare) == labels(bare, small_scene()) == WANTED
    np.save(tmp_path / "c.npy", classes())
    assert labels(tmp_path / "c.npy") == WANTED
    with pytest.raises(
        SizeMismatch, match=r"12 × 15 pixels \(rows × columns\), the scene 12 × 16, and it has no place"
    ):
        read(raster(tmp_path / "d.tif", classes()[:, :15], None))


def test_elsewhere_and_half_elsewhere(tmp_path: Path) -> None:
    away = read(raster(tmp_path / "c.tif", classes(), (A, B, C + 1e5, D, E, F)))
    assert away.labels == []
    assert "None of its classes lies on the scene." in away.sentences()
    half = read(raster(tmp_path / "h.tif", classes(), (A, B, C, D, E, F - 6 * E)))
    assert {label[2] for label in half.labels} == {"Class 7"}
    assert "1 class lies outside the scene." in half.sentences()


def test_a_limit_for_each_class(tmp_path: Path) -> None:
    found = read(raster(tmp_path / "c.tif", classes()), per_area=2)
    assert found.reports[0].classes == {"Class 1": 2, "Class 7": 2}
    on = small_scene(300, 300, 2, transform=UTM, crs=utm_wkt())
    full = raster(tmp_path / "f.tif", np.ones((300, 300), np.uint8))
    with pytest.raises(ChooseLabels, match="90000 pixels"):
        read(full, on)


def test_what_is_no_raster_of_classes(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="whole numbers"):
        read(raster(tmp_path / "c.tif", np.full((12, 16), 0.5, np.float32)))
    assert labels(
        raster(tmp_path / "d.tif", classes()),
        scene(reference=classes().astype(np.int32), reference_names={1: "A", 7: "B"}),
    )


def test_classes_keep_the_colours_of_the_raster(tmp_path: Path) -> None:
    path = raster(tmp_path / "c.tif", classes())
    with rasterio.open(path, "r+") as target:
        target.write_colormap(1, {1: (1, 2, 3, 255), 7: (255, 0, 16, 255)})
    assert {(name, color) for _, _, name, color in read(path).labels} == {
        ("Class 1", "#010203"), ("Class 7", "#ff0010"),
    }  # fmt: skip


def test_a_grid_of_text_and_a_workbook(tmp_path: Path) -> None:
    """ESRI's ASCII grid is a raster of classes, whatever else ends in .asc; a workbook is told what to do."""
    path = tmp_path / "c.asc"
    rows = "\n".join(" ".join(map(str, row)) for row in classes())
    path.write_text(f"ncols 16\nnrows 12\nxllcorner {C}\nyllcorner {F + 12 * E}\ncellsize {A}\n{rows}\n")
    assert labels(path) == WANTED
    book = tmp_path / "c.xlsx"
    book.write_bytes(b"PK\3\4" + b"\0" * 100)
    with pytest.raises(UnknownFormat, match="Save its sheet as CSV"):
        labels(book)
