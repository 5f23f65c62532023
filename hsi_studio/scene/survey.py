"""One pass over a cube: which pixels and bands are usable, and each band's range.

Definitions (see `types.Survey`):
- a band is good when the header does not rule it out, it varies, and it has data in at least half of
  the pixels that have any;
- a pixel is valid when it is finite in every good band and not zero in all of them (borders of
  rotated or clipped scenes are filled with zeros).

The two depend on each other only where data are missing. So the first pass takes every pixel and every
band; a second one is made only when it found gaps. A scene of more than LARGE values is not read as a whole before it
opens: its bands are judged on a sample. Memory: one chunk of rows (about 16 MB) and a few
(H, W) and (B,) arrays, whatever the size of the scene. Statistics are merged in float64 (Chan, Golub and
LeVeque 1983, eq. 2.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadValues
from hsi_studio.humanize import counted
from hsi_studio.scene.coverage import Covered, pixel_notes
from hsi_studio.types import Bands, BoolArray, FloatArray, Scene, Survey
from hsi_studio.watching import tell

NO_DATA_MARKS = (-9999.0, -99999.0, -32768.0, -999.0, 65535.0, float(np.float32(1e20)))
CHUNK_VALUES = 4_000_000  # float32 values read at once: 16 MB
LARGE = 500_000_000  # values, about 7 s of reading: a scene with more is shown from a sample
SAMPLE = 20_000_000  # values of that
SAMPLE_ROWS = (32, 256)  # its rows at least (each costs a disk a search a band); more where few tell nothing
FEWEST = 1000  # valid pixels it must hold to tell anything


class _Moments:
    """Minimum, maximum, mean and standard deviation per band, merged chunk by chunk."""

    def __init__(self, n_bands: int) -> None:
        self.low = np.full(n_bands, np.inf)
        self.high = np.full(n_bands, -np.inf)
        self.count = np.zeros(n_bands)
        self.mean = np.zeros(n_bands)
        self.square = np.zeros(n_bands)  # sum of squared distances from the mean

    def add(self, x: FloatArray, complete: bool) -> None:
        """x (N, B); NaN = missing, `complete` = there are none."""
        if x.shape[0] == 0:
            return
        finite = None if complete else np.isfinite(x)
        count = np.full(x.shape[1], float(x.shape[0])) if finite is None else finite.sum(axis=0).astype(np.float64)
        if finite is None:
            low, high = x.min(axis=0), x.max(axis=0)
            total = x.sum(axis=0, dtype=np.float64)
        else:
            low = np.min(x, axis=0, where=finite, initial=np.inf)
            high = np.max(x, axis=0, where=finite, initial=-np.inf)
            total = np.sum(x, axis=0, where=finite, dtype=np.float64)
        mean = total / np.maximum(count, 1)
        with np.errstate(over="ignore"):
            centred = x - mean.astype(np.float32)
        if finite is not None:
            centred[~finite] = 0
        square = np.einsum("nb,nb->b", centred, centred, dtype=np.float64)
        merged = self.count + count
        delta = mean - self.mean
        share = count / np.maximum(merged, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            self.square += square + delta**2 * self.count * share
        self.mean += delta * share
        self.count = merged
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)


def _chunks(scene: Scene) -> Iterator[tuple[int, int, FloatArray]]:
    """(first row, last row + 1, values (n, B)) over the scene."""
    height, width, n_bands = scene.shape
    step = max(1, CHUNK_VALUES // max(1, width * n_bands))
    cols_step = width if width * n_bands <= 4 * CHUNK_VALUES else max(1, CHUNK_VALUES // n_bands)
    for row in range(0, height, step):
        stop = min(row + step, height)
        parts = [
            scene.read(slice(row, stop), slice(col, min(col + cols_step, width))) for col in range(0, width, cols_step)
        ]
        tell("Looking at every pixel", row, height)
        block = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        yield row, stop, block.reshape(-1, n_bands)  # (h, w, B) → (N, B)


def survey(scene: Scene) -> Survey:
    """Of all pixels, or of a sample where there are more than LARGE values (`sampled`). Raises BadValues when no pixel
    has data or no band varies."""
    if float(np.prod(scene.shape, dtype=np.float64)) > LARGE:
        for rows in SAMPLE_ROWS:
            found = sampled(scene, rows)
            if found is not None:
                return found
    return _whole(scene)


def sampled(scene: Scene, rows: int) -> Survey | None:
    """Bands and their statistics from pieces of `rows` rows spread over the scene, the same ones every time; which
    pixels are valid is found where it is asked for (`coverage.Covered`). None when the pieces hold fewer than FEWEST
    pixels that tell something, or no band that can be used: then more have to be looked at."""
    height, width, n_bands = scene.shape
    listed = np.ones(n_bands, dtype=bool) if scene.bands.usable is None else scene.bands.usable.copy()
    pieces = []
    for at, (row, cols) in enumerate(places := _places(scene.shape, rows)):
        tell("Looking at a sample of the pixels", at, len(places))
        pieces.append(scene.read(slice(row, row + 1), cols)[0])  # (w, B)
    x = np.concatenate(pieces)  # (N, B)
    complete = bool(np.isfinite(x.sum(dtype=np.float64)))  # one NaN or infinity makes the sum non-finite
    seen = x != 0 if complete else (x != 0) & np.isfinite(x)
    has_data = (seen if listed.all() else seen[:, listed]).any(axis=1)
    n_data = int(has_data.sum())
    if n_data < FEWEST:
        return None
    looked, x = len(x), x if has_data.all() else x[has_data]
    moments = _Moments(n_bands)
    moments.add(x, complete)
    empty, sparse, constant = _kinds(moments, n_data)
    good = listed & ~empty & ~sparse & ~constant
    if not good.any():
        return None
    used = x if good.all() else x[:, good]
    keep = (used != 0).any(axis=1)
    if not complete:
        keep &= np.isfinite(used).all(axis=1)
    if not keep.all():
        moments = _Moments(n_bands)
        moments.add(x[keep], complete)
    if int(keep.sum()) < FEWEST or not (moments.high > moments.low)[good].all():
        return None
    note = (
        f"The scene is large: which bands can be used, and their ranges, come from {looked:,} of its "
        f"{height * width:,} pixels, in {len(places):,} rows spread over it."
    )
    notes = (note, *_marks(moments, good), *_band_notes(scene, listed, empty, sparse, constant))
    return Survey(Covered(scene, good), good, *_ranges(moments), notes)


def _places(shape: tuple[int, int, int], fewest: int) -> list[tuple[int, slice]]:
    """(row, columns) of the sample's pieces: rows in the middle of equal parts of the scene, whole where SAMPLE values
    allow it, else a piece that walks from the left edge to the right."""
    height, width, n_bands = shape
    n = int(np.clip(SAMPLE // (width * n_bands), min(fewest, height), height))
    wide = int(np.clip(SAMPLE // (n * n_bands), 1, width))
    rows = ((np.arange(n) + 0.5) * height / n).astype(int).tolist()
    starts = np.linspace(0, width - wide, n).astype(int).tolist()
    return [(row, slice(start, start + wide)) for row, start in zip(rows, starts, strict=True)]


def _kinds(moments: _Moments, n_data: int) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Which bands are empty, sparse, constant; (B,) each."""
    empty = moments.count == 0
    sparse = ~empty & (moments.count < 0.5 * n_data)
    constant = ~empty & ~(moments.high > moments.low)
    return empty, sparse, constant


