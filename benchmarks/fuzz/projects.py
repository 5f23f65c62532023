"""Home folders that are not as they were written: one thing in a valid one is changed, then everything is looked at.

The valid home has a project with labels, an undone action, words for its classes, a layer after steps, a run with its
events, labels, map and model, and a list of shares. Of these files one is changed an input: a value, a name or a line
of its JSON in two of three cases (`one_value`), else its bytes (`mutate.py`). What comes of it: "opened" (everything
was there as before, or without what was damaged), "answered" (it was there after *mend*), "refused" (not then either:
its scene is named otherwise, for one). A project that *mend* says it has mended has to open: else it is a finding.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz import samples
from benchmarks.fuzz.mutate import Random, mutated, odd_value
from benchmarks.fuzz.target import Target
from hsi_studio.errors import StudioError

JSON_SHARE = 2 / 3
WEIGHTS = {"project.json": 3, "journal.jsonl": 4, "run.json": 4, "events.jsonl": 2}  # how often; 1 for others
LEFT_ALONE = (".lock", "labels.geojson")


class Projects(Target):
    """A home, listed, opened, looked at, labelled in, mended, and looked at again."""

    def __init__(self, folder: Path, secret: Path) -> None:
        super().__init__(folder, secret)
        self.home = folder / "made" / "home"
        self.id = valid_home(self.home, folder / "made" / "data")
        self.files = {
            str(file.relative_to(self.home)): file.read_bytes()
            for file in sorted(self.home.rglob("*"))
            if file.is_file() and not file.name.endswith(LEFT_ALONE) and "cache" not in file.parts
        }
        weights = np.array([WEIGHTS.get(Path(name).name, 1) for name in self.files], dtype=float)
        self.names, self.share = list(self.files), weights / weights.sum()
        if not self.looked():
            raise AssertionError("the valid home does not open")

    def __call__(self, rng: Random) -> str:
        shutil.rmtree(self.home / "projects")
        name = self.names[int(rng.choice(len(self.names), p=self.share))]
        data = self.files[name]
        data = one_value(data, rng) if rng.random() < JSON_SHARE and ".json" in name else mutated(data, rng, True)
        self.last = {name.replace("/", "-"): data}
        for one, whole in self.files.items():
            (self.home / one).parent.mkdir(parents=True, exist_ok=True)
            (self.home / one).write_bytes(data if one == name else whole)
        if self.looked():
            return "opened"
        return "answered" if self.mended() and self.looked(whole=False) else "refused"

    def looked(self, whole: bool = True) -> bool:
        """Whether the project opens and takes a label, in a program that has just started. What else there is of it may
        be refused: with a StudioError. Not `whole`: the project alone."""
        from hsi_studio.studio.facade import Studio
        from hsi_studio.ui.server.shares import Shares

        studio = Studio(self.home, self.folder)
        try:
            told = [(one.id, one.title, one.problem, one.modified) for one in studio.projects()]
            json.dumps(told, allow_nan=False)
            for look in self.looks(studio) if whole else []:
                tried(look)
            tried(lambda: Shares(self.home / "shares.json").get("x"))
            return tried(lambda: used(studio, self.id))
        finally:
            studio.close()

    def looks(self, studio: Any) -> list[Callable[[], object]]:
        """What a page asks for."""
        runs = [path.parent.name for path in self.home.glob("projects/*/runs/*/run.json")]
        found: list[Callable[[], object]] = [
            studio.latest_project,
            lambda: [studio.displayed.at(self.id, one.id) for one in studio.displayed.maps(self.id)],
            lambda: json.dumps([info.title for info in studio.models.find()]),
            lambda: [studio.prompts.resolve(self.id, choice) for choice, _ in studio.prompts.choices(self.id)],
            lambda: json.dumps([vars(one)["state"] for one in studio.runs.list(self.id)]),
            lambda: studio.workspace.damage(self.id),
        ]
        for run in runs:
            for verb in ("get", "events", "prediction", "labels", "report"):
                found.append(lambda run=run, verb=verb: getattr(studio.runs, verb)(run))  # type: ignore[misc]
        return found

    def mended(self) -> bool:
        """Whether *mend* says that it did; the project's files are in order then. Raises AssertionError."""
        from hsi_studio.project.store import Project
        from hsi_studio.studio.facade import Studio

        studio = Studio(self.home, self.folder)
        try:
            said = studio.mend(self.id)
        except StudioError:
            return False
        finally:
            studio.close()
        json.dumps(said)
        try:
            Project.open(self.home / "projects" / self.id)
        except StudioError as error:
            raise AssertionError(f"mended ({said}), and does not open: {error}") from error
        return True


