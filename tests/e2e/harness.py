"""A page with nothing but the viewer, and a made-up scene whose few white pixels can be found in screenshots."""

from __future__ import annotations

import io
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported
import gradio as gr
from fastapi import APIRouter, Body, FastAPI, Response

from hsi_studio.features.composite import composites
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.types import Bands, ClassInfo, ClassSchema, Prediction, Scene, Survey
from hsi_studio.ui import web_routes
from hsi_studio.ui.web_component import packed

WAVELENGTH_NM = np.linspace(450, 900, 10, dtype=np.float32)
CLASSES = ClassSchema((
    ClassInfo("a" * 32, "Corn-notill", "#e69f00"),
    ClassInfo("b" * 32, "Woods", "#009e73"),
    ClassInfo("c" * 32, "<b>Water</b> & ${name} `x`", "#0072b2"),
))  # fmt: skip
REFUSED = (0, 0)  # the harness refuses a label on this pixel


def make_scene(height: int, width: int, seed: int = 0, invalid: int = 0) -> tuple[Scene, list[tuple[int, int]]]:
    """A dark scene with 20 white pixels, none near another; the first `invalid` columns hold no data."""
    rng = np.random.default_rng(seed)
    cube = rng.random((height, width, WAVELENGTH_NM.size), dtype=np.float32) * 0.1 + 0.05
    white: list[tuple[int, int]] = []
    while len(white) < 20:
        row, col = int(rng.integers(3, height - 3)), int(rng.integers(invalid + 3, width - 3))
        if all(abs(row - r) + abs(col - c) > 8 for r, c in white):
            white.append((row, col))
            cube[row, col] = 1.0
    cube[:, :invalid] = np.nan
    valid = np.isfinite(cube[..., 0])
    usable = np.ones(WAVELENGTH_NM.size, bool)
    low, high = np.full(WAVELENGTH_NM.size, 0.05, np.float32), np.ones(WAVELENGTH_NM.size, np.float32)
    survey = Survey(valid, usable, low, high, (low + high) / 2, high - low)
    scene = Scene(
        f"white{height}x{width}", "white", "White pixels", ArrayCube(cube), Bands(WAVELENGTH_NM.size, WAVELENGTH_NM),
        lambda _: survey, gsd_m=20.0, transform=(20.0, 0.0, 500000.0, 0.0, -20.0, 4500000.0),
    )  # fmt: skip
    return scene, white


@dataclass
class Board:
    """Labels in memory; what a project, a journal and a live map are in the application."""

    scene: Scene | None
    events: list[dict[str, Any]] = field(default_factory=list)  # as they came from the page
    points: dict[tuple[int, int], int] = field(default_factory=dict)
    undone: list[dict[tuple[int, int], int]] = field(default_factory=list)
    done: list[dict[tuple[int, int], int]] = field(default_factory=list)
    seq: int = 0
    progress: dict[str, Any] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    map: Prediction | None = None

    def pick(self, data: dict[str, Any]) -> str:
        """Apply a click as the application does; the sentence to show when it is refused."""
        with self.lock:
            self.events.append({"kind": "pick", **data})
            place, k = (data["row"], data["col"]), CLASSES.index(data["class_id"])
            if place == REFUSED:
                return f"Row {place[0]}, column {place[1]} holds no data: choose another pixel."
            self.done.append(dict(self.points))
            self.undone.clear()
            if self.points.get(place) == k:
                del self.points[place]
            else:
                self.points[place] = k
            self._changed()
            return ""

    def step(self, back: bool) -> None:
        """Undo or redo."""
        with self.lock:
            self.events.append({"kind": "undo" if back else "redo"})
            source, target = (self.done, self.undone) if back else (self.undone, self.done)
            if source:
                target.append(dict(self.points))
                self.points = source.pop()
                self._changed()

    def _changed(self) -> None:
        self.seq += 1
        if len(set(self.points.values())) < 2 or self.scene is None:
            self.map = None
            return
        h, w, _ = self.scene.shape
        cols = np.array(list(self.points))[:, 1]
        nearest = np.argmin(np.abs(np.arange(w)[:, None] - cols[None]), axis=1)  # nearest labelled column
        label = np.array(list(self.points.values()))[nearest][None].repeat(h, axis=0) + 1
        label = np.where(self.scene.valid, label, 0).astype(np.uint16)
        confidence = np.where(label > 0, np.linspace(0.3, 1, h, dtype=np.float32)[:, None], np.nan).astype(np.float32)
        self.map = Prediction(CLASSES, label, confidence, "nearest column", {}, self.seq)

    def value(self, message: str = "", refused: list[int] | None = None) -> str:
        """The viewer's value; see hsi_studio/ui/viewer/component.py."""
        with self.lock:
            scene, shown = None, None
            if self.scene is not None:
                h, w, b = self.scene.shape
                scene = {
                    "id": self.scene.id, "h": h, "w": w, "b": b, "transform": self.scene.transform,
                    "crs_name": "WGS 84 / UTM 16N", "gsd_m": self.scene.gsd_m,
                    "valid_all": bool(self.scene.valid.all()),
                    "composites": [c.as_dict() for c in composites(self.scene)],
                }  # fmt: skip
            if self.map is not None:
                shown = {"rev": self.map.revision, "url": f"/hsi/map/board/{self.map.revision}"}
            return packed({
                "project": "board",
                "scene": scene,
                "classes": [
                    {"id": c.id, "name": c.name, "color": c.color, "key": k + 1} for k, c in enumerate(CLASSES.classes)
                ],
                "labels": {"seq": self.seq, "points": [[r, c, k] for (r, c), k in self.points.items()]},
                "map": shown,
                "progress": self.progress,
                "message": message,
                "refused": refused or [],
            })  # fmt: skip


