"""What a file looks like under each answer to a question about it: a small picture and a mean spectrum."""

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
from hsi_studio.scene.plan import AskAboutFile, Reading
from hsi_studio.scene.reading import read_file
from hsi_studio.types import Cube, FloatArray

SIDE = 96  # pixels a picture has at most
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
        _png(_picture(raster.cube)),
        tuple(float(v) for v in _spectrum(raster.cube)),
        "" if nm is None else f"{nm.min():.0f}–{nm.max():.0f} nm",
    )


def _spread(n: int, most: int) -> npt.NDArray[np.intp]:
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.intp))


def _picture(cube: Cube) -> npt.NDArray[np.uint8]:
    """(h, w, 3) three bands spread over the range, stretched between their 2nd and 98th percentile."""
    height, width, count = cube.shape
    rows, cols = _spread(height, SIDE), _spread(width, SIDE)
    bands = [int(count * share) for share in (0.6, 0.35, 0.12)]
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
