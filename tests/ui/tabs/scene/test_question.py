"""A question before a file opens: one click answers it, and the answer is kept in the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadValues
from hsi_studio.scene.plan import RULES, AskAboutFile
from hsi_studio.ui.tabs.scene import SHOWN, SceneTab
from hsi_studio.ui.tabs.scene.question import answer_words, axes_words, card, plan_rows, spectrum_svg
from tests.scene import fake
from tests.ui.tabs.events import value


@pytest.fixture(autouse=True)
def data(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()


def progress(*_: object, **__: object) -> None:
    """In place of the page's bar."""


def unclear(folder: Path) -> Path:
    """Bands first, and pixels that have nothing in common: nothing tells the axes."""
    np.save(folder / "unclear.npy", fake.cube(9, 7, 30).transpose(2, 0, 1))
    return folder / "unclear.npy"


def test_one_click_answers_and_the_project_keeps_it(studio: Studio, tmp_path: Path) -> None:
    tab = SceneTab(studio)
    unclear(tmp_path / "data")
    words, _, *rest = tab.from_file(None, "unclear.npy", "", None, None, progress)  # type: ignore[arg-type]
    assert "A question before it opens" in words
    assert "30 × 9 × 7" in words
    row, *parts, pending = rest[SHOWN:]
    assert row["visible"]
    assert "9 rows × 7 columns × 30 bands" in parts[1]
    assert "data:image/png;base64," in parts[1]
    assert parts[2]["value"] == "Open as bands × rows × columns"
    assert studio.projects() == []
    answer = tab.answer_first(pending)
    project_id = str(answer[2])
    assert answer[0] == ""
    assert answer[2 + SHOWN]["visible"] is False
    assert studio.scene_of(project_id).shape == (9, 7, 30)
    kept = studio.project(project_id).scene_spec
    assert (kept["axes"], kept["rules"]) == ("bands,rows,cols", RULES)
    sections = value(tab.facts(project_id))["sections"]
    assert sections[-1]["table"][1][:3] == ["Axes", "bands × rows × columns", "certain"]
    assert "no longer open" in tab.answer_second(None)[0]
    studio.close()
    again = Studio(home=studio.home, data_root=studio.data_root)
    assert again.scene_of(project_id).shape == (9, 7, 30)
    again.close()


def test_found_facts_are_kept_and_old_projects_are_read_as_they_were(studio: Studio, tmp_path: Path) -> None:
    import json

    values = np.random.default_rng(0).integers(100, 4000, (6, 5, 8)).astype("i2")
    values[0] = -9999
    path = fake.envi(tmp_path / "data", values)
    project = studio.new_project(str(path))
    assert project.scene_spec["nodata"] == -9999
    assert studio.scene_of(project.id).valid.sum() == 25
    file = studio.projects_folder / project.id / "project.json"
    about = json.loads(file.read_text())
    about["scene"]["spec"] = {"spec": str(path)}
    about["scene"]["id"] = studio.open(path, rules=1).id
    file.write_text(json.dumps(about))
    studio.close()
    again = Studio(home=studio.home, data_root=studio.data_root)
    assert again.scene_of(project.id).valid.sum() == 30
    again.close()


def test_a_scene_without_data_gets_no_project_and_old_ones_are_passed_over(studio: Studio, tmp_path: Path) -> None:
    np.save(tmp_path / "data" / "zero.npy", np.zeros((12, 10, 8), "f4"))
    with pytest.raises(BadValues, match="all 120 pixels are zero"):
        studio.new_project(str(tmp_path / "data" / "zero.npy"))
    assert studio.projects() == []
    np.save(tmp_path / "data" / "later.npy", fake.cube(12, 10, 8))
    made = studio.new_project(str(tmp_path / "data" / "later.npy"))
    np.save(tmp_path / "data" / "later.npy", np.zeros((12, 10, 8), "f4"))
    studio.close()
    again = Studio(home=studio.home, data_root=studio.data_root)
    assert again.latest_project() is None
    with pytest.raises(BadValues, match="zero"):
        again.usable(made.id)
    again.close()


def test_python_and_command_line_name_the_option(tmp_path: Path, studio: Studio) -> None:
    with pytest.raises(AskAboutFile, match="--axes bands,rows,cols"):
        studio.open(unclear(tmp_path / "data"))


def test_words() -> None:
    assert axes_words("bands,rows,cols") == "bands × rows × columns"
    assert answer_words("wavelengths", [400.0, 2500.0]) == "400 to 2500 nm"
    assert answer_words("nodata", None) == "none"
    assert answer_words("roles", {"cube": "a.hdr", "dsm": "b.tif"}) == "cube: a.hdr, dsm: b.tif"
    assert answer_words("crs", 'PROJCS["WGS 84 / UTM zone 33N",…') == "WGS 84 / UTM zone 33N"
    assert spectrum_svg([1.0]) == ""
    assert "points='2.0,58.0 178.0,2.0'" in spectrum_svg([0.0, 1.0])
    assert list(plan_rows({"scale": {"value": 0.5, "sure": "certain", "reason": "so"}})) == [
        ("Scale", "0.5", "certain", "so")
    ]

    class Failed:
        problem = "<b>no</b>"

    assert "&lt;b&gt;" in card(Failed())
