"""Faults put into a clean scene are found, each in its band and with its reason; a clean scene has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hsi_studio.features.band_quality import BandFinding, find_bands
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.resolve import resolve
from hsi_studio.scene.survey import survey
from hsi_studio.types import Bands, Scene

HEIGHT, WIDTH, BANDS = 60, 50, 24
Cube = np.ndarray[Any, Any]


def clean(seed: int = 0) -> Cube:
    """Smooth surfaces mixed with spectra that change slowly, and 2 % of noise."""
    rng = np.random.default_rng(seed)
    ground = np.stack([gaussian_filter(rng.normal(size=(HEIGHT, WIDTH)), 4) for _ in range(3)], axis=-1)
    ground /= ground.std()
    spectra = gaussian_filter(rng.normal(size=(3, BANDS)), (0, 4))
    cube = 0.3 + 0.05 * ground @ (spectra / spectra.std())
    return np.asarray(cube + rng.normal(0, 0.001, cube.shape), dtype=np.float32)


def scene(cube: Cube, **options: Any) -> Scene:
    return Scene("1" * 16, "made", "Made", ArrayCube(cube), Bands(cube.shape[2], **options), survey)


def found(cube: Cube, **options: Any) -> list[BandFinding]:
    return find_bands(scene(cube, **options))


@pytest.mark.parametrize("seed", range(6))
def test_a_clean_scene_has_no_bad_band(seed: int) -> None:
    assert found(clean(seed)) == []


def test_each_fault_is_found_with_its_reason() -> None:
    rng, cube = np.random.default_rng(9), clean()
    cube[:, :, 3] = rng.normal(0.3, 0.05, (HEIGHT, WIDTH))  # nothing but noise
    cube[:, :, 8] += 0.05 * rng.choice([-1, 1], WIDTH)  # detectors of a push-broom scanner
    cube[:, :, 12] += 0.05 * rng.choice([-1, 1], HEIGHT)[:, None]  # lines of a whisk-broom scanner
    cube[:, :, 16] = np.minimum(cube[:, :, 16], np.quantile(cube[:, :, 16], 0.9))
    cube[:, :, 20] = 0.25
    cube[:, :, 22] = np.nan
    findings = {finding.band: finding for finding in found(cube)}
    assert {band: f.kind for band, f in findings.items()} == {
        3: "noisy", 8: "striped", 12: "striped", 16: "saturated", 20: "dead", 22: "dead",
    }  # fmt: skip
    assert "% of its variation is noise" in findings[3].reason
    assert "10 % of the pixels have its highest value" in findings[16].reason
    assert [findings[band].left_out for band in (3, 8, 20, 22)] == [False, False, True, True]


def test_the_files_own_list_is_told_as_such() -> None:
    usable = np.ones(BANDS, dtype=bool)
    usable[5] = False
    assert found(clean(), usable=usable) == [BandFinding(5, "dead", "ruled out by the file", left_out=True)]


def test_a_rough_surface_is_not_noise() -> None:
    """Every pixel another roof, but in all bands alike: shift differences are large everywhere."""
    rng = np.random.default_rng(1)
    ground, spectra = rng.random((HEIGHT, WIDTH, 3)), gaussian_filter(rng.random((3, BANDS)), (0, 3))
    assert found((ground @ spectra).astype(np.float32)) == []


def test_pixels_without_data_do_not_make_stripes() -> None:
    cube = clean()
    cube[:, :7] = 0
    cube[10:20, 30:] = np.nan
    assert found(cube) == []


def test_few_bands_are_not_compared() -> None:
    rng = np.random.default_rng(0)
    assert found(rng.random((20, 20, 4)).astype(np.float32)) == []


@pytest.mark.slow
def test_the_real_scene_has_three_noisy_bands() -> None:
    """AVIRIS' first and last band, and band 88 beside the water vapour at 1.1 µm."""
    assert [(f.band + 1, f.kind) for f in find_bands(resolve("indian_pines"))] == [
        (1, "noisy"),
        (88, "noisy"),
        (200, "noisy"),
    ]
