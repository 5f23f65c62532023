"""What a reader is, and what it hands back: a `Raster`.

A reader is one module ending with `READER = TheReader()`; `hsi_studio.scene.formats.registry.readers()` finds it.
Readers only look at one file (with its header). Hashing, surveying and laying a DSM or a reference on
the cube is the same for all of them and happens in `scene/open.py`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hsi_studio.errors import ChooseVariable, CorruptFile, FileProblem, UnknownFormat
from hsi_studio.humanize import shape_text, size_text
from hsi_studio.scene.plan import Fact
from hsi_studio.types import Bands, Cube, FloatArray, IntArray

Transform = tuple[float, float, float, float, float, float]
Candidate = tuple[str, tuple[int, ...], str]  # (name, shape, dtype), as in errors.ChooseVariable


@dataclass(frozen=True)
class Raster:
    """One file, opened. Nothing large has been read yet unless the format leaves no choice (MATLAB v5, .npz)."""

    cube: Cube  # (H, W, B); B = 1 for single layers
    bands: Bands
    files: tuple[Path, ...] = ()  # data file first, then its header
    dsm: FloatArray | None = None  # (H, W, L), when the same file has one
    reference: IntArray | None = None  # (H, W) int32
    class_names: dict[int, str] = field(default_factory=dict)  # of `reference`, or of the raster itself
    transform: Transform | None = None
    crs: str | None = None  # WKT
    gsd_m: float | None = None
    value_unit: str = ""
    description: str = ""
    notes: tuple[str, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)  # what the reader knows of the plan: axes, wavelengths …
    scale: float | FloatArray = 1.0  # of the cube: value = stored · scale + offset, one number or (B,)
    offset: float | FloatArray = 0.0
    stored_wavelengths: FloatArray | None = None  # (B,) the file's numbers, before any unit
    class_colors: dict[int, str] = field(default_factory=dict)  # "#rrggbb" of a class raster's palette
    differs: tuple[str, ...] = ()  # how the pixels differ from what rules 1 gave; part of the scene's id


class Reader(Protocol):
    """One file format."""

    name: str
    title: str
    extensions: tuple[str, ...]

    def sniff(self, path: Path) -> bool:
        """Is this file ours? Looks at the first bytes or the header beside it; never raises for foreign files."""
        ...

    def open(self, path: Path, variable: str | None) -> Raster:
        """The hyperspectral cube in the file. Raises FileProblem and its kinds.

        A reader of arrays without named axes says `takes_axes = True` and takes a third argument: the axes as the user
        names them ("rows,cols,bands"), "by variance" for a project of rules 1, or None. A reader that read otherwise
        once says `takes_rules = True` and takes the `rules` of an older project (`plan.RULES`).
        """
        ...

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        """A DSM or class map in the file; `shape` (H, W) picks among several arrays."""
        ...

    def variables(self, path: Path) -> list[Candidate]:
        """The arrays in a container; one entry named "" for formats that hold one raster."""
        ...


def file_size(path: Path) -> int:
    """Bytes. Raises FileProblem when there is no such file, CorruptFile when it is empty or a folder."""
    if not path.exists():
        raise FileProblem(path, f"there is no such file ({path})", "Check the spelling and the folder")
    if path.is_dir():
        raise UnknownFormat(path, "this is a folder, not a file", "Name the data file inside it")
    size = path.stat().st_size
    if size == 0:
        raise CorruptFile(path, "the file is empty (0 bytes)", "Copy or download it again")
    return size


def first_bytes(path: Path, count: int = 512) -> bytes:
    """The file's first bytes; b"" for folders and unreadable files, because sniffing never raises."""
    try:
        with path.open("rb") as stream:
            return stream.read(count)
    except OSError:
        return b""


def available_memory() -> int:
    """Bytes that can be allocated without swapping; 4 GiB where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    except (AttributeError, OSError, ValueError):
        return 4 << 30


def check_memory(path: Path, what: str, n_bytes: int) -> None:
    """Raises FileProblem when loading `n_bytes` at once would not leave a fifth of the free memory."""
    free = available_memory()
    if n_bytes > 0.8 * free:
        raise FileProblem(
            path,
            f"{what} needs {size_text(n_bytes)} of memory and {size_text(free)} are free",
            "Save it as ENVI, GeoTIFF, HDF5 or .npy, which are read piece by piece, or cut it to a smaller area",
        )


def dtype_problem(dtype: np.dtype[Any]) -> str | None:
    """Why an array of this type cannot be pixels; None when it can."""
    if dtype.hasobject:
        return "holds Python objects, not numbers"
    if dtype.names is not None:
        return "holds records, not numbers"
    if dtype.kind == "c":
        return "holds complex numbers"
    if dtype.kind not in "buif":
        return f"holds {dtype} values, not numbers"
    return None


def choose(path: Path, problem: str, candidates: Sequence[Candidate], option: str = "--var NAME") -> ChooseVariable:
    """The error that asks for a variable's name and lists what there is."""
    listed = ", ".join(f"{name} ({shape_text(shape)}, {dtype})" for name, shape, dtype in candidates[:12])
    remedy = f"Name one ({option}): {listed}" if candidates else "Open a file that has one"
    return ChooseVariable(path, problem, remedy, list(candidates))
