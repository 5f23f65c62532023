"""Prompt sets are project state: named, versioned, in the journal, undone and redone like labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hsi_studio.errors import LabelProblem
from hsi_studio.project.prompt_book import word_diff
from hsi_studio.project.store import Project
from hsi_studio.types import ClassInfo
from tests.project.small import small_scene


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path, small_scene(), {"spec": "small"})
    made.add_class("Corn")
    made.add_class("Wood")
    return made


def two(project: Project) -> tuple[ClassInfo, ClassInfo]:
    corn, wood = project.schema.classes
    return corn, wood


def test_everything_is_there_after_reopening(project: Project) -> None:
    corn, wood = two(project)
    words = project.words
    plain = words.create("Plain", {corn.id: ["tall rows", "  "], wood.id: []}, origin="typed", language="de")
    assert words.edit(plain, {wood.id: ["dark crowns"]}) == 2
    long = words.copy(plain)
    words.rename(long, "Long")
    words.edit(long, {corn.id: ["tall green rows of corn"]}, why="from the pixels", actor="me")
    again = Project.open(project.folder).words
    assert again.all == words.all
    assert [(info.name, info.version, info.language) for info in again.all] == [("Plain", 2, "de"), ("Long", 2, "de")]
    assert again.prompts(plain).sentences == {corn.id: ("tall rows",), wood.id: ("dark crowns",)}
    assert again.prompts(plain, 1).sentences == {corn.id: ("tall rows",)}
    assert again.current == long
    assert again.named("long").origin == "copy of Plain, version 2"
    last = again.history(long, corn.id)[-1]
    assert (last.version, last.why, last.actor) == (2, "from the pixels", "me")
    assert last.time.endswith("Z")


def test_a_version_number_means_one_wording_for_ever(project: Project) -> None:
    corn, _ = two(project)
    words = project.words
    key = words.create("A", {corn.id: ["one"]})
    words.edit(key, {corn.id: ["two"]})
    project.undo()
    assert words.get(key).version == 1
    assert words.edit(key, {corn.id: ["three"]}) == 3
    assert words.prompts(key, 2).sentences == {corn.id: ("two",)}
    assert words.revert(key, 2) == 4
    assert words.prompts(key).sentences == {corn.id: ("two",)}
    assert [v.why for v in Project.open(project.folder).words.versions(key)] == [
        "made", "edit Corn", "edit Corn", "back to version 2",
    ]  # fmt: skip
    project.undo()
    assert words.get(key).version == 3
    project.redo()
    assert words.get(key).version == 4
    with pytest.raises(LabelProblem, match="versions 1 to 4"):
        words.prompts(key, 5)


def test_one_class_goes_back_alone(project: Project) -> None:
    corn, wood = two(project)
    words = project.words
    key = words.create("A", {corn.id: ["c1"], wood.id: ["w1"]})
    words.edit(key, {corn.id: ["c2"]})
    words.edit(key, {wood.id: ["w2"]})
    words.revert(key, 1, corn.id)
    assert words.prompts(key).sentences == {corn.id: ("c1",), wood.id: ("w2",)}
    assert [(w.version, w.sentences) for w in words.history(key, wood.id)] == [(1, ("w1",)), (3, ("w2",))]
    assert [d.class_id for d in words.diff(key, 1, 4)] == [wood.id]


def test_undo_and_redo_share_the_projects_stack(project: Project) -> None:
    corn, _ = two(project)
    words = project.words
    key = words.create("A", {corn.id: ["one"]})
    project.add_point(1, 1, corn.id)
    words.delete(key)
    assert words.all == []
    assert project.prompts().sentences == {}
    assert project.undo() == "undo: delete prompt set A"
    assert words.get(key).version == 1
    assert words.current == key
    project.undo()
    assert project.points == {}
    project.undo()
    assert words.all == []
    assert words.current == ""
    project.redo()
    assert project.prompts().sentences == {corn.id: ("one",)}


def test_a_deleted_class_leaves_its_sentences_for_undo(project: Project) -> None:
    corn, wood = two(project)
    key = project.words.create("A", {corn.id: ["c"], wood.id: ["w"]})
    project.delete_class(corn.id)
    assert project.words.prompts(key).sentences == {wood.id: ("w",)}
    project.undo()
    assert project.words.prompts(key).sentences == {corn.id: ("c",), wood.id: ("w",)}


def test_journals_from_before_prompt_sets_still_replay(project: Project) -> None:
    corn, wood = two(project)
    old = [
        {"type": "set_prompt", "payload": {"id": corn.id, "sentences": ["tall rows"]}},
        {"type": "set_prompt", "payload": {"id": wood.id, "sentences": ["crowns"]}},
        {"type": "set_prompt", "payload": {"id": corn.id, "sentences": []}},
        {"type": "undo", "payload": {"target": 5}},
    ]
    with (project.folder / "journal.jsonl").open("a") as stream:
        for seq, line in enumerate(old, start=3):
            stream.write(json.dumps({"seq": seq, "time": "2026-01-01T00:00:00Z", "actor": "", **line}) + "\n")
    again = Project.open(project.folder)
    assert again.prompts().sentences == {corn.id: ("tall rows",), wood.id: ("crowns",)}
    assert [info.name for info in again.words.all] == ["My words"]
    assert again.redo_label == "Redo: describe Corn"
    again.set_prompt(corn.id, ["rows"])
    assert again.prompts().sentences[corn.id] == ("rows",)


def test_what_changes_nothing_writes_no_line(project: Project) -> None:
    corn, _ = two(project)
    key = project.words.create("A", {corn.id: ["one"]})
    before = project.revision
    assert project.words.edit(key, {corn.id: [" one "]}) == 1
    project.words.rename(key, "A")
    assert project.revision == before


@pytest.mark.parametrize("name", ["", " \n ", "x" * 81, "a"])
def test_names_are_needed_and_unique(project: Project, name: str) -> None:
    project.words.create("A")
    with pytest.raises(LabelProblem, match=r"name|already"):
        project.words.create(name)
    assert project.words.free_name("a") == "a (2)"


def test_refusals_leave_no_line(project: Project) -> None:
    corn, _ = two(project)
    key = project.words.create("A")
    before = project.revision
    for action in (
        lambda: project.words.edit(key, {"nobody": ["x"]}),
        lambda: project.words.edit("gone", {corn.id: ["x"]}),
        lambda: project.words.edit(key, {corn.id: ["x" * 2001]}),
        lambda: project.words.edit(key, {corn.id: ["x"] * 65}),
        lambda: project.words.set_language(key, "no such language"),
        lambda: project.words.revert(key, 9),
        lambda: project.words.named("B"),
    ):
        with pytest.raises(LabelProblem):
            action()
    assert project.revision == before


def test_a_diff_names_the_words_that_come_and_go() -> None:
    found = word_diff(["a tall green crop."], ["a tall dry crop.", "In rows."])
    assert found == (
        ("same", "a tall"), ("gone", "green"), ("new", "dry"), ("same", "crop."), ("new", "\n In rows."),
    )  # fmt: skip
