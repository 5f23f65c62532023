"""What the page loads holds no more for an API than its verbs need."""

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


def test_what_other_programs_may_call_is_still_described() -> None:
    def double(number: int) -> list[int]:
        return [2 * number]

    with gr.Blocks() as blocks:
        leave_out_api(blocks)
        gr.api(double, api_name="double", queue=False)
        gr.Textbox("x")
    told = blocks.get_api_info()
    assert told["named_endpoints"]["/double"]["parameters"][0]["type"] == {"type": "integer"}
    assert len(told["named_endpoints"]["/double"]["returns"]) == 1
    assert not told["unnamed_endpoints"]
