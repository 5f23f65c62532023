"""Headers as text: bytes → lines → fields → lists of numbers, as many programs write them.

The rule: UTF-8 (with or without BOM), UTF-16, else the Windows code page (ENVI for Windows writes the system's); any
line ends; keys in any case, with blanks or underscores, under the usual aliases; braces may nest, and square brackets
count as braces; comments begin with “;”; of a key given twice the last counts, as in GDAL, and it is noted when they
differ. Lists are separated by commas, blanks or semicolons; with semicolons, or commas followed by blanks, a comma
between two digits is a decimal comma when only then the list has the right length; so is every second one of whole
numbers that are twice as many (400,00,410,00).
"""

from __future__ import annotations

import csv
import re

import numpy as np
import numpy.typing as npt

ALIASES = {
    "wavelengths": "wavelength", "wavelength unit": "wavelength units", "wavelengths units": "wavelength units",
    "no data value": "data ignore value", "nodata": "data ignore value", "nodata value": "data ignore value",
    "data ignore values": "data ignore value", "ignore value": "data ignore value", "data ignore": "data ignore value",
    "bad band list": "bbl", "bad bands list": "bbl", "bandnames": "band names", "band name": "band names",
    "mapinfo": "map info", "coordinate system": "coordinate system string", "datatype": "data type",
    "byteorder": "byte order", "headeroffset": "header offset", "filetype": "file type", "ncols": "samples",
    "columns": "samples", "rows": "lines", "channels": "bands", "number of bands": "bands", "classnames": "class names",
}  # fmt: skip


LISTS = ("wavelength", "fwhm", "bbl", "band names", "map info", "coordinate system string", "class names",
         "class lookup", "data gain values", "data offset values", "default bands", "spectra names")  # fmt: skip
BEGINS_A_LIST = re.compile(rf"\s*({'|'.join(LISTS).replace(' ', '[ _]+')})\s*=\s*[{{\[]", re.IGNORECASE)
FIELDS = {*LISTS, *ALIASES.values(), "samples", "lines", "bands", "interleave", "description", "sensor type", "classes",
          "data units"}  # fmt: skip
CODE_PAGE = "Windows-1252"
EXPONENT = re.compile(r"(?<=[\d.])[dD](?=[+-]?\d)")  # Fortran's 4.5D+02


def code_page_note(data: bytes, text: str) -> str | None:
    """A note on a header whose letters are of a code page it does not name; None for Unicode and plain ASCII."""
    try:
        data.decode("utf-8")
        return None
    except UnicodeDecodeError:
        pass
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:200].count(0) > min(len(data), 200) // 6:
        return None
    word = next((w for w in re.split(r"[\s,{}=]+", text) if not w.isascii()), "")
    return (
        f"The header is not Unicode and is read as {CODE_PAGE} (“{word[:40]}”): if that is no word, save it as UTF-8."
    )


def decode(data: bytes) -> str:
    """Text of a header, without a byte order mark. Never fails: Windows-1252 knows every byte but five."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    head = data[:200]
    if head[1::2].count(0) > len(head) // 3:
        return data.decode("utf-16-le", "replace")
    if head[::2].count(0) > len(head) // 3:
        return data.decode("utf-16-be", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def key_of(text: str) -> str:
    """ "Data_Ignore_Value " → "data ignore value", aliases resolved."""
    key = " ".join(text.lower().replace("_", " ").split())
    return ALIASES.get(key, key)


def fields_of(lines: list[str]) -> tuple[dict[str, str], list[str], str | None]:
    """(fields by key, notes, key of a brace that is never closed or None)."""
    fields: dict[str, str] = {}
    notes: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        name, equals, value = line.partition("=")
        if line.lstrip().startswith(";") or not equals:
            continue
        key, value = key_of(name), value.strip()
        if not value and at < len(lines) and lines[at].lstrip()[:1] in ("{", "["):
            value, at = lines[at].strip(), at + 1
        if value[:1] in ("{", "["):
            collected, after = _braced(value, lines, at)
            if collected is not None and any(BEGINS_A_LIST.match(line) for line in lines[at:after]):
                end = next(n for n in range(at, after) if _is_field(lines[n]))
                collected, after = "\n".join([value[1:], *lines[at:end]]).strip(), end
                notes.append(f"The brace after “{key} =” is not closed; it ends before “{lines[end].strip()[:30]}”.")
            if collected is None:
                return fields, notes, key
            value, at = collected, after
        else:
            value = value.partition(";")[0].strip()
        if fields.get(key, value) != value:
            notes.append(f"The header gives “{key}” twice; the last one counts.")
        fields[key] = value
    return fields, notes, None


def _is_field(line: str) -> bool:
    name, equals, _ = line.partition("=")
    return bool(equals) and key_of(name) in FIELDS


def _braced(first: str, lines: list[str], at: int) -> tuple[str | None, int]:
    """(text inside the braces, next line); (None, …) when they are never closed."""
    opening, closing = first[0], {"{": "}", "[": "]"}[first[0]]
    for nested in (True, False):  # an opening brace too many must not swallow the rest of the header
        collected, here = [first[1:]], at
        depth = 1 + (first[1:].count(opening) if nested else 0) - first[1:].count(closing)
        while depth > 0 and here < len(lines):
            line = lines[here]
            here += 1
            if line.lstrip().startswith(";"):
                continue
            collected.append(line)
            depth += (line.count(opening) if nested else 0) - line.count(closing)
        if depth <= 0:
            collected[-1] = collected[-1].rpartition(closing)[0]
            return "\n".join(collected).strip(), here
    return None, at


def _parts(text: str) -> list[str]:
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


def split_list(text: str) -> list[str]:
    """`_parts` without blanks around them and without an empty last one."""
    if not text:
        return []
    if text.count('"') and text.count('"') % 2 == 0:  # {Unclassified, "Wood, dense", Water}
        rows = csv.reader([" ".join(text.split())], skipinitialspace=True)
        parts = [part.strip() for row in rows for part in row]
    else:
        parts = [part.strip() for part in _parts(text)]
    return parts[:-1] if parts and parts[-1] == "" else parts


def numbers(text: str, count: int | None = None) -> npt.NDArray[np.float64] | None:
    """A list of numbers, of `count` where one of the ways to read it gives that many; None when it is no list."""
    text = EXPONENT.sub("e", text.strip().strip("{}[]").strip())
    ways = (
        lambda: split_list(text),
        lambda: text.split(),
        lambda: [part.replace(",", ".") for part in re.split(r"\s*;\s*", text.rstrip("; "))],
        lambda: [part.replace(",", ".") for part in re.split(r",\s+", text.rstrip(", "))],
        lambda: [part.replace(",", ".") for part in text.split()],
        lambda: re.split(r"[,;\s]+", text.strip(",; ")),
    )
    found: npt.NDArray[np.float64] | None = None
    for way in ways:
        try:
            values = np.array([float(item) for item in way()], dtype=np.float64)
        except ValueError:
            continue
        if values.size and (count is None or values.size == count):
            return values
        found = values if found is None and values.size else found
    pieces = [piece.strip() for piece in text.rstrip(", ").split(",")]
    if count is not None and count > 1 and len(pieces) == 2 * count and all(piece.isdigit() for piece in pieces):
        return np.array([float(f"{whole}.{part}") for whole, part in zip(pieces[::2], pieces[1::2], strict=True)])
    return found
