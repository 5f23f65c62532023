from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hsi_studio.errors import FileProblem, LabelProblem, SceneMismatch
from hsi_studio.project.store import Project, list_projects
from tests.project.small import small_scene, striped_reference


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path, small_scene(invalid=[(3, 3)]), {"spec": "small"})


def lines(project: Project) -> list[dict[str, object]]:
    return [json.loads(line) for line in (project.folder / "journal.jsonl").read_text().splitlines()]


def seen(project: Project) -> tuple[object, ...]:
    """Everything a user sees."""
    return (
        project.schema, project.points, project.numbered_points, project.prompts(), project.revision,
        project.undo_label, project.redo_label,
    )  # fmt: skip


def test_classes_come_from_the_reference_and_only_from_it(tmp_path: Path) -> None:
    names = {1: "Corn", 2: "corn", 3: "Wo\nods"}
    scene = small_scene(reference=striped_reference(), reference_names=names)
    classes = Project.create(tmp_path, scene, {}).schema.classes
    assert [c.name for c in classes] == ["Corn", "corn (2)", "Wo ods"]
    assert [c.reference_value for c in classes] == [1, 2, 3]
    assert len({c.color for c in classes}) == 3
    assert len(Project.create(tmp_path, small_scene(), {}).schema) == 0


def test_everything_is_there_after_reopening(project: Project) -> None:
    corn, wood = project.add_class("Corn"), project.add_class("Wood", "#00F")
    project.add_point(1, 2, corn.id, actor="tab-1")
    project.add_point(4, 5, wood.id)
    project.add_point(1, 2, wood.id)
    project.rename_class(wood.id, "Woods")
    project.recolour_class(corn.id, "#123456")
    project.move_class(wood.id, 0)
    project.set_prompt(corn.id, ["tall green rows", "  "])
    project.remove_point(4, 5)
    project.undo()
    project.undo()
    again = Project.open(project.folder)
    assert seen(again) == seen(project)
    assert again.schema.names == ["Woods", "Corn"]
    assert again.schema.colors == ["#0000ff", "#123456"]
    assert again.points == {(1, 2): wood.id, (4, 5): wood.id}
    assert again.redo_label.startswith("Redo: describe Corn")
    assert again.title == "A small scene"
    assert again.scene_spec == {"spec": "small"}
    assert again.shape == (12, 16)


def test_one_line_an_action_numbered_from_one(project: Project) -> None:
    corn = project.add_class("Corn")
    for col in range(10):
        project.add_point(0, col, corn.id, actor="me")
    project.add_point(0, 0, corn.id)  # the same again changes nothing
    written = lines(project)
    assert [line["seq"] for line in written] == list(range(1, 12))
    assert written[-1]["type"] == "add_point"
    assert written[-1]["actor"] == "me"
    assert project.revision == 11


def test_a_pixel_has_one_label_and_relabelling_is_one_action(project: Project) -> None:
    a, b = project.add_class("A"), project.add_class("B")
    project.add_point(1, 1, a.id)
    before = project.revision
    project.add_point(1, 1, b.id)
    assert project.points == {(1, 1): b.id}
    assert project.revision == before + 1
    assert project.undo_label == "Undo: relabel A as B at row 1, column 1"
    project.undo()
    assert project.points == {(1, 1): a.id}


def test_toggle_adds_relabels_and_removes(project: Project) -> None:
    a, b = project.add_class("A"), project.add_class("B")
    for class_id, expected in ((a.id, {(2, 2): a.id}), (b.id, {(2, 2): b.id}), (b.id, {})):
        project.toggle_point(2, 2, class_id)
        assert project.points == expected


