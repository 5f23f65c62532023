"""What every target of the fuzz job is: made once in a process, called once an input with the input's generator."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.fuzz import samples
from benchmarks.fuzz.mutate import Random, mutated

TEXTS = (".hdr", ".csv", ".geojson", ".vrt", ".json", ".jsonl")


class Target:
    """`last`: the files of the input at work, kept with a finding."""

    def __init__(self, folder: Path, secret: Path) -> None:
        self.folder, self.secret = folder, secret
        folder.mkdir(parents=True, exist_ok=True)
        self.last: samples.Files = {}

    def __call__(self, rng: Random) -> str:
        raise NotImplementedError

    def put(self, files: samples.Files, rng: Random, others: tuple[bytes, ...], share: float = 0.7) -> Path:
        """Write the files in an empty folder, some of them mutated; the first is returned."""
        place = self.folder / "input"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        self.last = {
            name: mutated(data, rng, name.endswith(TEXTS), others) if rng.random() < share else data
            for name, data in files.items()
        }
        for name, data in self.last.items():
            (place / name).write_bytes(data)
        return place / next(iter(self.last))
