"""Two users of one server: neither can read, list, delete or map the other's projects, by any handler or route."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.project.store import Project
from hsi_studio.studio import Subject
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.quotas import Quotas
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.ui.app import build
from hsi_studio.ui.server.owners import GUEST, HEADER, NOBODY, Mine, Owners, _Later
from hsi_studio.users import Users, hashed
from tests.studio.models import labelled, scene_file, train

PASSWORD = {"ana": "blue sky", "ben": "red sea"}


class Asks:
    """A Gradio request as a handler sees it: headers only."""

    def __init__(self, owner: str, token: str = "") -> None:
        self.headers = {HEADER: owner, GUEST: token}


@contextmanager
def asking(owner: str, token: str = "") -> Iterator[None]:
    from gradio.context import LocalContext

    before = LocalContext.request.set(cast(Any, Asks(owner, token)))
    try:
        yield
    finally:
        LocalContext.request.reset(before)


@pytest.fixture
def owners(tmp_path: Path) -> Iterator[Owners]:
    made = Owners(tmp_path / "home", tmp_path / "data", SharedServer(tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def studio(owners: Owners) -> Studio:
    return cast(Studio, Mine(owners.here))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return scene_file(tmp_path / "data")


@pytest.fixture
def anas(owners: Owners, file: Path) -> tuple[Project, str]:
    """Ana's project and her model."""
    project = labelled(owners.studio("ana"), file)
    return project, train(owners.studio("ana"), project, title="Ana's model")


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


# ── the server ──────────────────────────────────────────────────────────────────────────────────


class Page:
    """A browser's session: fires the page's events as Gradio's own script does."""

    def __init__(self, client: TestClient, name: str | None, session: str) -> None:
        self.client, self.session = client, session
        self.auth = (name, PASSWORD[name]) if name else None
        self.config = self.get("/config").json()

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, auth=self.auth, **options)

    def fire(self, fn: dict[str, Any], data: list[Any], event_data: Any = None) -> list[Any]:
        """The outputs of a handler, by Gradio's queue or directly. Raises AssertionError with its error."""
        body = {"data": data, "fn_index": fn["id"], "session_hash": self.session, "event_data": event_data}
        if not fn["queue"]:
            answer = self.client.post("/gradio_api/run/predict", json=body, auth=self.auth)
            assert answer.status_code == 200, answer.text
            return cast(list[Any], answer.json()["data"])
        joined = self.client.post("/gradio_api/queue/join", json=body, auth=self.auth)
        assert joined.status_code == 200, joined.text
        with self.client.stream(
            "GET", "/gradio_api/queue/data", params={"session_hash": self.session}, auth=self.auth
        ) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    assert message["success"], message
                    return cast(list[Any], message["output"]["data"])
        raise AssertionError("the queue gave no answer")

    def component(self, elem_id: str) -> int:
        return next(int(c["id"]) for c in self.config["components"] if c["props"].get("elem_id") == elem_id)

    def handler(self, target: int | None, event: str) -> dict[str, Any]:
        return next(
            fn
            for fn in self.config["dependencies"]
            if any(t[1] == event and (target is None or t[0] == target) for t in fn["targets"])
        )

    def load(self) -> dict[str, Any]:
        """What the page shows first: the viewer's value."""
        out = self.fire(self.handler(None, "load"), [])
        return cast(dict[str, Any], json.loads(out[2]))


@pytest.fixture
def server(owners: Owners, file: Path) -> Iterator[TestClient]:
    users = Users({name: hashed(word) for name, word in PASSWORD.items()})
    with TestClient(build(owners, str(file)).asgi(users=users), base_url="http://localhost") as client:
        yield client


def test_pages_of_two_users_show_two_projects_and_routes_refuse_the_others(server: TestClient, owners: Owners) -> None:
    ana, ben = Page(server, "ana", "session-a"), Page(server, "ben", "session-b")
    hers, his = ana.load(), ben.load()
    assert hers["project"] != his["project"]
    assert (owners.home / "users" / "ana" / "projects" / hers["project"]).is_dir()
    assert (owners.home / "users" / "ben" / "projects" / his["project"]).is_dir()
    assert hers["scene"]["id"] == his["scene"]["id"]  # one file, read once

    pid = hers["project"]
    routes = [
        f"/hsi/map/{pid}/0.bin", f"/hsi/map/{pid}/0.png", f"/hsi/map/{pid}/beside.bin", f"/hsi/conf/{pid}/0.bin",
        f"/hsi/train/{pid}", f"/hsi/train/{pid}/20260101-120000-abcdef/map.png", f"/hsi/follow/{pid}",
        f"/hsi/spectrum/{pid}/3/3",
    ]  # fmt: skip
    for route in routes:
        assert ben.get(route).status_code == 404, route
    assert ana.get(f"/hsi/train/{pid}").status_code == 200

    project = owners.studio("ana").project(pid)
    project.add_class("upper")
    click = {"acts": [{"do": "pick", "row": 3, "col": 3, "class_id": project.schema.classes[0].id, "n": 1}]}
    assert server.post(f"/hsi/acts/{pid}", json=click, auth=ben.auth).status_code == 404
    with pytest.raises(AssertionError, match="no project"):
        ben.fire(ben.handler(ben.component("hsi-viewer"), "sync"), [pid])
    assert len(project.labels()) == 0
    assert server.post(f"/hsi/acts/{pid}", json=click, auth=ana.auth).status_code == 200
    assert len(project.labels()) == 1


