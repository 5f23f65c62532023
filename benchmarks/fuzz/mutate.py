"""A valid input made hostile: bytes and texts changed in the ways that have broken parsers before.

Everything is drawn from the generator that is passed, so that an input's number gives the input.
"""

from __future__ import annotations

import re

import numpy as np

Random = np.random.Generator
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
WORD = re.compile(rb"[A-Za-z_]{3,}")
ODD_NUMBERS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1", b"0", b"0.5", b"4294967296", b"9223372036854775808",
    b"1" + b"0" * 400, b"null", b"true", b'"x"', b"[]", b"{}", b"\xff\xfe", b"", b"1e308", b"-1e-308", b"65536",
)  # fmt: skip
ODD_WORDS = (
    b"", b"../../etc/passwd", b"/etc/passwd", b"/vsicurl/http://127.0.0.1:9/x", b"\x00", b"\xed\xa0\x80", b"<b>x</b>",
    b"{", b"}", b"[" * 2000, b"a" * 5000, b"=SUM(A1)", "čšž\u202e".encode(), b"EPSG:0", b"http://127.0.0.1:9/", b"%s%n",
)  # fmt: skip
ODD_INTEGERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


def mutated(data: bytes, rng: Random, text: bool, others: tuple[bytes, ...] = ()) -> bytes:
    """One to four changes. `text`: words and numbers are exchanged too; `others`: inputs to take pieces of."""
    for _ in range(int(rng.integers(1, 5))):
        ways = [_flip, _integer, _cut, _double, _zero]
        if text:
            ways += [_number, _number, _word, _line]
        way = ways[int(rng.integers(len(ways)))]
        data = way(data, rng)
        if others and rng.random() < 0.05:
            data = _splice(data, others[int(rng.integers(len(others)))], rng)
    return data


def _at(data: bytes, rng: Random) -> int:
    """A place, in the first 600 bytes half of the time: headers are there."""
    return int(rng.integers(0, max(1, min(len(data), 600) if rng.random() < 0.5 else len(data))))


def _flip(data: bytes, rng: Random) -> bytes:
    out = bytearray(data)
    for _ in range(int(rng.choice([1, 3, 10])) if out else 0):
        out[_at(data, rng)] = int(rng.integers(256))
    return bytes(out)


def _integer(data: bytes, rng: Random) -> bytes:
    width, at = int(rng.choice([1, 2, 4, 8])), _at(data, rng)
    value = ODD_INTEGERS[int(rng.integers(len(ODD_INTEGERS)))] & (256**width - 1)
    piece = value.to_bytes(width, "little" if rng.random() < 0.5 else "big")
    changed: bytes = data[:at] + piece + data[at + width :]
    return changed[: max(len(data), 1)]


def _cut(data: bytes, rng: Random) -> bytes:
    at = _at(data, rng)
    return data[:at] if rng.random() < 0.5 else data[:at] + data[at + int(rng.integers(1, 200)) :]


def _double(data: bytes, rng: Random) -> bytes:
    at = _at(data, rng)
    piece = data[at : at + int(rng.integers(1, 400))] * int(rng.choice([2, 3, 50]))
    return data[:at] + piece[:20_000] + data[at:]


def _zero(data: bytes, rng: Random) -> bytes:
    at, size = _at(data, rng), int(rng.integers(1, 64))
    return data[:at] + bytes([int(rng.choice([0, 255]))]) * min(size, len(data) - at) + data[at + size :]


def _number(data: bytes, rng: Random) -> bytes:
    return _exchange(NUMBER, ODD_NUMBERS, data, rng)


def _word(data: bytes, rng: Random) -> bytes:
    return _exchange(WORD, ODD_WORDS, data, rng)


def _exchange(pattern: re.Pattern[bytes], by: tuple[bytes, ...], data: bytes, rng: Random) -> bytes:
    found = list(pattern.finditer(data[:100_000]))
    if not found:
        return data
    one = found[int(rng.integers(len(found)))]
    return data[: one.start()] + by[int(rng.integers(len(by)))] + data[one.end() :]


def _line(data: bytes, rng: Random) -> bytes:
    lines = data.split(b"\n")
    one, other = (int(n) for n in rng.integers(0, len(lines), 2))
    match int(rng.integers(3)):
        case 0:
            lines[one], lines[other] = lines[other], lines[one]
        case 1:
            lines.insert(one, lines[other])
        case _:
            del lines[one]
    return b"\n".join(lines)


def _splice(data: bytes, other: bytes, rng: Random) -> bytes:
    return data[: _at(data, rng)] + other[_at(other, rng) :]


def odd_value(rng: Random, depth: int = 0) -> object:
    """Any JSON-like value, most of them of no use."""
    numbers: tuple[object, ...] = (0, 1, -1, 2**31, 2**63, 2**63 - 1, -(2**63), 10**12, 10**400, 0.5, float("nan"))
    numbers += (float("inf"), float("-inf"), 1e308, True, False, None)
    words: tuple[str, ...] = (
        "",
        "x",
        "../../x",
        "/etc/passwd",
        "a" * 3000,
        "\x00",
        "\ud800",
        "čšž",
        "{class.__class__}",
        "{0}",
        "%s",
    )
    words += ("NaN", "1e999", "<img src=x>", "BAAI/nothing", "minilm", "[" * 500, "0x10", "١٢", "-0")
    kind = rng.random()
    if kind < 0.45:
        return numbers[int(rng.integers(len(numbers)))]
    if kind < 0.8 or depth > 2:
        return words[int(rng.integers(len(words)))]
    if kind < 0.93:
        return [odd_value(rng, depth + 1) for _ in range(int(rng.choice([0, 1, 2, 3, 20])))]
    return {str(odd_value(rng, 3)): odd_value(rng, depth + 1) for _ in range(int(rng.integers(0, 4)))}
