"""What the operator sees, who else does not, and studios that are put away when their owners have gone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hsi_studio import settings
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.ui.launch import main
from hsi_studio.ui.server import owners as owners_module
from hsi_studio.ui.server import process_facts as facts_module
from hsi_studio.ui.server.connections import Idle
from hsi_studio.ui.server.fair import Budget
from hsi_studio.ui.server.janitor import Janitor
from hsi_studio.ui.server.logins import Logins
from hsi_studio.ui.server.operator_page import router
from hsi_studio.ui.server.overview import Facts
from hsi_studio.ui.server.owners import Owners
from hsi_studio.ui.server.stack import layers
from hsi_studio.ui.server.watch import LINES, Watch
from hsi_studio.users import Users, hashed


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch()
    made.listen()
    yield made
    made.close()


@pytest.fixture
def client(owners: Owners, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr("hsi_studio.ui.server.logins.ANSWER_S", 0.0)
    logins, budget = Logins(Users({name: hashed(name) for name in ("ana", "ben")})), Budget()
    facts = Facts(owners, budget, logins, Idle())
    watch.gauges = facts.gauges
    server = FastAPI(openapi_url=None)
    server.include_router(router(facts.overview, watch))
    made = layers(server, ["localhost"], budget, watch, logins=logins, operators=["ana"])
    return TestClient(made, base_url="http://localhost")


def test_only_an_operator_sees_how_the_server_is(client: TestClient, anas: Any) -> None:
    for path in ("/hsi/operator", "/metrics"):
        assert client.get(path, auth=("ana", "ana")).status_code == 200
        forged = {"x-hsi-operator": "1", "X-Hsi-Operator": "1"}
        assert client.get(path, auth=("ben", "ben"), headers=forged).status_code == 404
        assert client.get(path, headers=forged).status_code == 401
        assert client.post(path, auth=("ana", "ana")).status_code == 405


def test_health_says_ok_to_everybody_and_nothing_else(client: TestClient) -> None:
    answer = client.get("/healthz", headers={"host": "10.0.0.1"})
    assert (answer.status_code, answer.text) == (200, "ok")


def test_the_page_tells_users_disk_and_log_as_text(client: TestClient, watch: Watch, anas: tuple[Project, str]) -> None:
    logging.getLogger("hsi_studio.x").warning("a file called <script>alert(1)</script> cannot be read")
    page = client.get("/hsi/operator", auth=("ana", "ana")).text
    assert "<td>ana</td><td>1</td>" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert anas[0].id not in page  # nothing of what users do
    for number in range(LINES + 10):
        logging.getLogger("hsi_studio.x").warning("line %d", number)
    assert len(watch.log.lines) == LINES


def test_metrics_are_prometheus_text_with_few_series(client: TestClient) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    for number in range(30):
        client.get(f"/hsi/tile/made-up-{number}", auth=("ben", "ben"))
        client.get("/hsi/x", auth=("ben", f"wrong {number}"))
    text = client.get("/metrics", auth=("ana", "ana")).text
    found = {family.name: family for family in text_string_to_metric_families(text)}
    statuses = {
        (one.labels["kind"], one.labels["status"]) for one in found["hsi_requests"].samples if "total" in one.name
    }
    assert ("work", "404") in statuses
    assert len(statuses) < 10  # no path of a visitor becomes a series
    values = {name: family.samples[0].value for name, family in found.items() if family.type == "gauge"}
    assert 5 <= values["hsi_wrong_passwords_total"] < 20  # most were not looked at any more
    assert values["hsi_memory_bytes"] > 2**20
    assert values["hsi_jobs"] == values["hsi_open_scenes"] == 0


def test_an_operator_is_a_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--operator", "ana", "--home", str(tmp_path)])
    assert "names a user" in capsys.readouterr().err
    assert main(["--auth", "ana:x", "--operator", "eve", "--home", str(tmp_path)]) == 2


def test_where_the_system_does_not_say_it_is_not_known(tmp_path: Path) -> None:
    found = facts_module.process_facts(tmp_path)
    assert (found.memory, found.files, found.children) == (-1, -1, -1)
    here = facts_module.process_facts()
    assert here.memory > 2**20
    assert here.files > 3


# ── visitors who have gone ──────────────────────────────────────────────────────────────────────


def test_a_studio_whose_owner_has_gone_is_put_away_and_comes_back_whole(
    owners: Owners, anas: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, project = owners.studio("ana"), anas[0]
    thread = studio.live(project.id)._thread
    assert owners.tidy() == 0
    now = owners_module.time.monotonic() + owners_module.IDLE_S + 1
    monkeypatch.setattr(owners_module, "time", SimpleNamespace(monotonic=lambda: now))
    assert owners.tidy(lambda owner: owner == "ana") == 0  # something of hers is under way
    assert owners.tidy() == 1
    thread.join(10)
    assert not thread.is_alive()
    assert owners.present() == {}
    assert owners.studio("ana") is not studio
    assert len(owners.studio("ana").project(project.id).labels()) == 6


def test_a_hundred_visitors_come_and_go(owners: Owners, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [owners_module.time.monotonic()]
    monkeypatch.setattr(owners_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    for number in range(100):
        owners.studio(f"s-{number}")
        clock[0] += 3
        owners.tidy()
    assert len(owners.present()) <= owners_module.MOST_STUDIOS + 1
    clock[0] += owners_module.IDLE_S
    owners.tidy()
    assert len(owners.present()) <= 1


def test_a_guest_keeps_the_owners_studio_at_work(owners: Owners, anas: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.ui.server.asking import asking

    project, _ = anas
    with asking("ana"):
        token = owners.share(project.id)
    clock = [owners_module.time.monotonic()]
    monkeypatch.setattr(owners_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    clock[0] += owners_module.IDLE_S
    with asking("ben", token):
        view = owners.here()
    clock[0] += 10
    owners.tidy()
    with asking("ben", token):
        assert owners.here() is view


def test_a_round_of_the_janitor(owners: Owners, anas: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "waiting"))
    monkeypatch.setenv(settings.CACHE_GB.name, str(1 / 2**20))
    cached = owners.server.cache_folder / "features" / "x.npz"
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_bytes(b"x" * 5000)
    Janitor(owners, Budget()).tidy()
    assert not cached.exists()
    assert len(owners.studio("ana").project(anas[0].id).labels()) == 6


def test_an_upload_is_the_uploaders_whosever_project_is_on_the_screen(owners: Owners, anas: Any) -> None:
    from hsi_studio.studio.quotas import Quotas

    owners.server.quotas = Quotas(disk_gb=1 / 1024)
    owners.admit_upload("ben", 900_000)
    with pytest.raises(BadRequest, match="allowed here"):
        owners.admit_upload("ben", 900_000)
    owners.admit_upload("ana", 900_000)  # hers is untouched
