"""Labels as CSV: row, col (0-based), class, x, y (map coordinates of the pixel's centre, or empty), colour.

A class name that a spreadsheet would run as a formula (it starts with = + - @) gets an apostrophe in front,
as OWASP advises; so does one that starts with an apostrophe itself, so that `unescape_cell` is exact.
"""

from __future__ import annotations

import csv
import io

from hsi_studio.io.lonlat import written_xy
from hsi_studio.types import LabelSet, Scene

ESCAPED = ("=", "+", "-", "@", "\t", "\r", "'")


def escape_cell(text: str) -> str:
    return "'" + text if text.startswith(ESCAPED) else text


def unescape_cell(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(ESCAPED) else text


def marked(text: str) -> str:
    """With the mark of UTF-8 where there is more than ASCII: spreadsheets take it for their own code page without, and
    save “GrÃ¼nland” as the class."""
    return text if text.isascii() else "\ufeff" + text


def labels_to_csv(labels: LabelSet, scene: Scene | None) -> str:
    """RFC 4180 text with a header line."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["row", "col", "class", "x", "y", "color"])
    for n in range(len(labels)):
        row, col, info = int(labels.row[n]), int(labels.col[n]), labels.schema.classes[int(labels.label[n])]
        place = written_xy(scene, row, col) if scene is not None else None
        x, y = (repr(float(v)) for v in place) if place is not None else ("", "")
        writer.writerow([row, col, escape_cell(info.name), x, y, info.color])
    return out.getvalue()
