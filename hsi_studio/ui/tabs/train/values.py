"""What the Train tab shows, as JSON values for `train.js` and its parts: settings, runs, events, a forecast.

Everything is read from the project and its run folders; nothing is kept here. Nothing grows with the scene.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hsi_studio.errors import StudioError
from hsi_studio.humanize import counted, duration, listed, size_text
from hsi_studio.methods import methods
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.run_commands import RunRequest
from hsi_studio.studio.run_info import RunInfo
from hsi_studio.types import LabelSet
from hsi_studio.ui.tabs.train import forms
from hsi_studio.ui.viewer.page_state import progress_value

STYLES = {"p1": "p1 plain", "p2": "p2 nice", "p3": "p3 fusion", "p4": "p4 long", "p5": "p5 described"}
LISTED = 50  # runs in the list
FIRST_POINTS = 1500  # metric events of a stage sent at once to a page that has none yet
MOST_NAMED = 6  # classes in a sentence


def settings(studio: Studio, project_id: str) -> dict[str, Any]:
    """What the settings of a new run depend on: labels, heights, device, prompts."""
    project, scene = studio.project(project_id), studio.scene_of(project_id)
    labels = project.labels()
    return {
        "heights": scene.dsm is not None,
        "device": studio.runs.device()[1],
        "labels": label_set(labels),
        "draw": studio.labels.can_draw(project_id),
        "prompts": [*prompt_styles(labels, scene.name), *prompt_sets(studio, project_id)],
    }


def prompt_sets(studio: Studio, project_id: str) -> list[dict[str, str]]:
    """The project's own prompt sets, as they are now; a set that lacks a class says so."""
    found = []
    for title, value in studio.prompts.choices(project_id):
        if value.startswith("set:"):
            notes = studio.prompts.resolve(project_id, value).notes
            found.append({"name": value, "title": title, "words": " ".join(notes) or "Your own sentences."})
    return found


def prompt_styles(labels: LabelSet, scene: str) -> list[dict[str, str]]:
    """The styles to choose from, each with what the classes with labels are given in it."""
    from hsi_studio.text.prompts import TEMPLATES, prompt_notes

    found = []
    for name, title in STYLES.items():
        told = (
            [f"“{TEMPLATES[name].format('class')}”"]
            if name in TEMPLATES
            else ["What each class looks like.", *prompt_notes(labels.only_labelled().schema, name, scene)]
        )
        found.append({"name": name, "title": title, "words": " ".join(told)})
    return found


def label_set(labels: LabelSet) -> dict[str, Any]:
    """Counts a class, and in sentences what is missing."""
    with_counts = list(zip(labels.schema.classes, labels.counts.tolist(), strict=True))
    named = [{"name": info.name, "color": info.color, "count": count} for info, count in with_counts if count]
    missing = [info.name for info, count in with_counts if not count]
    few = [entry["name"] for entry in named if entry["count"] < 3]
    words = []
    if len(named) < 2:
        need = "a pixel of each of two classes" if not named else "a pixel of a second class"
        words.append(f"Label {need} before training.")
    elif missing:
        have = "has" if len(missing) == 1 else "have"
        words.append(
            f"{counted(len(missing), 'class', 'classes')} {have} no label and will not be in the map: "
            f"{listed(missing, MOST_NAMED)}."
        )
    if len(named) >= 2 and few:
        words.append(f"Fewer than 3 labels: {listed(few, MOST_NAMED)}. A few more help most there.")
    total = counted(len(labels), "label")
    title = f"{total} in {counted(len(named), 'class', 'classes')}" if named else "No labels yet"
    return {"title": title, "classes": named, "words": words}


def run_value(info: RunInfo, shown: str | None, late: int, colors: str = "") -> dict[str, Any]:
    """One run as the list and the card show it. `shown`: id of the run whose map the viewer shows; `late`: how often
    labels have changed since; `colors` changes with the colours of the classes, and so the address of its picture."""
    low, high = info.shots
    shots = f"{counted(low, 'label')} a class" if low == high else f"{low} to {high} labels a class"
    accuracy, words = _accuracy(info)
    changed = ", ".join(f"{name} {json.dumps(value)}" for name, value in info.changed.items())
    method = methods().entries.get(info.method)
    text = f"prompts {info.prompt_set or info.prompts}" if method is not None and "text" in method.needs else ""
    about = [
        ", ".join(filter(None, [shots, text, f"seed {info.seed}"])),
        info.device.get("reason", ""),
        *info.adapted,
        f"started from the encoder of model {info.parent}" if info.parent else "",
        *info.notes,
        f"changed: {changed}" if changed else "the method's defaults",
        f"your labels have changed {counted(late, 'time')} since" if late > 0 else "",
    ]
    return {
        "id": info.id,
        "method": info.method,
        "title": info.title,
        "state": info.state,
        "reason": info.reason,
        "position": info.position or 0,
        "progress": progress_value(info.progress) if info.alive else None,
        "created": info.created,
        "outcome": _outcome(info, words),
        "brief": ", ".join(filter(None, [text, f"seed {info.seed}"])),
        "about": ". ".join(part[:1].upper() + part[1:].rstrip(".") for part in about if part) + ".",
        "changed": info.changed,
        "prompts": info.prompts,
        "prompt_set": info.prompt_set,
        "seed": info.seed,
        "has_map": info.state == "done",
        "shown": info.id == shown,
        "colors": colors,
        "accuracy": accuracy,
        "accuracy_words": words,
    }


