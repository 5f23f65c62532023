"""What the Prompts tab's panels show, from the façade's values (`table.js`, `versions.js`, `similarity.js`,
`drafts.js`). Nothing is computed here that grows with the scene."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.text.materials.names import materials
from hsi_studio.text.materials.reading import states_said
from hsi_studio.types import FloatArray
from hsi_studio.ui.web_component import packed

LANGUAGE_CHOICES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "tr", "ar", "zh", "ja", "ko", "hi")
MAX_VERSIONS = 60
LIMITS = (
    "The number is the sentence's length in tokens: DiffCLIP reads 77, the sentence encoder of the other methods 256; "
    "what is longer is cut. Enter saves and goes on, Shift-Enter back, Esc takes typing back."
)


def set_to_show(studio: Studio, project_id: str, wanted: str) -> str:
    """The set asked for while it exists, else the one worked on last; "" without sets."""
    book = studio.prompts.book(project_id)
    return wanted if any(info.id == wanted for info in book.all) else book.current


def prompts_value(studio: Studio, project_id: str, set_id: str, **more: Any) -> str:
    """The chooser and the table."""
    project, book = studio.project(project_id), studio.prompts.book(project_id)
    value: dict[str, Any] = {
        "project": project_id,
        "rev": project.revision,
        "set": set_id,
        "sets": [{"id": info.id, "name": info.name, "version": info.version} for info in book.all],
        "labelled": bool(len(project.labels())),
        "limits": LIMITS,
        "undo": project.undo_label,
        "redo": project.redo_label,
        "classes": [],
    }
    if set_id:
        info, said, found = book.get(set_id), book.prompts(set_id).sentences, studio.prompts.check(project_id, set_id)
        kinds = {(flag.class_id, flag.sentence): flag.kind for flag in found.flags if flag.kind in ("cut", "long")}
        value |= {
            "name": info.name,
            "version": info.version,
            "origin": info.origin,
            "note": studio.prompts.language_note(project_id, set_id),
            "classes": [
                {
                    "id": c.id,
                    "name": c.name,
                    "color": c.color,
                    "sentences": [
                        {"text": text, "tokens": tokens, "kind": kinds.get((c.id, n), "")}
                        for n, (text, tokens) in enumerate(zip(said.get(c.id, ()), found.tokens[c.id], strict=True))
                    ],
                    "flags": [{"n": flag.sentence, "kind": flag.kind, "text": flag.text} for flag in found.of(c.id)],
                }
                for c in project.schema.classes
            ],
        }
    return packed(value | more)


def recipes_value(studio: Studio, project_id: str, set_id: str) -> dict[str, Any]:
    """Every class's sentences read as materials, with spectra to draw, and the materials there are to choose from."""
    found = studio.recipes.of(project_id, set_id)
    rows = {
        key: {
            "chips": [
                {
                    "key": chip.key, "title": chip.title, "share": round(100 * chip.share), "phrase": chip.phrase,
                    "sure": chip.sure, "state": ", ".join(states_said(chip.state)), "y": _line(spectrum),
                }
                for chip, spectrum in zip_longest(one.recipe.chips, one.spectra)
            ],
            "near": list(one.recipe.near), "height": one.recipe.height, "notes": list(one.recipe.notes),
            "nm": _line(one.nm, 0), "mixed": _line(one.mixed), "mean": _line(one.mean),
        }
        for key, one in found.items()
    }  # fmt: skip
    return {"of": rows, "materials": [[known.title, key] for key, known in materials().items()]}


def _line(values: FloatArray | None, digits: int = 3) -> list[float]:
    return [] if values is None else [round(float(v), digits) for v in values]


def history_value(studio: Studio, project_id: str, set_id: str, class_id: str) -> dict[str, Any]:
    """What one class said, newest first."""
    book = studio.prompts.book(project_id)
    now = book.prompts(set_id).sentences.get(class_id, ())
    entries = [
        {
            "version": one.version, "when": _when(one.time), "why": one.why, "sentences": list(one.sentences),
            "now": one.sentences == now,
        }
        for one in reversed(book.history(set_id, class_id))
    ]  # fmt: skip
    return {"id": class_id, "entries": entries}


def wordings_value(studio: Studio, project_id: str, set_id: str, version: int = 0) -> str:
    """The versions of a set; with `version`, what changed from it to now."""
    if not set_id:
        return packed({"versions": []})
    project, book = studio.project(project_id), studio.prompts.book(project_id)
    now = book.get(set_id).version
    versions = [
        {
            "n": one.number, "when": _when(project.when(one.seq)[0]), "why": one.why, "now": one.number == now,
            "undone": one.number > now,
        }
        for one in reversed(book.versions(set_id)[-MAX_VERSIONS:])
    ]  # fmt: skip
    value: dict[str, Any] = {"set": set_id, "versions": versions}
    if version:
        by_id = {info.id: info for info in project.schema.classes}
        value["diff"] = {
            "n": version,
            "classes": [
                {"name": by_id[d.class_id].name, "color": by_id[d.class_id].color, "words": d.words}
                for d in book.diff(set_id, version, now)
            ],
        }
    return packed(value)


