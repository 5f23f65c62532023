"""What is said of classes whose labels all lie in one place: they are not counted, and where to click next.

Which classes those are, and why their figures flatter: `methods/common/places.py`.
"""

from __future__ import annotations

from hsi_studio.humanize import counted, listed
from hsi_studio.methods.common.places import PLACE_PX, in_one_place, share_in_one_place
from hsi_studio.types import LabelSet

LEAST_TOLD = 0.5  # of the classes with two labels or more: a pond is in one place
MOST_NAMED = 3


def place_note(labels: LabelSet, shape: tuple[int, ...]) -> str:
    """What to do where half of the classes with two labels or more are known from one place each; "" elsewhere."""
    if share_in_one_place(labels, shape) < LEAST_TOLD:
        return ""
    alone = in_one_place(labels, shape)
    n = int(alone.sum())
    names = [info.name for info, one in zip(labels.schema.classes, alone, strict=True) if one]
    each, them = ("", "it") if n == 1 else (", class by class", "them")
    return (
        f"All labels of {listed(names, MOST_NAMED)} lie within {PLACE_PX} pixels{each}: elsewhere the map may be far "
        f"worse. Label {them} in other places too."
    )


def not_counted(single: int, alone: int) -> str:
    """ "2 classes with one label and 1 class with all its labels in one place are not counted"; "" for none."""
    said = [counted(single, "class", "classes") + " with one label"] if single else []
    if alone:
        said.append(f"{counted(alone, 'class', 'classes')} with all labels in one place")
    return f"{' and '.join(said)} {'is' if single + alone == 1 else 'are'} not counted" if said else ""
