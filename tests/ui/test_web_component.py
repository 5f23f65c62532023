"""The line that Gradio runs for a panel, and the events it has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gradio as gr
import pytest

from hsi_studio.studio.facade import Studio
from hsi_studio.ui.app import build
from hsi_studio.ui.web_component import PANELS, Panel, loader, panel

IMPORTED = re.compile(r"""from ["'](\.[^"']+\.js)["']""")
TRIGGERED = re.compile(r"""\btrigger\(["'](\w+)["']""")
ACTS = re.compile(r"""\bact\(["'`]|\bact\b.*panel\(gradio""")


def modules(script: Path, seen: set[Path] | None = None) -> set[Path]:
    """A script and all it imports."""
    seen = seen if seen is not None else set()
    if script not in seen:
        seen.add(script)
        for line in IMPORTED.findall(script.read_text(encoding="utf-8")):
            modules((script.parent / line).resolve(), seen)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("name", PANELS)
def test_the_events_a_panel_triggers_are_those_python_can_hear(name: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in modules(PANELS[name].script) if path.name != "component.js"]
    triggered = {event for text in texts for event in TRIGGERED.findall(text)}
    triggered |= {"act" for text in texts if ACTS.search(text) and name != "viewer"}
    assert triggered == set(PANELS[name].events)
    with gr.Blocks():
        made = panel(name, {})
        for event in PANELS[name].events:
            assert callable(getattr(made, event))
        with pytest.raises(AttributeError):
            _ = made.no_such_event


def test_an_event_is_a_plain_word() -> None:
    with pytest.raises(ValueError, match=r"a'b: an event's name"):
        loader(Panel(PANELS["query"].script, ("act", "a'b")))


def test_a_tab_of_its_own_brings_its_module(tmp_path: Path) -> None:
    with gr.Blocks():
        made = panel("weather", {"rain": 1}, module=Panel(tmp_path / "rain.js", ("act",)))
    assert made.elem_id == "hsi-weather"
    assert f'/plugin/{tmp_path.name}/rain.js")' in str(made.js_on_load)
    assert json.loads(str(made.value)) == {"rain": 1}


def test_the_page_carries_no_script_and_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """411 kB when each component carried its script; a page of everything is built and sent anew on each load. Most of
    what grows are events (0.3 kB each)."""
    monkeypatch.setattr("gradio.context.Context.id", 0)  # as in the app; pages of other tests make its numbers longer
    studio = Studio(home=tmp_path)
    try:
        config = build(studio).blocks.get_config_file()
    finally:
        studio.close()
    scripts = [
        c["props"]["js_on_load"] for c in config["components"] if "/hsi/web/" in str(c["props"].get("js_on_load"))
    ]
    assert len(scripts) >= len(PANELS)
    assert all(len(script) < 400 for script in scripts)
    assert len(json.dumps(config, default=str)) < 140_000  # functions of a gr.State, which stay on the server
