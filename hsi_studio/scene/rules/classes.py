"""What the numbers of a class raster mean.

The rule:
1. 0, NaN, “no data” and negative numbers are not labelled;
2. the largest number of a type (255, 65535, 32767 …) far above all others, or above others in uneven steps where there
   is neither 0 nor a negative number, is the mark for “not labelled” that segmentation masks use, unless the file names
   it as a class: noted;
3. where −1 or such a mark says what is not labelled and the classes run from 0 without a gap, 0 is one of them: it
   becomes the number after the last one and is called “Class 0”: noted. Where NaN, the file's “no data” or another
   negative number says it, zeros stay not labelled: noted, as is a last number that stands far above all others.
   A file that names 0 as a class (ENVI's class names begin with it; “unclassified” in a dozen languages is none) makes
   it one in the same way; names without such a word that are as many as the largest number are of 1, 2 …: both noted;
4. a palette gives the classes their colours; an image of three or four bytes a pixel with few colours is a class map
   painted in RGB (black and transparent are not labelled); layers of zeros and ones that never overlap are one class a
   layer. Both noted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadValues
from hsi_studio.scene.plan import RULES, Remark
from hsi_studio.types import FloatArray, IntArray

MOST_CLASSES = 1000
MOST_COLOURS = 60  # of a class map painted in RGB
MARKS = (127, 255, 32767, 65535, 2**31 - 1, 2**32 - 1, 9999, 99999)
UNLABELLED = {"", "unlabelled", "unlabeled", "unclassified", "background", "none", "no class", "no data", "nodata",
              "void",
              "unknown", "undefined", "ignore", "masked", "mask", "bg", "empty", "null", "nan", "n/a", "na", "-", "0",
              "missing", "outside", "no label", "not labelled", "not labeled", "not classified", "not mapped",
              "unmarked", "unassigned", "other pixels", "masked pixels", "undetermined",
              "unklassifiziert", "nicht klassifiziert", "hintergrund", "keine daten", "keine klasse", "unbekannt",
              "unmarkiert", "ohne klasse", "non classé", "non classe", "non classifié", "fond", "arrière-plan",
              "sans classe", "sin clasificar", "no clasificado", "fondo", "sin clase", "sin datos", "sfondo",
              "non classificato", "não classificado", "fundo", "sem classe", "ongeclassificeerd", "achtergrond",
              "oklassad", "bakgrund", "baggrund", "tausta", "niesklasyfikowane", "tło", "pozadí", "неклассифицировано",
              "фон", "未分类", "未分類", "未标注", "背景", "無", "无"}  # fmt: skip
UNLABELLED_WORDS = re.compile(r"(un-?labell?ed|un-?classified|background|no[ _-]?data|ignored?)\b")
ROUNDING = 1e-6  # of a number, as float32 leaves it
FAR_ABOVE = 5  # times the next number
TORN = "as a name with a comma in it does"  # in the note of names that do not fit their classes
REMEDY_VALUES = "Name the class map, not the data"


@dataclass(frozen=True)
class ClassMap:
    """`labels` (H, W), 0 = not labelled; names and colours by value. `zero`: the value that class 0 of the file has
    here, 0 = none; `later`: the file's list of names begins with class 1."""

    labels: IntArray
    names: dict[int, str]
    notes: tuple[str, ...] = ()
    colors: dict[int, str] = field(default_factory=dict)
    zero: int = 0
    later: bool = False

    def colors_of(self, listed: dict[int, str]) -> dict[int, str]:
        """The file's colours by its own numbers, from 0 on, by the values they have here."""
        if self.later:
            return {value + 1: color for value, color in listed.items()}
        moved = {self.zero: listed[0]} if self.zero and 0 in listed else {}
        return {value: color for value, color in (listed | moved).items() if value > 0}


def of_values(
    path: Path, values: npt.NDArray[np.floating], names: dict[int, str], declared: bool = False, rules: int = RULES
) -> ClassMap:
    """Rules 1–3 on (H, W) numbers with NaN where there is no data; `declared`: the file says what no data is; `rules`
    of an older project.

    Raises BadValues: fractions, no labelled pixel, more than 1,000 classes.
    """
    finite = np.isfinite(values)
    if not finite.any():
        raise BadValues(path, "the class map has no data at all", "Check the file and its “no data” value")
    rounded = np.round(values)
    fraction = finite & (np.abs(values - rounded) > ROUNDING * np.maximum(1, np.abs(values)))
    if fraction.any():
        odd = float(values[fraction][0])
        raise BadValues(path, f"a class map holds whole numbers, this holds {odd:g}", REMEDY_VALUES)
    present = [int(v) for v in np.unique(rounded[finite])]
    notes: list[str] = []
    marked = -1 in present and min(present) == -1
    largest, below = present[-1], [v for v in present[:-1] if v >= 0]
    unnamed = largest in MARKS and largest not in names and bool(below) and below[-1] > 0
    if unnamed and (largest > 2 * below[-1] or (rules > 4 and _fills_the_rest(present, below))):
        n = int((rounded == largest).sum())
        notes.append(f"{largest} is taken as “not labelled” ({n:,} pixels), as in segmentation masks.")
        finite = finite & (rounded != largest)
        present, marked = present[:-1], True
    positive = [v for v in present if v > 0]
    from_0 = marked and len(positive) >= 2 and positive == list(range(1, positive[-1] + 1))  # by rule 3
    notes += _doubts(rounded, finite, present, names, from_0)
    labels = np.where(finite & (rounded > 0), rounded, 0)
    if labels.max() > 2**24:
        raise BadValues(path, f"it holds values up to {labels.max():.0f}", "Renumber the classes from 1 upwards")
    labels = labels.astype(np.int32)
    names = dict(names)
    zero, later = 0, rules > 6 and _counted_from_1(names, positive)
    if later:
        names = {value + 1: name for value, name in names.items()}
        notes.append(
            Remark(
                f"There are {len(names)} class names for classes 1 to {positive[-1]}, and the first is no "
                f"“unclassified”: class 1 is “{names[1]}”."
            )
        )
    if rules > 6 and 0 in present and not declared and not marked and not is_unlabelled(names.get(0, "")):
        zero = max([*positive, *names]) + 1
        labels[finite & (rounded == 0)] = zero
        notes.append(
            f"The file calls class 0 “{names[0]}”; it has the number {zero} here, so that 0 stays “not labelled”."
        )
        names[zero] = names[0]
        positive.append(zero)
    contiguous = len(positive) >= 2 and positive == list(range(1, positive[-1] + 1))
    if marked and not declared and 0 in present and not is_unlabelled(names.get(0, "class")) and contiguous:
        zero = positive[-1] + 1
        labels[finite & (rounded == 0)] = zero
        notes.append(f"Classes are counted from 0: class 0 has the number {zero} here, so that 0 stays “not labelled”.")
        names[zero] = names.get(0, "") or "Class 0"
        positive.append(zero)
    if not positive:
        raise BadValues(path, "the class map has no labelled pixel (all are 0)", "Check that it is the right file")
    if len(positive) > MOST_CLASSES:
        raise BadValues(path, f"it holds {len(positive)} different values", "Name a class map; this looks like data")
    return ClassMap(labels, complete_names(names, positive), tuple(notes), zero=zero, later=later)


