"""Collections: many small cubes or images with one label each, the input of image-level classification.

Two forms are read:
- a folder per class: `maple/a.tif`, `maple/b.npy`, `oak/c.mat` …: the folder's name is the class;
- a table (CSV) with one row an image: a column of file names, a column of classes and, if images of one thing were
  taken several times, a column that says which thing (a tree, a fruit, a patient).

Images are scenes (`open_scene`): lazy, any format that a scene may have (.npy, .mat, ENVI, GeoTIFF …), any size, but
the same bands. Images of one group never stand on both sides of a split: a second picture of a training tree is no
test. Reference: the collections of S3FN, Islam et al. 2025, arXiv 2510.07556 (Wood, Blueberries, DeepHS-Fruit).

Notation: N images, K classes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest, FileProblem, SizeMismatch
from hsi_studio.humanize import listed
from hsi_studio.scene.formats.registry import find_reader
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.plan import AskAboutFile
from hsi_studio.types import ClassInfo, ClassSchema, Scene

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Image:
    """One labelled image. `group`: what it is a picture of; images of one group stay together in a split."""

    scene: Scene
    label: int  # index into the collection's classes
    group: str
    path: Path


@dataclass(frozen=True)
class Collection:
    """Labelled images with the same bands. Immutable."""

    name: str
    schema: ClassSchema
    images: tuple[Image, ...]
    notes: tuple[str, ...] = ()  # what was left out, for the user

    def __len__(self) -> int:
        return len(self.images)

    @property
    def label(self) -> Indices:
        """(N,) class index of every image."""
        return np.array([image.label for image in self.images], dtype=np.int64)

    @property
    def bands(self) -> int:
        return self.images[0].scene.bands.count

    def only(self, chosen: Sequence[int] | Indices) -> Collection:
        """The images at some positions, all classes kept."""
        return replace(self, images=tuple(self.images[int(n)] for n in chosen))


def open_folder(folder: str | Path) -> Collection:
    """A collection from a folder with a subfolder per class. Every image is its own group.

    ENVI images are named by their header or their data; files no reader knows are left out and said in `notes`.
    Raises FileProblem (no such folder, fewer than two classes with images), SizeMismatch (bands differ).
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileProblem(folder, "there is no such folder", "Give the folder that holds one folder per class")
    classes = sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    found: list[tuple[Path, str, str]] = []
    left_out: list[Path] = []
    for child in classes:
        files, unknown = _image_files(child)
        found += [(file, child.name, str(file.relative_to(folder))) for file in files]
        left_out += unknown
    names = [child.name for child in classes if any(name == child.name for _, name, _ in found)]
    if len(names) < 2:
        raise FileProblem(
            folder,
            f"{len(names)} of its {len(classes)} subfolders hold images that can be read",
            "A collection needs a folder per class, at least two, with .npy, .mat, ENVI or GeoTIFF cubes in them",
        )
    notes = []
    if left_out:
        notes.append(f"{len(left_out)} files are no images and are left out: {_names(left_out)}.")
    return collect(folder, found, names, notes)


def open_table(
    table: str | Path, *, image: str, label: str, group: str | None = None, folder: str | Path | None = None
) -> Collection:
    """A collection from a CSV file with columns `image` (file names), `label` (class names) and perhaps `group`.

    File names are relative to `folder` (default: where the table lies). Rows whose file is not there are left out
    and said in `notes`. Raises FileProblem, BadRequest (no such column), SizeMismatch.
    """
    table = Path(table).expanduser()
    base = Path(folder).expanduser() if folder is not None else table.parent
    try:
        with table.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileProblem(table, f"it cannot be read as a table ({error})", "Save it as CSV in UTF-8") from error
    columns = [name for name in (rows[0] if rows else {}) if name]
    for wanted in [image, label, *([group] if group else [])]:
        if wanted not in columns:
            raise BadRequest(f"{table.name} has no column {wanted!r}. It has: {', '.join(columns) or 'none'}.")
    found, missing, seen = [], [], set()
    for row in rows:
        path = base / row[image]
        if path in seen:
            continue
        seen.add(path)
        if path.is_file():
            found.append((path, row[label], row[group] if group else row[image]))
        else:
            missing.append(path)
    names = sorted({name for _, name, _ in found})
    if len(names) < 2:
        raise FileProblem(
            table,
            f"it names images of {len(names)} classes that are there ({len(missing)} files are missing in {base})",
            "Give the folder the images lie in",
        )
    notes = [f"{len(missing)} images of the table are not there: {_names(missing)}."] if missing else []
    return collect(table, found, names, notes)


