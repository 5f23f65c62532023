"""What lies beside a stranger's cube, in its file or its folder, and which of several files is which."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from scipy.io import savemat

from hsi_studio.errors import BadValues, FileProblem, UnknownFormat
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.plan import AskAboutFile, Reading
from hsi_studio.scene.rules.classes import of_values
from hsi_studio.scene.rules.header_text import numbers, split_list
from tests.scene import fake
from tests.scene.strangers import DN, EVERYTHING, NM, said, tiff

# ── what lies beside ────────────────────────────────────────────────────────────────────────────────


def test_class_maps_beside_the_cube_are_named(tmp_path):
    ones = np.ones((12, 10), "u1")
    savemat(tmp_path / "x.mat", {"cube": DN, "mask": ones, "TRLabels": ones, "gt": ones, "weights": ones * 0.5})
    scene = open_scene(tmp_path / "x.mat")
    note = "Not used: “TRLabels” of the same size in the file (in a shell: --reference x.mat:TRLabels)."
    assert note in scene.notes
    numbered = np.arange(120.0).reshape(12, 10) % 4  # MATLAB keeps classes as doubles
    savemat(tmp_path / "y.mat", {"cube": DN, "gtImg_sub": numbered, "depth": DN[..., 0] / 7.0})
    told = "Not used: “gtImg_sub” of the same size in the file (in a shell: --reference y.mat:gtImg_sub)."
    assert told in open_scene(tmp_path / "y.mat").notes
    other = open_scene(tmp_path / "x.mat", reference="x.mat:TRLabels").notes  # of the file's own "gt" nothing is told
    assert not [note for note in other if "Not used" in note or "“gt”" in note]


@pytest.mark.parametrize(
    ("maps", "note"),
    [
        ({"gt": np.ones(120)}, "“gt” is one row of 120 numbers, which may fill 12 × 10 pixels along rows or columns"),
        ({"gt": np.ones((6, 5))}, "“gt” has 6 × 5 numbers and the scene 12 × 10 pixels: it is not used."),
        ({"gt": np.ones((12, 10)), "labels": np.ones((12, 10))}, "“gt”, “labels” could all be the reference"),
    ],
)
def test_a_reference_that_is_not_used_is_told(tmp_path, maps, note):
    savemat(tmp_path / "x.mat", {"cube": DN, **maps})
    scene = open_scene(tmp_path / "x.mat")
    assert scene.reference is None
    assert note in said(scene)


def test_a_mask_of_several_layers_is_refused(tmp_path):
    scene_file = tiff(tmp_path / "s.tif", DN)
    np.save(tmp_path / "mask.npy", np.ones((12, 10, 3), "u1"))
    with pytest.raises(BadValues, match="a mask has one layer, this has 3"):
        open_scene(scene_file, mask=str(tmp_path / "mask.npy"))
    assert open_scene(scene_file, mask=str(tmp_path / "mask.npy"), rules=6).valid.all()


def test_packed_data_scales_of_zero_and_camera_models(tmp_path):
    data = fake.envi(tmp_path, DN)
    data.with_name("scene.img.gz").write_bytes(gzip.compress(data.read_bytes()))
    data.unlink()
    with pytest.raises(FileProblem, match=r"is packed \(scene.img.gz\)"):
        open_scene(tmp_path / "scene.hdr")
    with rasterio.open(tiff(tmp_path / "x.tif", DN), "r+") as target:
        target.scales = [0.0] * 6
    assert np.array_equal(open_scene(tmp_path / "x.tif").read(*EVERYTHING), DN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("band;wavelength;fwhm\n1;450,0;10,5\n2;460,5;10,5\n", (450, 460.5)),
        ("450,0\n460,5\n", (450, 460.5)),
        ("1 450.0 10\n2 460.5 10\n", (450, 460.5)),
        ("fwhm,centre\n10,450\n11,460.5\n", (450, 460.5)),
        ("# nm\n450.0,10\n460.5,10\n", (450, 460.5)),
        ("name,nm\nB1,450\nB2,460.5\n", (450, 460.5)),
        ("450,0;460,5;471,0", (450, 460.5, 471)),
        ("b1,b2,b3\n450,460.5,471\n", (450, 460.5, 471)),
    ],
)
def test_tables_of_wavelengths(tmp_path, text, expected):
    (tmp_path / "w.txt").write_text(text)
    assert Reading.of({"wavelengths": str(tmp_path / "w.txt")}).wavelengths == expected


@pytest.mark.parametrize(
    ("head", "each"),
    [
        ("wavenumber (cm-1)", lambda nm: 1e7 / nm), ("Wellenzahl cm⁻¹", lambda nm: 1e7 / nm),
        ("1/cm", lambda nm: 1e7 / nm), ("wavelength_um", lambda nm: nm / 1e3), ("λ [µm]", lambda nm: nm / 1e3),
        ("frequency THz", lambda nm: 299_792.458 / nm), ("Wellenlänge [nm]", lambda nm: nm), ("maximum", lambda nm: nm),
    ],
)  # fmt: skip
def test_the_unit_in_the_head_of_a_table_of_wavelengths_counts(tmp_path, head, each):
    """1/cm of 450 to 700 nm were 22,222 to 14,286 nm."""
    nm = np.linspace(450, 700, 8)
    path = fake.envi(tmp_path, fake.cube())
    (tmp_path / "w.csv").write_text(f"{head};fwhm\n" + "".join(f"{v:.9g};1\n" for v in each(nm)), encoding="utf-8")
    scene = open_scene(path, wavelengths=str(tmp_path / "w.csv"))
    assert np.allclose(scene.bands.wavelength_nm, nm)
    assert ("You give wavelengths without a unit" in said(scene)) == (head == "maximum")


def test_wavelengths_that_are_given_without_a_unit_and_may_be_several_are_asked_about(tmp_path):
    path = fake.envi(tmp_path, fake.cube())
    listed = ",".join(str(4500 + 300 * k) for k in range(8))
    with pytest.raises(AskAboutFile, match="--unit nm or --unit angstrom or --unit wavenumber"):
        open_scene(path, wavelengths=listed)
    assert open_scene(path, wavelengths=listed, unit="angstrom").bands.wavelength_nm[0] == pytest.approx(450)
    assert open_scene(path, wavelengths=listed, rules=8).bands.wavelength_nm[0] == 4500


def test_words_and_quotes_of_headers(tmp_path):
    header = {"data type": "int16", "byte order": "Intel", "interleave": "Band Sequential", "lines": "12,"}
    assert np.array_equal(open_scene(fake.envi(tmp_path, DN, header=header)).read(*EVERYTHING), DN)
    assert split_list('Unclassified, "Wood, dense", Water') == ["Unclassified", "Wood, dense", "Water"]
    assert numbers("4.5D+02, 4.6D+02", 2) == pytest.approx([450, 460])


def test_tags_and_pages_of_a_tiff(tmp_path):
    with rasterio.open(tiff(tmp_path / "x.tif", DN), "r+") as target:
        for band, nm in enumerate(NM, start=1):
            target.update_tags(band, **{"center_wavelength_um": f"{nm / 1000:.4f}", "wavelength_min": "1"})
    assert open_scene(tmp_path / "x.tif").bands.wavelength_nm == pytest.approx(NM, abs=0.1)
    for _ in range(2):
        page(tmp_path / "rgb.tif", DN[:, :, :3])
    assert "The file has 2 pages, and only the first is read." in open_scene(tmp_path / "rgb.tif").notes
    page(tmp_path / "thumb.tif", DN[::4, ::4, :1])
    page(tmp_path / "thumb.tif", DN)
    with pytest.raises(UnknownFormat, match="its first page holds one band"):
        open_scene(tmp_path / "thumb.tif")


def page(path: Path, values: np.ndarray[Any, Any]) -> None:
    """One more page of a TIFF."""
    profile = {"height": values.shape[0], "width": values.shape[1], "count": values.shape[2], "dtype": "int16"}
    more = {"APPEND_SUBDATASET": "YES"} if path.exists() else {}
    with rasterio.open(path, "w", driver="GTiff", **profile, **more) as target:
        target.write(np.moveaxis(values, 2, 0))


def test_classes_that_float32_has_rounded():
    values = np.array([[1.0, 2.0], [3.0, 1.0]]) * 1.0000001
    assert of_values(Path("r"), values, {}).labels.tolist() == [[1, 2], [3, 1]]
