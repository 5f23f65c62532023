"""kill −9 at random instants: is anything lost, or made twice, that the program said it had done?

    python -m benchmarks.kill9 --kills 200

A program (a fork of one that has imported everything) with four threads works on one home folder: one clicks (and
takes clicks back), one draws strokes of pixels in one action, one trains and resumes, one exports maps, labels and
models, imports labels and models, keeps uploads. Each thread says "do" before an action and "done" after it, with what
it was told. At a random instant the program is killed, and in one of four cases a training's own process with it, as
the system does when memory runs out. Then, with the program gone:

- every journal line carries the mark of its action: "done" must be there once, "do" alone at most once;
- the labels after the line that was acknowledged are those the program had then;
- runs that were acknowledged have a record and the labels of that moment, runs that were told as done a map and a model
  that can be read;
- files that were exported or uploaded are there with the content they had, and those of a map can be opened (GeoTIFF,
  ENVI, PNG, GeoJSON, GeoPackage, CSV); models that were imported are in the library, whole.

A new program goes on where the last one ended; every tenth begins a new project. At the end all runs that were
interrupted are resumed, and must end.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import machine, make_parser
from benchmarks.killed_program import CLASSES, SIDE, Actor, digest_of
from benchmarks.whole_files import damage
from hsi_studio import Studio, settings
from hsi_studio.engine.models.checkpoint import read_checkpoint
from hsi_studio.engine.models.library import ModelLibrary
from hsi_studio.errors import StudioError
from hsi_studio.project.store import Project

NEW_PROJECT_EVERY = 10
LONGEST_S = 3.0  # of a program's work, from the moment it can act
LONG_SHARE, LONG_S = 0.25, 12.0  # of some: so that trainings end, and their maps and models are exported and imported
HEAVY = ("rasterio.warp", "matplotlib.figure", "sklearn.svm", "PIL.Image", "hsi_studio.methods.live.method")
FORKS = multiprocessing.get_context("forkserver")  # programs start in moments: they find everything imported
FORKS.set_forkserver_preload(["benchmarks.kill9", "hsi_studio.methods", "hsi_studio.io.export", "filelock", *HEAVY])


# ── the one that kills and looks ────────────────────────────────────────────────────────────────


@dataclass
class Found:
    """What the killed programs said, and what was wrong with what they left."""

    kills: int = 0
    done: Counter[str] = field(default_factory=Counter)  # by kind
    refused: Counter[str] = field(default_factory=Counter)  # by what was said
    begun: int = 0  # actions that were not acknowledged when the program died
    workers: int = 0  # processes of trainings that were killed too
    problems: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)  # of the files: those that were opened once
    models: dict[str, str] = field(default_factory=dict)  # imported: id → digest
    runs: dict[str, str] = field(default_factory=dict)  # id → project
    trained: set[str] = field(default_factory=set)
    projects: list[str] = field(default_factory=list)
    marks: dict[str, dict[str, tuple[bool, dict[str, Any] | None]]] = field(default_factory=dict)  # project → mark


def soak(folder: Path, kills: int, seed: int = 0, long_share: float = LONG_SHARE, minutes: float = 1e9) -> Found:
    """Kill that many programs on a home below `folder`, or as many as there is time for; that share of them works for
    up to LONG_S."""
    rng, found, until = random.Random(seed), Found(), time.monotonic() + 60 * minutes
    home = folder / "home"
    scene = np.random.default_rng(0).normal(0.2, 0.02, (SIDE, SIDE, 8)).astype(np.float32)
    np.save(folder / "scene.npy", scene)
    leave_a_model(home, folder / "scene.npy")
    project = ""
    for number in range(kills):
        if time.monotonic() > until:
            break
        found.kills += 1
        if number % NEW_PROJECT_EVERY == 0:
            project = ""
        listen(found, killed(home, number * 1000, project, rng, found, long_share))
        project = found.projects[-1] if found.projects else ""
        look(home, found, project)
        print(f"{number + 1}/{kills}: {sum(found.done.values())} acknowledged, {found.problems[-1:]}", file=sys.stderr)
    for one in found.projects:
        look(home, found, one)
    look_at_runs(home, found)
    return found


def leave_a_model(home: Path, scene: Path) -> None:
    """A training that nobody kills: models are there to be exported and imported from the first program on."""
    studio = Studio(home=home, data_root=home.parent)
    try:
        project = studio.new_project(scene)
        for k in range(CLASSES):
            project.add_class(f"Class {k}")
            studio.label(project.id, k, k, project.schema.classes[-1].id)
        run = studio.runs.start(project.id, "svm")
        if studio.runs.wait(run.id, 300).state != "done":
            raise StudioError(f"the first training did not end: {studio.runs.wait(run.id, 1).reason}")
    finally:
        studio.close()


def act(home: Path, seed: int, project_id: str, out: Connection) -> None:
    """Be the program that is killed."""
    sys.stderr = (home.parent / "said.log").open("a", buffering=1)
    os.environ[settings.TRUST_LOCAL.name] = "1"  # starting a reader takes a second of the three that a program has
    Actor(home, seed, project_id, out).run()


def killed(home: Path, seed: int, project: str, rng: random.Random, found: Found, long_share: float) -> list[bytes]:
    """Start a program, kill it; what it said."""
    near, far = FORKS.Pipe(duplex=False)
    program = FORKS.Process(target=act, args=(home, seed, project, far))
    program.start()
    far.close()
    lines: list[bytes] = []
    ready = threading.Event()

    def read() -> None:
        try:
            while True:
                lines.append(near.recv_bytes())
                if b'"ready"' in lines[-1]:
                    ready.set()
        except (EOFError, OSError):  # it was killed, perhaps in the middle of a word
            ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    if rng.random() < 0.1:  # while it is still starting
        time.sleep(rng.uniform(0.0, 0.5))
    else:
        ready.wait(120)
        time.sleep(rng.uniform(0.0, LONG_S if rng.random() < long_share else LONGEST_S))
    if not program.is_alive():
        found.problems.append(f"the program ended by itself: {(home.parent / 'said.log').read_text()[-500:]}")
    workers = workers_of(home) if rng.random() < 0.25 else []
    program.kill()
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
        found.workers += 1
    program.join(30)
    reader.join(30)
    return lines


def workers_of(home: Path) -> list[int]:
    """Processes of trainings in this home."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if b"hsi_studio.engine.worker" in words and any(word.startswith(str(home).encode()) for word in words):
            found.append(int(process.name))
    return found


