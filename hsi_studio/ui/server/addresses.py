"""Host and Origin: is this our address, and does our own page ask?

Exact throughout. Another port on localhost is another origin: whatever serves it (a notebook, a colleague's program on
the same machine, a page that some tool left behind) is not this app. So an Origin is ours when it names the same host
and port as the request's own Host header; that holds behind `ssh -L` and behind a proxy that passes Host on. For a
proxy that does not, the operator's names (`--allow-host NAME` or `NAME:PORT`) are origins too.

Browsers also say how far away the asking page is (Sec-Fetch-Site, W3C Fetch Metadata): what is not `same-origin` or
typed by the user changes nothing here. Programs send neither header and are let through: they hold no cookies of a
browser that could be misused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SAFE = ("GET", "HEAD", "OPTIONS")
ANY = "*"
OWN_PAGE = (b"same-origin", b"none")  # Sec-Fetch-Site; "none": typed, or a bookmark
DEFAULT_PORT = {"http": 80, "https": 443}
NETLOC = re.compile(r"^(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?$")
ORIGIN = re.compile(r"^(?P<scheme>https?)://(?P<netloc>[^/?#@\s]+)$")


@dataclass(frozen=True)
class Place:
    """A host and its port; None = not said."""

    host: str
    port: int | None = None


def place_of(text: str) -> Place | None:
    """ "[::1]:7860" → (::1, 7860); None for what is not NAME or NAME:PORT."""
    found = NETLOC.match(text.strip().lower())
    if found is None:
        return None
    return Place(found["address"] or found["name"], int(found["port"]) if found["port"] else None)


def is_address(host: str) -> bool:
    """Whether it can be one of the `hosts` of `Addresses`."""
    return host == ANY or place_of(_bracketed(host)) is not None


class Addresses:
    """The names this server has. `hosts`: NAME, NAME:PORT or "*" (any: for those who have a proxy that checks)."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.any = ANY in hosts
        places = [place for host in hosts if host != ANY and (place := place_of(_bracketed(host))) is not None]
        self.names = {place.host for place in places}
        self._origins = {place for place in places if place.host not in LOOPBACK}

    def served(self, host: bytes) -> bool:
        """Whether a request's Host header names this server (against DNS rebinding)."""
        if self.any:
            return True
        place = place_of(host.decode("latin-1"))
        return place is not None and place.host in self.names

    def ours(self, origin: bytes, host: bytes) -> bool:
        """Whether an Origin header is that of a page of ours, asked under `host`."""
        if self.any:
            return True
        found = ORIGIN.match(origin.decode("latin-1").strip().lower())
        place = place_of(found["netloc"]) if found else None
        if found is None or place is None:
            return False
        default = DEFAULT_PORT[found["scheme"]]
        port = default if place.port is None else place.port
        asked = place_of(host.decode("latin-1"))
        if asked is not None and (place.host, port) == (asked.host, default if asked.port is None else asked.port):
            return place.host in self.names
        return any(one.host == place.host and port == (one.port or default) for one in self._origins)

    def foreign(self, method: str, headers: dict[bytes, bytes]) -> bool:
        """Whether another page asks: by its Origin, with any method; by Sec-Fetch-Site, to change something."""
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if self.any:
            return False
        if origin is not None and not self.ours(origin, headers.get(b"host", b"")):
            return True
        return method not in SAFE and site is not None and site not in OWN_PAGE


def _bracketed(host: str) -> str:
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
