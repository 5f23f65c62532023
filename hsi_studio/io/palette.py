"""Class colours that stay apart for colour-blind readers and on a photograph (`assets/palettes.json`)."""

from __future__ import annotations

import colorsys
import functools
import json
from collections.abc import Iterable

from hsi_studio.paths import asset

HUES = 6000  # steps of hue that are tried; with 8 bits a channel they repeat


@functools.cache
def _categorical() -> tuple[str, ...]:
    return tuple(json.loads(asset("palettes.json").read_text(encoding="utf-8"))["categorical"])


def palette(n: int) -> list[str]:
    """`n` different colours "#rrggbb": the palette's 24, then hues spread by the golden ratio, at last every other."""
    return list(_colors(1 << max(n - 1, 31).bit_length())[:n])


@functools.lru_cache(maxsize=4)
def _colors(n: int) -> tuple[str, ...]:
    """`n` different colours; the first of many are those of few."""
    colors = dict.fromkeys(_categorical()[:n])
    for step in range(1, HUES):
        if len(colors) >= n:
            break
        r, g, b = colorsys.hsv_to_rgb((step * 0.618034) % 1.0, 0.55 + 0.4 * (step % 2), 0.95 - 0.15 * (step % 4))
        colors.setdefault(f"#{round(r * 255):02x}{round(g * 255):02x}{round(b * 255):02x}")
    for k in range(1 << 24 if len(colors) < n else 0):  # the hues are used up
        colors.setdefault(f"#{k * 0x9E3779 % (1 << 24):06x}")  # odd, so that every colour comes once
        if len(colors) >= n:
            break
    return tuple(colors)


def next_color(used: Iterable[str]) -> str:
    """The first palette colour that is not in `used`."""
    taken = set(used)
    return next(color for color in palette(len(taken) + 1) if color not in taken)