def textview_value(studio: Studio, project_id: str, set_id: str, wanted: bool) -> str:
    """Likeness of the texts; nothing is computed while its section is closed."""
    if not set_id or not wanted:
        words = "Start a prompt set above to compare its texts." if not set_id else "Opening …"
        return packed({"state": "none", "title": words})
    try:
        view = studio.prompts.view(project_id, set_id)
    except StudioError as error:
        return packed({"state": "failed", "error": str(error)})
    value: dict[str, Any] = {"state": view.state, "error": view.error}
    found = view.similarity
    if found is not None:
        value |= {
            "names": found.schema.names, "colors": found.schema.colors, "encoder": found.encoder,
            "raw": _rounded(found.raw), "centred": _rounded(found.centred), "shown": found.shown,
            "pairs": [pair.text for pair in view.pairs], "compared": view.compared, "jointNote": view.joint_note,
            "wrong": [{"id": d.class_id, "text": d.text, "suggestion": d.suggestion} for d in view.disagreements],
            "points": [
                {"x": x, "y": y, "k": int(k), "text": text}
                for (x, y), k, text in zip(_rounded(found.places), found.owner, found.sentences, strict=True)
            ],
            "joint": _joint(view),
        }  # fmt: skip
    return packed(value)


def _joint(view: Any) -> dict[str, Any] | None:
    from hsi_studio.text.similarity import joint_plane

    joint = view.joint
    if joint is None:
        return None
    texts, pixels, shown = joint_plane(joint.prototypes, joint.means)
    return {
        "names": joint.schema.names, "colors": joint.schema.colors, "texts": _rounded(texts),
        "pixels": [None if any(v is None for v in row) else row for row in _rounded(pixels)],
        "words": f"Joint space of {joint.method} (run {joint.model}): diamonds are its class texts as it was trained "
        f"with, dots the means of up to {max(joint.counts, default=0)} labelled pixels a class, each side around its "
        f"own middle; {100 * shown:.0f} % of the differences are shown. {_nearest(joint)}",
    }  # fmt: skip


def _nearest(joint: Any) -> str:
    """Which classes' pixels lie nearest to another class's text, in all dimensions."""
    names, cosine = joint.schema.names, joint.means @ joint.prototypes.T  # (K, K), NaN rows without labels
    known = [k for k in range(len(names)) if joint.counts[k]]
    wrong = [f"{names[k]} ({names[int(cosine[k].argmax())]})" for k in known if int(cosine[k].argmax()) != k]
    if not wrong:
        return "Every class's pixels are nearest to its own text."
    return f"Nearest to another class's text are the pixels of: {', '.join(wrong)}."


def drafts_value(studio: Studio, project_id: str, set_id: str, preview: bool = False, error: str = "") -> str:
    """The language model's part. `preview`: with the text that would be sent."""
    drafts = studio.prompts.drafts
    if drafts.writer is None:
        return packed({"configured": False, "how": drafts.how})
    value: dict[str, Any] = {
        "configured": True, "model": drafts.writer.name, "place": drafts.writer.place, "system": drafts.system,
        "set": set_id, "state": "", "error": error,
    }  # fmt: skip
    if preview:
        try:
            value["question"] = drafts.task(project_id).question()
        except StudioError:  # asking says what cannot be measured
            value["question"] = drafts.task(project_id, measure=False).question()
    draft = drafts.get(project_id)
    if draft is not None:
        schema = studio.project(project_id).schema
        by_id = {p.class_id: p for p in draft.proposals}
        value |= {
            "state": draft.state, "text": draft.text[-1500:], "notes": list(draft.notes), "error": error or draft.error,
            "usage": _usage(draft.usage), "model": draft.model, "place": draft.place,
            "proposals": [
                {
                    "id": info.id, "name": info.name, "color": info.color, "sentences": list(p.sentences),
                    "problems": list(p.problems), "remarks": list(p.remarks),
                }
                for info in schema.classes
                if (p := by_id.get(info.id)) is not None
            ],
        }  # fmt: skip
    return packed(value)


def _usage(usage: Any) -> str:
    if usage is None:
        return ""
    words = f"{usage.prompt_tokens:,} tokens read, {usage.answer_tokens:,} written."
    return words if usage.cost is None else f"{words} Cost as the server says: {usage.cost:.4g}."


def _rounded(rows: FloatArray) -> list[list[float | None]]:
    return [[round(v, 4) if math.isfinite(v) else None for v in row] for row in rows.tolist()]


def _when(stamp: str) -> str:
    """A journal's time in this machine's: "14:05" today, else "3 May, 14:05"."""
    try:
        then = datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone()
    except ValueError:
        return ""
    today = datetime.now(UTC).astimezone().date()
    return (
        then.strftime("%H:%M") if then.date() == today else f"{then.day} {time.strftime('%b, %H:%M', then.timetuple())}"
    )
