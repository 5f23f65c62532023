"""What is said of a file, in a shell and on the page: options go by the names they have there.

The notes of a reading plan are made far below both (`scene/rules`) and name a shell's options; the sheet that opens
files has a row for each of them.
"""

from __future__ import annotations

import re

ROWS = {
    "var": "Variable", "axes": "Axes", "wavelengths": "Wavelengths", "unit": "Their unit", "nodata": "No-data value",
    "scale": "Scale", "mask": "Mask", "quality": "Quality masks", "crs": "Map system", "dsm": "Surface model",
    "reference": "Reference map",
}  # fmt: skip
IN_A_SHELL = re.compile(r"\s*\(in a shell: [^()]*\)")
OPTION = re.compile(rf"(?<![\w-])--({'|'.join(ROWS)})\b")


def for_page(text: str) -> str:
    """>>> for_page("Say it with --scale, as in 0.0001.")
    'Say it with “Scale”, as in 0.0001.'
    """
    return OPTION.sub(lambda found: f"“{ROWS[found[1]]}”", IN_A_SHELL.sub("", text))
