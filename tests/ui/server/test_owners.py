"""Two users of one server: neither can read, list, delete or map the other's projects, by any handler."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import pytest

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.project.store import Project
from hsi_studio.studio import Subject
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.quotas import Quotas
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.ui.server.owners import NOBODY, Mine, Owners, _Later
from tests.studio.models import labelled, train
from tests.ui.server.asking import asking


@pytest.fixture
def studio(owners: Owners) -> Studio:
    return cast(Studio, Mine(owners.here))


# ── the façade, as handlers use it ──────────────────────────────────────────────────────────────


def test_everybody_has_a_folder_and_sees_only_that(owners: Owners, studio: Studio, anas: tuple[Project, str]) -> None:
    project, model = anas
    assert project.folder.is_relative_to(owners.home / "users" / "ana")
    with asking("ana"):
        assert [one.id for one in studio.projects()] == [project.id]
        assert [one.id for one in studio.models.find()] == [model]
    with asking("ben"):
        assert studio.projects() == []
        assert studio.latest_project() is None
        assert studio.models.find() == []
        assert studio.models.trashed() == []
        assert studio.runs.list() == []


def test_no_verb_reaches_anothers_project(studio: Studio, anas: tuple[Project, str]) -> None:
    project, model = anas
    pid, class_id = project.id, project.schema.classes[0].id
    attempts = [
        lambda: studio.project(pid),
        lambda: studio.scene_of(pid),
        lambda: studio.label(pid, 1, 1, class_id),
        lambda: studio.remove_label(pid, 2, 3),
        lambda: studio.edit(pid, lambda p: p.undo()),
        lambda: studio.status(pid),
        lambda: studio.live(pid),
        lambda: studio.displayed.left(pid),
        lambda: studio.displayed.right(pid),
        lambda: studio.displayed.stamp(pid),
        lambda: studio.displayed.layers(pid),
        lambda: studio.displayed.chosen(pid),
        lambda: studio.displayed.show(pid),
        lambda: studio.displayed.show_beside(pid),
        lambda: studio.displayed.find(pid, f"model:{model}"),
        lambda: studio.export(pid),
        lambda: studio.export_labels(pid),
        lambda: studio.displayed.maps(pid),
        lambda: studio.exports.plain(pid, "picture", Path("picture.tif")),
        lambda: studio.spectra.pixel(pid, 1, 1),
        lambda: studio.spectra.of_classes(pid),
        lambda: studio.mend(pid),
        lambda: studio.runs.start(pid, "lda"),
        lambda: studio.runs.forecast(pid, "lda"),
        lambda: studio.prompts.book(pid),
        lambda: studio.models.fit(model, pid),
        lambda: studio.models.get(model),
        lambda: studio.models.edit(model, title="mine now"),
        lambda: studio.models.delete(model),
        lambda: studio.models.restore(model),
        lambda: studio.models.unload(model),
        lambda: studio.models.load(model, pid),
        lambda: studio.models.map(model, pid),
        lambda: studio.models.maps.request(pid, model),
        lambda: studio.models.export(model, Path("/tmp")),
        lambda: studio.models.warm_start(model, "live"),
        lambda: studio.runs.get(model),
        lambda: studio.runs.delete(model),
        lambda: studio.runs.cancel(model),
        lambda: studio.runs.events(model),
        lambda: studio.runs.prediction(model),
        lambda: studio.project(f"../../ana/projects/{pid}"),
        lambda: studio.project(str(project.folder)),
    ]
    before = {path: path.stat().st_mtime_ns for path in project.folder.rglob("*")}
    with asking("ben"):
        for attempt in attempts:
            with pytest.raises(StudioError):
                attempt()
    assert {path: path.stat().st_mtime_ns for path in project.folder.rglob("*")} == before


def test_the_same_scene_is_read_once_but_shown_only_to_who_opened_it(
    owners: Owners, studio: Studio, file: Path, anas: tuple[Project, str]
) -> None:
    scene = owners.studio("ana").scene_of(anas[0].id)
    with asking("ben"):
        with pytest.raises(BadRequest):
            studio.scene(scene.id)
        assert studio.open(file) is scene
        assert studio.scene(scene.id) is scene


def test_the_servers_own_folder_is_no_place_to_open_files_from(owners: Owners, studio: Studio, file: Path) -> None:
    everywhere = Owners(owners.home, owners.home.parent, owners.server)
    studio = cast(Studio, Mine(everywhere.here))
    with asking("ana"):
        (kept,) = studio.keep_upload([file])
        assert studio.confined(str(kept)) == kept.resolve()
        assert studio.confined(str(file)) == file.resolve()
    with asking("ben"):
        assert studio.confined(str(file)) == file.resolve()
        for path in (kept, owners.home / "shares.json", owners.home / "users" / "ben" / ".." / "ana" / "projects"):
            with pytest.raises(BadRequest, match="own folder"):
                studio.confined(str(path))


def test_what_the_page_takes_while_it_is_built_is_nobodys(studio: Studio, anas: tuple[Project, str]) -> None:
    models, find, displayed, pause = studio.models, studio.models.find, studio.displayed, studio.runs.pause
    assert find() == []  # nobody asks
    with asking("ana"):
        assert [one.id for one in find()] == [anas[1]] == [one.id for one in models.find()]
        assert displayed.chosen(anas[0].id) == ("live", "")
        with pytest.raises(BadRequest):
            pause("20260101-000000-000000")
    with asking("ben"):
        assert find() == []


def test_every_subject_is_known_as_one_so_that_the_page_keeps_nobodys(tmp_path: Path) -> None:
    """A subject that `Mine` takes for a plain value would stay the first visitor's for all others."""
    home = Path(sys.modules[Subject.__module__].__file__ or "").parent
    whole = Studio(tmp_path / "home", tmp_path / "data")
    found: dict[str, object] = {}

    def walk(holder: object, path: str) -> None:
        for name, value in vars(holder).items():
            source = getattr(sys.modules.get(type(value).__module__), "__file__", None)
            if (
                name.startswith("_")
                or source is None
                or Path(source).parent != home
                or callable(value)
                or value is whole
            ):
                continue
            found[f"{path}{name}"] = value
            walk(value, f"{path}{name}.")

    walk(whole, "")
    assert {"runs", "models", "compare", "prompts", "queries", "labels", "spectra", "collections", "displayed"} <= set(
        found
    )
    assert {"models.maps", "compare.maps", "queries.text_maps", "prompts.drafts"} <= set(found)
    values = {"workspace.server.quotas"}  # cannot be changed, and are the server's
    assert {path for path, value in found.items() if not isinstance(value, Subject)} == values
    mine = Mine(lambda: whole)
    assert {path for path in found if "." not in path and type(getattr(mine, path)) is not _Later} == set()
    whole.close()


