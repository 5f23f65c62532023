"""Training in a real browser: watch it, label meanwhile, leave, come back, stop; survive kills of worker and app."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.running import (
    RunningApp,
    choose_class,
    click_pixel,
    labelled_town,
    open_tab,
    wait_journal,
    wait_map,
    wait_ready,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SMALL = {
    "width": 32, "depth": 1, "heads": 4, "text_depth": 1, "patch": 3, "unlabelled": 64, "pretrain_epochs": 2,
    "members": 1, "stride": 4, "smoothing": 5, "batch": 32,
}  # fmt: skip
CARD = ".tr-run"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    """The application on a project with nine labels."""
    labelled_town(tmp_path / "app")
    with RunningApp(tmp_path / "app") as running:
        yield running


def page_on(browser: Any, app: RunningApp) -> Any:
    """A page of a browser of its own, at the Train tab. Its console errors are in `.problems`."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    problems: list[str] = []

    def note(text: str) -> None:
        problems.append(text)
        print(text)  # beside a time-out, it is the cause

    page.on("console", lambda m: note(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: note(str(e)))
    page.problems = problems
    page.goto(app.url)
    wait_ready(page)
    to_train(page)
    return page


def to_train(page: Any) -> None:
    open_tab(page, "Train")
    page.wait_for_selector(".hsi-train[data-ready='1']", timeout=30_000)


def start(page: Any, **more: Any) -> str:
    """Train diffclip with small parameters, given as JSON; returns the run's id."""
    before = run_id(page)
    if page.locator(".tr-panel").is_hidden():
        page.locator(".tr-toggle").click()
    page.locator("#hsi-method").select_option("diffclip")
    page.locator(".tr-advanced").evaluate("node => (node.open = true)")
    page.locator(".tr-advanced > details.tr-details").evaluate("node => (node.open = true)")
    page.locator(".tr-json").fill(json.dumps({**SMALL, **more}))
    page.locator("#hsi-train-start").click()
    page.wait_for_function(f"(document.querySelector('{CARD}').dataset.run || '') !== '{before}'", timeout=15_000)
    return run_id(page)


def run_id(page: Any) -> str:
    return page.locator(CARD).get_attribute("data-run") or ""


def wait_state(page: Any, *states: str, timeout: float = 60_000) -> None:
    wanted = json.dumps(states)
    page.wait_for_function(f"{wanted}.includes(document.querySelector('{CARD}').dataset.state)", timeout=timeout)


def wait_updates(page: Any, count: int, timeout: float = 60_000) -> None:
    """Until the curves were drawn that many times since the page was loaded."""
    page.wait_for_function(
        f"Number(document.querySelector('.hsi-train .tr-curves').dataset.updates || 0) >= {count}", timeout=timeout
    )


def wait_step(app: RunningApp, run: str, step: int, timeout: float = 60) -> None:
    """Until fine-tuning has come that far."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        done = [e for e in events(app, run) if e["kind"] == "metric" and e["step"] >= step and e["steps"] > 100]
        if done:
            return
        time.sleep(0.1)
    raise TimeoutError(f"{run} has not come to step {step}: {events(app, run)[-3:]}")


def folder(app: RunningApp, run: str) -> Path:
    (found,) = (app.home / "projects").glob(f"*/runs/{run}")
    return found


def events(app: RunningApp, run: str) -> list[dict[str, Any]]:
    text = (folder(app, run) / "events.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def workers(app: RunningApp) -> list[int]:
    """Process ids of the workers that the application has."""
    assert app.process is not None
    told = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(app.process.pid)], capture_output=True, text=True)
    return [int(line.split()[0]) for line in told.stdout.splitlines() if "hsi_studio.engine.worker" in line]


def class_map(app: RunningApp, run: str) -> Any:
    with np.load(folder(app, run) / "map.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in ("label", "confidence")}


def test_watch_label_leave_come_back_and_stop(browser: Any, app: RunningApp) -> None:
    page = page_on(browser, app)
    assert "9 labels in 3 classes" in page.locator(".tr-labels").inner_text()
    assert "3 classes have no label" in page.locator(".tr-labels").inner_text()
    run = start(page, min_steps=10_000, members=4)
    wait_state(page, "running")
    open_tab(page, "Label")
    choose_class(page, "Bare soil")
    open_tab(page, "Train")

    # curves grow while labels are clicked, and the live map follows the clicks
    seen = int(page.locator(".hsi-train .tr-curves").get_attribute("data-updates") or 0)
    for n, (row, col) in enumerate([(28, 22), (33, 10), (38, 11)]):
        click_pixel(page, row, col)
        wait_journal(page, 10 + n)
        wait_map(page, 10 + n)
    wait_updates(page, seen + 5)
    assert [e["type"] for e in app.journal()] == ["add_point"] * 12
    assert page.locator(f"{CARD}").get_attribute("data-state") == "running"

    # a reload, and another browser, find the run and its curves
    page.reload()
    wait_ready(page)
    to_train(page)
    wait_state(page, "running")
    assert run_id(page) == run
    page.wait_for_function("Number(document.querySelector('.hsi-train .tr-curves').dataset.points) > 5", timeout=20_000)
    other = page_on(browser, app)
    wait_state(other, "running")
    assert run_id(other) == run

    # what one does, the other sees
    page.locator("[data-do=pause]").click()
    wait_state(page, "paused")
    wait_state(other, "paused")
    assert workers(app) == []  # its memory is back
    other.locator("[data-do=resume]").click()
    wait_state(page, "running")
    page.locator("[data-do=cancel]").click()
    wait_state(page, "cancelled", timeout=5_000)
    wait_state(other, "cancelled")
    assert workers(app) == []
    assert page.problems == other.problems == []


def test_a_run_that_was_killed_ends_with_the_same_map(browser: Any, app: RunningApp) -> None:
    page = page_on(browser, app)
    whole = start(page, min_steps=150)
    wait_state(page, "done", timeout=120_000)
    page.locator(".hsi-card").get_by_text("Show", exact=True).click(timeout=10_000)
    page.locator(".hsi-strip h4", has_text="trained map (diffclip)").first.wait_for(timeout=10_000)

    # the worker dies
    first = start(page, min_steps=150)
    wait_step(app, first, 50)
    (worker,) = workers(app)
    os.kill(worker, signal.SIGKILL)
    wait_state(page, "interrupted", "failed", timeout=15_000)
    page.locator("[data-do=resume]").click()
    wait_state(page, "done", timeout=120_000)

    # the application dies
    second = start(page, min_steps=150)
    wait_step(app, second, 50)
    page.evaluate("window.__before = true")
    app.kill()
    app.start()
    page.wait_for_function("!window.__before", timeout=30_000)  # the page comes back by itself
    wait_ready(page)
    to_train(page)
    wait_state(page, "interrupted")
    assert run_id(page) == second
    page.locator("[data-do=resume]").click()
    wait_state(page, "done", timeout=120_000)

    expected = class_map(app, whole)
    for run in (first, second):
        for name, values in class_map(app, run).items():
            np.testing.assert_array_equal(values, expected[name], err_msg=f"{name} of {run}")


def test_a_run_of_another_program_cannot_be_stopped_here_and_is_not_said_to_stop(browser: Any, app: RunningApp) -> None:
    page = page_on(browser, app)
    (project,) = (app.home / "projects").glob("*/project.json")
    params = [part for name, value in SMALL.items() for part in ("--param", f"{name}={value}")]
    command = [sys.executable, "-m", "hsi_studio", "train", project.parent.name, "--method", "diffclip", *params]
    # Who runs the tests in the background has Ctrl-C ignored, and so would the shell.
    hears = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    shell = subprocess.Popen(
        [sys.executable, "-c", hears, *command, "--param", "min_steps=9000"],
        env={**os.environ, "HSI_STUDIO_HOME": str(app.home)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_state(page, "running", timeout=60_000)
        page.locator(f"{CARD} [data-do=cancel]").click()
        page.locator(".tr-said", has_text="belongs to another program").wait_for(timeout=40_000)
        page.wait_for_function(f"!document.querySelector('{CARD} [data-do=cancel]').disabled", timeout=40_000)
        assert "Stopping" not in page.locator(CARD).inner_text()
    finally:
        shell.send_signal(signal.SIGINT)
        shell.wait(60)  # it writes a checkpoint first
    wait_state(page, "paused")
    assert page.problems == []