def _counted_from_1(names: dict[int, str], positive: list[int]) -> bool:
    """Whether names that are listed from 0 on can only be those of 1, 2 …: a number is beyond the last of them."""
    return (
        len(names) > 1
        and sorted(names) == list(range(len(names)))
        and not is_unlabelled(names[0])
        and bool(positive)
        and positive[-1] == len(names)
    )


def _fills_the_rest(present: list[int], below: list[int]) -> bool:
    """Whether the largest number of a type is the only one that can mean “not labelled”: no zero and no negative number
    is there, and it is no step of even ones (grey values 51, 102 … 255)."""
    steps = {second - first for first, second in pairwise(present)}
    return min(present) > 0 and len(below) > 1 and len(steps) > 1


def _doubts(
    rounded: npt.NDArray[np.floating], finite: npt.NDArray[np.bool_], present: list[int], names: dict[int, str],
    from_0: bool,
) -> list[str]:  # fmt: skip
    """Remarks on what may mean something else: zeros beside another “not labelled”, a number far above all others."""
    out: list[str] = []
    positive = [v for v in present if v > 0]
    other = not finite.all() or min(present) < 0
    if 0 in present and positive and other and not from_0 and not is_unlabelled(names.get(0, "class")):
        n = int((finite & (rounded == 0)).sum())
        out.append(
            Remark(
                f"{n:,} pixels of the class map are 0 and are taken as “not labelled”, as are those without data: if 0 "
                "is a class, number the classes from 1."
            )
        )
    if len(positive) > 2 and positive[-1] not in names and positive[-1] > FAR_ABOVE * positive[-2]:
        n = int((finite & (rounded == positive[-1])).sum())
        out.append(
            Remark(
                f"The class {positive[-1]} ({n:,} pixels) stands far above the others: if it means “not labelled”, "
                "declare it as the file's “no data” value or set it to 0."
            )
        )
    return out


def is_unlabelled(name: str) -> bool:
    """Does a class name say that nothing is labelled there? "" does."""
    plain = name.strip().lower()
    return plain in UNLABELLED or bool(UNLABELLED_WORDS.match(plain))


def of_layers(path: Path, layers: FloatArray) -> tuple[FloatArray, dict[int, str], dict[int, str], str] | None:
    """(values (H, W), names, colours, note) of a painted or one-hot map (H, W, L); None when it is neither."""
    finite = np.where(np.isfinite(layers), layers, 0)
    n_layers = layers.shape[2]
    if n_layers > 1 and np.isin(finite, (0, 1)).all() and finite.sum(axis=2).max() <= 1 and finite.any():
        values = np.where(finite.any(axis=2), finite.argmax(axis=2) + 1, 0).astype(np.float32)
        return values, {}, {}, f"The map's {n_layers} layers of zeros and ones are read as one class a layer."
    whole = np.array_equal(finite, np.round(finite)) and finite.min() >= 0 and finite.max() <= 255
    if n_layers not in (3, 4) or not whole:
        return None
    packed = finite[:, :, :3].astype(np.int64) @ np.array([65536, 256, 1])
    if n_layers == 4:
        packed = np.where(finite[:, :, 3] == 0, 0, packed)
    colours = [int(c) for c in np.unique(packed) if c > 0]
    if not 2 <= len(colours) <= MOST_COLOURS:
        return None
    order = {colour: k for k, colour in enumerate(colours, start=1)}
    values = np.zeros(packed.shape, np.float32)
    for colour, k in order.items():
        values[packed == colour] = k
    spelled = {k: f"#{colour:06x}" for colour, k in order.items()}
    note = f"The map is painted in {len(colours)} colours; each is read as a class, black as “not labelled”."
    return values, {k: f"Colour {text}" for k, text in spelled.items()}, spelled, note


def complete_names(names: dict[int, str], present: list[int]) -> dict[int, str]:
    """{value: name} in value order for the values that occur and those the file names."""
    values = sorted({int(v) for v in present} | {v for v in names if v > 0 and names[v].strip()})
    return {v: names.get(v, "").strip() or f"Class {v}" for v in values}
