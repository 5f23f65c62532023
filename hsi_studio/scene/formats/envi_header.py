"""ENVI headers: text → facts. Tolerates what the format's many writers do.

The field list is NV5's "ENVI Header Files" reference. Differences from `spectral.io.envi`, which refuses
or misreads some real files: comment lines (`;`), keys in any case, a missing `byte order`, `header offset`
or `file type`, and values broken over lines with or without braces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.scene.raster import Transform

HEADER_LIMIT = 4 << 20  # bytes; longer files are not headers
DTYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
INTERLEAVES = ("bsq", "bil", "bip")
FIX = "Correct the header"


@dataclass(frozen=True)
class Header:
    """Fields of one header, keys in lower case, lists still as text."""

    path: Path
    fields: dict[str, str]

    def text(self, key: str, default: str = "") -> str:
        return self.fields.get(key, default).strip()

    def items(self, key: str) -> list[str]:
        """Comma-separated values; commas inside parentheses belong to the value."""
        text = self.text(key)
        if not text:
            return []
        parts = [part.strip() for part in split_list(text)]
        return parts[:-1] if parts and parts[-1] == "" else parts

    def integer(self, key: str, default: int | None = None) -> int:
        """Raises CorruptFile when the field is missing (without default) or not a whole number ≥ 0."""
        text = self.text(key)
        if not text:
            if default is None:
                raise CorruptFile(self.path, f"its header has no “{key}”", f"{FIX}: add “{key} = …”")
            return default
        try:
            value = int(float(text))
        except (ValueError, OverflowError) as error:
            raise CorruptFile(
                self.path, f"its header says {key} = {text[:40]}", f"{FIX}: a number is needed"
            ) from error
        if value < 0:
            raise CorruptFile(self.path, f"its header says {key} = {value}", f"{FIX}: it cannot be negative")
        return value

    def numbers(self, key: str) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
        """A list of numbers; None when the field is missing or holds anything else."""
        try:
            values = np.array([float(item) for item in self.items(key)], dtype=np.float64)
        except ValueError:
            return None
        return values if values.size else None

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """With byte order. Raises FileProblem for complex numbers, CorruptFile for unknown codes."""
        code = self.integer("data type")
        if code in (6, 9):
            raise FileProblem(
                self.path,
                f"it holds complex numbers (data type {code})",
                "Save the magnitude or the real part as data type 4",
            )
        if code not in DTYPES:
            raise CorruptFile(
                self.path, f"its header says data type = {code}", f"{FIX}: ENVI knows {', '.join(map(str, DTYPES))}"
            )
        order = self.integer("byte order", 0)
        if order not in (0, 1):
            raise CorruptFile(
                self.path, f"its header says byte order = {order}", f"{FIX}: 0 (little) or 1 (big endian)"
            )
        return np.dtype((">" if order else "<") + DTYPES[code])


def split_list(text: str) -> list[str]:
    """Parts between commas; a comma belongs to its part when the next parenthesis after it closes one.

    By way of the pieces between parentheses: to look ahead from every comma takes 100 s for 100 kB.
    """
    parts: list[str] = []
    part: list[str] = []  # of the last one, which is not complete
    pieces = re.split(r"([()])", text)
    for piece, parenthesis in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        if parenthesis != ")" and "," in piece:
            first, *others, last = piece.split(",")
            parts.append("".join(part) + first)
            parts += others
            part = [last]
        else:
            part.append(piece)
        part.append(parenthesis)
    return [*parts, "".join(part)]


def read_header(path: Path) -> Header:
    """Raises FileProblem (an ESRI or another .hdr), CorruptFile (a brace never closed)."""
    if path.stat().st_size > HEADER_LIMIT:
        raise CorruptFile(path, "it is far too long for a header", "Open the header that belongs to the data file")
    text = path.read_bytes().decode("utf-8", "replace").lstrip("﻿ \t\r\n")
    if not re.match(r"ENVI\b", text, re.IGNORECASE):
        if re.search(r"^[ \t]*(NROWS|LAYOUT|BYTEORDER|NBANDS)\s", text, re.IGNORECASE | re.MULTILINE):
            raise FileProblem(
                path,
                "this is an ESRI header (NROWS, LAYOUT …), not an ENVI one",
                "Convert the image, for example with: gdal_translate -of ENVI IN OUT",
            )
        raise FileProblem(
            path,
            "this header does not begin with “ENVI”",
            "Give the header that belongs to the data, or convert the image to ENVI",
        )
    return Header(path, _fields(path, text.splitlines()[1:]))


def _fields(path: Path, lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    key, collected = "", None
    for line in lines:
        if line.lstrip().startswith(";"):
            continue
        if collected is None:
            name, equals, value = line.partition("=")
            if not equals:
                continue
            key, value = " ".join(name.lower().split()), value.strip()
            if not value.startswith("{"):
                fields[key] = value
                continue
            collected = [value[1:]]
        else:
            collected.append(line)
        if "}" in collected[-1]:
            collected[-1] = collected[-1].rpartition("}")[0]
            fields[key] = "\n".join(collected).strip()
            collected = None
    if collected is not None:
        raise CorruptFile(path, f"the brace after “{key} =” is never closed", "The header was cut off: copy it again")
    return fields


def transform_of(map_info: list[str]) -> tuple[Transform | None, float]:
    """(pixel corner → map transform, rotation in degrees) from `map info` items: name, x and y of the reference
    pixel (1-based, its upper left corner), its easting and northing, pixel sizes, …, rotation=…"""
    try:
        x_ref, y_ref, east, north, dx, dy = (float(item) for item in map_info[1:7])
    except ValueError:
        return None, 0.0
    rotation = 0.0
    for item in map_info[7:]:
        name, _, value = item.partition("=")
        if name.strip().lower() == "rotation":
            try:
                rotation = float(value)
            except ValueError:
                return None, 0.0
    if dx == 0 or dy == 0:
        return None, rotation
    cosine, sine = np.cos(np.radians(-rotation)), np.sin(np.radians(-rotation))
    a, b, d, e = dx * cosine, -dx * sine, -dy * sine, -dy * cosine  # as GDAL's ENVI driver
    c = east - a * (x_ref - 1) - b * (y_ref - 1)
    f = north - d * (x_ref - 1) - e * (y_ref - 1)
    return (float(a), float(b), float(c), float(d), float(e), float(f)), rotation


def epsg_of(map_info: list[str]) -> int | None:
    """EPSG code of `map info` alone: UTM on four datums, or longitude/latitude on WGS 84."""
    names = [item.strip().lower() for item in map_info]
    datum = " ".join(names[7:]).replace("-", " ")
    if names[:1] == ["utm"] and len(names) > 8 and names[7].isdigit() and 1 <= int(names[7]) <= 60:
        zone, south = int(names[7]), names[8].startswith("s")
        if "wgs 84" in datum or "wgs84" in datum:
            return (32700 if south else 32600) + zone
        if ("nad 83" in datum or "north america 1983" in datum) and not south and zone <= 23:
            return 26900 + zone
        if ("nad 27" in datum or "north america 1927" in datum) and not south and zone <= 22:
            return 26700 + zone
        if ("etrs" in datum or "europe 1989" in datum) and not south and 28 <= zone <= 38:
            return 25800 + zone
    if names and names[0].startswith("geographic") and "wgs 84" in datum:
        return 4326
    return None
