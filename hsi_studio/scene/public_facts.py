"""What is published of public scenes: `assets/datasets.json`, and whether a reference is that of one of them.

Apart from the catalogue, which opens them: what opens any file asks here, too.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np

from hsi_studio import paths
from hsi_studio.scene import indian_pines
from hsi_studio.types import IntArray


@functools.cache
def public_facts() -> dict[str, dict[str, Any]]:
    """Of the scenes that can be fetched, by id."""
    text = paths.asset("datasets.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(text)["scenes"]
    return loaded


def known_reference(labels: IntArray) -> tuple[str, tuple[str, ...]] | None:
    """(title, class names) of the public scene whose labelled pixels these are, class by class; None for all others."""
    pines = {
        "title": indian_pines.TITLE,
        "size": [145, 145, 200],
        "classes": list(indian_pines.CLASS_NAMES),
        "counts": list(indian_pines.LABELLED),
    }
    found = next((facts for facts in (pines, *public_facts().values()) if fits(labels, facts)), None)
    return None if found is None else (found["title"], tuple(found["classes"]))


def fits(labels: IntArray, facts: dict[str, Any]) -> bool:
    """Whether a map (H, W) has the size and the published numbers of labelled pixels of a catalogue scene."""
    if list(labels.shape) != facts["size"][:2] or "values" in facts:
        return False
    pixels = np.bincount(labels[labels > 0].ravel(), minlength=len(facts["classes"]) + 1)[1:]
    if pixels.size != len(facts["classes"]):
        return False
    if facts.get("counts"):
        return bool(pixels.tolist() == facts["counts"])
    return bool((pixels > 0).all() and pixels.sum() == facts.get("labelled"))