def events_value(events: list[dict[str, Any]], first: bool) -> dict[str, Any]:
    """The part of a run's events that the page shows; thinned for a page that begins (`first`)."""
    metrics, log, preview = [], [], None
    for event in events:
        match event["kind"]:
            case "metric":
                values = {key: value for key, value in event["values"].items() if value is not None}
                metrics.append([event["stage"], event["step"], event["steps"], values])
            case "log":
                log.append([event["t"], event["level"], event["text"]])
            case "state" if event.get("reason"):
                log.append([event["t"], "info", f"{event['state'].capitalize()}: {event['reason']}"])
            case "preview":
                preview = {"step": event["seq"], "words": f"step {event['step']} of {event['steps']}"}
    if first:
        metrics = _thinned(metrics)
    return {"last": events[-1]["seq"], "metrics": metrics, "log": log, "preview": preview}


def plan(studio: Studio, project_id: str, method: str, params: str, prompts: str, seed: int) -> dict[str, Any]:
    """Forecast and command line of settings as they are in the form, or what is wrong with them."""
    try:
        values = forms.from_json(params)
        found = studio.runs.forecast(project_id, method, values)
        request = RunRequest(project_id, method, values, prompts, seed)
        shell, python = studio.runs.as_cli(request), studio.runs.as_python(request)
    except StudioError as error:
        return {"words": str(error), "bad": True, "cli": "", "python": ""}
    known = studio.pretrained(project_id, method)
    enough = len(studio.project(project_id).labels().only_labelled().schema) >= 2
    words = [
        f"About {duration(found.seconds)}, {size_text(found.peak_mb * 2**20)} of memory at most ({found.basis})."
        if enough
        else "How long it will take is said here once two classes have labels.",
        f"Encoder {known}." if known else "",
    ]
    return {"words": " ".join(filter(None, words)), "bad": False, "cli": shell, "python": python}


def stamp(value: Any) -> str:
    """A short text that changes with a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _accuracy(info: RunInfo) -> tuple[str, str]:
    """("84.2 %", "Overall accuracy away from the labels 84.2 % (95 % interval 81.0 to 87.1) on …"), or empty texts."""
    block, away = info.figures
    overall = block.get("oa")
    if not overall:
        return "", str(block.get("problem") or "")
    value, low, high = (overall.get(key) for key in ("value", "low", "high"))
    interval = "" if low is None or high is None else f" (95 % interval {100 * low:.1f} to {100 * high:.1f})"
    name = f"Overall accuracy{' away from the labels' * away}"
    return f"{100 * value:.1f} %", f"{name} {100 * value:.1f} %{interval} {block.get('words', '')}".strip()


def _outcome(info: RunInfo, accuracy: str) -> str:
    """What came of a run that has ended."""
    if info.state != "done":
        return info.reason if info.state == "cancelled" else ""
    fit, mapped = info.timing.get("fit_seconds"), info.timing.get("predict_seconds")
    took = "" if fit is None else f"Trained in {duration(fit)}"
    took += f", scene mapped in {duration(mapped)}." if took and mapped is not None else "." if took else ""
    return " ".join(filter(None, [took, f"{accuracy.rstrip('.')}." if accuracy else ""]))


def _thinned(metrics: list[list[Any]]) -> list[list[Any]]:
    """At most `FIRST_POINTS` a stage, spread evenly, the last one always."""
    stages: dict[str, list[int]] = {}
    for position, (stage, *_) in enumerate(metrics):
        stages.setdefault(stage, []).append(position)
    keep = {p for found in stages.values() for p in (*found[:: -(-len(found) // FIRST_POINTS)], found[-1])}
    return [entry for position, entry in enumerate(metrics) if position in keep]
