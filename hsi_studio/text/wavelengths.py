"""Wavelengths that a sentence names, and whether a sensor measures them.

Found are numbers with a unit ("2100 nm", "1.4 µm", "1450 to 1940 nm", "700-800 nanometres") and names of a range
("short-wave infrared"). Thresholds of the names are those of ISO 20473 and common use in remote sensing: near infrared
from 750 nm, short-wave infrared from 1300 nm, thermal infrared from 3000 nm.
"""

from __future__ import annotations

import re

UNIT_NM = {"nm": 1.0, "nanomet": 1.0, "µm": 1000.0, "μm": 1000.0, "um": 1000.0, "micromet": 1000.0, "micron": 1000.0}
_NUMBER = r"\d+(?:[.,]\d+)?"
_NAMED = re.compile(
    rf"(?P<numbers>{_NUMBER}(?:\s*(?:-|–|—|/|,|to|and|or|bis|und|à|a|y|e|et)\s*{_NUMBER})*)\s*"
    r"(?P<unit>nm\b|nanomet|µm\b|μm\b|um\b|micromet|micron)",
    re.IGNORECASE,
)
RANGES = (  # name of a range, its first wavelength in nm
    (re.compile(r"\b(?:swir|short[- ]?wave(?:length)?[- ]infra-?red)\b", re.IGNORECASE), "short-wave infrared", 1300.0),
    (
        re.compile(r"\b(?:thermal[- ]infra-?red|tir|lwir|mwir|emissivity)\b", re.IGNORECASE),
        "thermal infrared",
        3000.0,
    ),
    (re.compile(r"\b(?:nir|near[- ]infra-?red)\b", re.IGNORECASE), "near infrared", 750.0),
)
SLACK_NM = 20.0  # "2450 nm" is said of a sensor whose last band is at 2445


def named_wavelengths(sentence: str) -> list[float]:
    """Every wavelength with a unit, in nm, in order."""
    found = []
    for match in _NAMED.finditer(sentence):
        scale = UNIT_NM[match["unit"].lower()]
        for number in re.findall(_NUMBER, match["numbers"]):
            text = number.replace(",", ".") if scale > 1 else re.sub(r"[.,](?=\d{3}$)", "", number).replace(",", ".")
            found.append(float(text) * scale)
    return found


def outside(sentence: str, range_nm: tuple[float, float] | None) -> list[str]:
    """What a sentence names that the sensor does not measure: "2100 nm", "short-wave infrared".

    `range_nm` None = the file does not say its wavelengths; then every number with a unit is outside.
    """
    found = []
    for value in named_wavelengths(sentence):
        if range_nm is None or not range_nm[0] - SLACK_NM <= value <= range_nm[1] + SLACK_NM:
            found.append(f"{value:g} nm")
    if range_nm is not None:
        for pattern, name, start in RANGES:
            if pattern.search(sentence) and range_nm[1] < start:
                found.append(name)
    return list(dict.fromkeys(found))
