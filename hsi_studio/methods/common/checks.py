"""What methods refuse: too few labels, labels without data, a scene that a fitted model does not fit.

For methods of your own: `enough_labels` and `labels_on_data` at the start of `fit`, `check_bands` and `check_units` in
`from_state`. Their messages hold both numbers and say what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hsi_studio.errors import LabelProblem, SceneMismatch, TooFewLabels
from hsi_studio.methods.common.state import part
from hsi_studio.methods.contract import State
from hsi_studio.types import BoolArray, FloatArray, IntArray, LabelSet, Scene

SAME_BAND_NM = 5.0  # bands no farther apart are the same band
LIKE_VALUES = 10.0  # times apart that two scenes' typical values may be
REMEDY = "Open the scene it was trained on, or retrain."


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


def labels_on_data(valid: BoolArray, labels: LabelSet) -> None:
    """Raises LabelProblem for labels on pixels that cannot be mapped, with the place of the first.

    `valid` (H, W): `scene.valid`, or what the method knows already without reading the scene.
    """
    lost = np.flatnonzero(~valid[labels.row, labels.col])
    if lost.size:
        raise LabelProblem(
            f"{lost.size} labels lie on pixels without data, the first at row {labels.row[lost[0]]}, "
            f"column {labels.col[lost[0]]}: remove them."
        )


def band_difference(count: int, wavelength_nm: ArrayLike | None, scene: Scene) -> str:
    """A sentence with both numbers when a model's bands are not the scene's; "" when they are, as far as files say.

    `wavelength_nm` (count,) of the model, or None where its scene had none.
    """
    here = scene.bands
    if count != here.count:
        return (
            f"The model has {_bands(count, wavelength_nm)}, {scene.name} has {_bands(here.count, here.wavelength_nm)}."
        )
    if wavelength_nm is None or here.wavelength_nm is None:
        return ""
    model = np.asarray(wavelength_nm, dtype=np.float64)
    apart = np.abs(model - here.wavelength_nm.astype(np.float64))
    worst = int(np.nanargmax(apart))
    if apart[worst] <= SAME_BAND_NM:
        return ""
    return (
        f"Band {worst + 1} is at {model[worst]:.1f} nm in the model and at {here.wavelength_nm[worst]:.1f} nm in "
        f"{scene.name}."
    )


def check_bands(header: Mapping[str, Any], wavelength_nm: FloatArray | None, bands: IntArray, scene: Scene) -> None:
    """Raises SceneMismatch, with both numbers, when a scene's bands are not the model's, or carry nothing there.

    `header` holds `bands` (their number) and `scene` (an id); `bands` are the indices of those that the model uses.
    """
    different = band_difference(int(header["bands"]), wavelength_nm, scene)
    if different:
        raise SceneMismatch(f"{different} {REMEDY}")
    if header["scene"] == scene.id:
        return
    lost = bands[~scene.good_bands[bands]]
    if lost.size:
        raise SceneMismatch(
            f"The model uses {bands.size} bands, {lost.size} of them are left out or carry nothing in {scene.name} "
            f"(the first is band {int(lost[0]) + 1}). {REMEDY}"
        )


def check_units(mean: FloatArray, bands: IntArray, scene: Scene) -> None:
    """Raises SceneMismatch when typical values are ten times apart. `mean` (n,) of the model's bands, in its units."""
    level, here = float(np.median(mean)), float(np.median(scene.survey.band_mean[bands]))
    if level > 0 and not 1 / LIKE_VALUES < here / level < LIKE_VALUES:
        raise SceneMismatch(
            f"Typical values are {level:.4g} in the model and {here:.4g} in {scene.name}: the units or the scale "
            f"factor differ. {REMEDY}"
        )


def check_version(made_with: Any, version: int) -> None:
    """Raises SceneMismatch for a model of another version of its method or features."""
    if made_with != version:
        raise SceneMismatch(
            f"The model was made with version {made_with} of its method, this program has {version}: retrain."
        )


def check_scene(state: State, scene: Scene, version: int) -> None:
    """Raises SceneMismatch, with both numbers, when the bands, their units or the surface model differ.

    `version`: of the numbers the method makes from a scene.
    """
    header, arrays = state.header, state.arrays
    check_version(header["features_version"], version)
    check_bands(header, arrays.get("wavelength_nm"), arrays["bands"], scene)
    if header["scene"] == scene.id:
        return
    check_units(arrays["mean"], arrays["bands"], scene)
    if header["layers"] and scene.dsm is None:
        raise SceneMismatch(
            f"{header['layers']} height features in the model, no surface model with {scene.name}: add one, or retrain "
            "without."
        )


def check_state(state: State, scene: Scene, version: int) -> None:
    """The same for a model on windows. Raises SceneMismatch."""
    from hsi_studio.methods.common.nn.window_grid import WindowBasis

    check_version(state.header["version"], version)
    basis = part(state, "basis.")
    check_bands(state.header, state.arrays.get("wavelength_nm"), basis["bands"], scene)
    WindowBasis.from_arrays(basis).check_heights(scene)
    if state.header["scene"] != scene.id:
        check_units(basis["mean"], basis["bands"], scene)


def _bands(count: int, wavelength_nm: ArrayLike | None) -> str:
    nm = np.asarray([] if wavelength_nm is None else wavelength_nm, dtype=np.float64)
    return f"{count} bands ({nm.min():.0f}–{nm.max():.0f} nm)" if nm.size else f"{count} bands"
