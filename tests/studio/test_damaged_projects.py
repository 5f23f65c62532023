"""A damaged project: a sentence, a way to mend it where there is one, and never the end of anything else."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.errors import StudioError
from hsi_studio.project.store import Project
from tests.studio.damage import ABOUT, EVERY, LINES, SPEC, Damage
from tests.studio.models import scene_file


def again(studio: Studio) -> Studio:
    """Another program on the same home, which has nothing in memory."""
    return Studio(home=studio.home, data_root=studio.data_root)


@pytest.mark.parametrize("damage", EVERY.values(), ids=EVERY.keys())
def test_whatever_is_damaged_is_a_sentence_and_hides_no_other_project(
    studio: Studio, project: Project, tmp_path: Path, damage: Damage
) -> None:
    good = studio.new_project(scene_file(tmp_path / "data", "good", seed=1))
    damage(project.folder)
    fresh = again(studio)
    listed = {one.id: one for one in fresh.projects()}
    assert listed.keys() == {good.id, project.id}
    assert not listed[good.id].problem
    with contextlib.suppress(StudioError):  # any other error is none for people
        assert fresh.project(project.id).revision == 8  # where the scene alone is odd: its labels are there
    assert fresh.project(good.id).id == good.id
    fresh.close()


@pytest.mark.parametrize("damage", [*ABOUT.values(), *SPEC.values()], ids=[*ABOUT, *SPEC])
def test_a_damaged_description_is_made_again_from_its_copy(studio: Studio, project: Project, damage: Damage) -> None:
    damage(project.folder)
    fresh = again(studio)
    if fresh.projects()[0].problem:
        said = fresh.mend(project.id)
        assert any("its copy is in its place" in sentence for sentence in said)
        assert fresh.project(project.id).points == project.points
        assert fresh.project(project.id).title == project.title
        assert list(project.folder.glob("project.damaged-*"))
    else:
        with pytest.raises(StudioError, match=r"project\.copy\.json has the project as it was made"):
            fresh.project(project.id)
    fresh.close()


@pytest.mark.parametrize("damage", LINES.values(), ids=LINES.keys())
def test_a_damaged_line_costs_only_itself(studio: Studio, project: Project, damage: Damage) -> None:
    damage(project.folder)
    fresh = again(studio)
    with pytest.raises(StudioError, match=r"journal\.jsonl: line 8 is damaged.*mend PROJECT"):
        fresh.project(project.id)
    said = fresh.mend(project.id)
    kept = 8 if "8 of 8" in said[0] else 7  # a number as text, a time that is none: the action itself is whole
    assert said[0].startswith(f"{kept} of 8 actions were kept")
    assert list(fresh.project(project.id).points) == list(project.points)[: kept - 2]
    fresh.close()
