"""Figures that were written down by hand from a command's output: `results/measured/NAME.csv`, one file a table.

The first line names the columns, with their unit where they have one. Columns "X ±" (standard deviation over the
draws), "X low" and "X high" (95 % interval) belong to the column "X" and are shown in its cell. Numbers keep the digits
they were written with. Which command made a table, on what and when, stands beside it in RESULTS.md.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from hsi_studio.errors import CorruptFile

FOLDER = Path(__file__).parent / "results" / "measured"
SUFFIXES = (" ±", " low", " high")

Line = dict[str, str]  # column → what was written down


@dataclass(frozen=True)
class Value:
    """A figure with what is known of its spread; low and high are of its interval, or one deviation to each side."""

    value: float
    low: float | None = None
    high: float | None = None


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.csv"


def every_name() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.csv"))


def read(name: str) -> list[Line]:
    """The lines of a table. Raises CorruptFile for lines of another length than the first."""
    with file_of(name).open(encoding="utf-8", newline="") as stream:
        head, *body = list(csv.reader(stream))
    if any(len(line) != len(head) for line in body):
        raise CorruptFile(file_of(name), f"not every line has {len(head)} fields", "Quote fields that hold a comma")
    return [dict(zip(head, line, strict=True)) for line in body]


def value(line: Line, column: str) -> Value:
    """A column with its spread or interval; not a number where nothing was measured."""
    middle = float(line[column] or "nan")
    if spread := line.get(f"{column} ±"):
        return Value(middle, middle - float(spread), middle + float(spread))
    low, high = line.get(f"{column} low"), line.get(f"{column} high")
    return Value(middle, float(low) if low else None, float(high) if high else None)


def table(name: str) -> list[str]:
    """Markdown: "83.4 ± 3.2", "−0.4 (−1.2 to 0.3)", numbers from 1,000 on with their commas."""
    lines = read(name)
    columns = [column for column in lines[0] if not column.endswith(SUFFIXES)]
    body = ["| " + " | ".join(_cell(line, column) for column in columns) + " |" for line in lines]
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), *body]


def _cell(line: Line, column: str) -> str:
    spread, low, high = (line.get(f"{column}{suffix}", "") for suffix in SUFFIXES)
    text = _number(line[column]) or "–"
    if spread:
        return f"{text} ± {_number(spread)}"
    return f"{text} ({_number(low)} to {_number(high)})" if low else text


def _number(text: str) -> str:
    if re.fullmatch(r"\d{4,}", text):
        return f"{int(text):,}"
    return text.replace("-", "−", 1) if re.fullmatch(r"-[\d.]+", text) else text