def split_images(collection: Collection, shots: int, seed: int) -> tuple[Indices, Indices]:
    """(train, test) positions: the groups of `shots` images a class train, all other images test.

    Groups are drawn class by class in class order from one generator; a class keeps at least one group for testing,
    so a class with a single group only tests. All images of a drawn group train.
    """
    if shots < 1:
        raise BadRequest(f"{shots} shots: at least one image a class is needed.")
    rng = np.random.default_rng(seed)
    train: list[int] = []
    for k in range(len(collection.schema)):
        members: dict[str, list[int]] = {}
        for n, image in enumerate(collection.images):
            if image.label == k:
                members.setdefault(image.group, []).append(n)
        groups = sorted(members)
        order = rng.permutation(len(groups))
        for g in order[: min(shots, max(len(groups) - 1, 0))]:
            train += members[groups[g]]
    picked = np.array(sorted(train), dtype=np.int64)
    groups_in = {collection.images[n].group for n in picked}  # a group under two labels may not stand on both sides
    test = [n for n, image in enumerate(collection.images) if image.group not in groups_in]
    return picked, np.array(test, dtype=np.int64)


def fold_images(collection: Collection, folds: int, seed: int) -> list[tuple[Indices, Indices]]:
    """(train, test) positions of every fold: groups are dealt to folds class by class, in a random order.

    A group with images of several classes counts for the first of them. A class with fewer groups than folds tests in
    some folds only. Raises BadRequest for fewer than two folds.
    """
    if folds < 2:
        raise BadRequest(f"{folds} folds: at least two are needed, one to train and one to test.")
    rng = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    for k in range(len(collection.schema)):
        groups = sorted({image.group for image in collection.images if image.label == k} - set(fold_of))
        start = int(rng.integers(folds))  # so that classes with few groups do not all test in the first fold
        for place, g in enumerate(rng.permutation(len(groups))):
            fold_of[groups[g]] = (start + place) % folds
    own = np.array([fold_of[image.group] for image in collection.images], dtype=np.int64)
    found = [(np.flatnonzero(own != fold), np.flatnonzero(own == fold)) for fold in range(folds)]
    return [(train, test) for train, test in found if test.size]


def collect(
    source: Path, found: list[tuple[Path, str, str]], names: list[str], notes: list[str], **reading: Any
) -> Collection:
    """Open every image (file, class, group) and check that their bands are the same; `reading` as in `open_scene`."""
    images: list[Image] = []
    by_habit: list[Path] = []
    for path, name, group in found:
        try:
            scene = open_scene(path, **reading)
        except AskAboutFile as error:
            if error.question != "axes":
                raise
            scene = open_scene(path, axes=HABIT, **reading)
            by_habit.append(path)
        images.append(Image(scene, names.index(name), group, path))
    if by_habit:
        notes = [
            *notes,
            f"{len(by_habit)} images do not say which axis is the spectral one and are read as rows, columns, bands, "
            f"as NumPy and MATLAB store them: {_names(by_habit)}.",
        ]
    first = images[0]
    for image in images:
        if image.scene.bands.count != first.scene.bands.count:
            raise SizeMismatch(
                image.path,
                f"it has {image.scene.bands.count} bands, {first.path.name} has {first.scene.bands.count}",
                "All images of a collection need the same bands: take this one out",
            )
    schema = ClassSchema(tuple(ClassInfo(f"collection-{name}", name, "#000000") for name in names))
    return Collection(source.stem, schema, tuple(images), tuple(notes))


def _image_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """(images, other files) in a folder and the folders in it, sorted. An ENVI pair counts once."""
    images: list[Path] = []
    other: list[Path] = []
    for file in _files(folder):
        if file.suffix.lower() == ".hdr" and any(file.with_suffix(s).is_file() for s in _DATA_SUFFIXES):
            continue  # opened through its data
        try:
            find_reader(file)
        except FileProblem:
            other.append(file)
        else:
            images.append(file)
    return images, other


HABIT = "rows,cols,bands"
MOST_NAMED = 3  # files in a sentence
_DATA_SUFFIXES = ("", ".img", ".dat", ".raw", ".bil", ".bip", ".bsq")


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _names(paths: list[Path]) -> str:
    return listed([path.name for path in paths], MOST_NAMED)
