"""What has to be known of a map to measure it beside another one: the pixels it was made from, the classes it may show.

Used by `studio.evidence.compare`. Of a map that was made elsewhere (`imported_maps.py`) nobody here knows which pixels
it was made from. It is measured on the pixels that the other map leaves, and every such figure carries a caveat: some
of these may have been among its training pixels, so it may look better than it is. Its classes are taken for the
reference's by their names alone; a class without a counterpart is named in the caveat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import reference_values
from hsi_studio.engine.evaluation.same_pixels import SamePixels, judged_alike, may_show, shared_classes
from hsi_studio.humanize import listed
from hsi_studio.studio.displayed_map import DisplayedMap
from hsi_studio.studio.edited_maps import EditedMaps
from hsi_studio.studio.imported_maps import ImportedMaps
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction, Scene

MOST_NAMES = 6  # classes listed in a caveat
JUDGED_FAIRLY = "Random pixels that you label blind (Map step, certify) judge it fairly."


@dataclass(frozen=True)
class Side:
    """One of two maps. `seen`: the pixels to leave out, none where they are not known (`elsewhere`)."""

    title: str
    prediction: Prediction
    seen: LabelSet
    able: ClassSchema  # the classes it may show
    elsewhere: bool = False


def side_of(shown: DisplayedMap) -> Side | None:
    """None for a map that cannot be measured beside another: where two differ, the reference."""
    seen, prediction = shown.seen, shown.prediction
    if seen is not None:
        return Side(shown.title, prediction, seen, may_show(prediction, seen))
    origin = shown
    while isinstance(origin.owner, EditedMaps):
        below = origin.owner.below(origin)
        if below is None:
            return None
        origin = below
    if not isinstance(origin.owner, ImportedMaps):
        return None
    none = np.zeros(0, dtype=np.int64)
    able = origin.owner.legend(origin)
    return Side(shown.title, prediction, LabelSet(prediction.schema, none, none, none), able, elsewhere=True)


def side_by_side(first: Side, second: Side, scene: Scene, buffer_px: int = 0) -> SamePixels:
    """Both on the reference pixels of the classes that both may show, without those that either was made from and, with
    `buffer_px`, their neighbours."""
    sides, titles = (first, second), (f"“{first.title}”", f"“{second.title}”")
    if not first.elsewhere and not second.elsewhere:
        return judged_alike(
            first.prediction, second.prediction, [side.seen for side in sides], scene, buffer_px, titles=titles
        )
    classes = shared_classes(first.prediction, [side.able for side in sides], scene)
    made = judged_alike(
        first.prediction, second.prediction, [side.seen for side in sides], scene, buffer_px, classes,
        made_from="that the other map was made from", titles=titles,
    )  # fmt: skip
    said = [_caveat(one, other, classes, scene) for one, other in (sides, sides[::-1]) if one.elsewhere]
    return replace(made, caveat=" ".join([*said, JUDGED_FAIRLY]))


def _caveat(side: Side, other: Side, classes: list[ClassInfo], scene: Scene) -> str:
    """What is not known of a map from elsewhere, and which classes could not be compared."""
    trained = f"What “{side.title}” was trained on is not known here"
    said = [f"{trained}, so some of these pixels may have been among its training pixels."]
    if scene.reference is None:
        return said[0]
    own, others, compared = (
        reference_values(infos, scene) for infos in (side.able.classes, other.able.classes, tuple(classes))
    )
    values = set(compared.values())
    strange = [info.name for info in side.able.classes if info.id not in own]
    alone = [info.name for info in side.able.classes if own.get(info.id, -1) not in {-1, *values}]
    lacking = [info.name for info in other.able.classes if others.get(info.id, -1) not in {-1, *values}]
    for names, why in (
        (strange, f"The reference has none of these, so where “{side.title}” shows them it is wrong"),
        (alone, f"“{other.title}” shows none of these, so their pixels are not counted"),
        (lacking, f"“{side.title}” has none of these, so their pixels are not counted"),
    ):
        if names:
            said.append(f"{why}: {listed(names, MOST_NAMES)}.")
    return " ".join(said)
