"""What the page names before Gradio's part: all that the first view imports, each at an address that answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hsi_studio.ui import before_gradio as module
from hsi_studio.ui import web_routes
from hsi_studio.ui.web_component import PANELS
from hsi_studio.ui.web_routes import UI

LEAFLET = set(module.LEAFLET.values())


def named() -> list[str]:
    return re.findall(r'href="([^"]+)"', module.before_gradio())


def test_everything_named_is_served_once_and_kept_by_the_browser() -> None:
    server = FastAPI()
    server.include_router(web_routes.router())
    client, addresses = TestClient(server), named()
    assert len(addresses) == len(set(addresses)) > 40
    for address in set(addresses) - LEAFLET:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]


def test_all_that_the_first_view_imports_is_named() -> None:
    files = module.with_imports(PANELS[name].script for name in module.FIRST)
    for path in files:
        for name in re.findall(r"""from ["'](\.[^"']+)["']""", path.read_text(encoding="utf-8")):
            assert (path.parent / name).resolve() in files, f"{path.name} imports {name}"
    assert {web_routes.address(path) for path in files} <= set(named())


def test_modules_that_import_each_other_are_named_once(tmp_path: Path) -> None:
    one, other = tmp_path / "one.js", tmp_path / "other.js"
    one.write_text('import { a } from "./other.js";\n// from "./none.js"\n', encoding="utf-8")
    other.write_text("import { b } from './one.js';\n", encoding="utf-8")
    assert module.with_imports([one]) == [one, other]


@pytest.mark.parametrize("name", module.SHEETS)
def test_sheets_exist(name: str) -> None:
    assert (UI / name).is_file()
