"""Ways to damage a project folder, as disks, editors, other programs and people do it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Damage = Callable[[Path], None]


def about(change: Callable[[dict[str, Any]], object]) -> Damage:
    """project.json with another content."""

    def damage(folder: Path) -> None:
        file = folder / "project.json"
        value = json.loads(file.read_text(encoding="utf-8"))
        change(value)
        file.write_text(json.dumps(value), encoding="utf-8")

    return damage


def about_bytes(data: bytes) -> Damage:
    return lambda folder: _done((folder / "project.json").write_bytes(data))


def about_text(old: str, new: str) -> Damage:
    """project.json with a piece of its text exchanged."""

    def damage(folder: Path) -> None:
        text = (folder / "project.json").read_text(encoding="utf-8")
        assert old in text
        (folder / "project.json").write_text(text.replace(old, new), encoding="utf-8")

    return damage


def line(old: bytes, new: bytes) -> Damage:
    """The journal's last line with a piece of its text exchanged."""

    def damage(folder: Path) -> None:
        file = folder / "journal.jsonl"
        rows = file.read_bytes().splitlines(keepends=True)
        assert old in rows[-1], rows[-1]
        file.write_bytes(b"".join(rows[:-1]) + rows[-1].replace(old, new))

    return damage


def instead(name: str, make: Callable[[Path], object]) -> Damage:
    """Something else under a file's name."""

    def damage(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return damage


def link_out(path: Path) -> None:
    """To a file of the same kind outside the folder: only its being a link is wrong."""
    outside = path.parent.parent.parent / f"outside-{path.name}"
    outside.write_bytes(b"[]\n")
    path.symlink_to(outside)


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(3 << 30)


def scene(change: Callable[[Path], object]) -> Damage:
    """The scene's file is another, or gone."""

    def damage(folder: Path) -> None:
        spec = json.loads((folder / "project.json").read_text(encoding="utf-8"))["scene"]["spec"]
        change(Path(spec["spec"]))

    return damage


def _done(_: object) -> None:
    return None


DEEP = b"[" * 10_000 + b"]" * 10_000
ABOUT: dict[str, Damage] = {
    "empty": about_bytes(b""),
    "zeros, as after a power failure": about_bytes(b"\0" * 700),
    "binary": about_bytes(bytes(range(256)) * 8),
    "UTF-16": lambda folder: about_bytes((folder / "project.json").read_text().encode("utf-16"))(folder),
    "cut in the middle": lambda folder: os.truncate(folder / "project.json", 200),
    "a list": about_bytes(b"[]"),
    "nested 10,000 deep": about_bytes(b'{"schema_version": 1, "scene": ' + DEEP + b"}"),
    "no title": about(lambda value: value.pop("title")),
    "title is a number": about(lambda value: value.update(title=7)),
    "a name twice": about_text('"title":', '"title": "another", "title":'),
    "NaN": about_text('"schema_version": 1', '"schema_version": NaN'),
    "version is true": about_text('"schema_version": 1', '"schema_version": true'),
    "classes are numbers": about(lambda value: value.update(classes=[1, 2])),
    "a class without an id": about(lambda value: value.update(classes=[{"name": "Corn", "color": "#112233"}])),
    "a colour that is none": about(lambda value: value.update(classes=[{"id": "a", "name": "A", "color": "red;}"}])),
    "rows are text": about(lambda value: value["scene"].update(shape=["30", "30", "10"])),
    "rows of 10³⁰": about(lambda value: value["scene"].update(shape=[10**30, 30, 10])),
    "rows of 1e999": about_text('"shape": [\n      30', '"shape": [\n      1e999'),
    "rows below zero": about(lambda value: value["scene"].update(shape=[-30, 30, 10])),
    "how the scene opens is text": about(lambda value: value["scene"].update(spec="scene.npy")),
    "a folder": instead("project.json", lambda path: path.mkdir()),
    "a link out": instead("project.json", link_out),
    "a pipe": instead("project.json", os.mkfifo),
    "3 GB of nothing": instead("project.json", sparse),
}
SPEC: dict[str, Damage] = {
    "an unknown option of the scene": about(lambda value: value["scene"]["spec"].update(shell="rm -rf /")),
    "an option that is a number": about(lambda value: value["scene"]["spec"].update(dsm=5)),
    "no scene at all": about(lambda value: value["scene"].update(spec={})),
}
LINES: dict[str, Damage] = {
    "seq is Infinity": line(b'"seq":8', b'"seq":Infinity'),
    "seq is missing": line(b'"seq":8,', b""),
    "seq is text": line(b'"seq":8', b'"seq":"8"'),
    "row 1e999": line(b'"row":25', b'"row":1e999'),
    "row is text": line(b'"row":25', b'"row":"25"'),
    "row is 2.5": line(b'"row":25', b'"row":2.5'),
    "row is true": line(b'"row":25', b'"row":true'),
    "row of 40 digits": line(b'"row":25', b'"row":' + b"9" * 40),
    "row of 5,000 digits": line(b'"row":25', b'"row":' + b"9" * 5000),
    "a row twice": line(b'"row":25', b'"row":25,"row":26'),
    "payload is a list": line(b'"payload":{', b'"payload":[1],"more":{'),
    "nested 10,000 deep": line(b'"payload":{', b'"payload":{"x":' + DEEP + b","),
    "class is a number": line(b'"class":"', b'"class":5,"x":"'),
    "an action nobody knows": line(b'"add_point"', b'"format_disk"'),
    "time is an object": line(b'"time":"', b'"time":{},"x":"'),
}
JOURNAL: dict[str, Damage] = {
    "binary": lambda folder: _done((folder / "journal.jsonl").write_bytes(bytes(range(256)) * 40)),
    "a link out": instead("journal.jsonl", link_out),
    "a folder": instead("journal.jsonl", lambda path: path.mkdir()),
    "a pipe": instead("journal.jsonl", os.mkfifo),
    "gone": lambda folder: (folder / "journal.jsonl").unlink(),
}
SCENE: dict[str, Damage] = {
    "gone": scene(lambda file: file.unlink()),
    "a folder": scene(lambda file: (file.unlink(), file.mkdir())),
    "empty": scene(lambda file: file.write_bytes(b"")),
    "zero everywhere": scene(lambda file: np.save(file, np.zeros((30, 30, 10), np.float32))),
    "without a number": scene(lambda file: np.save(file, np.full((30, 30, 10), np.nan, np.float32))),
    "the same everywhere": scene(lambda file: np.save(file, np.ones((30, 30, 10), np.float32))),
    "of another size": scene(lambda file: np.save(file, np.ones((5, 5, 10), np.float32))),
    "text": scene(lambda file: file.write_text("once there was a scene")),
}
EVERY = {
    f"{part}: {name}": damage
    for part, kinds in (
        ("project.json", ABOUT), ("options", SPEC), ("a line", LINES), ("journal", JOURNAL), ("scene", SCENE),
    )
    for name, damage in kinds.items()
}  # fmt: skip
