"""The page's configuration without what nothing here reads.

Gradio describes each component's values three times over, for clients of its API. All events of the page are private,
so that only the verbs for other programs (`verbs.py`) are described. The rest is a quarter of what a page loads. That
an event is as usual, which it says in fifteen ways, is another fifth.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

USUAL: dict[str, Any] = {  # of an event: read by nothing in the page, or taken for this where it is not said
    "batch": False, "max_batch_size": 4, "scroll_to_output": False, "show_progress_on": None, "trigger_after": None,
    "trigger_only_on_success": False, "trigger_only_on_failure": False, "rendered_in": None, "render_id": None,
    "connection": "sse", "time_limit": None, "stream_every": 0.5, "event_specific_args": None,
    "component_prop_inputs": [], "js_implementation": None,
}  # fmt: skip
FOR_THE_API = ("api_info", "api_info_as_input", "api_info_as_output", "example_inputs")


def leave_out_api(blocks: gr.Blocks) -> None:
    """To be called before the blocks are complete: Gradio keeps the configuration from then on."""
    whole = blocks.get_config_file

    def without() -> Any:
        config = whole()
        needed: dict[int, tuple[str, ...]] = {}
        for event in config["dependencies"]:
            event.pop("api_description", None)
            event.pop("collects_event_data", None)  # the server's own note
            for name, value in USUAL.items():
                if name in event and event[name] == value:
                    del event[name]
            if event.get("api_visibility") == "public":
                needed |= dict.fromkeys(event["inputs"], ("api_info_as_input", "example_inputs"))
                needed |= dict.fromkeys(event["outputs"], ("api_info",))
        for component in config["components"]:
            component["component_class_id"] = component["type"]  # 64 digits, read of components that bring own scripts
            for name in FOR_THE_API:
                if name not in needed.get(component["id"], ()):
                    component.pop(name, None)
        return config

    blocks.get_config_file = without
