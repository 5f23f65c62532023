"""The program that `benchmarks/kill9.py` kills: acts on a home folder and says so, before and after each action."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hsi_studio import Studio
from hsi_studio.engine.models.checkpoint import read_checkpoint, read_header, write_checkpoint
from hsi_studio.errors import StudioError
from hsi_studio.project.store import Project

SIDE, CLASSES = 40, 3


class Actor:
    """Acts until it is killed, and says so on `out`."""

    def __init__(self, home: Path, seed: int, project_id: str, out: Connection) -> None:
        self.home, self.seed, self.out = home, seed, out
        self.studio = Studio(home=home, data_root=home.parent)
        self.lock = threading.Lock()
        self.count = 0
        self.pid = project_id or self.act("project", lambda mark: self.studio.new_project(home.parent / "scene.npy").id)
        self.project = self.studio.project(self.pid)
        for k in range(len(self.project.schema), CLASSES):
            self.act("class", partial(self.add_class, f"Class {k}"), journal=True)

    def add_class(self, name: str, mark: str) -> str:
        return self.project.add_class(name, actor=mark).id

    def act(self, kind: str, do: Callable[[str], Any], journal: bool = False) -> Any:
        """Say what will be done, do it, say what came of it."""
        with self.lock:
            self.count += 1
            mark = f"{self.seed}-{self.count}"
            self.say(mark=mark, kind=kind, project=getattr(self, "pid", ""), journal=journal, step="do")
        try:
            told = do(mark)
        except StudioError as error:  # one class is left, two threads on one run: it was not made, and said so
            with self.lock:
                self.say(mark=mark, kind=kind, step="refused", told=str(error))
            return None
        with self.lock:
            self.say(mark=mark, kind=kind, step="done", told=told)
        return told

    def say(self, **value: Any) -> None:
        self.out.send_bytes(json.dumps(value).encode())

    def run(self) -> None:
        self.say(step="ready")
        for work in (self.clicks, self.strokes, self.trainings):
            threading.Thread(target=self.forever, args=(work, random.Random(self.seed)), daemon=True).start()
        self.forever(self.files, random.Random(self.seed + 1))

    def forever(self, work: Callable[[random.Random], None], rng: random.Random) -> None:
        while True:
            work(rng)

    def clicks(self, rng: random.Random) -> None:
        row, col = rng.randrange(SIDE), rng.randrange(SIDE)
        chosen = self.project.schema.classes[rng.randrange(CLASSES)].id

        def click(mark: str) -> Any:
            with self.project.writing():  # so that what is told is of this action
                if rng.random() < 0.15 and self.project.undo_label:
                    self.project.undo(actor=mark)
                else:
                    self.studio.label(self.pid, row, col, chosen, actor=mark)
                return self.state()

        self.act("click", click, journal=True)
        time.sleep(rng.random() * 0.05)

    def strokes(self, rng: random.Random) -> None:
        row, start, name = rng.randrange(SIDE), rng.randrange(SIDE - 12), f"Class {rng.randrange(CLASSES)}"

        def stroke(mark: str) -> Any:
            with self.project.writing():
                self.project.import_labels([(row, start + k, name, None) for k in range(12)], actor=mark)
                return self.state()

        self.act("stroke", stroke, journal=True)
        time.sleep(rng.random() * 0.05)

    def state(self) -> dict[str, Any]:
        return {"seq": self.project.revision, "points": digest_of(self.project)}

    def trainings(self, rng: random.Random) -> None:
        rng.choice((self.train, self.wait_for_run))(rng)
        time.sleep(rng.random() * 0.5)

    def files(self, rng: random.Random) -> None:
        rng.choice((self.export, self.export, self.import_labels, self.upload, self.import_model, self.import_model))(
            rng
        )

    def train(self, rng: random.Random) -> None:
        if not self.studio.runs.alive():
            self.act("train", lambda mark: self.studio.runs.start(self.pid, "svm", title=mark).id)

    def wait_for_run(self, rng: random.Random) -> None:
        found = [info for info in self.studio.runs.list(self.pid) if info.state in ("interrupted", "done")]
        if not found:
            return
        run = rng.choice(found)
        if run.state == "interrupted" and not self.studio.runs.alive():
            self.act("resume", lambda mark: self.studio.runs.resume(run.id).id)
        elif run.state == "done":
            self.act("trained", lambda mark: run.id)

    def export(self, rng: random.Random) -> None:
        folder = self.home.parent / "exports" / f"{self.seed}-{self.count}"
        what = rng.choice(("map", "map", "everything", "labels"))

        def write(mark: str) -> Any:
            if what == "labels":
                return hashes(self.studio.export_labels(self.pid, folder))
            if what == "everything":
                return hashes([self.studio.exports.bundle(self.pid, folder, which="live", timeout=60)])
            return hashes(self.studio.export(self.pid, folder, which="live", timeout=60))

        self.act(f"export of {what}", write)

    def import_labels(self, rng: random.Random) -> None:
        file = self.home.parent / f"labels-{self.seed}-{self.count}.csv"
        rows = [f"{rng.randrange(SIDE)},{rng.randrange(SIDE)},Class {rng.randrange(CLASSES)}" for _ in range(30)]
        file.write_text("row,col,class\n" + "\n".join(rows) + "\n", encoding="utf-8")
        self.act("import", lambda mark: self.studio.import_labels(self.pid, file, actor=mark), journal=True)

    def upload(self, rng: random.Random) -> None:
        file = self.home.parent / f"upload-{self.seed}-{self.count}.bin"
        file.write_bytes(rng.randbytes(200_000))
        self.act("upload", lambda mark: hashes(self.studio.keep_upload([file])))

    def import_model(self, rng: random.Random) -> None:
        """Export a model, and import one with other weights: the same ones are known and would not be copied."""
        models = [one for one in self.studio.models.find() if one.origin == "run" and not one.problem]
        if not models:
            return
        self.studio.models.edit(models[0].id, note=f"{self.seed}-{self.count}")

        def export(mark: str) -> Any:
            return hashes([self.studio.models.export(models[0].id, self.home.parent / "models" / mark)])

        exported = next(iter(self.act("model export", export) or ()), None)
        if exported is None:
            return
        state, header = read_checkpoint(Path(exported))
        other = Path(exported).with_name("other.safetensors")
        array = next(array for array in state.arrays.values() if array.dtype.kind == "f" and array.size)
        array.flat[0] += 1 + rng.random()
        write_checkpoint(other, state, header.facts)

        def take(mark: str) -> Any:
            model, known = self.studio.models.import_file(other)
            if known:
                raise AssertionError(f"{other} was taken for a model that was here")
            return {"model": model.id, "digest": read_header(other).digest}

        self.act("model import", take)


def digest_of(project: Project) -> str:
    return hashlib.sha256(json.dumps(sorted((*at, key) for at, key in project.points.items())).encode()).hexdigest()


def hashes(files: list[Path]) -> dict[str, str]:
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
