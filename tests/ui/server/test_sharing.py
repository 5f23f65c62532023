"""The link of a shared project: what a visitor's browser keeps, and what the owner's page shows."""

from __future__ import annotations

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
    assert "taken it back" in answer.json()["detail"]
    assert SHARE_COOKIE not in client.cookies


@pytest.fixture
def handlers(owners: Owners, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The page's handlers: of a change of the project, and by the button's id."""
    for said in ("Warning", "Info"):
        monkeypatch.setattr(gr, said, lambda text: None)
    with gr.Blocks() as page:
        create(owners, gr.Textbox(elem_id="project"))
    names = {block._id: block.elem_id for block in page.blocks.values()}
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


def test_the_link_of_one_project_is_not_shown_with_the_next(
    handlers: dict[str, Any], owners: Owners, anas: tuple[Project, str]
) -> None:
    project, _ = anas
    gone = {"value": "", "visible": False}
    assert gone.items() <= handlers["project"]().items()
    with asking("ana"):
        token = owners.share(project.id)
        assert gone.items() <= handlers["hsi-share-end"](project.id).items()
    assert owners.shares.get(token) is None
