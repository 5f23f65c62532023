"""What the room costs: honest files opened directly and by a reader process, in one run, in turns.

    python -m benchmarks.opening [--rounds 7] [FILE …]

Without files: a scene of Indian Pines' size (145 × 145 × 200, int16) and one of 400 × 400 × 200 in every format,
written here, and what there is of the sample data. For each: the median of opening it directly (as with
`--trust-local`), the first time in a room (unpacked, hashed, kept) and again (from what was kept), each until the scene
is opened and until it was gone through once (`Scene.survey`), which the page waits for. The spawner is warm, as in the
app. "in place" says that the app reads the file's own numbers, "unpacked" those written for it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import machine, make_parser
from hsi_studio import settings
from hsi_studio.errors import StudioError
from hsi_studio.scene.file_array import FileArray
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.room import start, store
from hsi_studio.scene.room.access import direct


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--small", action="store_true", help="without the scenes of 400 × 400")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[settings.READER_FOLDER.name] = str(Path(folder) / "opened")
        os.environ.pop(settings.TRUST_LOCAL.name, None)
        files = args.files or [*written(Path(folder), (145,) if args.small else (145, 400)), *samples()]
        start.warm()
        for _ in range(2):
            first(files[0])  # the libraries are loaded, in both processes
        print(machine())
        print(f"seconds until opened / gone through, median of {args.rounds}")
        print(f"{'file':34} {'MB':>7} {'direct':>13} {'first':>13} {'again':>13}")
        for file in files:
            show(file, args.rounds)
    return 0


def show(file: Path, rounds: int) -> None:
    times: dict[str, list[tuple[float, float]]] = {"direct": [], "first": [], "again": []}
    kind = ""
    for _ in range(rounds):
        shutil.rmtree(store.root(), ignore_errors=True)
        for name, way in (("direct", directly), ("first", first), ("again", first)):
            try:
                took, cube = way(file)
            except StudioError as error:
                print(f"{file.name[:34]:34} {error}")
                return
            times[name].append(took)
            kind = "in place" if isinstance(getattr(cube, "_array", None), FileArray) else "unpacked"
    size = file.stat().st_size / 1e6
    shown = " ".join(
        "{:6.3f}/{:6.3f}".format(*(statistics.median(part) for part in zip(*times[name], strict=True)))
        for name in times
    )
    print(f"{file.name[:34]:34} {size:7.1f} {shown}  {kind}")


def directly(file: Path) -> tuple[tuple[float, float], Any]:
    with direct():
        return first(file)


def first(file: Path) -> tuple[tuple[float, float], Any]:
    """((seconds until opened, until gone through), cube)."""
    began = time.perf_counter()
    scene = open_scene(file)
    opened = time.perf_counter() - began
    _ = scene.survey
    return (opened, time.perf_counter() - began), scene.cube


def samples() -> list[Path]:
    """Of the public files beside the repository."""
    root = Path(settings.TEST_DATA.text() or Path(__file__).resolve().parents[2] / "shared" / "data")
    names = [
        "formats/neon_h5/ex.h5", "formats/wiser/EMIT_L2A_RFL_001_20241006T165148_2428011_003_crop.nc",
        "formats/wiser/caltech_425_7_7_nm.hdr", "formats/plantcv_envi/corn-kernel-hyperspectral.hdr",
        "muufl/a_hsi_img_for_VI_demo.mat",
        "samson/samson.npz", "pavia_university/paviaU_subimg.mat", "enmap_potsdam/fraction_map_l3.tif",
    ]  # fmt: skip
    return [root / name for name in names if (root / name).is_file()]


def written(folder: Path, sides: tuple[int, ...]) -> list[Path]:
    """Scenes of some sizes in every format."""
    made = []
    for side in sides:
        rng = np.random.default_rng(side)
        spectrum = 2000 + 1500 * np.sin(np.linspace(0, 5, 200))
        values = (spectrum * (1 + 0.1 * rng.random((side, side, 200)))).astype("<i2")
        for name, write in WRITERS.items():
            file = folder / f"{side}_{name}"
            write(file, values)
            made.append(file)
    return made


def _envi(file: Path, values: np.ndarray[Any, Any]) -> None:
    np.ascontiguousarray(values.transpose(2, 0, 1)).tofile(file)
    height, width, bands = values.shape
    file.with_suffix(".hdr").write_text(
        f"ENVI\nsamples = {width}\nlines = {height}\nbands = {bands}\n"
        "data type = 2\ninterleave = bsq\nbyte order = 0\n",
        encoding="utf-8",
    )


def _tiff(**options: Any) -> Callable[[Path, np.ndarray[Any, Any]], None]:
    def write(file: Path, values: np.ndarray[Any, Any]) -> None:
        import rasterio
        from rasterio.transform import from_origin

        height, width, count = values.shape
        place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 5_000_000, 10, 10)}
        profile = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": "int16"} | place
        with rasterio.open(file, "w", **profile, **options) as target:
            target.write(values.transpose(2, 0, 1))

    return write


def _hdf(**options: Any) -> Callable[[Path, np.ndarray[Any, Any]], None]:
    def write(file: Path, values: np.ndarray[Any, Any]) -> None:
        import h5py

        with h5py.File(file, "w") as target:
            target.create_dataset("cube", data=values, **options)

    return write


def _mat(file: Path, values: np.ndarray[Any, Any]) -> None:
    from scipy.io import savemat

    savemat(file, {"cube": values}, do_compression=True)


WRITERS: dict[str, Callable[[Path, np.ndarray[Any, Any]], None]] = {
    "envi.bsq": _envi,
    "numpy.npy": lambda file, values: np.save(file, values),
    "plain.tif": _tiff(),
    "plain.h5": _hdf(),
    "packed.npz": lambda file, values: np.savez_compressed(file, cube=values),
    "packed.mat": _mat,
    "packed.h5": _hdf(compression="gzip", chunks=(32, 32, 32)),
    "deflate.tif": _tiff(compress="deflate", tiled=True),
}


if __name__ == "__main__":
    sys.exit(main())
