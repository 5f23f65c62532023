"""Class colours that stay apart for colour-blind readers and on a photograph (`assets/palettes.json`)."""

from __future__ import annotations

import colorsys
import functools
import json

from hsi_studio.paths import asset


@functools.cache
def _categorical() -> tuple[str, ...]:
    return tuple(json.loads(asset("palettes.json").read_text(encoding="utf-8"))["categorical"])


def palette(n: int) -> list[str]:
    """`n` different colours "#rrggbb": the palette's 24, then hues spread by the golden ratio."""
    colors = list(_categorical()[:n])
    step = 0
    while len(colors) < n:
        step += 1
        r, g, b = colorsys.hsv_to_rgb((step * 0.618034) % 1.0, 0.55 + 0.4 * (step % 2), 0.95 - 0.15 * (step % 4))
        candidate = f"#{round(r * 255):02x}{round(g * 255):02x}{round(b * 255):02x}"
        if candidate not in colors:
            colors.append(candidate)
    return colors


def next_color(used: list[str]) -> str:
    """The first palette colour that is not in `used`."""
    return next(color for color in palette(len(used) + 1) if color not in used)


def text_color(background: str) -> str:
    """ "#000000" or "#ffffff", whichever has the higher contrast on `background` (WCAG 2.2 relative luminance)."""
    channels = [int(background[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"
