"""Where this program may connect to: names and addresses are checked, and what was checked is what is connected to.

Three things connect: a language model (its address comes from whoever starts the app), downloads of catalogue scenes
(addresses in `assets/datasets.json`) and text models (huggingface.co). None of their addresses can be given by a
visitor; but a name that is fixed may lead elsewhere tomorrow, a server may redirect, and a machine in an institute
reaches much that its users should not.

Decisions:
- `HSI_STUDIO_OUTGOING` names all there is, when it is set. When it is not, every public address is allowed, and of the
  others (loopback, private, link-local, reserved) those that whoever starts the app wrote down literally for the
  language model: `localhost`, `127.0.0.1`, `10.1.2.3`. That is how a model on one's own machine is used, and only the
  operator can write it there. A *name* that leads to such an address is refused unless the setting has that address or
  its network: else whoever holds the name's DNS decides what is asked in this network.
- Link-local addresses (169.254.0.0/16, fe80::/10: cloud metadata, with credentials) need the setting even literally.
- A name is resolved once, all its addresses are checked, and the connection is made to one of those (DNS rebinding).
  The certificate is checked against the name. Redirects go through the same check, and never from https to http.
- Behind a proxy (`https_proxy`) the proxy connects: its address is the operator's word, names are only compared with
  the setting.

`without_network` tells GDAL and PROJ, which open addresses that files name, to open none.
"""

from __future__ import annotations

import fnmatch
import http.client
import ipaddress
import os
import socket
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hsi_studio import settings
from hsi_studio.errors import BadRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOCAL_NAME = "localhost"
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
CONNECT_S = 30.0
GDAL = {
    "CPL_LOG": os.devnull,  # else GDAL prints which of these drivers a build has not got
    # drivers that are network clients; those a build lacks are passed over
    "GDAL_SKIP": "WMS WMTS WCS HTTP DAAS EEDA EEDAI PLMOSAIC PLScenes NGW STACIT STACTA OGCAPI",
    "OGR_SKIP": "WFS OAPIF Carto CSW Elastic AmigoCloud PLSCENES NGW",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",  # /vsicurl/, /vsis3/ and their kind open one file only, of this name
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    # what a CRS given as an address opens (OSRImportFromUrl) heeds none of the above, but a proxy; none listens here
    "GDAL_HTTP_PROXY": "http://127.0.0.1:1",
    "GDAL_HTTPS_PROXY": "http://127.0.0.1:1",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_TIMEOUT": "1",
    "GML_DOWNLOAD_SCHEMA": "NO",
    "PROJ_NETWORK": "OFF",
}


