"""The reading plan: what the program takes a file for, before anything is made of it.

A plan has one `Fact` a question: which variable, which axes, where the wavelengths come from, what counts as no data …
Each says how sure it is and why:
- certain: the file says so, or the user does;
- likely: a convention or the values say so plainly: opened, and noted;
- guess: it might as well be otherwise. A guess about axes, no data or unit changes every later figure, so it is asked
  (`AskAboutFile`), never taken.

`Reading` is what the user says instead, and what a project keeps so that reopening gives the same scene. Both are plain
data and go to JSON and back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.types import Scene

Sure = Literal["certain", "likely", "guess"]
# 1: axes by variance alone and no fill value unless declared, as projects without a number were read; 2: fill values
# in all bands of a pixel only; 3: one value alone in all bands of many pixels is not asked about; 4: headers' lists of
# scales and marks by their first number or not at all, a band marked as alpha never as data, pages of a TIFF as bands;
# 5: heights that are stored turned against the scene blurred by GDAL; 6: layers of netCDF without their place, heights
# in feet as metres, CF's lists and limits by their first number or not at all, class 0 of ENVI as not labelled;
# 7: spheres, prime meridians and false eastings in kilometres of CF as those of WGS 84, longitudes over the 180th
# meridian as no grid, wavelengths as one text not at all, maps (x, y) beside a cube as rows and columns; 8: masks,
# scales and wavelengths in files beside a TIFF, and where a layer lies, as no part of a scene's id, ENVI's pixel size
# not at all
FIRST_RULES, RULES = 1, 9
AXIS_NAMES = ("rows", "cols", "bands")
ASKED = ("axes", "nodata", "unit")  # guesses about these change pixels
OPTION = {"axes": "--axes", "nodata": "--nodata", "unit": "--unit", "wavelengths": "--wavelengths"}


@dataclass(frozen=True)
class Fact:
    """One answer of a plan. `choices`: what else it may be, the answer first; each is a value of the option."""

    value: Any  # a number, a text, a list of them, or None
    sure: Sure
    reason: str
    choices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        odd = isinstance(self.value, float) and not math.isfinite(self.value)  # JSON has no NaN
        return asdict(self) | {"choices": list(self.choices)} | ({"value": str(self.value)} if odd else {})

    @staticmethod
    def from_json(about: Mapping[str, Any]) -> Fact:
        return Fact(about["value"], about["sure"], about["reason"], tuple(about.get("choices", ())))


class Remark(str):
    """A note on a layer that moves no pixel, and so is no part of a scene's id."""


@dataclass(frozen=True)
class ReadingPlan:
    """Facts by question: variable, axes, wavelengths, unit, nodata, scale, bad bands, mask, place, roles."""

    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __getitem__(self, question: str) -> Fact:
        return self.facts[question]

    def __contains__(self, question: object) -> bool:
        return question in self.facts

    @property
    def asked(self) -> dict[str, Fact]:
        """The guesses that would change pixels."""
        return {name: fact for name, fact in self.facts.items() if fact.sure == "guess" and name in ASKED}

    def to_json(self) -> dict[str, Any]:
        return {name: fact.to_json() for name, fact in self.facts.items()}

    @staticmethod
    def from_json(about: Mapping[str, Any]) -> ReadingPlan:
        return ReadingPlan({name: Fact.from_json(fact) for name, fact in about.items()})


OWN_REFERENCE = "The reference is the variable"  # so begins the note on one in the scene's own file


def with_another_reference(notes: Sequence[str], plan: ReadingPlan | None) -> tuple[str, ...]:
    """The notes of a scene whose reference is given: those on class maps in its own file no longer hold."""
    unused = plan["reference"].reason if plan is not None and "reference" in plan else None
    return tuple(note for note in notes if note != unused and not note.startswith(OWN_REFERENCE))


class AskAboutFile(FileProblem):
    """A guess that would change pixels. `plan` holds it with its choices; the option of each choice answers it."""

    def __init__(self, path: Path | str, plan: ReadingPlan) -> None:
        self.plan = plan
        question, fact = next(iter(plan.asked.items()))
        self.question, self.choices = question, fact.choices
        listed = " or ".join(f"{OPTION[question]} {choice}" for choice in fact.choices)
        super().__init__(path, fact.reason, f"Say which it is: {listed}")