@pytest.mark.parametrize("owner", ["", ".", "..", "../ana", "a/b"])
def test_an_owner_is_one_folder(owners: Owners, studio: Studio, owner: str) -> None:
    with asking(owner), pytest.raises(BadRequest):
        studio.projects()


def test_who_cannot_be_told_gets_no_studio(studio: Studio) -> None:
    with asking(NOBODY), pytest.raises(BadRequest, match="cookie"):
        studio.projects()


# ── shared on purpose ───────────────────────────────────────────────────────────────────────────


def test_a_shared_project_is_all_a_guest_sees(owners: Owners, studio: Studio, file: Path, anas: Any) -> None:
    project, model = anas
    other = labelled(owners.studio("ana"), file)
    others_model = train(owners.studio("ana"), other, "20260202-120000-abcdef")
    with asking("ana"):
        token = owners.share(project.id)
        assert owners.share(project.id) == token
    with asking("ben"), pytest.raises(BadRequest):
        owners.share(project.id)
    with asking("ben", token):
        assert [one.id for one in studio.projects()] == [project.id]
        studio.label(project.id, 5, 5, project.schema.classes[0].id)
        assert [one.id for one in studio.models.find()] == [model]
        assert studio.prompts.book(project.id) is not None
        attempts = [
            lambda: studio.project(other.id),
            lambda: studio.label(other.id, 1, 1, other.schema.classes[0].id),
            lambda: studio.live(other.id),
            lambda: studio.new_project(file),
            lambda: studio.models.get(others_model),
            lambda: studio.models.map(model, other.id),
            lambda: studio.models.import_file(owners.studio("ana").models.library.get(model).path),
            lambda: studio.prompts.book(other.id),
            lambda: studio.spectra.of_classes(other.id),
            lambda: studio.runs.start(other.id, "lda"),
            lambda: studio.runs.get(others_model),
            lambda: studio.confined(str(project.folder / "project.json")),
            lambda: owners.share(project.id),
        ]
        for attempt in attempts:
            with pytest.raises(StudioError):
                attempt()
        studio.queries.ask(other.id, "road")
        assert "only one was shared with you" in studio.queries.wait(other.id, 30).error
    assert len(project.labels()) == 7  # the owner sees what the guest did
    with asking("ana"):
        owners.unshare(project.id)
    with asking("ben", token):
        assert studio.projects() == []  # back among the own
        with pytest.raises(BadRequest):
            studio.project(project.id)
    assert Owners(owners.home, owners.data_root, owners.server).shares.get(token) is None


