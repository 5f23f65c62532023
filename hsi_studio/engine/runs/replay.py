"""Make a run's map again from its record alone, and say whether it is the same.

A worker does it in a folder of its own, from a copy of the record and the labels: the same program, threads and device
as the first time. On the CPU of the same machine with the same versions the map is bit-identical; elsewhere sums may
round differently, and what differs is said. Label-free work comes from the cache, which is keyed by content and
settings; `fresh` makes that again as well.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hsi_studio.engine.runs.devices import find_device
from hsi_studio.engine.runs.environment import open_scene, versions
from hsi_studio.engine.runs.events import EventTail
from hsi_studio.engine.runs.process import end_of, start_worker
from hsi_studio.engine.runs.queue import CANCEL_WITHIN_S
from hsi_studio.engine.runs.record import ALIVE, WAITING, RunFolder, RunRecord
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.types import Prediction, Progress

NAMES = {"hsi_studio": "HSI Studio", "python": "Python", "torch": "PyTorch", "numpy": "NumPy", "cpu": "processor"}


@dataclass(frozen=True)
class Replay:
    """What came out. `agreement` is the share of mapped pixels with the same class."""

    run_id: str
    identical: bool  # labels and confidences, bit by bit
    agreement: float
    pixels: int
    largest_difference: float  # of a confidence, where the classes agree
    differences: tuple[str, ...]  # of versions and hardware, in words

    @property
    def words(self) -> str:
        if self.identical:
            return f"Identical: all {self.pixels:,} pixels have the same class and the same confidence, bit by bit."
        told = (
            f"Not identical: {100 * self.agreement:.2f} % of {self.pixels:,} pixels have the same class; "
            f"where they do, confidences differ by up to {self.largest_difference:.2g}. "
        )
        if self.differences:
            return f"{told}What differs: {'; '.join(self.differences)}."
        return f"{told}Versions and hardware are the same: sums on a GPU are not always made in the same order."


def replay(
    folder: RunFolder, cache: Path, progress: Callable[[Progress], None] = lambda _: None, fresh: bool = False
) -> Replay:
    """Raises BadRequest (no map to compare with), FileProblem, SceneMismatch, StudioError (the run failed now)."""
    record = folder.read()
    if record.state in WAITING | ALIVE:
        raise BadRequest(f"Run {record.id} is {record.state}: wait for its end.")
    before = folder.read_map(record)
    if before is None:
        raise BadRequest(f"Run {record.id} is {record.state} and has no map to compare with: resume it first.")
    open_scene(record)  # before a process is started for nothing
    with tempfile.TemporaryDirectory(prefix="hsi-replay-") as temporary:
        copy = RunFolder(Path(temporary) / record.id)
        copy.path.mkdir()
        blank = {
            "state": "starting",
            "timing": {},
            "metrics": {},
            "outputs": [],
            "adapted": [],
            "notes": [],
            "started": "",
        }
        copy.write(record.model_copy(update=blank))
        (copy / "labels.json").write_bytes((folder / "labels.json").read_bytes())
        if folder.warm_start_file.is_file():
            copy.warm_start_file.write_bytes(folder.warm_start_file.read_bytes())
        _work(copy, Path(temporary) / "cache" if fresh else cache, record, progress)
        done = copy.read()
        after = copy.read_map(done)
        if done.state != "done" or after is None:
            raise StudioError(f"The replay is {done.state}: {done.reason}")
        return compare(record, done, before, after)


def compare(then: RunRecord, now: RunRecord, before: Prediction, after: Prediction) -> Replay:
    """Two maps of one scene and what made them."""
    mapped = (before.label > 0) | (after.label > 0)
    same = (before.label == after.label) & mapped
    pixels = int(np.count_nonzero(mapped))
    gap = np.abs(before.confidence[same] - after.confidence[same])
    identical = bool(
        np.array_equal(before.label, after.label)
        and np.array_equal(before.confidence.view(np.uint32), after.confidence.view(np.uint32))
    )
    return Replay(
        then.id,
        identical,
        float(np.count_nonzero(same) / pixels) if pixels else 1.0,
        pixels,
        float(np.nanmax(gap, initial=0.0)),
        differences(then, now),
    )


def differences(then: RunRecord, now: RunRecord) -> tuple[str, ...]:
    """Versions and hardware that are not the same."""
    found = []
    current = now.versions or versions()
    for key, value in then.versions.items():
        if current.get(key) != value:
            found.append(f"{NAMES.get(key, key)} {value} then, {current.get(key, 'unknown')} now")
    if then.device.get("name") != now.device.get("name"):
        found.append(f"device {then.device.get('name')} then, {now.device.get('name')} now")
    if then.threads != now.threads:
        found.append(f"{then.threads} threads then, {now.threads} now")
    return tuple(found)


def _work(copy: RunFolder, cache: Path, record: RunRecord, progress: Callable[[Progress], None]) -> None:
    device = find_device(record.device.get("slot", "cpu"))
    tail = EventTail(copy.events_file)
    seen = 0
    process = start_worker(copy, cache, record.threads, device.visible)
    try:
        while process.poll() is None:
            for event in tail.after(seen):
                seen = event["seq"]
                if event["kind"] == "progress":
                    progress(Progress(event["message"], event["done"], event["total"], event["seconds_left"]))
            time.sleep(0.1)
    finally:
        if process.poll() is None:  # Ctrl-C
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                assert process.stdin is not None
                process.stdin.write(b"cancel\n")
                process.stdin.flush()
                process.wait(CANCEL_WITHIN_S)
            process.kill()
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
    if copy.read().state in ALIVE:
        raise StudioError(end_of("", process.returncode, copy)[1])
