"""Names and passwords: right ones come in, everything else does not, and a stolen file says no password."""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path

import pytest

from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.users import KNOWN_S, Users, hashed, matches


@pytest.fixture(autouse=True)
def _cheap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "cost" not in request.node.name and "hash_matches" not in request.node.name:
        monkeypatch.setattr("hsi_studio.users.COST", {"n": 16, "r": 8, "p": 1})


def basic(name: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode())


@pytest.mark.slow
def test_a_hash_matches_its_password_only_and_is_salted() -> None:
    stored = hashed("blüe:sky")
    assert stored.startswith("scrypt$32768$8$3$")
    assert "sky" not in stored
    assert stored != hashed("blüe:sky")
    assert matches("blüe:sky", stored)
    assert not matches("blüe:sk", stored)
    assert not matches("", stored)


@pytest.mark.parametrize(
    "stored",
    ["", "plain", "scrypt$1$2$3", "scrypt$1048576$8$1$c2FsdA==$aGFzaA==", "scrypt$16384$8$1$%$%", "md5$1$1$1$a$b"],
)
def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert not matches("x", stored)


def test_users_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    file.write_text(f"# people\nana:{hashed('blue sky')}\n\nben:{hashed('red sea')}\n")
    users = Users.of_file(file)
    assert users.names == ["ana", "ben"]
    assert users.who(basic("ana", "blue sky")) == "ana"
    assert users.who(basic("ana", "blue sky")) == "ana"  # known by now
    assert users.who(basic("ben", "red sea")) == "ben"
    for header in (
        basic("ben", "blue sky"),
        basic("ana", ""),
        basic("eve", "blue sky"),
        b"",
        b"Basic !!!",
        b"Bearer x",
    ):
        assert users.who(header) is None
    assert users.who(b"Basic " + b"A" * 100_000) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "names no user"), ("ana:secret", "line 1 is not NAME:scrypt"), ("nonsense", "line 1")],
)
def test_a_wrong_file_is_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "users.txt"
    file.write_text(text)
    with pytest.raises(FileProblem, match=said):
        Users.of_file(file)
    with pytest.raises(FileProblem, match="cannot be read"):
        Users.of_file(tmp_path / "missing")


def test_a_user_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    file.write_text(f"ana:{hashed('a')}\nana:{hashed('b')}\n")
    with pytest.raises(FileProblem, match="line 2 is a user twice"):
        Users.of_file(file)


@pytest.mark.parametrize("name", ["../ana", "", ".", "a b", "_nobody", "a/b", "x" * 65])
def test_names_become_folders_and_must_be_fit_for_it(name: str) -> None:
    with pytest.raises(BadRequest, match="user name"):
        Users({name: hashed("x")})


def test_names_that_differ_in_capitals_alone_would_share_a_folder_on_some_disks() -> None:
    with pytest.raises(BadRequest, match="capitals"):
        Users({"Ana": hashed("x"), "ana": hashed("y")})


@pytest.mark.parametrize("text", ["ana", "ana:", ":secret", ""])
def test_one_pair_from_the_command_line(text: str) -> None:
    with pytest.raises(BadRequest, match="USER:PASSWORD"):
        Users.of_pair(text)
    assert Users.of_pair("ana:pa:ss").who(basic("ana", "pa:ss")) == "ana"


def of_earlier_cost(password: str) -> str:
    salt = b"s" * 16
    digest = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
    return f"scrypt$16384$8$1${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


@pytest.mark.slow
def test_a_hash_of_earlier_cost_still_opens_and_is_renewed_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    file.write_text(f"# people\nana:{of_earlier_cost('blue sky')}\nben:{of_earlier_cost('red sea')}\n")
    file.chmod(0o640)
    users = Users.of_file(file)
    assert users.who(basic("ana", "wrong")) is None
    assert "scrypt$32768" not in file.read_text()
    assert users.who(basic("ana", "blue sky")) == "ana"
    comment, ana, ben = file.read_text().splitlines()
    assert comment == "# people"
    assert ana.startswith("ana:scrypt$32768$8$3$")
    assert ben == f"ben:{of_earlier_cost('red sea')}"
    assert file.stat().st_mode & 0o777 == 0o640
    assert Users.of_file(file).who(basic("ana", "blue sky")) == "ana"


def test_a_pair_that_was_right_is_known_without_hashing_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    users = Users({"ana": of_earlier_cost("blue sky")})
    header = basic("ana", "blue sky")
    assert users.known(header) is None
    assert users.who(header) == "ana"
    monkeypatch.setattr("hsi_studio.users.matches", lambda *_: pytest.fail("hashed again"))
    assert users.known(header) == users.who(header) == "ana"
    later = time.monotonic() + KNOWN_S
    monkeypatch.setattr("hsi_studio.users.time.monotonic", lambda: later)
    assert users.known(header) is None
