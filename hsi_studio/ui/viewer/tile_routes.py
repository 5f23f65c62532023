"""What the viewer fetches by itself: picture tiles, class-map patches, confidence, Leaflet's own files.

    /hsi/tile/{scene}/{composite}/{stretch}/{z}/{x}/{y}.png    256 × 256 RGBA, z = 0 full size, z = −n every 2ⁿth pixel;
                                                               stretches: features/stretch.py
    /hsi/look/{scene}/{composite}/{stretch}                    what a picture in colours measures: title, unit, values
                                                               along its bar, notes
    /hsi/value/{scene}/{composite}/{row}/{col}                 its value at a pixel
    /hsi/spectral/{scene}                                      its bands, and the spectral indices that they allow
    /hsi/map/{project}/{revision}.bin[?since=token]            class indices of the box that changed
    /hsi/map/{project}/{revision}.png                          the whole map in class colours
    /hsi/conf/{project}/{revision}.bin[?since=token]           confidence 0–254 of the changed box, 255 = none
    /hsi/leaflet/{file}                                        from the installed XStatic-Leaflet package

Unusual here:
- Gradio's `auth` does not cover these routes: every one depends on `check(request)`, which raises
  HTTPException (401/403) and also is the place for a Host-header check when bound beyond loopback.
- `beside` or `beside-…` in place of a revision asks for the second map that is shown.
- A map answer always describes the *newest* map, whatever revision was asked for; headers say which
  (`X-Hsi-Rev`, `X-Hsi-Token`), where the box lies (`X-Hsi-Box: row,col,h,w`), what it is to be painted on
  (`X-Hsi-Base`, empty = everything) and what the indices mean (`X-Hsi-Classes`: class ids; index k + 1).
  Nothing changed → a box of size 0. A `since` that is no longer kept → the full map. No map (any longer, when a label
  was undone while the page was asking) → 204: no error, the page's next value says so.
- Edge tiles are padded to 256 × 256 with transparency; a shorter tile would be stretched by the client.
- All handlers are plain `def`: they run in the thread pool and never hold up the event loop.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.features import looks
from hsi_studio.features.composite import Compositor, palette
from hsi_studio.features.stretch import Stretch, parse
from hsi_studio.studio.facade import Studio
from hsi_studio.types import Prediction, Scene

TILE = 256
MIN_ZOOM = -12  # 256 · 2¹² pixels a tile: more than any scene
TILE_CACHE_BYTES = 64 * 2**20
HISTORY_MAPS = 4  # of a project
HISTORY_BYTES = 256 * 2**20  # earlier maps kept so that patches can be made
LEAFLET_TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
BESIDE = "beside"  # in place of a revision: the second map that is shown
ASSET_VERSION = "2"  # part of the tiles' ETag: raise it when the rendering changes

Check = Callable[[Request], None]


class Source(Protocol):
    """Where scenes and maps come from. Unknown ids: KeyError or a StudioError, both answered with 404."""

    def scene(self, scene_id: str) -> Scene: ...

    def prediction(self, project_id: str) -> Prediction | None: ...

    def beside(self, project_id: str) -> Prediction | None:
        """The second map that is shown, if any."""
        ...


class Screen:
    """A studio as a `Source`: the maps that are displayed."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def scene(self, scene_id: str) -> Scene:
        return self._studio.scene(scene_id)

    def prediction(self, project_id: str) -> Prediction | None:
        shown = self._studio.displayed.left(project_id)
        return None if shown is None else shown.prediction

    def beside(self, project_id: str) -> Prediction | None:
        shown = self._studio.displayed.right(project_id)
        return None if shown is None else shown.prediction


@dataclass(frozen=True)
class MapVersion:
    """One map as the client sees it."""

    token: str  # new for every new map, even at the same label revision
    revision: int
    classes: tuple[str, ...]
    label: npt.NDArray[np.uint16]  # (H, W)
    probability: npt.NDArray[np.float32]  # (H, W) of the chosen class

    @cached_property
    def confidence(self) -> npt.NDArray[np.uint8]:
        """(H, W) 0–254, 255 = no value. Made when first asked for: on 4000² pixels it takes longer than the patch."""
        return encode_confidence(self.probability)

    @property
    def nbytes(self) -> int:
        return self.label.nbytes + self.probability.nbytes + self.label.size


