"""What counts as no data when the file does not say so.

The rule, on a sample of the cube's stored values (at most 40 rows, 96 columns and 32 bands, borders included):
1. a value of `KNOWN` (−9999, −32768, 65535, 1e20 …) that stands apart from all other values, by more than their whole
   range or below zero where nothing else is, and fills at least one sampled pixel in all bands: likely, and noted. The
   highest number of a data type may touch the other values, unless pixels hold it in some bands only: saturated ones;
2. one of `FAR_MARKS` that stands apart in the same way and fills some bands of a pixel only (cloud gaps of one
   detector): likely, and noted; projects from before this part keep their pixels;
3. any other value that fills whole pixels (every band the same number) and lies outside the range of all other values
   by more than that range: likely, and noted;
4. any other value but the highest that fills whole pixels of at least 8 sampled bands, and is the only one that does: a
spectrum that is exactly the same number in every band, in many pixels, is no reflectance. Asked, unless it may be what
coarse numbers make of a dark even surface: then other pixels are nearly flat, or flat at other values. Projects from
before this part keep their pixels;
5. a value that fills whole pixels otherwise (saturated ones, few bands, coarse numbers) is left as it is, with a note
how to say that it is no data.
Zero is not asked about: pixels that are zero in every band are left out by the survey, and said. `--nodata none`
undoes all of it. Projects from before this rule keep their pixels.

Heights: −9999 and its like, −32768, one number below the lowest place on Earth in several pixels and everything beyond
±1e6 is no height: NaN, with a note. Any other number that stands apart and fills several pixels is noted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.plan import RULES, Fact, Remark
from hsi_studio.types import Cube, FloatArray

KNOWN = (
    -9999.0, -99999.0, -999.0, -9990.0, -99.0, -1.0, -32768.0, -32767.0, 32767.0, 65535.0, 65534.0, 255.0,
    -2147483648.0, 2147483647.0, 4294967295.0, 1e20, -1e20, 1e30, -1e30, 1e34, -1e34, 1e32, -1e32, 9999.0, 99999.0,
    -3.4028234663852886e38, 3.4028234663852886e38, 9.969209968386869e36, -9.969209968386869e36, -1.7e308,
)  # fmt: skip
FAR_MARKS = (-9999.0, -99999.0, -32768.0, -32767.0, -9990.0)
ROWS, COLUMNS, BANDS = 40, 96, 32
LEAST_BANDS = 3
FLAT_BANDS, FLAT_PIXELS, FLAT_PERCENT = 8, 10, 1.0  # from which bands, pixels and share on a flat value is told
ALONE, NEARLY, NEARLY_FLAT = 0.9, 0.1, 0.02  # its share of the flat pixels; others' number beside it, and their range
HEIGHT_MARKS = (-9999.0, -99999.0, -999999.0, -32768.0, -32767.0, -999.0, 9999.0, 99999.0, 32767.0, 65535.0)
LEAST_HEIGHTS = 20
LOWEST_PLACE_M, HIGHEST_PLACE_M = -450.0, 9000.0  # shore of the Dead Sea, summit of Mount Everest, rounded outwards


@dataclass(frozen=True)
class Fill:
    """`value` as stored, or None; `note` for the user."""

    value: float | None
    fact: Fact
    note: str | None = None


def sample(cube: Cube, scale: float | FloatArray, offset: float | FloatArray) -> npt.NDArray[np.float64]:
    """(n, b) stored values of pixels spread over the cube, NaN where the file says there is no data."""
    height, width, count = cube.shape
    rows = np.unique(np.linspace(0, height - 1, min(height, ROWS)).round().astype(int))
    columns = np.unique(np.linspace(0, width - 1, min(width, COLUMNS)).round().astype(int))
    bands = np.unique(np.linspace(0, count - 1, min(count, BANDS)).round().astype(int))
    parts = [cube.read(slice(int(row), int(row) + 1), slice(0, width), bands.tolist())[0, columns] for row in rows]
    values = np.concatenate(parts).astype(np.float64)  # (n, b)
    gain = np.broadcast_to(np.asarray(scale, dtype=np.float64), (count,))[bands]
    zero = np.broadcast_to(np.asarray(offset, dtype=np.float64), (count,))[bands]
    if np.all(gain == 1) and np.all(zero == 0):
        return values
    with np.errstate(all="ignore"):
        stored = (values - zero) / gain
        close = np.abs(stored - np.round(stored)) <= 1e-4 * np.maximum(1, np.abs(stored))
    return np.asarray(np.where(close, np.round(stored), stored))


def find(cube: Cube, scale: float | FloatArray, offset: float | FloatArray, rules: int = RULES) -> Fill:
    """The rule of this module on a cube without a declared value; its second part from `plan.RULES` 3 on, the fourth
    from 4 on. The fact is a guess where it has to be asked."""
    some_bands = rules > 2
    none = Fill(None, Fact(None, "likely", "The file declares none, and no value stands apart."))
    if cube.shape[2] < LEAST_BANDS:
        return none
    x = sample(cube, scale, offset)
    present = np.isfinite(x)
    first = np.where(
        present.any(axis=1), x[np.arange(len(x)), present.argmax(axis=1)], np.nan
    )  # each pixel's first value
    flat = present.sum(axis=1) >= LEAST_BANDS
    flat &= np.all(~present | (x == first[:, None]), axis=1) & (first != 0)
    if not flat.any():
        return (_in_some_bands(x) if some_bands else None) or none
    values, counts = np.unique(first[flat], return_counts=True)
    order = sorted(range(values.size), key=lambda k: (values[k] not in KNOWN_FLOATS, -counts[k]))
    inside: tuple[float, int] | None = None
    strange = False
    for k in order:
        value, n = float(values[k]), int(counts[k])
        rest = x[~(flat & (first == value))]
        rest = rest[np.isfinite(rest) & (rest != value) & (rest != 0) & ~_marks(rest)]
        if rest.size == 0:
            continue
        low, high = float(rest.min()), float(rest.max())
        span = max(high - low, 1e-12)
        known = value in KNOWN_FLOATS
        apart = value < low - span or value > high + span
        if known:
            top = value > high and value in (65535.0, 32767.0, 255.0, 65534.0)
            apart |= value < 0 <= low or (top and not (rules > 3 and _saturated(x, value, n)))
        share = 100 * n / len(x)
        if apart and (known or n >= 2):
            shown = f"{value:.6g}"
            more = _another(x, value, [float(values[j]) for j in order if counts[j] >= 2])
            note = (
                f"{shown} is taken as “no data”: it fills {share:.2g} % of the pixels in every band; the other values "
                f"are {low:.4g} to {high:.4g}. The file does not say so; --nodata none keeps them.{more}"
            )
            return Fill(value, Fact(value, "likely", note, (shown, "none")), note)
        if n >= FLAT_PIXELS and share >= FLAT_PERCENT and inside is None:
            inside = value, n
            strange = rules > 3 and value < high and _no_spectrum(x, flat, first, value, span)
    partly = _in_some_bands(x) if some_bands else None
    if partly is not None:
        return partly
    if inside is not None:
        share, shown = 100 * inside[1] / len(x), f"{inside[0]:.6g}"
        if strange:
            reason = (
                f"{share:.2g} % of the pixels hold {shown} in every band, which no spectrum does, and the file does "
                "not say whether that means “no data”"
            )
            return Fill(None, Fact(None, "guess", reason, (shown, "none")))
        note = (
            f"{share:.2g} % of the pixels hold {inside[0]:.6g} in every band. If that means “no data”, open the file "
            f"with --nodata {inside[0]:.6g}."
        )
        return Fill(None, Fact(None, "likely", note, ("none", f"{inside[0]:.6g}")), note)
    return none


def _another(x: npt.NDArray[np.float64], value: float, flat: list[float]) -> str:
    """A sentence on a second mark that fills pixels beside `value`; "" where there is none. One can be left out."""
    for other in flat:
        rest = x[np.isfinite(x) & (x != value) & (x != other) & (x != 0) & ~_marks(x)]
        if other == value or other not in KNOWN_FLOATS or rest.size == 0:
            continue
        low, high = float(rest.min()), float(rest.max())
        if other < low - max(high - low, 1e-12) or other < 0 <= low:
            share = 100 * float((x == other).all(axis=1).mean())
            return (
                f" {other:.6g} fills {share:.2g} % of the pixels as well and is kept as data: if it means “no data” "
                "too, leave those pixels out by a --mask."
            )
    return ""


def _saturated(x: npt.NDArray[np.float64], value: float, n: int) -> bool:
    """Whether so many pixels hold a value in some bands only that the `n` that hold it in all are no fill."""
    held = x == value
    return int((held.any(axis=1) & ~(held | ~np.isfinite(x)).all(axis=1)).sum()) > NEARLY * n


def _no_spectrum(
    x: npt.NDArray[np.float64], flat: npt.NDArray[np.bool_], first: npt.NDArray[np.float64], value: float, span: float
) -> bool:
    """Rule 4: whether a flat value stands alone, with no pixels that are nearly flat as it is."""
    if x.shape[1] < FLAT_BANDS:
        return False
    n = int((flat & (first == value)).sum())
    least = NEARLY_FLAT * span
    if np.all(x[np.isfinite(x)] % 1 == 0):
        least = max(least, 1.0)
    low = np.min(x, axis=1, where=np.isfinite(x), initial=np.inf)
    high = np.max(x, axis=1, where=np.isfinite(x), initial=-np.inf)
    nearly = (high > low) & (high - low <= least)
    return n >= ALONE * int(flat.sum()) and int(nearly.sum()) <= NEARLY * n


def _in_some_bands(x: npt.NDArray[np.float64]) -> Fill | None:
    """Rule 2: a mark below zero in some bands of a pixel only, far from everything else."""
    for value in FAR_MARKS:
        here = x == value
        n = int(here.any(axis=1).sum())
        rest = x[~here & np.isfinite(x) & ~_marks(x)]
        if n == 0 or rest.size == 0:
            continue
        low, high = float(rest.min()), float(rest.max())
        if value < low - max(high - low, 1e-12) or value < 0 <= low:
            note = (
                f"{value:.6g} is taken as “no data”: {100 * n / len(x):.2g} % of the pixels hold it in some bands; the "
                f"other values are {low:.4g} to {high:.4g}. The file does not say so; --nodata none keeps them."
            )
            return Fill(value, Fact(value, "likely", note, (f"{value:.6g}", "none")), note)
    return None


def heights(layers: FloatArray) -> tuple[FloatArray, tuple[str, ...]]:
    """Layers (H, W, L) with NaN for undeclared marks that stand apart, and a note."""
    finite = np.isfinite(layers)
    absurd = finite & (np.abs(np.where(finite, layers, 0)) > 1e6)
    found: list[float] = sorted({float(v) for v in np.unique(layers[absurd])[:3]})
    missing = absurd
    rest = layers[finite & ~absurd]
    for mark in HEIGHT_MARKS:
        here = layers == np.float32(mark)
        others = rest[rest != np.float32(mark)]
        others = others[~_marks(others)]
        if not here.any() or others.size == 0:
            continue
        low, high = float(others.min()), float(others.max())
        if (mark < LOWEST_PLACE_M and mark < low - 0.5 * (high - low)) or (
            mark > HIGHEST_PLACE_M and mark > high + (high - low)
        ):
            missing |= here
            found.append(mark)
    rest = layers[finite & ~missing]
    apart = _lonely(rest)
    remarks: tuple[str, ...] = ()
    if apart is not None and apart < LOWEST_PLACE_M:
        missing |= layers == np.float32(apart)
        found.append(apart)
    elif apart is not None:
        n = int((rest == np.float32(apart)).sum())
        remarks = (Remark(
            f"{n:,} values of the height layer are {apart:.6g}, far below all others: if that means “no data”, declare "
            "it in the file."
        ),)  # fmt: skip
    if not missing.any() or missing[finite].all():
        return layers, remarks
    out = np.array(layers, dtype=np.float32)
    out[missing] = np.nan
    listed = ", ".join(f"{v:.6g}" for v in found)
    note = f"{int(missing.any(axis=2).sum()):,} pixels of the height layer hold {listed}: no height, left out."
    return out, (note, *remarks)


def _lonely(rest: FloatArray) -> float | None:
    """The lowest height, where several pixels hold exactly it and a gap as wide as the range of all others follows."""
    if rest.size < LEAST_HEIGHTS:
        return None
    lowest = float(rest.min())
    others = rest[rest != rest.min()]
    if others.size == 0 or rest.size - others.size < 2:
        return None
    low, high = float(others.min()), float(others.max())
    return lowest if low - lowest > max(high - low, 1.0) else None


KNOWN_FLOATS = frozenset(KNOWN) | frozenset(float(np.float32(v)) for v in KNOWN if abs(v) < 3.41e38)


def _marks(values: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Which values are unmistakable marks: they must not widen the range that another mark is compared with."""
    far = np.abs(values) >= 9e19
    for mark in (-9999.0, -99999.0, -32768.0):
        far |= values == mark
    return np.asarray(far)
