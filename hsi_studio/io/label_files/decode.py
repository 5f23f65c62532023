"""Text of files that do not say their encoding."""

from __future__ import annotations

import codecs
from pathlib import Path

from hsi_studio.errors import CorruptFile

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def decoded(path: Path, data: bytes) -> tuple[str, str]:
    """(text, what is told about its encoding, or "").

    A byte-order mark says it; without one, UTF-8 when every byte is, UTF-16 when every other byte is zero, else the
    code page of Windows in western Europe, with a note. Raises CorruptFile for what is no text.
    """
    mark = next((name for bom, name in MARKS if data.startswith(bom)), None)
    head = data[:2000]
    if mark is None and len(head) > 3 and head.count(0) > len(head) // 3:
        mark = "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"
    if mark is not None:
        try:
            return data.decode(mark), ""
        except UnicodeDecodeError as error:
            said = mark.removesuffix("-sig").upper()
            raise CorruptFile(path, f"it is not {said} text, as it begins", "Save it again as UTF-8") from error
    if b"\x00" in head:
        raise CorruptFile(path, "it is not text", "Export the labels again, as GeoJSON or CSV")
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise CorruptFile(
                path, f"line {line} is neither UTF-8 nor Windows-1252 text", "Save it as UTF-8"
            ) from error
        word = next((w for w in text.split("\n")[line - 1].replace(";", ",").split(",") if not w.isascii()), "")
        return text, f"Line {line} is not UTF-8: the file is read as Windows-1252 (“{word.strip()[:40]}”)."
