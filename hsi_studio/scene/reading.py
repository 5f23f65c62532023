"""A file and what is said about it → a `Raster` and its `ReadingPlan`.

The reader says what the file says; here the rest is added: what the user says instead (`Reading`), fill values that the
file does not declare, an impossible map system. Nothing is copied: values are changed when a window is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest, SizeMismatch
from hsi_studio.scene.plan import RULES, Fact, Reading, ReadingPlan
from hsi_studio.scene.raster import Raster
from hsi_studio.scene.room.access import find_reader
from hsi_studio.scene.rules import georeference, nodata, wavelengths
from hsi_studio.scene.said_cube import SaidCube
from hsi_studio.types import Bands


@dataclass(frozen=True)
class Read:
    raster: Raster
    plan: ReadingPlan


def read_file(path: Path, variable: str | None, reading: Reading) -> Read:
    """The raster of a file as it is to be read. Raises FileProblem and its kinds, BadRequest; guesses are in the
    plan."""
    reader = find_reader(path, rules=reading.rules)
    said_axes = "by variance" if reading.rules == 1 and reading.axes is None else reading.axes
    former = {"rules": reading.rules} if reading.rules < RULES and getattr(reader, "takes_rules", False) else {}
    if said_axes is not None and getattr(reader, "takes_axes", False):
        raster: Raster = reader.open(path, variable, said_axes, **former)  # type: ignore[call-arg]
    else:
        raster = reader.open(path, variable, **former)
        if reading.stored_axes is not None:
            raster = _turned(raster, reading)
    if "-SPECTRAL_IMAGE" in path.name.upper() and "product" not in raster.facts:
        without = (
            "This is named like a product's spectral image, and no METADATA.XML of its name lies beside it: "
            "wavelengths and scale are in that file."
        )
        raster = replace(raster, notes=(*raster.notes, without))
    facts = dict(raster.facts)
    for step in (_bands, _values, _fill, _mask, _quality, _place, _size):
        raster, more = step(path, raster, reading)
        facts |= more
    usable = raster.bands.usable
    out = 0 if usable is None else int((~usable).sum())
    facts["bad bands"] = Fact(out, "certain", "Ruled out by the file." if out else "The file rules no band out.")
    return Read(raster, ReadingPlan(facts))


Step = tuple[Raster, dict[str, Fact]]


def _turned(raster: Raster, reading: Reading) -> Raster:
    """Other axes for a format whose reader names them itself: what lay on the old ones is left out."""
    axes = reading.stored_axes
    if axes is None or axes == (0, 1, 2):
        return raster
    cube = SaidCube(raster.cube, axes)
    count = cube.shape[2]
    kept = raster.bands if axes[2] == 2 else Bands(count)
    fact = Fact(reading.axes, "certain", f"You say so: the axes are {reading.axes}.")
    return replace(
        raster,
        cube=cube,
        bands=kept,
        transform=None,
        crs=None,
        gsd_m=None,
        scale=raster.scale if axes[2] == 2 else 1.0,
        offset=raster.offset if axes[2] == 2 else 0.0,
        facts=raster.facts | {"axes": fact},
        differs=(*raster.differs, f"axes:{reading.axes}"),
    )


def _bands(path: Path, raster: Raster, reading: Reading) -> Step:
    count, bands = raster.bands.count, raster.bands
    if reading.wavelengths is None and reading.unit is None:
        fact = raster.facts.get("wavelengths")
        if fact is None:
            nm = bands.wavelength_nm
            value = None if nm is None else [float(nm[0]), float(nm[-1])]
            reason = "The file has none: bands go by number." if nm is None else "From the file."
            fact = Fact(value, "likely" if nm is None else "certain", reason)
        asked = {"unit": fact} if fact.sure == "guess" and reading.rules > 1 else {}
        return raster, {"wavelengths": fact, **asked}
    if reading.wavelengths == ():
        said = Fact(None, "certain", "You say that the file has no wavelengths.")
        return replace(raster, bands=Bands(count, usable=bands.usable)), {"wavelengths": said}
    if reading.wavelengths is not None:
        listed, unit = np.asarray(reading.wavelengths), reading.unit
        if listed.size != count:
            raise SizeMismatch(
                path, f"{listed.size} wavelengths are given and it has {count} bands", "Give one number a band"
            )
    else:
        stored = _stored_wavelengths(raster)
        if stored is None:
            raise BadRequest(f"{path.name} has no wavelengths whose unit could be {reading.unit}: give --wavelengths.")
        listed, unit = stored, reading.unit
    found = wavelengths.read(listed, unit)
    if found.nm is None:
        raise BadRequest(f"{path.name}: {found.notes[0]}")
    fact = Fact(found.fact.value, "certain", "You give them." if reading.wavelengths else f"You say: in {unit}.")
    fwhm = None
    if bands.fwhm_nm is not None and bands.wavelength_nm is not None and not reading.wavelengths:
        fwhm = (bands.fwhm_nm * (found.nm / bands.wavelength_nm)).astype(np.float32)
    notes = tuple(n for n in raster.notes if "wavelength" not in n.lower())
    asked = {}
    if reading.rules > 8 and reading.unit is None:  # numbers alone: what is made of them is told, and a guess is asked
        notes += tuple(note.replace("The file gives wavelengths", "You give wavelengths") for note in found.notes)
        asked = {"unit": found.fact} if found.fact.sure == "guess" else {}
    made = replace(raster, bands=Bands(count, found.nm, fwhm, bands.usable), notes=notes)
    return made, {"wavelengths": fact, **asked}


def _stored_wavelengths(raster: Raster) -> npt.NDArray[Any] | None:
    """The file's numbers before any unit: what the rule made nanometres of, undone."""
    if raster.stored_wavelengths is not None:
        return np.asarray(raster.stored_wavelengths, dtype=np.float64)
    nm = raster.bands.wavelength_nm
    return None if nm is None else nm.astype(np.float64)


