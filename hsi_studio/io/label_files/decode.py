"""Text of files that do not say their encoding."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from hsi_studio.errors import CorruptFile

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip

DBF_PAGES = {  # of a dBASE header's byte 29
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x13: "cp932", 0x4D: "gbk", 0x4E: "cp949", 0x4F: "cp950",
    0x57: "latin-1", 0x64: "cp852", 0x65: "cp866", 0x7B: "cp932", 0x7A: "gbk", 0xC8: "cp1250", 0xC9: "cp1251",
}  # fmt: skip


def dbf_encoding(path: Path) -> tuple[str | None, str]:
    """(encoding, what is told about it). None = as GDAL finds it: from .cpg, or the code page in the .dbf's header.

    What is declared is compared with the bytes: text that is UTF-8 to the last byte is nothing else, text that is
    not cannot be UTF-8, and GDAL leaves letters out that the declared code page has not.
    """
    try:
        data, page_file = path.read_bytes(), path.with_suffix(".cpg")
        declared = page_file.read_text("ascii", "replace").strip() if page_file.is_file() else ""
    except OSError:
        return None, ""
    start = int.from_bytes(data[8:10], "little")
    body, page = data[start:], data[29] if len(data) > 29 else 0
    if body.isascii():
        return None, ""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        if (declared and not re.fullmatch(r"(?i)utf-?8|65001", declared)) or (not declared and page):
            own = _named(declared) if declared else DBF_PAGES.get(page)
            if own is None or _fits(body, own):
                return None, ""
        named = f"its .cpg says {declared[:20]}, which the bytes are not" if declared else "it names no encoding"
        if page and not declared:
            named = "the bytes are not of the encoding it names"
        found = "CP1252" if _fits(body, "cp1252") else "CP850"
        title = "Windows-1252" if found == "CP1252" else "code page 850 (DOS)"
        return found, f"Class names are read as {title}: {named}."
    if re.fullmatch(r"(?i)utf-?8|65001", declared):
        return "UTF-8", ""
    named = f"its .cpg says {declared[:20]}" if declared else "it names another encoding" if page else ""
    return "UTF-8", f"Class names are read as UTF-8, which the bytes are; {named}." if named else ""


def _named(text: str) -> str | None:
    """Python's name of an encoding as a .cpg file names it: “1252”, “ANSI 1252”, “ISO-8859-1”; None of an unknown."""
    number = re.fullmatch(r"(?i)(?:ansi|oem|cp|windows)?[\s_-]*(\d{3,4})", text)
    try:
        return codecs.lookup(f"cp{number[1]}" if number else text).name
    except LookupError:
        return None


def _fits(data: bytes, encoding: str) -> bool:
    """Whether every byte is text in this encoding."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


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
