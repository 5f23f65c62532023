"""What the Prompts tab's panels get: JSON without surprises, also before there is anything to show."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.ui.tabs.prompts import values


@pytest.fixture
def studio(tmp_path: Path) -> Any:
    made = Studio(home=tmp_path / "home")
    yield made
    made.close()


def test_a_project_without_sets_classes_or_model(studio: Studio, tmp_path: Path) -> None:
    np.save(tmp_path / "cube.npy", np.random.default_rng(0).random((8, 9, 4)).astype(np.float32))
    key = studio.new_project(tmp_path / "cube.npy").id
    assert values.set_to_show(studio, key, "gone") == ""
    assert json.loads(values.prompts_value(studio, key, ""))["sets"] == []
    assert json.loads(values.wordings_value(studio, key, "")) == {"versions": []}
    assert json.loads(values.textview_value(studio, key, "", True))["state"] == "none"
    assert json.loads(values.drafts_value(studio, key, ""))["configured"] is False
    made, _ = studio.prompts.create(key, "empty")
    value = json.loads(values.prompts_value(studio, key, made.id, refused="no"))
    assert (value["classes"], value["refused"], value["undo"]) == ([], "no", "Undo: add prompt set My words")


@pytest.mark.slow
def test_the_table_history_and_diff(studio: Studio) -> None:
    key = studio.new_project("demo").id
    made, _ = studio.prompts.create(key, "p5")
    first = studio.project(key).schema.classes[0]
    studio.prompts.edit(key, made.id, {first.id: ["tree " * 80]})
    value = json.loads(values.prompts_value(studio, key, made.id))
    (sentence,) = value["classes"][0]["sentences"]
    assert (sentence["tokens"], sentence["kind"]) == (82, "long")
    history = values.history_value(studio, key, made.id, first.id)
    assert [(e["version"], e["now"]) for e in history["entries"]] == [(2, True), (1, False)]
    diff = json.loads(values.wordings_value(studio, key, made.id, 1))["diff"]["classes"]
    assert [one["name"] for one in diff] == [first.name]
    studio.prompts.do(key, lambda book: book.set_language(made.id, "de"))
    assert "German" in json.loads(values.prompts_value(studio, key, made.id))["note"]
    studio.edit(key, lambda p: p.undo())
    studio.edit(key, lambda p: p.undo())
    versions = json.loads(values.wordings_value(studio, key, made.id))["versions"]
    assert [(v["n"], v["now"], v["undone"]) for v in versions] == [(2, False, True), (1, True, False)]


def test_times_are_short() -> None:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    assert len(values._when(now)) == 5
    assert values._when("2020-05-03T12:00:00.000Z").startswith("3 May")
    assert values._when("") == ""
