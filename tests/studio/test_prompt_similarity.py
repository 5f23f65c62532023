"""The view of a prompt set: one at a time, of the set and labels as they are, never an older one over a newer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hsi_studio import Studio
from hsi_studio.errors import LabelProblem
from hsi_studio.project.store import Project
from hsi_studio.studio.class_measurements import Measurements
from hsi_studio.studio.prompt_similarity import Key, TextView, TextViews


class Views(TextViews):
    """Opens no text model: a view of version v waits for `let[v]`, then fails as told or is done."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.workspace, Measurements(studio.workspace))
        self.asked: list[Key] = []
        self.let = {1: threading.Event(), 2: threading.Event()}
        self.asks = True  # whether somebody still waits for it
        self.fault: Exception | None = None

    def go(self) -> None:
        for event in self.let.values():
            event.set()

    def _make(self, project_id: str, key: Key, made: TextView) -> TextView:
        self.asked.append(key)
        assert self.let[key[1]].wait(60)
        if self.fault is not None:
            raise self.fault
        if self.asks:
            self._check(project_id, key)
        return replace(made, state="done", compared=f"version {key[1]}")


@pytest.fixture
def words(studio: Studio, project: Project) -> str:
    """The id of a prompt set."""
    return studio.prompts.create(project.id, "p1")[0].id


@pytest.fixture
def views(studio: Studio) -> Iterator[Views]:
    made = Views(studio)
    yield made
    made.go()
    over()


def over() -> None:
    """Every view has ended."""
    for thread in threading.enumerate():
        if thread.name == "text view":
            thread.join(60)


def test_asking_again_does_not_start_it_again(views: Views, project: Project, words: str) -> None:
    first = views.view(project.id, words)
    assert (first.state, first.set_id, first.version) == ("working", words, 1)
    assert views.view(project.id, words) is first
    views.go()
    over()
    assert views.view(project.id, words).state == "done"
    assert len(views.asked) == 1
    with pytest.raises(LabelProblem):
        views.view(project.id, "no such set")


def test_other_words_or_labels_start_it_again(studio: Studio, views: Views, project: Project, words: str) -> None:
    views.go()
    upper = project.schema.classes[0].id
    views.view(project.id, words)
    project.toggle_point(9, 9, upper)
    views.view(project.id, words)
    studio.prompts.edit(project.id, words, {upper: ["a bright field"]})
    assert views.view(project.id, words).version == 2
    over()
    assert len(set(views.asked)) == 3


@pytest.mark.parametrize("asks", [True, False])
def test_a_view_that_is_out_of_date_is_not_shown(
    studio: Studio, views: Views, project: Project, words: str, asks: bool
) -> None:
    views.asks = asks
    views.view(project.id, words)
    studio.prompts.edit(project.id, words, {project.schema.classes[0].id: ["a bright field"]})
    views.view(project.id, words)
    old, new = (thread for thread in threading.enumerate() if thread.name == "text view")  # in the order of their start
    views.let[2].set()
    new.join(60)
    assert views.view(project.id, words).state == "done"
    views.let[1].set()
    old.join(60)  # the older one ends last
    found = views.view(project.id, words)
    assert (found.state, found.version, found.compared) == ("done", 2, "version 2")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (LabelProblem("No class has a label."), "No class has a label."),
        (KeyError("layer"), "The texts could not be compared. Something went wrong in HSI Studio itself (error "),
    ],
)
def test_a_failure_is_told_and_keeps_the_page_alive(
    views: Views, project: Project, words: str, fault: Exception, said: str
) -> None:
    views.fault = fault
    views.go()
    views.view(project.id, words)
    over()
    found = views.view(project.id, words)
    assert found.state == "failed"
    assert found.error.startswith(said)


def test_closing_stops_what_is_under_way(views: Views, project: Project, words: str) -> None:
    views.view(project.id, words)
    views.close()
    views.go()
    over()
    assert views.view(project.id, words).state == "working"  # nothing half made is published