def _values(path: Path, raster: Raster, reading: Reading) -> Step:
    """`--scale`: value = stored · scale, in place of what the file says."""
    count = raster.cube.shape[2]
    gain = np.broadcast_to(np.asarray(raster.scale, dtype=np.float32), (count,))
    shift = np.broadcast_to(np.asarray(raster.offset, dtype=np.float32), (count,))
    if reading.scale is None:
        stated = bool(np.any(gain != 1) or np.any(shift != 0))
        value = float(gain[0]) if np.all(gain == gain[0]) else [float(gain.min()), float(gain.max())]
        return raster, {"scale": Fact(value, "certain", "The file says so." if stated else "The file gives none.")}
    factor = (np.float32(reading.scale) / gain).astype(np.float32)
    cube = SaidCube(raster.cube, gain=factor, shift=(-shift * factor).astype(np.float32))
    said = Fact(reading.scale, "certain", f"You say: stored values times {reading.scale:g}.")
    notes = (*raster.notes, f"Stored values are multiplied by {reading.scale:g}, as you say.")
    made = replace(raster, cube=cube, scale=reading.scale, offset=0.0, notes=notes)
    return replace(made, differs=(*raster.differs, f"scale:{reading.scale:g}")), {"scale": said}


def _fill(path: Path, raster: Raster, reading: Reading) -> Step:
    declared = raster.facts.get("nodata", Fact(None, "likely", "The file declares none."))
    if reading.nodata == "none":
        free = getattr(raster.cube, "with_nodata", None)
        said = Fact(None, "certain", "You say: every value is data.")
        if declared.value is None:
            return raster, {"nodata": said}
        if free is None:
            raise BadRequest(f"{path.name}: its “no data” value {declared.value:g} cannot be switched off.")
        return replace(raster, cube=free(None), differs=(*raster.differs, "nodata:none")), {"nodata": said}
    if reading.nodata is not None:
        value = float(reading.nodata)
        said = Fact(value, "certain", f"You say: {value:.6g} means “no data”.")
        return _filled(raster, value, None if declared.value == value else said), {"nodata": said}
    if reading.rules == 1:
        return raster, {"nodata": declared}
    found = nodata.find(raster.cube, raster.scale, raster.offset, reading.rules)
    if found.value is None:
        fact = declared if declared.value is not None else found.fact
        notes = (*raster.notes, found.note) if found.note and declared.value is None else raster.notes
        return replace(raster, notes=notes), {"nodata": fact}
    made = _filled(raster, found.value, found.fact)
    return replace(made, notes=(*made.notes, *([found.note] if found.note else []))), {"nodata": found.fact}


def _filled(raster: Raster, value: float, why: Fact | None) -> Raster:
    if why is None:
        return raster
    count = raster.cube.shape[2]
    gain = np.broadcast_to(np.asarray(raster.scale, dtype=np.float32), (count,))
    shift = np.broadcast_to(np.asarray(raster.offset, dtype=np.float32), (count,))
    with np.errstate(over="ignore"):
        fill = np.full(count, value, dtype=np.float32)
        fill *= gain  # in the order the cubes scale, so that equal numbers stay equal
        fill += shift
    return replace(raster, cube=SaidCube(raster.cube, fill=fill), differs=(*raster.differs, f"nodata:{value:.9g}"))


