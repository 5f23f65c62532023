"""Public collections by id (`deephs_fruit`): what they are, where they are fetched by hand, and how they are read.

They are larger than a program should fetch unasked (DeepHS-Fruit: 2 to 72 GB a fruit), and none states file addresses
with checksums, so that they are put by hand into `home()/datasets/<id>/`, or into `<id>/` of the mirror folder.
`assets/datasets.json`, "collections", holds the facts. These are the collections that S3FN was measured on (Islam et
al. 2025, arXiv 2510.07556).

DeepHS-Fruit brings its labels as JSON, as COCO does (github.com/cogsys-tuebingen/deephs_fruit, `dataset/*_v2.json`):
`cameras` with their wavelengths, `records` with the files of each image, `annotations` with what was measured, by
`record_id`. The images' own headers have no wavelengths. A fruit was taken from two sides on several days: these images
stay together in a split.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsi_studio import paths, settings
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem
from hsi_studio.scene.collection import Collection, collect, open_folder
from hsi_studio.scene.download import folder

LARGEST_JSON = 256 << 20
NAME = re.compile(
    r"^(?P<fruit>[a-z]+)_day_(?:m(?P<a>\d)_)?\d+(?:_m(?P<b>\d))?_(?P<piece>\d+)_(?:front|back)$", re.IGNORECASE
)
UNKNOWN = ("", "unknown", "none")


@dataclass(frozen=True)
class ImageSet:
    """One public collection. `where`: its page; `files`: what to fetch there, and how it is laid out."""

    id: str
    title: str
    where: str
    files: str
    licence: str
    citation: str
    annotations: str = ""  # JSON files, as a pattern; "" = a folder for each class


@functools.cache
def image_sets() -> tuple[ImageSet, ...]:
    text = paths.asset("datasets.json").read_text(encoding="utf-8")
    return tuple(ImageSet(name, **facts) for name, facts in json.loads(text)["collections"].items())


def place_of(known: ImageSet) -> Path | None:
    """Where its files lie: our folder, else the mirror's; None where they are in neither."""
    mirror = settings.MIRROR.text().strip()
    places = [folder(known.id)]
    if mirror and not mirror.lower().startswith(("http://", "https://")):
        places.append(Path(mirror).expanduser() / known.id)
    return next((place for place in places if place.is_dir() and any(place.iterdir())), None)


def open_set(name: str, columns: Sequence[str] = ()) -> Collection:
    """A collection by id. `columns` for one with annotations: (what was measured, camera, fruit or none), as
    ("ripeness_state", "VIS", "Kiwi"); the first two are the default.

    Raises BadRequest (unknown id), FileProblem (its files are not there: says what to fetch, and where to put it).
    """
    known = next((one for one in image_sets() if one.id == name), None)
    if known is None:
        listed = ", ".join(one.id for one in image_sets())
        raise BadRequest(f"There is no collection {name[:80]!r}. Known are: {listed}.")
    there = place_of(known)
    if there is None:
        raise FileProblem(
            folder(known.id),
            f"{known.title} is fetched by hand, and is not there yet",
            f"Fetch {known.files} from {known.where} and put it into {folder(known.id)} (terms: {known.licence})",
        )
    if not known.annotations:
        return open_folder(there)
    files = sorted(there.rglob(known.annotations))
    if not files:
        raise FileProblem(
            there, f"there are no annotations ({known.annotations}) in it", f"Fetch them from {known.where} too"
        )
    return open_annotated(files, there, *columns)


def open_annotated(
    files: Sequence[Path], images: Path, measured: str = "ripeness_state", camera: str = "VIS", fruit: str = ""
) -> Collection:
    """A collection from annotations; image files are relative to `images`.

    Raises CorruptFile, FileProblem, BadRequest.
    """
    found: dict[Path, tuple[str, str]] = {}  # image → label, group
    missing: set[str] = set()
    cameras: dict[str, tuple[float, ...]] = {}
    texts: set[str] = set()
    for file in files:
        records, annotations = _read(file, cameras)
        for one in annotations:
            texts.update(key for key, value in one.items() if isinstance(value, str))
            record, label = records.get(one.get("record_id")), str(one.get(measured) or "").strip()
            if record is None or record.get("camera_type") != camera or label.lower() in UNKNOWN:
                continue
            if fruit and str(record.get("fruit", "")).lower() != fruit.lower():
                continue
            header = str(record.get("files", {}).get("header_file", ""))
            path = images / header
            if not header or not path.resolve().is_relative_to(images.resolve()) or not path.is_file():
                missing.add(header)
            else:
                found[path] = label, _group(path)
    if camera not in cameras:
        raise BadRequest(f"There is no camera {camera[:40]!r} in {files[0].name}: {', '.join(cameras)}.")
    names = sorted({label for label, _ in found.values()})
    if len(names) < 2:
        raise FileProblem(
            files[0],
            f"{len(found)} images of {camera} with “{measured[:40]}” are there, of {len(names)} classes "
            f"({len(missing)} more are named and missing)",
            f"Fetch the images too, or choose another measure: {', '.join(sorted(texts)) or 'none is there'}",
        )
    notes = [f"{len(missing)} images of the annotations are not there."] if missing else []
    listed = [(path, label, group) for path, (label, group) in sorted(found.items())]
    return collect(images, listed, names, notes, wavelengths=cameras[camera], unit="nm")


def _read(file: Path, cameras: dict[str, tuple[float, ...]]) -> tuple[dict[Any, dict[str, Any]], list[dict[str, Any]]]:
    """(records by id, annotations) of one file; its cameras are added to `cameras`."""
    try:
        if file.stat().st_size > LARGEST_JSON:
            raise CorruptFile(file, "it is too long for annotations", "Download it again")
        told = json.loads(file.read_text(encoding="utf-8"))
        cameras |= {str(one["id"]): tuple(float(nm) for nm in one["wavelengths"]) for one in told["cameras"]}
        return {one["id"]: one for one in told["records"]}, [dict(one) for one in told["annotations"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptFile(
            file, f"these are no annotations of DeepHS-Fruit ({type(error).__name__}: {error})", "Download it again"
        ) from error


def _group(path: Path) -> str:
    """The fruit that was taken: images of its two sides on all days of a series are one group."""
    match = NAME.match(path.stem)
    if match is None:
        return path.stem
    return f"{match['fruit'].lower()} {match['a'] or match['b'] or '1'} {match['piece']}"
