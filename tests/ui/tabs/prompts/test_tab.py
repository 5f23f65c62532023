"""The Prompts tab's handlers, without a page: every edit is an action of the project, nothing is lost when it fails."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.ui.tabs.prompts import languages
from hsi_studio.ui.tabs.prompts.tab import PARTS, PromptsTab
from hsi_studio.ui.tabs.prompts.values import LANGUAGE_CHOICES
from tests.ui.tabs.events import event, untouched, value


@pytest.fixture
def tab(studio: Studio) -> PromptsTab:
    return PromptsTab(studio)


@pytest.fixture
def made(studio: Studio, project: Project) -> str:
    """Id of a set that has "A photo of upper." and the like."""
    return studio.prompts.create(project.id, "p1")[0].id


def part(answer: tuple[Any, ...], name: str) -> Any:
    return answer[PARTS.index(name)]


def sentences(studio: Studio, project: Project, set_id: str) -> dict[str, list[str]]:
    """Class name → what it says."""
    said = studio.prompts.book(project.id).prompts(set_id).sentences
    return {info.name: list(said.get(info.id, ())) for info in project.schema.classes}


def test_a_set_is_made_typed_into_and_taken_back(tab: PromptsTab, studio: Studio, project: Project) -> None:
    answer = tab.act(project.id, "", "", event("create", source="p1", n=1))
    set_id, upper = part(answer, "shown"), project.schema.classes[0].id
    assert value(part(answer, "table"))["ack"] == 1
    answer = tab.act(project.id, set_id, "", event("edit", id=upper, sentences=["bright tiles"], n=2))
    assert sentences(studio, project, set_id)["upper"] == ["bright tiles"]
    assert value(part(answer, "table"))["version"] == 2
    tab.act(project.id, set_id, "", event("add", id=upper, sentence="hot in summer"))
    assert sentences(studio, project, set_id)["upper"] == ["bright tiles", "hot in summer"]
    tab.act(project.id, set_id, "", event("undo"))
    assert sentences(studio, project, set_id)["upper"] == ["bright tiles"]
    tab.act(project.id, set_id, "", event("redo"))
    assert len(sentences(studio, project, set_id)["upper"]) == 2


def test_history_difference_and_return_to_a_version(
    tab: PromptsTab, studio: Studio, project: Project, made: str
) -> None:
    upper, before = project.schema.classes[0].id, sentences(studio, project, made)
    tab.act(project.id, made, "", event("edit", id=upper, sentences=["bright tiles"]))
    answer = tab.act(project.id, made, "", event("history", id=upper))
    assert len(value(part(answer, "table"))["history"]["entries"]) == 2
    answer = tab.act(project.id, made, "", event("diff", version=1))
    assert [c["name"] for c in value(part(answer, "wordings"))["diff"]["classes"]] == ["upper"]
    answer = tab.act(project.id, made, "", event("revert", version=1, id=upper))
    assert sentences(studio, project, made) == before
    assert value(part(answer, "table"))["history"]["id"] == upper


def test_a_deleted_set_comes_back(tab: PromptsTab, studio: Studio, project: Project, made: str) -> None:
    tab.act(project.id, made, "", event("rename", name="Mine"))
    answer = tab.act(project.id, made, "", event("delete"))
    assert part(answer, "shown") == ""
    assert "undo brings it back" in value(part(answer, "table"))["said"]
    answer = tab.act(project.id, "", "", event("undo"))
    assert value(part(answer, "table"))["name"] == "Mine"


def test_what_is_refused_is_said_and_the_typing_confirmed(tab: PromptsTab, project: Project, made: str) -> None:
    before = project.revision
    answer = tab.act(project.id, made, "", event("edit", id="no class", sentences=["x"], n=7))
    table = value(part(answer, "table"))
    assert table["refused"]
    assert table["ack"] == 7  # or the page would wait for it
    assert project.revision == before


def test_a_page_that_shows_this_already_is_left_alone(tab: PromptsTab, project: Project, made: str) -> None:
    painted = part(tab.repaint(project.id, "", "", ""), "painted")
    assert all(untouched(answer) for answer in tab.repaint(project.id, made, "", painted))
    assert all(untouched(answer) for answer in tab.repaint("", made, "", painted))
    project.add_class("third")  # by another page
    assert part(tab.repaint(project.id, made, "", painted), "shown") == made


def test_measured_pixels_become_a_set(tab: PromptsTab, studio: Studio, project: Project) -> None:
    first, last = tab.measure(project.id, "", "")
    assert "Measuring" in value(part(first, "table"))["said"]
    table = value(part(last, "table"))
    assert (table["name"], table["version"]) == ("From the pixels", 1)
    assert part(last, "shown") == studio.prompts.book(project.id).current
    project.clear()
    *_, last = tab.measure(project.id, "", "")
    assert "abel" in value(part(last, "table"))["refused"]


def test_nothing_a_model_wrote_is_used_unseen(
    tab: PromptsTab, studio: Studio, project: Project, made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upper, lower = (info.id for info in project.schema.classes)
    asked: list[Any] = []
    draft = SimpleNamespace(
        state="done", proposals=[SimpleNamespace(class_id=k, sentences=("Told by a model.",)) for k in (upper, lower)]
    )
    drafts = SimpleNamespace(
        writer=None, how="", get=lambda _: draft, start=lambda *a: asked.append(("start", *a)),
        cancel=lambda *a: asked.append(("cancel", *a)), settle=lambda *a: asked.append(("settle", *a)),
        close=lambda: None,
    )  # fmt: skip
    monkeypatch.setattr(studio.prompts, "drafts", drafts)
    monkeypatch.setattr(studio.prompts, "accept", lambda *a: asked.append(("accept", *a)))
    before = project.revision
    for done in (event("ask", system="Be short."), event("stop"), event("turn down", id=upper), event("preview")):
        tab.draft(project.id, made, "", done)
    assert asked == [
        ("start", project.id, "Be short."), ("cancel", project.id), ("settle", project.id, upper),
    ]  # fmt: skip
    assert project.revision == before
    tab.draft(project.id, made, "", event("accept", id=upper, sentences=["Mine now."]))
    tab.draft(project.id, made, "", event("accept all", ids=[lower]))
    assert asked[3:] == [
        ("accept", project.id, made, {upper: ["Mine now."]}),
        ("accept", project.id, made, {lower: ("Told by a model.",)}),
    ]

    def refuse(*_: Any) -> None:
        raise BadRequest("No model is named.")

    drafts.start = refuse
    drafts.writer = SimpleNamespace(name="tiny", place="here")
    drafts.system, drafts.get = "", lambda _: None
    answer = tab.draft(project.id, made, "", event("ask"))
    assert value(part(answer, "drafts"))["error"] == "No model is named."


def test_a_set_goes_out_and_comes_in(
    tab: PromptsTab, studio: Studio, project: Project, made: str, tmp_path: Path
) -> None:
    upper = project.schema.classes[0].id
    tab.act(project.id, made, "", event("edit", id=upper, sentences=["bright tiles"]))
    for written in (tab.export_csv(project.id, made), tab.export_json(project.id, made)):
        assert written["visible"]
        field, *answer = tab.import_file(project.id, made, "", written["value"])
        assert field is None
        again = part(tuple(answer), "shown")
        assert again != made
        assert sentences(studio, project, again)["upper"] == ["bright tiles"]
    with pytest.warns(UserWarning, match="no prompt set to export"):
        assert not tab.export_json(project.id, "")["visible"]
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[")
    with pytest.warns(UserWarning, match=r"wrong\.json"):
        tab.import_file(project.id, made, "", str(wrong))
    assert all(untouched(answer) for answer in tab.import_file(project.id, made, "", None))


def test_the_language_of_a_set(tab: PromptsTab, studio: Studio, project: Project, made: str) -> None:
    answer = tab.set_language(project.id, made, "", "de")
    assert part(answer, "language")["value"] == "de"
    assert studio.prompts.book(project.id).get(made).language == "de"
    assert value(part(tab.set_language(project.id, "gone", "", "de"), "table")).get("refused")
    assert [code for _, code in languages()] == list(LANGUAGE_CHOICES)


def test_texts_are_compared_only_while_one_looks(tab: PromptsTab, project: Project, made: str) -> None:
    closed, _, watch = tab.look(project.id, made, "")
    assert value(closed)["title"] == "Opening …"
    assert not watch["active"]
    opened, *answer = tab.open_likeness(project.id, made)
    assert opened == "1"
    assert value(part(tuple(answer), "textview"))["state"] in ("working", "done", "failed")
