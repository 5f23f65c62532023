"""What the steps of an import hand on: options, a layer as the file has it, and the report.

The bounds are for files that are no labels: a road network of Europe, a raster saved as points, an archive that grows
a thousandfold. Each is told with its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsi_studio.errors import BadRequest
from hsi_studio.humanize import counted

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Label = tuple[int, int, str, str | None]  # row, column, class name, "#rrggbb" or None

LARGEST = 200 << 20  # bytes of a file, and of an archive unpacked
MOST_FILES = 100  # at once
MOST_FEATURES = 100_000  # of one layer
MOST_VERTICES = 2_000_000
MOST_CLASSES = 1000
MOST_LABELS = 50_000  # of one import: each is a line of the journal and a marker in the picture
EXAMPLES = 5  # places named in a sentence


@dataclass(frozen=True)
class LabelOptions:
    """What a user says about label files. None = found in the file, or asked for.

    `crs`: "EPSG:32633", WKT, "scene", "lonlat", "latlon", or without a place "pixel" (x = column, y = row, from 0).
    `per_area`: at most so many pixels of each polygon, line or raster class, evenly drawn; 0 = all.
    `first`: the number of the first row and column, 0 or 1.
    """

    attribute: str | None = None
    layer: str | None = None
    crs: str | None = None
    per_area: int | None = None
    first: int | None = None

    def __post_init__(self) -> None:
        if self.per_area is not None and not 0 <= self.per_area <= MOST_LABELS:
            raise BadRequest(f"{self.per_area} pixels per area: give a number from 0 (all) to {MOST_LABELS}.")
        if self.first not in (None, 0, 1):
            raise BadRequest(f"The first row is number {self.first}: give 0 or 1.")


@dataclass
class Layer:
    """Features of one layer, before the scene is looked at. The lists run over the features.

    `crs`: as the file declares it, None when it does not; "lonlat" by its format's standard. `pixels`: the file says
    that its coordinates are columns and rows. `prefers_rows`: rows and columns count before coordinates.
    """

    path: Path
    kind: str  # "GeoJSON"
    where: list[str]  # "feature 3"
    geometry: list[BaseGeometry | None]
    columns: dict[str, list[Any]]
    name: str = ""
    crs: str | None = None
    crs_why: str = ""
    pixels: bool = False
    prefers_rows: bool = False
    standard: bool = False  # `crs` is the format's standard, not written in the file
    map_columns: bool = False  # coordinates come from columns called x and y, in the scene's system by habit
    class_column: str | None = None  # where the format knows it
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.where)


@dataclass
class FileReport:
    """What came of one layer of one file. Its sentences are for the user."""

    file: str
    kind: str
    layer: str = ""
    attribute: str = ""
    attributes: list[tuple[str, str]] = field(default_factory=list)  # that could be the class: name, values in words
    features: int = 0
    labels: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    place: str = ""  # what the coordinates are
    why: str = ""
    moved: int = 0  # features whose geometry lies in another pixel than their row and col say
    skipped: list[tuple[str, int, list[str]]] = field(default_factory=list)  # reason, count, examples
    notes: list[str] = field(default_factory=list)

    def skip(self, reason: str, places: Sequence[str], unit: str = "feature") -> None:
        """Count what is left out. Nothing for no places."""
        if places:
            self.skipped.append((f"{unit}:{reason}", len(places), list(places[:EXAMPLES])))

    def sentences(self) -> list[str]:
        """What was skipped, moved and assumed; not what went as declared."""
        found = list(self.notes)
        if self.moved:
            found.append(
                f"{counted(self.moved, 'label')} of {self.features} {'lies' if self.moved == 1 else 'lie'} in another "
                "pixel than row and col in the file say: the geometry counts."
            )
        for key, count, examples in self.skipped:
            unit, _, reason = key.partition(":")
            more = " …" if count > len(examples) else ""
            verb = "is" if count == 1 else "are"
            found.append(
                f"{count:,} of {counted(self.features, unit)} {verb} left out, {reason}: {', '.join(examples)}{more}."
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """For the page and for --json."""
        return {
            "file": self.file, "kind": self.kind, "layer": self.layer, "attribute": self.attribute,
            "features": self.features, "labels": self.labels, "classes": self.classes, "place": self.place,
            "why": self.why, "attributes": self.attributes, "moved": self.moved, "notes": self.notes,
            "skipped": [
                {"reason": key.partition(":")[2], "what": key.partition(":")[0], "count": count, "examples": examples}
                for key, count, examples in self.skipped
            ],
        }  # fmt: skip


@dataclass
class LabelImport:
    """Labels of all files on a scene's pixels, one a pixel, and the report of each layer."""

    labels: list[Label]
    reports: list[FileReport]
    conflicts: int = 0  # pixels that got two classes
    notes: list[str] = field(default_factory=list)  # about all files together

    def sentences(self) -> list[str]:
        """Everything that is not as a user would take for granted; the file's name where there are several."""
        several = len({report.file for report in self.reports}) > 1
        found = [
            f"{report.file}: {text}" if several else text for report in self.reports for text in report.sentences()
        ]
        return found + self.notes

    def to_json(self) -> dict[str, Any]:
        """For the page and for --json."""
        counts: dict[str, int] = {}
        for *_, name, _ in self.labels:
            counts[name] = counts.get(name, 0) + 1
        return {
            "labels": len(self.labels), "classes": counts, "conflicts": self.conflicts, "notes": self.notes,
            "files": [report.to_json() for report in self.reports],
        }  # fmt: skip
