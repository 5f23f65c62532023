"""The Train tab: fit a method on the labels as they are, watch it, stop it, show its map instead of the live one."""

from __future__ import annotations

from typing import Any

import gradio as gr

from hsi_studio.errors import StudioError
from hsi_studio.studio import Studio, TrainingStatus, device
from hsi_studio.ui import forms
from hsi_studio.ui.bus import Bus, Tab
from hsi_studio.ui.panels import packed, panel
from hsi_studio.ui.present import Present

LIVE, TRAINED = "Follows the clicks", "Trained"
STYLES = [("p1 plain", "p1"), ("p2 nice", "p2"), ("p3 fusion", "p3"), ("p4 long", "p4"), ("p5 described", "p5")]


def create(studio: Studio, bus: Bus) -> None:
    present = Present(studio)
    found = studio.trainable()
    by_name = {method.name: method for method in found}
    first = found[0]

    method = gr.Dropdown(
        choices=[(m.title, m.name) for m in found], value=first.name, label="Method", elem_id="hsi-method"
    )
    about = panel("facts", {"empty": first.source}, elem_classes="hsi-about")  # torch is asked about devices later
    with gr.Row():
        preset = gr.Dropdown(choices=_presets(first), value="default", label="Settings", elem_id="hsi-preset")
        style = gr.Dropdown(choices=STYLES, value="p5", label="Prompts", visible="text" in first.needs)
        seed = gr.Number(value=0, precision=0, minimum=0, label="Seed")
    with gr.Accordion("Parameters", open=False):
        values = gr.Code(value="{}", language="json", label="What differs from the defaults", lines=4)
        help_table = panel("facts", forms.table(first.Params))
    with gr.Row():
        start = gr.Button("Train on my labels", variant="primary", size="sm", elem_id="hsi-train")
        stop = gr.Button("Stop", size="sm", elem_id="hsi-stop", interactive=False)
    said = panel("facts", {"empty": _words(None)}, elem_classes="hsi-training")
    shown = gr.Radio([LIVE, TRAINED], value=LIVE, label="Map shown", visible=False, elem_id="hsi-map-shown")
    watch = gr.Timer(0.5, active=False)

    def choose(project_id: str, name: str) -> tuple[Any, ...]:
        picked = by_name[name]
        return (
            packed({"empty": _about(studio, project_id, name)}),
            gr.update(choices=_presets(picked), value="default"),
            gr.update(visible="text" in picked.needs),
            "{}",
            packed(forms.table(picked.Params)),
        )

    def take_preset(name: str, chosen: str) -> str:
        return forms.as_json(by_name[name].Params, _preset_values(by_name[name]).get(chosen, {}))

    def train(project_id: str, name: str, text: str, prompts: str, number: float) -> tuple[Any, ...]:
        try:
            studio.train(project_id, name, forms.from_json(text), prompts, int(number or 0))
        except StudioError as error:
            gr.Warning(str(error))
        return look(project_id)

    def look(project_id: str) -> tuple[Any, ...]:
        status = studio.training(project_id)
        running = status is not None and status.state == "running"
        ready = status is not None and status.prediction is not None
        return (
            packed({"empty": _words(status)}),
            gr.update(interactive=not running),
            gr.update(interactive=running),
            gr.update(visible=ready, value=TRAINED if ready and studio.shows_trained(project_id) else LIVE),
            gr.update(active=running),
        )

    def follow(project_id: str, name: str) -> tuple[Any, ...]:
        status = studio.training(project_id)
        if status is not None and status.state == "done" and not studio.shows_trained(project_id):
            studio.show_trained(project_id, True)  # the map one has waited for
        told = packed({"empty": _about(studio, project_id, name)})  # its encoder may be pre-trained by now
        return (*look(project_id), told, present.viewer_changes(project_id), present.strip(project_id))

    def show(project_id: str, which: str) -> tuple[Any, ...]:
        studio.show_trained(project_id, which == TRAINED)
        return present.viewer_changes(project_id), present.strip(project_id)

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    state = [said, start, stop, shown, watch]
    method.change(choose, [bus.project, method], [about, preset, style, values, help_table], **private)
    preset.input(take_preset, [method, preset], [values], **private)
    start.click(train, [bus.project, method, values, style, seed], state, **private)
    stop.click(lambda p: studio.stop_training(p), [bus.project], None, **private)
    watch.tick(follow, [bus.project, method], [*state, about, bus.viewer, bus.strip], **private)
    bus.project.change(look, [bus.project], state, **private)
    bus.project.change(lambda p, m: packed({"empty": _about(studio, p, m)}), [bus.project, method], [about], **private)
    shown.input(show, [bus.project, shown], [bus.viewer, bus.strip], **private)


def _preset_values(method: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = getattr(method, "presets", {})
    return found


def _presets(method: Any) -> list[str]:
    return ["default", *(name for name in _preset_values(method) if name != "default")]


def _about(studio: Studio, project_id: str, name: str) -> str:
    """What the method is, what it runs on, and whether its encoder is pre-trained already."""
    words = next(m.source for m in studio.trainable() if m.name == name)
    status = studio.pretrained(project_id, name)
    return " ".join(filter(None, [f"{words.rstrip('.')}.", f"{device()[1]}.", f"{status}." if status else ""]))


def _words(status: TrainingStatus | None) -> str:
    if status is None:
        return "Trains on the pixels you labelled, in the background: you can go on labelling meanwhile."
    low, high = status.shots
    shots = f"{low} label{'s' * (low != 1)} a class" if low == high else f"{low} to {high} labels a class"
    if status.state == "running":
        progress = status.progress
        if progress is None:
            return f"{status.method}: working …"
        share = "" if progress.fraction is None else f", {100 * progress.fraction:.0f} %"
        left = "" if progress.seconds_left is None else f", about {max(1, round(progress.seconds_left))} s left"
        return f"{status.method}, {shots}: {progress.message}{share}{left}"
    if status.state == "done":
        return (
            f"{status.method} trained on {shots} in {status.fit_seconds:.1f} s, "
            f"scene mapped in {status.predict_seconds:.1f} s."
        )
    return "Stopped: nothing was kept." if status.state == "stopped" else status.error


TAB = Tab("train", "Train", 15, create)
