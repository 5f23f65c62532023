"""What watching costs a training: one run, its curves open in a browser and nobody looking, in turns.

    python -m benchmarks.watching --turns 6 --seconds 12

A long DiffCLIP training on the demo scene; while it goes on, a page with the Train tab, which asks for points once a
second and draws them, is opened and closed again. Steps a second of every turn come from the times that the run itself
wrote down; the first seconds of a turn, in which a page loads, are left out. Browser, server and training share the
machine, so this includes the browser's own work, which on a server is another machine's. The run is stopped at the end.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.common import machine, make_parser, open_train_tab
from benchmarks.forecast import project_with
from hsi_studio import Studio
from tests.e2e.conftest import _start
from tests.e2e.running import RunningApp, wait_ready

PARAMS: dict[str, Any] = {"members": 1, "use_pretraining": False, "epochs": 2000, "batch": 64}
SETTLE_S = 3.0


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--turns", type=int, default=6, help="of each kind")
    parser.add_argument("--seconds", type=float, default=12, help="of a turn")
    args = parser.parse_args(argv)
    turns: list[tuple[str, float, float]] = []  # kind, from, to
    drawn: list[float] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        studio = Studio(home=home)
        project = project_with(studio, "demo", 20)
        run = studio.runs.start(project, "diffclip", PARAMS, device="cpu")
        events = studio.runs.folder(run.id) / "events.jsonl"
        with RunningApp(home, ["--scene", "demo"]) as app, sync_playwright() as playwright:
            browser = _start(playwright)
            while len(steps(events)) < 3:
                time.sleep(0.5)
            for turn in range(2 * args.turns):
                watched = turn % 4 in (1, 2)  # alone, watched, watched, alone, …: a drift is shared by both
                page = open_train(browser, app, project) if watched else None
                time.sleep(SETTLE_S)
                before, begun = updates(page), time.time()
                if page is None:
                    time.sleep(args.seconds)
                else:
                    page.wait_for_timeout(1000 * args.seconds)
                turns.append(("watched" if watched else "alone", begun, time.time()))
                if page is not None:
                    drawn.append((updates(page) - before) / (time.time() - begun))
                    page.close()
            browser.close()
            points = steps(events)
            alive = studio.runs.get(run.id).alive
            studio.runs.cancel(run.id)
            studio.runs.wait(run.id, 30)
        studio.close()
    if not alive:
        raise SystemExit("error: the training was over before the turns were: fewer turns, or longer trainings")
    rates = {kind: [rate(points, a, b) for k, a, b in turns if k == kind] for kind in ("alone", "watched")}
    for kind, values in rates.items():
        print(f"{kind:8} {statistics.mean(values):.2f} ± {statistics.stdev(values):.2f} steps/s, n {len(values)}")
    slower = 1 - statistics.mean(rates["watched"]) / statistics.mean(rates["alone"])
    print(f"watched is {100 * slower:.1f} % slower; curves drawn {statistics.mean(drawn):.2f} times a second")
    print(machine())
    return 0


def open_train(browser: Any, app: RunningApp, project: str) -> Any:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{app.url}/?project={project}")
    wait_ready(page)
    open_train_tab(page)
    return page


def updates(page: Any) -> int:
    own = ".hsi-train .tr-curves"  # the dock has curves too, hidden here
    return 0 if page is None else int(page.evaluate(f"document.querySelector('{own}').dataset.updates || 0"))


def steps(events: Path) -> list[tuple[float, int]]:
    """(time, step) of every point of the fine-tuning that is written down."""
    lines = events.read_text(encoding="utf-8").splitlines() if events.is_file() else []
    found = [e for e in map(json.loads, lines) if e["kind"] == "metric"]
    return [(float(e["t"]), int(e["step"])) for e in found]


def rate(points: list[tuple[float, int]], since: float, until: float) -> float:
    """Steps a second between the first and the last point of a turn."""
    inside = [p for p in points if since <= p[0] <= until]
    if len(inside) < 2:
        raise SystemExit("error: too few points in a turn: longer turns")
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


if __name__ == "__main__":
    sys.exit(main())
