"""Whole-file writes that a crash cannot leave half done."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` (same suffix); when the block ends without an error it becomes `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield partial
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """UTF-8, line breaks as they are."""
    with replacing(path) as partial:
        partial.write_bytes(text.encode("utf-8"))
    return path


def keep_files(sources: list[Path], root: Path) -> list[Path]:
    """Copy files that belong together into one folder named by their content; the same files, the same folder."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode())
        with source.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    folder = root / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    kept = [folder / source.name for source in sources]
    for source, target in zip(sources, kept, strict=True):
        if not target.exists():
            partial = target.with_name(target.name + ".part")
            shutil.copyfile(source, partial)
            partial.replace(target)
    return kept