def listen(found: Found, lines: list[bytes]) -> None:
    open_actions: dict[str, dict[str, Any]] = {}
    for said in map(json.loads, lines):
        if said["step"] == "do":
            open_actions[said["mark"]] = said
            if said["journal"]:
                found.marks.setdefault(said["project"], {})[said["mark"]] = (False, None)
        elif said["step"] == "refused":
            open_actions.pop(said["mark"])
            found.refused[said["told"].split(":")[0][:60]] += 1
        elif said["step"] == "done":
            begun = open_actions.pop(said["mark"])
            kind, told = said["kind"], said["told"]
            found.done[kind] += 1
            if begun["journal"]:
                state = told if isinstance(told, dict) else None
                found.marks[begun["project"]][said["mark"]] = (True, state)
            if kind == "project":
                found.projects.append(told)
            elif kind in ("train", "resume"):
                found.runs[told] = begun["project"]
            elif kind == "trained":
                found.trained.add(told)
            elif kind == "model import":
                found.models[told["model"]] = told["digest"]
            elif kind == "upload" or "export" in kind:
                found.files |= told
    found.begun += len(open_actions)


def look(home: Path, found: Found, project_id: str) -> None:
    """Everything that was acknowledged is there once."""
    if not project_id:
        return
    project = Project.open(home / "projects" / project_id)
    events = project.history(10**9)
    times = Counter(event.actor for event in events)
    at = {event.actor: event.seq for event in events}
    last = (0, "")
    for mark, (done, state) in found.marks.get(project_id, {}).items():
        if times[mark] > 1:
            found.problems.append(f"{mark} is in the journal {times[mark]} times")
        if done and state is not None:
            if times[mark] == 0 and state["seq"] > len(events):
                found.problems.append(f"{mark}, acknowledged as action {state['seq']}, is lost")
            if times[mark] == 1 and at[mark] != state["seq"]:
                found.problems.append(f"{mark} was acknowledged as action {state['seq']}, it is {at[mark]}")
            last = max(last, (state["seq"], state["points"]))
        elif done and times[mark] != 1:
            found.problems.append(f"{mark} was acknowledged and is in the journal {times[mark]} times")
    if last[0]:
        before = Project.open(cut(project, last[0]))
        if digest_of(before) != last[1]:
            found.problems.append(f"after action {last[0]} the labels are not those that were acknowledged")
    for file, digest in found.files.items():
        path = Path(file)
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            found.problems.append(f"{path.name} is not as it was acknowledged")
        elif file not in found.opened:
            found.opened.add(file)
            if why := damage(path):
                found.problems.append(f"{path.name} cannot be opened: {why}")
    for model, digest in found.models.items():
        try:
            whole = read_checkpoint(ModelLibrary(home).get(model).path)[1].digest == digest
        except StudioError as error:
            found.problems.append(f"the imported model {model} is gone: {error}")
            continue
        if not whole:
            found.problems.append(f"the imported model {model} has other weights")


def cut(project: Project, actions: int) -> Path:
    """A copy of the project as it was after so many actions."""
    folder = project.folder.parent.parent.parent / "cut" / project.id
    folder.mkdir(parents=True, exist_ok=True)
    lines = (project.folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"".join(lines[:actions]))
    (folder / "project.json").write_bytes((project.folder / "project.json").read_bytes())
    return folder


def look_at_runs(home: Path, found: Found) -> None:
    """Every acknowledged run is there, and ends; those told as done have their map and their model."""
    studio = Studio(home=home, data_root=home.parent)
    try:
        for run_id in sorted(found.runs):
            info = studio.runs.wait(run_id, 60)
            if info.state in ("interrupted", "failed", "paused"):
                studio.runs.resume(run_id)
                info = studio.runs.wait(run_id, 120)
            if info.state != "done":
                found.problems.append(f"run {run_id} is {info.state}: {info.reason}")
            elif studio.runs.prediction(run_id) is None or studio.models.get(run_id).problem:
                found.problems.append(f"run {run_id} has no map or no model")
            elif len(studio.runs.labels(run_id)) == 0:
                found.problems.append(f"run {run_id} has lost its labels")
        found.problems += [f"run {one} was told as done and is gone" for one in found.trained - found.runs.keys()]
    finally:
        studio.close()


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=1e9, help="of killing, after which there are no more")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        began = time.monotonic()
        found = soak(Path(folder), args.kills, args.seed, minutes=args.minutes)
    told = {
        "machine": machine(), "kills": found.kills, "trainings_killed_too": found.workers,
        "acknowledged": sum(found.done.values()), "by_kind": dict(found.done), "cut_short": found.begun,
        "refused": dict(found.refused.most_common(8)),
        "files": len(found.files), "runs": len(found.runs), "seconds": round(time.monotonic() - began),
        "problems": found.problems,
    }  # fmt: skip
    print(json.dumps(told, indent=2, ensure_ascii=False))
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
