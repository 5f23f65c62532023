"""What a scene is, as plain values: for `info --json` and the Scene tab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.scene.crs_name import crs_name, pixel_size, sides_m
from hsi_studio.types import Scene

__all__ = ["crs_name", "scene_facts", "sides_m"]


def scene_facts(scene: Scene, wait: bool = True) -> dict[str, Any]:
    """Facts about a scene as plain values (JSON-ready). Makes the one pass over the cube; with `wait` false a large
    scene's goes on behind: `valid_pixels` is None until it is done."""
    height, width, count = scene.shape
    survey, bands = scene.survey, scene.bands
    known = wait or survey.known == 1
    wavelength = None
    if bands.wavelength_nm is not None:
        wavelength = [round(float(w), 3) for w in bands.wavelength_nm]
    reference = None
    if scene.reference is not None:
        reference = [
            {"value": value, "name": name, "pixels": int((scene.reference == value).sum())}
            for value, name in scene.reference_classes
        ]
    return {
        "id": scene.id,
        "name": scene.name,
        "title": scene.title,
        "rows": height,
        "columns": width,
        "bands": count,
        "usable_bands": int(survey.good_bands.sum()),
        "wavelength_nm": wavelength,
        "valid_pixels": int(survey.valid.sum()) if known else None,
        "unit": scene.value_unit,
        "value_range": [float(np.nanmin(survey.band_min)), float(np.nanmax(survey.band_max))],
        "dsm_layers": 0 if scene.dsm is None else scene.dsm.shape[2],
        "reference": reference,
        "crs": crs_name(scene.crs),
        "transform": scene.transform,
        "gsd_m": scene.gsd_m,
        "pixel": pixel_size(scene),
        "citation": scene.citation,
        "licence": scene.licence,
        "notes": [*scene.notes, *survey.all_notes()],
        "plan": scene.plan,
        "sources": [{"role": s.role, "file": Path(s.path).name, "sha256": s.sha256} for s in scene.sources],
    }
