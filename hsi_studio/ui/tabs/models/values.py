"""Models as values for `models.js`. No component is made here; no array is read."""

from __future__ import annotations

from typing import Any

from hsi_studio.errors import StudioError
from hsi_studio.humanize import counted, size_text
from hsi_studio.methods import methods
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.viewer.page_state import progress_value

SCORES = (("oa", "OA"), ("aa", "AA"), ("kappa", "κ × 100"))


def list_value(studio: Studio, project_id: str, chosen: str) -> dict[str, Any]:
    """The whole panel: table, details of the chosen model, trash."""
    found = studio.models.find()
    chosen_layers = studio.displayed.chosen(project_id) if project_id else ("", "")
    left, right = (layer.removeprefix("model:") for layer in chosen_layers)
    picked = next((info for info in found if info.id == chosen), None)
    in_memory = [info for info in found if info.loaded]
    memory = ""
    if in_memory:
        total = size_text(sum(info.loaded_size for info in in_memory))
        memory = f"{counted(len(in_memory), 'model')} in memory, {total}."
    return {
        "project": project_id,
        "models": [_row(info, left, right) for info in found],
        "trash": [{"id": info.id, "title": info.title, "when": info.modified} for info in studio.models.trashed()],
        "memory": memory,
        "detail": None if picked is None or not project_id else _detail(studio, project_id, picked, left, right),
    }


def _row(info: Any, left: str, right: str) -> dict[str, Any]:
    facts = info.facts
    row = {
        "id": info.id,
        "title": info.title,
        "when": info.modified,
        "size": info.size,
        "sizeText": size_text(info.size),
        "problem": info.problem,
        "loaded": bool(info.loaded),
        "a": info.id == left,
        "b": info.id == right,
        "imported": info.origin == "import",
        "search": f"{info.title} {info.id}".lower(),
        "method": "", "scene": "", "labels": 0, "shots": "", "oa": None, "on": "",
    }  # fmt: skip
    if facts is None:
        return row
    scene = facts.scene.title or facts.scene.name
    words = [
        info.title, info.id, facts.method, scene, facts.scene.name, facts.note, *facts.tags,
        *(c.name for c in facts.classes), facts.prompts.style,
    ]  # fmt: skip
    return row | {
        "method": facts.method,
        "scene": facts.scene.name or scene,
        "labels": facts.labels.total,
        "shots": _shots(info),
        "oa": None if facts.accuracy is None else facts.accuracy.oa,
        "on": "" if facts.accuracy is None else facts.accuracy.on,
        "search": " ".join(words).lower(),
    }


def _detail(studio: Studio, project_id: str, info: Any, left: str, right: str) -> dict[str, Any]:
    facts = info.facts
    value: dict[str, Any] = {
        "id": info.id, "title": info.title, "problem": info.problem, "loaded": bool(info.loaded),
        "inUse": info.in_use, "warm": False, "a": info.id == left, "b": info.id == right, "note": "", "tags": [],
        "fit": {"ok": False, "words": ""}, "rows": [], "classes": [], "sentences": [], "work": None,
    }  # fmt: skip
    if facts is None:
        return value
    try:
        fit = studio.models.fit(info.id, project_id)
        value["fit"] = {"ok": fit.ok, "words": fit.words}
    except StudioError as error:
        value["fit"] = {"ok": False, "words": str(error)}
    work = studio.models.maps.work(project_id, info.id)
    if work is not None and work.state in ("waiting", "running"):
        value["work"] = progress_value(work.progress) or {"text": "Making its map …", "fraction": None}
    elif work is not None and work.error:
        value["work"] = {"error": work.error}
    value["warm"] = studio.models.can_start(info)
    names = {c.id: c.name for c in facts.classes}
    return value | {
        "note": facts.note,
        "tags": list(facts.tags),
        "rows": _facts_rows(studio, info),
        "classes": [{"name": c.name, "color": c.color} for c in facts.classes],
        "sentences": [
            [names[key], text] for key, texts in facts.prompts.sentences.items() if key in names for text in texts
        ],
    }


def _facts_rows(studio: Studio, info: Any) -> list[list[str]]:
    facts = info.facts
    scene, accuracy = facts.scene, facts.accuracy
    bands = f"{scene.bands} bands"
    if scene.wavelength_nm:
        bands += f", {min(scene.wavelength_nm):.0f}–{max(scene.wavelength_nm):.0f} nm"
    rows = [
        ["Method", facts.method],
        ["Trained on", f"{scene.title or scene.name} ({bands})"],
        ["Labels", _shots(info)],
    ]
    if accuracy is not None:
        scores = [(name, getattr(accuracy, key)) for key, name in SCORES]
        figures = ", ".join(f"{name} {100 * score:.1f}" for name, score in scores if score is not None)
        rows.append(["Accuracy", f"{figures} {accuracy.on}".strip()])
    else:
        rows.append(["Accuracy", "not measured"])
    method = methods().entries.get(facts.method)
    reads = method is None or "text" in method.needs
    rows.append(["Prompts", facts.prompts.set or (facts.prompts.style or "–" if reads else "none: it reads no words")])
    changed = studio.models.changed_params(info)
    rows.append(["Settings", ", ".join(f"{name} {value}" for name, value in changed.items()) or "all defaults"])
    rows.append(["Seed", str(facts.seed)])
    rows.append(["Made", facts.created.replace("T", " ").replace("+00:00", " UTC") or "–"])
    if facts.parent:
        rows.append(["Started from", facts.parent])
    rows.append(["From", "an imported file" if info.origin == "import" else f"a run of project {info.project_id}"])
    where = f"{info.loaded}, {size_text(info.loaded_size)}" if info.loaded else "on disk only"
    rows.append(["Memory", where + (", in use" if info.in_use else "")])
    rows.append(["File", size_text(info.size)])
    return rows


def _shots(info: Any) -> str:
    low, high = info.shots
    total = info.facts.labels.total
    each = f"{low}" if low == high else f"{low} to {high}"
    return f"{total} labels, {each} a class"
