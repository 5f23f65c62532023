"""Files that mean harm are refused by their readers, in a sentence, before anything is read, made or followed."""

from __future__ import annotations

import re
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from hsi_studio.errors import CorruptFile, FileProblem, StudioError
from hsi_studio.scene.formats import gdal_safety, limits, matlab5
from hsi_studio.scene.formats.envi_header import split_list
from hsi_studio.scene.formats.matlab5_check import check_element
from hsi_studio.scene.open import open_scene
from tests.scene import fake, hostile
from tests.scene.formats.test_geotiff import geotiff


@pytest.mark.parametrize("name", sorted(hostile.FOLLOWING))
def test_a_file_that_shows_another_is_refused_and_the_other_named(tmp_path: Path, name: str) -> None:
    secret = hostile.secret_file(tmp_path)
    hostile.FOLLOWING[name](tmp_path / name, secret)
    with pytest.raises(FileProblem, match=r"a file may only show what is in it") as caught:
        open_scene(tmp_path / name)
    assert "cube" in str(caught.value)
    assert caught.value.problem.count("(") == 1  # the file that it names


def test_links_inside_the_file_do_no_harm(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"] = fake.cube()
        file["again"], file["loop"], file["dangling"] = (h5py.SoftLink(at) for at in ("/cube", "/", "/nothing"))
        file["same"] = file["cube"]
    assert open_scene(tmp_path / "a.h5").shape == hostile.SHAPE


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", sorted(hostile.HEAVY))
def test_what_would_end_freeze_or_fill_the_server_is_a_sentence(tmp_path: Path, name: str) -> None:
    hostile.HEAVY[name](tmp_path / name)
    tracemalloc.start()
    try:
        with pytest.raises(StudioError, match=re.escape(name)):
            open_scene(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.timeout(60)
def test_a_long_header_takes_as_long_as_it_is(tmp_path: Path) -> None:
    assert open_scene(hostile.long_header(tmp_path)).shape == hostile.SHAPE


@settings(deadline=None)
@given(st.text(alphabet="ab,() ", max_size=40))
def test_lists_are_split_where_the_lookahead_would(text: str) -> None:
    wanted = [part.strip() for part in re.split(r",(?![^()]*\))", text)]
    assert split_list(text) == (wanted[:-1] if wanted[-1] == "" else wanted)  # a comma at the end begins no part


@pytest.mark.parametrize("kind", range(0, 40))
def test_no_element_type_reaches_scipy_that_its_tables_do_not_have(tmp_path: Path, kind: int) -> None:
    file = tmp_path / "a.mat"
    savemat(file, {"c": np.array([np.arange(40.0), "text"], dtype=object)})
    data = bytearray(file.read_bytes())
    at = data.index(struct.pack("<II", 9, 320))
    data[at : at + 4] = struct.pack("<I", kind)
    file.write_bytes(bytes(data))
    (element,) = matlab5.elements(file)
    known = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13}  # table 1-1, without matrices and text
    if kind in known:
        check_element(file, element.position, "<")
    else:
        with pytest.raises(CorruptFile, match=f"an element of type {kind}"):
            check_element(file, element.position, "<")


def test_elements_may_not_be_longer_than_what_they_are_in(tmp_path: Path) -> None:
    inner = hostile.matrix(6, (1, 1), struct.pack("<IId", 9, 8, 1.0))
    for claimed, fits in ((len(inner) - 8, True), (len(inner), False), (1 << 31, False)):
        hostile.mat(tmp_path / "a.mat", hostile.matrix(1, (1, 1), struct.pack("<II", 14, claimed) + inner[8:]))
        if fits:
            check_element(tmp_path / "a.mat", 128, "<")
        else:
            with pytest.raises(CorruptFile):
                check_element(tmp_path / "a.mat", 128, "<")


def test_a_vrt_under_the_name_of_a_tiff_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text(hostile.vrt(hostile.secret_file(tmp_path)), encoding="utf-8")
    with pytest.raises(CorruptFile, match="looks like a text file"):
        open_scene(tmp_path / "a.tif")


@pytest.mark.parametrize("side", ["a.tif.ovr", "a.tif.msk"])
def test_what_lies_beside_an_image_must_be_an_image(tmp_path: Path, side: str) -> None:
    geotiff(tmp_path / "a.tif", fake.cube()).close()
    assert open_scene(tmp_path / "a.tif").shape == hostile.SHAPE
    (tmp_path / side).write_text(hostile.vrt(hostile.secret_file(tmp_path)), encoding="utf-8")
    with pytest.raises(CorruptFile, match=f"{side}: it lies beside a.tif and is no TIFF"):
        open_scene(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "inside",
    [
        '<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">../x.tif</MDI></Metadata>',
        "<Metadata><MDI key='a'>/vsicurl/http://127.0.0.1/x</MDI></Metadata>",
        '<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW&#95;FILE">../x.tif</MDI></Metadata>',
        "<Metadata><MDI key='a'>&#x2F;vsicurl/http://127.0.0.1/x</MDI></Metadata>",
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_metadata_beside_an_image_names_no_other_file(tmp_path: Path, inside: str) -> None:
    geotiff(tmp_path / "a.tif", fake.cube()).close()
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset>{inside}</PAMDataset>", encoding=encoding)
        with pytest.raises(FileProblem, match=r"a\.tif\.aux\.xml: it (names|declares)"):
            open_scene(tmp_path / "a.tif")


def test_a_sidecar_that_is_a_link_to_another_folder_is_refused(tmp_path: Path) -> None:
    geotiff(tmp_path / "a.tif", fake.cube()).close()
    (tmp_path / "a.tif.msk").symlink_to(hostile.secret_file(tmp_path))
    with pytest.raises(FileProblem, match=r"a\.tif\.msk: .* a link to another folder"):
        open_scene(tmp_path / "a.tif")


def test_names_of_virtual_file_systems_are_no_files() -> None:
    for name in ("/vsicurl/http://127.0.0.1/a.tif", "/vsizip/a.zip/a.tif", "/VSISTDIN/"):
        with pytest.raises(FileProblem, match="virtual file systems"):
            gdal_safety.plain_name(Path(name))
        with pytest.raises(FileProblem, match="no such file"):
            open_scene(name)
    assert gdal_safety.plain_name(Path("GTIFF_DIR:1:a.tif")).is_absolute()  # so that GDAL takes it for a name


def test_a_process_that_is_told_so_has_no_driver_that_fetches() -> None:
    environment: dict[str, str] = {}
    gdal_safety.quieten(environment)
    skipped = environment["GDAL_SKIP"].split(",")
    assert {"VRT", "HTTP", "WMS", "WCS", "STACIT", "DERIVED", "GTI"} <= set(skipped)
    assert "GTiff" not in skipped


def test_sizes_are_bounded_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="500000 × 500000 pixels"):
        limits.check_size(tmp_path / "a.tif", (500_000, 500_000, 1))
    with pytest.raises(FileProblem, match="20000 bands"):
        limits.check_size(tmp_path / "a.tif", (10, 10, 20_000))
    limits.check_size(tmp_path / "a.tif", (100, 100, 400))
