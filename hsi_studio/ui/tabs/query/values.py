"""What the Query tab shows, as values for `query.js`. Nothing is computed here."""

from __future__ import annotations

from typing import Any

from hsi_studio.engine.query.regions import Region
from hsi_studio.humanize import counted
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.text_maps import NAMES
from hsi_studio.text.description import Description, Phrase
from hsi_studio.types import Progress, Scene

EXAMPLES = ("water", "metal roof", "dry straw", "tall vegetation near water", "dark and smooth", "grass far from trees")
INFRARED = ("clay minerals", "dry grass", "bare soil", "metal roof")  # what bands beyond the visible alone can tell
SEEN_NM, CLAY_NM = 700.0, 2250.0  # the visible ends; clay minerals are told by bands up to there


def examples(scene: Scene) -> tuple[str, ...]:
    """Questions that a scene can answer: "tall" needs heights, colours need the visible, all need wavelengths."""
    nm = scene.bands.wavelength_nm
    if nm is None:
        return ()
    if float(nm.min()) > SEEN_NM:
        return INFRARED if float(nm.max()) >= CLAY_NM else INFRARED[1:]
    return EXAMPLES if scene.dsm is not None else tuple(text.removeprefix("tall ") for text in EXAMPLES)


def query_value(studio: Studio, project_id: str, **more: Any) -> dict[str, Any]:
    """Everything; `more` adds what only some answers say: `proposal`, `said`, `refused`, `described`."""
    project, status = studio.project(project_id), studio.queries.status(project_id)
    answer = status.answer
    value: dict[str, Any] = {
        "project": project_id,
        "serial": status.serial,
        "engines": [{"id": e.id, "title": e.title, "note": e.note} for e in studio.queries.engines(project_id)],
        "engine": status.engine,
        "examples": examples(studio.scene_of(project_id)),
        "text": status.text,
        "state": status.state,
        "progress": progress_value(status.progress),
        "error": status.error,
        "classes": [
            {"id": c.id, "name": c.name, "color": c.color, "count": int(n)}
            for c, n in zip(project.schema.classes, project.labels().counts, strict=True)
        ],
        "answer": None,
        "map": map_value(studio, project_id),
        "words": studio.live_maps.uses_words(project_id),
    }
    if answer is not None:
        asked = answer.asked
        value["answer"] = {
            "seconds": round(status.seconds, 2),
            "threshold": round(status.threshold, 3),
            "taken": [
                {"text": like.text, "weight": round(like.weight, 2), "cosine": round(like.cosine, 2)}
                for like in answer.likeness
            ],
            "spectrum": answer.by_spectrum,
            "parts": [] if asked is None else _parts(asked),
            "notes": list(answer.notes),
            "regions": [_region(r) for r in status.regions],
            "looking": status.state == "working",
            "heat": status.heat,
        }
    return {**value, **more}


def map_value(studio: Studio, project_id: str) -> dict[str, Any]:
    """The map from texts: its state, accuracy and curve."""
    made = studio.queries.text_maps.get(project_id)
    figures, words = [], ""
    if made.report is not None:
        main = made.report.main
        figures = [
            f"{name} {100 * e.value:.1f}"
            for name, e in (("OA", main.oa), ("AA", main.aa), ("κ", main.kappa))
            if e is not None
        ]
        words = main.problem or main.words
    choices = [["Class names alone", NAMES], *([words, value] for words, value in studio.prompts.choices(project_id))]
    return {
        "state": made.state,
        "prompts": made.prompts,
        "choices": choices,
        "progress": progress_value(made.progress),
        "error": made.error,
        "ready": made.prediction is not None,
        "shown": made.prediction is not None and studio.displayed.chosen(project_id)[0] == "texts",
        "figures": figures,
        "words": words,
        "notes": list(made.notes),
        "curve": [
            {"clicks": p.clicks, "oa": round(100 * p.oa, 1), "std": round(100 * p.std, 1), "seeds": p.seeds,
             "method": p.method}
            for p in made.curve
        ],
        "curve_note": made.curve_note,
    }  # fmt: skip


def description_value(description: Description) -> dict[str, Any]:
    """Sentences, and each phrase with its evidence as lines."""
    return {
        "name": description.name,
        "sentences": list(description.sentences),
        "phrases": [{"text": p.text, "evidence": evidence_lines(p)} for p in description.phrases],
        "notes": list(description.notes),
    }


def evidence_lines(phrase: Phrase) -> list[str]:
    """What a phrase rests on, one fact a line."""
    evidence = phrase.evidence
    lines = []
    for fact in evidence.get("facts", {}).values():
        unit = f" {fact['unit']}" if fact["unit"] else ""
        most = f"{fact['p10']} to {fact['p90']}"
        lines.append(f"{fact['meaning']} {fact['value']}{unit} (most pixels {most}){_bands(fact['bands_nm'])}")
    if "stated" in evidence:
        apart = abs(evidence["apart_in_std"])
        lines.append(f"{evidence['meaning']}: {evidence['stated']}, {apart:.1f} standard deviations apart")
    if "at_least_m" in evidence:
        lines.append("Two ways to find the ground disagree, so only the smaller height is stated.")
    if "share_of_border" in evidence:
        lines += [f"{name}: {100 * share:.0f} % of the border" for name, share in evidence["share_of_border"].items()]
    if "regions" in evidence:
        lines.append(f"{evidence['regions']} regions, the middle one {evidence['median_area_px']:.0f} pixels")
    if evidence.get("from"):
        lines.append(f"from the {evidence['from']}")
    if "values" in evidence:
        lines.append(f"values: {evidence['values']}")
    if "pixels" in evidence:
        lines.append(f"{evidence['pixels']} pixels")
    return lines


def _bands(wavelengths: list[float]) -> str:
    if not wavelengths:
        return ""
    if len(wavelengths) <= 4:
        return f", bands at {', '.join(f'{w:.0f}' for w in wavelengths)} nm"
    return f", {len(wavelengths)} bands at {wavelengths[0]:.0f} to {wavelengths[-1]:.0f} nm"


def _region(region: Region) -> dict[str, Any]:
    size = counted(region.pixels, "pixel") if region.area_m2 is None else _area(region.area_m2, region.pixels)
    return {
        "row": region.row,
        "col": region.col,
        "box": list(region.box),
        "score": round(region.score, 2),
        "size": size,
        "description": description_value(region.description),
        "reasons": [
            {"text": r.text, "weight": round(r.weight, 2), "grade": round(r.grade, 2), "facts": list(r.facts)}
            for r in region.reasons
        ],
    }


def _area(square_metres: float, pixels: int) -> str:
    shown = f"{square_metres / 1e4:.2f} ha" if square_metres >= 1e4 else f"{square_metres:,.0f} m²"
    return f"{shown}, {counted(pixels, 'pixel')}"


def _parts(asked: Any) -> list[str]:
    out = []
    if asked.about:
        out.append(f"about “{asked.about}”")
    out += [f"{trait}" for trait in asked.traits]
    out += [f"not {trait}" for trait in asked.lacking]
    out += [f"near “{said}”" for said in asked.near]
    out += [f"away from “{said}”" for said in asked.away]
    out += [f"without “{said}”" for said in asked.without]
    return out


def progress_value(progress: Progress | None) -> dict[str, Any] | None:
    return None if progress is None else {"text": progress.message, "fraction": progress.fraction}