def encode_confidence(confidence: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Probability 0–1 → 0–254; NaN → 255."""
    missing = np.isnan(confidence)
    scaled = np.clip(np.where(missing, 0, confidence), 0, 1) * 254 + 0.5
    return np.where(missing, 255, scaled).astype(np.uint8)


def changed_box(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> tuple[int, int, int, int]:
    """(row, col, h, w) of the smallest box that holds every difference; (0, 0, 0, 0) when there is none."""
    different = old != new
    rows, cols = np.flatnonzero(different.any(axis=1)), np.flatnonzero(different.any(axis=0))
    if not rows.size:
        return 0, 0, 0, 0
    r, c = int(rows[0]), int(cols[0])
    return r, c, int(rows[-1]) - r + 1, int(cols[-1]) - c + 1


@dataclass
class MapHistory:
    """The newest maps of each project, bounded by number and bytes. Thread-safe.

    A page asks for what changed since the map it has, one of the last few; a page that comes later gets all of it.
    """

    budget: int = HISTORY_BYTES
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: OrderedDict[str, tuple[str, MapVersion]] = field(default_factory=OrderedDict)  # token → project, map
    _newest: dict[str, tuple[Prediction, str]] = field(default_factory=dict)  # project → prediction, token
    _serial: int = 0

    def see(self, project_id: str, prediction: Prediction) -> MapVersion:
        """The version of a prediction; a prediction object not seen before gets a new token."""
        with self._lock:
            known = self._newest.get(project_id)
            if known is not None and known[0] is prediction and known[1] in self._kept:
                self._kept.move_to_end(known[1])
                return self._kept[known[1]][1]
            self._serial += 1
            version = MapVersion(
                f"{prediction.revision}.{self._serial}",
                prediction.revision,
                tuple(info.id for info in prediction.schema.classes),
                prediction.label,
                prediction.confidence,
            )
            self._kept[version.token] = (project_id, version)
            self._newest[project_id] = (prediction, version.token)
            self._trim(version.token)
            return version

    def at(self, project_id: str, token: str) -> MapVersion | None:
        """An earlier version, or None when it is not kept (any more)."""
        with self._lock:
            owner, version = self._kept.get(token, ("", None))
            return version if owner == project_id else None

    def _trim(self, keep: str) -> None:
        mine = [t for t, (project, _) in self._kept.items() if project == self._kept[keep][0] and t != keep]
        for token in mine[: max(0, len(mine) - HISTORY_MAPS + 1)]:
            del self._kept[token]
        size = sum(version.nbytes for _, version in self._kept.values())
        for token in [t for t in self._kept if t != keep]:
            if size <= self.budget:
                break
            project, version = self._kept.pop(token)
            size -= version.nbytes
            if self._newest.get(project, (None, ""))[1] == token:
                del self._newest[project]


class TileCache:
    """Encoded tiles, least recently used go first. Thread-safe."""

    def __init__(self, budget: int = TILE_CACHE_BYTES) -> None:
        self._budget, self._size = budget, 0
        self._lock = threading.Lock()
        self._tiles: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            if key in self._tiles:
                self._tiles.move_to_end(key)
            return self._tiles.get(key)

    def put(self, key: str, png: bytes) -> None:
        with self._lock:
            self._size += len(png) - len(self._tiles.pop(key, b""))
            self._tiles[key] = png
            while self._size > self._budget and len(self._tiles) > 1:
                self._size -= len(self._tiles.popitem(last=False)[1])


def cut_tile(
    compositor: Compositor, scene: Scene, composite: str, stretch: Stretch, z: int, x: int, y: int
) -> bytes | None:
    """PNG of one tile, padded to 256 × 256; None when it lies outside the scene. Raises BadRequest."""
    height, width, _ = scene.shape
    step = 2**-z
    row, col = y * TILE * step, x * TILE * step
    if not (0 <= row < height and 0 <= col < width):
        return None
    rows = slice(row, min(row + TILE * step, height))
    cols = slice(col, min(col + TILE * step, width))
    picture = compositor.render(scene, composite, rows, cols, stretch, step)
    padded = np.zeros((TILE, TILE, 4), np.uint8)
    padded[: picture.shape[0], : picture.shape[1]] = picture
    return encode_png(padded)


def encode_png(rgba: npt.NDArray[np.uint8]) -> bytes:
    """(H, W, 4) as a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def colour_map(prediction: Prediction) -> npt.NDArray[np.uint8]:
    """(H, W, 4) uint8: class colours, alpha 0 where there is no class."""
    table = np.zeros((len(prediction.schema) + 1, 4), np.uint8)
    for k, color in enumerate(prediction.schema.colors):
        table[k + 1] = (*bytes.fromhex(color.lstrip("#")), 255)
    return table[prediction.label]


def is_beside(revision: str) -> bool:
    return revision.partition("-")[0] == BESIDE


def _leaflet_folder() -> Path:
    from xstatic.pkg import leaflet

    return Path(leaflet.BASE_DIR)


def _patch(request: Request, new: MapVersion, old: MapVersion | None, layer: str) -> Response:
    """The changed box of one layer ("label" or "confidence") as raw bytes, row by row."""
    image: npt.NDArray[Any] = getattr(new, layer)
    if layer == "label" and len(new.classes) < 256:
        image = image.astype(np.uint8)
    comparable = old is not None and old.label.shape == new.label.shape and old.classes == new.classes
    if comparable and old is not None:
        r, c, h, w = (0, 0, 0, 0) if old.token == new.token else changed_box(getattr(old, layer), getattr(new, layer))
    else:
        r, c, h, w = 0, 0, *image.shape
    body = np.ascontiguousarray(image[r : r + h, c : c + w]).astype(image.dtype.newbyteorder("<")).tobytes()
    headers = {
        "Cache-Control": "no-store",
        "X-Hsi-Rev": str(new.revision),
        "X-Hsi-Token": new.token,
        "X-Hsi-Base": old.token if comparable and old is not None else "",
        "X-Hsi-Box": f"{r},{c},{h},{w}",
        "X-Hsi-Bytes": str(image.dtype.itemsize),
        "X-Hsi-Classes": ",".join(new.classes),
    }
    if len(body) > 8192 and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=1, mtime=0), "gzip"
    return Response(body, media_type="application/octet-stream", headers=headers)


