"""What watching costs a training: the same run with nobody looking and with its curves open in a browser, in turns.

    python -m benchmarks.watching --pairs 4

Each pair trains the same DiffCLIP (same seed, same labels of the demo scene) twice: without a page, and with the Train
tab open on it, which asks for new points once a second and draws them; the order changes from pair to pair. Browser,
server and training share the machine, so this includes the browser's own work, which on a server is another machine's.
`--threads` are the training's, as in the app all cores by default. Figures: steps a second of the fine-tuning, from the
times that the run itself wrote down, and how many times the curves were drawn a second.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright

from benchmarks.forecast import project_with
from hsi_studio import Studio
from tests.e2e.conftest import _start
from tests.e2e.running import RunningApp, wait_ready

PARAMS: dict[str, Any] = {"members": 1, "use_pretraining": False, "stride": 5}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=400, help="of the fine-tuning")
    args = parser.parse_args()
    params = {**PARAMS, "min_steps": args.steps, "epochs": 1}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        studio = Studio(home=home)
        project = project_with(studio, "demo", 5)
        rates: dict[str, list[float]] = {"alone": [], "watched": []}
        drawn: list[float] = []
        with RunningApp(home, ["--scene", "demo"]) as app, sync_playwright() as playwright:
            browser = _start(playwright)
            train(studio, project, params)  # caches are warm from here on
            for pair in range(args.pairs):
                for kind in ("alone", "watched") if pair % 2 else ("watched", "alone"):
                    page = None
                    if kind == "watched":
                        page = browser.new_page(viewport={"width": 1440, "height": 900})
                        page.goto(f"{app.url}/?project={project}")
                        wait_ready(page)
                        page.get_by_role("tab", name="Train", exact=True).click()
                        page.wait_for_selector(".hsi-train[data-ready='1']", timeout=60_000)
                    rate, seconds, updates = train(studio, project, params, page)
                    rates[kind].append(rate)
                    if page is not None:
                        drawn.append(updates / seconds)
                        page.close()
            browser.close()
        studio.close()
    slower = [1 - w / a for w, a in zip(rates["watched"], rates["alone"], strict=True)]
    for kind, values in rates.items():
        print(f"{kind:8} {statistics.mean(values):.2f} ± {statistics.stdev(values):.2f} steps/s, n {len(values)}")
    print(
        f"slower by {100 * statistics.mean(slower):.1f} % (pairs: {', '.join(f'{100 * s:.1f}' for s in slower)}); "
        f"curves drawn {statistics.mean(drawn):.2f} times a second; load {os.getloadavg()[0]:.1f}"
    )
    return 0


def train(studio: Studio, project: str, params: dict[str, Any], page: Any = None) -> tuple[float, float, int]:
    """(steps a second, seconds between first and last step, times the curves were drawn meanwhile)."""
    run = studio.runs.start(project, "diffclip", params, device="cpu")
    while True:
        info = studio.runs.get(run.id)
        if not info.alive:
            break
        if page is None:
            time.sleep(0.25)
        else:
            page.wait_for_timeout(250)
    if info.state != "done":
        raise SystemExit(f"the training ended as {info.state}: {info.reason}")
    updates = 0 if page is None else int(page.evaluate("document.querySelector('.tr-curves').dataset.updates || 0"))
    lines = (studio.runs.folder(run.id) / "events.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [e for e in map(json.loads, lines) if e["kind"] == "metric"]
    first, last = steps[0], steps[-1]
    seconds = float(last["t"]) - float(first["t"])
    return (int(last["step"]) - int(first["step"])) / seconds, seconds, updates


if __name__ == "__main__":
    sys.exit(main())
