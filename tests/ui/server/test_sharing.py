"""The link of a shared project: what a visitor's browser keeps, and what the owner's page shows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hsi_studio.project.store import Project
from hsi_studio.ui.server.guard import SHARE_COOKIE
from hsi_studio.ui.server.owners import Owners
from hsi_studio.ui.server.sharing import create, router
from tests.ui.server.asking import asking


@pytest.fixture
def client(owners: Owners) -> TestClient:
    server = FastAPI()
    server.include_router(router(owners))
    return TestClient(server, base_url="http://localhost", follow_redirects=False)


def test_a_link_leads_into_the_project_and_leave_out_again(client: TestClient, owners: Owners, anas: Any) -> None:
    project, _ = anas
    token = owners.shares.make("ana", project.id)
    shown = client.get(f"/hsi/share/{token}")
    assert "ana's project" in shown.text
    assert SHARE_COOKIE not in client.cookies
    answer = client.post(f"/hsi/share/{token}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/?project={project.id}")
    assert client.cookies[SHARE_COOKIE] == token
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.post("/hsi/leave").headers["location"] == "/"
    assert SHARE_COOKIE not in client.cookies


def test_a_link_that_was_taken_back_leads_nowhere_and_says_so(client: TestClient, owners: Owners, anas: Any) -> None:
    project, _ = anas
    token = owners.shares.make("ana", project.id)
    owners.shares.end("ana", project.id)
    answer = client.get(f"/hsi/share/{token}")
    assert answer.status_code == 404
    assert "taken it back" in answer.text
    assert 'action="/"' in answer.text  # a way out
    assert client.post(f"/hsi/share/{token}").status_code == 404
    assert SHARE_COOKIE not in client.cookies


def test_a_link_to_a_project_in_the_trash_leads_nowhere_until_it_is_back(
    client: TestClient, owners: Owners, anas: Any
) -> None:
    project, ana = anas[0], owners.studio("ana")
    token = owners.shares.make("ana", project.id)
    with asking("ben", token):
        assert owners.here().only == project.id
        ana.shelf.delete(project.id)
        assert owners.here().home == owners.studio("ben").home  # among the own, with a page that works
        assert owners.share(owners.here().new_project(project.scene_spec["spec"]).id)
    assert client.get(f"/hsi/share/{token}").status_code == 404
    ana.shelf.bring_back(project.id)
    assert client.get(f"/hsi/share/{token}").status_code == 200


def test_the_owner_who_follows_the_own_link_is_no_guest(client: TestClient, owners: Owners, anas: Any) -> None:
    project, _ = anas
    token = owners.shares.make("ana", project.id)
    with asking("ana", token):
        assert owners.here().only is None
        assert owners.share(project.id) == token
    assert owners.may_read("ana", token, owners.home / "users" / "ana" / "uploads" / "a.npy")


@pytest.fixture
def handlers(owners: Owners, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The page's handlers: of a change of the project, and by the button's id."""
    for said in ("Warning", "Info"):
        monkeypatch.setattr(gr, said, lambda text: None)
    with gr.Blocks() as page:
        create(owners, gr.Textbox(elem_id="project"))
    names = {block._id: block.elem_id for block in page.blocks.values()}
    assert len(page.fns) == 3
    return {names[fn.targets[0][0]]: fn.fn for fn in page.fns.values()}


def test_the_owner_gets_the_whole_address_and_another_nothing(
    handlers: dict[str, Any], owners: Owners, anas: tuple[Project, str]
) -> None:
    project, _ = anas
    request = SimpleNamespace(request=SimpleNamespace(base_url="https://maps.example.org/"))
    with asking("ben"):
        assert "value" not in handlers["hsi-share-make"](project.id, request)
    assert owners.shares.make("ben", project.id)  # nobody's yet
    with asking("ana"):
        made = handlers["hsi-share-make"](project.id, request)
        token = owners.share(project.id)
    assert (made["value"], made["visible"]) == (f"https://maps.example.org/hsi/share/{token}", True)


def test_the_page_shows_the_link_of_the_project_that_is_open(
    handlers: dict[str, Any], owners: Owners, anas: tuple[Project, str]
) -> None:
    project, _ = anas
    request = SimpleNamespace(request=SimpleNamespace(base_url="https://maps.example.org/"))
    gone = {"value": "", "visible": False}
    with asking("ana"):
        controls, link = handlers["project"](project.id, request)
        assert controls["visible"]
        assert gone.items() <= link.items()
        token = owners.share(project.id)
        address = f"https://maps.example.org/hsi/share/{token}"
        assert handlers["project"](project.id, request)[1]["value"] == address  # also after a reload
        assert gone.items() <= handlers["project"]("another", request)[1].items()
    with asking("ben", token):  # a guest has nothing to share
        controls, link = handlers["project"](project.id, request)
        assert not controls["visible"]
        assert gone.items() <= link.items()
    with asking("ana"):
        assert gone.items() <= handlers["hsi-share-end"](project.id).items()
    assert owners.shares.get(token) is None


def test_who_cannot_take_a_link_back_is_not_told_that_it_is_gone(
    handlers: dict[str, Any], owners: Owners, anas: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, said = anas[0], list[str]()
    for how in ("Warning", "Info"):
        monkeypatch.setattr(gr, how, lambda text, **_: said.append(text))
    with asking("ana"):
        token = owners.share(project.id)
    with asking("ben", token):
        handlers["hsi-share-end"](project.id)
    assert owners.shares.get(token) is not None
    assert "only its owner" in said.pop()
    with asking("ana"):
        handlers["hsi-share-end"](project.id)
        handlers["hsi-share-end"](project.id)
    assert said == ["The link no longer works.", "There is no link to this project."]


def test_a_link_that_was_taken_back_leaves_the_own_projects_to_share(
    owners: Owners, anas: tuple[Project, str], file: Path
) -> None:
    with asking("ana"):
        token = owners.share(anas[0].id)
        owners.unshare(anas[0].id)
    mine = owners.studio("ben").new_project(file)
    with asking("ben", token):  # the browser keeps the cookie
        assert owners.shares.get(owners.share(mine.id)) is not None
        assert owners.unshare(mine.id)
