"""What the coordinates of a layer are, and pixels from them.

A layer's own word comes first: the option `crs`, the system in the file, its format's standard (GeoJSON and KML are
longitude and latitude, RFC 7946 and OGC 07-147r2). But files lie: metres under a name that says degrees, latitude
before longitude, no system at all. So the word is tried: when no feature reaches the scene under it, and under another
reading at least half of them do, that reading is taken and told as a note. When two readings reach the scene, the user
is asked. Nothing reaches it: the word stays, and the features are reported as outside.

Systems are read as EPSG codes, OGC's CRS84 or WKT, nothing else: a name is never given to PROJ, which takes file names.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import ChooseLabels, FileProblem
from hsi_studio.io.coordinates import projected
from hsi_studio.io.label_files.records import Layer
from hsi_studio.scene.crs import crs_of_text
from hsi_studio.scene.rules.georeference import is_degrees
from hsi_studio.types import Scene

if TYPE_CHECKING:
    from rasterio.crs import CRS

FloatPairs = npt.NDArray[np.float64]  # (N, 2)
Transform = tuple[float, float, float, float, float, float]

FARTHEST_M = 1e9  # beyond every projection of the earth, in metres or feet
PIXEL_WORDS = {"pixel": "pixels", "pixels": "pixels", "picture": "picture"}


@dataclass(frozen=True)
class Frame:
    """One reading of coordinates. `kind`: "map" (`crs`: theirs, None = the scene's), "pixels" (x = column, y = row,
    whole numbers are pixel centres), "picture" (x to the right, y *down as a negative number*, pixel corners at whole
    numbers: how GIS programs show a picture without a place)."""

    kind: str
    text: str
    crs: str | None = None
    swapped: bool = False  # y before x
    why: str = ""


def crs_of(text: str) -> CRS | None:
    """The coordinate system of an EPSG name or WKT; None for other text and for what PROJ does not know."""
    try:
        found: CRS = crs_of_text(Path("labels"), text)
    except FileProblem:
        return None
    return found


def crs_text(text: str) -> str:
    """A short name for people: "EPSG:32633 (WGS 84 / UTM zone 33N)"."""
    found = crs_of(text)
    if found is None:
        return text[:60]
    name = re.match(r'\s*\w+\s*\[\s*"([^"]{1,60})"', found.to_wkt())
    code = found.to_epsg()
    return f"EPSG:{code} ({name[1]})" if code and name else name[1] if name else f"EPSG:{code}"


def lonlat_frame(why: str = "", swapped: bool = False) -> Frame:
    text = "latitude and longitude (WGS 84)" if swapped else "longitude and latitude (WGS 84)"
    return Frame("map", text, "EPSG:4326", swapped, why)


def to_pixels(frame: Frame, xy: FloatPairs, scene: Scene) -> FloatPairs:
    """(N, 2) column and row, pixel corners at whole numbers; NaN for what cannot be projected.

    `scene` has a transform when the frame is a map.
    """
    x, y = (xy[:, 1], xy[:, 0]) if frame.swapped else (xy[:, 0], xy[:, 1])
    if frame.kind == "pixels":
        return np.column_stack([x + 0.5, y + 0.5])
    if frame.kind == "picture":
        return np.column_stack([x, -y])
    if frame.crs is not None and scene.crs is not None:
        x, y = _in_scene_crs(frame.crs, x, y, scene.crs)
    assert scene.transform is not None
    a, b, c, d, e, f = scene.transform
    if scene.crs is not None and is_degrees(scene.crs):  # of a grid that counts to 360, too
        height, width, _ = scene.shape
        x = x + 360 * np.round((a * width / 2 + b * height / 2 + c - x) / 360)
    area = a * e - b * d  # of a pixel; not 0 in a map transform
    with np.errstate(over="ignore", invalid="ignore"):
        return np.column_stack([(e * (x - c) - b * (y - f)) / area, (a * (y - f) - d * (x - c)) / area])


def _in_scene_crs(source: str, x: FloatPairs, y: FloatPairs, target: str) -> tuple[FloatPairs, FloatPairs]:
    known = crs_of(source)
    assert known is not None
    sane = np.isfinite(x) & np.isfinite(y)
    if known.is_geographic:  # degrees: PROJ wraps 500,025° to somewhere
        sane &= (np.abs(x) <= 360) & (np.abs(y) <= 90)
    else:
        sane &= (np.abs(x) < FARTHEST_M) & (np.abs(y) < FARTHEST_M)
    out_x, out_y = np.full(x.shape, np.nan), np.full(y.shape, np.nan)
    if sane.any():
        px, py = projected(known, target, x[sane].tolist(), y[sane].tolist())
        out_x[sane], out_y[sane] = px, py
    bad = ~(np.isfinite(out_x) & np.isfinite(out_y))
    out_x[bad] = out_y[bad] = np.nan
    return out_x, out_y


# ── which reading ───────────────────────────────────────────────────────────────────────────────


def choose_frame(layer: Layer, xy: FloatPairs, starts: npt.NDArray[np.int64], scene: Scene, asked: str | None) -> Frame:
    """The reading of a layer's coordinates. `xy`: all vertices, of feature n those from `starts[n]` to `starts[n + 1]`.

    Raises FileProblem: a system that is not known, map coordinates on a scene without a place. Raises ChooseLabels
    when two readings fit.
    """
    if asked is not None:
        return _asked(layer, scene, asked)
    if layer.pixels:
        return Frame("pixels", "columns and rows, as the file says")
    if scene.transform is None:
        return _without_place(layer, xy, starts, scene)
    word = _word(layer, scene)
    share = _share(word, xy, starts, scene)
    if share >= 0.5:
        return word
    whole = layer.crs is None and bool(np.all(xy[np.isfinite(xy)] % 1 == 0))
    rivals = [(_share(frame, xy, starts, scene), frame) for frame in _others(word, layer, scene, whole)]
    best = max((s for s, _ in rivals), default=0.0)
    if best < 0.5 or best <= share:
        return word
    first = next(frame for s, frame in rivals if s == best)
    if share > 0:
        options = [
            (_option(f), f"{f.text}: {100 * s:.0f} % of the features") for s, f in [(share, word), (best, first)]
        ]
        raise ChooseLabels(
            layer.path,
            f"{100 * share:.0f} % of its features lie on {scene.name} as {word.text}, {100 * best:.0f} % as "
            f"{first.text}",
            f"Say which it is (--crs {options[0][0]} or {options[1][0]})", field="crs", options=options,
        )  # fmt: skip
    said = f"As {word.text}{f', {layer.crs_why},' if layer.crs_why else ''} nothing lies on the scene"
    return replace(first, why=f"{said}; the coordinates are read as {first.text}.")


def _asked(layer: Layer, scene: Scene, asked: str) -> Frame:
    low = asked.strip().lower()
    if low in PIXEL_WORDS:
        return Frame(PIXEL_WORDS[low], "columns and rows, as asked")
    if scene.transform is None:
        raise FileProblem(
            layer.path, f"{scene.name} has no place on the map, so {asked[:40]!r} has no meaning there",
            "Give the labels by row and column, or leave the option out",
        )  # fmt: skip
    if low == "scene":
        return Frame("map", "the scene's coordinate system, as asked")
    if low in ("lonlat", "latlon"):
        return _checked(layer, lonlat_frame(swapped=low == "latlon"), scene)
    if crs_of(asked) is None:
        raise FileProblem(
            layer.path, f"its coordinate system (CRS) {asked[:60]!r} is unknown",
            "Give an EPSG code, such as EPSG:32633, or scene, lonlat, latlon",
        )  # fmt: skip
    return _checked(layer, Frame("map", f"{crs_text(asked)}, as asked", asked), scene)


def _checked(layer: Layer, frame: Frame, scene: Scene) -> Frame:
    """Raises FileProblem when the scene names no system to convert to."""
    if scene.crs is None:
        raise FileProblem(
            layer.path,
            f"it gives coordinates of {frame.text}, and {scene.name} names no coordinate system (CRS)",
            "Give row and col instead, or say --crs scene when they are the scene's own coordinates",
        )
    return frame


def _word(layer: Layer, scene: Scene) -> Frame:
    """What the file says."""
    if layer.crs is None:
        if layer.map_columns:
            return Frame("map", "map coordinates of the scene's own system")
        why = "The file names no coordinate system (CRS): its coordinates are read as the scene's own."
        return Frame("map", "coordinates of the scene's own system", why=why)
    if layer.crs == "lonlat":
        if scene.crs is None:
            return Frame("map", "coordinates of the scene's own system")
        return lonlat_frame()
    known = crs_of(layer.crs)
    if known is not None and known.to_epsg() == 4326:
        return _checked(layer, lonlat_frame(), scene)
    if known is None:
        raise FileProblem(
            layer.path, f"its coordinate system (CRS) {layer.crs[:60]!r} is unknown",
            "Save it as WGS 84, or say which it is (--crs EPSG:…)",
        )  # fmt: skip
    return _checked(layer, Frame("map", crs_text(layer.crs), layer.crs), scene)


def _others(word: Frame, layer: Layer, scene: Scene, whole: bool) -> list[Frame]:
    """Other readings, the likelier ones first. `whole`: whole numbers of no system, which may be columns and rows."""
    own = Frame("map", "coordinates of the scene's own system")
    frames = [replace(word, swapped=not word.swapped, text=f"{word.text}, the second coordinate first"), own,
              replace(own, swapped=True, text=f"{own.text}, the second coordinate first")]  # fmt: skip
    if word.crs == "EPSG:4326":
        frames[0] = lonlat_frame(swapped=not word.swapped)
    if scene.crs is not None and word.crs != "EPSG:4326":
        frames += [lonlat_frame(), lonlat_frame(swapped=True)]
    if scene.crs is None:
        frames.append(Frame("pixels", "columns and rows"))
    else:  # what web maps save, and German eastings with their zone in front (33500000)
        codes = ["EPSG:3857", "EPSG:4647", "EPSG:5650", *(_zones_beside(scene.crs) if layer.crs is None else ())]
        frames += [Frame("map", crs_text(code), code) for code in codes]
        frames += [Frame("pixels", "columns and rows, counted from 0")] if whole else []
    seen: set[tuple[str | None, bool]] = {(word.crs, word.swapped)}
    others = []
    for frame in frames:
        if frame.kind == "pixels" or (frame.crs, frame.swapped) not in seen:
            seen.add((frame.crs, frame.swapped))
            others.append(frame)
    return others


def _zones_beside(wkt: str) -> list[str]:
    """The UTM zones east and west of the scene's, in its own family: of files that name no system."""
    known = crs_of(wkt)
    code = (known.to_epsg() if known is not None else None) or 0
    if code // 100 not in (326, 327, 258) or not 1 <= code % 100 <= 60:
        return []
    first, last = (28, 38) if code // 100 == 258 else (1, 60)
    return [f"EPSG:{code + step}" for step in (-1, 1) if first <= code % 100 + step <= last]


