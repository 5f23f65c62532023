"""Several people at once: browser sessions that label while their trainings wait and run; latency, errors, memory.

    python -m benchmarks.load --sessions 8 --minutes 10

Starts `app.py --per-session` with an empty home folder and opens that many browser contexts in one headless browser,
every one with a project of its own on the demo scene. Each labels a first pixel of four classes, queues a training in
the Train tab, then clicks a reference pixel every `--every` seconds until the time is over; the sessions take turns, or
with `--burst` all click in the same instant. Browser and server share the machine. From the page's own clock: click
event → journal has it (`journal`), click event → map of that label painted (`map`). Beside them the same of one session
alone, before the others come: the baseline.

Checked at the end: every journal holds exactly that session's clicks in their order; every run trained on its own
session's labels; no error in a console or in the server's log. Memory of the server alone and with its workers, every
ten seconds: the mean of the last minute against that of the first minute after all sessions were open.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.common import machine, make_parser, open_step, quantile, reference_pixels, start_training
from hsi_studio import Studio
from tests.e2e.conftest import _start
from tests.e2e.running import RunningApp, choose_class, click_pixel, wait_journal, wait_ready

WATCH = """() => {
  const viewer = document.querySelector('.hsi-viewer');
  window.__down = []; window.__journal = {}; window.__map = {};
  viewer.addEventListener('click', () => window.__down.push(performance.now()), true);
  new MutationObserver(() => {
    const now = performance.now();
    for (let n = Number(viewer.dataset.journal); n > 0 && !window.__journal[n]; n--) window.__journal[n] = now;
    for (let n = Number(viewer.dataset.mapRev); n > 0 && !window.__map[n]; n--) window.__map[n] = now;
  }).observe(viewer, {attributes: true});
}"""
RUN = {"epochs": 30, "members": 1, "unlabelled": 200, "pretrain_epochs": 10, "min_steps": 200, "stride": 3}
CLASSES, FIRST = 4, 4


@dataclass
class Session:
    """One browser with its own cookies."""

    page: Any
    pixels: list[tuple[int, int, str]]
    problems: list[str] = field(default_factory=list)
    clicked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def project(self) -> str:
        return str(self.page.evaluate("new URL(location).searchParams.get('project')"))

    def click(self) -> None:
        row, col, name = self.pixels[len(self.clicked)]
        choose_class(self.page, name)
        click_pixel(self.page, row, col)
        self.clicked.append((row, col))

    def times(self, what: str, skip: int) -> list[float]:
        """Milliseconds from the click event of label n to the moment, n > skip."""
        down, at = self.page.evaluate(f"[window.__down, window.__{what}]")
        return [at[str(n + 1)] - down[n] for n in range(skip, len(down)) if str(n + 1) in at]


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=float, default=6, help="seconds between clicks of a session")
    parser.add_argument("--burst", action="store_true", help="all sessions click in the same instant")
    args = parser.parse_args(argv)
    count = int(60 * args.minutes / args.every) + FIRST + 30
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # workers end a little later
        home = Path(folder)
        scene = Studio(home=home / "look").open("demo")
        pixels = [reference_pixels(scene, count, CLASSES, 5, seed) for seed in range(args.sessions + 1)]
        with RunningApp(home / "app", ["--per-session", "--scene", "demo"]) as app, sync_playwright() as playwright:
            browser = _start(playwright)
            alone = open_session(browser, app, pixels[-1])
            for _ in range(12):
                alone.click()
                wait_journal(alone.page, len(alone.clicked))
                time.sleep(1.0)
            told = {"alone_journal_ms": summary(alone.times("journal", FIRST))}
            told["alone_map_ms"] = summary(alone.times("map", FIRST))
            alone.page.context.close()
            sessions = [open_session(browser, app, pixels[k]) for k in range(args.sessions)]
            for session in sessions:
                for _ in range(FIRST):
                    session.click()
                    wait_journal(session.page, len(session.clicked))
            for session in sessions:
                queue_training(session)
            told |= outcome(app, sessions, drive(app, sessions, args))
            browser.close()
    print(json.dumps(told, indent=2, ensure_ascii=False))
    return 1 if told["problems"] else 0


def open_session(browser: Any, app: RunningApp, pixels: list[tuple[int, int, str]]) -> Session:
    session = Session(browser.new_context(viewport={"width": 1440, "height": 900}).new_page(), pixels)
    page = session.page
    page.on("console", lambda m: session.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: session.problems.append(str(e)))
    page.goto(app.url)
    wait_ready(page)
    page.evaluate(WATCH)
    return session


def queue_training(session: Session) -> None:
    """Through the Train tab, as a user would; then back to the labels."""
    page = session.page
    start_training(page, "diffclip", RUN)
    page.wait_for_function("document.querySelector('.tr-run')?.dataset.run", timeout=60_000)
    open_step(page, "Label")


def drive(app: RunningApp, sessions: list[Session], args: argparse.Namespace) -> list[tuple[float, float]]:
    """Clicks until the time is over; (server MB, server and workers MB) every ten seconds."""
    memory: list[tuple[float, float]] = []
    started = looked = time.monotonic()
    while time.monotonic() - started < 60 * args.minutes:
        began = time.monotonic()
        for number, session in enumerate(sessions):
            due = 0.0 if args.burst else number * args.every / len(sessions)
            session.page.wait_for_timeout(1000 * max(0.0, began + due - time.monotonic()))
            session.click()
        if time.monotonic() - looked >= 10:
            looked = time.monotonic()
            memory.append(resident(app))
        spent = time.monotonic() - began
        sessions[0].page.wait_for_timeout(1000 * max(0.0, args.every - spent))
    for session in sessions:
        wait_journal(session.page, len(session.clicked), 60_000)
    return memory


def outcome(app: RunningApp, sessions: list[Session], memory: list[tuple[float, float]]) -> dict[str, Any]:
    """Latencies, memory and everything that was not as it should be."""
    problems = [f"session {n}: {text}" for n, s in enumerate(sessions) for text in s.problems]
    projects = [session.project for session in sessions]
    if len(set(projects)) != len(projects):
        problems.append("two sessions have one project")
    states: list[str] = []
    for n, (session, project) in enumerate(zip(sessions, projects, strict=True)):
        (place,) = app.home.glob(f"users/*/projects/{project}")
        lines = [json.loads(line) for line in (place / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
        points = [(e["payload"]["row"], e["payload"]["col"]) for e in lines if "row" in e.get("payload", {})]
        if points != session.clicked:
            problems.append(f"session {n}: {len(points)} labels in the journal, {len(session.clicked)} clicked")
        for run in (place / "runs").iterdir():
            record = json.loads((run / "run.json").read_text(encoding="utf-8"))
            states.append(record["state"])
            rows = json.loads((run / "labels.json").read_text(encoding="utf-8"))
            used = {(row, col) for row, col, _ in rows["points"]}
            if not used <= set(session.clicked):
                problems.append(f"session {n}: its run has labels of somebody else")
    log = (app.home / "app.log").read_text(encoding="utf-8", errors="replace")
    problems += errors_of(log)
    half = max(1, min(6, len(memory) // 2))
    server = [m[0] for m in memory]
    return {
        "sessions": len(sessions), "clicks": sum(len(s.clicked) for s in sessions),
        "journal_ms": summary([t for s in sessions for t in s.times("journal", FIRST)]),
        "map_ms": summary([t for s in sessions for t in s.times("map", FIRST)]),
        "server_mb": {
            "start": round(statistics.mean(server[:half])), "end": round(statistics.mean(server[-half:])),
            "each_minute": [round(statistics.mean(server[k : k + 6])) for k in range(0, len(server), 6)],
            "most": round(max(server)), "most_with_workers": round(max(m[1] for m in memory)),
        },
        "runs": {state: states.count(state) for state in sorted(set(states))},
        "machine": machine(), "problems": problems,
    }  # fmt: skip


def errors_of(log: str) -> list[str]:
    """Lines that begin with ERROR, and of each traceback where it ended: its last place and the error's own line."""
    found: list[str] = []
    lines = iter(log.splitlines())
    for line in lines:
        if line.startswith("ERROR"):
            found.append(line)
        if "Traceback (most recent call last)" not in line:
            continue
        place = ""
        for inside in lines:
            text = inside.lstrip("| ")
            place = text if text.startswith("File ") else place
            if text and not inside.startswith((" ", "|")):
                found.append(f"{text[:200]} ({place})")
                break
    return found


def resident(app: RunningApp) -> tuple[float, float]:
    """MB of the server, and of it with its children."""
    assert app.process is not None
    own, total = app.process.pid, 0.0
    server = status_mb(own)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError, ValueError):  # gone meanwhile
                continue
            total += status_mb(int(entry.name)) if parent == own else 0.0
    return server, server + total


def status_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def summary(values: list[float]) -> dict[str, int]:
    at = {"median": 0.5, "p95": 0.95, "most": 1.0}
    return {name: round(quantile(values, q)) for name, q in at.items()} | {"n": len(values)}


if __name__ == "__main__":
    sys.exit(main())
