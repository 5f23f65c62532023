"""Libraries of spectra: what the file says, in nm and fractions; a band that is not reached stays empty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadValues, CorruptFile, FileProblem, UnknownFormat
from hsi_studio.scene.library import earth_library, read_library, resampled
from hsi_studio.types import Bands


def test_the_earth_library_is_as_published() -> None:
    library = earth_library()
    assert library.reflectance.shape == (7261, 180)
    assert (library.wavelength_nm[0], library.wavelength_nm[-1]) == (400.0, 2450.0)
    assert int((~library.measured).sum()) == 2000  # PROSAIL canopies
    assert 0.0 <= float(library.reflectance.min()) <= float(library.reflectance.max()) < 1.1
    assert len(library.names) == len(library.kinds) == len(library.sources) == 7261
    red, infrared = (int(np.argmin(np.abs(library.wavelength_nm - nm))) for nm in (670, 860))
    green = [n for n, kind in enumerate(library.kinds) if kind == "vegetation: canopy"]
    assert (library.reflectance[green, infrared] > library.reflectance[green, red]).mean() > 0.99  # the red edge


def write_sli(folder: Path, values: np.ndarray, axis: str, unit: str, extra: str = "") -> Path:
    values.astype(">f4").tofile(folder / "own.sli")
    names = ", ".join(f"sample {n}" for n in range(len(values)))
    (folder / "own.hdr").write_text(
        f"ENVI\nsamples = {values.shape[1]}\nlines = {len(values)}\nbands = 1\nheader offset = 0\ndata type = 4\n"
        f"interleave = bsq\nbyte order = 1\nfile type = ENVI Spectral Library\nspectra names = {{{names}}}\n"
        f"wavelength units = {unit}\nwavelength = {{{axis}}}\n{extra}"
    )
    return folder / "own.sli"


@pytest.mark.parametrize("ending", [".sli", ".hdr"])
def test_an_envi_library_in_micrometres_big_endian(tmp_path: Path, ending: str) -> None:
    values = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    library = read_library(write_sli(tmp_path, values, "0.6, 0.5, 0.7", "Micrometers").with_suffix(ending))
    np.testing.assert_allclose(library.wavelength_nm, [500, 600, 700])
    np.testing.assert_allclose(library.reflectance, [[0.2, 0.1, 0.3], [0.5, 0.4, 0.6]], rtol=1e-6)
    assert library.names == ("sample 0", "sample 1")
    assert library.notes == ()


def test_a_truncated_library_is_refused_with_its_size(tmp_path: Path) -> None:
    path = write_sli(tmp_path, np.ones((2, 3)), "0.5, 0.6, 0.7", "Micrometers")
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CorruptFile, match="20 bytes, 24"):
        read_library(path)


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("nm,a,b\n500,0.1,0.2\n600,0.3,0.4\n", (500, 600)),
        ("Wellenlänge (µm);a;b\n0,5;0,1;0,2\n0,6;0,3;0,4\n", (500, 600)),
        ("nm\ta\tb\n600\t0.3\t0.4\n500\t0.1\t0.2\n", (500, 600)),
        ("nm,a,b\n500,10,20\n600,30,40\n", (500, 600)),  # per cent
    ],
)
def test_a_table_as_people_write_it(tmp_path: Path, text: str, axis: tuple[int, int]) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text, encoding="utf-8")
    library = read_library(path)
    np.testing.assert_allclose(library.wavelength_nm, axis, rtol=1e-6)
    np.testing.assert_allclose(library.reflectance, [[0.1, 0.3], [0.2, 0.4]], rtol=1e-5)
    assert any("divided by 100" in note for note in library.notes) == ("10,20" in text)


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a.csv", "nm,a\n500,0.1\n600\n", BadValues),
        ("a.csv", "nm,a\n500,x\n600,0.2\n", BadValues),
        ("a.csv", "nm,a\n500,0.1\n500,0.2\n", BadValues),
        ("a.csv", "nm\n500\n600\n", BadValues),
        ("a.csv", "", BadValues),
        ("a.png", "", UnknownFormat),
        ("a.sli", "", FileProblem),
    ],
)
def test_what_is_no_library_is_told(tmp_path: Path, name: str, text: str, error: type[Exception]) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(error):
        read_library(tmp_path / name)


def bands(nm: list[float], fwhm: list[float] | None = None) -> Bands:
    return Bands(len(nm), np.array(nm, np.float32), None if fwhm is None else np.array(fwhm, np.float32))


@pytest.mark.parametrize("fwhm", [None, [20.0] * 5])
def test_resampling_keeps_a_straight_line_and_bridges_no_gap(tmp_path: Path, fwhm: list[float] | None) -> None:
    axis = [*range(400, 800, 10), *range(1000, 1200, 10)]
    path = tmp_path / "line.csv"
    path.write_text("nm,line\n" + "\n".join(f"{nm},{nm / 2000}" for nm in axis))
    values, how = resampled(read_library(path), bands([350, 505, 700, 900, 1100], fwhm))
    assert np.isnan(values[0]).tolist() == [True, False, False, True, False]
    np.testing.assert_allclose(values[0, [1, 2, 4]], [505 / 2000, 700 / 2000, 1100 / 2000], atol=1e-4)
    assert ("Gaussian" in how) == (fwhm is not None)


def test_a_wide_band_averages_what_a_narrow_one_sees(tmp_path: Path) -> None:
    path = tmp_path / "step.csv"
    path.write_text("nm,step\n" + "\n".join(f"{nm},{0.2 if nm < 600 else 0.6}" for nm in range(400, 801, 2)))
    (values,), _ = resampled(read_library(path), bands([590, 599, 590], [4, 40, 200]))
    assert values[0] == pytest.approx(0.2, abs=1e-3)
    assert values[1] == pytest.approx(0.4, abs=0.02)
    assert np.isnan(values[2]) or 0.3 < values[2] < 0.4


def test_without_wavelengths_nothing_can_be_compared(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nm,a\n500,0.1\n600,0.2\n")
    with pytest.raises(BadValues, match="no wavelengths"):
        resampled(read_library(tmp_path / "a.csv"), Bands(3))