def _option(frame: Frame) -> str:
    """The value of --crs that asks for a frame."""
    if frame.crs is None:
        return "pixel" if frame.kind == "pixels" else "scene"
    return {False: "lonlat", True: "latlon"}[frame.swapped] if frame.crs == "EPSG:4326" else frame.crs[:40]


def _share(frame: Frame, xy: FloatPairs, starts: npt.NDArray[np.int64], scene: Scene) -> float:
    """The share of features whose box meets the scene."""
    if starts.size < 2 or not xy.size:
        return 1.0
    found = to_pixels(frame, xy, scene)
    filled = starts[1:] > starts[:-1]
    at = starts[:-1][filled]
    if not at.size:
        return 1.0
    lost = ~np.isfinite(found[:, 0] + found[:, 1])
    low = np.minimum.reduceat(np.where(lost[:, None], np.inf, found), at)
    high = np.maximum.reduceat(np.where(lost[:, None], -np.inf, found), at)
    height, width, _ = scene.shape
    inside = (high.min(axis=1) >= 0) & (low[:, 0] < width) & (low[:, 1] < height)
    return float(inside.mean())


def _without_place(layer: Layer, xy: FloatPairs, starts: npt.NDArray[np.int64], scene: Scene) -> Frame:
    """Readings on a scene that has no place: only columns and rows have a meaning."""
    rows, cols = layer.columns.get("row"), layer.columns.get("col")
    firsts = starts[:-1][starts[1:] > starts[:-1]]
    if rows is not None and cols is not None and firsts.size:
        pairs = [(_number(cols[n]), _number(rows[n])) for n in np.flatnonzero(starts[1:] > starts[:-1])]
        stated = np.array(pairs)  # ours, from a GIS that gave it a system which it has not
        if (np.abs(xy[firsts] - (stated + 0.5) * (1, -1)).max(axis=1) < 0.5).mean() >= 0.5:
            return Frame("picture", "columns and negative rows, as its row and col say")
        if (np.abs(xy[firsts] - stated).max(axis=1) < 0.5).mean() >= 0.5:
            return Frame("pixels", "columns and rows, as its row and col say")
    declared = layer.crs is not None and not layer.standard
    if declared or layer.map_columns:
        said = crs_text(layer.crs) if layer.crs and layer.crs != "lonlat" else "map coordinates"
        raise FileProblem(
            layer.path, f"it gives {said}, and {scene.name} has no coordinate system (CRS)",
            "Give row and col (from 0) instead",
        )  # fmt: skip
    down = xy[:, 1][np.isfinite(xy[:, 0] + xy[:, 1])]
    if down.size and down.max() <= 0 and down.min() < 0:
        return Frame("picture", "columns and negative rows", why="The scene has no place: the coordinates are read as "
                     "columns and rows, counted downwards from the upper left corner.")  # fmt: skip
    why = "The scene has no place: the coordinates are read as columns and rows, whole numbers at the pixels' centres."
    return Frame("pixels", "columns and rows", why=why)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