@dataclass(frozen=True)
class Policy:
    """What may be connected to. `listed` False = no list: every public address."""

    listed: bool = False
    names: tuple[str, ...] = ()  # "example.org", "*.example.org"
    networks: tuple[Network, ...] = ()
    literal: str = ""  # the host that whoever starts the app wrote down for the language model

    @staticmethod
    def of_environment(environment: Mapping[str, str] | None = None, literal: str = "") -> Policy:
        """Raises BadRequest for an entry that is neither a name, an address nor a network."""
        text = settings.OUTGOING.text(environment)
        names, networks = list[str](), list[Network]()
        for entry in filter(None, (part.strip().lower() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry))
                continue
            except ValueError:
                if any(c in entry for c in "/:@ ") or not entry.strip("*.-"):
                    raise BadRequest(
                        f"{settings.OUTGOING.name}: {entry!r} is no host name, address or network. Examples: "
                        "huggingface.co, *.example.org, 10.1.2.3, 10.0.0.0/8."
                    ) from None
            names.append(entry)
        return Policy(bool(text), tuple(names), tuple(networks), literal.lower())

    def check_name(self, host: str) -> None:
        """Whether a host may be asked at all, before it is resolved. Raises BadRequest."""
        address = _literal(host)
        if address is not None:
            self.check_address(host, address)
        elif self.listed and not self._named(host) and not self.networks:
            raise self._refused(host, "is not in the list of this server")

    def check_address(self, host: str, address: Address) -> None:
        """Whether `host` may lead to `address`. Raises BadRequest."""
        plain = getattr(address, "ipv4_mapped", None) or address
        if any(plain in network for network in self.networks if network.version == plain.version):
            return
        written = bool(self.literal) and host.lower() == self.literal
        own = written and (_literal(host) is not None or (host.lower() == LOCAL_NAME and plain.is_loopback))
        if self.listed and not self._named(host) and not own:
            raise self._refused(host, "is not in the list of this server")
        if plain.is_global and not plain.is_multicast:
            return
        if not own or plain.is_link_local or plain.is_multicast or plain.is_unspecified:
            raise self._refused(host, f"leads to {plain}, an address inside this network or machine")

    def addresses(self, host: str, port: int) -> list[str]:
        """All addresses of a host, each checked. Raises BadRequest, OSError (it cannot be resolved)."""
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        for address in found:
            self.check_address(host, ipaddress.ip_address(address.partition("%")[0]))
        return list(dict.fromkeys(found))

    def _named(self, host: str) -> bool:
        return any(fnmatch.fnmatchcase(host.lower(), name) for name in self.names)

    def _refused(self, host: str, why: str) -> BadRequest:
        return BadRequest(
            f"{host} {why}, so nothing is asked there. Whoever runs the app can allow it: {settings.OUTGOING.name}."
        )


def behind_proxy() -> bool:
    """Whether a proxy makes the connections."""
    return any(os.environ.get(name) for name in PROXIES)


def connected(policy: Policy, host: str, port: int, timeout: float | None = CONNECT_S) -> socket.socket:
    """A TCP connection to one of the host's checked addresses. Raises BadRequest, OSError."""
    last: OSError | None = None
    for address in policy.addresses(host, port):
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            last = error
    raise last or OSError(f"{host} has no address")


def opener(policy: Policy) -> urllib.request.OpenerDirector:
    """urllib, through `policy`: http and https only, redirects checked and never from https to http."""
    if behind_proxy():
        return urllib.request.build_opener(_Named(policy), _Redirects(policy))

    def connect(host_port: tuple[str, int], timeout: Any = None, source: Any = None) -> socket.socket:
        return connected(policy, *host_port, timeout if isinstance(timeout, (int, float)) else CONNECT_S)

    class Plain(http.client.HTTPConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._create_connection = connect

    class Secure(http.client.HTTPSConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._create_connection = connect

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Plain, req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Secure, req)

    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.UnknownHandler(), urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPErrorProcessor(),
        _Named(policy), _Redirects(policy), Http(), Https(),
    ):  # fmt: skip  # no file:, no ftp:, no data:
        made.add_handler(handler)
    return made


class _Named(urllib.request.BaseHandler):
    """Compares the host with the policy before anything is resolved."""

    handler_order = 100

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def http_request(self, req: urllib.request.Request) -> urllib.request.Request:
        self.policy.check_name(urlsplit(req.full_url).hostname or "")
        return req

    https_request = http_request


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        new = urlsplit(newurl)
        if new.scheme != "https" and urlsplit(req.full_url).scheme == "https":
            raise BadRequest(f"{req.host} points to {new.scheme}://{new.netloc}, which is not encrypted: not followed.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def without_network(environment: dict[str, str] | None = None) -> None:
    """Have GDAL and PROJ open no address, in this process and those it starts. To be called before rasterio is
    imported; what the operator has set stays."""
    target: Any = os.environ if environment is None else environment
    for name, value in GDAL.items():
        if name.endswith("_SKIP"):  # a list: others add to it too
            words = f"{target.get(name, '')} {value}".replace(",", " ").split()
            target[name] = ",".join(dict.fromkeys(words))  # with a comma in it, GDAL splits at commas only
        else:
            target.setdefault(name, value)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
