"""Text to a file that somebody named: a table, a report as JSON."""

from __future__ import annotations

from pathlib import Path

from hsi_studio.files import write_text


def write_out(path: str | Path, text: str) -> None:
    """Whole, or the old file stays. A pipe and what a link leads to (/dev/stdout) are written as they are: nothing can
    be put in their place. Raises OSError."""
    path = Path(path)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_text(text, encoding="utf-8", newline="")
    else:
        write_text(path, text)
