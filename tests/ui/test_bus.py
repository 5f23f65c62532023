"""What the tabs share: who shows a whole project fills every part of it, in the order of `Present.everything`."""

from __future__ import annotations

import gradio as gr
import pytest

from hsi_studio.ui.bus import FOLLOW, Bus


@pytest.fixture
def page() -> tuple[gr.Blocks, Bus]:
    with gr.Blocks() as blocks:
        bus = Bus(gr.Textbox(elem_id="project"), *(gr.HTML(elem_id=f"part-{k}") for k in range(5)))
    return blocks, bus


def test_a_whole_project_is_shown_by_every_component_once(page: tuple[gr.Blocks, Bus]) -> None:
    _, bus = page
    assert len({part._id for part in bus.shown}) == len(vars(bus)) == len(bus.shown)
    assert bus.shown == [bus.project, bus.top, bus.viewer, bus.classes, bus.strip, bus.spectrum]


def test_the_page_is_told_only_after_the_change_is_made(page: tuple[gr.Blocks, Bus]) -> None:
    blocks, bus = page
    with blocks:
        button = gr.Button()
        bus.after(button.click(lambda: None, None, None))
    first, second = blocks.get_config_file()["dependencies"]
    assert second["trigger_after"] == first["id"]
    assert second["js"] == FOLLOW
    assert not second["backend_fn"]  # the browser alone: it asks for what changed by itself
    assert second["api_visibility"] == "private"
