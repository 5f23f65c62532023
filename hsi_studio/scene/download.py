"""Public scenes from the internet, into `home()/datasets/<id>/`, checked by sha256.

A file is downloaded to "<name>.part" and continued from there when the connection broke (HTTP Range);
it gets its name only after its hash fits, so a file with its real name is complete. A file put there by
hand is taken as it is, if its hash fits. pooch does the hashing and the table of names; its own downloader
starts from zero after every interruption, which is why the transfer is ours.
"""

from __future__ import annotations

import logging
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from hsi_studio import paths, settings
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem
from hsi_studio.files import put_in_place, replacing
from hsi_studio.outgoing import Policy, opener
from hsi_studio.types import Progress

log = logging.getLogger(__name__)
TIMEOUT_S = 30
CHUNK = 1 << 18


@dataclass(frozen=True)
class RemoteFile:
    """One file of a scene. `member`: the file inside a zip archive that is wanted, with its own sha256."""

    name: str
    url: str
    sha256: str | None = None  # None: published without one; the scene's size and label counts are checked instead


@dataclass(frozen=True)
class Member:
    """A file inside a downloaded archive."""

    archive: str
    ending: str  # how its path inside the archive ends
    sha256: str | None = None


def folder(scene_id: str) -> Path:
    return paths.home() / "datasets" / scene_id


def fetch(
    file: RemoteFile, target: Path, progress: Callable[[Progress], None] = lambda _: None, licence: str = ""
) -> Path:
    """The file in folder `target`, downloaded if need be. Raises FileProblem (no connection), CorruptFile (hash)."""
    path = target / file.name
    if path.exists():
        _check(path, file)
        return path
    target.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        if not _from_mirror(file, part, progress):
            _transfer(file.url, part, lambda done, total: progress(Progress(f"Downloading {file.name}", done, total)))
    except (urllib.error.URLError, OSError, ValueError, BadRequest) as error:
        kept = f" ({part.stat().st_size} bytes are kept and continued next time)" if part.exists() else ""
        raise FileProblem(
            path,
            f"it could not be downloaded from {file.url}: {_why(error)}{kept}",
            f"Try again, or download it by hand and put it at {path} ({_hash_text(file)})",
        ) from error
    if file.sha256 is not None and _sha256(part) != file.sha256:
        found = _sha256(part)
        part.unlink()
        raise CorruptFile(
            path,
            f"what {file.url} gives has sha256 {found}, expected {file.sha256}; it was deleted",
            f"Try again, or put the right file at {path}",
        )
    put_in_place(part, path)
    log.info("downloaded %s%s", path, f" ({licence})" if licence else "")
    return path


def _from_mirror(file: RemoteFile, part: Path, progress: Callable[[Progress], None]) -> bool:
    """Whether the mirror of this server had the file. It is checked as any other; what it lacks comes from its URL."""
    mirror, scene = settings.MIRROR.text().strip(), part.parent.name
    if not mirror:
        return False
    if not mirror.lower().startswith(("http://", "https://")):
        there = Path(mirror).expanduser() / scene / file.name
        if not there.is_file():
            return False
        shutil.copyfile(there, part)
        return True
    address = f"{mirror.rstrip('/')}/{quote(scene)}/{quote(file.name)}"
    try:
        host = urlsplit(mirror).hostname or ""
        told = f"Downloading {file.name} from the mirror"
        _transfer(address, part, lambda done, total: progress(Progress(told, done, total)), host)
    except (urllib.error.URLError, OSError, ValueError, BadRequest) as error:
        log.warning("the mirror does not give %s: %s", address, getattr(error, "reason", error))
        part.unlink(missing_ok=True)
        return False
    return True


def extract(archive: Path, member: Member, target: Path) -> Path:
    """One member of a zip archive as a file in `target`. Its folder inside the archive is ignored."""
    path = target / member.ending.rsplit("/", 1)[-1]
    if not path.exists():
        try:
            with zipfile.ZipFile(archive) as packed:
                names = [n for n in packed.namelist() if n.endswith(member.ending)]
                if not names:
                    raise CorruptFile(archive, f"there is no {member.ending} in it", "Delete it and try again")
                with packed.open(min(names, key=len)) as source, replacing(path) as part, part.open("wb") as out:
                    shutil.copyfileobj(source, out, CHUNK)
        except zipfile.BadZipFile as error:
            raise CorruptFile(archive, f"it is not a complete archive ({error})", "Delete it and try again") from error
    _check(path, RemoteFile(path.name, "", member.sha256))
    return path


def _transfer(url: str, part: Path, report: Callable[[float, float], None], own: str = "") -> None:
    """Download to `part`, from where an earlier attempt stopped when the server allows it.

    `own`: the host that the operator wrote down.
    """
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "hsi-studio", **_range(have)})
    try:
        response = opener(Policy.of_environment(literal=own)).open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:  # 416: nothing is left to send; the hash decides
            raise
        return
    with response:
        resumed = response.status == 206
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else 0
        with part.open("ab" if resumed else "wb") as out:
            while chunk := response.read(CHUNK):
                out.write(chunk)
                have += len(chunk)
                report(have, total)
    if total and have < total:
        raise OSError(f"the connection broke after {have} of {total} bytes")


def _range(have: int) -> dict[str, str]:
    return {"Range": f"bytes={have}-"} if have else {}


def _sha256(path: Path) -> str:
    import pooch

    return str(pooch.file_hash(str(path), alg="sha256"))


def _why(error: Exception) -> str:
    code = f"HTTP {error.code} " if isinstance(error, urllib.error.HTTPError) else ""
    return f"{code}{getattr(error, 'reason', error)}"


def _hash_text(file: RemoteFile) -> str:
    return f"sha256 {file.sha256}" if file.sha256 else "no checksum is published; size and label counts are checked"


def _check(path: Path, file: RemoteFile) -> None:
    if file.sha256 is None:
        return
    found = _sha256(path)
    if found != file.sha256:
        raise CorruptFile(
            path, f"its sha256 is {found}, expected {file.sha256}", f"Delete {path} so that it is fetched again"
        )
