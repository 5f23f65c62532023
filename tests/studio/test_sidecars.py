"""Files beside an image that come, go or are corrected while the program runs: the next Open reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from hsi_studio import Studio
from hsi_studio.errors import CorruptFile
from hsi_studio.scene.open import open_scene
from hsi_studio.types import Scene
from tests.scene import fake
from tests.scene.strangers import tiff

WORLD = "{0}\n0\n0\n-{0}\n500005\n5799995\n"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home", data_root=tmp_path)
    yield made
    made.close()


def plain(path: Path, **more: object) -> Path:
    """A TIFF without a place."""
    values = fake.cube(6, 5, 8, "i2")
    with rasterio.open(path, "w", driver="GTiff", height=6, width=5, count=8, dtype="int16", **more) as target:
        target.write(np.moveaxis(values, 2, 0))
    return path


def metadata(path: Path, inside: str) -> None:
    text = f'<PAMDataset><PAMRasterBand band="1">{inside}</PAMRasterBand></PAMDataset>'
    path.with_name(f"{path.name}.aux.xml").write_text(text)


def first_band(scene: Scene) -> np.ndarray:
    return scene.cube.read(slice(0, 6), slice(0, 5), [0])[:, :, 0]


def test_a_world_file_that_comes_or_is_corrected_gives_the_open_scene_its_place(studio: Studio, tmp_path: Path) -> None:
    path = plain(tmp_path / "a.tif")
    project = studio.new_project(str(path))
    label = studio.project(project.id).add_class("Roof", "#aa0000").id
    studio.label(project.id, row=2, col=3, class_id=label)
    assert studio.scene_of(project.id).transform is None
    for side in (10, 20):
        (tmp_path / "a.tfw").write_text(WORLD.format(side))
        scene = studio.open(str(path))
        assert scene.transform is not None
        assert scene.transform[0] == side
        assert studio.scene_of(project.id).transform == scene.transform  # and its project, with its labels
        assert len(studio.project(project.id).labels()) == 1
        assert studio.open(str(path)) is scene


def test_scales_beside_an_image_make_it_another_scene_and_statistics_do_not(studio: Studio, tmp_path: Path) -> None:
    path = plain(tmp_path / "a.tif", nodata=-9999)
    first = studio.open(str(path))
    metadata(path, '<Metadata><MDI key="STATISTICS_MEAN">50</MDI></Metadata>')  # as a GIS writes on looking at it
    assert studio.open(str(path)) is first
    metadata(path, "<Scale>0.5</Scale>")
    second = studio.open(str(path))
    assert second.id != first.id
    assert np.allclose(first_band(second), first_band(first) / 2)
    former = open_scene(path, rules=8)
    assert former.id == first.id


def test_another_mask_beside_an_image_makes_it_another_scene(studio: Studio, tmp_path: Path) -> None:
    path, ids = plain(tmp_path / "a.tif"), set()
    for rows in (2, 4):
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as target:
            target.write_mask(np.arange(6)[:, None].repeat(5, 1) >= rows)
        assert path.with_name("a.tif.msk").is_file()
        scene = studio.open(str(path))
        assert np.isnan(first_band(scene)).sum() == 5 * rows
        ids.add(scene.id)
    assert len(ids) == 2


def test_wavelengths_corrected_in_the_header_beside_a_tiff_count(studio: Studio, tmp_path: Path) -> None:
    path, found = plain(tmp_path / "a.tif"), set()
    for first in (400, 500):
        listed = ", ".join(str(first + 10 * k) for k in range(8))
        (tmp_path / "a.hdr").write_text(
            "ENVI\nsamples = 5\nlines = 6\nbands = 8\ndata type = 2\nwavelength units = nm\n"
            f"wavelength = {{{listed}}}\n"
        )
        scene = studio.open(str(path))
        assert scene.bands.wavelength_nm is not None
        assert scene.bands.wavelength_nm[0] == first
        found.add(scene.id)
    assert len(found) == 2


def test_heights_whose_world_file_was_corrected_make_another_scene(studio: Studio, tmp_path: Path) -> None:
    """“Cut to the scene (12 × 10 → 6 × 5)” is said of both places: the id went by the words."""
    path = tiff(tmp_path / "a.tif", fake.cube(6, 5, 8))
    heights = np.arange(120, dtype=np.float32).reshape(12, 10)
    with rasterio.open(
        tmp_path / "dsm.tif", "w", driver="GTiff", height=12, width=10, count=1, dtype="float32"
    ) as file:
        file.write(heights, 1)
    found = {}
    for shift in (1, 2):
        x, y = 500005 - 10 * shift, 5799995 + 10 * shift
        (tmp_path / "dsm.tfw").write_text(f"10\n0\n0\n-10\n{x}\n{y}\n")
        scene = studio.open(str(path), dsm=str(tmp_path / "dsm.tif"))
        assert scene.dsm is not None
        assert np.array_equal(scene.dsm[:, :, 0], heights[shift : shift + 6, shift : shift + 5])
        found[scene.id] = shift
    assert len(found) == 2
    former = [open_scene(path, dsm=str(tmp_path / "dsm.tif"), rules=rules).id for rules in (8, 9)]
    assert former[0] not in found
    assert former[1] in found


def test_an_imagine_file_without_its_numbers_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from rasterio.shutil import copy

    copy(plain(tmp_path / "a.tif"), tmp_path / "b.img", driver="HFA", USE_SPILL="YES")
    scene = open_scene(tmp_path / "b.img")
    assert [Path(one.path).name for one in scene.sources] == ["b.img", "b.ige"]
    (tmp_path / "b.ige").unlink()
    studio = Studio(home=tmp_path / "home", data_root=tmp_path)
    with pytest.raises(CorruptFile, match=r"b\.img: its numbers are in b\.ige, which is not beside it"):
        studio.open(str(tmp_path / "b.img"))
    studio.close()
    assert "Traceback" not in caplog.text
