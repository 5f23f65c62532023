"""Asking, proposing and labelling from the Query tab, without a page; `studio.queries` is stood in for where it would
measure the scene."""

from __future__ import annotations

from typing import Any

import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.text.description import Description
from hsi_studio.ui.tabs.query import QueryTab
from tests.ui.tabs.events import event, untouched, value


@pytest.fixture
def tab(studio: Studio) -> QueryTab:
    return QueryTab(studio)


@pytest.fixture
def asked(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What `studio.queries` got; its answers are made up."""
    got: list[tuple[Any, ...]] = []

    def noting(name: str, answer: Any = None) -> Any:
        def note(*args: Any) -> Any:
            got.append((name, *args))
            return answer

        return note

    queries, looks = studio.queries, Description("This region", (), ())
    for name, answer in {
        "ask": None, "set_threshold": None, "show_heat": None, "propose": [(1, 2), (3, 4)], "describe_class": looks,
        "describe_polygon": looks, "add": "2 labels added.",
    }.items():  # fmt: skip
        monkeypatch.setattr(queries, name, noting(name, answer))
    monkeypatch.setattr(queries.text_maps, "request", noting("request"))
    return got


def test_a_question_is_asked_and_only_the_panel_told(tab: QueryTab, project: Project, asked: list[Any]) -> None:
    panel, _, watch, *rest = tab.act(project.id, event("ask", text="water", engine="described"))
    assert asked == [("ask", project.id, "water", "described")]
    assert value(panel)["project"] == project.id
    assert watch == {"__type__": "update", "active": False}  # nothing works here
    assert all(untouched(answer) for answer in rest)


def test_pixels_are_proposed_and_labelled_only_after_a_yes(tab: QueryTab, project: Project, asked: list[Any]) -> None:
    before = project.revision
    panel, _, _, viewer, classes, _ = tab.act(project.id, event("propose", places=["0", 2], each=99, id="x"))
    assert asked == [("show_heat", project.id, True), ("propose", project.id, [0, 2], 20)]  # at most 20 from a place
    assert value(panel)["proposal"] == {"pixels": [[1, 2], [3, 4]], "id": "x"}
    assert "heat" in value(viewer)
    assert untouched(classes)
    assert project.revision == before
    panel, _, _, viewer, classes, _ = tab.act(project.id, event("add", id="x", pixels=[[1, 2], [3, 4]]))
    assert asked[-1] == ("add", project.id, "x", [(1, 2), (3, 4)])
    assert value(panel)["said"] == "2 labels added."
    assert value(panel)["labelled"]
    assert "labels" in value(viewer)
    assert value(classes)["classes"]


def test_what_a_class_or_region_looks_like(tab: QueryTab, project: Project, asked: list[Any]) -> None:
    for done in (event("describe", id="x"), event("describe region", polygon=[["0", 1], [2, 3], [4, 5]])):
        panel, *_, viewer, classes, strip = tab.act(project.id, done)
        assert value(panel)["described"]["name"] == "This region"
        assert untouched(viewer) and untouched(classes) and untouched(strip)  # noqa: PT018
    assert asked == [
        ("describe_class", project.id, "x"),
        ("describe_polygon", project.id, [(0.0, 1.0), (2.0, 3.0), (4.0, 5.0)]),
    ]


def test_a_map_from_texts_hides_the_heat(tab: QueryTab, project: Project, asked: list[Any]) -> None:
    _, _, _, viewer, *_ = tab.act(project.id, event("map", prompts="p1"))
    assert asked == [("request", project.id, "p1"), ("show_heat", project.id, False)]
    assert value(viewer) == {"heat": None}
    asked.clear()
    assert value(tab.heat_off(project.id, event(query=False))[3]) == {"heat": None}
    assert asked == []  # a cell of the matrix was taken away: the answer stays a layer
    assert value(tab.heat_off(project.id, event(query=True))[3]) == {"heat": None}
    assert asked == [("show_heat", project.id, False)]


def test_the_slider_and_the_switches_go_to_the_viewer(tab: QueryTab, project: Project, asked: list[Any]) -> None:
    for done in (event("threshold", value="0.5"), event("heat"), event("cancel")):
        assert "heat" in value(tab.act(project.id, done)[3])
    assert asked == [("set_threshold", project.id, 0.5), ("show_heat", project.id, True)]
    assert all(untouched(answer) for answer in tab.act(project.id, event("something new"))[3:])


def test_what_is_refused_is_said_in_the_panel(
    tab: QueryTab, studio: Studio, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise BadRequest("Ask something first.")

    monkeypatch.setattr(studio.queries, "ask", refuse)
    panel, _, _, *rest = tab.act(project.id, event("ask", text=""))
    assert value(panel)["refused"] == "Ask something first."
    assert all(untouched(answer) for answer in rest)


def test_a_page_that_is_slow_to_arrive_leaves_the_question_asked_meanwhile(
    studio: Studio, tab: QueryTab, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its heat map was hidden before it was there: the answer came, and nothing was to be seen."""
    monkeypatch.setattr(studio.queries, "_submit", lambda work, failed: None)
    tab.act(project.id, event("ask", text="grass"))
    panel, *_ = tab.arrive(project.id)
    assert (value(panel)["state"], studio.queries.status(project.id).heat) == ("working", True)
    studio.queries._put(project.id, state="done", progress=None)
    tab.arrive(project.id)  # loaded again
    assert not studio.queries.status(project.id).heat


def test_the_timer_tells_only_what_is_new(tab: QueryTab, project: Project) -> None:
    assert all(untouched(answer) for answer in tab.arrive(""))
    panel, stamp, _, viewer = tab.arrive(project.id)
    assert value(panel)["state"] == "idle"
    assert value(viewer) == {"heat": None}
    same = tab.follow(project.id, stamp)
    assert [untouched(answer) for answer in same] == [True, True, False, True, True]
    other = tab.follow(project.id, "another page's")
    assert value(other[0])["project"] == project.id
    assert tab.follow("", stamp)[2] == {"__type__": "update", "active": False}
