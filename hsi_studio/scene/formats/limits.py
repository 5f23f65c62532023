"""How much of anything a file may hold, and the sentence when it holds more.

A file says how large it is before it shows what is in it, and nothing says that it tells the truth: 300 bytes can claim
terabytes, one byte of a deflate stream stands for up to 1032, and a list of a hundred thousand names takes minutes
before the first pixel. So every reader asks here before it allocates, inflates or counts. The bounds lie far above
real files: NEON's HDF5 has 100 data sets, EnMAP and PRISMA 250, a GeoTIFF of EMIT 285 bands.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import shape_text, size_text
from hsi_studio.scene.raster import check_memory

MOST_DEFLATE = 1032  # bytes that one byte of a deflate stream can stand for at most (zlib technical notes)
MOST_VARIABLES = 4000  # arrays of one file: members, data sets, elements
MOST_DEPTH = 24  # groups inside groups, structs inside structs
MOST_BANDS = 10_000
MOST_PIXELS = 1 << 31  # rows × columns
MOST_NAMES = 10_000  # class names in one file
LARGEST_CHUNK = 512 << 20  # bytes that one stored block may unpack to: it is unpacked whole for one pixel of it
SMALL = 1 << 20  # bytes; what unpacks to less harms nobody, however tightly it was packed
BYTES_A_PIXEL = 16  # what the app keeps for each pixel at the least: masks, a preview, a map
TRUST = "Open a file from a source you trust, or save it again in pieces"


def check_count(path: Path, count: int, what: str, most: int = MOST_VARIABLES) -> None:
    """Raises FileProblem for more than `most` of something ("arrays", "groups in groups")."""
    if count > most:
        raise FileProblem(
            path, f"it holds {count} {what}, at most {most} are read", "Save the ones you need by themselves"
        )


def check_size(path: Path, shape: Iterable[int]) -> None:
    """(H, W, B) of a scene, before anything of that size is made. Raises FileProblem."""
    height, width, *bands = shape
    if height * width > MOST_PIXELS:
        raise FileProblem(
            path,
            f"it has {shape_text((height, width))} pixels, at most {MOST_PIXELS} are read",
            "Cut it to a smaller area",
        )
    if bands and bands[0] > MOST_BANDS:
        raise FileProblem(
            path,
            f"it has {bands[0]} bands, at most {MOST_BANDS} are read",
            "Check which of its axes is the spectral one",
        )
    if height * width * BYTES_A_PIXEL > SMALL:
        check_memory(path, f"a scene of {shape_text((height, width))} pixels", height * width * BYTES_A_PIXEL)


def check_ratio(path: Path, what: str, claimed: int, packed: int, most: float = MOST_DEFLATE) -> None:
    """Raises CorruptFile when `packed` bytes cannot honestly stand for `claimed` ones."""
    if claimed > SMALL and claimed > packed * most + 1024:
        raise CorruptFile(
            path,
            f"{what} claims {claimed} bytes ({size_text(claimed)}) out of {packed} compressed ones",
            f"No real file is packed so tightly. {TRUST}",
        )


def check_chunk(path: Path, what: str, n_bytes: int) -> None:
    """Raises FileProblem for a compressed block that is unpacked whole and too large for that."""
    if n_bytes > LARGEST_CHUNK:
        raise FileProblem(
            path,
            f"{what} is stored in blocks of {size_text(n_bytes)}, at most {size_text(LARGEST_CHUNK)} are unpacked "
            "at once",
            "Save it again in smaller blocks (chunks or tiles), or uncompressed",
        )
