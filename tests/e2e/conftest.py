"""A real browser for the tests that click: an installed Chrome/Chromium/Edge, else one is installed.

In CI (`CI=true`) the absence of a browser fails; elsewhere the tests are skipped with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
)  # fmt: skip
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def installed_browser() -> str | None:
    """Path of a browser that is there, or None (then Playwright's own is tried)."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or next((place for place in PLACES if Path(place).is_file()), None)


def _run(command: list[str]) -> str:
    """Empty when it worked, else the last line of what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
    return "" if done.returncode == 0 else lines[-1]


def _start(playwright: Any) -> Any:
    """A browser: installed, Playwright's, or one installed now. Raises RuntimeError with what was tried."""
    from playwright.sync_api import Error

    tried: list[str] = []

    def launch(path: str | None) -> Any:
        try:
            return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except Error as error:
            tried.append(f"{path or 'Playwright browser'}: {str(error).splitlines()[0]}")
            return None

    path = installed_browser()
    browser = (launch(path) if path else None) or launch(None)
    if browser is None:
        failed = _run([sys.executable, "-m", "playwright", "install", "chromium"])
        browser = None if failed else launch(None)
        tried.append(f"playwright install chromium: {failed or 'done'}")
    if browser is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        failed = _run(["apt-get", "install", "-y", "chromium"])
        path = installed_browser()
        browser = launch(path) if path else None
        tried.append(f"apt-get install chromium: {failed or 'done'}")
    if browser is None:
        raise RuntimeError("; ".join(tried))
    return browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser waits on the clock of a machine that other tests use too: what fails is tried a second time, and the
    summary counts it. A fault fails twice."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """A running Chromium-family browser (playwright.sync_api.Browser).

    For this folder only: Playwright's event loop counts as running in the thread of the tests until it is stopped,
    and tests of another folder that start one of their own in the same process would be refused.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        try:
            started = _start(playwright)
        except RuntimeError as error:
            message = f"no browser could be found or installed: {error}"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
        yield started
        started.close()


@pytest.fixture(autouse=True)
def tidy(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pages that a test leaves open go on asking and drawing beside all later tests."""
    browser = request.getfixturevalue("browser") if "browser" in request.fixturenames else None
    yield
    for context in browser.contexts if browser is not None else ():
        context.close()
