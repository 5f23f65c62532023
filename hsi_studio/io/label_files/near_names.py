"""Class names of a file that are nearly a class of the project: two spellings of one class make two classes.

Nearly: the same letters and digits but for case, blanks, hyphens and a plural's s ("Crop land", "cropland"), or one
letter more, less or other inside a word of six at least ("forrest"). "Corn 1" and "Corn 2" are not, nor "Class A" and
"Class B": what differs at an end is a difference that was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hsi_studio.humanize import listed

LEAST = 6  # letters from which one may be wrong
SHOWN = 4


def near_names(given: Iterable[str], known: Sequence[str]) -> list[tuple[str, str]]:
    """(name of the file, class of the project) of the names that are no class yet and nearly are one."""
    taken = {name.casefold() for name in known}
    found = []
    for name in dict.fromkeys(given):
        if name.casefold() in taken:
            continue
        match = next((one for one in known if _near(_letters(name), _letters(one))), None)
        if match is not None:
            found.append((name, match))
    return found


def near_note(given: Iterable[str], known: Sequence[str]) -> str:
    """What to say of them; "" for none."""
    pairs = near_names(given, known)
    if not pairs:
        return ""
    said = listed([f"“{name}” beside “{one}”" for name, one in pairs], SHOWN)
    return (
        f"New classes with names that are nearly yours: {said}. If they are the same, rename your class as in the file "
        "before you add the labels."
    )


def _letters(name: str) -> str:
    plain = "".join(c for c in name.casefold() if c.isalnum())
    return plain[:-1] if len(plain) > 3 and plain.endswith("s") and not plain.endswith("ss") else plain


def _near(a: str, b: str) -> bool:
    if a == b:
        return bool(a)
    if min(len(a), len(b)) < LEAST or not (a + b).isalpha() or (a[0], a[-1]) != (b[0], b[-1]):
        return False
    short, long = sorted((a, b), key=len)
    if len(long) - len(short) > 1:
        return False
    at = next((k for k, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    return short[at + (len(short) == len(long)) :] == long[at + 1 :]
