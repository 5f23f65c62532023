"""The page's scripts by address: only our own files, kept for good under their version, and behind the guard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hsi_studio.ui import web_routes
from hsi_studio.ui.server.guard import LOOPBACK, Guard
from hsi_studio.ui.web_component import PANELS
from hsi_studio.ui.web_routes import UI, address, router, scripts, version


def client(plugins: list[Path] | None = None) -> TestClient:
    server = FastAPI()
    server.include_router(router(plugins or []))
    return TestClient(Guard(server, LOOPBACK), base_url="http://localhost")


def test_every_panel_has_a_script_that_the_browser_keeps_for_good() -> None:
    for panel in PANELS.values():
        answer = client().get(address(panel.script))
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/javascript")
        assert "immutable" in answer.headers["cache-control"]
        assert answer.content == panel.script.read_bytes()


@pytest.mark.slow
def test_what_a_module_imports_is_served_under_the_same_version() -> None:
    served, found = client(), 0
    modules = {name: path for name, path in scripts().items() if path.suffix == ".js"}
    for name, path in modules.items():
        for line in re.findall(r"""(?:from|import\() ?["'](\.[^"']+)["']""", path.read_text(encoding="utf-8")):
            wanted = (path.parent / line).resolve()
            assert wanted.is_relative_to(UI), f"{name} imports {line}"
            assert served.get(address(wanted)).status_code == 200, f"{name} imports {line}"
            found += 1
    assert found > 50


def test_a_script_of_another_version_is_given_but_not_kept() -> None:
    answer = client().get("/hsi/web/0000000000000000/web/dom.js")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "app.py",
        "viewer/component.py",
        "viewer/viewer.html",
        "web/tsconfig.json",
        "web/eslint.config.mjs",
        "web/nothing.js",
        "web",
        "",
        "../paths.py",
        "web/../../paths.py",
        "%2e%2e/paths.py",
        "..%2f..%2fREADME.md",
        "viewer/..%2fweb/dom.js",
        "/etc/passwd",
        "plugin/web/dom.js",
    ],
)
def test_nothing_else_is_served(name: str) -> None:
    assert client().get(f"/hsi/web/{version()}/{name}").status_code == 404


def test_the_guard_stands_before_the_scripts() -> None:
    assert client().get(address(UI / "web/dom.js"), headers={"host": "evil.example"}).status_code == 400


def test_the_version_changes_with_every_byte_of_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.js").write_text("one")
    monkeypatch.setattr(web_routes, "UI", tmp_path)
    version.cache_clear()
    first = version()
    (tmp_path / "a.js").write_text("two")
    assert version() == first  # while the server runs, pages and addresses agree
    version.cache_clear()
    assert version() != first
    monkeypatch.undo()
    version.cache_clear()


def test_a_tab_from_elsewhere_brings_its_scripts(tmp_path: Path) -> None:
    folder = tmp_path / "weather"
    folder.mkdir()
    (folder / "rain.js").write_text("export function mount() {}")
    (folder / "secret.txt").write_text("secret")
    served = client([folder / "rain.js", folder / "secret.txt"])
    answer = served.get(address(folder / "rain.js"))
    assert answer.text == "export function mount() {}"
    assert answer.headers["cache-control"] == "no-cache"  # it may change while ours stay
    assert served.get(address(folder / "secret.txt")).status_code == 404
    assert served.get(address(folder / "other.js")).status_code == 404