@dataclass(frozen=True)
class Reading:
    """What is said about a file instead of found in it; None = as the file and the rules say.

    `axes`: names in stored order, "rows,cols,bands". `nodata`: a stored value, or "none". `wavelengths`: numbers, in
    `unit`; () = none. `scale`: value = stored · scale. `mask`: a raster whose zeros are left out. `quality`:
    kinds of the product's own masks whose pixels are left out, "cloud,shadow" or "all". `crs`: EPSG:… or WKT.
    """

    axes: str | None = None
    nodata: float | str | None = None
    wavelengths: tuple[float, ...] | None = None
    unit: str | None = None
    scale: float | None = None
    mask: str | None = None
    quality: str | None = None
    crs: str | None = None
    rules: int = RULES

    @property
    def stored_axes(self) -> tuple[int, int, int] | None:
        """Stored axes that are rows, columns, bands."""
        if self.axes is None:
            return None
        names = self.axes.split(",")
        return names.index("rows"), names.index("cols"), names.index("bands")

    @staticmethod
    def of(options: Mapping[str, Any]) -> Reading:
        """From keywords, of the CLI, the page, Python or a project. Raises BadRequest naming the option."""
        unknown = set(options) - {f.name for f in fields(Reading)}
        if unknown:
            raise BadRequest(f"There is no reading option {', '.join(sorted(unknown))}.")
        given = {key: value for key, value in options.items() if value is not None and value != ""}
        makers: dict[str, Callable[[Any], Any]] = {
            "axes": _axes, "nodata": _nodata, "wavelengths": _wavelengths, "scale": _scale, "rules": _rules,
        }  # fmt: skip
        made = Reading(**{key: makers.get(key, str)(value) for key, value in given.items()})
        table = (
            _table_in(given.get("wavelengths")) if made.wavelengths and made.unit is None and made.rules > 8 else None
        )
        unit = None if table is None else UNIT.search(_column(table)[1])
        if unit is None:
            return made
        return replace(made, unit="wavenumber" if "cm" in unit[0].lower() else unit[0].lower())


def said_about(scene: Scene) -> dict[str, Any]:
    """What a project keeps of a scene's plan beside the options: the rules, and what they found out about pixels."""
    kept: dict[str, Any] = {"rules": RULES}
    plan = ReadingPlan.from_json({k: v for k, v in scene.plan.items() if k in ("axes", "nodata")})
    for question in ("axes", "nodata"):
        if question in plan and plan[question].sure == "likely" and plan[question].value is not None:
            kept[question] = plan[question].value
    return kept


def axes_text(axes: Sequence[int]) -> str:
    """(1, 2, 0) → "bands,rows,cols": names in stored order."""
    named = dict(zip(axes, AXIS_NAMES, strict=True))
    return ",".join(named[position] for position in range(3))


def _axes(value: Any) -> str:
    short = {"row": "rows", "y": "rows", "lines": "rows", "col": "cols", "columns": "cols", "column": "cols",
             "x": "cols",
             "samples": "cols", "band": "bands", "r": "rows", "c": "cols", "b": "bands"}  # fmt: skip
    known = {"bsq": "bands,rows,cols", "bil": "rows,bands,cols", "bip": "rows,cols,bands"}
    text = known.get(str(value).strip().lower(), str(value).lower())
    names = [short.get(part.strip(), part.strip()) for part in text.split(",")]
    if sorted(names) != sorted(AXIS_NAMES):
        raise BadRequest(f"axes {value!r}: name the three stored axes in their order, for example rows,cols,bands.")
    return ",".join(names)


def _nodata(value: Any) -> float | str:
    if isinstance(value, str) and value.strip().lower() in ("none", "no"):
        return "none"
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRequest(f"nodata {value!r}: give the stored value that means “no data”, or none.") from error


