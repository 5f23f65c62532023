"""docs/extend/tab.md is true: its tab, copied as it stands, is in the page, and its test passes."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.ui.app import build
from tests.conftest import ROOT
from tests.studio.models import labelled, scene_file
from tests.ui.tabs.plugged import inside, plugged, tabs_of

PAGE = (ROOT / "docs" / "extend" / "tab.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r'```python title="(\w+)\.py"\n(.*?)```', PAGE, re.DOTALL))


def test_the_toy_tab_is_in_the_page_with_its_route(tmp_path: Path) -> None:
    studio = Studio(home=tmp_path / "home")
    project = labelled(studio, scene_file(tmp_path / "data"))
    with plugged(tmp_path / "plugins", balance=BLOCKS["balance"]):
        app = build(studio)
    tab = tabs_of(app.blocks)["Balance"]
    assert list(tabs_of(app.blocks))[-1] == "Balance"  # after the steps
    assert [type(child) for child in inside(tab)] == [gr.Button, gr.Dataframe]
    client = TestClient(app.asgi(), base_url="http://127.0.0.1")
    assert client.get(f"/hsi/balance/{project.id}").json() == {"upper": 3, "lower": 3}
    assert client.get("/hsi/balance/nobody").status_code == 404
    studio.close()


def test_the_test_of_the_page_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "balance.py").write_text(BLOCKS["balance"], encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, Any] = {}
    exec(BLOCKS["test_balance"], names)
    (test,) = [value for name, value in names.items() if name.startswith("test_")]
    test(tmp_path)
    del sys.modules["balance"]


def test_the_orders_it_names_are_the_tabs_own() -> None:
    from hsi_studio.ui.tabs import tabs

    told = ", ".join(f"{tab.title} {tab.order}" for tab in tabs())
    assert told in PAGE.replace("\n  ", " ")
