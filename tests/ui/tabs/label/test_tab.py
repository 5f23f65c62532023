"""What the class list does to a project, and what the page is told; without a page."""

from __future__ import annotations

import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.ui.tabs.label import LabelTab, whole
from tests.ui.tabs.events import event, value


@pytest.fixture
def tab(studio: Studio) -> LabelTab:
    return LabelTab(studio)


def names(project: Project) -> list[str]:
    return [info.name for info in project.schema.classes]


def test_a_new_class_is_the_one_to_label_with(tab: LabelTab, project: Project) -> None:
    viewer, classes = tab.act(project.id, event("add", name="Water"))
    assert names(project) == ["upper", "lower", "Water"]
    added = project.schema.classes[-1].id
    assert value(viewer)["active"] == value(classes)["active"] == added


def test_classes_are_edited_and_the_page_keeps_its_own_choice(tab: LabelTab, project: Project) -> None:
    upper, lower = project.schema.classes
    tab.act(project.id, event("rename", id=upper.id, name="Roof"))
    tab.act(project.id, event("recolour", id=upper.id, color="#123456"))
    viewer, classes = tab.act(project.id, event("remove", id=lower.id))
    assert [(c.name, c.color) for c in project.schema.classes] == [("Roof", "#123456")]
    assert "active" not in value(viewer) | value(classes)
    assert [c["count"] for c in value(classes)["classes"]] == [3]
    viewer, _ = tab.act(project.id, event("undo"))
    assert value(viewer)["notice"].startswith("Undone: ")
    assert names(project) == ["Roof", "lower"]
    tab.act(project.id, event("redo"))
    assert names(project) == ["Roof"]


def test_a_pasted_list_says_what_it_did(tab: LabelTab, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    tab.act(project.id, event("paste", text="upper\nWater, #0000ff"))
    assert names(project) == ["upper", "Water"]
    assert "2 classes, without 3 labels" in capsys.readouterr().out  # where gr.Info goes without a page


def test_several_names_come_behind_the_classes_there_are_in_one_action(tab: LabelTab, project: Project) -> None:
    before = [(info.id, info.color) for info in project.schema.classes]
    viewer, _ = tab.act(project.id, event("add several", text="Water\nUPPER\nRoof, #aa0000\n"))
    assert names(project) == ["upper", "lower", "Water", "Roof"]
    assert [(info.id, info.color) for info in project.schema.classes][:2] == before
    assert value(viewer)["active"] == project.schema.classes[2].id
    assert len(project.labels()) == 6
    tab.act(project.id, event("undo"))
    assert names(project) == ["upper", "lower"]


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (event("add several", text="upper\nlower"), "there already"),
        (event("add", name="upper"), "upper"),
        (event("draw", shots=5, seed=0), "reference"),
        (event("draw", shots=2.5, seed=0), "2.5 is no whole number"),
        (event("draw", shots=True, seed=0), "True is no whole number"),
    ],
)
def test_what_is_refused_is_a_warning_and_changes_nothing(
    tab: LabelTab, project: Project, done: object, words: str
) -> None:
    before = project.revision
    with pytest.warns(UserWarning, match=words):
        viewer, _ = tab.act(project.id, done)  # type: ignore[arg-type]
    assert project.revision == before
    assert value(viewer)["labels"]["seq"] == before


def test_a_draw_hands_on_shots_seed_and_the_users_yes(
    tab: LabelTab, studio: Studio, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(studio.labels, "draw", lambda *a, **k: asked.append((a, k)) or "drawn")
    tab.act(project.id, event("draw", shots=5.0, seed=3))
    tab.act(project.id, event("draw", shots=5, seed=3, instead="yes"))  # only `true` replaces what there is
    tab.act(project.id, event("draw", shots=5, seed=3, instead=True))
    assert asked == [((project.id, 5, 3), {"instead": instead}) for instead in (False, False, True)]


def test_whole_numbers() -> None:
    assert [whole(5), whole(5.0)] == [5, 5]
    for wrong in (None, "5", 5.5, True, float("nan")):
        with pytest.raises(BadRequest, match="whole number"):
            whole(wrong)
