"""Products of DLR's ground segment (EnMAP, DESIS): a spectral image beside METADATA.XML, which has its bands.

Sources: EnMAP Ground Segment, "HSI Level 1B/Level 1C/Level 2A Product Specification", EN-PCV-ICD-2009-2 version 1.8,
2023 (bandCharacterisation/bandID: wavelengthCenterOfBand, FWHMOfBand, GainOfBand, OffsetOfBand); "DESIS Products
Guide", DLR/Teledyne, version 3, 2021 (the same with wavelengthWidthOfBand, gainOfBand, offsetOfBand).
Level 2A: value = stored · gain + offset is reflectance; levels 1B and 1C: radiance, of EnMAP in
W/(m² sr nm), of DESIS in mW/(cm² sr µm). EnMAP's level 1B has a file a detector, which do not lie on each other: each
is a scene of its own, with its part of the bands (the visible ones come first).
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.scene.formats import envi, geotiff
from hsi_studio.scene.plan import Fact
from hsi_studio.scene.raster import Candidate, Raster, choose
from hsi_studio.scene.said_cube import SaidCube
from hsi_studio.scene.sensors.base import JoinedCube, beside, local, numbers_of, read_xml, text_of
from hsi_studio.types import Bands, FloatArray

MASKS = {
    "cloud": "QL_QUALITY_CLOUD.", "shadow": "QL_QUALITY_CLOUDSHADOW.", "haze": "QL_QUALITY_HAZE.",
    "cirrus": "QL_QUALITY_CIRRUS.", "snow": "QL_QUALITY_SNOW.",
}  # fmt: skip
IMAGES = (".tif", ".tiff", ".bsq", ".bil", ".bip", ".hdr")


class DlrProduct:
    """EnMAP or DESIS: the spectral image or METADATA.XML of one."""

    since = 2
    extensions: tuple[str, ...] = (".tif", ".xml", ".bsq", ".bil", ".bip", ".hdr")

    def __init__(self, name: str, title: str, begins: tuple[str, ...], radiance: str) -> None:
        self.name, self.title, self._begins, self._radiance = name, title, begins, radiance

    def sniff(self, path: Path) -> bool:
        upper = path.name.upper()
        if not upper.startswith(self._begins):
            return False
        if "-METADATA" in upper and path.suffix.lower() == ".xml":
            return beside(path, "-SPECTRAL_IMAGE") is not None
        return "-SPECTRAL_IMAGE" in upper and path.suffix.lower() in IMAGES and beside(path, "-METADATA") is not None

    def open(self, path: Path, variable: str | None) -> Raster:
        if variable is not None:
            raise choose(path, f"{self.title} has one image and no variable “{variable}”", self.variables(path))
        image, metadata = self._files(path)
        raster = _image(image)
        root = read_xml(metadata)
        listed = [e for e in root.iter() if local(e) in ("bandID", "band") and any(
            local(c) == "wavelengthCenterOfBand" for c in e)]  # fmt: skip
        count = raster.cube.shape[2]
        listed = _of_detector(image, listed, count)
        centres = numbers_of(listed, ("wavelengthCenterOfBand",))
        if centres is None or centres.size != count:
            found = 0 if centres is None else centres.size
            raise CorruptFile(
                metadata, f"it describes {found} bands and {image.name} has {count}", "Download both again"
            )
        widths = numbers_of(listed, ("FWHMOfBand", "wavelengthWidthOfBand"))
        gain = numbers_of(listed, ("GainOfBand", "gainOfBand"))
        offset = numbers_of(listed, ("OffsetOfBand", "offsetOfBand"))
        level = text_of(root, "level") or text_of(root, "processingLevel")
        reflectance = not level.upper().startswith("L1") and re.search(r"L1[ABC]-", image.name.upper()) is None
        return self._scaled(raster, centres, widths, gain, offset, reflectance, (image, metadata))

    def _scaled(
        self, raster: Raster, centres: FloatArray, widths: FloatArray | None, gain: FloatArray | None,
        offset: FloatArray | None, reflectance: bool, files: tuple[Path, Path],
    ) -> Raster:  # fmt: skip
        count = centres.size
        notes = [n for n in raster.notes if "wavelength" not in n.lower()]
        cube = raster.cube
        own = np.broadcast_to(np.asarray(raster.scale, dtype=np.float32), (count,))
        scale: FloatArray = own
        shift: FloatArray = np.broadcast_to(np.asarray(raster.offset, dtype=np.float32), (count,))
        unscaled = gain is None and bool(np.all(own == 1))
        if unscaled:
            notes.append(f"{files[1].name} gives no gains: stored values are left as they are (say it with --scale).")
        if gain is not None and np.all(own == 1) and np.any(gain != 1):
            scale, shift = gain, np.zeros(count, np.float32) if offset is None else offset
            cube = SaidCube(cube, gain=scale, shift=shift)
            notes.append(f"Gains and offsets are those of {files[1].name} ({scale[0]:g} in the first band).")
        order = np.argsort(centres, kind="stable")
        if not np.array_equal(order, np.arange(count)):
            cube = JoinedCube([cube], order)
            notes.append("The detectors overlap; bands are sorted by wavelength.")
        said = f"{files[1].name} says so."
        nm = centres[order]
        bands = Bands(count, nm, None if widths is None else widths[order])
        waves = Fact([float(nm[0]), float(nm[-1])], "certain", said)
        return replace(
            raster,
            cube=cube,
            bands=bands,
            files=files,
            scale=scale[order],
            offset=shift[order],
            value_unit="" if unscaled else "reflectance" if reflectance else self._radiance,
            stored_wavelengths=nm,
            notes=(f"Read as {self.title}: wavelengths and scale of {files[1].name}.", *notes),
            facts=raster.facts
            | {"wavelengths": waves, "product": Fact(self.title, "certain", said)}
            | _masks(files[0]),
            differs=(*raster.differs, f"product:{self.name}"),
        )

    def _files(self, path: Path) -> tuple[Path, Path]:
        """(image, metadata)."""
        image = beside(path, "-SPECTRAL_IMAGE") if "-METADATA" in path.name.upper() else path
        metadata = beside(path, "-METADATA")
        if image is not None and image != path and _detector(image) is not None:
            other = beside(path, "-SPECTRAL_IMAGE_VNIR"), beside(path, "-SPECTRAL_IMAGE_SWIR")
            names = " or ".join(one.name for one in other if one is not None)
            raise FileProblem(path, "it describes two detectors, which do not lie on each other", f"Open {names}")
        if image is None or metadata is None:
            raise FileProblem(path, "its image or its METADATA.XML is missing", "Put both into one folder")
        return image, metadata

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return self.open(path, variable)

    def variables(self, path: Path) -> list[Candidate]:
        return [("", _image(self._files(path)[0]).cube.shape, "float32")]


def _detector(image: Path) -> str | None:
    """ "VNIR" or "SWIR" of a level 1B file; None for an image of both."""
    stem = image.stem.upper()
    return next((name for name in ("VNIR", "SWIR") if stem.endswith(f"-SPECTRAL_IMAGE_{name}")), None)


def _of_detector(image: Path, listed: list[Element], count: int) -> list[Element]:
    """The bands of the metadata that a file of one detector holds: the first ones or the last."""
    name = _detector(image)
    if name is None or count >= len(listed):
        return listed
    return listed[:count] if name == "VNIR" else listed[-count:]


def _masks(image: Path) -> dict[str, Fact]:
    """The quality layers that lie beside the image, one band each, 0 = nothing found."""
    found = []
    for kind, ending in MASKS.items():
        layer = beside(image, f"-{ending}")
        if layer is not None:
            found.append(f"{kind}={layer.name}")
    return {"masks": Fact(found, "certain", "Files of the product.")} if found else {}


def _image(path: Path) -> Raster:
    is_tiff = path.suffix.lower() in (".tif", ".tiff")
    return geotiff.READER.open(path, None) if is_tiff else envi.READER.open(path, None)


ENMAP = DlrProduct("enmap", "EnMAP", ("ENMAP",), "W/(m² sr nm)")
DESIS = DlrProduct("desis", "DESIS", ("DESIS",), "mW/(cm² sr µm)")
