"""What the benchmark scripts share: their command line, parameters, progress, and the facts of the machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hsi_studio.errors import StudioError
from hsi_studio.types import Progress, Scene

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
STOPPED = "stopped; the same command goes on where it ended"  # of benchmarks that keep what is done


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser that shows the module's docstring as it is written."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def exit_code(run: Callable[[], int], stopped: str = "stopped") -> int:
    """What `run` returns; 2 with the message on standard error where it raises a StudioError, 130 on Ctrl-C."""
    try:
        return run()
    except StudioError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return 130


def named_values(items: Iterable[str]) -> dict[str, Any]:
    """NAME=VALUE, …: values are JSON, or text where they are not."""
    values: dict[str, Any] = {}
    for item in items:
        name, _, text = item.partition("=")
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text
    return values


def use_threads(count: int) -> None:
    """For numpy, scikit-learn and torch of the processes that are started, and of this one where they are not yet
    imported."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(count)


def machine() -> str:
    """What a measured figure is worth nothing without: "2 cores, load average 1.3, Python 3.11.4, Linux x86_64"."""
    load = f"load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load average unknown"
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {load}, Python {python}, {platform.system()} {platform.machine()}"


def printed_progress(title: str = "") -> Callable[[Progress], None]:
    """Prints to standard error how far it is, what has passed and what is left."""
    began = time.monotonic()
    head = f"{title} " if title else ""

    def show(progress: Progress) -> None:
        left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
        done = f"[{progress.done:.0f}/{progress.total:.0f}]"
        passed = duration(time.monotonic() - began)
        print(f"{head}{done} {passed}{left}: {progress.message}", file=sys.stderr, flush=True)

    return show


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the others do not exceed; one of them, nothing in between."""
    return sorted(values)[int(share * (len(values) - 1))]


def reference_pixels(
    scene: Scene, count: int, classes: int, apart_px: int, seed: int = 0
) -> list[tuple[int, int, str]]:
    """(row, column, class name) in turn over the largest classes, no two closer than `apart_px` (Chebyshev).

    Raises SystemExit when the scene has no room for so many.
    """
    assert scene.reference is not None
    rng = np.random.default_rng(seed)
    largest = sorted(scene.reference_classes, key=lambda c: -int(np.count_nonzero(scene.reference == c[0])))[:classes]
    chosen: list[tuple[int, int, str]] = []
    near = np.zeros(scene.shape[:2], dtype=bool)
    reach = apart_px - 1
    while len(chosen) < count:
        value, name = largest[len(chosen) % len(largest)]
        free = np.argwhere((scene.reference == value) & ~near)
        if not len(free):
            raise SystemExit(f"error: {name} has room for {len(chosen) // len(largest)} clicks only: ask for fewer")
        row, col = (int(v) for v in rng.choice(free))
        near[max(row - reach, 0) : row + reach + 1, max(col - reach, 0) : col + reach + 1] = True
        chosen.append((row, col, name))
    return chosen


def start_training(page: Any, method: str, params: dict[str, Any]) -> None:
    """Through the Train tab of an open page, as a user would; the page stays there."""
    open_train_tab(page)
    if page.locator(".tr-panel").is_hidden():
        page.locator(".tr-toggle").click()
    page.locator("#hsi-method").select_option(method)
    page.locator(".tr-advanced").evaluate("node => (node.open = true)")
    page.locator(".tr-advanced > details.tr-details").evaluate("node => (node.open = true)")
    page.locator(".tr-json").fill(json.dumps(params))
    page.locator("#hsi-train-start").click()


def open_step(page: Any, title: str) -> None:
    """Of the rail beside the picture, whose steps are numbered."""
    page.get_by_role("tab", name=re.compile(rf"^\d {title}$")).click()


def open_train_tab(page: Any) -> None:
    open_step(page, "Train")
    page.wait_for_selector(".hsi-train[data-ready='1']", timeout=60_000)
