"""Numbers that stand plainly in somebody else's file, as something that indexes like an array of three axes.

A memory map would do, but for one thing: when the file is cut short while it is open, the next look at a page that has
gone ends the whole process (SIGBUS), with everybody who works in it; to compare sizes before each look is a race. Here
each window is read by `preadv`, which tells of a file that has ended, and lets other threads work while the disk does
(a page fault does not). Opening reads nothing. What is in our own folders, where nobody else writes, is still mapped.

Cost: one read for each index of the outer axis (rows, or bands where the file is band by band), of what lies between
the first and the last number that is wanted; one in all where the window is the whole of the inner axes; one a line
where few of far apart lines are wanted (three bands of a file line by line).

The file stays open as long as the array: a file that is replaced by another of its name goes on as it was.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import FileProblem

Key = slice | list[int]
WORTH_A_READ = 1 << 16  # bytes that take as long as one more reading


class FileArray:
    """`shape` numbers of `dtype` from byte `at` on, in C or Fortran order. Read-only; safe to use from many threads.

    Raises FileProblem when the file cannot be opened or does not hold so many, here and at each reading.
    """

    ndim = 3

    def __init__(
        self, path: Path, dtype: np.dtype[Any], at: int, shape: tuple[int, int, int], order: Literal["C", "F"] = "C"
    ) -> None:
        self.path, self.dtype, self.shape = path, dtype, shape
        self._at, self._turned = at, order == "F"
        self._lock = threading.Lock()  # where reading moves the file's position
        try:
            self._stream = path.open("rb", buffering=0)
        except OSError as error:
            raise FileProblem(
                path, f"it cannot be read ({error.strerror})", "Check that it is there and yours"
            ) from error
        there = os.fstat(self._stream.fileno()).st_size
        if at + int(np.prod(shape, dtype=np.float64)) * dtype.itemsize > there:
            self._stream.close()
            raise self._short(there)

    def __getitem__(self, key: tuple[Key, Key, Key]) -> npt.NDArray[Any]:
        """The numbers of a window; each axis by a slice or a list of increasing indices. A copy."""
        if self._turned:
            return self._read(key[::-1], self.shape[::-1]).T
        return self._read(key, self.shape)

    def __del__(self) -> None:
        stream = getattr(self, "_stream", None)
        if stream is not None:
            stream.close()

    def _read(self, key: tuple[Key, ...], shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """`key` and `shape` from the outer axis to the inner."""
        outer, middle, inner = (_indices(one, size) for one, size in zip(key, shape, strict=True))
        sizes = (len(outer), len(middle), len(inner))
        if 0 in sizes:
            return np.empty(sizes, self.dtype)
        width, plane = shape[2], shape[1] * shape[2]
        if sizes[1:] == shape[1:] and outer[-1] - outer[0] + 1 == len(outer):
            return self._span(outer[0] * plane, len(outer) * plane).reshape(sizes)
        rows, cols = middle[-1] - middle[0] + 1, inner[-1] - inner[0] + 1
        first, many = middle[0] * width, rows * width
        if rows == 1:  # of one line, what is between
            first, many, width = first + inner[0], cols, cols
            inner = inner - inner[0]
        lines, places = _stepped(middle - middle[0]), _stepped(inner)
        out = np.empty(sizes, self.dtype)
        if (many - len(middle) * cols) * self.dtype.itemsize > len(middle) * WORTH_A_READ:
            for place, index in enumerate(outer):
                for line, at in enumerate(middle):
                    out[place, line] = self._span(index * plane + at * shape[2] + inner[0], cols)[
                        _stepped(inner - inner[0])
                    ]
            return out
        for place, index in enumerate(outer):
            out[place] = self._span(index * plane + first, many).reshape(rows, width)[lines][:, places]
        return out

    def _span(self, first: int, many: int) -> npt.NDArray[Any]:
        """So many numbers one after another."""
        values = np.empty(many, self.dtype)
        view = values.view(np.uint8).data
        at, done = self._at + int(first) * self.dtype.itemsize, 0
        while done < len(view):
            try:
                count = self._into(view[done:], at + done)
            except OSError as error:
                raise FileProblem(self.path, f"it cannot be read ({error.strerror})", "Open it again") from error
            if count == 0:
                raise self._short(os.fstat(self._stream.fileno()).st_size)
            done += count
        return values

    def _into(self, view: memoryview, at: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._stream.fileno(), [view], at)
        with self._lock:  # Windows
            self._stream.seek(at)
            return self._stream.readinto(view) or 0

    def _short(self, there: int) -> FileProblem:
        needed = self._at + int(np.prod(self.shape, dtype=np.float64)) * self.dtype.itemsize
        return FileProblem(
            self.path,
            f"its numbers need {needed:,} bytes and it ends after {there:,}: it was cut short after it was opened",
            "Copy it there again, then open it again",
        )


def _indices(key: Key, size: int) -> npt.NDArray[np.intp]:
    if isinstance(key, slice):
        return np.arange(*key.indices(size), dtype=np.intp)
    return np.asarray(key, dtype=np.intp)


def _stepped(indices: npt.NDArray[np.intp]) -> slice | npt.NDArray[np.intp]:
    """A slice where they have one step, which numpy takes ten times as fast."""
    steps = np.diff(indices)
    if len(indices) == 1 or (steps == steps[0]).all():
        return slice(int(indices[0]), int(indices[-1]) + 1, int(steps[0]) if len(steps) else 1)
    return indices
