"""This program connects to where its operator allows, to the address that was checked, and GDAL to nowhere."""

from __future__ import annotations

import http.server
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from hsi_studio import settings
from hsi_studio.errors import BadRequest
from hsi_studio.outgoing import GDAL, Policy, connected, opener, without_network

INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "0.0.0.0",
    "::1",
    "fd00::1",
    "fe80::1",
]
INSIDE += ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "100.64.0.1", "224.0.0.1"]


def policy(text: str = "", literal: str = "") -> Policy:
    return Policy.of_environment({settings.OUTGOING.name: text}, literal)


def leads_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """What a name resolves to from now on. Returns the addresses that are connected to."""
    tried: list[str] = []

    def found(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def connect(place: tuple[str, int], timeout: Any = None) -> Any:
        tried.append(place[0])
        raise OSError("not in a test")

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket, "create_connection", connect)
    return tried


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused_and_nothing_is_connected(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = leads_to(monkeypatch, "93.184.216.34", address)
    with pytest.raises(BadRequest, match=settings.OUTGOING.name):
        connected(policy(), "data.example.org", 443)
    assert tried == []


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_where_it_is_not_the_operators_own_word(address: str) -> None:
    with pytest.raises(BadRequest):
        policy().check_name(address)


def test_the_connection_is_made_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the second answer of a name server is never asked for."""
    tried = leads_to(monkeypatch, "93.184.216.34")
    with pytest.raises(OSError, match="not in a test"):
        connected(policy(), "data.example.org", 443)
    assert tried == ["93.184.216.34"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.1.2.3", "localhost"])
def test_a_model_on_the_own_machine_is_allowed_by_writing_its_address_down(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads_to(monkeypatch, "127.0.0.1" if host == "localhost" else host)
    assert policy(literal=host).addresses(host, 11434)
    with pytest.raises(BadRequest):
        policy(literal="other.example.org").addresses(host, 11434)


def test_cloud_metadata_needs_the_setting_even_when_written_down() -> None:
    with pytest.raises(BadRequest):
        policy(literal="169.254.169.254").check_name("169.254.169.254")
    policy("169.254.169.254", "169.254.169.254").check_name("169.254.169.254")


def test_localhost_that_leads_elsewhere_is_not_the_own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, "10.0.0.9")
    with pytest.raises(BadRequest):
        policy(literal="localhost").addresses("localhost", 80)


def test_a_list_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, "93.184.216.34")
    listed = policy("huggingface.co, *.example.org, 10.1.0.0/16")
    listed.check_name("huggingface.co")
    assert listed.addresses("data.example.org", 443)
    for host in ("evil.com", "example.org.evil.com", "huggingface.co.evil.com"):
        with pytest.raises(BadRequest, match="not in the list"):
            listed.addresses(host, 443)
    leads_to(monkeypatch, "10.1.2.3")
    assert listed.addresses("anything.internal", 443) == ["10.1.2.3"]
    leads_to(monkeypatch, "10.2.2.3")
    with pytest.raises(BadRequest):
        listed.addresses("data.example.org", 443)


@pytest.mark.parametrize("entry", ["http://example.org", "a b", "example.org:443", "*", "10.0.0.0/33"])
def test_what_is_no_name_address_or_network_is_said_at_the_start(entry: str) -> None:
    with pytest.raises(BadRequest, match="no host name, address or network"):
        policy(entry)


class Server(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []
    to = ""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", self.to)
        else:
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[int]:
    Server.asked = []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running.server_port
    running.shutdown()
    running.server_close()


def test_a_redirect_goes_through_the_same_check(server: int) -> None:
    allowed = opener(policy("127.0.0.1"))
    Server.to = f"http://127.0.0.1:{server}/there"
    assert allowed.open(f"http://127.0.0.1:{server}/away", timeout=5).status == 200
    for away in (f"http://127.0.0.2:{server}/", "file:///etc/passwd", "ftp://127.0.0.1/x"):
        Server.to, Server.asked = away, []
        with pytest.raises((BadRequest, OSError)):
            allowed.open(f"http://127.0.0.1:{server}/away", timeout=5)
        assert Server.asked == ["/away"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x"])
def test_only_http_and_https_are_spoken(url: str) -> None:
    with pytest.raises((BadRequest, OSError)):
        opener(policy("127.0.0.1")).open(url, timeout=5)


def test_never_from_https_to_http() -> None:
    request = urllib.request.Request("https://data.example.org/a")
    redirects = next(h for h in opener(policy()).handlers if isinstance(h, urllib.request.HTTPRedirectHandler))
    with pytest.raises(BadRequest, match="not encrypted"):
        redirects.redirect_request(request, None, 302, "", {}, "http://data.example.org/a")


@pytest.mark.slow
def test_gdal_and_proj_open_no_address(server: int) -> None:
    """In a process of its own: GDAL reads some of this when it is first loaded."""
    code = f"""
import logging
from hsi_studio.outgoing import without_network
without_network()
import rasterio
from rasterio.crs import CRS
url = "http://127.0.0.1:{server}/a.tif"
for open_it, name in [(rasterio.open, p + url) for p in ("", "/vsicurl/", "/vsicurl_streaming/", "/vsigzip//vsicurl/",
                      "WMS:", "/vsiwebhdfs/")] + [(CRS.from_user_input, url), (CRS.from_user_input, "/vsicurl/" + url)]:
    try:
        open_it(name)
    except Exception as error:
        print(type(error).__name__)
    else:
        print("opened", name)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert "opened" not in done.stdout
    assert len(done.stdout.split()) == 8
    assert Server.asked == []


def test_what_the_operator_set_for_gdal_stays() -> None:
    environment = {"GDAL_HTTP_PROXY": "http://proxy.example.org:8080", "GDAL_SKIP": "VRT,HTTP"}
    without_network(environment)
    assert environment["GDAL_HTTP_PROXY"] == "http://proxy.example.org:8080"
    assert environment["GDAL_SKIP"].split(",")[:3] == ["VRT", "HTTP", "WMS"]
    assert environment.keys() == GDAL.keys()
