"""From *Open* to the first picture of a scene, beside rasterio with matplotlib on the same file.

    python -m benchmarks.first_picture [--rounds 3] [--huge]

Three scenes are written here as ENVI files, int16: 145 × 145 × 200 (Indian Pines), 349 × 1905 × 144 (Houston 2013)
and, with --huge, 10,000 × 10,000 × 100 as a sparse file, of which 320 rows hold data. Each is taken the page's way
through the reader room: the plan, then *Open* until the project is there, then the tiles that show the whole scene in a
window of 1,100 × 750 pixels. The other side opens the file with rasterio, reads the three bands of true colour for the
same window (GDAL's decimated reading), stretches them to 2–98 % and writes a PNG with matplotlib. Medians; the first
round of both is not counted, for libraries are loaded in it; projects and what was read are made anew every time.
"""

from __future__ import annotations

import io
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.common import machine, make_parser
from hsi_studio import settings
from hsi_studio.features.composite import Compositor, default_composite
from hsi_studio.features.stretch import Stretch
from hsi_studio.scene.room import start
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.viewer.tile_routes import TILE, cut_tile

WINDOW = (750, 1100)  # pixels of the page that show the scene
SIZES = {"145 × 145 × 200": (145, 145, 200), "349 × 1905 × 144": (349, 1905, 144)}
HUGE = {"10,000 × 10,000 × 100, sparse": (10_000, 10_000, 100)}


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--huge", action="store_true", help="the scene of 20 GB too (a sparse file of 640 MB)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[settings.READER_FOLDER.name] = str(Path(folder) / "opened")
        os.environ.pop(settings.TRUST_LOCAL.name, None)
        start.warm()
        print(machine())
        print(f"seconds, median of {args.rounds}")
        print(f"{'scene':32} {'plan':>7} {'Open':>7} {'picture':>8} {'Open to picture':>16} {'rasterio':>9}")
        for name, shape in (SIZES | (HUGE if args.huge else {})).items():
            file = written(Path(folder), shape)
            times = [one(file, Path(folder) / f"home{n}") for n in range(args.rounds + 1)][1:]
            other = [beside(file) for _ in range(args.rounds + 1)][1:]
            plan, opened, picture = (statistics.median(part) for part in zip(*times, strict=True))
            both = statistics.median(o + p for _, o, p in times)
            print(f"{name:32} {plan:7.2f} {opened:7.2f} {picture:8.2f} {both:16.2f} {statistics.median(other):9.2f}")
            file.unlink()
    return 0


def written(folder: Path, shape: tuple[int, int, int]) -> Path:
    """An ENVI file, band by band in each line; of a huge scene 16 of every 500 lines hold data, the others nothing."""
    height, width, bands = shape
    file = folder / f"{height}.bil"
    with file.open("wb") as stream:
        stream.truncate(height * width * bands * 2)
    stored = np.memmap(file, dtype="<i2", mode="r+", shape=(height, bands, width))
    rng = np.random.default_rng(0)
    spectrum = 2000 + 1500 * np.sin(np.linspace(0, 5, bands))
    across = 1 + 0.1 * np.sin(np.arange(width) / 30)
    every, filled = (500, 16) if height > 5000 else (height, height)
    for row in range(0, height, every):
        many = min(filled, height - row)
        noise = 0.02 * rng.standard_normal((many, bands, width))
        stored[row : row + many] = (spectrum[None, :, None] * (across[None, None, :] + noise)).astype("<i2")
    stored.flush()
    listed = ", ".join(f"{nm:.1f}" for nm in np.linspace(420, 1000, bands))
    file.with_suffix(".hdr").write_text(
        f"ENVI\nsamples = {width}\nlines = {height}\nbands = {bands}\ndata type = 2\ninterleave = bil\nbyte order = 0\n"
        f"wavelength units = nm\nwavelength = {{{listed}}}\n",
        encoding="utf-8",
    )
    return file


def one(file: Path, home: Path) -> tuple[float, float, float]:
    """Seconds until (the plan is there, the project is open, the picture is there), each from the one before."""
    shutil.rmtree(os.environ[settings.READER_FOLDER.name], ignore_errors=True)
    studio = Studio(home, file.parent)
    began = time.perf_counter()
    made = studio.openings.begin(path=str(file))
    planned = wait(studio, made.id, "plan")
    studio.openings.open(made.id)
    opened = wait(studio, made.id, "done")
    scene = studio.scene_of(studio.openings.get(made.id).project)
    compositor, composite = Compositor(), default_composite(scene)
    height, width, _ = scene.shape
    z = -max(0, math.ceil(math.log2(max(height / WINDOW[0], width / WINDOW[1]))))
    across, down = (math.ceil(n / (TILE * 2**-z)) for n in (width, height))
    for y in range(down):
        for x in range(across):
            cut_tile(compositor, scene, composite, Stretch(), z, x, y)
    shown = time.perf_counter()
    return planned - began, opened - planned, shown - opened


def wait(studio: Studio, opening: str, stage: str) -> float:
    while (now := studio.openings.get(opening)).stage != stage:
        if now.problem:
            raise SystemExit(now.problem)
        time.sleep(0.005)
    return time.perf_counter()


def beside(file: Path) -> float:
    import rasterio
    from matplotlib import image
    from rasterio.errors import NotGeoreferencedWarning

    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(file) as dataset:
            share = min(1.0, WINDOW[0] / dataset.height, WINDOW[1] / dataset.width)
            size = (3, max(1, int(dataset.height * share)), max(1, int(dataset.width * share)))
            nm = np.linspace(420, 1000, dataset.count)
            picked = [int(np.abs(nm - wanted).argmin()) + 1 for wanted in (640, 550, 460)]
            values = dataset.read(picked, out_shape=size).astype("f4")
    low, high = np.percentile(values, [2, 98], axis=(1, 2))
    scaled = np.clip((np.moveaxis(values, 0, 2) - low) / np.maximum(high - low, 1), 0, 1)
    image.imsave(io.BytesIO(), scaled, format="png")
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
