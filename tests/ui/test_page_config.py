"""What the page loads holds nothing for an API that is off."""

from __future__ import annotations

import gradio as gr

from hsi_studio.ui.page_config import FOR_THE_API, leave_out_api


def test_components_are_described_once_and_work_as_before() -> None:
    with gr.Blocks() as blocks:
        leave_out_api(blocks)
        text = gr.Textbox("x", label="A field")
    (component,) = [one for one in blocks.config["components"] if one["type"] == "textbox"]
    assert not set(FOR_THE_API) & set(component)
    assert component["props"]["label"] == "A field"
    assert component["id"] == text._id
