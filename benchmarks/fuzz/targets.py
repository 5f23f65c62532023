"""What is fed: readers of scenes, importers of labels, folders of projects, parameters, routes of the server.

A target is made once in a process (`Target(folder, secret)`) and called once an input with its generator; it returns a
word for what came of it: "opened", "answered" or "refused". What it raises other than a StudioError is a finding, and
so is an error that an edge had not foreseen (`hsi_studio/edges.py` logs those, `__main__.py` listens).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks.fuzz import samples
from benchmarks.fuzz.mutate import Random, mutated, odd_value
from benchmarks.fuzz.projects import Projects
from benchmarks.fuzz.target import Target
from hsi_studio.errors import StudioError

MOST_VALUES = 1_000_000  # of a scene that is read whole


class Readers(Target):
    """Opening a scene, the pass over its values, what the page shows of it, and all of it where it is small."""

    def __init__(self, folder: Path, secret: Path) -> None:
        super().__init__(folder, secret)
        self.valid = samples.scenes(folder, secret)
        self.names = sorted(self.valid)
        self.pieces = tuple(next(iter(files.values())) for files in self.valid.values())

    def __call__(self, rng: Random) -> str:
        from hsi_studio.engine.scene_info import scene_facts
        from hsi_studio.scene.open import open_scene

        chosen = self.valid[self.names[int(rng.integers(len(self.names)))]]
        path = self.put(chosen, rng, self.pieces)
        try:
            scene = open_scene(path)
            json.dumps(scene_facts(scene), allow_nan=False)
            height, width, bands = scene.shape
            if height * width * bands <= MOST_VALUES:
                values = scene.read(slice(0, height), slice(0, width))
                if bool(np.isclose(values, 1234.5).any()):
                    raise AssertionError("the secret file was read")
        except StudioError as error:
            if str(self.folder) in str(error) and len(self.folder.parts) > 1:
                raise AssertionError(f"a folder of the server is told: {error}") from error
            return "refused"
        return "opened"


class Labels(Target):
    """Importing labels into a project, by the studio's verb."""

    def __init__(self, folder: Path, secret: Path) -> None:
        super().__init__(folder, secret)
        self.studio, self.project = _studio(folder, secret)
        self.valid = list(samples.labels().values())
        self.pieces = tuple(next(iter(files.values())) for files in self.valid)

    def __call__(self, rng: Random) -> str:
        path = self.put(self.valid[int(rng.integers(len(self.valid)))], rng, self.pieces, share=1.0)
        try:
            notes = self.studio.import_labels(self.project, path)
            json.dumps(notes)
            self.studio.edit(self.project, lambda project: project.undo())
        except StudioError:
            return "refused"
        return "opened"


class Parameters(Target):
    """Values for every method's parameters, as JSON from a form and as text from a command line."""

    def __init__(self, folder: Path, secret: Path) -> None:
        super().__init__(folder, secret)
        from hsi_studio.methods import methods

        self.kinds = [method.Params for method in methods().entries.values()]

    def __call__(self, rng: Random) -> str:
        from hsi_studio.methods.contract import make_params
        from hsi_studio.ui.tabs.train.forms import from_json

        kind = self.kinds[int(rng.integers(len(self.kinds)))]
        names = [*kind.model_fields, "unknown", "__class__"]
        values = {names[int(rng.integers(len(names)))]: odd_value(rng) for _ in range(int(rng.integers(1, 4)))}
        text = json.dumps(values)
        if rng.random() < 0.3:
            text = mutated(text.encode(), rng, True).decode("utf-8", "replace")
        self.last = {"params.json": text.encode("utf-8", "replace")}
        try:
            made = make_params(kind, from_json(text) if rng.random() < 0.5 else values)
            json.dumps(made.model_dump(mode="json"), allow_nan=False)
        except StudioError as error:
            if len(str(error)) > 5000:
                raise AssertionError("an error of more than 5,000 characters") from error
            return "refused"
        return "opened"


