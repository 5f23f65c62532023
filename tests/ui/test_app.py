"""Building and serving the page: who may listen where, which project a page shows."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.errors import BadRequest
from hsi_studio.ui.app import _free_port, build
from hsi_studio.ui.first_page import first_page
from hsi_studio.ui.theme import css, theme
from tests.studio.models import scene_file


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    yield made
    made.close()


@pytest.mark.slow
def test_the_page_and_what_it_needs_are_served(studio: Studio) -> None:
    client = TestClient(build(studio).asgi(), base_url="http://127.0.0.1")
    page = client.get("/")
    assert page.status_code == 200
    assert "HSI Studio" in page.text
    assert client.get("/hsi/plotly.min.js").status_code == 200
    assert client.get("/hsi/train-methods").status_code == 200
    for address in ("/docs", "/openapi.json"):  # no map of our routes for strangers
        assert "swagger" not in client.get(address).text.lower()


def test_others_are_let_in_only_with_a_password_or_each_to_the_own(studio: Studio) -> None:
    with pytest.raises(BadRequest, match="--auth"):
        build(studio).launch(host="0.0.0.0", open_browser=False)


def test_the_address_names_the_project_else_it_is_the_latest(studio: Studio, tmp_path: Path) -> None:
    spec = str(scene_file(tmp_path / "data"))
    first = first_page(studio, "", spec)[0]  # there was none
    second = studio.new_project(spec)
    second.add_class("newer")
    assert first_page(studio, first, spec)[0] == first
    assert first_page(studio, "", spec)[0] == second.id
    with pytest.warns(UserWarning, match="latest project instead"):
        assert first_page(studio, "gone", spec)[0] == second.id


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadRequest, match=f"Port {port} "):
            _free_port("127.0.0.1", port)
    assert 7860 <= _free_port("127.0.0.1", None) < 7960


def test_styles_are_one_text_and_fetch_nothing() -> None:
    text = css()
    for mark in (".hsi-strip", ".tr-run", ".hsi-compare", ".hsi-query"):
        assert mark in text, mark
    assert "url(http" not in text.replace(" ", "")
    assert "@import" not in text
    assert theme()._stylesheets == []  # no font server
