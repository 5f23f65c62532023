"""Masks that are no product's: an array beside the cube in its file, or a file beside it.

Whether 0 or another number means “leave out” nobody can know from a name: `valid_mask` and `cloud_mask` are both called
masks. So an array that looks like one is named in the plan and not applied until somebody says how, and is never taken
for a class map (`NO_CLASSES`). A file that is given as a mask is applied as its name suggests, which is said where it
can be turned round. A spec "FILE[:variable]" leaves out its zeros and gaps, "not FILE[:variable]" what it marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Set
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.scene.plan import Fact

USABLE = r"valid|no_?data|(good|bad|usable|empty)_?(pix|px)|^(good|bad|usable)$"
LIKE_A_MASK = re.compile(rf"mask|{USABLE}", re.IGNORECASE)
NO_CLASSES = re.compile(rf"mask(?!_?train)|cloud|{USABLE}", re.IGNORECASE)  # a `mask_train` holds classes to train on
MARKS = re.compile(r"cloud|cirrus|shadow|haze|snow|bad|invalid|defect|no_?data|empty", re.IGNORECASE)
OTHER_WAY = "not "


def by_name(file: Path) -> str:
    """The spec of a file that is a mask by its name: one called after what disturbs marks that, others what counts."""
    return f"{OTHER_WAY if MARKS.search(file.stem) else ''}{file}"


def turned(spec: str) -> tuple[str, bool]:
    """(the spec of the raster, True = what it marks is left out, not its zeros)."""
    rest = spec.removeprefix(OTHER_WAY)
    return rest.strip(), rest != spec


def words(spec: str) -> str:
    """What a spec leaves out, for people: "left out where mask_sub is 0"."""
    rest, other = turned(spec)
    name = Path(rest).name.rpartition(":")[2] or rest
    return f"left out where {name} is {'not 0' if other else '0'}"


def both_ways(spec: str) -> tuple[str, str]:
    """The two specs of a mask that lies beside the scene, without its folder."""
    rest, _ = turned(spec)
    file, colon, variable = rest.rpartition(":")
    short = f"{Path(file).name}:{variable}" if colon and len(file) > 1 else Path(rest).name  # C: is no file
    return short, OTHER_WAY + short


def beside(path: Path, arrays: Iterable[tuple[str, Callable[[], Any]]], used: Set[str]) -> dict[str, Fact]:
    """{"mask": what the plan says} of arrays of the scene's size, (name, how to load it), that are called like a mask
    and are 0 in some pixels and not in others; {} where there is none. `used`: names that are something else."""
    found = []
    for name, load in arrays:
        if name in used or not LIKE_A_MASK.search(name.replace("/", ".").rsplit(".", 1)[-1]):
            continue
        values = np.asarray(load())
        out = int((~np.isfinite(values) | (values == 0)).sum())
        if 0 < out < values.size:
            found.append((name, out, values.size))
    if not found:
        return {}
    told = " ".join(f"“{name}” in the file looks like a mask: 0 in {out:,} of {n:,} pixels." for name, out, n in found)
    spec = f"FILE:{found[0][0]}"
    how = (
        " It is not applied: under “Mask” leave out its zeros, or what it marks (in a shell: "
        f'--mask {spec}, or --mask "{OTHER_WAY}{spec}").'
    )
    choices = tuple(way for name, _, _ in found for way in both_ways(f"{path}:{name}"))
    return {"mask": Fact(None, "likely", told + how, choices)}