def tried(look: Callable[[], object]) -> bool:
    try:
        look()
    except StudioError:
        return False
    return True


def used(studio: Any, project_id: str) -> None:
    """Opened, read, labelled and that taken back."""
    project = studio.project(project_id)
    project.labels()
    json.dumps([(info.name, info.color) for info in project.schema.classes] + project.notes)
    chosen = project.schema.classes
    if chosen:
        studio.label(project_id, 7, 7, chosen[0].id)
        project.undo()


def one_value(data: bytes, rng: Random) -> bytes:
    """A JSON text, or one line of many, with one value exchanged, taken away, doubled, or put in place of another."""
    lines = data.split(b"\n")
    whole = not data.lstrip().startswith(b"{") or b"\n{" not in data
    at = 0 if whole else int(rng.integers(len(lines)))
    try:
        value = json.loads(data if whole else lines[at])
    except ValueError:
        return mutated(data, rng, True)
    places = list(all_places(value))
    if not places:
        return mutated(data, rng, True)
    holder, key = places[int(rng.integers(len(places)))]
    match int(rng.integers(5)):
        case 0:
            del holder[key]
        case 1:
            other, there = places[int(rng.integers(len(places)))]
            holder[key] = json.loads(json.dumps(other[there])) if there in held(other) else None
        case 2 if isinstance(holder, dict):
            holder[str(odd_value(rng, 3))] = holder[key]
        case _:
            holder[key] = odd_value(rng)
    text = json.dumps(value).encode("utf-8", "surrogatepass")
    if whole:
        return text
    return b"\n".join([*lines[:at], text, *lines[at + 1 :]])


def held(holder: Any) -> Any:
    return holder if isinstance(holder, dict) else range(len(holder))


def all_places(value: Any) -> Any:
    """(holder, key) of every value inside."""
    if isinstance(value, dict | list):
        for key in list(held(value)):
            yield value, key
            yield from all_places(value[key])


def valid_home(home: Path, data: Path) -> str:
    """The id of the project in it."""
    from hsi_studio.engine.models.checkpoint import write_checkpoint
    from hsi_studio.engine.models.metadata import describe
    from hsi_studio.engine.runs.devices import Device
    from hsi_studio.engine.runs.events import EventLog
    from hsi_studio.methods import get_method
    from hsi_studio.methods.contract import Context, make_params
    from hsi_studio.studio.facade import Studio
    from hsi_studio.studio.new_run import new_run
    from hsi_studio.types import Prediction, PromptSet
    from hsi_studio.ui.server.shares import Shares

    data.mkdir(parents=True, exist_ok=True)
    np.save(data / "scene.npy", samples.cube())
    studio = Studio(home, data.parent)
    project = studio.new_project(data / "scene.npy", axes="rows,cols,bands")
    for name in ("corn", "oak"):
        project.add_class(name)
    for row in range(5):
        studio.label(project.id, row, 2, project.schema.classes[row % 2].id)
    project.undo()
    project.add_class("Třída ≤ 3")
    words, _ = studio.prompts.create(project.id, "p5", "Words")
    project.words.edit(words.id, {project.schema.classes[0].id: ["tall corn"]})
    studio.edits.add(project.id, "sieve=400", of="live")

    scene, labels = studio.scene_of(project.id), project.labels().only_labelled()
    folder, record = new_run(
        project, scene, labels, Device("cpu", "CPU", ""), lambda _, made: made, method="svm", params={}, title="SVM",
        prompts={"style": "p5", "set": "", "sentences": {project.schema.classes[0].id: ["tall corn"]}},
    )  # fmt: skip
    method = get_method("svm")
    params = make_params(method.Params, {})
    fitted = method.fit(scene, labels, PromptSet(), params, Context())
    facts = describe(scene, labels, "svm", params=params.model_dump(mode="json"), seed=0, run_id=record.id)
    write_checkpoint(folder.model_file, fitted.state(), facts)
    label = np.where(scene.valid, 1 + np.indices(scene.shape[:2])[0] % 2, 0).astype(np.uint16)
    sure = np.where(scene.valid, 0.75, np.nan).astype(np.float32)
    folder.write_map(Prediction(project.schema, label, sure, "svm", {}, labels.revision))
    events = EventLog(folder.events_file)
    events.append("progress", message="Fitting", done=1.0, total=2.0, seconds_left=1.0)
    record = folder.set_state(record, "running", log=events)
    folder.set_state(record, "done", log=events)
    Shares(home / "shares.json").make("ana", project.id)
    studio.close()
    return project.id