def _mask(path: Path, raster: Raster, reading: Reading) -> Step:
    beside = raster.facts.get("mask")
    if reading.mask is None:
        return (raster, {}) if beside is None else (replace(raster, notes=(*raster.notes, beside.reason)), {})
    from hsi_studio.scene.labelmap import read_mask
    from hsi_studio.scene.rules.alignment import Grid
    from hsi_studio.scene.rules.masks import both_ways, turned

    height, width, _ = raster.cube.shape
    usable, notes = read_mask(
        reading.mask, Grid((height, width), raster.transform, raster.crs, reading.rules), beside=path
    )
    named, other_way = turned(reading.mask)
    out = int((~usable).sum())
    what = "what it marks is" if other_way else "its zeros are"
    note = f"{out:,} of {usable.size:,} pixels are left out by the mask {Path(named).name}: {what}."
    ways = tuple(dict.fromkeys((*both_ways(named), *(beside.choices if beside else ()))))
    said = Fact(reading.mask, "certain", f"You say: {what} left out.", ways)
    cube = SaidCube(raster.cube, usable=usable)
    made = replace(raster, cube=cube, notes=(*raster.notes, note, *notes))
    return replace(made, differs=(*raster.differs, f"mask:{int(usable.sum())}")), {"mask": said}


def _quality(path: Path, raster: Raster, reading: Reading) -> Step:
    """The product's own masks: listed, and left out of the scene where the user asks for it."""
    from hsi_studio.scene.rules import quality

    there = quality.listed(raster)
    if reading.quality is None:
        if not there:
            return raster, {}
        kinds = ", ".join(there)
        first = next(iter(there))
        note = (
            f"The product brings masks of {kinds}; none is applied. To leave out what they mark, name them "
            f"under “Quality masks”, as {first}, or all (in a shell: --quality {first})."
        )
        return replace(raster, notes=(*raster.notes, note)), {"quality": Fact(None, "certain", note)}
    kinds_wanted = quality.chosen(path, reading.quality, there)
    usable, told = quality.usable(path, raster, kinds_wanted, there)
    if not usable.any():
        raise BadRequest(f"{path.name}: the masks of {', '.join(kinds_wanted)} leave out every pixel.")
    said = Fact(", ".join(kinds_wanted), "certain", "You say: what these masks mark is left out.")
    differs = (*raster.differs, f"quality:{','.join(kinds_wanted)}:{int(usable.sum())}")
    made = replace(raster, cube=SaidCube(raster.cube, usable=usable), notes=(*raster.notes, *told), differs=differs)
    return made, {"quality": said}


def _place(path: Path, raster: Raster, reading: Reading) -> Step:
    """The map system, where one is said; one that the coordinates contradict is left out, and coordinates that no
    place on a map has."""
    if raster.transform is not None and not all(abs(n) < georeference.FARTHEST for n in raster.transform):  # NaN is not
        unknown = "The file's map coordinates are no numbers of a map; the scene has no map coordinates."
        raster = replace(raster, transform=None, crs=None, gsd_m=None, notes=(*raster.notes, unknown))
    if reading.crs is not None:
        system = georeference.named(reading.crs)
        if system is None:
            raise BadRequest(f"crs {reading.crs[:60]!r}: write it as EPSG:32633, or as well-known text.")
        side = georeference.side_m(raster.transform, system)
        said = Fact(reading.crs, "certain", "You say so.")
        return replace(raster, crs=system, gsd_m=side), {"crs": said}
    problem = georeference.contradiction(raster.transform, raster.crs, raster.cube.shape[:2])
    if problem:
        made = replace(raster, crs=None, gsd_m=None, notes=(*raster.notes, problem))
        return made, {"crs": Fact(None, "likely", problem)}
    if doubt := georeference.doubt(raster.transform, raster.crs, raster.cube.shape[:2]):
        return replace(raster, notes=(*raster.notes, doubt)), {"crs": Fact(raster.crs, "likely", doubt)}
    sure = "certain" if raster.crs else "likely"
    reason = "From the file." if raster.crs else "The file has no map system: rows and columns only."
    return raster, {"crs": Fact(raster.crs, sure, reason)}  # type: ignore[arg-type]


def _size(path: Path, raster: Raster, reading: Reading) -> Step:
    """The pixel size with which areas are right."""
    side, note = georeference.true_side(raster.gsd_m, raster.transform, raster.crs, raster.cube.shape[:2])
    return (replace(raster, gsd_m=side, notes=(*raster.notes, note)) if note else raster), {}
