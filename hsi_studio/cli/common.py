"""What the commands share: arguments, the studio, progress on standard error, JSON reports.

The studio is imported when a command runs, so that --help is quick.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hsi_studio.errors import BadRequest
from hsi_studio.humanize import duration
from hsi_studio.studio.plugins import LIVE_METHOD
from hsi_studio.studio.text_out import write_out
from hsi_studio.types import Progress, Scene

if TYPE_CHECKING:
    from hsi_studio.studio.facade import Studio

Show = Callable[[Progress], None]
READING = ("axes", "nodata", "wavelengths", "unit", "scale", "mask", "quality", "crs")
DEVICE_HELP = "cpu (default) or cuda, for methods that can use it"


def studio() -> Studio:
    """The user's studio: $HSI_STUDIO_HOME, else ~/.hsi_studio."""
    from hsi_studio.studio.facade import Studio

    return Studio()


# ── arguments ───────────────────────────────────────────────────────────────────────────────────


def add_scene(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", metavar="SCENE", help="catalogue id (see `scenes`) or a file")
    parser.add_argument("--var", metavar="NAME", help="variable inside a .mat, .npz or .h5 file")
    parser.add_argument("--dsm", metavar="FILE[:VAR]", help="surface model (DSM), laid on by its map coordinates")
    parser.add_argument("--reference", metavar="FILE[:VAR]", help="class map, laid on by its map coordinates")
    group = parser.add_argument_group("how the file is read, where it or the rules do not say it right")
    group.add_argument("--axes", metavar="A,B,C", help="stored axes in their order: rows,cols,bands or bsq, bil, bip")
    group.add_argument("--nodata", metavar="VALUE", help="stored value that means “no data”, or none")
    group.add_argument("--wavelengths", metavar="LIST|FILE", help="one number a band, or none")
    group.add_argument("--unit", metavar="UNIT", help="of the wavelengths: nm, um, angstrom, wavenumber")
    group.add_argument("--scale", metavar="FACTOR", help="values = stored × FACTOR")
    group.add_argument(
        "--mask", metavar="FILE[:VAR]", help="raster whose zeros are left out; “not FILE[:VAR]”: what it marks is"
    )
    group.add_argument("--quality", metavar="KINDS", help="the product's own masks to leave out: cloud,shadow or all")
    group.add_argument("--crs", metavar="EPSG:CODE", help="map system of the scene's coordinates")
    parser.add_argument("--trust-local", action="store_true", help="read files without a process of their own")


def add_method(
    parser: argparse.ArgumentParser, default: str = LIVE_METHOD, told: str = f"see `methods`; default: {LIVE_METHOD}"
) -> None:
    """--method and --param; `params` reads the second."""
    parser.add_argument("--method", default=default, help=told)
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="a method parameter; may be repeated"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json OUT, for `report`."""
    parser.add_argument("--json", metavar="OUT", help="write one JSON object to a file, or - for standard output")


def add_labels(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """--labels and what may have to be said about its file; `label_options` reads that."""
    parser.add_argument(
        "--labels", required=required, metavar="FILE",
        help="GeoJSON, GeoPackage, shapefile, KML, ENVI ROI, CSV or a raster of classes",
    )  # fmt: skip
    add_label_options(parser, "--labels-crs")


def add_label_options(parser: argparse.ArgumentParser, crs: str = "--crs") -> None:
    """What a file of labels may leave open. `crs`: how its option is called, where the scene has one as well."""
    parser.add_argument("--attribute", metavar="NAME", help="attribute or column that holds the class")
    parser.add_argument("--layer", metavar="NAME", help="layer of a GeoPackage, folder of a KML")
    parser.add_argument(
        crs, dest="labels_crs", metavar="CRS", help="of the labels: EPSG:32633, scene, lonlat, latlon, pixel"
    )
    parser.add_argument(
        "--per-area", type=int, metavar="N", help="at most N pixels of each polygon, evenly drawn (default: all)"
    )
    parser.add_argument("--first", type=int, choices=(0, 1), help="number of the first row and column (default 0)")


def label_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of `add_label_options`, as `Studio.import_labels` takes them."""
    said = {key: getattr(args, key) for key in ("attribute", "layer", "per_area", "first")}
    return {"crs": args.labels_crs, **said}


def positive(text: str) -> int:
    """A type for argparse: a whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return value


def params(args: argparse.Namespace) -> dict[str, Any]:
    """--param NAME=VALUE: values are JSON, or text where they are not. Raises BadRequest."""
    values: dict[str, Any] = {}
    for item in args.param:
        name, equals, text = item.partition("=")
        if not equals:
            raise BadRequest(f"--param {item}: write NAME=VALUE.")
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text
    return values


def opened(args: argparse.Namespace) -> tuple[Studio, Scene]:
    """The studio and the scene of `add_scene`'s arguments. Raises FileProblem, BadRequest."""
    here = studio()
    said = {name: getattr(args, name) for name in READING}
    return here, here.open(args.scene, variable=args.var, dsm=args.dsm, reference=args.reference, **said)


# ── output ──────────────────────────────────────────────────────────────────────────────────────


def progress() -> Show:
    """Lines on standard error, at most two a second; a terminal gets one line that is rewritten."""
    shown_at, shown = -1.0, ""
    live = sys.stderr.isatty()

    def show(progress: Progress) -> None:
        nonlocal shown_at, shown
        now = time.monotonic()
        if now - shown_at < 0.5 and progress.message == shown:
            return
        shown_at, shown = now, progress.message
        share = "" if progress.fraction is None else f" {100 * progress.fraction:3.0f} %"
        left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
        line = f"{progress.message}{share}{left}"
        print(f"\r\033[K{line}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)

    return show


def report(out: str | None, value: dict[str, Any]) -> bool:
    """Write what --json asks for. True when standard output has the object, and shall have nothing else."""
    if out == "-":
        print(json.dumps(value, ensure_ascii=False))
    elif out:
        write_out(out, json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    return out == "-"
