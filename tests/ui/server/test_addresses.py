"""Host and Origin by exact match: another port, scheme, user part or longer name is another place."""

from __future__ import annotations

import pytest

from hsi_studio.ui.server.addresses import LOOPBACK, Addresses, Place, place_of

OURS = Addresses([*LOOPBACK, "maps.example.org", "lab.example.org:8443"])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:7860", "localhost:7860"), ("http://127.0.0.1:7860", "127.0.0.1:7860"),
        ("http://[::1]:7860", "[::1]:7860"), ("http://LOCALHOST:7860", "localhost:7860"),
        ("https://maps.example.org", "maps.example.org"), ("http://localhost", "localhost:80"),
        ("http://localhost:80", "localhost"),
        ("http://localhost:8888", "localhost:8888"),  # ssh -L 8888:localhost:7860
        ("https://maps.example.org", "127.0.0.1:7860"),  # a proxy that does not pass Host on
        ("https://lab.example.org:8443", "127.0.0.1:7860"),
    ],
)  # fmt: skip
def test_our_own_page(origin: str, host: str) -> None:
    assert OURS.ours(origin.encode(), host.encode())


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8888", "localhost:7860"), ("http://127.0.0.1:7860", "localhost:7860"),
        ("http://localhost", "localhost:7860"), ("https://localhost:7860/", "localhost:7860"),
        ("null", "localhost:7860"), ("", "localhost:7860"), ("http://evil.example", "evil.example"),
        ("http://localhost:7860@evil.example", "localhost:7860"), ("http://localhost.evil.example", "localhost:80"),
        ("ftp://localhost:7860", "localhost:7860"), ("http://localhost:78600", "localhost:7860"),
        ("https://maps.example.org:444", "127.0.0.1:7860"), ("https://lab.example.org", "127.0.0.1:7860"),
        ("http://localhost:7860 http://evil.example", "localhost:7860"), ("file://", "localhost:7860"),
    ],
)  # fmt: skip
def test_another_page(origin: str, host: str) -> None:
    assert not OURS.ours(origin.encode(), host.encode())


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense", ""])
def test_a_browser_that_says_how_far_the_page_is_cannot_write_from_there(site: str) -> None:
    headers = {b"host": b"localhost:7860", b"sec-fetch-site": site.encode()}
    assert OURS.foreign("POST", headers)
    assert not OURS.foreign("GET", headers)  # a link from elsewhere may be followed: nothing is written by GET
    for own in (b"same-origin", b"none"):
        assert not OURS.foreign("POST", {**headers, b"sec-fetch-site": own})


def test_a_foreign_page_may_not_read_either() -> None:
    assert OURS.foreign("GET", {b"host": b"localhost:7860", b"origin": b"http://localhost:8888"})


def test_places() -> None:
    assert place_of("[::1]:7860") == Place("::1", 7860)
    assert place_of("Example.ORG") == Place("example.org")
    for text in ("", "a b", "a:b", "a:1:2", "http://a", "a/", "[x]", "a:123456"):
        assert place_of(text) is None