def test_undo_has_no_limit_and_a_new_action_drops_the_redo_tail(project: Project) -> None:
    corn = project.add_class("Corn")
    for n in range(100):
        project.add_point(n // 16, n % 16, corn.id) if (n // 16, n % 16) != (3, 3) else project.clear()
    everything = seen(project)[:3]
    for _ in range(101):
        project.undo()
    assert not project.undo_label
    assert all(undone for _, _, undone in project.told())
    assert project.points == {}
    assert len(project.schema) == 0
    with pytest.raises(LabelProblem, match="nothing to undo"):
        project.undo()
    project = Project.open(project.folder)
    for _ in range(101):
        project.redo()
    assert seen(project)[:3] == everything
    assert not project.redo_label
    project.undo()
    project.add_class("New")
    assert not project.redo_label
    with pytest.raises(LabelProblem, match="nothing to redo"):
        project.redo()


def test_a_deleted_class_brings_its_labels_and_sentences_back(project: Project) -> None:
    a, b = project.add_class("A"), project.add_class("B")
    project.add_point(1, 1, a.id)
    project.add_point(1, 2, b.id)
    project.add_point(1, 3, a.id)
    project.set_prompt(a.id, ["a thing"])
    before = seen(project)[:4]
    project.delete_class(a.id)
    assert project.undo_label == "Undo: delete A and its 2 labels"
    assert project.schema.names == ["B"]
    assert project.points == {(1, 2): b.id}
    assert not project.prompts().sentences
    project.undo()
    assert seen(project)[:4] == before


def test_labels_follow_the_order_of_clicks_and_the_class_list(project: Project) -> None:
    a, b = project.add_class("A"), project.add_class("B")
    project.add_point(5, 6, b.id)
    project.add_point(1, 2, a.id)
    project.remove_point(5, 6)
    project.undo()  # keeps its place and its marker number
    labels = project.labels()
    assert labels.row.tolist() == [5, 1]
    assert labels.col.tolist() == [6, 2]
    assert labels.label.tolist() == [1, 0]
    assert labels.revision == project.revision
    assert [p.number for p in project.numbered_points] == [1, 2]
    assert project.labels() is labels
    with pytest.raises(ValueError, match="read-only"):
        labels.row[0] = 7


def test_pasting_a_list_keeps_classes_by_name(project: Project) -> None:
    corn, wood = project.add_class("Corn", "#111111"), project.add_class("Wood")
    project.add_point(1, 1, corn.id)
    project.add_point(1, 2, wood.id)
    said = project.set_classes("Water\t#0000ff\n\ncorn\nFields, fallow\nRoad, grey; #777\n")
    assert project.schema.names == ["Water", "corn", "Fields, fallow", "Road, grey"]
    assert project.schema.classes[1].id == corn.id
    assert project.schema.classes[1].color == "#111111"
    assert project.schema.colors[0] == "#0000ff"
    assert project.schema.colors[3] == "#777777"
    assert project.points == {(1, 1): corn.id}
    assert "without 1 label" in said
    project.undo()
    assert project.points == {(1, 1): corn.id, (1, 2): wood.id}
    with pytest.raises(LabelProblem, match="Line 3: 'a' is already on line 1"):
        project.set_classes("A\nB\na")
    with pytest.raises(LabelProblem, match="empty"):
        project.set_classes(" \n\n")


def test_an_import_is_one_action(project: Project) -> None:
    corn = project.add_class("Corn")
    project.add_point(1, 1, corn.id)
    said = project.import_labels([(1, 1, "New", "#abcdef"), (2, 2, "corn", "#000000"), (3, 3, "Corn", None)])
    assert "1 on pixels without data" in said
    new = project.schema.classes[1]
    assert (new.name, new.color) == ("New", "#abcdef")
    assert project.schema.classes[0].color == corn.color
    assert project.points == {(1, 1): new.id, (2, 2): corn.id}
    project.undo()
    assert project.points == {(1, 1): corn.id}
    assert project.schema.names == ["Corn"]
    with pytest.raises(LabelProblem, match="row 99 is outside 0–11"):
        project.import_labels([(5, 5, "Corn", None), (99, 0, "Corn", None)])
    assert project.points == {(1, 1): corn.id}


def test_an_import_says_which_labels_you_had_and_which_it_overwrites(project: Project) -> None:
    corn, wood = project.add_class("Corn"), project.add_class("Wood")
    project.add_point(1, 1, corn.id)
    project.add_point(1, 2, wood.id)
    said = project.import_labels([(1, 1, "Corn", None), (1, 2, "Corn", None), (4, 4, "Corn", None)])
    assert said == ("import 3 labels; 1 of them you had already; 1 of them in place of a label of another class")
    assert project.points == {(1, 1): corn.id, (1, 2): corn.id, (4, 4): corn.id}


def test_an_import_instead_of_the_others_is_one_action(project: Project) -> None:
    corn = project.add_class("Corn")
    for col in (1, 2):
        project.add_point(1, col, corn.id)
    said = project.import_labels([(1, 2, "Corn", None), (4, 4, "Wood", None)], instead=True)
    wood = project.schema.classes[1]
    assert said == "import 2 labels instead of 2"
    assert project.points == {(1, 2): corn.id, (4, 4): wood.id}
    assert Project.open(project.folder).points == project.points
    project.undo()
    assert project.points == {(1, 1): corn.id, (1, 2): corn.id}


def test_only_changes_of_labels_count_as_such(project: Project) -> None:
    corn = project.add_class("Corn")
    assert project.label_changes(0) == 0
    project.add_point(1, 1, corn.id)
    since = project.revision
    project.set_prompt(corn.id, ["tall maize"])
    project.rename_class(corn.id, "Maize")
    assert (project.label_changes(0), project.label_changes(since)) == (1, 0)
    project.undo()  # the name
    project.undo()  # the words
    assert project.label_changes(since) == 0
    project.undo()  # the label
    project.redo()
    project.import_labels([(2, 2, "Corn", None)])
    assert project.label_changes(since) == 3
    project.set_classes("Maize, #123456\nCorn")
    assert project.label_changes(since) == 3
    assert Project.open(project.folder).label_changes(since) == 3
    project.set_classes("Maize")  # without Corn and its labels
    assert project.label_changes(since) == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "needs a name"), (" \x00\n", "needs a name"), ("x" * 81, "81 characters"), ("CORN", "'Corn' already")],
)
def test_bad_names_are_refused_and_leave_no_line(project: Project, name: str, message: str) -> None:
    project.add_class("Corn")
    with pytest.raises(LabelProblem, match=message):
        project.add_class(name)
    assert len(lines(project)) == 1


