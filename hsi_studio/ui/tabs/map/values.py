"""What the Map tab shows of the map on the screen, as values for `evidence.js`. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import DisplayedMap, ScoreBlock, Studio
from hsi_studio.types import ClassInfo
from hsi_studio.ui.tabs.map.routes import SURFACES

FORMATS = [
    ("Class map, GeoTIFF (COG)", "map.tif"), ("Confidence, GeoTIFF", "confidence.tif"),
    ("Probabilities, GeoTIFF", "probabilities.tif"), ("Class map, ENVI", "map.hdr"),
    ("Polygons, GeoPackage", "map.gpkg"), ("Areas, CSV", "areas.csv"), ("Accuracy, CSV", "accuracy.csv"),
    ("Report, HTML", "report.html"),
    ("Figure, PNG", "map.png"), ("Figure, SVG", "map.svg"), ("Figure, PDF", "map.pdf"), ("STAC item", "item.json"),
    ("QGIS style", "map.qml"),
]  # fmt: skip
PLAIN_FORMATS = {  # of layers that are no map
    "picture": [("Picture, GeoTIFF", "picture.tif"), ("Picture, PNG", "picture.png")],
    "query": [("Query's heat map, GeoTIFF", "query.tif"), ("Query's heat map, PNG", "query.png")],
}
STEPS = (
    ("sieve", "Remove regions below", "area", 0.0),  # ten pixels
    ("majority", "Majority, radius", "px", 1.0),
    ("edges", "Smooth along edges, radius", "px", 2.0),
    ("confidence", "Unlabelled below confidence", "of 1", 0.6),
    ("margin", "Unlabelled below margin", "of 1", 0.3),
    ("entropy", "Unlabelled above entropy", "of 1", 0.6),
    ("sets", "Only pixels sure at", "of 1", 0.9),
)


def evidence_value(studio: Studio, project_id: str) -> dict[str, Any]:
    """Everything of the panel."""
    shown, scene = studio.displayed.left(project_id), studio.scene_of(project_id)
    layers = studio.displayed.layers(project_id)
    plain = [one for layer in layers for one in PLAIN_FORMATS.get(layer.kind, [])]
    units, ten = {"area": "m²" if scene.gsd_m else "px"}, round(10 * (scene.gsd_m or 1.0) ** 2, 2)
    value: dict[str, Any] = {
        "project": project_id, "surfaces": list(SURFACES), "formats": [*FORMATS, *plain],
        "steps": [
            {"kind": kind, "title": title, "unit": units.get(unit, unit), "value": start or ten}
            for kind, title, unit, start in STEPS
        ],
        "layers": [
            {"id": one.id, "title": one.title, "shown": one.shown == "left", "edited": one.id.startswith("edited:")}
            for one in layers
        ],
        "shown": "", "blocks": [], "areas": None, "certify": certify_value(studio, project_id),
        "regions": studio.holdout.sizes(project_id), "drawn": f"{hash(studio.holdout.regions(project_id)):x}",
    }  # fmt: skip
    if shown is None:
        return value
    value |= {"shown": shown.title, "stamp": shown.stamp.replace("/", "-")}
    try:
        value["blocks"], value["unknown"] = matrix_values(
            shown, studio.project(project_id).schema.classes, studio.displayed.unmeasured(shown)
        )
        value["areas"] = areas_value(studio, shown)
    except StudioError as error:
        value["unknown"] = str(error)
    return value


def matrix_values(shown: DisplayedMap, own: Sequence[ClassInfo], without: str) -> tuple[list[dict[str, Any]], str]:
    """(blocks with a matrix, what to say where there is none). `own`: the project's classes, whose numbers markers
    and legend have; `without`: what to say of a map without figures."""
    report = shown.report
    if report is None:
        return [], without
    blocks = [block for block in (report.main, report.buffered) if block is not None]
    numbers = {info.id: str(number) for number, info in enumerate(own, start=1)}
    return [_block(block, report.kind, far, numbers) for far, block in enumerate(blocks)], " ".join(report.notes)


def _block(block: ScoreBlock, kind: str, far: int, numbers: Mapping[str, str]) -> dict[str, Any]:
    value: dict[str, Any] = {
        "title": block.title, "words": f"{block.words[:1].upper()}{block.words[1:]}.", "problem": block.problem,
        "far": far, "cells": kind == "reference", "classes": [], "counts": [], "means": [],
    }  # fmt: skip
    if block.confusion is None:
        return value
    value["classes"] = [
        {"id": one.info.id, "name": one.info.name, "color": one.info.color, "number": numbers.get(one.info.id, "")}
        for one in block.classes
    ]
    value["counts"] = block.confusion.tolist()
    for name, estimate in (("Macro F1", block.macro_f1), ("Weighted F1", block.weighted_f1)):
        if estimate is not None:
            low_high = (
                ""
                if estimate.low is None or estimate.high is None
                else (f" ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})")
            )
            value["means"].append(f"{name} {100 * estimate.value:.1f}{low_high}")
    return value


def score_value(block: ScoreBlock, key: str) -> dict[str, str]:
    """Of the map in the hold-out regions; `key`: of which map and regions, as the page named them."""
    if block.oa is None:
        return {"key": key, "figures": "", "words": block.problem}
    parts = []
    for name, found in (("OA", block.oa), ("AA", block.aa), ("κ", block.kappa)):
        if found is not None:
            span = "" if found.low is None or found.high is None else f" ({100 * found.low:.1f}–{100 * found.high:.1f})"
            parts.append(f"{name} {100 * found.value:.1f}{span}")
    return {"key": key, "figures": " · ".join(parts), "words": f"{block.words[:1].upper()}{block.words[1:]}."}


def areas_value(studio: Studio, shown: DisplayedMap) -> dict[str, Any]:
    """Areas in hectares or m², or in pixels where a pixel has no size."""
    found = studio.evidence.areas_of(shown)
    rows = []
    unit, scale, digits = found.unit
    for one in found.classes:
        estimate = one.estimate_m2 or one.estimate
        if not one.pixels and estimate is None:
            continue
        mapped = one.pixels if one.mapped_m2 is None else one.mapped_m2 / scale
        rows.append({
            "name": one.info.name, "color": one.info.color, "mapped": f"{mapped:,.{digits}f}",
            "estimate": "" if estimate is None else f"{estimate.value / scale:,.{digits}f}",
            "se": "" if estimate is None else f"{estimate.se / scale:,.{digits}f}",
        })  # fmt: skip
    overall = found.overall
    certified = "" if overall is None else f"OA {100 * overall.value:.1f} % ± {100 * overall.se:.1f} (standard error)"
    return {"unit": unit, "rows": rows, "words": found.words, "certified": certified}


def certify_value(studio: Studio, project_id: str) -> dict[str, Any] | None:
    """The sample there is: how far it is and which pixel is next. Nothing of what the map shows there."""
    if not studio.certify.exists(project_id):
        return None
    try:
        sample = studio.certify.sample(project_id)
    except StudioError as error:
        return {"problem": str(error)}
    # To choose from: also what the map shows and the project has no more, or its pixels could only be told as errors.
    answers: list[str | None] = list(sample.answers)
    return {
        "title": sample.title, "total": len(answers), "done": sample.done, "next": sample.next,
        "points": list(zip(sample.row.tolist(), sample.col.tolist(), strict=True)), "answers": answers,
        "classes": [
            {"id": one.id, "name": one.name, "color": one.color} for one in studio.certify.to_choose(project_id)
        ],
    }  # fmt: skip
