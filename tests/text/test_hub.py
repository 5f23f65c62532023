"""A model of the hub is fetched whole, and no redirect leads where the operator did not allow."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from hsi_studio import settings
from hsi_studio.errors import FileProblem, ModelMissing
from hsi_studio.text.hub import download
from hsi_studio.text.model_files import UNWANTED, WANTED, find_model

COMMIT = "a" * 40
WEIGHTS = b"weights" * 1000


class Hub(http.server.BaseHTTPRequestHandler):
    """Gives a model; `to`: where it sends who asks for the weights."""

    asked: ClassVar[list[tuple[str, str]]] = []  # address that was asked, path
    files: ClassVar[dict[str, bytes]] = {}
    names: ClassVar[list[str]] = []
    to: ClassVar[str] = ""
    sha256: ClassVar[str | None] = None

    def do_GET(self) -> None:
        self.asked.append((str(self.connection.getsockname()[0]), self.path))
        name = self.path.partition(f"/resolve/{COMMIT}/")[2]
        if self.path.startswith("/api/"):
            lfs = {"sha256": self.sha256}
            files = [{"rfilename": n, "size": 10, **({"lfs": lfs} if "safe" in n else {})} for n in self.names]
            self.answer(json.dumps({"sha": COMMIT, "siblings": files}).encode())
        elif name == "model.safetensors" and self.to:
            self.send_response(302)
            self.send_header("Location", self.to)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif name in self.files or self.path == "/store":
            self.answer(self.files.get(name, WEIGHTS))
        else:
            self.send_error(404)

    def answer(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its address. It listens on all of this machine's loopback addresses; only 127.0.0.1 is allowed."""
    running = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Hub)
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    Hub.asked, Hub.to, Hub.sha256 = [], "", hashlib.sha256(WEIGHTS).hexdigest()
    Hub.files = {"config.json": b'{"model_type": "bert"}', "tokenizer.json": b"{}", "model.safetensors": WEIGHTS}
    Hub.files["1_Pooling/config.json"] = b"{}"
    Hub.names = list(Hub.files)
    monkeypatch.setenv(settings.HOME.name, str(tmp_path / "home"))
    monkeypatch.setenv(settings.OUTGOING.name, "127.0.0.1/32")
    address = f"http://127.0.0.1:{running.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    yield address
    running.shutdown()
    running.server_close()


def test_a_model_is_fetched_once_and_whole(hub: str) -> None:
    Hub.names = [*Hub.files, "pytorch_model.bin", "run.py", ".gitattributes"]
    found = find_model("someone/tiny")
    inside = sorted(path.relative_to(found.path).as_posix() for path in found.path.rglob("*") if path.is_file())
    assert inside == ["1_Pooling/config.json", "config.json", "model.safetensors", "tokenizer.json"]
    assert (found.path / "model.safetensors").read_bytes() == WEIGHTS
    asked = len(Hub.asked)
    assert find_model("someone/tiny").path == found.path
    assert len(Hub.asked) == asked


def test_words_alone_are_no_whole_model(hub: str) -> None:
    words = find_model("someone/tiny", weights=False)
    assert not (words.path / "model.safetensors").exists()
    assert (find_model("someone/tiny").path / "model.safetensors").read_bytes() == WEIGHTS
    asked = len(Hub.asked)
    assert find_model("someone/tiny", weights=False).json("config.json") == {"model_type": "bert"}
    assert len(Hub.asked) == asked


def test_a_redirect_to_an_allowed_address_is_followed(hub: str) -> None:
    Hub.to = f"{hub}/store"
    assert (find_model("someone/tiny").path / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("to", ["http://127.0.0.2:{port}/store", "http://169.254.169.254/latest", "file:///etc/passwd"])
def test_a_redirect_to_an_address_inside_is_not_followed(hub: str, to: str) -> None:
    Hub.to = to.format(port=hub.rpartition(":")[2])
    with pytest.raises(ModelMissing, match="did not give it"):
        find_model("someone/tiny")
    assert {address for address, _ in Hub.asked} == {"127.0.0.1"}


def test_a_hub_that_is_not_allowed_is_not_asked(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.OUTGOING.name, "huggingface.co")
    with pytest.raises(ModelMissing, match=settings.OUTGOING.name):
        find_model("someone/tiny")
    assert Hub.asked == []


def test_names_that_lead_out_of_the_folder_are_left_out(hub: str, tmp_path: Path) -> None:
    Hub.names = ["../out.json", "/etc/x.json", "a/../../b.json", "config.json", ".hidden.json"]
    place = download("someone/tiny", WANTED, UNWANTED, hub)
    assert [path.name for path in place.iterdir()] == ["config.json"]
    assert [path for _, path in Hub.asked if "resolve" in path] == [f"/someone/tiny/resolve/{COMMIT}/config.json"]


@pytest.mark.parametrize("sha256", ["0" * 64, None])
def test_weights_that_are_not_those_the_hub_told_of_are_not_kept(hub: str, sha256: str | None) -> None:
    Hub.sha256 = sha256
    with pytest.raises(FileProblem):
        download("someone/tiny", WANTED, UNWANTED, hub)
    with pytest.raises(ModelMissing):
        find_model("someone/tiny")
