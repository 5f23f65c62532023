"""Names and passwords: one pair from the command line, or a file with one `name:scrypt$…` line a user.

    python -m hsi_studio password ana >> users.txt          asks for the password, writes name and hash

Hashes are scrypt (RFC 7914; N = 2¹⁴, r = 8, p = 1, 16 bytes of salt): a stolen file does not give the passwords away
cheaply. Since scrypt is slow on purpose and Basic authentication comes with every request, a pair that was right once
is known by a keyed digest, in memory only. An unknown name costs as long as a wrong password.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import re
import secrets
import threading
from pathlib import Path

from hsi_studio.errors import BadRequest, FileProblem

log = logging.getLogger(__name__)

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")  # becomes a folder's name
COST = {"n": 2**14, "r": 8, "p": 1}
MAX_KNOWN = 10_000
MAX_PASSWORD = 1024  # bytes


class Users:
    """Who may come in. Safe to ask from many threads."""

    def __init__(self, hashes: dict[str, str]) -> None:
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
        self._known: dict[bytes, str] = {}
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
        return Users(found)

    @property
    def names(self) -> list[str]:
        return list(self._hashes)

    def who(self, authorization: bytes) -> str | None:
        """The user of an Authorization header (Basic); None when name or password are wrong. Takes about 50 ms once."""
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"basic" or len(token) > 4 * MAX_PASSWORD:
            return None
        seen = hmac.digest(self._key, token, "sha256")
        with self._lock:
            if seen in self._known:
                return self._known[seen]
        try:
            name, colon, password = base64.b64decode(token.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        right = matches(password, self._hashes.get(name, self._nobody))
        if not (colon and right and name in self._hashes):
            log.warning("a wrong name or password was given")
            return None
        with self._lock:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[seen] = name
        return name


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
