"""What the values are: units as files spell them.

The rule: words that say “a share” (unitless, dimensionless, 1, reflectance in any case) are no unit of radiance: with
values that fit, they are reflectance; percentages stay what they are called. Every other text is kept as the file has
it.
"""

from __future__ import annotations

import re

OF_SHARES = re.compile(r"[\[(]\s*0\s*(?:[-–…]|to|\.\.+)\s*1(?:\.0)?\s*[\])]")  # "reflectance [0-1]"
SHARE = {"", "1", "1.0", "-", "none", "n/a", "na", "unitless", "dimensionless", "unit less", "no unit", "ratio",
         "fraction",
         "unknown", "null", "0-1", "undefined"}  # fmt: skip
REFLECTANCE = ("reflectance", "refl", "reflectivity", "rrs", "surface_reflectance", "réflectance", "reflektanz",
               "reflektans", "reflectancia", "reflectância", "riflettanza", "reflectantie", "反射率")  # fmt: skip


def unit_of(text: str | None) -> str:
    """ "reflectance", "" for a file that names no unit, or the unit as it stands there."""
    said = (text or "").strip()
    plain = OF_SHARES.sub("", said.lower()).strip("[]() .")
    if plain in SHARE:
        return ""
    words = plain.replace("-", " ").replace("_", " ").split()
    if words and any(word in REFLECTANCE for word in words) and not any(c.isdigit() or c in "%*/" for c in plain):
        return "reflectance"
    return said
