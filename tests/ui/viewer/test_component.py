"""The component's contract with Gradio: a constant template, and the style scoped to it."""

from __future__ import annotations

import gradio as gr
import pytest

from hsi_studio.ui.viewer import component as module
from hsi_studio.ui.viewer.component import create_viewer, template


def test_templates_hold_nothing_that_gradio_would_evaluate(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert template("viewer.html")
    monkeypatch.setattr(module, "HERE", tmp_path)
    for bad in ("<p>${value}</p>", "<p>{{value}}</p>", "a`b", "a\\b"):
        (tmp_path / "x.html").write_text(bad)
        with pytest.raises(ValueError, match=r"x\.html"):
            template("x.html")


def test_the_picture_is_hidden_until_its_style_is_there() -> None:
    assert template("viewer.html").startswith('<div class="hsi-viewer" hidden>')
    assert "#hsi-viewer {" in (module.HERE / "viewer.css").read_text(encoding="utf-8")
    with gr.Blocks():
        assert create_viewer().elem_id == "hsi-viewer"
