"""What a file looks like before it is opened: its plan beside a small picture and a mean spectrum, and the same under
each answer to a question about it.

Cost: the reader's, and a sample of the pixels; the whole cube is never read here.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import StudioError
from hsi_studio.humanize import counted
from hsi_studio.scene.labelmap import read_classes, read_heights
from hsi_studio.scene.plan import AskAboutFile, Fact, Reading, ReadingPlan, with_another_reference
from hsi_studio.scene.raster import Raster
from hsi_studio.scene.reading import read_file
from hsi_studio.scene.room.access import list_variables
from hsi_studio.scene.rules.alignment import Grid
from hsi_studio.scene.rules.georeference import is_degrees
from hsi_studio.scene.rules.roles import data_in_folder
from hsi_studio.types import Bands, Cube, FloatArray, IntArray
from hsi_studio.watching import tell

SIDE = 160  # pixels a picture has at most
SPECTRUM_PIXELS = 24  # rows and columns the mean spectrum is taken from


@dataclass(frozen=True)
class Choice:
    """`value` answers the option; `picture` is a PNG as a data URL, `spectrum` (B,) a mean; `problem`: why it fails."""

    value: str
    size: str
    picture: str = ""
    spectrum: tuple[float, ...] = ()
    reach: str = ""  # of the wavelengths
    problem: str = ""


@dataclass(frozen=True)
class Look:
    """What a file is taken for. `shape` (H, W, B); `nm`: first and last wavelength; `asked`: a guess about pixels, to
    be answered before it can be opened; `layers`: role → what was found out about that file, or why it does not fit."""

    path: Path
    shape: tuple[int, int, int]
    plan: ReadingPlan
    picture: str
    spectrum: tuple[float, ...]
    nm: tuple[float, float] | None
    place: str  # pixel size and corner; "" = rows and columns only
    notes: tuple[str, ...]
    layers: Mapping[str, Fact]
    variables: tuple[tuple[str, tuple[int, ...]], ...]  # that could be the scene, where there are several
    asked: AskAboutFile | None
    choices: tuple[Choice, ...] = ()


def look(path: Path, variable: str | None, said: Mapping[str, Any], layers: Mapping[str, str]) -> Look:
    """The plan of a file, read with what is said about it (`plan.Reading`). `layers`: role (dsm, reference) → "FILE" or
    "FILE:variable". Raises FileProblem and its kinds, BadRequest; a guess is `asked`, not raised."""
    path = data_in_folder(path)
    reading = Reading.of(said)
    found = read_file(path, variable, reading)
    raster, asked = found.raster, None
    if found.plan.asked and reading.rules > 1:
        asked = AskAboutFile(path, found.plan)
    tell("Making a picture")
    nm = raster.bands.wavelength_nm
    return Look(
        path,
        raster.cube.shape,
        found.plan,
        _png(_picture(raster.cube, raster.bands)),
        tuple(float(v) for v in _spectrum(raster.cube)),
        None if nm is None else (float(nm[0]), float(nm[-1])),
        _place(raster),
        with_another_reference(raster.notes, found.plan) if "reference" in layers else raster.notes,
        _own_layers(raster) | {role: _laid(role, spec, raster, path) for role, spec in layers.items()},
        _variables(path, found.plan, variable),
        asked,
        () if asked is None else tuple(choices(asked, variable, said)),
    )


def _own_layers(raster: Raster) -> dict[str, Fact]:
    """What the scene's own file brings."""
    found = {}
    if raster.dsm is not None:
        found["dsm"] = Fact(_heights(raster.dsm), "likely", "In the same file.")
    if raster.reference is not None:
        found["reference"] = Fact(_classes(raster.reference), "likely", "In the same file.")
    return found


def _heights(heights: FloatArray) -> str:
    return f"{np.nanmin(heights[..., 0]):.4g} to {np.nanmax(heights[..., 0]):.4g} m"


def _classes(labels: IntArray) -> str:
    n = len(np.unique(labels[labels > 0]))
    return f"{counted(n, 'class', 'classes')}, {counted(int((labels > 0).sum()), 'pixel')}"


def _variables(path: Path, plan: ReadingPlan, said: str | None) -> tuple[tuple[str, tuple[int, ...]], ...]:
    if "variable" not in plan or (plan["variable"].sure == "certain" and said is None):
        return ()
    return tuple((name, shape) for name, shape, _ in list_variables(path) if len(shape) == 3)


