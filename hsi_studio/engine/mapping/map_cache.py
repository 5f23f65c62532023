"""A model's map of a scene: made with a fitted model, put into a project's class list, kept as one file.

The file is a cache: .npz with `label` (H, W) uint16, `confidence` (H, W) float32 and `about`, JSON text with the class
list, the method and the digest of the weights it was made with. Deleting it loses only time.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.files import DAMAGED_ARRAYS, write_arrays
from hsi_studio.stored import loads_object
from hsi_studio.types import ClassInfo, ClassSchema, Prediction

log = logging.getLogger(__name__)


def keep_map(path: Path, prediction: Prediction, digest: str) -> None:
    """Raises OSError."""
    about = {
        "digest": digest,
        "method": prediction.method,
        "params": prediction.params,
        "revision": prediction.revision,
        "classes": [[c.id, c.name, c.color, c.reference_value] for c in prediction.schema.classes],
    }
    arrays = {"label": prediction.label, "confidence": prediction.confidence, "about": np.array(json.dumps(about))}
    write_arrays(path, arrays)


def kept_map(path: Path, size: tuple[int, int], digest: str) -> Prediction | None:
    """The map in a file; None when there is none, or it is of another scene, other weights, or damaged."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            about: dict[str, Any] = loads_object(str(stored["about"]))
            label, confidence = stored["label"], stored["confidence"]
        if about["digest"] != digest or label.shape != size or confidence.shape != size:
            return None
        schema = ClassSchema(tuple(ClassInfo(*values) for values in about["classes"]))
        if label.dtype != np.uint16 or confidence.dtype != np.float32 or int(label.max(initial=0)) > len(schema):
            raise ValueError("its values are not a class map")
        return Prediction(schema, label, confidence, about["method"], about["params"], int(about["revision"]))
    except (*DAMAGED_ARRAYS, TypeError) as error:
        log.warning("the map in %s cannot be read and is made again: %s", path, error)
        return None
