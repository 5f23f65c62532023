"""Names and passwords: one pair from the command line, or a file with one `name:scrypt$…` line a user.

    python -m hsi_studio password ana >> users.txt          asks for the password, writes name and hash

Hashes are scrypt (RFC 7914; N = 2¹⁵, r = 8, p = 3, 16 bytes of salt: one of the equal costs of OWASP's Password Storage
Cheat Sheet, 2025, 32 MiB each): a stolen file does not give the passwords away cheaply. A hash of lower cost, as
earlier versions made them, still opens, and is replaced in the file by one of today's cost when its user signs in.

Since scrypt is slow on purpose and Basic authentication comes with every request, a pair that was right once is known
by a keyed digest, in memory only, for `KNOWN_S`. An unknown name costs as long as a wrong password. How often one may
try is not counted here but by who asks (`ui/server/logins.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import re
import secrets
import shutil
import threading
import time
from pathlib import Path

from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.files import replacing

log = logging.getLogger(__name__)

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")  # becomes a folder's name
COST = {"n": 2**15, "r": 8, "p": 3}
MAX_KNOWN = 10_000
KNOWN_S = 3600.0  # a pair that was right is checked anew after this
MAX_PASSWORD = 1024  # bytes


class Users:
    """Who may come in. Safe to ask from many threads. `file`: where hashes of lower cost are replaced."""

    def __init__(self, hashes: dict[str, str], file: Path | None = None) -> None:
        folders = [name.casefold() for name in hashes]
        for name in hashes:
            if not NAME.match(name) or folders.count(name.casefold()) > 1:
                raise BadRequest(
                    f"The user name {name!r} cannot be used: letters, digits and . _ @ - only, at most 64, and no two "
                    "that differ in capitals alone."
                )
        self._hashes = dict(hashes)
        self._nobody = hashed(secrets.token_hex(8))
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[str, float]] = {}  # digest of a pair → its user, when it was checked
        self._file = file
        self._lock = threading.Lock()

    @staticmethod
    def of_pair(text: str) -> Users:
        """From "USER:PASSWORD". Raises BadRequest."""
        name, colon, password = text.partition(":")
        if not (name and colon and password):
            raise BadRequest("--auth needs USER:PASSWORD.")
        return Users({name: hashed(password)})

    @staticmethod
    def of_file(path: Path) -> Users:
        """Raises FileProblem, BadRequest."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise FileProblem(path, f"it cannot be read ({error})", "Check its name and permissions") from error
        found: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            name, _, rest = line.strip().partition(":")
            if not _parts(rest) or name in found:
                why = "is a user twice" if name in found else "is not NAME:scrypt$…"
                raise FileProblem(path, f"line {number} {why}", "Make lines with: python -m hsi_studio password NAME")
            found[name] = rest
        if not found:
            raise FileProblem(path, "it names no user", "Make a line with: python -m hsi_studio password NAME")
        return Users(found, path)

    @property
    def names(self) -> list[str]:
        return list(self._hashes)

    def who(self, authorization: bytes) -> str | None:
        """The user of an Authorization header (Basic); None when name or password are wrong. Takes long once."""
        known = self.known(authorization)
        pair = self.pair(authorization) if known is None else None
        return self.check(*pair) if pair is not None else known

    def known(self, authorization: bytes) -> str | None:
        """The user of a header that was right within the last hour. Takes no time."""
        digest = self._digest(authorization)
        with self._lock:
            name, at = self._known.get(digest, ("", 0.0)) if digest else ("", 0.0)
            return name if name and time.monotonic() - at < KNOWN_S else None

    @staticmethod
    def pair(authorization: bytes) -> tuple[str, str] | None:
        """Name and password of an Authorization header (Basic, RFC 7617); None for what is not one."""
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"basic" or len(token) > 4 * MAX_PASSWORD:
            return None
        try:
            name, colon, password = base64.b64decode(token.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (name, password) if colon else None

    def check(self, name: str, password: str) -> str | None:
        """The user's name when both are right, else None. Takes a fifth of a second and 32 MiB."""
        stored = self._hashes.get(name, self._nobody)
        if not (matches(password, stored) and name in self._hashes):
            return None
        if _cost(stored) != tuple(COST.values()):
            self._renew(name, password, stored)
        token = base64.b64encode(f"{name}:{password}".encode())
        with self._lock:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[self._digest(b"Basic " + token)] = (name, time.monotonic())
        return name

    def _digest(self, authorization: bytes) -> bytes:
        scheme, _, token = authorization.partition(b" ")
        fits = scheme.lower() == b"basic" and len(token) <= 4 * MAX_PASSWORD
        return hmac.digest(self._key, token.strip(), "sha256") if fits else b""

    def _renew(self, name: str, password: str, old: str) -> None:
        """A hash of today's cost in place of an old one, in memory and in the file."""
        fresh = hashed(password)
        with self._lock:
            self._hashes[name] = fresh
            if self._file is None:
                return
            try:
                lines = self._file.read_text(encoding="utf-8").splitlines(keepends=True)
                changed = [f"{name}:{fresh}\n" if line.strip() == f"{name}:{old}" else line for line in lines]
                with replacing(self._file) as partial:
                    partial.touch(mode=0o600)
                    shutil.copymode(self._file, partial)
                    partial.write_text("".join(changed), encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                log.warning("the hash of %s has an old cost and cannot be replaced in the file: %s", name, error)


def hashed(password: str) -> str:
    """ "scrypt$16384$8$1$salt$hash" with salt and hash in base64. Raises BadRequest for an empty or giant password."""
    raw = password.encode("utf-8")
    if not 1 <= len(raw) <= MAX_PASSWORD:
        raise BadRequest(f"A password has 1 to {MAX_PASSWORD} bytes, this one has {len(raw)}.")
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(raw, salt=salt, **COST, maxmem=64 << 20)
    numbers = "$".join(str(COST[key]) for key in ("n", "r", "p"))
    return f"scrypt${numbers}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(password: str, stored: str) -> bool:
    """Whether a password has this hash."""
    parts = _parts(stored)
    raw = password.encode("utf-8")
    if parts is None or len(raw) > MAX_PASSWORD:
        return False
    n, r, p, salt, digest = parts
    found = hashlib.scrypt(raw, salt=salt, n=n, r=r, p=p, maxmem=64 << 20, dklen=len(digest))
    return hmac.compare_digest(found, digest)


def _cost(stored: str) -> tuple[int, int, int]:
    parts = _parts(stored)
    return parts[:3] if parts is not None else (0, 0, 0)


def _parts(stored: str) -> tuple[int, int, int, bytes, bytes] | None:
    """N, r, p, salt, hash; None for what is not such a text, or asks for more memory than it should."""
    try:
        kind, n, r, p, salt, digest = stored.split("$")
        numbers = int(n), int(r), int(p)
        raw = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except (ValueError, binascii.Error):
        return None
    n_, r_, p_ = numbers
    fits = kind == "scrypt" and 2 <= n_ <= 2**16 and n_ & (n_ - 1) == 0 and 1 <= r_ <= 16 and 1 <= p_ <= 4
    if not fits or 128 * n_ * r_ > 48 << 20 or not raw[0] or not 16 <= len(raw[1]) <= 64:
        return None
    return *numbers, *raw
