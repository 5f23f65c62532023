"""Other programs: `gradio_client` and the official MCP client play open → label → map → export on a real server."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.ui.app import build
from hsi_studio.ui.server.owners import Owners
from hsi_studio.ui.server.stack import uvicorn_config
from hsi_studio.ui.verbs import NAMES, Verbs
from hsi_studio.users import Users, hashed
from tests.studio.models import scene_file

POINTS = [
    {"row": row, "col": 3 + 4 * k, "class": name} for name, row in (("upper", 2), ("lower", 25)) for k in range(3)
]  # fmt: skip


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


class Served:
    """An application on a port of its own, in a thread."""

    def __init__(self, app: Any) -> None:
        import uvicorn

        config = uvicorn_config(app, "127.0.0.1", 0)
        config.timeout_graceful_shutdown = 1  # clients keep a stream open
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        until = time.monotonic() + 30
        while not self.server.started and time.monotonic() < until:
            time.sleep(0.02)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: Any) -> None:
        self.server.should_exit = True
        self.thread.join(20)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server of one owner, and a scene's file."""
    folder = tmp_path_factory.mktemp("alone")
    file = scene_file(folder / "data")
    studio = Studio(folder / "home", folder / "data")
    with Served(build(studio, str(file)).asgi()) as address:
        yield address, file
    studio.close()


@pytest.fixture
def verbs(tmp_path: Path) -> Iterator[tuple[Verbs, Path]]:
    studio = Studio(tmp_path / "home", tmp_path / "data")
    yield Verbs(studio), scene_file(tmp_path / "data")
    studio.close()


def halves(classes: list[dict[str, Any]]) -> bool:
    """Whether the map shows the scene's two halves of 15 × 29 pixels with data."""
    return {one["class"]: one["pixels"] for one in classes} == {"upper": 435, "lower": 435}