def test_a_file_of_another_cannot_be_handed_in_by_its_path(server: TestClient, owners: Owners, anas: Any) -> None:
    """As the page's upload would, but with a path on the server in place of what was uploaded."""
    _, model = anas
    ben = Page(server, "ben", "session-e")
    pid = ben.load()["project"]
    button = ben.component("hsi-models-import")
    path = str(owners.studio("ana").models.library.get(model).path)
    stolen = {"path": path, "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(AssertionError, match="not uploaded by a user"):
        ben.fire(ben.handler(button, "upload"), [pid, "", stolen])
    assert owners.studio("ben").models.find() == []


def test_no_header_or_path_makes_one_user_the_other(server: TestClient, owners: Owners, anas: Any) -> None:
    project, _ = anas
    ben = Page(server, "ben", "session-c")
    for headers in ({HEADER: "ana"}, {HEADER.upper(): "ana"}, {GUEST: "x" * 32}, {"cookie": "hsi_owner=ana"}):
        assert ben.get(f"/hsi/train/{project.id}", headers=headers).status_code == 404
    secret = project.folder / "project.json"
    for path in (
        f"/gradio_api/file={secret}", f"/file={secret}", f"/gradio_api/file/{secret}",
        f"/gradio_api/file={owners.home}/users/ben/../ana/projects/{project.id}/project.json",
        f"/gradio_api/file={owners.home}/shares.json", f"/gradio_api/file%3D{secret}",
    ):  # fmt: skip
        answer = ben.get(path)
        assert answer.status_code in (403, 404), path
        assert "scene" not in answer.text
    assert server.get("/config").status_code == 401


def test_a_link_lets_a_user_in_and_out(server: TestClient, owners: Owners, anas: Any) -> None:
    project, _ = anas
    with asking("ana"):
        token = owners.share(project.id)
    ben = Page(server, "ben", "session-d")
    assert ben.get("/hsi/share/" + "x" * 32, follow_redirects=False).status_code == 404
    answer = ben.get(f"/hsi/share/{token}", follow_redirects=False)
    assert answer.headers["location"] == f"/?project={project.id}"
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert ben.get(f"/hsi/train/{project.id}").status_code == 200
    assert ben.load()["project"] == project.id
    ben.get("/hsi/leave", follow_redirects=False)
    assert ben.get(f"/hsi/train/{project.id}").status_code == 404
    server.cookies.clear()


def test_each_browser_has_its_own_projects(owners: Owners, file: Path) -> None:
    app = build(owners, str(file)).asgi(per_session=True)
    projects = []
    for session in ("one", "two"):
        with TestClient(app, base_url="http://localhost") as client:
            with pytest.raises(AssertionError, match="cookie"):
                Page(client, None, session).load()
            first = client.get("/")
            assert "hsi_owner=" in first.headers["set-cookie"]
            assert "set-cookie" not in client.get("/").headers
            projects.append(Page(client, None, session).load()["project"])
            again = Page(client, None, session + "2").load()["project"]
            assert again == projects[-1]
    assert projects[0] != projects[1]
    folders = [path.name for path in (owners.home / "users").iterdir() if path.name != NOBODY]
    assert len(folders) == 2
    assert all(name.startswith("s-") and len(name) == 42 for name in folders)


def test_alone_there_is_one_owner_whatever_the_browser(tmp_path: Path, file: Path) -> None:
    studio = Studio(tmp_path / "home", tmp_path / "data")
    app = build(studio, str(file)).asgi()
    shown = []
    for session in ("one", "two"):
        with TestClient(app, base_url="http://localhost") as client:
            shown.append(Page(client, None, session).load()["project"])
            assert "set-cookie" not in client.get("/").headers
    assert shown[0] == shown[1]
    assert (tmp_path / "home" / "projects" / shown[0]).is_dir()
    studio.close()
