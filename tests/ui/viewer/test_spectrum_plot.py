"""Spectra for the plot: in order of wavelength, bad bands left out, a gap where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsi_studio.studio.facade import ClassSpectrum, Spectrum
from hsi_studio.types import Bands, ClassInfo, Scene
from hsi_studio.ui.viewer.spectrum_plot import means_value, pixel_value
from tests.project.small import small_scene


def scene_of(nm: list[float] | None, bands: int = 5) -> Scene:
    base = small_scene(4, 5, bands)
    return replace(base, bands=Bands(bands, None if nm is None else np.array(nm, np.float32)))


def test_bands_are_sorted_and_far_neighbours_not_joined() -> None:
    scene = scene_of([420, 410, 400, 430, 900])
    value = pixel_value(scene, Spectrum(1, 2, np.array([3, 2, 1, 4, np.nan], np.float32), None))
    assert value["axis"] == "wavelength (nm)"
    assert value["pixel"]["name"] == "row 1, column 2"
    assert value["pixel"]["x"] == [400, 410, 420, 430, 430, 900]  # the gap stands at the last band before it
    assert value["pixel"]["y"] == [1, 2, 3, 4, None, None]  # JSON has no NaN


def test_without_wavelengths_bands_go_by_number() -> None:
    value = pixel_value(scene_of(None), Spectrum(0, 0, np.arange(5, dtype=np.float32), None))
    assert (value["axis"], value["pixel"]["x"]) == ("band number", [1, 2, 3, 4, 5])


def test_a_class_is_its_mean_and_one_standard_deviation_to_each_side() -> None:
    info = ClassInfo.new("roof", "#112233")
    mean, std = np.full(5, 0.5, np.float32), np.full(5, 0.125, np.float32)
    (one,) = means_value(scene_of(None), [ClassSpectrum(info, 7, mean, std)])["classes"]
    assert one["name"] == "roof (mean of 7)"
    assert one["color"] == "#112233"
    assert (one["low"], one["mean"], one["high"]) == ([0.375] * 5, [0.5] * 5, [0.625] * 5)
