"""Which of several files is the scene, and what the others are to it.

The rule: dark and white references of a capture (DARKREF_x, WHITEREF_x, x_dark …), quicklooks, quality layers, sidecars
and label files are never the scene while another image is there. Of the rest a product's spectral image comes first,
then ENVI headers, then containers and images, the largest first; a data file that has its header among the files goes
with it. Names with dsm, lidar, chm … are heights; with gt, reference, labels, classes … the reference; each also in
German, French and Spanish. EMIT's file of flags is no mask: its zeros are the good pixels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hsi_studio.errors import FileProblem, UnknownFormat
from hsi_studio.scene.rules.data_file import NOT_DATA, neighbours

CALIBRATION = re.compile(r"(^|[_\-. ])(darkref|whiteref|dark|white|darkreference|whitereference|calib|calibration|"
                         r"dunkel(referenz|bild|strom|ref)?|wei(ss|ß)(referenz|abgleich|standard|ref)?|kalibrierung|"
                         r"noire?|blanc(he)?|obscurit[eé]|oscuro|blanco|buio|bianco|empty|bias|flat_?field)"
                         r"([_\-. \d]|$)|^(darkref|whiteref)", re.IGNORECASE)  # fmt: skip
QUALITY = re.compile(r"quality|(^|[_-])ql([_-]|$)|quicklook|thumbnail|browse|preview|mask|_msk|cloud|uncert|"
                     r"_unc([_.-]|$)|(^|[_-])(obs|loc|igm|glt)([_.-]|$)", re.IGNORECASE)  # fmt: skip
HEIGHTS = re.compile(
    r"(^|[_\-. ])(n?dsm|dem|dtm|chm|lidar|heights?|elevation|n?dom|dgm|mnt|mns|mnh|mde|mdt|mds|altura|hoehen?|"
    r"höhen?|höhenmodell)([_\-. \d]|$)",
    re.IGNORECASE,
)
CLASSES = re.compile(
    r"(^|[_\-. ])(gt|ground_?truth|reference|ref|labels?|classes|classification|landcover|lulc|training|"
    r"referenz|klassen|klassifikation|klassifizierung|landnutzung|r[eé]f[eé]rence|v[eé]rit[eé]_?terrain|"
    r"referencia|clases|clasificaci[oó]n|riferimento|classi)([_\-. \d]|$)",
    re.IGNORECASE,
)
BAND_NUMBER = re.compile(r"(?:^|[_\-. ])(?:band|b)[_\-]?(\d{1,4})(?=[_\-. ])", re.IGNORECASE)
MASKS = re.compile(r"(^|[_\-. ])(mask|valid|cloud_?mask)([_\-. \d]|$)", re.IGNORECASE)
IMAGES = {".hdr", ".tif", ".tiff", ".h5", ".hdf5", ".he5", ".hdf", ".nc", ".nc4", ".cdf", ".nc3", ".mat", ".npy",
          ".npz", ".jp2", ".img",
          ".dat", ".raw", ".bsq", ".bil", ".bip", ".cube", ".cub", ".bin", ".pix", ".asc"}  # fmt: skip
VECTORS = {".geojson", ".shp", ".gpkg", ".kml", ".csv"}
NAMED = 12  # images of a folder that a message names


@dataclass(frozen=True)
class Roles:
    """What each of several files is. `others`: files that go with them or are not used."""

    cube: Path
    dsm: Path | None = None
    reference: Path | None = None
    mask: Path | None = None
    labels: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()


def main_file(files: Sequence[Path]) -> Path:
    """Of several files the one to open. Raises UnknownFormat when none is an image."""
    images = [f for f in files if f.suffix.lower() in IMAGES and not f.name.startswith(".")]
    if not images:
        images = [f for f in files if f.suffix.lower() not in NOT_DATA and not f.name.startswith(".")] or list(files)
    if not images:
        raise UnknownFormat(Path("files"), "there is no file among them", "Choose the image, with its header")
    return min(images, key=partial(_rank, seen={}))


def _rank(path: Path, seen: dict[Path, list[Path]]) -> tuple[int, int, int, str]:
    """`seen`: what lies in the folders of headers, listed once for all of them."""
    stem, ending = path.stem, path.suffix.lower()
    upper = path.name.upper()
    product = "SPECTRAL_IMAGE" in upper or "_RFL_" in upper or "REFLECTANCE" in upper
    other = bool(CALIBRATION.search(stem)) * 3 + bool(QUALITY.search(stem)) * 2
    other += bool(HEIGHTS.search(stem) or CLASSES.search(stem))
    kind = 0 if ending == ".hdr" else 1 if ending in (".he5", ".h5", ".hdf5", ".nc", ".tif", ".tiff") else 2
    try:
        size = path.stat().st_size if ending != ".hdr" else _data_size(path, seen)
    except OSError:
        size = 0
    return (0 if product and not other else other + 1, kind, -size, path.name)


def _data_size(header: Path, seen: dict[Path, list[Path]]) -> int:
    """The largest file with the header's name: of several pairs the larger recording counts."""
    stem, folder = header.with_suffix("").name.lower(), header.parent
    if folder not in seen:
        seen[folder] = neighbours(folder / "-")
    same = [p for p in seen[folder] if p != header and stem in (p.stem.lower(), p.name.lower())]
    return max((p.stat().st_size for p in same), default=0)


