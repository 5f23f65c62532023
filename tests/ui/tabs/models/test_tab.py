"""What the list of models can do, without a page: two maps chosen, edits, a file out and in again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.ui.tabs.models import ModelsTab
from hsi_studio.ui.tabs.models.values import list_value
from tests.studio.models import train
from tests.ui.tabs.events import event, untouched, value

SECOND = "20260102-120000-abcdef"


@pytest.fixture
def tab(studio: Studio, tmp_path: Path) -> ModelsTab:
    return ModelsTab(studio, tmp_path / "exports")


def rows(answer: tuple[Any, ...]) -> dict[str, Any]:
    return {row["id"]: row for row in value(answer[1])["models"]}


def test_a_model_is_looked_at_without_touching_the_viewer(tab: ModelsTab, studio: Studio, project: Project) -> None:
    run = train(studio, project)
    chosen, listed, drawn, *rest = tab.act(project.id, "", event("select", id=run))
    assert chosen == run
    assert value(listed)["detail"]["id"] == run
    assert all(untouched(answer) for answer in rest)
    assert all(untouched(answer) for answer in tab.look(project.id, run, drawn))  # nothing has changed
    studio.models.edit(run, title="Later")
    text, _ = tab.look(project.id, run, drawn)
    assert value(text)["models"][0]["title"] == "Later"
    assert all(untouched(answer) for answer in tab.look("", "", ""))


def test_one_map_is_shown_another_beside_it_and_the_same_button_takes_it_away(
    tab: ModelsTab, studio: Studio, project: Project
) -> None:
    first, second = train(studio, project), train(studio, project, SECOND)
    answer = tab.act(project.id, "", event("show", id=first))
    assert value(answer[3])["project"] == project.id  # the viewer is told
    answer = tab.act(project.id, "", event("beside", id=second))
    assert [(rows(answer)[run]["a"], rows(answer)[run]["b"]) for run in (first, second)] == [
        (True, False), (False, True),
    ]  # fmt: skip
    assert studio.models.maps.work(project.id, second) is not None  # a map there was none of is being made
    tab.act(project.id, "", event("show", id=first))
    answer = tab.act(project.id, "", event("beside", id=second))
    assert not any(row["a"] or row["b"] for row in rows(answer).values())


def test_words_about_a_model_are_kept(tab: ModelsTab, studio: Studio, project: Project) -> None:
    run = train(studio, project)
    tab.act(project.id, run, event("rename", id=run, title="Summer"))
    tab.act(project.id, run, event("annotate", id=run, note="good roofs"))
    tab.act(project.id, run, event("label_tags", id=run, tags="final, roofs, final"))
    facts = studio.models.get(run).facts
    assert facts is not None
    assert (studio.models.get(run).title, facts.note, facts.tags) == ("Summer", "good roofs", ("final", "roofs"))


def test_a_model_goes_to_the_bin_and_comes_back(tab: ModelsTab, studio: Studio, project: Project) -> None:
    run = train(studio, project)
    chosen, listed, *_ = tab.act(project.id, run, event("discard", id=run))
    assert chosen == ""
    assert [entry["id"] for entry in value(listed)["trash"]] == [run]
    tab.act(project.id, "", event("restore", id=run))
    assert studio.models.get(run).id == run
    tab.act(project.id, "", event("discard", id=run))
    tab.act(project.id, "", event("purge"))
    assert studio.models.trashed() == []


def test_a_file_goes_out_and_comes_in(tab: ModelsTab, studio: Studio, project: Project, tmp_path: Path) -> None:
    run = train(studio, project, title="Travels")
    *_, written = tab.act(project.id, run, event("export", id=run))
    file = Path(written["value"])
    assert written["visible"]
    assert file.is_file()
    assert file.is_relative_to(tmp_path / "exports")
    assert len(file.parent.name) == 16  # nobody guesses another's
    tab.act(project.id, run, event("discard", id=run))
    tab.act(project.id, run, event("purge"))
    chosen, listed, _ = tab.import_file(project.id, "", str(file))
    assert value(listed)["models"][0]["title"] == "Travels"
    assert chosen == value(listed)["models"][0]["id"]
    assert tab.import_file(project.id, chosen, None)[0] == chosen  # the upload was given up


def test_a_training_begins_from_a_model(
    tab: ModelsTab, studio: Studio, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(studio, project)
    asked: list[Any] = []

    def start(*args: Any, **options: Any) -> Any:
        asked.append((args, options))
        return SimpleNamespace(title="New")

    monkeypatch.setattr(studio.runs, "start", start)
    tab.act(project.id, run, event("begin", id=run))
    ((args, options),) = asked
    assert args[:2] == (project.id, "live")
    assert options == {"warm_start": run}


def test_a_training_from_a_model_says_whose_prompts_are_not_here(
    tab: ModelsTab, studio: Studio, project: Project
) -> None:
    run = train(studio, project, style="set:0123456789abcdef@4", prompt_set="My words, version 4")
    with pytest.raises(BadRequest, match=r"“My words, version 4”, which this project has not.*--start-from " + run):
        tab.start_from(project.id, run)
    detail = list_value(studio, project.id, run)["detail"]
    assert ["Prompts", "My words, version 4"] in detail["rows"]


def test_what_fails_is_a_warning_and_the_list_is_drawn(tab: ModelsTab, project: Project, tmp_path: Path) -> None:
    for done in (event("load", id="none"), event("rename", id="none", title="x"), event("export", id="none")):
        with pytest.warns(UserWarning, match="none"):
            answer = tab.act(project.id, "", done)
        assert value(answer[1])["models"] == []
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"\xff" * 400)
    with pytest.warns(UserWarning, match=r"wrong\.safetensors"):
        tab.import_file(project.id, "", str(wrong))
