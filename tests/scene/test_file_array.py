"""The same windows as of an array in memory, for any order, type and part of a file; a file that has ended is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from hsi_studio.errors import FileProblem
from hsi_studio.scene import file_array
from hsi_studio.scene.file_array import FileArray

SHAPE = (7, 5, 6)


def axis(rng: np.random.Generator, size: int) -> Any:
    """Any slice, or increasing indices."""
    if rng.random() < 0.3:
        return np.sort(rng.choice(size, int(rng.integers(1, size)), replace=False)).tolist()
    first, last = sorted(int(n) for n in rng.integers(0, size + 2, 2))
    return slice(first if rng.random() < 0.7 else None, last if rng.random() < 0.7 else None, int(rng.integers(1, 4)))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">i2", "u1"])
@pytest.mark.parametrize("worth", [file_array.WORTH_A_READ, 0], ids=["", "each line alone"])
def test_windows_are_those_of_the_array(
    tmp_path: Path, dtype: str, order: Literal["C", "F"], worth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_array, "WORTH_A_READ", worth)
    rng = np.random.default_rng(0)
    values = rng.integers(0, 200, SHAPE).astype(dtype)
    (tmp_path / "a.bin").write_bytes(b"head" + values.tobytes(order) + b"tail")
    found = FileArray(tmp_path / "a.bin", np.dtype(dtype), 4, SHAPE, order)
    for _ in range(200):
        key = tuple(axis(rng, size) for size in SHAPE)
        wanted = values
        for place, one in enumerate(key):
            wanted = wanted[(slice(None),) * place + (one,)]
        window = found[key]  # type: ignore[index]
        assert window.dtype == values.dtype
        assert np.array_equal(window, wanted), key


def test_a_file_that_ends_too_early_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(8 * 8 * 8))
    with pytest.raises(FileProblem, match="need 513 bytes and it ends after 512"):
        FileArray(file, np.dtype("u1"), 1, (8, 8, 8))
    found = FileArray(file, np.dtype("u1"), 0, (8, 8, 8))
    os.truncate(file, 100)
    assert found[0:1, 0:8, 0:8].shape == (1, 8, 8)
    for key in ((slice(0, 2), slice(0, 8), slice(0, 8)), (slice(7, 8), [3], [4])):
        with pytest.raises(FileProblem, match=r"a\.bin.*ends after 100.*Copy it there again"):
            found[key]  # type: ignore[index]


def test_a_file_that_was_replaced_goes_on_as_it_was_and_nothing_stays_open(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(range(8)))
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    found = FileArray(file, np.dtype("u1"), 0, (2, 2, 2))
    (tmp_path / "b.bin").write_bytes(b"")
    (tmp_path / "b.bin").replace(file)
    assert found[:, :, :].reshape(-1).tolist() == list(range(8))
    del found
    assert not before or len(os.listdir("/proc/self/fd")) == before