def _scale(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number <= 0:
        raise BadRequest(f"scale {value!r}: give the positive number stored values are multiplied by, as in 0.0001.")
    return number


def _rules(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = 0
    if not FIRST_RULES <= number <= RULES:
        raise BadRequest(f"rules {value!r}: give a whole number from {FIRST_RULES} to {RULES}; {RULES} are today's.")
    return number


def _wavelengths(value: Any) -> tuple[float, ...]:
    """Numbers; "400,410,420"; "none"; or a text file with one number a band, by the rule of `_column`."""
    if isinstance(value, str):
        text = value.strip()
        if text.lower() == "none":
            return ()
        table = _table_in(text)
        if table is not None:
            value = _column(table)[0]
        else:
            value = [part for part in text.strip("{}[]").replace(";", ",").split(",") if part.strip()]
    try:
        numbers = tuple(float(v) for v in value)
    except (TypeError, ValueError) as error:
        raise BadRequest(
            f"wavelengths: “{value}” is not a list of numbers or a file with one number a band."
        ) from error
    if not numbers and value != ():
        raise BadRequest("wavelengths: there are no numbers in it; write “none” for a file without wavelengths.")
    if not all(math.isfinite(v) and v > 0 for v in numbers):
        raise BadRequest("wavelengths: every one must be a positive number.")
    return numbers


def _table_in(value: Any) -> str | None:
    """The text of a file of wavelengths; None of numbers and “none”. Raises BadRequest."""
    if not isinstance(value, str) or is_list(value) or not (path := Path(value.strip()).expanduser()).is_file():
        return None
    if path.stat().st_size > 4 << 20:
        raise BadRequest(f"{path.name} is too long for a list of wavelengths: give one number a line.")
    return path.read_text(encoding="utf-8", errors="replace")


UNIT = re.compile(
    r"(?<![a-z])(?:cm\s*\^?\s*[-⁻−]\s*[1¹]|1/cm|wavenumbers?|[mgt]hz|ångström|angstroms?|[nuµμ]m|nanomet\w+|micromet\w+|"
    r"microns?)(?![a-z])",
    re.IGNORECASE,
)


def _column(text: str) -> tuple[list[str], str]:
    """The column of wavelengths of a table and its head: the one whose head says so, else the first that does not count
    1, 2, 3 …

    Between semicolons, tabs or blanks a comma is the decimal sign, as it is in a line that holds nothing else.
    """
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip() and not line.startswith("#")]
    mark = next((mark for mark in (";", "\t") if lines and mark in lines[-1]), None)
    if mark is None and lines and not re.fullmatch(r"\d{3,5},\d+|\d,\d{2,}", lines[-1]):
        mark = "," if "," in lines[-1] else None
    rows = [[cell.strip().strip('"') for cell in (line.split(mark) if mark else line.split())] for line in lines]
    comma = mark != ","
    cells = [[cell.replace(",", ".") if comma else cell for cell in row] for row in rows]
    filled = [row for row in cells if row and any(_is_number(cell) for cell in row)]
    if not filled:
        return [], ""
    if len(filled) == 1 and len(filled[0]) > 2 and all(_is_number(cell) for cell in filled[0]):
        return filled[0], ""  # all in one line
    width = min(len(row) for row in filled)
    heads = [cell.lower() for cell in rows[0]] if not any(_is_number(cell) for cell in cells[0]) else []
    named = [k for k, head in enumerate(heads[:width]) if re.search(r"wave|centre|center|\bnm\b|lambda|wellenl", head)]
    columns = [[row[k] for row in filled] for k in range(width)]
    numeric = [k for k, column in enumerate(columns) if all(_is_number(cell) for cell in column)]
    best = next((k for k in (*named, *numeric) if k in numeric and (k in named or not _counts(columns[k]))), None)
    chosen = best if best is not None else numeric[0] if numeric else 0
    return columns[chosen], heads[chosen] if chosen < len(heads) else ""


def _counts(column: Sequence[str]) -> bool:
    """1, 2, 3 … or 0, 1, 2 …: numbers of bands."""
    values = [float(cell) for cell in column]
    return len(values) > 1 and values[0] in (0, 1) and all(b - a == 1 for a, b in pairwise(values))


def is_list(text: str) -> bool:
    """Whether wavelengths in words are numbers or “none”; else they are a file's name."""
    parts = text.strip().strip("{}[]").replace(";", ",").split(",")
    return "," in text or text.strip().lower() == "none" or all(_is_number(part) for part in parts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
