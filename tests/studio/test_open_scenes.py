"""Open scenes have a budget for all owners: what is unused longest is closed, comes back, and nothing is lost."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.studio.open_scenes import IDLE_S, IN_USE_S, PER_PIXEL, PER_VALUE, OpenScenes, size_of_scene
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.studio.workspace import Workspace
from tests.studio.models import labelled, scene_file


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(tmp_path: Path, clock: Clock) -> SharedServer:
    made = SharedServer(tmp_path / "home")
    made.scenes = OpenScenes(10**9, most=3, clock=clock)
    return made


def opened(space: Workspace, folder: Path, number: int) -> str:
    return space.open(scene_file(folder, f"scene{number}", seed=number)).id


def test_the_scene_used_longest_ago_is_closed_and_opened_again_when_needed(
    server: SharedServer, clock: Clock, tmp_path: Path
) -> None:
    space = Workspace(tmp_path / "ana", tmp_path / "data", server)
    ids = []
    for number in range(5):
        ids.append(opened(space, tmp_path / "data", number))
        clock.now += IN_USE_S + 1
        if number:
            space.scene(ids[0])  # it is used all the time
    assert server.scenes.count()[0] == 3
    assert list(space._scenes) == [ids[0], ids[3], ids[4]]
    again = space.scene(ids[1])
    assert again.id == ids[1]


def test_many_scenes_leave_no_memory_behind(tmp_path: Path, clock: Clock) -> None:
    server = SharedServer(tmp_path / "home")
    server.scenes = OpenScenes(10**7, clock=clock)
    space = Workspace(tmp_path / "ana", tmp_path / "data", server)
    alive: list[weakref.ref[object]] = []
    for number in range(10):
        file = scene_file(tmp_path / "data", f"scene{number}", bands=200, seed=number)
        alive.append(weakref.ref(space.open(file, axes="rows,cols,bands")))
        clock.now += IN_USE_S + 1
    gc.collect()
    count, size = server.scenes.count()
    assert sum(ref() is not None for ref in alive) == count < 10
    assert size <= 10**7


def test_a_scene_in_use_is_not_taken_away(server: SharedServer, tmp_path: Path) -> None:
    space = Workspace(tmp_path / "ana", tmp_path / "data", server)
    for number in range(5):
        opened(space, tmp_path / "data", number)
    assert server.scenes.count()[0] == 5  # all within the last minute


def test_what_nobody_used_for_long_is_closed_whatever_the_budget(
    server: SharedServer, clock: Clock, tmp_path: Path
) -> None:
    space = Workspace(tmp_path / "ana", tmp_path / "data", server)
    opened(space, tmp_path / "data", 0)
    clock.now += IDLE_S + 1
    server.tidy()
    assert (server.scenes.count(), space._scenes) == ((0, 0), {})


def test_a_closed_project_has_all_its_labels_and_its_map_again(
    server: SharedServer, clock: Clock, tmp_path: Path
) -> None:
    studio = Studio(tmp_path / "ana", tmp_path / "data", server=server)
    project = labelled(studio, scene_file(tmp_path / "data"))
    live = studio.live(project.id)
    points, thread = dict(project.points), live._thread
    clock.now += IDLE_S + 1
    server.tidy()
    thread.join(10)
    assert not thread.is_alive()  # it ends with what it worked for
    again = studio.project(project.id)
    assert again is not project
    assert dict(again.points) == points
    studio.label(project.id, 9, 9, again.schema.classes[0].id)
    assert studio.live(project.id) is not live
    assert studio.live(project.id).wait(again.revision, 60).prediction is not None
    studio.close()


def test_a_guest_sees_the_scene_again_and_no_other(server: SharedServer, clock: Clock, tmp_path: Path) -> None:
    owner = Workspace(tmp_path / "ana", tmp_path / "data", server)
    shared = owner.new_project(scene_file(tmp_path / "data", "shared", seed=1))
    other = owner.open(scene_file(tmp_path / "data", "other", seed=2)).id
    guest = owner.guest(shared.id)
    mine = guest.scene_of(shared.id).id
    clock.now += IDLE_S + 1
    server.tidy()
    assert guest.scene(mine).id == mine
    with pytest.raises(BadRequest, match="Scene tab"):
        guest.scene(other)
    assert owner.scene(mine) is guest.scene(mine)


def test_a_file_that_has_gone_meanwhile_is_said(server: SharedServer, clock: Clock, tmp_path: Path) -> None:
    space = Workspace(tmp_path / "ana", tmp_path / "data", server)
    file = scene_file(tmp_path / "data")
    scene_id = space.open(file).id
    file.unlink()
    clock.now += IDLE_S + 1
    server.tidy()
    with pytest.raises(FileProblem, match="there is no such file"):
        space.scene(scene_id)


def test_two_owners_that_open_at_once_do_not_wait_for_each_other(
    server: SharedServer, clock: Clock, tmp_path: Path
) -> None:
    """Closing never waits for a lock: what is being opened is closed at the next occasion."""
    ana, ben = (Workspace(tmp_path / name, tmp_path / "data", server) for name in ("ana", "ben"))
    opened(ana, tmp_path / "data", 0)
    clock.now += IDLE_S + 1
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with ana._open.lock:
            holding.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    opened(ben, tmp_path / "data", 1)  # would wait for ever
    assert server.scenes.count()[0] == 2
    done.set()
    thread.join()
    server.tidy()
    assert server.scenes.count()[0] == 1


def test_who_leaves_takes_only_what_nobody_else_holds(server: SharedServer, tmp_path: Path) -> None:
    ana, ben = (Workspace(tmp_path / name, tmp_path / "data", server) for name in ("ana", "ben"))
    both = opened(ana, tmp_path / "data", 0)
    assert opened(ben, tmp_path / "data", 0) == both
    opened(ana, tmp_path / "data", 1)
    server.scenes.leave(ana)
    assert list(server.scenes._open) == [both]
    server.scenes.leave(ben)
    assert server.scenes.count() == (0, 0)


def test_bytes_are_those_in_memory(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "home", tmp_path / "data")
    mapped = space.open(scene_file(tmp_path / "data", bands=200), axes="rows,cols,bands")
    made = 30 * 30 * (PER_PIXEL + 200 * PER_VALUE)
    assert made <= size_of_scene(mapped) < made + 100  # the memory map itself costs nothing
    np.savez_compressed(tmp_path / "data" / "packed.npz", cube=np.ones((30, 30, 200), np.float32) * np.arange(200))
    assert size_of_scene(space.open(tmp_path / "data" / "packed.npz")) >= made + 30 * 30 * 200 * 4
