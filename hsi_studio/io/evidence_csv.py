"""Areas and accuracies of a map as CSV: one line a class, then the whole map. Fractions, m² and pixels as plain
numbers.

Spreadsheets would run a class name that begins with = + - @ as a formula: `label_csv.escape_cell` puts an apostrophe
before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from hsi_studio.files import write_text
from hsi_studio.io.label_csv import escape_cell, marked

Cell = str | int | float | None


def write_table(path: Path, head: Sequence[str], rows: Sequence[Sequence[Cell]], notes: Mapping[str, str]) -> Path:
    """RFC 4180 with a header line; `notes` follow under the table as `# key: text`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(head)
    for row in rows:
        writer.writerow(["" if cell is None else escape_cell(cell) if isinstance(cell, str) else cell for cell in row])
    for key, text in notes.items():
        writer.writerow([f"# {key}: {text}"])
    return write_text(Path(path), marked(out.getvalue()))
