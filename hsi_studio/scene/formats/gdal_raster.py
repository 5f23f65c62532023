"""Image formats that come with GDAL and need no reader of their own: ERDAS Imagine, JPEG 2000, PCIDSK, PNG (of class
maps above all), ESRI's ASCII grid (of heights).

Read window by window as a GeoTIFF is. Formats that name other files (VRT) are left out: a file must not open another
one that nobody named.
"""

from __future__ import annotations

from pathlib import Path

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.formats.geotiff import open_dataset, raster_of
from hsi_studio.scene.plan import RULES
from hsi_studio.scene.raster import Candidate, Raster, choose, file_size, first_bytes

DRIVERS = (
    (b"EHFA_HEADER_TAG", "HFA"),
    (b"\x00\x00\x00\x0cjP  ", "JP2OpenJPEG"),
    (b"\xff\x4f\xff\x51", "JP2OpenJPEG"),
    (b"PCIDSK  ", "PCIDSK"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
)
GRIDS = (".asc", ".agr", ".grd", ".txt")
MOST_HEAD = 20  # lines


def driver_of(path: Path) -> str | None:
    """GDAL's driver for a file, by its first bytes."""
    head = first_bytes(path, 16)
    if head.lstrip().lower().startswith((b"ncols", b"nrows")) and path.suffix.lower() in GRIDS:
        return "AAIGrid"
    return next((driver for magic, driver in DRIVERS if head.startswith(magic)), None)


def _numbers_in(path: Path) -> int:
    """How many numbers a grid of text holds behind its head, whose lines begin with a word."""
    found = head = 0
    with path.open("rb") as stream:
        for line in stream:
            words = line.split()
            if words and words[0][:1].isalpha() and words[0].lower() not in (b"nan", b"inf"):
                head += 1
            else:
                found += len(words)
            if head > MOST_HEAD:
                return 0
    return found


class GdalReader:
    """ERDAS Imagine (.img), JPEG 2000, PCIDSK, PNG, ESRI ASCII grid (.asc)."""

    name = "gdal"
    title = "ERDAS Imagine, JPEG 2000, PNG, ESRI ASCII grid"
    extensions = (".img", ".jp2", ".pix", ".png", ".asc")
    takes_rules = True

    def sniff(self, path: Path) -> bool:
        return driver_of(path) is not None

    def open(self, path: Path, variable: str | None, rules: int = RULES) -> Raster:
        size = file_size(path)
        if variable is not None:
            raise choose(path, f"it holds one image and no variable “{variable}”", self.variables(path))
        driver = driver_of(path)
        if driver is None:
            raise CorruptFile(path, "its first bytes are of no image format", "Copy or download it again")
        with open_dataset(path, driver) as dataset:
            wanted = dataset.height * dataset.width
            if driver == "AAIGrid" and (2 * wanted > size + 1 or _numbers_in(path) < wanted):
                claim = f"its head describes {dataset.height} rows of {dataset.width} numbers"  # GDAL reads zeros
                raise CorruptFile(path, f"{claim}, and there are fewer", "Copy or download it again")
            if "complex" in dataset.dtypes[0]:
                raise CorruptFile(path, "it holds complex numbers", "Save the magnitude or the real part as float32")
            try:
                return raster_of(path, dataset, driver, rules=rules)
            except UnicodeDecodeError as error:
                raise CorruptFile(path, f"its band names are not text ({error})", "Copy it again") from error

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return self.open(path, variable)

    def variables(self, path: Path) -> list[Candidate]:
        with open_dataset(path, driver_of(path) or "HFA") as dataset:
            return [("", (dataset.height, dataset.width, dataset.count), dataset.dtypes[0])]


READER = GdalReader()
