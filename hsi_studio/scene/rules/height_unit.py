"""Heights in metres: what their file says of their unit.

The rule: the unit of the band or array counts, else that of the vertical part of a compound map system (UNIT in
VERT_CS or VERTCRS of its well-known text, with its factor). Without a word, or with one that is no length, heights
count as metres.
"""

from __future__ import annotations

import re

METRES = {
    "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "international foot": 0.3048, "international feet": 0.3048,
    "ftus": 1200 / 3937, "us ft": 1200 / 3937, "us survey foot": 1200 / 3937, "us survey feet": 1200 / 3937,
    "survey foot": 1200 / 3937, "foot us": 1200 / 3937, "sft": 1200 / 3937,
    "yd": 0.9144, "yard": 0.9144, "yards": 0.9144, "fathom": 1.8288, "fathoms": 1.8288,
    "mm": 0.001, "cm": 0.01, "dm": 0.1, "km": 1000.0,
}  # fmt: skip
LONG = re.compile(r"(milli|centi|deci|kilo)met(?:re|er)s?")
PREFIX = {"milli": 0.001, "centi": 0.01, "deci": 0.1, "kilo": 1000.0}
VERTICAL = re.compile(r'VERT(?:_CS|CRS|ICALCRS)\[.*?(?:LENGTH)?UNIT\["([^"]+)",\s*([0-9.eE+-]+)', re.DOTALL)


METRE = re.compile(r"(?:m|met(?:re|er)s?)\b.*")
NO_WORD = {"", "unknown", "none", "1", "-"}


def _spelled(unit: str) -> str:
    return " ".join(unit.lower().replace("_", " ").replace("-", " ").strip("[]() .").split())


def metres_each(unit: str, crs: str | None) -> tuple[float, str]:
    """(metres of one unit, its name as the file has it); (1.0, "") for metres and where the file says nothing."""
    spelled = _spelled(unit)
    long = LONG.fullmatch(spelled)
    factor = PREFIX[long[1]] if long else METRES.get(spelled)
    if factor is not None:
        return factor, unit.strip()
    if spelled:
        return 1.0, ""
    found = VERTICAL.search(crs or "")
    if found is None:
        return 1.0, ""
    try:
        factor = float(found[2])
    except ValueError:
        return 1.0, ""
    return (1.0, "") if factor == 1 or not 1e-3 <= factor <= 1e3 else (factor, found[1])


def note(name: str, factor: float, unit: str) -> str:
    return f"The heights of {name} are in “{unit}”, as it says; they are read as metres (× {factor:.6g})."


def remark(name: str, unit: str, factor: float, highest_m: float, highest_place_m: float) -> str:
    """What heights cannot be: of a unit that is no length, or above every mountain; "" for all others."""
    spelled = _spelled(unit)
    if factor == 1 and spelled not in NO_WORD and METRE.fullmatch(spelled) is None:
        said = unit.strip()[:40]
        return f"{name} gives its values in “{said}”, which is no length: they are taken for heights in metres."
    if highest_m > highest_place_m:
        return (
            f"Heights of {name} reach {highest_m:,.0f} m, higher than any ground. If they are in centimetres, write "
            "that into the file: gdal_edit.py -units cm FILE."
        )
    return ""
