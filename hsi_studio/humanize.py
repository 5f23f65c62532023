"""Numbers for people, each in one spelling: sizes in bytes, durations, counts, shapes.

Sizes are in powers of 1,024 with the names that say so (KiB, MiB, GiB). Most of what is told here is memory, which
comes in these units, as do the limits that are set in GiB, nvidia-smi and `ls -h`: a number that was typed into a
setting comes back as the same number.
"""

from __future__ import annotations

from collections.abc import Sequence


def size_text(n_bytes: float) -> str:
    """ "12 bytes", "8.4 MiB", "150 MiB", "1.2 GiB"."""
    for power, unit in ((50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if abs(n_bytes) >= 1 << power:
            value = n_bytes / (1 << power)
            return f"{value:.0f} {unit}" if abs(value) >= 100 else f"{value:.1f} {unit}"
    return counted(round(n_bytes), "byte")


def duration(seconds: float) -> str:
    """ "1 s", "42 s", "3 min", "1.7 h": what somebody waits, never less than a second."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def ago(seconds: float) -> str:
    """ "just now", "3 min ago", "2 h ago", "5 d ago": whole units that have passed."""
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def counted(n: int, noun: str, plural: str = "") -> str:
    """ "1 label", "2 labels", "1,200 classes" (`plural`: where it is not the noun with an s)."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {plural or noun + 's'}"


def signed(points: float) -> str:
    """ "+1.8", "−15.1": a difference with its sign; nought, "0.0", has none."""
    text = f"{abs(points):.1f}"
    return text if text == "0.0" else f"{'+' if points > 0 else '−'}{text}"


def listed(names: Sequence[str], most: int) -> str:
    """ "A", "A and B", "A, B and C"; of more than `most` "A, B, C and 2 more"."""
    more = [f"{len(names) - most} more"] if len(names) > most else []
    *first, last = [*names[:most], *more]
    return f"{', '.join(first)} and {last}" if first else last


def shape_text(shape: Sequence[int]) -> str:
    """ "145 × 145 × 200"."""
    return " × ".join(str(int(n)) for n in shape)


def setting_text(value: object) -> str:
    """ "yes", "no", "2, 5, 20", "none", else as it is written: a method's setting."""
    if value is None or value in ((), [], ""):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(setting_text(one) for one in value)
    return str(value)
