"""A backup is one ZIP file: members as they lie below a home folder, and `manifest.json` with the hash of each.

    projects/<id>/…   models/…   uploads/<hash>/…   manifest.json {"format", "version", "created", "files": […], …}

A file is written beside its name, read again in full and compared with what was copied, and only then given its name;
an existing file is never replaced. One that is read may be a stranger's: names that lead anywhere else, links,
encrypted or doubled members, members that the manifest does not have, sizes that are not as they say: each is refused
before a byte is unpacked, and no byte is unpacked beyond the size that was said.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import Field

from hsi_studio.edges import at_edge
from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.files import make_folder, replacing
from hsi_studio.stored import Count, Stored, loads_object, open_file, validated

FORMAT = "hsi-studio backup"
MANIFEST = "manifest.json"
ROOTS = ("projects", "models", "uploads")
MAX_MANIFEST = 256 << 20  # bytes
MAX_FILES = 500_000
MAX_MEMBER = 64 << 30  # bytes
CHUNK = 1 << 20
PACKED = (".safetensors", ".npz", ".gz", ".png", ".tif")  # do not get smaller
PART = re.compile(r'^[^./\\:*?"<>|\x00-\x1f\x7f][^/\\:*?"<>|\x00-\x1f\x7f]{0,199}$')
REMEDY = "Use another copy of the backup"


class Member(Stored):
    path: Annotated[str, Field(max_length=2000)]
    size: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(Stored):
    """`manifest.json`. `uploads`: the folder that uploaded scenes lay in, for the paths in project.json."""

    format: Literal["hsi-studio backup"] = "hsi-studio backup"
    version: Literal[1] = 1
    created: Annotated[str, Field(max_length=64)]
    program: Annotated[str, Field(max_length=64)] = ""
    uploads: Annotated[str, Field(max_length=4096)] = ""
    files: Annotated[tuple[Member, ...], Field(max_length=MAX_FILES)]

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.files)


def write_backup(
    path: Path, sources: Iterable[tuple[str, Path | bytes]], program: str, uploads: str
) -> tuple[Manifest, list[str]]:
    """Write the members, (name, file or content) each; the manifest, and names of files that went meanwhile.

    Raises FileProblem: there is such a file already, the disk is full, what was written cannot be read back.
    """
    if os.path.lexists(path):
        raise FileProblem(path, "there is such a file already", "Choose another name: backups are never replaced")
    members: list[Member] = []
    gone: list[str] = []
    with at_edge(path), replacing(path) as partial:
        with zipfile.ZipFile(partial, "x", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            for name, source in sources:
                try:
                    members.append(_add(archive, name, source))
                except FileProblem as problem:  # a run that was deleted, a file that ended
                    gone.append(f"{name}: {problem.problem}")
            manifest = Manifest(
                created=datetime.now(UTC).isoformat(timespec="seconds"), program=program, uploads=uploads,
                files=tuple(members),
            )  # fmt: skip
            archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        with opened_backup(partial) as again:
            for member in again.manifest.files:
                again.check(member)
            if again.manifest != manifest:
                raise CorruptFile(path, "it is not as it was written", "Check the disk and make the backup again")
        if os.path.lexists(path):
            raise FileProblem(path, "another program wrote it meanwhile", "Choose another name")
    return manifest, gone


def _add(archive: zipfile.ZipFile, name: str, source: Path | bytes) -> Member:
    """Copy what is there now: a file that grows meanwhile is cut where it ended. Raises FileProblem."""
    digest, size = hashlib.sha256(), 0
    info = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
    info.compress_type = zipfile.ZIP_STORED if name.endswith(PACKED) else zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    if isinstance(source, bytes):
        archive.writestr(info, source)
        return Member(path=name, size=len(source), sha256=hashlib.sha256(source).hexdigest())
    with open_file(source, REMEDY) as stream:
        left = os.fstat(stream.fileno()).st_size
        with archive.open(info, "w", force_zip64=True) as target:
            while left and (data := stream.read(min(CHUNK, left))):
                target.write(data)
                digest.update(data)
                size, left = size + len(data), left - len(data)
    return Member(path=name, size=size, sha256=digest.hexdigest())


class BackupFile:
    """A backup that was found to be one. Get it from `opened_backup`."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.path, self.manifest, self._archive = path, manifest, archive

    def read(self, member: Member) -> Iterator[bytes]:
        """Its content, in pieces; the hash is compared at the end. Raises CorruptFile."""
        digest, left = hashlib.sha256(), member.size
        try:
            with self._archive.open(member.path) as stream:
                while data := _piece(stream, left):
                    digest.update(data)
                    left -= len(data)
                    yield data
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise CorruptFile(self.path, f"{member.path} is damaged ({error})", REMEDY) from error
        if left or digest.hexdigest() != member.sha256:
            raise CorruptFile(self.path, f"{member.path} is not as it was backed up", REMEDY)

    def check(self, member: Member) -> None:
        """Raises CorruptFile."""
        for _ in self.read(member):
            pass

    def unpack(self, member: Member, target: Path) -> None:
        """Write it as a new file, which the disk has on return. Raises FileProblem: also for one that is there."""
        with at_edge(target):
            make_folder(target.parent)
            with target.open("xb") as stream:
                for data in self.read(member):
                    stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())


