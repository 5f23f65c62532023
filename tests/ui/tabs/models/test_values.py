"""What the Models tab is told: rows, details, and nothing that a page could not show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.ui.tabs.models import tags_of
from hsi_studio.ui.tabs.models.values import list_value
from hsi_studio.ui.web_component import packed
from tests.studio.models import labelled, scene_file, train


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    made = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    yield made  # type: ignore[misc]
    made.close()


def test_nothing_yet(studio: Studio) -> None:
    assert list_value(studio, "", "") == {"project": "", "models": [], "trash": [], "memory": "", "detail": None}


def test_rows_and_details(studio: Studio, tmp_path: Path) -> None:
    project = labelled(studio, scene_file(tmp_path / "data"))
    run = train(studio, project, title="<b>First</b>")
    broken = train(studio, project, "20260102-120000-abcdef")
    file = studio.models.library.get(broken).path
    file.write_bytes(file.read_bytes()[:200])
    studio.displayed.show(project.id, "model", run)
    value = json.loads(packed(list_value(studio, project.id, run)))
    rows = {row["id"]: row for row in value["models"]}
    assert rows[run]["title"] == "<b>First</b>"  # the script sets it as text
    assert rows[run]["a"]
    assert not rows[run]["b"]
    assert rows[run]["labels"] == 6
    assert rows[run]["oa"] is None
    assert rows[broken]["problem"]
    assert {"upper", "lower", "two_halves", "live"} <= set(rows[run]["search"].split())
    detail = value["detail"]
    assert detail["fit"] == {"ok": True, "words": ""}
    assert ["Accuracy", "not measured"] in detail["rows"]
    assert [c["name"] for c in detail["classes"]] == ["upper", "lower"]
    assert not detail["warm"]
    assert json.loads(packed(list_value(studio, project.id, broken)))["detail"]["problem"]


def test_what_is_refused_says_why(studio: Studio, tmp_path: Path) -> None:
    run = train(studio, labelled(studio, scene_file(tmp_path / "data")))
    other = studio.new_project(scene_file(tmp_path / "data", "fewer", bands=7))
    detail = list_value(studio, other.id, run)["detail"]
    assert not detail["fit"]["ok"]
    assert "10 bands" in detail["fit"]["words"]
    assert "7 bands" in detail["fit"]["words"]


def test_tags_are_cut_from_a_text() -> None:
    assert tags_of(" final, summer,, final ,2024 ") == ("final", "summer", "2024")
    assert tags_of("") == ()
