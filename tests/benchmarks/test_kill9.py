"""A few of the kills of `benchmarks/kill9.py`; the benchmark makes 200."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kill9 import Found, listen, look, soak
from hsi_studio.project.store import Project
from tests.project.small import small_scene


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_or_doubled_by_a_kill(tmp_path: Path) -> None:
    found = soak(tmp_path, kills=3, seed=1, long_share=0)
    assert found.problems == []
    assert found.done["click"] > 0
    assert found.done["stroke"] > 0


def test_what_is_lost_or_doubled_would_be_seen(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "home" / "projects", small_scene(), {"spec": "small"})
    corn = project.add_class("Corn", actor="1")
    project.add_point(1, 1, corn.id, actor="2")
    project.add_point(1, 2, corn.id, actor="2")
    found = Found()
    said = []
    for mark, told in (("1", '"x"'), ("2", '{"seq": 2, "points": "another"}'), ("3", '{"seq": 4, "points": ""}')):
        head = f'"mark": "{mark}", "kind": "click", "project": "{project.id}", "journal": true'
        said += [f'{{{head}, "step": "do"}}'.encode(), f'{{{head}, "step": "done", "told": {told}}}'.encode()]
    listen(found, said)
    look(tmp_path / "home", found, project.id)
    assert found.problems == [
        "2 is in the journal 2 times",
        "3, acknowledged as action 4, is lost",
        "after action 4 the labels are not those that were acknowledged",
    ]