def _piece(stream: IO[bytes], left: int) -> bytes:
    """Never more than one byte beyond what there should be: that one shows that there is more."""
    data = stream.read(min(CHUNK, left + 1))
    if len(data) > left:
        raise zipfile.BadZipFile("longer than it says")
    return data


@contextmanager
def opened_backup(path: Path) -> Iterator[BackupFile]:
    """Everything about the file but its members' content is checked on entry. Raises FileProblem."""
    with open_file(path, REMEDY) as stream:
        try:
            archive = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
            raise CorruptFile(path, f"it is not a ZIP file ({error})", REMEDY) from error
        with archive:
            yield BackupFile(path, archive, _manifest(path, archive))


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    infos = archive.infolist()
    if len(infos) > MAX_FILES:
        raise CorruptFile(path, f"it has {len(infos):,} members, at most {MAX_FILES:,} are read", REMEDY)
    by_name = {info.filename: info for info in infos}
    if len({name.casefold() for name in by_name}) < len(infos):
        raise CorruptFile(path, "a member is in it twice", REMEDY)
    for info in infos:
        _check_member(path, info)
    about = by_name.pop(MANIFEST, None)
    if about is None or about.file_size > MAX_MANIFEST:
        raise CorruptFile(path, "it is no backup of HSI Studio: it has no manifest.json", "Choose another file")
    try:
        with archive.open(about) as stream:
            text = stream.read(about.file_size + 1)
        manifest = validated(Manifest, loads_object(text))
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise CorruptFile(path, f"its manifest cannot be used ({str(error)[:120]})", REMEDY) from error
    said = {member.path: member.size for member in manifest.files}
    found = {name: info.file_size for name, info in by_name.items()}
    if said != found or len(said) < len(manifest.files):
        odd = sorted(dict(said.items() ^ found.items()))[:1] or ["a member"]
        raise CorruptFile(path, f"{odd[0][:200]} is not in it as its manifest says", REMEDY)
    return manifest


def _check_member(path: Path, info: zipfile.ZipInfo) -> None:
    """Raises CorruptFile."""
    name, mode = info.filename, info.external_attr >> 16
    parts = name.split("/")
    safe = name == MANIFEST or (
        3 <= len(parts) + (parts[0] == "models") <= 16 and parts[0] in ROOTS and all(PART.match(part) for part in parts)
    )
    if not safe or name != info.orig_filename:
        raise CorruptFile(path, f"its member {name[:80]!r} leads out of it", "Do not use it: it is no backup of ours")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG) or info.is_dir():
        raise CorruptFile(path, f"its member {name[:80]!r} is no file", "Do not use it: it is no backup of ours")
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CorruptFile(path, f"its member {name[:80]!r} is encrypted or packed in another way", "Unpack it first")
    if info.file_size > MAX_MEMBER:
        raise CorruptFile(path, f"its member {name[:80]!r} would have {info.file_size:,} bytes", REMEDY)