def test_a_share_outlives_the_server(owners: Owners, studio: Studio, anas: Any) -> None:
    with asking("ana"):
        token = owners.share(anas[0].id)
    again = Owners(owners.home, owners.data_root, owners.server)
    with asking("ben", token):
        assert Mine(again.here).project(anas[0].id).id == anas[0].id


# ── quotas ──────────────────────────────────────────────────────────────────────────────────────


def test_quotas_say_what_to_do(tmp_path: Path, file: Path) -> None:
    home = tmp_path / "home"
    small = Studio(home, tmp_path / "data", server=SharedServer(home, Quotas(scene_mpx=0.0001)))
    with pytest.raises(BadRequest, match="cut out the part you need"):
        small.open(file)
    full = Studio(home, tmp_path / "data", server=SharedServer(home, Quotas(disk_gb=1e-6)))
    with pytest.raises(BadRequest, match="delete runs and models"):
        full.keep_upload([file])
    none = Studio(home, tmp_path / "data", server=SharedServer(home, Quotas(jobs=0)))
    project = labelled(none, file)
    with pytest.raises(BadRequest, match="0 are allowed at once here: wait"):
        none.runs.start(project.id, "lda")


def test_one_owners_jobs_and_disk_do_not_count_for_another(tmp_path: Path, file: Path) -> None:
    server = SharedServer(tmp_path / "home", Quotas(disk_gb=200_000 / 2**30))
    owners = Owners(tmp_path / "home", tmp_path / "data", server)
    ana, ben = owners.studio("ana"), owners.studio("ben")
    (ana.home / "filled").parent.mkdir(parents=True)
    (ana.home / "filled").write_bytes(bytes(300_000))
    with pytest.raises(BadRequest, match="Your folder holds"):
        ana.new_project(file)
    assert ben.new_project(file).id
    owners.close()


def test_quotas_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSI_STUDIO_MAX_JOBS", "3")
    monkeypatch.setenv("HSI_STUDIO_MAX_DISK_GB", "1.5")
    assert Quotas.of_environment() == Quotas(3, 1.5, None)
    assert Quotas.of_environment(jobs=1, scene_mpx=2.0) == Quotas(1, 1.5, 2.0)  # what is given wins
    with pytest.raises(BadRequest, match=r"--max-disk-gb -2: give a number above 0"):
        Quotas.of_environment(disk_gb=-2.0)
    monkeypatch.setenv("HSI_STUDIO_MAX_SCENE_MPX", "-1")
    with pytest.raises(BadRequest, match="above 0"):
        Quotas.of_environment()