def roles_of(files: Sequence[Path], cube: Path) -> Roles:
    """The roles of files that were given together with the scene's own, `cube`."""
    rest = [
        f for f in files if f != cube and f.stem.lower() != cube.stem.lower() and f.name.lower() != cube.stem.lower()
    ]
    flags = cube.name.upper().replace("_RFL_", "_MASK_")  # EMIT's, which are asked for by name
    rest = [f for f in rest if not CALIBRATION.search(f.stem) and f.name.upper() != flags]
    heads = {f.with_suffix("").name.lower() for f in rest if f.suffix.lower() == ".hdr"}
    rest = [f for f in rest if f.suffix.lower() == ".hdr" or f.stem.lower() not in heads]
    found: dict[str, Path] = {}
    for role, pattern in (("dsm", HEIGHTS), ("reference", CLASSES), ("mask", MASKS)):
        named = [f for f in rest if f.suffix.lower() in IMAGES and pattern.search(f.stem) and f not in found.values()]
        if len(named) == 1:
            found[role] = named[0]
    labels = tuple(f for f in rest if f.suffix.lower() in VECTORS)
    used = {cube, *found.values(), *labels}
    return Roles(cube, found.get("dsm"), found.get("reference"), found.get("mask"), labels,
                 tuple(f for f in files if f not in used))  # fmt: skip


def _bands_of_one(files: Sequence[Path]) -> bool:
    """Names that differ in the number of a band only: …_B001_L1T.TIF, …_B002_L1T.TIF …"""
    found = [BAND_NUMBER.search(file.name) for file in files]
    rests = {file.name[: m.start(1)] + file.name[m.end(1) :] for file, m in zip(files, found, strict=True) if m}
    return len(files) > 2 and all(found) and len(rests) == 1


ZARR = (".zgroup", ".zarray", ".zmetadata", "zarr.json")


def data_in_folder(path: Path) -> Path:
    """The file to open of a folder; files are taken as they are. Raises FileProblem when no image, or no single one, is
    in it."""
    if not path.is_dir():
        return path
    inside = neighbours(path / "-")
    images = [f for f in inside if f.suffix.lower() in IMAGES and not f.name.startswith(".")]
    if not images and any((path / name).is_file() for name in ZARR):
        raise UnknownFormat(
            path,
            "it is a Zarr store, which is not read",
            "Save it as netCDF: xarray.open_zarr(…).to_netcdf(“scene.nc”)",
        )
    if not images:
        raise UnknownFormat(path, "there is no image in this folder", "Name the data file inside it")
    best = main_file(images)
    seen: dict[Path, list[Path]] = {}
    rank = _rank(best, seen)[0]
    equal = [f for f in images if _rank(f, seen)[0] == rank and f.stem.lower() != best.stem.lower()]
    heads = {f.stem.lower() for f in images if f.suffix.lower() == ".hdr"}
    equal = [f for f in equal if f.suffix.lower() == ".hdr" or f.stem.lower() not in heads]
    if equal and _bands_of_one(sorted([best, *equal])):
        raise FileProblem(
            path,
            f"its {len(equal) + 1} images are bands of one scene, each in a file of its own",
            "Put them into one file: gdalbuildvrt -separate B.vrt (the files in order), then gdal_translate B.vrt "
            "SCENE.tif",
        )
    if equal:
        listed = ", ".join(f.name for f in sorted([best, *equal])[:NAMED])
        listed += f" … and {len(equal) + 1 - NAMED} more" if len(equal) >= NAMED else ""
        raise FileProblem(path, f"{len(equal) + 1} images are in this folder", f"Name one of them: {listed}")
    return best
