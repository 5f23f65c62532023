"""Feed hostile inputs to everything that takes any, and count what must not happen.

    python -m benchmarks.fuzz --inputs 20000 --minutes 40 --out fuzz

Seeded: input 1234 of target "readers" with seed 0 is the same on every machine with the same libraries. Resumable: a
second call with the same `--out` goes on where the first one ended. Each target works in a process of its own, so that
a crash or a hang costs one input. Counted: untyped exceptions (those that an edge had to catch unforeseen, too), hangs
of more than 10 s, inputs that took more memory than `--memory-mb` beyond the start, crashes, and reads of a file that
no input may reach (told by its time of access and by its values). Exit code 1 when anything was found; each finding
lies in the folder, with its files.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import shutil
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.targets import SHARES, TARGETS
from hsi_studio import settings
from hsi_studio.errors import StudioError

HANG_S = 10.0  # of the processor's time
WAIT_S = 120.0  # for one that works on nothing: a lock, or a machine that is busy with others
BATCH = 4000  # inputs of a process
KINDS = ("untyped", "hang", "memory", "crash", "outside")


class Unforeseen(logging.Handler):
    """Errors that an edge caught without knowing them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        where = "".join(traceback.format_exception(error)[-4:]) if error else ""
        self.seen.append(f"{record.getMessage()}\n{where}")


def work(name: str, seed: int, first: int, last: int, out: Path, memory_mb: float, beat: Any) -> None:
    """Inputs first … last − 1 of a target; counts and findings go to files in `out`, the number at work to `beat`."""
    place, secret = out / "work" / name, out / "secret" / "secret.bin"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    os.environ[settings.HOME.name] = str(place / "home")
    logging.disable(logging.WARNING)
    heard = Unforeseen()
    logging.getLogger("hsi_studio").addHandler(heard)
    logging.getLogger("hsi_studio").propagate = False
    target = TARGETS[name](place, secret)
    target(np.random.default_rng(0))  # libraries are loaded before the limit
    heard.seen.clear()
    _status_reset()
    base = _status("VmRSS")
    _limit(memory_mb)
    for number in range(first, last):
        beat.value = number
        found: list[tuple[str, str]] = []
        os.utime(secret, (1, secret.stat().st_mtime))
        try:
            outcome = target(np.random.default_rng([seed, sorted(TARGETS).index(name), number]))
        except StudioError as error:
            outcome, found = "untyped", [("untyped", f"not caught where it should be: {error!r}")]
        except Exception:
            outcome, found = "untyped", [("untyped", traceback.format_exc()[-3000:])]
        found += [("untyped", text) for text in heard.seen]
        heard.seen.clear()
        if (peak := _status("VmHWM") - base) > memory_mb:
            found.append(("memory", f"{peak:.0f} MiB beyond the start"))
            _status_reset()
        if secret.stat().st_atime != 1:
            found.append(("outside", "the secret file was opened and read"))
        _add(out, name, number, outcome, found, dict(target.last))
    beat.value = last


def main(argv: list[str] | None = None) -> int:
    """Run, print the counts as one JSON object, return 1 when anything was found."""
    args = _arguments(argv)
    out: Path = args.out.resolve()
    (out / "secret").mkdir(parents=True, exist_ok=True)
    np.full(4000, 1234.5, dtype="<f4").tofile(out / "secret" / "secret.bin")
    until = time.monotonic() + 60 * args.minutes
    preload()
    fork = multiprocessing.get_context("fork")
    goals = {name: round(args.inputs * SHARES[name]) for name in args.target or TARGETS}
    while time.monotonic() < until:
        counts = read_counts(out)
        left = {name: goal - sum(counts[name][word] for word in OUTCOMES) for name, goal in goals.items()}
        name = max(left, key=lambda one: left[one] / goals[one])
        if left[name] <= 0:
            break
        first = _next(out, name)
        beat = fork.Value("q", -1)  # -1: still getting ready
        process = fork.Process(target=work, args=(
            name, args.seed, first, first + min(BATCH, left[name]), out, args.memory_mb, beat,
        ))  # fmt: skip
        process.start()
        _watch(process, beat, out, name, until)
    found = summary(out)
    print(json.dumps(found, indent=1))
    return int(any(found["findings"].values()))


