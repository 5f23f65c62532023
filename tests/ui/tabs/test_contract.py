"""A tab is one module: found without a list, its routes and styles with it; a broken one is shown, not left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.ui.app import build
from hsi_studio.ui.tabs import steps, tabs
from hsi_studio.ui.tabs.problem import problem_tab
from hsi_studio.ui.theme import css
from tests.ui.tabs.plugged import plugged, tabs_of, told, visible

OWN = ["Scene", "Label", "Query", "Prompts", "Runs", "Models", "Compare", "Lesson", "Map"]
RAIL = [
    "1 Scene", "2 Label", "3 Words", "Query", "Prompts", "4 Train", "Runs", "Models", "5 Compare", "Compare", "Lesson",
    "6 Map",
]  # fmt: skip
HEAD = "import gradio as gr\nfrom hsi_studio.ui.tabs.contract import Tab\n"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home")
    yield made
    made.close()


def test_every_tab_of_the_project_is_there_with_its_files() -> None:
    found = tabs()
    assert [tab.title for tab in found] == OWN  # none of them is a problem
    assert len({tab.order for tab in found}) == len(OWN)
    for tab in found:
        assert all(file.is_file() for file in tab.files((*tab.styles, *tab.scripts))), tab.name


def test_a_tab_brings_its_routes_and_styles(studio: Studio, tmp_path: Path) -> None:
    source = (
        f"{HEAD}from fastapi import APIRouter\n"
        "def create(studio, bus):\n    gr.Markdown('hello')\n"
        "def routes(studio):\n"
        "    api = APIRouter(prefix='/hsi')\n"
        "    api.get('/toy')(lambda: 'from the toy')\n"
        "    return api\n"
        "TAB = Tab('toy', 'Toy', 15, create, routes, styles=('toy.css',))\n"
    )
    with plugged(tmp_path / "plugin", toy=source):
        (tmp_path / "plugin" / "toy.css").write_text(".toy { color: teal; }")
        app = build(studio)
        assert list(tabs_of(app.blocks)) == [*RAIL, "Toy"]
        assert ".toy { color: teal; }" in css()
        client = TestClient(app.asgi(), base_url="http://127.0.0.1")
        assert client.get("/hsi/toy").json() == "from the toy"
        assert client.get("/hsi/train-methods").status_code == 200  # a tab's, as the toy's


@pytest.mark.slow
def test_a_tab_that_does_not_import_is_shown_with_its_error(studio: Studio, tmp_path: Path) -> None:
    with plugged(tmp_path / "plugin", broken="import a_module_that_is_nowhere\n"):
        made = tabs_of(build(studio).blocks)
    assert list(made) == [*RAIL, "broken: not loaded"]
    words = told(made["broken: not loaded"])
    assert "a_module_that_is_nowhere" in words
    assert "plugin/broken.py" in words
    assert "Mend the file" in words
    assert str(tmp_path) not in words  # where a server keeps its files is nobody's business


def test_a_tab_stands_in_the_step_it_names(tmp_path: Path) -> None:
    source = f"{HEAD}TAB = Tab('toy', 'Toy', 15, lambda *_: None, step='words')\n"
    astray = f"{HEAD}TAB = Tab('astray', 'Astray', 1, lambda *_: None, step='no such step')\n"
    with plugged(tmp_path / "plugin", toy=source, astray=astray):
        rail = {step.title: [tab.title for tab in step.tabs] for step in steps()}
    assert list(rail) == [title for title in RAIL if title[0].isdigit()] + ["Astray"]
    assert rail["3 Words"] == ["Query", "Toy", "Prompts"]


@pytest.mark.parametrize(
    ("problem", "title", "file"),
    [
        ("hsi_studio.ui.tabs.gone cannot be imported: No module named 'x'", "gone", "hsi_studio.ui.tabs.gone"),
        ("hsi_studio.ui.tabs.label declares 'map', which exists already", "label", "label/__init__.py"),
        ("plug-in /srv/ana/plugins/toy.py cannot be imported: ImportError: x", "toy", "plugins/toy.py"),
        ("plug-in toy = json:TAB of package hsi-toy 1.0 cannot be imported: x", "toy", "json/__init__.py"),
        ("plug-in toy = no_such.part:TAB of package hsi-toy 1.0 is left out: x.", "toy", "no_such.part"),
        ("HSI_STUDIO_PLUGINS names /srv/ana/none, which is no folder.", "HSI_STUDIO_PLUGINS", "HSI_STUDIO_PLUGINS"),
    ],
)
def test_a_problem_of_the_registry_names_its_file(problem: str, title: str, file: str) -> None:
    tab = problem_tab(0, problem)
    with gr.Blocks() as page:
        tab.create(None, None)  # type: ignore[arg-type]
    words = " ".join(str(block.value) for block in page.blocks.values() if isinstance(block, gr.HTML))
    assert tab.title == f"{title}: not loaded"
    assert f'["File", "{file}"]' in words
    assert "/srv/ana" not in words
    assert problem.split()[-1] in words


def test_what_is_no_tab_is_said(studio: Studio, tmp_path: Path) -> None:
    source = "class Wrong:\n    name = 'wrong'\nTAB = Wrong()\n"
    with plugged(tmp_path / "plugin", wrong=source):
        assert "its TAB is no Tab" in told(tabs_of(build(studio).blocks)["wrong: not loaded"])


def test_a_tab_that_cannot_be_made_is_shown_with_its_error(studio: Studio, tmp_path: Path) -> None:
    source = (
        f"{HEAD}def create(studio, bus):\n"
        "    with gr.Row():\n"
        "        gr.Button('half made')\n"
        "        raise ValueError('the sensor <b>is</b> off')\n"
        "TAB = Tab('half', 'Half', 11, create)\n"
    )
    with plugged(tmp_path / "plugin", half=source):
        app = build(studio)
    made = tabs_of(app.blocks)
    assert list(made) == [*RAIL, "Half"]
    assert "ValueError: the sensor <b>is</b> off" in told(made["Half"])  # a value, which its script sets as text
    assert "plugin/half.py, line 6" in told(made["Half"])
    assert len(visible(made["Half"])) == 1  # nothing half made beside it
    assert len(visible(made["2 Label"])) > 1
    assert TestClient(app.asgi(), base_url="http://127.0.0.1").get("/").status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tab", "reason"),
    [
        ("Tab('odd', 'Odd', 30, create, lambda studio: strange)", "not below /hsi/"),
        ("Tab('odd', 'Odd', 30, create, lambda studio: 1 / 0)", "ZeroDivisionError"),
        ("Tab('odd', 'Odd', 30, create, styles=('absent.css',))", "absent.css should lie in"),
    ],
)
def test_what_a_tab_brings_is_checked(studio: Studio, tmp_path: Path, tab: str, reason: str) -> None:
    source = (
        f"{HEAD}from fastapi import APIRouter\nstrange = APIRouter()\nstrange.get('/theme.css')(lambda: '')\n"
        f"def create(studio, bus):\n    gr.Markdown('never seen')\nTAB = {tab}\n"
    )
    with plugged(tmp_path / "plugin", odd=source):
        app = build(studio)
        assert reason in told(tabs_of(app.blocks)["Odd"])
        assert TestClient(app.asgi(), base_url="http://127.0.0.1").get("/").status_code == 200


def test_the_page_lives_without_the_label_tab(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its class list and spectrum are on the bus: the viewer's events change them."""
    from dataclasses import replace

    def fail(studio: Studio, bus: object) -> None:
        raise RuntimeError("no labels today")

    own = [replace(tab, create=fail) if tab.name == "label" else tab for tab in tabs()]
    monkeypatch.setattr("hsi_studio.ui.tabs.tabs", lambda: own)
    assert "no labels today" in told(tabs_of(build(studio).blocks)["2 Label"])