@pytest.mark.slow
def test_gradios_client_plays_the_verbs(alone: tuple[str, Path], tmp_path: Path) -> None:
    from gradio_client import Client

    address, file = alone
    client = Client(address, verbose=False, download_files=str(tmp_path))
    listed = client.view_api(return_format="dict", print_info=False)
    assert set(listed["named_endpoints"]) == {f"/{name}" for name in NAMES}
    assert listed["unnamed_endpoints"] == {}

    def ask(verb: str, **values: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(client.predict(api_name=f"/{verb}", **values))
        return answer

    opened = ask("open", scene=str(file))
    project = opened["project"]
    assert (opened["rows"], opened["cols"], opened["bands"]) == (30, 30, 10)
    labelled = ask("label", project=project, points=POINTS)
    assert {one["class"]: one["labels"] for one in labelled["classes"]} == {"upper": 3, "lower": 3}
    mapped = ask("map", project=project)
    assert halves(mapped["classes"])
    assert ask("open")["projects"][0]["project"] == project
    assert ask("evaluate", project=project)["layer"] == "live"
    written = ask("export", project=project, kind="tif")
    got = httpx.get(address + written["url"])
    assert got.status_code == 200
    assert len(got.content) == written["bytes"]
    import rasterio

    with rasterio.open(Path(written["path"])) as raster:
        assert np.bincount(raster.read(1).ravel()).tolist() == [30, 435, 435]
        assert raster.tags()["map_sha256"] == mapped["map_sha256"] == written["map_sha256"]
    with pytest.raises(Exception, match="lies outside the scene of 30 × 30"):
        client.predict(project, [{"row": 99, "col": 0, "class": "upper"}], api_name="/label")
    for private in ("load", "news", "again", "predict"):
        with pytest.raises(ValueError, match="Cannot find a function"):
            client.predict("", api_name=f"/{private}")


@pytest.mark.slow
def test_the_official_mcp_client_plays_the_verbs(alone: tuple[str, Path]) -> None:
    address, file = alone

    pytest.importorskip("mcp", reason="the extra mcp is not installed")

    async def play() -> dict[str, Any]:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        async with (
            streamable_http_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            assert set(tools) == set(NAMES)
            assert "points" in tools["label"].inputSchema["properties"]
            assert "undo takes back" in (tools["label"].description or "")

            async def ask(verb: str, **values: Any) -> dict[str, Any]:
                found = await session.call_tool(verb, values)
                assert not found.isError, found
                answer: dict[str, Any] = json.loads(found.content[0].text)  # type: ignore[union-attr]
                return answer

            project = (await ask("open", scene=str(file)))["project"]
            await ask("label", project=project, points=POINTS)
            assert halves((await ask("map", project=project))["classes"])
            wrong = await session.call_tool("map", {"project": project, "layer": "run:none"})
            assert wrong.isError
            return await ask("export", project=project, kind="csv")

    written = anyio.run(play)
    assert Path(written["path"]).stat().st_size == written["bytes"]


@pytest.mark.slow
def test_with_users_a_program_signs_in_and_sees_the_own_projects_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio_client import Client

    monkeypatch.setattr("hsi_studio.users.COST", {"n": 16, "r": 8, "p": 1})
    file = scene_file(tmp_path / "data")
    owners = Owners(tmp_path / "home", tmp_path / "data", SharedServer(tmp_path / "home"))
    users = Users({"ana": hashed("blue sky"), "ben": hashed("red sea")})
    with Served(build(owners, str(file)).asgi(users=users)) as address:
        asked = httpx.post(f"{address}/gradio_api/mcp/", json={})
        assert asked.status_code == 401
        ana = Client(address, verbose=False, headers=basic("ana", "blue sky"))
        ben = Client(address, verbose=False, headers=basic("ben", "red sea"))
        project = json.loads(ana.predict(scene=str(file), api_name="/open"))["project"]
        assert json.loads(ben.predict(api_name="/open"))["projects"] == []
        with pytest.raises(Exception, match="no project"):
            ben.predict(project=project, points=POINTS, api_name="/label")

        async def tools_of_ben() -> Any:
            from mcp import ClientSession
            from mcp.client.streamable_http import streamable_http_client

            async with (
                httpx.AsyncClient(headers=basic("ben", "red sea")) as signed_in,
                streamable_http_client(f"{address}/gradio_api/mcp/", http_client=signed_in) as (r, w, _),
                ClientSession(r, w) as session,
            ):
                await session.initialize()
                return await session.call_tool("map", {"project": project})

        assert anyio.run(tools_of_ben).isError
    owners.close()


@pytest.mark.slow
def test_no_other_way_in(alone: tuple[str, Path]) -> None:
    """Neither by an event's name nor from another web page."""
    address, file = alone
    for path in ("call/open", "call/load", "call/v2/open", "api/load", "api/open", "run/load", "run/open", "mcp/sse",
                 "mcp/schema", "mcp/messages/", "openapi.json"):  # fmt: skip
        for method in ("GET", "POST"):
            answer = httpx.request(method, f"{address}/gradio_api/{path}", json={"data": []})
            assert answer.status_code in (404, 405), (method, path, answer.status_code)
    body = {"data": [str(file)], "fn_index": 0}
    for path in ("mcp/", "run/predict", "queue/join"):
        asked = httpx.post(f"{address}/gradio_api/{path}", json=body, headers={"Origin": "http://evil.example"})
        assert asked.status_code == 403


def test_what_makes_no_sense_is_told_by_its_place(verbs: tuple[Verbs, Path], tmp_path: Path) -> None:
    made, file = verbs
    project = json.loads(made.open(str(file)))["project"]
    for wrong in ({"row": 1, "col": 2}, {"row": 1.5, "col": 2, "class": "a"}, {"row": True, "col": 2, "class": "a"}, 7):
        with pytest.raises(BadRequest, match="Point 2 is"):
            made.label(project, [POINTS[0], wrong])  # type: ignore[list-item]
    with pytest.raises(BadRequest, match="1 to 10,000 points"):
        made.label(project, [])
    with pytest.raises(LabelProblem, match="Row 30, column 0"):
        made.label(project, [*POINTS, {"row": 30, "col": 0, "class": "upper"}])
    assert json.loads(made.open(project=project))["classes"] == []  # nothing was written
    with pytest.raises(BadRequest, match="lies outside"):
        made.open(str(tmp_path / "elsewhere.npy"))
    with pytest.raises(BadRequest, match="written as"):
        made.export(project, kind="exe")
    with pytest.raises(BadRequest, match=r"written as \.tif or \.png"):
        made.export(project, "picture", "zip")
    assert json.loads(made.export(project, "picture", "png"))["file"].endswith("_picture.png")


def test_labels_are_one_action_and_relabel(verbs: tuple[Verbs, Path]) -> None:
    made, file = verbs
    project = json.loads(made.open(str(file)))["project"]
    made.label(project, POINTS)
    again = json.loads(made.label(project, [{**POINTS[0], "class": "lower"}]))
    assert {one["class"]: one["labels"] for one in again["classes"]} == {"upper": 2, "lower": 4}
    one = made.studio.project(project)
    one.undo()
    one.undo()
    assert one.points == {}


def test_a_training_is_started_and_asked_for(verbs: tuple[Verbs, Path]) -> None:
    made, file = verbs
    project = json.loads(made.open(str(file)))["project"]
    assert "svm" in {one["method"] for one in json.loads(made.train(project))["methods"]}
    with pytest.raises(BadRequest, match="run"):
        made.train(project, run="20260101-120000-abcdef")
