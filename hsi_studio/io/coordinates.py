"""Values of label files: numbers, names, colours; and coordinates in another system."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from hsi_studio.errors import CorruptFile, LabelProblem
from hsi_studio.sanitize import clean_color

DEGREES = re.compile(
    r"^\s*([+-]?\d+(?:[.,]\d+)?)\s*[°ºd]?\s*(?:(\d+(?:[.,]\d+)?)\s*['′m]\s*)?(?:(\d+(?:[.,]\d+)?)\s*(?:[\"″s]|''))?\s*"
    r"([NSEWO])?\s*$",
    re.IGNORECASE,
)


def number(path: Path, where: str, key: str, text: str) -> float:
    """A finite number, also as degrees, minutes and seconds with the side of the earth: 52°31'12.5"N, 13.4E. Raises
    CorruptFile with the place in the file; so does the letter O, which is east in German and west in French."""
    try:
        value = float(text)
    except ValueError:
        value = _degrees(text)
    if not math.isfinite(value):
        raise CorruptFile(path, f"{where}: {key} {text[:30]!r} is not a number", "Correct it and import again")
    return value


def _degrees(text: str) -> float:
    """Degrees, minutes and seconds as degrees; NaN for what is none, and for the letter O, which is east or west."""
    match = DEGREES.match(re.sub(r"^\s*([NSEW])\s*(.*[^NSEWO\s])\s*$", r"\2\1", text, flags=re.IGNORECASE))
    side = "" if match is None else (match[4] or "").upper()
    if match is None or side == "O" or not (side or any(mark in text for mark in "°º'′")):
        return math.nan
    degrees, minutes, seconds = (float((part or "0").replace(",", ".")) for part in match.group(1, 2, 3))
    if minutes >= 60 or seconds >= 60:
        return math.nan
    size = abs(degrees) + minutes / 60 + seconds / 3600
    return -size if degrees < 0 or match[1].startswith("-") or side in ("S", "W") else size


def named(path: Path, where: str, name: str) -> str:
    """The name, exactly. Raises CorruptFile when it is empty."""
    if not name.strip():
        raise CorruptFile(path, f"{where} has no class", "Give every label a class name")
    return name


def color_or_none(text: str) -> str | None:
    """What cannot be read as a colour is none: a label without its colour is still a label."""
    try:
        return clean_color(text) if text else None
    except LabelProblem:
        return None


MOST_RETRIES = 4000  # of `projected`: a file of nothing but impossible places takes seconds, not minutes


def projected(source: Any, target: str, xs: list[float], ys: list[float]) -> tuple[list[float], list[float]]:
    """Coordinates in another system, NaN for what has none there. Raises CRSError for an unknown system.

    GDAL refuses all places for one that it cannot project (a latitude of 95°), so the others are tried in halves.
    """
    from rasterio._err import CPLE_BaseError  # rasterio has no public name for what GDAL reports
    from rasterio.warp import transform

    out_x, out_y = [math.nan] * len(xs), [math.nan] * len(ys)
    todo, failed = [(0, len(xs))], 0
    while todo and failed < MOST_RETRIES:
        start, stop = todo.pop()
        try:
            out_x[start:stop], out_y[start:stop] = transform(source, target, xs[start:stop], ys[start:stop])
        except CPLE_BaseError:
            failed += 1
            if stop - start > 1:
                half = (start + stop) // 2
                todo += [(half, stop), (start, half)]
    return out_x, out_y
