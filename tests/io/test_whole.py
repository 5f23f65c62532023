"""A disk that is full in the middle of an export: the old files stay, together, and there is no half of a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.edges import as_typed
from hsi_studio.errors import FileProblem, StudioError
from hsi_studio.io.export import (
    export_confidence_geotiff,
    export_labels_geopackage,
    export_map_envi,
    export_map_geotiff,
)
from hsi_studio.io.map_polygons import export_map_polygons
from hsi_studio.io.points_gpkg import write_points
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction
from tests.project.small import UTM, small_scene, utm_wkt

SCENE = small_scene(60, 50, transform=UTM, crs=utm_wkt())
ROW, COL = np.divmod(np.arange(3000), 50)


def a_map(*names: str, seed: int = 0) -> Prediction:
    schema = ClassSchema(tuple(ClassInfo(name, name, f"#{k:06x}") for k, name in enumerate(names, start=1)))
    label = np.random.default_rng(seed).integers(0, len(names) + 1, (60, 50)).astype(np.uint16)
    return Prediction(schema, label, np.full(label.shape, 0.5, np.float32), "live", {}, 7)


def labels() -> LabelSet:
    return LabelSet(a_map("a", "b").schema, ROW, COL, ROW % 2)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file grows beyond `size` bytes: for a program that is what a full disk is."""
    resource = pytest.importorskip("resource", reason="not on Windows")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


WRITERS: dict[str, Callable[[Path], object]] = {
    "m.tif": lambda path: export_map_geotiff(a_map("c", "d", seed=1), SCENE, path),
    "m.hdr": lambda path: export_map_envi(a_map("c", "d", seed=1), SCENE, path),
    "polygons.gpkg": lambda path: export_map_polygons(a_map("c", "d", seed=1), SCENE, path),
    "labels.gpkg": lambda path: export_labels_geopackage(labels(), SCENE, path),
    "sample.gpkg": lambda path: write_points(path, SCENE, ROW, COL, ["a"] * 3000),
}


@pytest.mark.parametrize("size", [64, 900, 100_000])
@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path, name: str, size: int) -> None:
    write = WRITERS[name]
    export_map_geotiff(a_map("a", "b"), SCENE, tmp_path / "m.tif")
    export_map_envi(a_map("a", "b"), SCENE, tmp_path / "m.hdr")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write(tmp_path / "elsewhere" / name)  # what is imported on first use is there now
    largest = max(path.stat().st_size for path in (tmp_path / "elsewhere").iterdir())
    if size > largest:
        pytest.skip("it fits")
    with pytest.raises(Exception, match=r"written whole|File too large") as caught, room_for(size):
        write(tmp_path / name)
    said = str(as_typed(caught.value))
    assert said.startswith(name)
    assert "geography" not in said
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_pixels_and_header_of_envi_change_together(tmp_path: Path) -> None:
    """A header that cannot be put in place: new pixels under the old header are classes by wrong names."""
    export_map_envi(a_map("a", "b"), SCENE, tmp_path / "m.hdr")
    pixels = (tmp_path / "m.img").read_bytes()
    (tmp_path / "m.hdr").unlink()
    (tmp_path / "m.hdr").mkdir()
    with pytest.raises(OSError, match=r"m\.hdr"):
        export_map_envi(a_map("c", "d", seed=1), SCENE, tmp_path / "m.hdr")
    assert (tmp_path / "m.img").read_bytes() == pixels


def test_what_lay_beside_another_raster_of_that_name_goes_with_it(tmp_path: Path) -> None:
    """GDAL gives the names in FILE.aux.xml to whatever FILE holds now."""
    path = export_map_geotiff(a_map("a", "b"), SCENE, tmp_path / "m.tif")
    assert (tmp_path / "m.tif.aux.xml").is_file()
    export_confidence_geotiff(a_map("a", "b"), SCENE, path)
    assert [one.name for one in tmp_path.iterdir()] == ["m.tif"]


def test_a_map_system_that_gdal_does_not_know_is_no_full_disk(tmp_path: Path) -> None:
    with pytest.raises((StudioError, ValueError, RuntimeError)) as caught:
        write_points(tmp_path / "s.gpkg", small_scene(transform=UTM, crs="nonsense"), ROW[:3], COL[:3], ["a"] * 3)
    assert not isinstance(caught.value, FileProblem)