OUTCOMES = ("opened", "answered", "refused", "untyped", "hang", "crash")


def preload() -> None:
    """What every process needs, read once."""
    import h5py  # noqa: F401
    import rasterio.warp  # noqa: F401

    import hsi_studio.scene.open
    import hsi_studio.ui.app  # noqa: F401


def _watch(process: Any, beat: Any, out: Path, name: str, until: float) -> None:
    """Until the process ends; one that stands at an input for too long is ended, and the input counted."""
    at, since, used = -1, time.monotonic(), 0.0
    while process.is_alive():
        process.join(0.2)
        now, work_s = time.monotonic(), _processor_s(process.pid)
        if beat.value != at:
            at, since, used = beat.value, now, work_s
        elif at >= 0 and process.is_alive() and (work_s - used > HANG_S or now - since > WAIT_S):
            process.kill()
            process.join()
            _add(out, name, at, "hang", [("hang", f"{work_s - used:.1f} s of work")], _files(out, name))
            return
        if now > until + 30:
            process.kill()
            process.join()
            return
    if process.exitcode:
        _add(
            out,
            name,
            max(beat.value, _next(out, name)),
            "crash",
            [("crash", f"exit code {process.exitcode}")],
            _files(out, name),
        )


def _files(out: Path, name: str) -> dict[str, bytes]:
    """What a process had written when it ended."""
    return {path.name: path.read_bytes() for path in (out / "work" / name / "input").glob("*") if path.is_file()}


def _add(
    out: Path, name: str, number: int, outcome: str, found: list[tuple[str, str]], files: dict[str, bytes]
) -> None:
    with (out / f"{name}.jsonl").open("a", encoding="utf-8") as stream:
        kinds = sorted({kind for kind, _ in found})
        stream.write(json.dumps({"n": number, "outcome": outcome, "found": kinds}) + "\n")
    if found:
        place = out / "findings" / f"{name}-{number}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "why.txt").write_text("\n".join(f"{kind}: {text}" for kind, text in found), encoding="utf-8")
        for file, data in files.items():
            (place / Path(file).name).write_bytes(data[:5_000_000])


def _lines(out: Path, name: str) -> list[dict[str, Any]]:
    file = out / f"{name}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def _next(out: Path, name: str) -> int:
    return max((line["n"] for line in _lines(out, name)), default=-1) + 1


def read_counts(out: Path) -> dict[str, Counter[str]]:
    """Target → how often each outcome was."""
    return {name: Counter(line["outcome"] for line in _lines(out, name)) for name in TARGETS}


def summary(out: Path) -> dict[str, Any]:
    """Inputs, outcomes and findings."""
    counts, kinds = read_counts(out), Counter[str]()
    for name in TARGETS:
        for line in _lines(out, name):
            kinds.update(line["found"])
    total = sum(sum(found.values()) for found in counts.values())
    return {"inputs": total, "outcomes": {name: dict(found) for name, found in counts.items()},
            "findings": {kind: kinds[kind] for kind in KINDS}}  # fmt: skip


def _processor_s(pid: int) -> float:
    """Seconds that a process has worked; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def _limit(memory_mb: float) -> None:
    """Twice the memory of the count, so that going over it is seen and the machine is safe."""
    import resource

    most = int((_status("VmSize") + 2 * memory_mb) * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _status(key: str) -> float:
    """MiB, of Linux; 0 elsewhere."""
    file = Path("/proc/self/status")
    lines = file.read_text().splitlines() if file.is_file() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:")), 0.0)


def _status_reset() -> None:
    file = Path("/proc/self/clear_refs")
    if file.is_file():
        file.write_text("5")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--inputs", type=int, default=20_000, help="in all, over the targets")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory-mb", type=float, default=1024, help="what an input may take beyond the start")
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="only this one; may be repeated")
    parser.add_argument("--out", type=Path, required=True, help="folder of counts and findings; the same one goes on")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
