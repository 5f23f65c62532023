"""What every file format fulfils, as functions that take a reader and a sample and raise AssertionError.

A sample is a small file of the format that holds one cube. It is copied first, with the files that go with it; neither
it nor they are changed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import ChooseVariable, FileProblem, StudioError
from hsi_studio.scene.formats.registry import not_a_reader
from hsi_studio.scene.raster import Raster, Reader
from hsi_studio.testing.methods import need, raised
from hsi_studio.types import FloatArray

ReaderCheck = Callable[[Reader, Path], None]


def check_reader(reader: Reader, *samples: str | Path) -> None:
    """All of `READER_CHECKS` on each sample. Raises AssertionError, and what the reader raises where it should not."""
    need(bool(samples), "name at least one sample file of the format")
    for sample in samples:
        for check in READER_CHECKS:
            check(reader, Path(sample))


def knows_its_own(reader: Reader, sample: Path) -> None:
    """Name, title, endings; it recognises the sample by `sniff`."""
    need(not not_a_reader(reader), not_a_reader(reader))
    need(bool(reader.title), "its title is empty: messages name the format by it")
    dotted = all(ending.startswith(".") and ending == ending.lower() for ending in reader.extensions)
    need(dotted, f'its endings are {reader.extensions}: write them in lower case with the dot, as (".xyz",)')
    known = any(sample.name.lower().endswith(ending) for ending in reader.extensions)
    need(known, f"{sample.name} has none of its endings {reader.extensions}")
    need(reader.sniff(sample) is True, f"sniff({sample.name}) is not True: the file would be opened by no reader")


def leaves_others_alone(reader: Reader, sample: Path) -> None:
    """`sniff` never raises; what it takes and cannot read is a FileProblem."""
    ending = sample.suffix
    noise = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        foreign = {
            f"empty{ending}": b"", f"noise{ending}": noise, f"text{ending}": b"row,col,class\n1,2,corn\n",
            "picture.png": b"\x89PNG\r\n\x1a\n" + noise[:100], "notes.txt": b"nothing to see here\n",
        }  # fmt: skip
        for name, content in foreign.items():
            (folder / name).write_bytes(content)
        for path in (*(folder / name for name in foreign), folder, folder / f"missing{ending}"):
            try:
                taken = reader.sniff(path)
            except Exception as error:
                raise AssertionError(
                    f"sniff({path.name}) raised {type(error).__name__}: {error}. Return False"
                ) from error
            if not taken:
                continue
            try:
                values(reader.open(path, None))
            except FileProblem:
                continue
            except Exception as error:
                raise AssertionError(
                    f"sniff takes {path.name}, and open raised {type(error).__name__}: {error}. Look closer in sniff, "
                    "or raise a FileProblem"
                ) from error


def the_cube_is_read_in_windows(reader: Reader, sample: Path) -> None:
    """(H, W, B) of float32; a window, bands in any order and a second reading give the same numbers."""
    raster = reader.open(sample, None)
    need(isinstance(raster, Raster), f"open gave {type(raster).__name__}: return a hsi_studio.scene.raster.Raster")
    shape = raster.cube.shape
    whole_numbers = len(shape) == 3 and all(type(side) is int and side > 0 for side in shape)
    need(whole_numbers, f"the cube's shape is {shape}: (rows, columns, bands), whole numbers of Python")
    need(raster.bands.count == shape[2], f"{raster.bands.count} bands are described, {shape[2]} are in the cube")
    whole = values(raster)
    need(whole.shape == shape, f"reading all of it gave {whole.shape}, its shape is {shape}")
    need(whole.dtype == np.float32, f"it gave {whole.dtype}: physical units as float32, NaN where there is no data")
    height, width, count = shape
    rows, cols = slice(height // 3, height // 3 + 1), slice(width // 4, max(width // 2, width // 4 + 1))
    bands = [count - 1, 0] if count > 1 else [0]
    part = raster.cube.read(rows, cols, bands)
    need(
        same(part, whole[rows, cols][:, :, bands]),
        "a window of chosen bands is not that part of the whole: keep the order",
    )
    need(same(values(reader.open(sample, None)), whole), "opened a second time it gives other numbers")
    for name, layer in (("dsm", raster.dsm), ("reference", raster.reference)):
        need(layer is None or layer.shape[:2] == shape[:2], f"its {name} lies on another grid than its cube")
    files = raster.files
    need(files == () or sample in files, f"files does not name {sample.name}: name every file that was read, or none")
    need(all(file.is_file() for file in files), "files names one that is not there")


def its_variables_can_be_opened(reader: Reader, sample: Path) -> None:
    """`variables` tells (name, shape, type) of each array, and `open` and `layer` take the names."""
    found = reader.variables(sample)
    need(bool(found), 'variables is empty: one entry named "" for a format that holds one raster')
    shape = reader.open(sample, None).cube.shape
    fits = 0
    for name, sides, dtype in found:
        need(isinstance(name, str) and all(type(side) is int for side in sides), f"variables tells {(name, sides)}")
        need(np.dtype(dtype).itemsize > 0, f"variables tells the type {dtype!r}: as NumPy names it")
        fits += tuple(sides) == shape and reader.open(sample, name or None).cube.shape == shape
    need(fits > 0, f"none of its variables {[v[:2] for v in found]} is the cube of {shape} that open gives")
    try:
        layer = reader.layer(sample, None, shape[:2])
    except (FileProblem, ChooseVariable):
        return  # it holds no layer, and says so
    need(layer.cube.shape[:2] == shape[:2], f"layer gave {layer.cube.shape} for a grid of {shape[:2]}")


def damage_is_a_problem_with_a_remedy(reader: Reader, sample: Path) -> None:
    """A file that is cut off, or gone, is a FileProblem: what is wrong and what to do."""
    companions = [file for file in reader.open(sample, None).files if file != sample]
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made) / sample.name
        for file in companions:
            shutil.copy(file, Path(made) / file.name)
        content = sample.read_bytes()
        copy.write_bytes(content[: min(200, len(content) // 2)])
        raised(FileProblem, lambda: values(reader.open(copy, None)), f"{sample.name} cut off after 200 bytes, open")
        copy.unlink()
        for name, ask in (
            ("open", lambda: reader.open(copy, None)),
            ("layer", lambda: reader.layer(copy, None, None)),
            ("variables", lambda: reader.variables(copy)),
        ):
            raised(FileProblem, ask, f"{sample.name} that is not there, {name}")


def the_file_stays_as_it_was(reader: Reader, sample: Path) -> None:
    """Reading changes no byte."""
    files = {sample, *reader.open(sample, None).files}
    before = {file: file.read_bytes() for file in files}
    values(reader.open(sample, None))
    need(all(file.read_bytes() == before[file] for file in files), "the file was changed by reading it")


def it_opens_as_a_scene(reader: Reader, sample: Path) -> None:
    """What it gives makes a scene that can be surveyed."""
    from hsi_studio.scene.open import scene_from_raster

    try:
        scene = scene_from_raster(sample, reader.open(sample, None))
        valid = int(scene.valid.sum())
    except StudioError as error:
        raise AssertionError(f"{sample.name} does not make a scene: {error}") from error
    need(valid > 0, f"no pixel of {sample.name} can be used")


READER_CHECKS: tuple[ReaderCheck, ...] = (
    knows_its_own,
    leaves_others_alone,
    the_cube_is_read_in_windows,
    its_variables_can_be_opened,
    damage_is_a_problem_with_a_remedy,
    the_file_stays_as_it_was,
    it_opens_as_a_scene,
)


def values(raster: Raster) -> FloatArray:
    """(H, W, B)."""
    height, width, _ = raster.cube.shape
    return raster.cube.read(slice(0, height), slice(0, width))


def same(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=True)