def _ranges(moments: _Moments) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Minimum, maximum, mean and standard deviation (B,); NaN without data."""
    out = [np.where(moments.count > 0, v, np.nan).astype(np.float32) for v in (moments.low, moments.high, moments.mean)]
    with np.errstate(over="ignore", invalid="ignore"):
        std = np.sqrt(moments.square / np.maximum(moments.count, 1)).astype(np.float32)
    std[moments.count == 0] = np.nan
    return out[0], out[1], out[2], std


def _whole(scene: Scene) -> Survey:
    height, width, n_bands = scene.shape
    listed = np.ones(n_bands, dtype=bool) if scene.bands.usable is None else scene.bands.usable.copy()
    valid: BoolArray = np.zeros((height, width), dtype=bool)
    moments, n_data, n_missing, n_zero = _Moments(n_bands), 0, 0, 0
    for row, stop, x in _chunks(scene):
        complete = bool(np.isfinite(x.sum(dtype=np.float64)))  # one NaN or infinity makes the sum non-finite
        seen = x != 0 if complete else (x != 0) & np.isfinite(x)
        has_data = (seen if listed.all() else seen[:, listed]).any(axis=1)
        if not complete:
            n_missing += int((~np.isfinite(x)).any(axis=1).sum())
        n_zero += int((x == 0).all(axis=1).sum())
        valid[row:stop] = has_data.reshape(stop - row, width)
        n_data += int(has_data.sum())
        moments.add(x if has_data.all() else x[has_data], complete)
    path = scene.sources[0].path if scene.sources else scene.name
    if n_data == 0:
        raise BadValues(path, _nothing(height * width, n_zero), "Check the “no data” value and the scale of the file")
    empty, sparse, constant = _kinds(moments, n_data)
    good = listed & ~empty & ~sparse & ~constant
    if not good.any():
        raise BadValues(
            path,
            f"none of the {n_bands} bands can be used: {int(constant.sum())} constant, {int(empty.sum())} without data,"
            f" {int((~listed).sum())} ruled out by the header",
            "Check that the right variable or file was opened",
        )
    gaps = bool((moments.count[good] < n_data).any())
    odd = listed & (sparse | (constant & (moments.low != 0)))  # may be all that made a pixel count as data
    if gaps or odd.any():
        moments, valid = _second_pass(scene, good)
        if not valid.any():
            raise BadValues(
                path, "no pixel has data in all usable bands", "Rule out the gappy bands in the header's bad-band list"
            )
        flat = good & ~(moments.high > moments.low)
        if flat.all():
            raise BadValues(path, "no band varies over the valid pixels", "Check that the right file was opened")
    marks = _marks(moments, good)
    notes = marks + _band_notes(scene, listed, empty, sparse, constant)
    notes += pixel_notes(valid.size, int((~valid).sum()), n_missing, n_zero)
    return Survey(valid, good, *_ranges(moments), notes)


def _second_pass(scene: Scene, good: BoolArray) -> tuple[_Moments, BoolArray]:
    """Validity over the good bands, and statistics over the valid pixels."""
    height, width, n_bands = scene.shape
    moments, valid = _Moments(n_bands), np.zeros((height, width), dtype=bool)
    for row, stop, x in _chunks(scene):
        used = x if good.all() else x[:, good]
        keep = np.isfinite(used).all(axis=1) & (used != 0).any(axis=1)
        valid[row:stop] = keep.reshape(stop - row, width)
        moments.add(x[keep], bool(np.isfinite(x[keep]).all()))
    return moments, valid


def _marks(moments: _Moments, good: BoolArray) -> tuple[str, ...]:
    """A note when most bands end at a number that usually means “no data”: the pixels a sample of them missed."""
    for ends, side in ((moments.low[good], "lowest"), (moments.high[good], "highest")):
        value = float(np.median(ends))
        if value in NO_DATA_MARKS and np.mean(ends == value) > 0.5:
            return (
                f"The {side} value is {value:.6g} in {int((ends == value).sum())} bands, often a mark for “no data”: "
                f"if so, open it again with --nodata {value:.6g}.",
            )
    return ()


def _nothing(n_pixels: int, n_zero: int) -> str:
    if n_zero == n_pixels:
        return f"all {n_pixels} pixels are zero in every band"
    return f"no pixel has data: of {n_pixels} pixels {n_pixels - n_zero} are NaN or “no data” in every band"


def _band_notes(
    scene: Scene, listed: BoolArray, empty: BoolArray, sparse: BoolArray, constant: BoolArray
) -> tuple[str, ...]:
    notes = []
    for mask, what in (
        (~listed, "ruled out by the file's bad-band list"),
        (listed & constant, "constant"),
        (listed & empty, "without any data"),
        (listed & sparse, "without data in more than half of the pixels"),
    ):
        if mask.any():
            n, bands = int(mask.sum()), band_list(scene.bands, mask)
            verb = "is" if n == 1 else "are"
            notes.append(f"{counted(n, 'band')} {verb} {what} and {verb} left out: {bands}.")
    return tuple(notes)


def band_list(bands: Bands, mask: BoolArray, most: int = 8) -> str:
    """ "104–108 (1362–1412 nm), 220 (2499 nm)": 1-based numbers, runs joined, wavelengths where known."""
    index = np.flatnonzero(mask)
    runs: Sequence[npt.NDArray[np.intp]] = np.split(index, np.flatnonzero(np.diff(index) > 1) + 1)
    parts = []
    for run in runs[:most]:
        first, last = int(run[0]), int(run[-1])
        text = f"{first + 1}" if first == last else f"{first + 1}–{last + 1}"
        if bands.wavelength_nm is not None:
            a, b = bands.wavelength_nm[first], bands.wavelength_nm[last]
            text += f" ({a:.0f} nm)" if first == last else f" ({a:.0f}–{b:.0f} nm)"
        parts.append(text)
    if len(runs) > most:
        parts.append(f"and {sum(len(run) for run in runs[most:])} more")
    return ", ".join(parts)