def test_refusals_say_why(project: Project) -> None:
    corn = project.add_class("Corn")
    with pytest.raises(LabelProblem, match="row 150 is outside 0–11"):
        project.add_point(150, 0, corn.id)
    with pytest.raises(LabelProblem, match="column -1 is outside 0–15"):
        project.add_point(0, -1, corn.id)
    with pytest.raises(LabelProblem, match="row 3, column 3 has no data"):
        project.add_point(3, 3, corn.id)
    with pytest.raises(LabelProblem, match="does not exist any more"):
        project.add_point(0, 0, "nope")
    with pytest.raises(LabelProblem, match="no label at row 0, column 0"):
        project.remove_point(0, 0)
    with pytest.raises(LabelProblem, match="not a colour"):
        project.recolour_class(corn.id, "red;}")
    with pytest.raises(LabelProblem, match="already"):
        project.rename_class(project.add_class("Wood").id, "corn")
    with pytest.raises(SceneMismatch, match="12 × 16 pixels, small has 5 × 16"):
        project.attach(small_scene(height=5))
    assert project.revision == 2


def test_two_views_of_one_folder_follow_each_other(project: Project) -> None:
    other = Project.open(project.folder)
    corn = project.add_class("Corn")
    other.add_point(1, 1, corn.id)  # knows the class without a refresh
    assert [event.type for event in project.changed_since(1)] == ["add_point"]
    assert project.points == {(1, 1): corn.id}
    assert project.changed_since(2) == []
    other.undo()
    project.add_point(2, 2, corn.id)
    other.refresh()
    assert seen(other) == seen(project)


def test_many_threads_and_processes_lose_no_click(project: Project) -> None:
    corn = project.add_class("Corn")
    code = (
        "import sys; from hsi_studio.project.store import Project; p = Project.open(sys.argv[1])\n"
        "for col in range(16): p.add_point(int(sys.argv[2]), col, sys.argv[3])"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(project.folder), str(row), corn.id]) for row in (8, 9)
    ]

    def click(row: int) -> None:
        for col in range(16):
            project.add_point(row, col, corn.id)

    threads = [threading.Thread(target=click, args=(row,)) for row in (4, 5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(30) for process in processes] == [0, 0]
    project.refresh()
    assert set(project.points) == {(row, col) for row in (4, 5, 6, 8, 9) for col in range(16)}
    assert [line["seq"] for line in lines(project)] == list(range(1, 82))


def test_projects_are_listed_newest_first_with_the_damaged_ones(tmp_path: Path) -> None:
    first, second, third = (Project.create(tmp_path, small_scene(), {"spec": "s"}, f"P {n}") for n in range(3))
    (third.folder / "project.json").write_text("{")
    for age, project in enumerate((second, first, third)):
        for name in ("journal.jsonl", "project.json"):
            os.utime(project.folder / name, (1e9 - age, 1e9 - age))
    (tmp_path / "unrelated").mkdir()
    listed = list_projects(tmp_path)
    assert [entry.id for entry in listed] == [second.id, first.id, third.id]
    assert listed[0].title == "P 1"
    assert listed[0].scene_id == "0123456789abcdef"
    assert not listed[0].problem
    assert "project.json" in listed[2].problem
    assert "backup" in listed[2].problem
    assert list_projects(tmp_path / "nowhere") == []


def test_a_project_of_a_newer_version_is_not_touched(project: Project) -> None:
    path = project.folder / "project.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 9'))
    with pytest.raises(FileProblem, match="newer version"):
        Project.open(project.folder)


def test_the_snapshot_is_geojson_and_not_needed(project: Project) -> None:
    corn = project.add_class("Mais “süß”")
    project.add_point(1, 2, corn.id)
    document = json.loads(project.snapshot().read_text(encoding="utf-8"))
    assert document["features"][0]["properties"]["class"] == "Mais “süß”"
    assert document["features"][0]["geometry"]["coordinates"] == [2.0, 1.0]
    (project.folder / "labels.geojson").write_text("nonsense")
    assert Project.open(project.folder).points == {(1, 2): corn.id}
