"""What a data set of HDF5 says of its numbers: scale, offset, missing values, limits, and bytes without a sign.

Sources: CF conventions 1.11, sections 2.5 (missing data, valid range) and 8.1 (packed data); the netCDF User's Guide,
attribute conventions (_Unsigned). NEON's `Scale_Factor` (10000) divides. Lists give one number a band.
Unusual: what lies outside the valid range is left out only where it lies further outside than half of that range:
reflectance below zero is noise that a pixel must not be dropped for. Limits of the kind of number that packed values
are count for them, others for the unpacked ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.plan import RULES
from hsi_studio.scene.raster import Raster
from hsi_studio.scene.rules import nodata
from hsi_studio.scene.rules.wavelengths import number
from hsi_studio.scene.said_cube import SaidCube
from hsi_studio.types import FloatArray

NO_DATA = ("Data_Ignore_Value", "_FillValue", "missing_value", "no_data_value", "nodata")
BEYOND = 0.5  # of the valid range


def text(value: Any) -> str | None:
    if value is None:
        return None
    item = np.asarray(value).ravel()
    if item.size == 0:
        return None
    return item[0].decode("utf-8", "replace") if isinstance(item[0], bytes) else str(item[0])


def dtype_of(item: Any, rules: int) -> np.dtype[Any]:
    """As which type the stored bytes are read: _Unsigned = "true" makes integers without a sign."""
    found: np.dtype[Any] = item.dtype
    said = (text(item.attrs.get("_Unsigned")) or "").lower() == "true"
    return np.dtype(found.str.replace("i", "u")) if rules > 6 and said and found.kind == "i" else found


def first(item: Any, names: tuple[str, ...], rules: int = RULES) -> float | None:
    """The first of these attributes as a number, also where it is written as text."""
    for name in names:
        if name in item.attrs:
            values = np.asarray(item.attrs[name]).ravel()
            if values.size and values.dtype.kind in "iuf":
                return float(_as_read(values, item, rules)[0])
            said = None if rules < 5 or values.size != 1 else number(text(values) or "")
            if said is not None:
                return said
    return None


def _as_read(values: npt.NDArray[Any], item: Any, rules: int) -> npt.NDArray[Any]:
    kind = dtype_of(item, rules)
    return values.view(kind) if kind != item.dtype and values.dtype == item.dtype else values


def scale_of(item: Any, rules: int) -> tuple[float | FloatArray, float | FloatArray]:
    """(scale, offset); one a band where the attribute lists as many as an axis is long."""
    divisor = first(item, ("Scale_Factor", "Scale Factor"), rules)
    if divisor is not None and divisor > 0:
        return (1.0 / divisor if divisor >= 1 else divisor), 0.0
    scales = _listed(item, "scale_factor") if rules > 4 else None
    offsets = _listed(item, "add_offset") if rules > 6 else None
    scale = (first(item, ("scale_factor",), rules) or 1.0) if scales is None else scales
    return scale, (first(item, ("add_offset",), rules) or 0.0) if offsets is None else offsets


def _listed(item: Any, name: str) -> FloatArray | None:
    listed = np.asarray(item.attrs.get(name, 1.0)).ravel()
    several = listed.size > 1 and listed.size in item.shape and listed.dtype.kind in "iuf" and np.ptp(listed)
    return listed.astype(np.float32) if several else None


def without_marks(raster: Raster, item: Any, rules: int) -> Raster:
    """The raster without the missing values that follow the first one, and without what lies far outside the valid
    range of `item`, where a sample of its pixels has any."""
    if rules < 7:
        return raster
    for mark in _more_marks(item, rules):
        if (nodata.sample(raster.cube, raster.scale, raster.offset) == mark).any():
            fill = _in_units(np.full(raster.cube.shape[2], mark, dtype=np.float32), raster)
            raster = replace(
                raster, cube=SaidCube(raster.cube, fill=fill), differs=(*raster.differs, f"missing:{mark:.9g}")
            )
    low, high, packed = _limits(item, rules)
    if low is None and high is None:
        return raster
    count = raster.cube.shape[2]
    width = high - low if low is not None and high is not None else abs(high or low or 0.0)
    ends = np.full((2, count), -np.inf, dtype=np.float32)
    ends[0] = -np.inf if low is None else low - BEYOND * width
    ends[1] = np.inf if high is None else high + BEYOND * width
    if packed:
        ends = np.sort([_in_units(end, raster) for end in ends], axis=0)
    bands = np.unique(np.linspace(0, count - 1, min(count, nodata.BANDS)).round().astype(int))
    seen = nodata.sample(raster.cube, 1.0, 0.0)  # (n, b)
    out = ((seen < ends[0, bands]) | (seen > ends[1, bands])).any(axis=1)
    if not out.any():
        return raster
    spelled = " to ".join(f"{v:.6g}" for v in (low, high) if v is not None)
    note = (
        f"{100 * out.mean():.3g} % of the pixels hold values far outside the range that the file calls valid "
        f"({spelled}); such values are left out."
    )
    return replace(
        raster,
        cube=SaidCube(raster.cube, within=(ends[0], ends[1])),
        notes=(*raster.notes, note),
        differs=(*raster.differs, f"valid:{spelled}"),
    )


def _in_units(stored: FloatArray, raster: Raster) -> FloatArray:
    """(B,) stored values as the cube gives them, in the order in which it scales."""
    with np.errstate(over="ignore", invalid="ignore"):
        out: FloatArray = stored * np.asarray(raster.scale, dtype=np.float32)
        out += np.asarray(raster.offset, dtype=np.float32)
    return out


def flag_names(item: Any) -> dict[int, str]:
    """{value: meaning} of CF's flag_values and flag_meanings (section 3.5): the classes of a map; {} where they differ
    in number."""
    values = np.asarray(item.attrs.get("flag_values", ())).ravel()
    said = np.asarray(item.attrs.get("flag_meanings", "")).ravel()
    meanings = (text(said) or "").split() if said.size == 1 else [str(text(one)) for one in said]
    if values.dtype.kind not in "iuf" or values.size != len(meanings) or not np.all(values == np.round(values)):
        return {}
    return {int(value): meaning.replace("_", " ") for value, meaning in zip(values, meanings, strict=True) if value > 0}


def _more_marks(item: Any, rules: int) -> list[float]:
    """All missing values but the first, which the cube knows."""
    found: list[float] = []
    for name in NO_DATA:
        values = np.asarray(item.attrs.get(name, ())).ravel()
        if values.dtype.kind in "iuf":
            found += [float(v) for v in _as_read(values, item, rules)]
    one = first(item, NO_DATA, rules)
    return [v for v in dict.fromkeys(found) if v != one and np.isfinite(v)]


def _limits(item: Any, rules: int) -> tuple[float | None, float | None, bool]:
    """(lowest, highest valid value, whether of the stored numbers); (None, None, …) where none or odd ones are
    given."""
    given = np.asarray(item.attrs.get("valid_range", ())).ravel()
    if given.size == 2 and given.dtype.kind in "iuf":
        ends = [given[:1], given[1:]]
    else:
        ends = [np.asarray(item.attrs.get(name, ())).ravel() for name in ("valid_min", "valid_max")]
    if not all(end.dtype.kind in "iuf" for end in ends):
        return None, None, False
    low, high = (float(_as_read(end, item, rules)[0]) if end.size else None for end in ends)
    packed = not (item.dtype.kind in "iu" and any(end.dtype.kind == "f" for end in ends if end.size))
    wrong = low is not None and high is not None and low >= high
    return (None, None, packed) if wrong or low == high == 0 else (low, high, packed)