class Routes(Target):
    """Every route of the server and every verb of the page, with values that no page sends."""

    SKIPPED: ClassVar[tuple[str, ...]] = ("/gradio_api/heartbeat", "/gradio_api/queue/data", "/gradio_api/stream")

    def __init__(self, folder: Path, secret: Path) -> None:
        super().__init__(folder, secret)
        from starlette.testclient import TestClient

        from hsi_studio.ui.app import build

        self.studio, self.project = _studio(folder, secret)
        self.scene = self.studio.scene_of(self.project).id
        page = build(self.studio, "demo")
        self.client = TestClient(page.asgi(), base_url="http://localhost", raise_server_exceptions=False)
        assert page.server is not None
        self.routes = sorted(
            {
                (route.path, method)
                for route in flat(page.server.routes)
                for method in getattr(route, "methods", None) or ()
            }
        )
        self.routes = [(path, method) for path, method in self.routes if path.startswith("/hsi")]
        logging.getLogger("httpx").setLevel(logging.WARNING)

    def __call__(self, rng: Random) -> str:
        import re

        path, method = self.routes[int(rng.integers(len(self.routes)))]
        place = re.sub(r"\{([^}]*)\}", lambda found: self._part(found[1], rng), path)
        options: dict[str, Any] = {}
        if rng.random() < 0.4:
            keys = ("report", "since", "follow", "params", "method", "prompts", "seed", "setup", "runs", "x")
            options["params"] = {keys[int(rng.integers(len(keys)))]: _text(odd_value(rng)) for _ in range(3)}
        if method == "POST":
            acts = [
                {"do": "pick", "row": odd_value(rng), "col": odd_value(rng), "class_id": odd_value(rng), "n": 1},
                {"do": "undo"}, odd_value(rng),
            ]  # fmt: skip
            body = json.dumps({"acts": acts[: int(rng.integers(0, 4))]} if rng.random() < 0.8 else odd_value(rng))
            options["content"] = body.encode("utf-8", "replace")
            options["headers"] = {"content-type": "application/json"}
        self.last = {"request.txt": f"{method} {place!r} {options!r}".encode("utf-8", "replace")}
        answer = self.client.request(method, place, follow_redirects=False, **options)
        if answer.status_code >= 500:
            raise AssertionError(f"{answer.status_code}: {answer.text[:300]}")
        return "answered" if answer.status_code < 400 else "refused"

    def _part(self, name: str, rng: Random) -> str:
        from urllib.parse import quote

        good = {"project_id": self.project, "scene_id": self.scene, "composite": "true-colour", "row": "3", "col": "3"}
        if rng.random() < 0.6:
            return str(good.get(name.split(":")[0], "1"))
        return quote(_text(odd_value(rng))[:2000] or "x", safe="")


def flat(routes: Any) -> Iterator[Any]:
    """Every route of a table, those of included routers too, which FastAPI keeps as one entry."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from flat(inner.routes) if inner is not None else [route]


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()[:3000]


def _studio(folder: Path, secret: Path) -> tuple[Any, str]:
    """A studio in the folder, and the id of a project with two classes on a small scene."""
    from hsi_studio.studio.facade import Studio

    place = folder / "data"
    place.mkdir(parents=True, exist_ok=True)
    for name, data in samples.scenes(place, secret)["tiff"].items():
        (place / name).write_bytes(data)
    studio = Studio(folder / "home", folder)
    project = studio.new_project(place / "scene.tif")
    for name in ("corn", "oak"):
        project.add_class(name)
    return studio, project.id


TARGETS: dict[str, type[Target]] = {
    "readers": Readers, "labels": Labels, "projects": Projects, "parameters": Parameters, "routes": Routes,
}  # fmt: skip
SHARES = {"readers": 0.45, "labels": 0.2, "projects": 0.12, "parameters": 0.13, "routes": 0.1}
