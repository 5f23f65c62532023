"""ENVI headers: text → facts. Tolerates what the format's many writers do.

The field list is NV5's "ENVI Header Files" reference. Differences from `spectral.io.envi`, which refuses
or misreads some real files: comment lines (`;`), keys in any case, a missing `byte order`, `header offset`
or `file type`, and what `rules/header_text.py` lists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.scene.rules.header_text import code_page_note, decode, fields_of, numbers, split_list

HEADER_LIMIT = 4 << 20  # bytes; longer files are not headers
DTYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
INTERLEAVES = ("bsq", "bil", "bip")
WORDS = {  # of writers that do not know ENVI's numbers
    "data type": {"byte": 1, "uint8": 1, "int16": 2, "int32": 3, "float": 4, "float32": 4, "single": 4, "double": 5,
                  "float64": 5, "uint16": 12, "uint32": 13, "int64": 14, "uint64": 15},
    "byte order": {"intel": 0, "little": 0, "littleendian": 0, "lsb": 0, "ieeele": 0, "host": 0, "big": 1,
                   "bigendian": 1, "motorola": 1, "msb": 1, "ieeebe": 1, "network": 1},
}  # fmt: skip
ORDERS = {"bandsequential": "bsq", "bandinterleavedbyline": "bil", "bandinterleavedbypixel": "bip"}
FIX = "Correct the header"


@dataclass(frozen=True)
class Header:
    """Fields of one header, keys in lower case, lists still as text."""

    path: Path
    fields: dict[str, str]
    notes: tuple[str, ...] = ()

    def text(self, key: str, default: str = "") -> str:
        return self.fields.get(key, default).strip()

    def items(self, key: str) -> list[str]:
        """Comma-separated values; commas inside parentheses belong to the value."""
        return split_list(self.text(key))

    def integer(self, key: str, default: int | None = None) -> int:
        """Raises CorruptFile when the field is missing (without default) or not a whole number ≥ 0."""
        text = self.text(key)
        if not text:
            if default is None:
                raise CorruptFile(self.path, f"its header has no “{key}”", f"{FIX}: add “{key} = …”")
            return default
        text = text.rstrip(",; ")
        known = WORDS.get(key, {}).get(_plain(text))
        if known is not None:
            return known
        try:
            value = int(float(text))
        except (ValueError, OverflowError) as error:
            raise CorruptFile(
                self.path, f"its header says {key} = {text[:40]}", f"{FIX}: a number is needed"
            ) from error
        if value < 0:
            raise CorruptFile(self.path, f"its header says {key} = {value}", f"{FIX}: it cannot be negative")
        return value

    def numbers(self, key: str, count: int | None = None) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
        """A list of numbers, `count` where one way to read it gives that many; None when missing or anything else."""
        text = self.text(key)
        found: np.ndarray[tuple[int], np.dtype[np.float64]] | None = numbers(text, count) if text else None
        return found

    @property
    def interleave(self) -> str:
        """bsq, bil or bip, or what else stands there."""
        said = self.text("interleave", "bsq").lower().strip("\"' ,;")
        return ORDERS.get(_plain(said), said)

    @property
    def n_bytes(self) -> int | None:
        """Bytes of the data file it describes; None for compressed files and headers that lack a size."""
        try:
            if self.integer("file compression", 0) == 1:
                return None
            size = self.integer("lines") * self.integer("samples") * self.integer("bands") * self.dtype.itemsize
            return size + self.integer("header offset", 0)
        except FileProblem:
            return None

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """With byte order. Raises FileProblem for complex numbers, CorruptFile for unknown codes."""
        code = self.integer("data type")
        if code in (6, 9):
            raise FileProblem(
                self.path,
                f"it holds complex numbers (data type {code})",
                "Save the magnitude or the real part as data type 4",
            )
        if code not in DTYPES:
            raise CorruptFile(
                self.path, f"its header says data type = {code}", f"{FIX}: ENVI knows {', '.join(map(str, DTYPES))}"
            )
        order = self.integer("byte order", 0)
        if order not in (0, 1):
            raise CorruptFile(
                self.path, f"its header says byte order = {order}", f"{FIX}: 0 (little) or 1 (big endian)"
            )
        return np.dtype((">" if order else "<") + DTYPES[code])


def _plain(text: str) -> str:
    return re.sub(r"[\s_.()-]+", "", text.lower())


def read_header(path: Path) -> Header:
    """Raises FileProblem (an ESRI or another .hdr), CorruptFile (a brace never closed)."""
    if path.stat().st_size > HEADER_LIMIT:
        raise CorruptFile(path, "it is far too long for a header", "Open the header that belongs to the data file")
    data = path.read_bytes()
    text = decode(data)
    said = code_page_note(data, text)
    text = text.lstrip("\ufeff \t\r\n")
    if not re.match(r"ENVI\b", text, re.IGNORECASE):
        if re.search(r"^[ \t]*(NROWS|LAYOUT|BYTEORDER|NBANDS)\s", text, re.IGNORECASE | re.MULTILINE):
            raise FileProblem(
                path,
                "this is an ESRI header (NROWS, LAYOUT …), not an ENVI one",
                "Convert the image, for example with: gdal_translate -of ENVI IN OUT",
            )
        raise FileProblem(
            path,
            "this header does not begin with “ENVI”",
            "Give the header that belongs to the data, or convert the image to ENVI",
        )
    fields, notes, unclosed = fields_of(text.splitlines()[1:])
    if unclosed is not None:
        raise CorruptFile(
            path, f"the brace after “{unclosed} =” is never closed", "The header was cut off: copy it again"
        )
    return Header(path, fields, tuple([*notes, said] if said else notes))


def described_bytes(path: Path) -> int | None:
    """`Header.n_bytes` of a file that may be no header at all."""
    try:
        return read_header(path).n_bytes
    except (FileProblem, OSError):
        return None
