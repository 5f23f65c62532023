"""The component's contract with Gradio: constant templates, events that exist, values that pass as JSON."""

from __future__ import annotations

import pytest

from hsi_studio import paths
from hsi_studio.ui.viewer import component as module
from hsi_studio.ui.viewer.component import EVENTS, create_viewer, template


def test_templates_hold_nothing_that_gradio_would_evaluate(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("viewer.html", "viewer.css"):
        assert template(name)
    monkeypatch.setattr(module, "ASSETS", tmp_path)
    for bad in ("<p>${value}</p>", "<p>{{value}}</p>", "a`b", "a\\b"):
        (tmp_path / "x.html").write_text(bad)
        with pytest.raises(ValueError, match=r"x\.html"):
            template("x.html")


def test_every_event_of_the_protocol_can_be_listened_to() -> None:
    import gradio as gr

    with gr.Blocks():
        component = create_viewer()
        for name in EVENTS:
            assert callable(getattr(component, name))
            assert f"trigger('{name}'" in component.js_on_load or f"? 'redo' : '{name}'" in component.js_on_load
        with pytest.raises(AttributeError):
            _ = component.no_such_event


def test_scripts_never_put_text_into_html() -> None:
    for name in module.SCRIPTS:
        text = (paths.ASSETS / name).read_text(encoding="utf-8")
        assert "innerHTML" not in text
        assert "insertAdjacentHTML" not in text
        assert len(text.splitlines()) <= 450
