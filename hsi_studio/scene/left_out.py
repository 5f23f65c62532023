"""A scene without some of its bands, as the user chose. The bands stay in the cube: methods go by `good_bands`.

The scene gets an id of its own, because everything that is kept by a scene's id (features, maps, models) depends on the
bands. `base_id` is that of the whole scene.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from hsi_studio.errors import BadRequest
from hsi_studio.humanize import counted
from hsi_studio.scene.survey import band_list
from hsi_studio.types import BoolArray, Scene, Survey


def without_bands(scene: Scene, bands: Iterable[int]) -> Scene:
    """The scene with these bands (from 0) left out; itself for none. Those that it does not have are passed over.

    Its survey is made anew on first need: a pixel that had gaps in these bands alone has none now.
    Raises BadRequest when fewer than two bands would be left.
    """
    count = scene.bands.count
    chosen = sorted({int(band) for band in bands if 0 <= int(band) < count})
    if not chosen:
        return scene
    out: BoolArray = np.zeros(count, dtype=bool)
    out[chosen] = True
    listed = np.ones(count, dtype=bool) if scene.bands.usable is None else scene.bands.usable
    if int((listed & ~out).sum()) < 2:
        raise BadRequest(f"{counted(len(chosen), 'band')} of {count} left out: at least two have to stay.")

    def survey(this: Scene) -> Survey:
        found = scene.survey_fn(this)
        said = f"{counted(len(chosen), 'band')} left out in this project: {band_list(scene.bands, out)}."
        notes = [note for note in found.notes if "bad-band list" not in note]  # which counts the user's with the file's
        if not listed.all():
            notes.append(f"{counted(int((~listed).sum()), 'band')} ruled out by the file's bad-band list.")
        return replace(found, good_bands=found.good_bands & ~out, notes=(*notes, said))

    digest = hashlib.sha256(f"{scene.id} without {chosen}".encode()).hexdigest()[:16]
    return replace(
        scene, id=digest, bands=replace(scene.bands, usable=listed & ~out), survey_fn=survey, base_id=scene.id,
        left_out=tuple(chosen), _lock=threading.Lock(),
    )  # fmt: skip
