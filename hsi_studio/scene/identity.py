"""Content hashes: what a scene's id and its sources' sha256 are made of.

Files up to 256 MiB are hashed whole. Above that only the size, the first MiB and 63 evenly spaced
1-MiB blocks are: a 40-GB flight line must open in under a second. Such a hash is marked "sampled:".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from hsi_studio.types import Source
from hsi_studio.watching import tell

WHOLE_UP_TO = 256 << 20
BLOCK = 1 << 20
N_BLOCKS = 64


def content_hash(path: Path, whole_up_to: int = WHOLE_UP_TO) -> str:
    """sha256 in hex; "sampled:" + sha256 of size and 64 blocks for files above `whole_up_to` bytes."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        if size <= whole_up_to:
            while chunk := stream.read(BLOCK):
                digest.update(chunk)
                tell("Reading the file", stream.tell(), size)
            return digest.hexdigest()
        digest.update(str(size).encode())
        for k in range(N_BLOCKS):
            stream.seek((size - BLOCK) * k // (N_BLOCKS - 1))
            digest.update(stream.read(BLOCK))
    return "sampled:" + digest.hexdigest()


def source(role: str, path: Path) -> Source:
    return Source(role, str(path), content_hash(path))


def scene_id(sources: Iterable[Source], options: Iterable[str | None]) -> str:
    """First 16 hex digits over the content hashes (not the paths) and the opening options."""
    digest = hashlib.sha256()
    for item in sources:
        digest.update(f"{item.role}={item.sha256}\n".encode())
    for option in options:
        digest.update(f"option={option!r}\n".encode())
    return digest.hexdigest()[:16]