class BoardSource:
    """What ui/viewer/tile_routes.py asks for."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def scene(self, scene_id: str) -> Scene:
        if self.board.scene is None or self.board.scene.id != scene_id:
            raise KeyError(scene_id)
        return self.board.scene

    def prediction(self, project_id: str) -> Prediction | None:
        return self.board.map


def feed(board: Board) -> Any:
    """What ui/viewer/label_routes.py and ui/viewer/change_routes.py answer, from the board."""
    api = APIRouter(prefix="/hsi")

    @api.post("/acts/board")
    def acts(wanted: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        said, refused = "", []
        for act in wanted["acts"]:
            kind = act.pop("do")
            if kind == "pick":
                words = board.pick(act)
                said, refused = words or said, refused + [act["n"]] * bool(words)
            else:
                board.step(back=kind == "undo")
        return {"show": {"hsi-viewer": board.value(said, refused)}}

    @api.get("/follow/board")
    def follow() -> dict[str, Any]:
        return {"show": {"hsi-viewer": board.value()}, "seen": str(board.seq), "mapped": True, "done": True}

    @api.get("/spectrum/board/{row}/{col}")
    def spectrum(row: int, col: int) -> dict[str, Any]:
        board.events.append({"kind": "probe", "row": row, "col": col})
        return {"show": {}}

    @api.get("/layers/board")
    def layers() -> dict[str, Any]:
        return {"layers": []}

    @api.get("/seen/board")
    def seen() -> Response:
        return Response(str(board.seq))

    return api


def build(board: Board) -> Any:
    """The ASGI application: our routes and one page with the viewer."""
    from hsi_studio.ui.viewer.component import create_viewer
    from hsi_studio.ui.viewer.tile_routes import router

    with gr.Blocks(title="Viewer", fill_width=True, analytics_enabled=False) as blocks:
        viewer: Any = create_viewer()
        gr.Textbox(label="A text field", elem_id="text")
        blocks.load(board.value, None, viewer, show_progress="hidden", api_visibility="private")
        viewer.sync(board.value, None, viewer, queue=False, show_progress="hidden", api_visibility="private")
    server = FastAPI()
    server.include_router(router(BoardSource(board)))
    server.include_router(feed(board))
    server.include_router(web_routes.router())
    return gr.mount_gradio_app(
        server, blocks, path="/", ssr_mode=False, footer_links=[], run_history=False,
        css="footer{display:none !important} .gradio-container{max-width:none !important;padding:8px !important}",
    )  # fmt: skip


@contextmanager
def serve(board: Board) -> Iterator[str]:
    """Run the page on a free port; yields its address."""
    import uvicorn

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(build(board), host="127.0.0.1", port=port, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@contextmanager
def page_on(browser: Any, address: str, problems: list[str], **options: Any) -> Iterator[Any]:
    """A page with the viewer ready; console errors and failed requests go into `problems`."""
    options.setdefault("viewport", {"width": 1200, "height": 900})
    context = browser.new_context(**options)
    page = context.new_page()
    page.on("console", lambda m: problems.append(f"{m.text} {m.location}") if m.type == "error" else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.goto(address)
    yield page
    context.close()


def ready(page: Any) -> None:
    """Wait until every visible tile is painted."""
    page.wait_for_selector(".hsi-viewer[data-ready='1']", timeout=20000)


def to_client(page: Any, row: int, col: int) -> tuple[float, float]:
    """Where a pixel's centre is on the page, in CSS pixels."""
    at = page.evaluate("([c, r]) => document.querySelector('.hsi-viewer').__toClient(c, r)", [col, row])
    return at["x"], at["y"]


def screenshot(page: Any) -> np.ndarray[Any, Any]:
    """(H, W, 3) uint8, device pixels."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
