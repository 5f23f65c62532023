"""What an ENVI header says of the stored numbers' scale: one number, one a band, and what its writers make of it.

The fields are those of NV5's "ENVI Header Files": `reflectance scale factor` (reflectance = stored / factor), `data
reflectance gain values` and `… offset values` (reflectance), `data gain values` and `data offset values` (radiance).
Unusual: a scale factor below 1 is multiplied with, because that is what its writer means; gains given once are every
band's; lists of another length are told, not used, and so is a key ENVI does not know ("scale factor").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.formats.envi_header import Header
from hsi_studio.types import FloatArray

UNKNOWN = ("scale factor", "scalefactor", "reflectance scale", "scale", "gain", "data scale factor")


@dataclass(frozen=True)
class Scaling:
    """value = stored · gain + offset, one number or (B,). `unit`: "reflectance" or ""."""

    gain: float | FloatArray = 1.0
    offset: float | FloatArray = 0.0
    unit: str = ""
    notes: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()  # as of `Raster`


def scaling(header: Header, count: int) -> Scaling:
    """Of `count` bands."""
    factor = header.numbers("reflectance scale factor", count)
    if factor is not None:
        return _by_factor(factor, count)
    reflected, notes = _pair(header, "data reflectance gain values", "data reflectance offset values", count)
    if reflected is not None:
        said = "The header's gains and offsets to reflectance are applied."
        return Scaling(*reflected, "reflectance", (*notes, said), ("scale:reflectance",))
    found, more = _pair(header, "data gain values", "data offset values", count)
    notes = (*notes, *more)
    if found is None:
        return Scaling(notes=(*notes, *_strangers(header)))
    once = header.numbers("data gain values", count)
    return Scaling(*found, "", notes, ("scale:once",) if once is not None and once.size == 1 < count else ())


def former(header: Header, count: int) -> Scaling:
    """As projects of rules before 5 read it: a list of factors not at all, gains only where there is one a band."""
    factor = header.numbers("reflectance scale factor")
    unit = "" if factor is None else "reflectance"
    if factor is not None and factor.size == 1 and factor[0] > 0:
        note = f"Stored values are divided by the header's reflectance scale factor, {factor[0]:g}."
        return Scaling(1.0 / float(factor[0]), 0.0, unit, (note,) if factor[0] != 1 else ())
    gains, offsets = header.numbers("data gain values"), header.numbers("data offset values")
    gain: float | FloatArray = 1.0
    offset: float | FloatArray = 0.0
    notes: list[str] = []
    if gains is not None and gains.size == count:
        gain = gains.astype(np.float32)
        notes.append("The header's gain of every band is applied.")
    if offsets is not None and offsets.size == count:
        offset = offsets.astype(np.float32)
        notes.append("The header's offset of every band is applied.")
    return Scaling(gain, offset, unit, tuple(notes))


def _by_factor(factor: npt.NDArray[np.float64], count: int) -> Scaling:
    if factor.size not in (1, count) or not np.all(factor > 0):
        listed = f"{factor.size} numbers for {count} bands" if factor.size not in (1, count) else "numbers below 0 or 0"
        note = f"The header's reflectance scale factor holds {listed}; it is not used: say it with --scale."
        return Scaling(notes=(note,))
    first = float(factor[0])
    alike = bool(np.all(factor == first))
    shown = f"{first:g}" if alike else f"{factor.min():g}–{factor.max():g}, one a band"
    if np.all(factor < 1):
        note = (
            f"The header's reflectance scale factor is {shown}: stored values are multiplied by it, since a division "
            "would make them larger."
        )
        gain: float | FloatArray = first if alike else factor.astype(np.float32)
        return Scaling(gain, 0.0, "reflectance", (note,), ("scale:times",))
    note = f"Stored values are divided by the header's reflectance scale factor, {shown}."
    if factor.size == 1:
        return Scaling(1.0 / first, 0.0, "reflectance", (note,) if first != 1 else ())
    return Scaling((1.0 / factor).astype(np.float32), 0.0, "reflectance", (note,), ("scale:list",))


def _pair(
    header: Header, gain_key: str, offset_key: str, count: int
) -> tuple[tuple[float | FloatArray, float | FloatArray] | None, tuple[str, ...]]:
    """((gain, offset) or None where neither can be used, notes)."""
    gains, offsets = header.numbers(gain_key, count), header.numbers(offset_key, count)
    notes: list[str] = []
    found: list[float | FloatArray | None] = []
    for values, word in ((gains, "gain"), (offsets, "offset")):
        if values is None or values.size not in (1, count):
            found.append(None)
            if values is not None:
                key = gain_key if word == "gain" else offset_key
                notes.append(f"The header lists {values.size} {key} for {count} bands; they are not used.")
            continue
        found.append(values.astype(np.float32) if values.size == count else float(values[0]))
        notes.append(f"The header's {word} of every band is applied.")
    if found[0] is None and found[1] is None:
        return None, tuple(notes)
    return (1.0 if found[0] is None else found[0], 0.0 if found[1] is None else found[1]), tuple(notes)


def _strangers(header: Header) -> tuple[str, ...]:
    """A note on keys that look like a scale and are none that ENVI knows."""
    there = [key for key in UNKNOWN if header.numbers(key) is not None]
    if not there:
        return ()
    value = header.text(there[0])[:40]
    return (
        f"The header says “{there[0]} = {value}”, which ENVI does not know: stored values are left as they are. If it "
        "is their scale, say what they are multiplied by with --scale, as in 0.0001.",
    )
