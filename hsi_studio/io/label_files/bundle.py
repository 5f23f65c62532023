"""Which of the given files belong together. Every group gets a folder of its own, with plain names.

A shapefile is three to six files of one name, from which .shp can be read without .shx (the index is made anew for
our copy) but not without .dbf, which has the classes. Archives (.zip, .kmz) are unpacked here and not by GDAL: bounded
in size and number, without folders. Copies with plain names also keep from GDAL what a name may mean to it ("a!b.zip").
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import size_text
from hsi_studio.io.label_files.records import LARGEST, MOST_FILES

PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".qpj", ".qmd")
BESIDE = (".prj", ".cpg", ".dbf", ".shx")
SHP_HEADER = 100  # bytes
IGNORED = (".xml.aux", ".lock", ".qml", ".sld", ".lyr", ".lyrx", ".md", ".pdf")


@dataclass(frozen=True)
class Group:
    """Files to read as one. `shown`: the file the user knows; `main`: its copy, or the file itself."""

    shown: Path
    main: Path


@contextmanager
def grouped(files: Sequence[Path]) -> Iterator[list[Group]]:
    """Groups in the order given; their copies are gone afterwards. Raises FileProblem and its kinds."""
    if len(files) > MOST_FILES:
        raise FileProblem(files[0], f"{len(files)} files at once; {MOST_FILES} are the most", "Give fewer")
    with tempfile.TemporaryDirectory(prefix="hsi-labels-") as folder:
        yield list(_groups(files, Path(folder), archived=None))


def _groups(files: Sequence[Path], folder: Path, archived: Path | None) -> Iterator[Group]:
    by_name: dict[str, list[Path]] = {}
    mains = [_stem(file) for file in files if file.suffix.lower() == ".shp"]
    whole = len(set(mains)) < len(mains)  # an upload has a folder for each file, so folders count only if they must
    for file in files:
        if archived is None:
            size_of(file)
        by_name.setdefault(_stem(file, whole), []).append(file)
    seen: set[Path] = set()
    for number, file in enumerate(files):
        if file in seen:
            continue
        kind = file.suffix.lower()
        if kind in PARTS or file.name.lower().endswith(".shp.xml"):
            siblings = [other for other in by_name[_stem(file, whole)] if other.suffix.lower() in PARTS]
            seen.update(p for p in by_name[_stem(file, whole)] if p in siblings or p.name.lower().endswith(".shp.xml"))
            yield _shapefile(file, siblings, folder / f"{number}", archived)
        elif kind in (".zip", ".kmz"):
            if archived is not None:
                raise FileProblem(archived, f"it holds another archive, {file.name}", "Unpack that one first")
            inside = _unpacked(file, folder / f"{number}")
            yield from _groups(inside, folder / f"{number}-groups", archived=file)
        elif kind == ".gpkg":
            yield _geopackage(file, folder / f"{number}", archived)
        elif not _goes_along(file, by_name[_stem(file, whole)], len(files) > 1 or archived is not None):
            yield Group(archived or file, file)


def _goes_along(file: Path, siblings: Sequence[Path], several: bool) -> bool:
    """Whether it is only what programs put beside labels, their style or their metadata: whoever gives all files of one
    name gives those too. Given alone it is read, and refused."""
    kind = file.suffix.lower()
    described = kind == ".xml" and any(other.suffix.lower() in (".shp", ".gpkg") for other in siblings)
    return several and (kind in IGNORED or described)


def _stem(file: Path, whole: bool = False) -> str:
    """The name that the parts of a shapefile share: "a" of a.shp and a.shp.xml; `whole`: with its folder."""
    name = file.name.lower().removesuffix(".xml") if file.name.lower().endswith(".shp.xml") else file.name.lower()
    return str(file.parent / Path(name).stem) if whole else Path(name).stem


def _shapefile(file: Path, siblings: list[Path], folder: Path, archived: Path | None) -> Group:
    main = next((part for part in siblings if part.suffix.lower() == ".shp"), None)
    if main is None and archived is None:  # a part was named: the others may lie beside it
        main = next((p for p in _beside(file) if p.suffix.lower() == ".shp"), None)
    shown = archived or main or file
    if main is None:
        raise FileProblem(shown, "this is a part of a shapefile, and its .shp is missing", "Give all parts together")
    have = {part.suffix.lower(): part for part in siblings}
    for part in _beside(main) if archived is None else []:
        have.setdefault(part.suffix.lower(), part)
    if ".dbf" not in have:
        raise FileProblem(
            shown, "its .dbf is missing, which holds the classes", "Give all parts of the shapefile together, or a .zip"
        )
    folder.mkdir(parents=True)
    for suffix, part in have.items():
        size_of(part)
        if suffix == ".prj":  # names in it may be in any encoding, and only its numbers count
            (folder / "labels.prj").write_text(
                part.read_bytes().decode("ascii", "replace").replace("\ufffd", "_"), "ascii"
            )
        else:
            shutil.copyfile(part, folder / f"labels{suffix}")
    index = folder / "labels.shx"
    if not index.is_file() or not index.stat().st_size:
        index.write_bytes(_index_of((folder / "labels.shp").read_bytes()))
    return Group(shown, folder / "labels.shp")


def _index_of(data: bytes) -> bytes:
    """The .shx of a .shp (ESRI Shapefile Technical Description, July 1998, pages 4 and 23): where each record begins
    and how long it is, in 16-bit words. A record that is cut off, and what follows it, is not in it."""
    entries, at = bytearray(), SHP_HEADER
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "big")
        if length < 2 or at + 8 + 2 * length > len(data):
            break
        entries += (at // 2).to_bytes(4, "big") + data[at + 4 : at + 8]
        at += 8 + 2 * length
    words = (SHP_HEADER + len(entries)) // 2
    return data[:24] + words.to_bytes(4, "big") + data[28:SHP_HEADER] + bytes(entries)


def _geopackage(file: Path, folder: Path, archived: Path | None) -> Group:
    """With what QGIS has written but not yet put into the main file (SQLite's write-ahead log)."""
    folder.mkdir(parents=True)
    for end in ("", "-wal"):
        source = file.with_name(file.name + end)
        if source.is_file():
            shutil.copyfile(source, folder / f"labels.gpkg{end}")
    return Group(archived or file, folder / "labels.gpkg")


def _beside(file: Path) -> list[Path]:
    """Parts of the same name in the same folder."""
    if not file.parent.is_dir():
        return []
    stem = _stem(file)
    return [
        p
        for suffix in (".shp", *BESIDE)
        for p in (file.with_suffix(suffix), file.with_suffix(suffix.upper()))
        if p.is_file() and _stem(p) == stem
    ]


def size_of(file: Path) -> int:
    """Bytes. Raises FileProblem for what cannot be read, is empty or is too much."""
    try:
        if file.is_dir():
            raise FileProblem(file, "this is a folder", "Name the label file inside it")
        size = file.stat().st_size
    except OSError as error:
        raise FileProblem(
            file, f"it cannot be read ({error.strerror})", "Check the name and its permissions"
        ) from error
    if size == 0 and file.suffix.lower() not in (".cpg", ".prj", ".qix", ".sbn", ".sbx", ".qpj", ".qmd", ".shx"):
        raise CorruptFile(file, "the file is empty", "Export the labels again")
    if size > LARGEST:
        raise FileProblem(
            file, f"it has {size_text(size)}, too much for labels ({size_text(LARGEST)} is the most)",
            "Choose the label file",
        )  # fmt: skip
    return size


def _unpacked(file: Path, folder: Path) -> list[Path]:
    """The files of an archive, without their folders; hidden ones are left."""
    folder.mkdir(parents=True)
    found: list[Path] = []
    left = LARGEST
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir() and _wanted(e.filename)]
            if not entries:
                raise FileProblem(file, "there is no file in the archive", "Choose another one")
            if len(entries) > MOST_FILES:
                raise FileProblem(file, f"it holds {len(entries)} files; {MOST_FILES} are the most", "Pack the labels")
            for number, entry in enumerate(entries):
                name = Path(entry.filename.replace("\\", "/")).name
                place = folder / str(Path(entry.filename).parent).replace("/", "_").replace(".", "_")[:50]
                place.mkdir(exist_ok=True)
                target = place / name[-100:]
                if target.exists():
                    target = place / f"{number}_{name[-100:]}"
                with archive.open(entry) as source, target.open("wb") as copy:
                    while block := source.read(1 << 20):
                        left -= len(block)
                        if left < 0:
                            raise FileProblem(
                                file, f"unpacked it has more than {size_text(LARGEST)}", "Pack the labels alone"
                            )
                        copy.write(block)
                if target.stat().st_size or target.suffix.lower() in PARTS:
                    found.append(target)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise CorruptFile(file, f"the archive cannot be unpacked ({error})", "Pack it again, as .zip") from error
    return found


def _wanted(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" not in parts and not parts[-1].startswith(".") and bool(parts[-1])
