"""From the page's address to a page that is ready, of a server that has just started and a browser that knows nothing.

    python -m benchmarks.first_page [--rounds 3] [--choose]

Each round starts `app.py` with an empty home folder and waits until its port takes connections; no page is asked for
before. A new browser context then goes to the address: *ready* is when the picture of the first scene is painted (with
`--choose`, when the start view stands), *first paint* when anything is. Then a second context, without what the browser
keeps, comes to the same server, and once more with it. Processor seconds are those of the server with its reader of
files, and of the browser, so that runs under another load can be compared.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.common import machine, make_parser
from tests.e2e.conftest import _start
from tests.e2e.running import ROOT, RunningApp, wait_ready

NAMES = ("start", "first paint", "ready", "second", "again", "CPU start", "CPU page, server", "CPU page, browser")
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="nothing is open: until the start view stands")
    args = parser.parse_args(argv)
    rounds = []
    with sync_playwright() as playwright:
        browser = _start(playwright)
        for _ in range(args.rounds):
            with tempfile.TemporaryDirectory() as folder:
                rounds.append(one(browser, Path(folder) / "home", args.choose))
            print(", ".join(f"{name} {value:.2f}" for name, value in zip(NAMES, rounds[-1], strict=True)), flush=True)
        browser.close()
    print("seconds, medians: " + ", ".join(
        f"{name} {statistics.median(values):.2f}" for name, values in zip(NAMES, zip(*rounds, strict=True), strict=True)
    ))  # fmt: skip
    print(f"n {args.rounds}; {machine()}")
    return 0


def one(browser: Any, home: Path, choose: bool) -> tuple[float, ...]:
    """Values of `NAMES`."""
    app = RunningApp(home)  # for its port and its end; its own start asks for the page
    home.mkdir()
    command = [sys.executable, "app.py", "--no-browser", "--home", str(home), "--port", str(app.port)]
    began = time.perf_counter()
    app.process = subprocess.Popen([*command, *(["--choose"] if choose else [])], cwd=ROOT)
    try:
        wait_for_port(app)
        started = time.perf_counter() - began
        server, ours = cpu_s(app.process.pid), cpu_s(os.getpid())
        ready, painted = visit(browser.new_context(viewport={"width": 1440, "height": 900}), app.url, choose)
        server_then, ours_then = cpu_s(app.process.pid), cpu_s(os.getpid())
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        second, _ = visit(context, app.url, choose)
        again, _ = visit(context, app.url, choose)
    finally:
        app.stop()
    page_server = server_then - server
    return started, painted, ready, second, again, server, page_server, ours_then - ours - page_server


def wait_for_port(app: RunningApp) -> None:
    assert app.process is not None
    while True:
        try:
            socket.create_connection(("127.0.0.1", app.port), 1).close()
            return
        except OSError as error:
            if app.process.poll() is not None:
                raise SystemExit("error: the server ended by itself") from error
            time.sleep(0.02)


def visit(context: Any, url: str, choose: bool) -> tuple[float, float]:
    """Seconds until (ready, first paint) of a new page, which is closed again."""
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    if choose:
        page.locator(".hsi-open-start").wait_for(timeout=90_000)
    else:
        wait_ready(page)
    ready = time.perf_counter() - began
    painted = page.evaluate(PAINTED) / 1000
    page.close()
    return ready, painted


def cpu_s(root: int) -> float:
    """Processor seconds of a process and of all below it. Linux only: elsewhere NaN."""
    used, below = dict[int, float](), dict[int, list[int]]()
    tick = os.sysconf("SC_CLK_TCK") if Path("/proc/self/stat").exists() else 0
    for stat in Path("/proc").glob("[0-9]*/stat") if tick else ():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        pid = int(stat.parent.name)
        used[pid] = (int(fields[11]) + int(fields[12])) / tick
        below.setdefault(int(fields[1]), []).append(pid)
    waiting, total = [root], 0.0
    while waiting:
        pid = waiting.pop()
        total += used.get(pid, 0.0)
        waiting += below.get(pid, [])
    return total if tick else float("nan")


if __name__ == "__main__":
    sys.exit(main())
