"""Spectra for the plot: one pixel's, and each class's mean ± standard deviation over its labelled pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hsi_studio.errors import LabelProblem
from hsi_studio.types import ClassInfo, FloatArray, LabelSet, Scene

MAX_PIXELS = 200  # of a class that its mean is taken over


@dataclass(frozen=True)
class Spectrum:
    """One pixel's spectrum."""

    row: int
    col: int
    values: FloatArray  # (B,) NaN where there is no data or the band is not usable
    xy: tuple[float, float] | None  # map coordinates


@dataclass(frozen=True)
class ClassSpectrum:
    """Mean ± standard deviation of a class's labelled pixels."""

    info: ClassInfo
    count: int
    mean: FloatArray  # (B,)
    std: FloatArray  # (B,)


def pixel_spectrum(scene: Scene, row: int, col: int) -> Spectrum:
    """Raises LabelProblem for a pixel outside the scene."""
    height, width, _ = scene.shape
    if not (0 <= row < height and 0 <= col < width):
        raise LabelProblem(
            f"Row {row}, column {col} is outside the scene (rows 0–{height - 1}, columns 0–{width - 1})."
        )
    values = scene.spectrum(row, col)
    values[~scene.good_bands] = np.nan
    return Spectrum(row, col, values, scene.map_xy(row, col))


def class_spectra(scene: Scene, labels: LabelSet) -> list[ClassSpectrum]:
    """Classes with labels, in order; bands that are not usable are NaN."""
    found = []
    for k, info in enumerate(labels.schema.classes):
        members = np.flatnonzero(labels.label == k)[:MAX_PIXELS]
        if not members.size:
            continue
        values = np.stack([scene.spectrum(int(labels.row[n]), int(labels.col[n])) for n in members])  # (n, B)
        values[:, ~scene.good_bands] = np.nan
        found.append(ClassSpectrum(info, members.size, values.mean(axis=0), values.std(axis=0)))
    return found
