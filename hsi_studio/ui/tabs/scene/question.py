"""What is asked before a file opens: the choices side by side, each with a small picture and a mean spectrum under it.

One click on a choice opens the file that way. The plan of an open scene is shown by the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import gradio as gr

from hsi_studio.scene.rules import masks
from hsi_studio.ui.said_on_page import for_page

MOST = 3  # choices shown side by side
WIDTH, HEIGHT = 180, 60  # of a spectrum's drawing
AXES = {"rows": "rows", "cols": "columns", "bands": "bands"}
QUESTIONS = {
    "variable": "Variable", "axes": "Axes", "wavelengths": "Wavelengths", "unit": "Unit of the wavelengths",
    "nodata": "No-data value", "scale": "Scale", "bad bands": "Bands ruled out", "mask": "Mask",
    "quality": "Quality masks", "crs": "Map system", "reference": "Reference map",
    "roles": "Files",
}  # fmt: skip


def create_question() -> tuple[list[Any], list[gr.Button], gr.State]:
    """(components in the order of `question`'s values, buttons that answer, what is pending)."""
    parts: list[Any] = []
    buttons: list[gr.Button] = []
    with gr.Row(visible=False, elem_id="hsi-question") as row:
        for number in range(MOST):
            with gr.Column(min_width=190, visible=False) as column:
                card = gr.HTML("", padding=False)
                button = gr.Button("", size="sm", elem_id=f"hsi-answer-{number}")
            parts += [column, card, button]
            buttons.append(button)
    pending = gr.State(None)
    return [row, *parts, pending], buttons, pending


def question(choices: Sequence[Any], pending: dict[str, Any]) -> list[Any]:
    """Values of `create_question`'s components. `choices`: `scene.preview.Choice`."""
    out: list[Any] = [gr.update(visible=True)]
    for number in range(MOST):
        if number >= len(choices):
            out += [gr.update(visible=False), "", gr.update()]
            continue
        choice = choices[number]
        label = f"Open as {axes_words(choice.value)}" if pending["question"] == "axes" else f"Open as {choice.value}"
        out += [gr.update(visible=True), card(choice), gr.update(value=label, interactive=not choice.problem)]
    return [*out, pending]


def no_question() -> list[Any]:
    """Nothing is asked."""
    return [gr.update(visible=False), *(gr.skip() for _ in range(3 * MOST)), None]


def axes_words(value: str) -> str:
    """ "bands,rows,cols" → "bands × rows × columns"."""
    return " × ".join(AXES.get(name, name) for name in value.split(","))


def card(choice: Any) -> str:
    """Picture, size and mean spectrum of one choice, as HTML."""
    if choice.problem:
        return f"<p class='hsi-hint'>{escape(choice.problem)}</p>"
    reach = f" · {escape(choice.reach)}" if choice.reach else ""
    return (
        f"<figure style='margin:0'><img src='{choice.picture}' alt='The file, read this way' "
        "style='width:100%;max-width:180px;image-rendering:pixelated;border-radius:4px'>"
        f"{spectrum_svg(choice.spectrum)}"
        f"<figcaption class='hsi-hint'>{escape(choice.size)}{reach}</figcaption></figure>"
    )


def spectrum_svg(values: Sequence[float]) -> str:
    """A line over the bands, scaled to its own range."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    points = " ".join(
        f"{2 + (WIDTH - 4) * k / (len(values) - 1):.1f},{HEIGHT - 2 - (HEIGHT - 4) * (v - low) / span:.1f}"
        for k, v in enumerate(values)
    )
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='Mean spectrum' style='width:100%;max-width:180px'>"
        f"<polyline points='{points}' fill='none' stroke='currentColor' stroke-width='1.5'/></svg>"
    )


def plan_rows(plan: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """(question, answer, how sure, why) of a scene's plan, in the order of `QUESTIONS`."""
    for name, title in QUESTIONS.items():
        if name in plan and not (name == "unit" and "wavelengths" in plan):
            fact = plan[name]
            yield title, answer_words(name, fact["value"]), fact["sure"], for_page(fact["reason"])


def answer_words(name: str, value: Any) -> str:
    """A plan's value for people."""
    if value is None:
        return "none"
    if name == "axes":
        return axes_words(str(value))
    if name == "mask":
        return masks.words(str(value))
    if name == "crs":
        text = str(value)
        return text.split('"')[1] if '"' in text else text
    if name == "wavelengths" and isinstance(value, list):
        return f"{value[0]:.5g} to {value[-1]:.5g} nm"
    if isinstance(value, dict):
        return ", ".join(f"{role}: {file}" for role, file in value.items())
    if isinstance(value, list):
        return " to ".join(f"{v:g}" for v in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
