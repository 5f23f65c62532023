"""What people type or paste, made safe to store: class names, colours, file names, pasted class lists.

Unusual here: names are cleaned (control characters, direction overrides and lone surrogates removed) before
they are checked, so a name pasted with a line break or a tab is repaired and not refused.
"""

from __future__ import annotations

import re
import unicodedata

from hsi_studio.errors import LabelProblem

MAX_NAME = 80
_COLOR = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)
_PASTED = re.compile(r"^(?P<name>.*?)(?:\s*[,;\t]\s*|\s+)(?P<color>#[0-9a-fA-F]{3,8})\s*$")
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def clean_text(text: str) -> str:
    """NFC, control characters gone, white space (line breaks too) collapsed to single spaces, trimmed."""
    spaced = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
    kept = (c for c in spaced if unicodedata.category(c) not in ("Cc", "Cs") and c not in _OVERRIDES)
    return re.sub(r" +", " ", "".join(kept)).strip()


def clean_name(name: str) -> str:
    """A class name of 1–80 characters. Raises LabelProblem."""
    cleaned = clean_text(name)
    if not cleaned:
        raise LabelProblem("A class needs a name. Type at least one visible character.")
    if len(cleaned) > MAX_NAME:
        raise LabelProblem(
            f"The class name {cleaned[:20]!r}… has {len(cleaned)} characters; {MAX_NAME} is the most. Shorten it."
        )
    return cleaned


def clean_color(color: str) -> str:
    """'#rrggbb' in lower case from '#RGB', 'rrggbb' or '#rrggbb'. Raises LabelProblem."""
    match = _COLOR.fullmatch(color.strip())
    if match is None:
        raise LabelProblem(f"{color[:30]!r} is not a colour. Write it as #rrggbb, for example #e69f00.")
    digits = match.group(1).lower()
    return "#" + (digits if len(digits) == 6 else "".join(d * 2 for d in digits))


def same_name(a: str, b: str) -> bool:
    """Names that differ only in case are the same class to a reader of a legend."""
    return a.casefold() == b.casefold()


def parse_class_list(text: str) -> list[tuple[str, str | None]]:
    """(name, colour or None) a line: "Corn", "Corn, #f0e442", "Corn<tab>#f0e442". Empty lines are skipped.

    A comma or semicolon that is not followed by a colour belongs to the name. Raises LabelProblem with the line
    number for a name that is empty, too long or given twice, and for a colour that is none.
    """
    found: list[tuple[str, str | None]] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _PASTED.match(line)
        try:
            name = clean_name(match["name"] if match else line)
            color = clean_color(match["color"]) if match else None
        except LabelProblem as problem:
            raise LabelProblem(f"Line {number}: {problem}") from None
        if name.casefold() in seen:
            raise LabelProblem(f"Line {number}: {name!r} is already on line {seen[name.casefold()]}. Keep one of them.")
        seen[name.casefold()] = number
        found.append((name, color))
    if not found:
        raise LabelProblem("The list is empty. Paste one class name per line.")
    return found


def slug(text: str, fallback: str = "scene") -> str:
    """A file name that every system takes: ASCII letters, digits, '-' and '_', at most 60 characters."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_text).strip("-_")[:60].strip("-_")
    reserved = re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", cleaned)  # names Windows keeps for devices
    return fallback if not cleaned or reserved else cleaned
