"""Two users of one server, by its pages and routes: neither reaches the other's projects or files over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from hsi_studio.studio.facade import Studio
from hsi_studio.ui.app import build
from hsi_studio.ui.server.owners import GUEST, HEADER, NOBODY, Owners
from hsi_studio.users import Users, hashed
from tests.ui.server.asking import asking

PASSWORD = {"ana": "blue sky", "ben": "red sea"}


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
    with pytest.warns(UserWarning, match="no project"):  # a toast, and a page as it was
        answer = ben.fire(ben.handler(ben.component("hsi-viewer"), "sync"), [pid])
    assert not any(set(update) - {"__type__", "props"} for update in answer)
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
    with pytest.raises(AssertionError, match="not sent by"):
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
    ben.get(f"/hsi/share/{token}")  # only shows a page with a button
    assert ben.get(f"/hsi/train/{project.id}").status_code == 404
    answer = server.post(f"/hsi/share/{token}", auth=ben.auth, follow_redirects=False)
    assert answer.headers["location"] == f"/?project={project.id}"
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert ben.get(f"/hsi/train/{project.id}").status_code == 200
    assert ben.load()["project"] == project.id
    assert ben.get("/hsi/leave").status_code == 404  # nothing is written by GET
    server.post("/hsi/leave", auth=ben.auth, follow_redirects=False)
    assert ben.get(f"/hsi/train/{project.id}").status_code == 404
    server.cookies.clear()


@pytest.mark.slow
def test_each_browser_has_its_own_projects(owners: Owners, file: Path) -> None:
    page = build(owners, str(file))
    projects = []
    for session in ("one", "two"):
        with TestClient(page.asgi(per_session=True), base_url="http://localhost") as client:
            stranger = Page(client, None, session)
            shown = stranger.fire(stranger.handler(None, "load"), [])  # a toast about cookies, and an empty page
            assert not any(set(update) - {"__type__", "props"} for update in shown)
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


@pytest.mark.slow
def test_alone_there_is_one_owner_whatever_the_browser(tmp_path: Path, file: Path) -> None:
    studio = Studio(tmp_path / "home", tmp_path / "data")
    page = build(studio, str(file))
    shown = []
    for session in ("one", "two"):
        with TestClient(page.asgi(), base_url="http://localhost") as client:
            shown.append(Page(client, None, session).load()["project"])
            assert "set-cookie" not in client.get("/").headers
    assert shown[0] == shown[1]
    assert (tmp_path / "home" / "projects" / shown[0]).is_dir()
    studio.close()
