"""How far forecasts of a run's time are off: real runs of five methods, forecast each before it starts.

    python -m benchmarks.forecast [--only N] [--home FOLDER] [--json FILE]

Each run is different: another method, scene, number of labels or parameters. A forecast uses what the runs before it
took, as in the app; the first of a method is a guess from the machine's speed, and is marked. Labels are drawn from the
reference. Run it on a quiet machine: a forecast knows nothing of what others will do. With --home the history of an
earlier call is used.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import machine, make_parser
from hsi_studio import Studio
from hsi_studio.engine.evaluation.splits import draw_shots
from hsi_studio.engine.runs.record import seconds_between

RUNS: list[tuple[str, str, int, dict[str, Any]]] = [  # method, scene, shots a class, parameters
    ("svm", "indian_pines", 5, {}),
    ("diffclip", "demo", 3, {"members": 1}),
    ("curated", "demo", 3, {}),
    ("live", "indian_pines", 5, {}),
    ("s3fn", "demo", 3, {}),
    ("svm", "demo", 20, {}),
    ("diffclip", "indian_pines", 5, {"members": 1, "epochs": 40}),
    ("curated", "indian_pines", 10, {}),
    ("s3fn", "indian_pines", 5, {"components": 12}),
    ("live", "demo", 10, {}),
    ("diffclip", "indian_pines", 10, {"members": 1, "epochs": 60}),
    ("diffclip", "demo", 10, {"members": 2}),
    ("curated", "demo", 20, {"epochs": 60}),
    ("s3fn", "demo", 10, {"epochs": 60}),
    ("svm", "indian_pines", 20, {}),
    ("diffclip", "demo", 5, {"members": 1, "width": 96, "heads": 8}),
]


def project_with(studio: Studio, scene: str, shots: int) -> str:
    """A project with that many labels of each class."""
    project = studio.new_project(scene)
    opened = studio.scene_of(project.id)
    assert opened.reference is not None
    usable = np.where(opened.valid, opened.reference, 0).astype(np.int32)
    chosen = draw_shots(usable, shots, seed=shots)
    row, col = np.divmod(np.asarray(chosen), opened.shape[1])
    names = opened.reference_names
    points = [(int(r), int(c), names[int(usable[r, c])], None) for r, c in zip(row, col, strict=True)]
    project.import_labels(points)
    return project.id


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--only", type=int, default=len(RUNS), help="the first N runs")
    parser.add_argument("--home", type=Path, help="keep projects, caches and history there")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        studio = Studio(home=args.home or Path(temporary))
        rows = [measured(studio, *run) for run in RUNS[: args.only]]
        studio.close()
    for name, chosen in (("all", rows), ("after the first of a method", [r for r in rows if not r["guess"]])):
        if chosen:
            errors = [r["error"] for r in chosen]
            print(f"{name}: {len(errors)} runs, median error {100 * statistics.median(errors):.0f} %")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(machine())
    return 0


def measured(studio: Studio, method: str, scene: str, shots: int, params: dict[str, Any]) -> dict[str, Any]:
    """Forecast, run, compare."""
    started = studio.runs.start(project_with(studio, scene, shots), method, params, device="cpu")
    told = started.forecast
    assert told is not None
    info = studio.runs.wait(started.id)
    if info.state != "done":
        raise SystemExit(f"{method} on {scene}: {info.state}: {info.reason}")
    real = seconds_between(info.started, info.ended)
    assert real is not None
    row = {
        "method": method, "scene": scene, "shots": shots, "params": params, "forecast_s": told.seconds, "real_s": real,
        "error": abs(told.seconds - real) / real, "guess": "guess" in told.basis,
        "forecast_mb": told.peak_mb, "real_mb": info.timing["peak_mb"],
        "phases": {k: [v, info.timing.get(f"{k}_seconds", 0.0)] for k, v in told.phases.items()},
    }  # fmt: skip
    mark = " (guess)" if row["guess"] else ""
    print(
        f"{method:9} {scene:13} {shots:3} shots  forecast {told.seconds:7.1f} s  real {real:7.1f} s  "
        f"error {100 * row['error']:4.0f} %  memory {told.peak_mb:5.0f} / {info.timing['peak_mb']:5.0f} MiB{mark}",
        flush=True,
    )
    return row


if __name__ == "__main__":
    sys.exit(main())
