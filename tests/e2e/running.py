"""The real application in a process of its own, so that tests may kill it; and a page on it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VIEWER = ".hsi-viewer"


class RunningApp:
    """`python app.py` on a free port with its own home folder and the methods of tests/e2e/plugins. Use as a context
    manager."""

    def __init__(self, home: Path, arguments: Sequence[str] = ()) -> None:
        self.home, self.arguments = home, list(arguments)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RunningApp:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, timeout: float = 180.0) -> None:
        """Start and wait until the page answers. Raises RuntimeError with the log."""
        self.home.mkdir(parents=True, exist_ok=True)
        log = (self.home / "app.log").open("ab")
        command = [sys.executable, "app.py", "--no-browser", "--home", str(self.home), "--port", str(self.port)]
        environment = {
            **os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1",
            "HSI_STUDIO_PLUGINS": str(Path(__file__).parent / "plugins"),
        }  # fmt: skip
        self.process = subprocess.Popen(
            [*command, *self.arguments], cwd=ROOT, stdout=log, stderr=log, env=environment
        )  # fmt: skip
        log.close()
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return
            except urllib.error.HTTPError:  # it asks for a password
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise RuntimeError((self.home / "app.log").read_text()[-4000:])

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def kill(self) -> None:
        """kill −9: nothing gets a chance to tidy up."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def journal(self, project: str = "*") -> list[dict[str, Any]]:
        """Every line of a project's journal, or of the only project's."""
        (file,) = (self.home / "projects").glob(f"{project}/journal.jsonl")
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    def class_names(self) -> dict[str, str]:
        """Class id → name of the only project, as it began."""
        (file,) = (self.home / "projects").glob("*/project.json")
        return {c["id"]: c["name"] for c in json.loads(file.read_text(encoding="utf-8"))["classes"]}


def small_town(home: Path, title: str = "Small town") -> dict[str, list[tuple[int, int]]]:
    """A project in `home` on a corner of the simulated scene, 48 × 48 × 120 with a reference of six classes:
    trainings and comparisons there take a tenth of the time, and go the same way. Returns six pixels of each class."""
    import numpy as np
    import spectral

    from hsi_studio import Studio
    from hsi_studio.scene.demo import demo_scene

    town, here = demo_scene(), np.s_[64:112, 24:72]
    assert town.reference is not None
    assert town.bands.wavelength_nm is not None
    reference, names = town.reference[here].copy(), dict(town.reference_classes)
    kept = [value for value in names if (reference == value).sum() >= 60]
    reference = np.select([reference == value for value in kept], range(1, len(kept) + 1), 0).astype(np.uint8)
    home.mkdir(parents=True, exist_ok=True)
    cube, labels = home.parent / f"{home.name}-town.hdr", home.parent / f"{home.name}-reference.hdr"
    header = {"wavelength": town.bands.wavelength_nm.tolist(), "wavelength units": "Nanometers"}
    spectral.envi.save_image(str(cube), town.cube.read(*here), metadata=header, dtype=np.float32, force=True)
    named = ["Unlabelled", *(names[value] for value in kept)]
    spectral.envi.save_classification(str(labels), reference, class_names=named, dtype=np.uint8, force=True)
    studio = Studio(home=home)
    studio.new_project(cube, title=title, reference=str(labels))
    studio.close()
    places = {name: np.argwhere(reference == value) for value, name in enumerate(named) if value}
    return {
        name: [(int(row), int(col)) for row, col in found[:: len(found) // 6][:6]] for name, found in places.items()
    }


def labelled_town(home: Path) -> dict[str, list[tuple[int, int]]]:
    """As `small_town`, with three labels in each of its first three classes."""
    from hsi_studio import Studio

    places = small_town(home)
    studio = Studio(home=home)
    project = studio.latest_project()
    assert project is not None
    ids = {info.name: info.id for info in project.schema.classes}
    for name in list(places)[:3]:
        for row, col in places[name][:3]:
            project.toggle_point(row, col, ids[name])
    studio.close()
    return places


def wait_ready(page: Any) -> None:
    page.wait_for_selector(f"{VIEWER}[data-ready='1']", timeout=90_000)


def wait_journal(page: Any, seq: int, timeout: float = 20_000) -> None:
    page.wait_for_function(f"Number(document.querySelector('{VIEWER}').dataset.journal) >= {seq}", timeout=timeout)


def wait_map(page: Any, revision: int, timeout: float = 40_000) -> None:
    """Until the map of this label revision (or a later one) is painted."""
    page.wait_for_function(f"Number(document.querySelector('{VIEWER}').dataset.mapRev) >= {revision}", timeout=timeout)


def click_pixel(page: Any, row: int, col: int, **options: Any) -> None:
    at = page.evaluate(f"([c, r]) => document.querySelector('{VIEWER}').__toClient(c, r)", [col, row])
    page.mouse.click(at["x"], at["y"], **options)


def choose_class(page: Any, name: str) -> None:
    page.locator(".hsi-class", has_text=name).filter(has=page.get_by_text(name, exact=True)).click()


@contextmanager
def page_at(browser: Any, app: RunningApp, tab: str) -> Iterator[Any]:
    """The app's page in a context of its own, at a tab. An error on its console fails at the end."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda e: problems.append(str(e)))
    opened.goto(app.url)
    wait_ready(opened)
    open_tab(opened, tab)
    yield opened
    context.close()
    assert problems == []


def choose_from(page: Any, box: str, *titles: str) -> None:
    """Values of one of Gradio's lists, in place of those that are chosen."""
    found = page.locator(box)
    field = found.locator("input")
    while found.locator(".token-remove").count():
        found.locator(".token-remove").first.click()
    for title in titles:
        field.focus()
        field.fill(title)
        page.keyboard.press("Enter")
    field.evaluate("element => element.blur()")


STEPS = ("Scene", "Label", "Words", "Train", "Compare", "Map")
INSIDE = {"Prompts": "Words", "Query": "Words", "Runs": "Train", "Models": "Train"}


def open_tab(page: Any, title: str) -> None:
    """Open a step of the rail, or a tab inside one."""
    step = INSIDE.get(title, title)
    page.get_by_role("tab", name=f"{STEPS.index(step) + 1} {step}", exact=True).click()
    if title in INSIDE:
        page.get_by_role("tab", name=title, exact=True).click()