def _laid(role: str, spec: str, raster: Raster, path: Path) -> Fact:
    """How a height layer or a reference comes to lie on the scene; value None = it does not fit, and why."""
    tell("Laying the other files on the scene")
    height, width, _ = raster.cube.shape
    grid = Grid((height, width), raster.transform, raster.crs)
    try:
        if role == "dsm":
            heights, notes = read_heights(spec, grid, beside=path)
            what = _heights(heights)
        else:
            found = read_classes(spec, grid, beside=path)
            notes, what = found.notes, _classes(found.labels)
    except StudioError as error:
        return Fact(None, "guess", str(error))
    return Fact(what, "likely" if notes else "certain", " ".join(notes) or "It has the scene's pixels.")


def _place(raster: Raster) -> str:
    if raster.transform is None:
        return ""
    a, b, x, d, e, y = raster.transform
    turned = "" if not b and not d else ", turned"
    south = ", south up" if e > 0 else ""
    unit = "°" if is_degrees(raster.crs) else ""
    side = f"{raster.gsd_m:.4g} m a pixel" if raster.gsd_m and not unit else f"{abs(a):.4g}{unit} a pixel"
    return f"{side}, upper left corner {x:.10g}, {y:.10g}{turned}{south}"


def choices(error: AskAboutFile, variable: str | None, said: Mapping[str, Any]) -> list[Choice]:
    """One `Choice` for each answer to what `error` asks. A choice that cannot be opened says why."""
    out = []
    for value in error.choices:
        reading = Reading.of({**said, error.question: value})
        try:
            out.append(_choice(error.path, variable, reading, value))
        except StudioError as problem:
            out.append(Choice(value, "", problem=str(problem)))
    return out


def _choice(path: Path, variable: str | None, reading: Reading, value: str) -> Choice:
    raster = read_file(path, variable, reading).raster
    height, width, count = raster.cube.shape
    nm = raster.bands.wavelength_nm
    return Choice(
        value,
        f"{height} rows × {width} columns × {count} bands",
        _png(_picture(raster.cube, raster.bands)),
        tuple(float(v) for v in _spectrum(raster.cube)),
        "" if nm is None else f"{nm.min():.0f}–{nm.max():.0f} nm",
    )


def _spread(n: int, most: int) -> npt.NDArray[np.intp]:
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.intp))


def _picture(cube: Cube, about: Bands) -> npt.NDArray[np.uint8]:
    """(h, w, 3) red, green and blue by wavelength where they are known, else three bands spread over the range,
    stretched between their 2nd and 98th percentile."""
    height, width, count = cube.shape
    most = max(height, width)
    rows, cols = _spread(height, -(-SIDE * height // most)), _spread(width, -(-SIDE * width // most))
    nm = about.wavelength_nm
    if nm is not None and nm.min() < 560 and nm.max() > 620:
        bands = [int(np.abs(nm - wanted).argmin()) for wanted in (650, 550, 470)]
    else:
        bands = [0, 1, 2] if count == 3 else [int(count * share) for share in (0.6, 0.35, 0.12)]
    unique = sorted({min(b, count - 1) for b in bands})
    lines = [cube.read(slice(int(r), int(r) + 1), slice(0, width), unique)[0, cols] for r in rows]
    values = np.stack(lines)[:, :, [unique.index(min(b, count - 1)) for b in bands]]  # (h, w, 3)
    out = np.zeros(values.shape, np.uint8)
    for channel in range(3):
        plane = values[:, :, channel]
        finite = plane[np.isfinite(plane)]
        if finite.size:
            low, high = np.percentile(finite, [2, 98])
            scaled = np.clip((plane - low) / max(high - low, 1e-12), 0, 1) * 255
            out[:, :, channel] = np.where(np.isfinite(plane), scaled, 0).astype(np.uint8)
    return out


def _spectrum(cube: Cube) -> FloatArray:
    """(B,) mean over pixels spread over the scene; 0 where no pixel has data."""
    height, width, _ = cube.shape
    cols = _spread(width, SPECTRUM_PIXELS)
    lines = [cube.read(slice(int(r), int(r) + 1), slice(0, width))[0, cols] for r in _spread(height, SPECTRUM_PIXELS)]
    pixels = np.concatenate(lines)
    finite = np.isfinite(pixels)
    total = np.where(finite, pixels, 0).sum(axis=0, dtype=np.float64)
    return np.asarray(total / np.maximum(finite.sum(axis=0), 1), dtype=np.float32)


def _png(picture: npt.NDArray[np.uint8]) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
