"""Which reference pixels train and which test: the protocols of `evaluate`.

    random            `shots` pixels a class train; every other labelled pixel tests
    buffered[:PX]     the same shots; only pixels farther than PX (default 5, Chebyshev) from all of them test
    split:FILE[:VAR]  shots are drawn inside a mask's training part; labelled pixels outside it test
    regions:FILE      shots are drawn outside polygons of a GeoJSON; labelled pixels inside them test
    official:A,B      shots are drawn where map A (FILE[:VAR]) is not 0; labelled pixels where B is not 0 and A is test

The draw for seed s is fixed so that others can repeat it: rng = np.random.default_rng(s); for every class in
label order, `rng.shuffle` of its flat (row-major) pixel indices; the first min(shots, n // 2) train. One
generator for the whole draw. Pixels the scene has no data for are taken out of the reference before it.

Why several: pixels beside a training pixel are seen through windows and smoothing, so `random` flatters every
spatial method. 5 px is half of an 11×11 patch (Liang et al. 2017, doi:10.1109/TGRS.2016.2616585, on overlap).

Masks come in three kinds, told apart by their values (`training_part`): {0, 1}: 1 trains; {0, 1, 2}: 1
trains and 2 tests; a label map of the training pixels (as the disjoint Indian Pines split, whose class numbers
are not the reference's): everything not 0 trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.types import BoolArray, IntArray

DEFAULT_BUFFER_PX = 5


@dataclass(frozen=True)
class Split:
    """Flat (row-major) pixel indices. `train` in the order of the draw, `test` ascending."""

    train: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Protocol:
    """A parsed protocol. `text` is what the user wrote."""

    text: str
    kind: str  # "random", "buffered", "split", "regions", "official"
    buffer_px: int = 0
    mask: str = ""  # FILE[:variable]
    test_mask: str = ""  # FILE[:variable] of kind "official"


def parse_protocol(text: str) -> Protocol:
    """Raises BadRequest, with the choices."""
    kind, _, rest = text.strip().partition(":")
    if kind == "random" and not rest:
        return Protocol(text, kind)
    if kind == "buffered":
        if not rest:
            return Protocol(text, kind, DEFAULT_BUFFER_PX)
        if rest.isascii() and rest.isdigit() and 1 <= int(rest) <= 10_000:
            return Protocol(text, kind, int(rest))
        raise BadRequest(f"Protocol {text!r}: the buffer is a whole number of pixels from 1, as in buffered:7.")
    if kind in ("split", "regions") and rest:
        return Protocol(text, kind, mask=rest)
    train, comma, test = rest.partition(",")
    if kind == "official" and train and comma and test:
        return Protocol(text, kind, mask=train, test_mask=test)
    raise BadRequest(
        f"There is no protocol {text!r}. Choose random, buffered[:PIXELS], split:FILE[:variable], "
        "regions:FILE.geojson or official:TRAIN_FILE[:variable],TEST_FILE[:variable]."
    )


def shot_order(reference: npt.NDArray[Any], seed: int) -> dict[int, npt.NDArray[np.int64]]:
    """Value of each class of an (H, W) reference (0 = not labelled) → flat indices of its pixels, in random order."""
    flat = reference.ravel()
    rng = np.random.default_rng(seed)
    order = {}
    for value in np.unique(flat[flat > 0]).tolist():
        order[int(value)] = index = np.flatnonzero(flat == value)
        rng.shuffle(index)
    return order


def draw_shots(reference: npt.NDArray[Any], shots: int, seed: int) -> npt.NDArray[np.int64]:
    """Flat indices of the training pixels of an (H, W) reference, class after class; at most half of a class."""
    drawn = [index[: min(shots, index.size // 2)] for index in shot_order(reference, seed).values()]
    return np.concatenate(drawn).astype(np.int64) if drawn else np.zeros(0, dtype=np.int64)


def near(shape: tuple[int, int], row: npt.NDArray[Any], col: npt.NDArray[Any], buffer_px: int) -> BoolArray:
    """(H, W) True within `buffer_px` (Chebyshev: a square of side 2·buffer_px + 1) of any of the N pixels."""
    mask = np.zeros(shape, dtype=np.bool_)
    for r, c in zip(row.tolist(), col.tolist(), strict=True):
        mask[max(r - buffer_px, 0) : r + buffer_px + 1, max(c - buffer_px, 0) : c + buffer_px + 1] = True
    return mask


def training_part(mask: IntArray, reference: IntArray) -> tuple[BoolArray, BoolArray, str]:
    """(H, W) where training may happen, where testing may, and a sentence on how the mask was understood.

    {1, 2} is a label map, not train/test, when each of its values covers one class of the reference
    (≥ 95 % of its labelled pixels) and not the same. Raises BadRequest for an empty mask.
    """
    values = np.unique(mask[mask > 0]).tolist()
    if not values:
        raise BadRequest("The split file marks no training pixel: its training pixels must not be 0.")
    if values == [1, 2] and not _is_label_map(mask, reference, values):
        return mask == 1, mask == 2, "The split file says 1 = train, 2 = test."
    if values == [1]:
        return mask > 0, mask <= 0, "The split file says 1 = train; all other labelled pixels test."
    return (
        mask > 0,
        mask <= 0,
        f"The split file is a label map of training pixels ({len(values)} values); all other labelled pixels test.",
    )


def _is_label_map(mask: IntArray, reference: IntArray, values: list[int]) -> bool:
    owners = []
    for value in values:
        under = reference[(mask == value) & (reference > 0)]
        if under.size == 0:
            return False
        counts = np.bincount(under)
        if counts.max() < 0.95 * under.size:
            return False
        owners.append(int(counts.argmax()))
    return len(set(owners)) == len(owners)


def make_split(
    reference: IntArray, shots: int, seed: int, protocol: Protocol, mask: IntArray | None, names: dict[int, str]
) -> Split:
    """Draw one split of an (H, W) reference. Notes name classes without pixels.

    `mask` (H, W): for kind "split" as `training_part` reads it; for "regions" and "official" 1 = train, 2 = test.

    Raises BadRequest when nothing is left to train or to test on.
    """
    flat = reference.ravel()
    notes: list[str] = []
    if protocol.kind in ("split", "regions", "official"):
        if mask is None:
            raise ValueError(f"protocol {protocol.kind} needs its mask")
        if protocol.kind != "split":
            train_part, test_part = mask == 1, mask == 2
        else:
            train_part, test_part, sentence = training_part(mask, reference)
            notes.append(sentence)
        train = draw_shots(np.where(train_part, reference, 0), shots, seed)
        allowed = test_part.ravel() & (flat > 0)
    else:
        train = draw_shots(reference, shots, seed)
        allowed = flat > 0
        allowed[train] = False
        if protocol.kind == "buffered":
            row, col = np.divmod(train, reference.shape[1])
            shape = (reference.shape[0], reference.shape[1])
            allowed &= ~near(shape, row, col, protocol.buffer_px).ravel()
    test = np.flatnonzero(allowed)
    present = set(np.unique(flat[flat > 0]).tolist())
    for part, used in (("trains", train), ("tests", test)):
        missing = sorted(present - set(np.unique(flat[used]).tolist()))
        if missing and len(missing) < len(present):
            listed = ", ".join(names.get(value, f"class {value}") for value in missing)
            notes.append(f"No pixel {part} for {len(missing)} of {len(present)} classes: {listed}.")
    if train.size == 0:
        raise BadRequest("No class has two labelled pixels to draw a training pixel from: use another reference.")
    if test.size == 0:
        raise BadRequest(
            f"Protocol {protocol.text!r} leaves no pixel to test on: take a smaller buffer or fewer shots."
        )
    return Split(train, test, tuple(notes))
