"""Reports of comparisons over HTTP: two formats, of this project's comparisons alone, without scripts."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.project.store import Project
from hsi_studio.ui.tabs.compare.routes import router
from tests.studio.shown import COMPARISON, RUN, add_comparison, add_run, project_with_reference


@pytest.fixture
def compared(studio: Studio) -> Project:
    project = project_with_reference(studio, studio.data_root)
    add_comparison(studio, project)
    return project


@pytest.fixture
def client(studio: Studio) -> TestClient:
    server = FastAPI()
    server.include_router(router(studio))
    return TestClient(server, base_url="http://localhost")


def test_a_report_is_made_of_the_result_as_it_is_now(client: TestClient, studio: Studio, compared: Project) -> None:
    folder = studio.runs.folder(COMPARISON)
    assert not list(folder.glob("*report*"))
    markdown = client.get(f"/hsi/compare/{compared.id}/{COMPARISON}/report.md")
    page = client.get(f"/hsi/compare/{compared.id}/{COMPARISON}/report.html")
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for answer, kind in ((markdown, "md"), (page, "html")):
        assert answer.status_code == 200
        assert "lda" in answer.text
        assert f'filename="comparison-{COMPARISON}.{kind}"' in answer.headers["content-disposition"]


def test_no_script_runs_in_a_report(client: TestClient, compared: Project) -> None:
    answer = client.get(f"/hsi/compare/{compared.id}/{COMPARISON}/report.html")
    rules = dict(rule.split(maxsplit=1) for rule in answer.headers["content-security-policy"].split("; "))
    assert rules == {"default-src": "'none'", "style-src": "'unsafe-inline'"}


def test_nothing_else_is_given(client: TestClient, studio: Studio, compared: Project, project: Project) -> None:
    add_run(studio, compared, RUN)
    for project_id, run, kind in (
        (compared.id, COMPARISON, "pdf"),
        (compared.id, RUN, "md"),  # a training
        (compared.id, "20260101-120009-abcdef", "md"),
        (project.id, COMPARISON, "md"),  # of another project
    ):
        answer = client.get(f"/hsi/compare/{project_id}/{run}/report.{kind}")
        assert answer.status_code == 404, (run, kind)
        assert answer.json()["detail"]
