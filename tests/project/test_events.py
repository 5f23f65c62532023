"""The pure state behind a project: what undo, redo and marker numbers promise, without files."""

from __future__ import annotations

from typing import Any

import pytest

from hsi_studio.errors import LabelProblem
from hsi_studio.project.events import PLANNERS, Event, State
from hsi_studio.project.payloads import PAYLOADS
from hsi_studio.types import ClassInfo


@pytest.fixture
def state() -> State:
    return State((10, 10), [ClassInfo("a", "Alder", "#112233"), ClassInfo("b", "Birch", "#445566")])


def do(state: State, seq: int, kind: str, **payload: Any) -> None:
    state.commit(state.plan(Event(seq, "", "", kind, payload)))


def add(state: State, seq: int, row: int, col: int, class_id: str = "a") -> None:
    do(state, seq, "add_point", row=row, col=col, **{"class": class_id})


def test_every_action_says_what_its_line_may_hold() -> None:
    assert PAYLOADS.keys() == PLANNERS.keys()


def test_an_undo_of_another_action_than_the_last_is_refused(state: State) -> None:
    add(state, 1, 0, 0)
    add(state, 2, 1, 1)
    with pytest.raises(LabelProblem, match="Action 1 is not the one to undo; 2 is"):
        do(state, 3, "undo", target=1)
    assert set(state.points) == {(0, 0), (1, 1)}
    do(state, 3, "undo", target=2)
    with pytest.raises(LabelProblem, match="Action 1 is not the one to redo; 2 is"):
        do(state, 4, "redo", target=1)
    do(state, 4, "redo")  # journals of old versions name no target
    assert set(state.points) == {(0, 0), (1, 1)}


def test_undoing_everything_and_redoing_everything_ends_where_it_began(state: State) -> None:
    add(state, 1, 0, 0)
    add(state, 2, 0, 0, "b")  # relabelled: the marker keeps its number
    do(state, 3, "delete_class", id="b")
    do(state, 4, "rename_class", id="a", name="Alnus")
    after = (dict(state.points), state.schema)
    for seq in range(5, 9):
        do(state, seq, "undo")
    assert (state.points, state.schema.names) == ({}, ["Alder", "Birch"])
    with pytest.raises(LabelProblem, match="nothing to undo"):
        do(state, 9, "undo")
    for seq in range(9, 13):
        do(state, seq, "redo")
    assert (state.points, state.schema) == after
    with pytest.raises(LabelProblem, match="nothing to redo"):
        do(state, 13, "redo")


def test_a_markers_number_is_given_once(state: State) -> None:
    """Not again after its label is removed, nor after an old marker was relabelled or came back by undo."""
    for seq in range(1, 4):
        add(state, seq, seq, seq)
    do(state, 4, "remove_point", row=3, col=3)
    add(state, 5, 1, 1, "b")  # marker 1 again, as another class
    add(state, 6, 5, 5)
    assert {point.row: point.number for point in state.points.values()} == {1: 1, 2: 2, 5: 4}
    do(state, 7, "undo")
    do(state, 8, "undo")
    do(state, 9, "undo")  # the label at (3, 3) is back
    add(state, 10, 6, 6)
    assert sorted(point.number for point in state.points.values()) == [1, 2, 3, 5]


def test_a_refused_action_leaves_no_trace(state: State) -> None:
    add(state, 1, 0, 0)
    before = (dict(state.points), state.schema, list(state.done), state.next_number)
    for kind, payload in (
        ("add_point", {"row": 10, "col": 0, "class": "a"}),
        ("add_point", {"row": 0, "col": 0, "class": "gone"}),
        ("add_point", {"row": 0}),
        ("remove_point", {"row": 5, "col": 5}),
        ("rename_class", {"id": "a", "name": "birch"}),
        ("import_labels", {"points": [[1, 1, "a"], [1, 99, "a"]], "classes": []}),
        ("of a newer version", {}),
    ):
        with pytest.raises(LabelProblem):
            do(state, 2, kind, **payload)
        assert (state.points, state.schema, state.done, state.next_number) == before


def test_an_action_that_changes_nothing_is_empty(state: State) -> None:
    add(state, 1, 0, 0)
    for kind, payload in (
        ("add_point", {"row": 0, "col": 0, "class": "a"}),
        ("rename_class", {"id": "a", "name": "Alder"}),
        ("recolour_class", {"id": "a", "color": "#112233"}),
        ("move_class", {"id": "a", "position": 0}),
    ):
        assert state.plan(Event(2, "", "", kind, payload)).empty
