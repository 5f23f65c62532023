"""`studio.prompts` on a small scene: sets to start from, what a run gets, background views and drafts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.errors import BadRequest, LabelProblem, LanguageModelProblem, StudioError
from hsi_studio.project.store import Project
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.studio.prompt_choice import record_of_prompts, resolve
from hsi_studio.studio.prompts import Prompts
from hsi_studio.studio.workspace import Workspace
from hsi_studio.text.llm.endpoint import Endpoint
from hsi_studio.text.llm.settings import KEY
from hsi_studio.types import Bands, Scene
from tests.project.small import small_scene, striped_reference
from tests.text.llm_server import Handler, serving

NAMES = {1: "Meadow", 2: "Water", 3: "Tile roof"}
NM = np.array([480, 560, 660, 840, 1650], dtype=np.float32)
SPECTRA = {1: (0.03, 0.09, 0.03, 0.45, 0.2), 2: (0.05, 0.06, 0.03, 0.01, 0.002), 3: (0.06, 0.1, 0.28, 0.33, 0.36)}


class SmallWorkspace(Workspace):
    """One project on one scene, whatever its id."""

    def __init__(self, home: Path, scene: Scene, made: Project) -> None:
        super().__init__(home)
        self.small, self.made, self.changed = scene, made, list[str]()

    def project(self, project_id: str) -> Project:
        return self.made

    def scene_of(self, project_id: str) -> Scene:
        return self.small


@pytest.fixture
def workspace(tmp_path: Path) -> SmallWorkspace:
    reference = striped_reference()
    cube = np.zeros((12, 16, 5), dtype=np.float32)
    for value, spectrum in SPECTRA.items():
        cube[reference == value] = spectrum
    cube += np.random.default_rng(0).uniform(0, 0.002, cube.shape).astype(np.float32)
    made = small_scene(reference=reference, reference_names=NAMES, name="demo", value_unit="reflectance")
    scene = replace(made, cube=ArrayCube(cube), bands=Bands(5, NM))
    return SmallWorkspace(tmp_path, scene, Project.create(tmp_path, scene, {"spec": "small"}))


def lab(workspace: SmallWorkspace) -> Prompts:
    return Prompts(workspace, workspace.changed.append)


def until(get: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        value = get()
        if good(value):
            return value
        time.sleep(0.02)
    raise AssertionError(f"still {value}")


def label_all(workspace: SmallWorkspace) -> None:
    for k, info in enumerate(workspace.made.schema.classes):
        workspace.made.add_point(4, 5 * k + 2, info.id)
        workspace.made.add_point(5, 5 * k + 2, info.id)


def test_every_start_makes_a_set_and_says_what_it_lacks(workspace: SmallWorkspace) -> None:
    prompts = lab(workspace)
    plain, notes = prompts.create("x", "p1")
    meadow, water, _ = workspace.made.schema.classes
    assert plain.sentences[meadow.id] == ("a patch of a meadow.",)
    assert (plain.name, plain.origin, notes) == ("Style p1 plain", "style p1", ())
    assert prompts.create("x", "p1")[0].name == "Style p1 plain (2)"
    assert len(prompts.create("x", "p5")[0].sentences[water.id]) == 2
    assert prompts.create("x", "empty", "Mine")[0].sentences == {}
    assert prompts.create("x", f"copy:{plain.id}")[0].origin == "copy of Style p1 plain, version 1"
    with pytest.raises(BadRequest, match="label some pixels"):
        prompts.create("x", "pixels")
    workspace.made.add_point(4, 2, meadow.id)
    pixels, notes = prompts.create("x", "pixels")
    assert list(pixels.sentences) == [meadow.id]
    assert "green vegetation" in pixels.sentences[meadow.id][0]
    assert "Water, Tile roof" in notes[0]
    assert len(workspace.changed) == 6
    for wrong in ("p6", "", "copy:nothing"):
        with pytest.raises((BadRequest, LabelProblem)):
            prompts.create("x", wrong)


def test_a_run_gets_a_style_or_a_version_of_a_set(workspace: SmallWorkspace) -> None:
    prompts = lab(workspace)
    made, _ = prompts.create("x", "p1", "Mine")
    meadow = workspace.made.schema.classes[0]
    assert prompts.edit("x", made.id, {meadow.id: ["lush grass"]}) == 2
    values = dict(prompts.choices("x"))
    assert values["Mine, version 2"] == f"set:{made.id}"
    now = prompts.resolve("x", f"set:{made.id}")
    assert (now.title, now.version, now.sentences[meadow.id]) == ("Mine, version 2", 2, ("lush grass",))
    old = prompts.resolve("x", f"set:{made.id}@1")
    assert old.sentences[meadow.id] == ("a patch of a meadow.",)
    assert json.dumps(old.record)
    style = prompts.resolve("x", "p4")
    assert (style.style, style.set_id, len(style.sentences)) == ("p4", "", 3)
    prompts.edit("x", made.id, {meadow.id: []})
    assert prompts.resolve("x", f"set:{made.id}").notes == ("No sentence for Meadow: their names stand for them.",)
    assert old.choice == f"set:{made.id}@1"
    assert prompts.resolve("x", old.choice) == old
    assert prompts.resolve("x", "set:mine") == prompts.resolve("x", f"set:{made.id}")
    assert prompts.resolve("x", "names").sentences == {}
    for wrong in ("p9", "", "set:none", "set:", f"set:{made.id}@9", f"set:{made.id}@x", "set@1"):
        with pytest.raises(StudioError):
            prompts.resolve("x", wrong)


def test_the_record_keeps_the_words_of_a_run_the_given_ones_first(workspace: SmallWorkspace) -> None:
    project = workspace.made
    first, second, *_ = project.schema.classes
    given = {first.id: ["my own sentence"], "nobody": ["of no class"]}
    kept = record_of_prompts(project, "demo", "p1", True, given)
    assert kept["style"] == "p1"
    assert kept["sentences"][first.id] == ["my own sentence"]
    assert kept["sentences"][second.id] == list(resolve(project, "demo", "p1").sentences[second.id])
    assert "nobody" not in kept["sentences"]
    assert record_of_prompts(project, "demo", "p1", False) == {"style": "p1", "set": "", "sentences": {}}
    assert record_of_prompts(project, "demo", "set:gone@3", False)["style"] == "set:gone@3"  # it needs none of them
    with pytest.raises(BadRequest, match="no prompts 'p9', and this method reads none"):
        record_of_prompts(project, "demo", "p9", False)


def test_a_set_goes_out_and_comes_back(workspace: SmallWorkspace) -> None:
    prompts = lab(workspace)
    made, _ = prompts.create("x", "p5", "My very own: set/1")
    for kind in ("json", "csv"):
        file = prompts.export("x", made.id, kind)
        assert file.parent == workspace.made.folder / "exports"
        back, notes = prompts.import_file("x", file)
        assert (dict(back.sentences), notes) == (dict(made.sentences), ())
        assert back.origin == f"imported from {file.name}"


def test_the_view_compares_texts_and_pixels(workspace: SmallWorkspace) -> None:
    prompts = lab(workspace)
    label_all(workspace)
    made, _ = prompts.create("x", "p1")
    meadow, water, roof = workspace.made.schema.classes
    texts = {meadow.id: ["a lake of open water"], water.id: ["a meadow of green grass"], roof.id: ["red tile roof"]}
    prompts.edit("x", made.id, texts)
    view = until(lambda: prompts.view("x", made.id), lambda v: v.state != "working")
    assert view.state == "done"
    assert view.version == 2
    assert {d.class_id for d in view.disagreements} == {meadow.id, water.id}
    assert next(d for d in view.disagreements if d.class_id == meadow.id).suggestion.startswith("Meadow: ")
    assert view.joint is None
    assert "DiffCLIP" in view.joint_note
    prompts.edit("x", made.id, {meadow.id: ["orange red roof tiles"], roof.id: ["orange red roof tiles"]})
    view = until(lambda: prompts.view("x", made.id), lambda v: v.state != "working")
    assert [(p.first, p.second) for p in view.pairs] == [(0, 2)]
    assert "tell them apart by the " in view.pairs[0].text


def test_without_labels_the_view_says_so(workspace: SmallWorkspace) -> None:
    prompts = lab(workspace)
    made, _ = prompts.create("x", "p1")
    view = until(lambda: prompts.view("x", made.id), lambda v: v.state != "working")
    assert "once 2 classes have labels (0 now)" in view.compared
    assert view.similarity is not None


def good(name: str) -> str:
    sentence = f"The {name} is a kind of ground that differs from the others in colour and texture."
    return json.dumps({"class": name, "sentences": [sentence]}) + "\n"


def test_a_draft_is_seen_before_it_is_used(workspace: SmallWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "sk-secret")
    label_all(workspace)
    prompts = lab(workspace)
    made, _ = prompts.create("x", "empty")

    def reply(to: Handler, _: Any) -> None:
        to.begin()
        to.piece(good("Meadow"))
        to.piece(json.dumps({"class": "water", "sentences": ["**Wet**"]}) + "\n" + good("Barley"))
        to.piece("", "stop")
        to.usage(prompt_tokens=100, completion_tokens=50)
        to.done()

    meadow, water, _ = workspace.made.schema.classes
    with serving(reply) as (url, server):
        prompts.drafts.writer = Endpoint(url, "tiny")
        prompts.drafts.start("x", "my own system prompt")
        draft = until(lambda: prompts.drafts.get("x"), lambda d: d.state != "writing")
    sent = server.seen[0][2]["messages"]
    assert sent[0]["content"] == "my own system prompt"
    assert "measured: Meadow: " in sent[1]["content"]
    assert draft.state == "done"
    assert draft.usage is not None
    assert draft.usage.prompt_tokens == 100
    assert [p.class_id for p in draft.proposals] == [meadow.id, water.id]
    assert "Barley" in draft.notes[0]
    assert "Tile roof" in draft.notes[1]
    assert workspace.made.words.prompts(made.id).sentences == {}  # nothing is used unseen
    with pytest.raises(LanguageModelProblem, match="markup"):
        prompts.accept("x", made.id, {p.class_id: p.sentences for p in draft.proposals})  # all or none
    assert workspace.made.words.get(made.id).version == 1
    kept = {meadow.id: draft.proposals[0].sentences}
    with pytest.raises(LabelProblem):
        prompts.accept("x", "no such set", kept)
    assert prompts.accept("x", made.id, kept) == 2
    assert workspace.made.words.versions(made.id)[1].why == "language model, seen and accepted"
    now = prompts.drafts.get("x")
    assert now is not None
    assert [p.class_id for p in now.proposals] == [water.id]
    with pytest.raises(BadRequest, match="gone"):
        prompts.accept("x", made.id, kept)


def test_a_draft_can_be_stopped_and_failures_are_told(workspace: SmallWorkspace) -> None:
    prompts = lab(workspace)
    with pytest.raises(BadRequest, match="HSI_STUDIO_LLM_URL"):
        prompts.drafts.start("x")

    def slow(to: Handler, _: Any) -> None:
        to.begin()
        to.piece(good("Meadow"))
        while not to.gone.is_set():
            to.piece("…")
            time.sleep(0.01)

    with serving(slow) as (url, _):
        prompts.drafts.writer = Endpoint(url, "tiny")
        prompts.drafts.start("x")
        until(lambda: prompts.drafts.get("x"), lambda d: bool(d.proposals))
        with pytest.raises(BadRequest, match="writing already"):
            prompts.drafts.start("x")
        prompts.drafts.cancel("x")
        draft = until(lambda: prompts.drafts.get("x"), lambda d: d.state != "writing")
    assert draft.state == "cancelled"
    assert len(draft.proposals) == 1  # what was whole can still be looked at
    with serving(lambda to, _: to.answer(500, "boom")) as (url, _):
        prompts.drafts.writer = Endpoint(url, "tiny")
        prompts.drafts.start("x")
        draft = until(lambda: prompts.drafts.get("x"), lambda d: d.state != "writing")
    assert draft.state == "failed"
    assert "boom" in draft.error
    prompts.close()
