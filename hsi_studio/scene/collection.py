"""Collections: many small cubes or images with one label each, the input of image-level classification.

Two forms are read:
- a folder per class: `maple/a.tif`, `maple/b.npy`, `oak/c.mat` …: the folder's name is the class;
- a table (CSV) with one row an image: a column of file names, a column of classes and, if images of one thing were
  taken several times, a column that says which thing (a tree, a fruit, a patient).

Images are scenes (`open_scene`): lazy, any format that a scene may have (.npy, .mat, ENVI, GeoTIFF …), any size, but
the same bands at the same wavelengths. Images of one group never stand on both sides of a split: a second picture of a
training tree is no test. Nor is a second file with the same content: of one class it counts once, of two it shares the
group. Reference: the collections of S3FN, Islam et al. 2025, arXiv 2510.07556 (Wood, Blueberries, DeepHS-Fruit).

Notation: N images, K classes.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest, FileProblem, SizeMismatch
from hsi_studio.humanize import counted, listed
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
    classes = _classes(folder)
    found: list[tuple[Path, str, str]] = []
    left_out: list[Path] = []
    for child in classes:
        files, unknown = _image_files(child)
        found += [(file, child.name, str(file.relative_to(folder))) for file in files]
        left_out += unknown
    names = [child.name for child in classes if any(name == child.name for _, name, _ in found)]
    empty = [child.name for child in classes if child.name not in names]
    if len(names) < 2:
        raise FileProblem(
            folder,
            f"{len(names)} of its {len(classes)} subfolders hold images that can be read",
            "A collection needs a folder per class, at least two, with .npy, .mat, ENVI or GeoTIFF cubes in them",
        )
    notes = []
    if empty:
        notes.append(f"Without an image, so no class: {listed(empty, MOST_NAMED)}.")
    if left_out:
        notes.append(f"Left out, since no image can be read from it: {_names(left_out)}.")
    return collect(folder, found, names, notes)


def has_classes(folder: str | Path) -> bool:
    """Whether two folders in it hold images, as `open_folder` needs. A folder that is not there is its affair too."""
    folder = Path(folder).expanduser()
    return not folder.is_dir() or sum(bool(_image_files(child)[0]) for child in _classes(folder)) > 1


def open_unlabelled(folder: str | Path) -> Collection:
    """All images in a folder and the folders in it, to be classified: of one class without a name. Raises FileProblem
    (none there), SizeMismatch."""
    folder = Path(folder).expanduser()
    files, unknown = _image_files(folder)
    if not files:
        raise FileProblem(folder, "there is no image in it that can be read", "Give .npy, .mat, ENVI or GeoTIFF cubes")
    notes = [f"Left out, since no image can be read from it: {_names(unknown)}."] if unknown else []
    return collect(folder, [(file, "", _where(file, folder)) for file in files], [""], notes)


def open_table(
    table: str | Path, *, image: str, label: str, group: str | None = None, folder: str | Path | None = None
) -> Collection:
    """A collection from a CSV file with columns `image` (file names), `label` (class names) and perhaps `group`.

    File names are relative to `folder` (default: where the table lies). Rows whose file is not there are left out
    and said in `notes`. Raises FileProblem, BadRequest (no such column), SizeMismatch.
    """
    table = Path(table).expanduser()
    base = Path(folder).expanduser() if folder is not None else table.parent
    columns, rows = _rows(table, [image, label, *([group] if group else [])])
    for wanted in [image, label, *([group] if group else [])]:
        if wanted not in columns:
            raise BadRequest(f"{table.name} has no column {wanted!r}. It has: {', '.join(columns) or 'none'}.")
    found, missing, without = [], [], []
    known: dict[Path, str] = {}
    for row in rows:
        file, name = row.get(image, ""), row.get(label, "")
        path = base / file
        if not file or known.get(path) == name:
            continue
        if not name:
            without.append(path)
        elif path in known:
            what = f"it gives {file} two classes, {known[path]} and {name}"
            raise FileProblem(table, what, "Keep the row that is right")
        elif path.is_file():
            found.append((path, name, (row.get(group, "") if group else "") or file))
        else:
            missing.append(path)
        known.setdefault(path, name)
    names = sorted({name for _, name, _ in found})
    if len(names) < 2:
        raise FileProblem(
            table,
            f"it names images of {len(names)} classes that are there ({len(missing)} files are missing in {base})",
            "Give the folder the images lie in",
        )
    notes = [f"{counted(len(missing), 'image')} of the table not there: {_names(missing)}."] if missing else []
    if without:
        notes.append(f"{counted(len(without), 'image')} of the table without a class: {_names(without)}.")
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
    base = source if source.is_dir() else source.parent
    images: list[Image] = []
    by_habit: list[Path] = []
    for path, name, group in found:
        with _in_folder(path, base):
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
    notes = [*notes, *_same_bands(images, base)]
    schema = ClassSchema(tuple(ClassInfo(f"collection-{name}", name, "#000000") for name in names))
    images, said = _once_each(images, schema, base)
    return Collection(source.stem, schema, tuple(images), (*notes, *said))


@contextmanager
def _in_folder(path: Path, base: Path) -> Iterator[None]:
    """Problems name the folder too: every class may have an `a.npy`."""
    try:
        yield
    except FileProblem as error:
        folder = _where(path, base).removesuffix(path.name)
        error.args = (f"{folder}{error}",)
        raise


def _where(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name


def _same_bands(images: list[Image], base: Path) -> list[str]:
    """Notes. Raises SizeMismatch for an image that has not the bands of most."""
    count = Counter(image.scene.bands.count for image in images).most_common(1)[0][0]
    usual = next(image for image in images if image.scene.bands.count == count)
    known = next((image for image in images if image.scene.bands.wavelength_nm is not None), None)
    remedy = "All images of a collection need the same bands: take this one out"
    silent = []
    for image in images:
        bands, at = image.scene.bands, None if known is None else known.scene.bands.wavelength_nm
        with _in_folder(image.path, base):
            if bands.count != count:
                what = f"it has {bands.count} bands, {_where(usual.path, base)} has {count}"
                raise SizeMismatch(image.path, what, remedy)
            if bands.wavelength_nm is None:
                silent.append(image.path)
            elif at is not None and known is not None:
                apart = np.abs(bands.wavelength_nm.astype(np.float64) - at)
                worst = int(np.nanargmax(apart))
                if apart[worst] > SAME_BAND_NM:
                    what = f"its band {worst + 1} is at {bands.wavelength_nm[worst]:.1f} nm"
                    raise SizeMismatch(
                        image.path, f"{what}, in {_where(known.path, base)} at {at[worst]:.1f} nm", remedy
                    )
    if known is None or not silent:
        return []
    return [f"Whether these have the wavelengths of the others is not known, they state none: {_names(silent)}."]


def _once_each(images: list[Image], schema: ClassSchema, base: Path) -> tuple[list[Image], list[str]]:
    """(images, notes): what is there twice in a class counts once; in two classes it is one group, so that it never
    tests itself."""
    first: dict[str, Image] = {}
    same: dict[str, str] = {}  # group → the one it is a part of
    kept, again, torn = [], [], []

    def root(group: str) -> str:
        while group in same:
            group = same[group]
        return group

    for image in images if schema.names != [""] else ():  # nothing is known of these: all of them are asked for
        known = first.setdefault(image.scene.id, image)
        if root(image.group) != root(known.group):
            same[root(image.group)] = root(known.group)
        if known is image or known.label != image.label:
            kept.append(image)
        if known is not image and known.label == image.label:
            again.append(_where(image.path, base))
        elif known is not image:
            names = schema.names[known.label], schema.names[image.label]
            torn.append(f"{_where(image.path, base)} ({names[0]} and {names[1]})")
    notes = []
    if again:
        notes.append(f"Same content as another image of the class, so counted once: {listed(again, MOST_NAMED)}.")
    if torn:
        notes.append(f"Same content in two classes, one of which is wrong: {listed(torn, MOST_NAMED)}.")
    return [replace(image, group=root(image.group)) for image in kept] or images, notes


def _rows(table: Path, wanted: Sequence[str]) -> tuple[list[str], list[dict[str, str]]]:
    """(columns, rows) of a table, whichever of the usual separators it has. Raises FileProblem."""
    try:
        text = table.read_text(encoding="utf-8-sig")  # as spreadsheets write it, with a mark in front
        found = [csv.DictReader(io.StringIO(text, newline=""), delimiter=one, restval="") for one in ",;\t"]
        read = next((one for one in found if set(wanted) <= set(one.fieldnames or ())), found[0])
        rows = [{str(k): v.strip() for k, v in row.items() if k and isinstance(v, str)} for row in read]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileProblem(table, f"it cannot be read as a table ({error})", "Save it as CSV in UTF-8") from error
    return [name for name in read.fieldnames or () if name], rows


def _classes(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _image_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """(images, other files) in a folder and the folders in it, sorted. An ENVI pair counts once."""
    images: list[Path] = []
    other: list[Path] = []
    for file in _files(folder):
        try:
            find_reader(file)
        except FileProblem:
            other.append(file)
        else:
            images.append(file)
    data = {file.with_suffix("") for file in images if file.suffix.lower() != ".hdr"} | set(images)

    def opened_with_data(file: Path) -> bool:
        return file.suffix.lower() == ".hdr" and file.with_suffix("") in data

    shown = [[file for file in found if not opened_with_data(file)] for found in (images, other)]
    return shown[0], shown[1]


HABIT = "rows,cols,bands"
MOST_NAMED = 3  # files in a sentence
SAME_BAND_NM = 5.0  # bands no farther apart are the same band


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _names(paths: list[Path]) -> str:
    return listed([path.name for path in paths], MOST_NAMED)