def router(source: Source, check: Check | None = None, compositor: Compositor | None = None) -> APIRouter:
    """Routes under /hsi for one source.

    `check(request)` runs before every route and raises HTTPException to refuse a visitor; leave it away only
    where a middleware in front of the whole application does that already.
    """
    pictures, tiles, history = compositor or Compositor(), TileCache(), MapHistory()
    api = APIRouter(prefix="/hsi", dependencies=[Depends(check)] if check else None, include_in_schema=False)

    def find_scene(scene_id: str) -> Scene:
        try:
            return source.scene(scene_id)
        except (KeyError, StudioError):
            raise HTTPException(404, "There is no such scene.") from None

    def find_prediction(project_id: str, revision: str = "") -> Prediction | None:
        try:
            return source.beside(project_id) if is_beside(revision) else source.prediction(project_id)
        except (KeyError, StudioError):
            raise HTTPException(404, "There is no such project.") from None

    def changed(request: Request, project_id: str, revision: str, since: str, layer: str) -> Response:
        prediction = find_prediction(project_id, revision)
        if prediction is None:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        key = f"{project_id}/{is_beside(revision)}"
        new = history.see(key, prediction)
        return _patch(request, new, history.at(key, since), layer)

    @api.get("/tile/{scene_id}/{composite}/{stretch}/{z}/{x}/{y}.png")
    def tile(request: Request, scene_id: str, composite: str, stretch: str, z: int, x: int, y: int) -> Response:
        if not (MIN_ZOOM <= z <= 0 and 0 <= x < 2**24 and 0 <= y < 2**24) or len(composite) > 80:
            raise HTTPException(404, "There is no such tile.")
        scene = find_scene(scene_id)
        try:
            wanted = parse(stretch)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        key = f"{ASSET_VERSION}/{scene.id}/{composite}/{wanted}/{z}/{x}/{y}"
        etag = '"' + hashlib.sha256(key.encode()).hexdigest()[:24] + '"'
        headers = {"Cache-Control": "private, max-age=31536000, immutable", "ETag": etag}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        png = tiles.get(key)
        if png is None:
            try:
                png = cut_tile(pictures, scene, composite, wanted, z, x, y)
            except StudioError as error:
                raise HTTPException(404, str(error)) from error
            if png is None:
                raise HTTPException(404, "This tile lies outside the scene.")
            tiles.put(key, png)
        return Response(png, media_type="image/png", headers=headers)

    @api.get("/look/{scene_id}/{composite}/{stretch}")
    def look(scene_id: str, composite: str, stretch: str) -> dict[str, Any]:
        scene = find_scene(scene_id)
        try:
            if not looks.is_measure(composite):
                raise BadRequest(f"{composite[:80]!r} is not measured in a unit.")
            tone = pictures.tone(scene, composite, parse(stretch))
            said = {
                "title": looks.title(composite),
                "unit": looks.unit(composite),
                "note": looks.note(scene, composite),
            }
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        colors = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in palette()[::15].tolist()]
        return {**said, "ticks": tone.ticks(), "colors": colors}

    @api.get("/value/{scene_id}/{composite}/{row}/{col}")
    def value(scene_id: str, composite: str, row: int, col: int) -> dict[str, Any]:
        try:
            found = pictures.value(find_scene(scene_id), composite[:80], row, col)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        return {"values": [v if np.isfinite(v) else None for v in found]}

    @api.get("/spectral/{scene_id}")
    def spectral(scene_id: str) -> dict[str, Any]:
        scene = find_scene(scene_id)
        nm = scene.bands.wavelength_nm
        axis = list(range(1, scene.bands.count + 1)) if nm is None else [round(float(v), 1) for v in nm]
        try:
            return {
                "axis": axis, "unit": "" if nm is None else "nm", "good": scene.good_bands.tolist(),
                "indices": looks.index_list(scene),
            }  # fmt: skip
        except StudioError as error:
            raise HTTPException(404, str(error)) from error

    @api.get("/map/{project_id}/{revision}.bin")
    def class_map(request: Request, project_id: str, revision: str, since: str = Query("", max_length=64)) -> Response:
        return changed(request, project_id, revision, since, "label")

    @api.get("/conf/{project_id}/{revision}.bin")
    def confidence(request: Request, project_id: str, revision: str, since: str = Query("", max_length=64)) -> Response:
        return changed(request, project_id, revision, since, "confidence")

    @api.get("/map/{project_id}/{revision}.png")
    def map_picture(project_id: str, revision: str) -> Response:
        prediction = find_prediction(project_id, revision)
        if prediction is None:
            raise HTTPException(404, "There is no map yet.")
        png = encode_png(colour_map(prediction))
        return Response(png, media_type="image/png", headers={"Cache-Control": "no-store"})

    @api.get("/leaflet/{name:path}")
    def leaflet_file(name: str) -> Response:
        folder = _leaflet_folder()
        allowed = {"leaflet.js", "leaflet.css", *(f"images/{p.name}" for p in (folder / "images").glob("*.png"))}
        if name not in allowed:
            raise HTTPException(404, "There is no such file.")
        headers = {"Cache-Control": "private, max-age=86400"}
        return Response((folder / name).read_bytes(), media_type=LEAFLET_TYPES[Path(name).suffix], headers=headers)

    return api
