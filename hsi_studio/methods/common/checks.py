"""What methods refuse: too few labels, labels without data, a scene a fitted model does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsi_studio.errors import SceneMismatch, TooFewLabels
from hsi_studio.methods.common.state import part
from hsi_studio.methods.contract import State
from hsi_studio.types import FloatArray, IntArray, LabelSet, Scene


def enough_labels(labels: LabelSet) -> None:
    """Raises TooFewLabels, saying what is missing: a map needs two classes, and a label for each class given."""
    counts = labels.counts
    present = [name for name, n in zip(labels.schema.names, counts, strict=True) if n]
    if len(present) == 0:
        raise TooFewLabels("No pixel is labelled yet: label one pixel each of two classes to get a map.")
    if len(present) == 1:
        raise TooFewLabels(f"Only “{present[0]}” has labels: label a pixel of a second class to get a map.")
    missing = [name for name, n in zip(labels.schema.names, counts, strict=True) if not n]
    if missing:
        raise TooFewLabels(
            f"{len(missing)} of {len(labels.schema)} classes have no label ({', '.join(missing[:5])}): "
            "label a pixel of each, or leave these classes out."
        )


def check_scene(state: State, scene: Scene, version: int) -> None:
    """Raises SceneMismatch, with both numbers, when the bands, their units or the surface model differ.

    `version`: of the numbers the method makes from a scene.
    """
    header, arrays = state.header, state.arrays
    remedy = "open the scene it was trained on, or retrain."
    if header["bands"] != scene.bands.count:
        raise SceneMismatch(f"{header['bands']} bands in the model, {scene.bands.count} in {scene.name}: {remedy}")
    ours, theirs = arrays.get("wavelength_nm"), scene.bands.wavelength_nm
    if ours is not None and theirs is not None:
        apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
        worst = int(np.nanargmax(apart))
        if apart[worst] > 5.0:
            raise SceneMismatch(
                f"Band {worst + 1} is at {ours[worst]:.1f} nm in the model and at {theirs[worst]:.1f} nm in "
                f"{scene.name}: {remedy}"
            )
    if header["features_version"] != version:
        raise SceneMismatch(
            f"The model was made with feature version {header['features_version']}, this program makes version "
            f"{version}: retrain."
        )
    if header["scene"] == scene.id:
        return
    bands = arrays["bands"]
    lost = bands[~scene.good_bands[bands]]
    if lost.size:
        raise SceneMismatch(
            f"The model uses {bands.size} bands, {lost.size} of them carry nothing in {scene.name} "
            f"(the first is band {int(lost[0]) + 1}): {remedy}"
        )
    level, here = float(np.median(arrays["mean"])), float(np.median(scene.survey.band_mean[bands]))
    if level > 0 and not 0.1 < here / level < 10:
        raise SceneMismatch(
            f"Typical values are {level:.4g} in the model and {here:.4g} in {scene.name}: the units or the scale "
            f"factor differ; {remedy}"
        )
    if header["layers"] and scene.dsm is None:
        raise SceneMismatch(
            f"{header['layers']} height features in the model, no surface model with {scene.name}: add one, or retrain "
            "without."
        )


def check_state(state: State, scene: Scene, version: int) -> None:
    """Raises SceneMismatch when the bands, their values, the heights or the program's version are not the model's."""
    from hsi_studio.methods.common.nn.window_grid import WindowBasis

    if state.header["version"] != version:
        raise SceneMismatch(
            f"The model was made with version {state.header['version']} of the method, this program has {version}: "
            "retrain."
        )
    basis = part(state, "basis.")
    check_bands(state.header, state.arrays.get("wavelength_nm"), basis["bands"], scene)
    WindowBasis.from_arrays(basis).check_heights(scene)
    if state.header["scene"] == scene.id:
        return
    level, here = float(np.median(basis["mean"])), float(np.median(scene.survey.band_mean[basis["bands"]]))
    if level > 0 and not 0.1 < here / level < 10:
        raise SceneMismatch(
            f"Typical values are {level:.4g} in the model and {here:.4g} in {scene.name}: the units or the scale "
            "factor differ; open the scene it was trained on, or retrain."
        )


def check_bands(facts: dict[str, Any], wavelength_nm: FloatArray | None, bands: IntArray, scene: Scene) -> None:
    """Raises SceneMismatch, with both numbers, when a scene's bands are not the model's."""
    remedy = "open the scene it was trained on, or retrain."
    if facts["bands"] != scene.bands.count:
        raise SceneMismatch(f"{facts['bands']} bands in the model, {scene.bands.count} in {scene.name}: {remedy}")
    if facts["scene"] == scene.id:
        return
    theirs = scene.bands.wavelength_nm
    if wavelength_nm is not None and theirs is not None:
        apart = np.abs(wavelength_nm.astype(np.float64) - theirs.astype(np.float64))
        worst = int(np.nanargmax(apart))
        if apart[worst] > 5.0:
            raise SceneMismatch(
                f"Band {worst + 1} is at {wavelength_nm[worst]:.1f} nm in the model and at {theirs[worst]:.1f} nm in "
                f"{scene.name}: {remedy}"
            )
    lost = bands[~scene.good_bands[bands]]
    if lost.size:
        raise SceneMismatch(
            f"The model uses {bands.size} bands, {lost.size} of them carry nothing in {scene.name} (the first is band "
            f"{int(lost[0]) + 1}): {remedy}"
        )
