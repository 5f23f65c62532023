"""Comparisons as values: for the panel of the Compare tab (`compare.js`) and for the accuracy strip."""

from __future__ import annotations

from typing import Any

from hsi_studio.humanize import counted, setting_text
from hsi_studio.methods import methods
from hsi_studio.studio.compare import method_title
from hsi_studio.studio.facade import CompareInfo, Comparison, ComparisonPlan, Studio

NAMES = (("oa", "OA"), ("aa", "AA"), ("kappa", "κ"))
STATES = {
    "queued": "Waiting", "starting": "Starting", "running": "Running", "pausing": "Pausing", "paused": "Paused",
    "done": "Done", "cancelled": "Stopped", "failed": "Failed", "interrupted": "Interrupted",
}  # fmt: skip
EARLIER = 20  # in the list


def panel_value(studio: Studio, project_id: str, run_id: str = "", said: str = "", bad: bool = False) -> dict[str, Any]:
    """Everything the panel shows: one comparison (the newest without `run_id`), and the list of the others."""
    runs = studio.compare.list(project_id)
    chosen = next((run for run in runs if run.id == run_id), runs[0] if runs else None)
    value: dict[str, Any] = {
        "project": project_id,
        "said": {"text": said, "bad": bad},
        "earlier": [
            {"id": run.id, "title": run.title, "when": run.created[:16].replace("T", " "), "state": STATES[run.state]}
            for run in runs[:EARLIER]
        ],
        "run": None,
    }
    if chosen is not None:
        info = studio.compare.get(chosen.id)
        value["run"] = run_value(info)
        if info.comparison is not None:
            value["result"] = result_value(studio, project_id, info.comparison, chosen.id)
            shown = shown_arms(studio, project_id, chosen.id)
            if shown is not None:
                value["shown"] = shown
    return value


def shown_arms(studio: Studio, project_id: str, run_id: str) -> dict[str, Any] | None:
    """Which of a comparison's arms the viewer shows; None when it shows something else."""
    items = [
        layer.partition(":")[2] for layer in studio.displayed.chosen(project_id) if layer.startswith("comparison:")
    ]
    own = [studio.compare.maps.arms(item) for item in items if item.partition("/")[0] == run_id]
    if not own:
        return None
    return {"left": own[0][0], "right": own[-1][-1], "difference": len(own[0]) > 1}


def run_value(info: CompareInfo) -> dict[str, Any]:
    run, progress = info.run, info.run.progress
    waiting = f"{run.position} before it in the queue" if run.position else ""
    return {
        "id": run.id,
        "title": run.title,
        "state": run.state,
        "alive": run.alive,
        "can_go_on": info.can_go_on,
        "text": (progress.message if progress is not None else waiting or STATES[run.state]) if run.alive else "",
        "fraction": progress.fraction if progress is not None else None,
        "seconds_left": progress.seconds_left if progress is not None else None,
        "reason": "" if run.alive or run.state == "done" else info.reason,
        "facts": facts(info.plan),
        "report": f"/hsi/compare/{run.project_id}/{run.id}/report",
    }


def facts(plan: ComparisonPlan) -> str:
    """ "S3FN, 5 shots a class, quick pace"; of one method also which settings are not its own in every arm."""
    used = list(dict.fromkeys(arm.method for arm in plan.arms))
    by = [method_title(used[0]) + _shared(plan)] if len(used) == 1 else []
    pace = [] if plan.pace == "own" else [f"{plan.pace} pace"]
    return ", ".join([*by, f"{counted(plan.shots, 'shot')} a class", *pace])


def _shared(plan: ComparisonPlan) -> str:
    """ " with features spectral-spatial": what differs from the defaults in every arm, but for the pace's."""
    method = methods().entries.get(plan.reference_arm.method)
    if method is None:
        return ""
    usual = {**method.Params().model_dump(mode="json"), **(method.quick_pace if plan.pace == "quick" else {})}
    changed = [
        f"{key} {setting_text(value)}"
        for key, value in plan.reference_arm.params.items()
        if setting_text(value) != setting_text(usual.get(key))
        and all(arm.params.get(key) == value for arm in plan.arms)
    ]
    return f" with {', '.join(changed)}" if changed else ""


def result_value(studio: Studio, project_id: str, c: Comparison, run_id: str) -> dict[str, Any]:
    """Sentences, table, differences and classes for each protocol."""
    now = dict(zip(c.classes, studio.compare.maps.schema(project_id, c, run_id).classes, strict=True))
    renamed = "; ".join(f"“{name}” is “{info.name}” now" for name, info in now.items() if info.name != name)
    # A class tied to the reference may have had a name of its own long before.
    since = "Named otherwise in the reference" if c.basis == "reference" else "Renamed since it was compared"
    controls = {arm.name for arm in c.arms if arm.control_of}
    pairs = [(d, False) for d in c.differences] + [(d, True) for d in c.controls]
    return {
        "headline": c.headline,
        "words": [text for text in c.sentences if text not in c.headline],
        "notes": [*c.notes, *([f"{since}: {renamed}."] if renamed else [])],
        "seeds": (
            f"{len(c.seeds)} of {counted(len(c.plan.seeds), 'seed')}"
            if c.state == "running"
            else counted(len(c.seeds), "seed")
        ),
        "spread": len(c.seeds) > 1,
        "protocols": [
            {"id": c.plan.protocols[0], "title": "Random test pixels"},
            {"id": c.plan.protocols[1], "title": f"Farther than {c.plan.buffer_px} px from the labels"},
        ],
        "arms": [
            {
                "name": arm.name,
                "control": arm.name in controls,
                "problem": arm.problem,
                "figures": {p: [_spread(getattr(f, key)) for key, _ in NAMES] for p, f in arm.figures.items()},
                "problems": {p: f.problem for p, f in arm.figures.items() if f.problem},
                "seconds": f"{arm.fit_s + arm.map_s:.1f}",
            }
            for arm in c.arms
        ],
        "first": c.plan.reference_arm.name,
        "maps": [arm.name for arm in c.arms if arm.name in c.maps],
        "gaps": [
            {"name": d.first if control else d.second, "protocol": d.protocol, "control": control, **_gap(d.oa)}
            for d, control in pairs
            if d.oa is not None
        ],
        "classes": [
            {
                "pair": d.second,
                "title": f"{d.second} against {d.first}",
                "protocol": d.protocol,
                "rows": [
                    {"name": now[k.name].name, "color": now[k.name].color, "n": k.n_test, "real": k.real, **_gap(k.f1)}
                    for k in d.classes
                ],
            }
            for d, _ in pairs
        ],
    }


def _spread(found: Any) -> str:
    if found is None:
        return "–"
    return f"{found.mean:.1f} ± {found.std:.1f}" if len(found.values) > 1 else f"{found.mean:.1f}"


def _gap(found: Any) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "clear": found.clear, "seeds": found.n}
