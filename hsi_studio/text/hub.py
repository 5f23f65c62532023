"""A text model from the Hugging Face hub, fetched by our own downloader.

    GET <hub>/api/models/<id>?blobs=true         commit and files, with size and, for large ones, sha256
    GET <hub>/<id>/resolve/<commit>/<file>       redirects to where the file lies

(https://huggingface.co/docs/hub/api.) The hub's own library finds models that are on this disk, but does not fetch:
it follows redirects to any address, and its transfer of large files (hf-xet) is a program of its own that knows nothing
of what the operator allows. Here every address, redirects too, goes through `hsi_studio/outgoing.py`, so an operator's
list must hold the hub's stores as well (huggingface.co, *.huggingface.co, *.hf.co).

What the hub says is not believed: names of files are checked before a path is made of them, sizes have an upper end,
and a file with a checksum gets its name only when it fits. No token is sent: a model that needs a sign-in is to be
put into a folder by hand.
"""

from __future__ import annotations

import fnmatch
import json
import re
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hsi_studio.errors import FileProblem
from hsi_studio.files import sync_folder
from hsi_studio.humanize import size_text
from hsi_studio.outgoing import Policy, opener
from hsi_studio.paths import home
from hsi_studio.scene.download import TIMEOUT_S, RemoteFile, fetch

MOST_BYTES = 20 << 30  # of a model
MOST_FILES = 500
MOST_SAID = 8 << 20  # bytes of the hub's list of files
FILE = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*){0,3}")  # no "..", nothing absolute, nothing hidden
COMMIT, SHA256 = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")
WORDS = "-words"  # a commit's folder with all that is wanted but the weights
AGAIN = "Try again later, or put the model's files into one folder by hand"


def folder_of(hub_id: str) -> Path:
    """Where the commits of a model lie that were fetched."""
    return home() / "hub_models" / hub_id.replace("/", "--")


def fetched(hub_id: str, weights: bool) -> Path | None:
    """The newest whole one, None when there is none. `weights=False`: one without weights will do."""
    found = [
        path
        for path in folder_of(hub_id).glob("*")
        if COMMIT.fullmatch(path.name.removesuffix("" if weights else WORDS)) and path.is_dir()
    ]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def download(hub_id: str, wanted: Sequence[str], unwanted: Sequence[str], hub: str) -> Path:
    """A folder with the model's files whose names fit one of `wanted` and none of `unwanted`. `hub`: its address.

    Raises FileProblem (it cannot be reached, it may not be asked, what it says makes no sense), CorruptFile (a file is
    not the one that the hub told of). What was fetched whole before is kept and not fetched again.
    """
    said = _said(f"{hub}/api/models/{quote(hub_id)}?blobs=true", folder_of(hub_id))
    commit, files = _files(hub_id, said)
    chosen = [
        (name, sha256)
        for name, sha256 in files.items()
        if any(fnmatch.fnmatch(name, one) for one in wanted) and not any(fnmatch.fnmatch(name, one) for one in unwanted)
    ]
    weights = any(name.endswith(".safetensors") for name, _ in chosen)
    whole = folder_of(hub_id) / (commit if weights else commit + WORDS)
    part = whole.with_name(f"{whole.name}.part")
    if whole.exists():
        return whole
    for name, sha256 in chosen:
        inside = part / name
        url = f"{hub}/{quote(hub_id)}/resolve/{commit}/{quote(name)}"
        fetch(RemoteFile(inside.name, url, sha256), inside.parent)
    part.mkdir(parents=True, exist_ok=True)
    part.replace(whole)
    sync_folder(whole.parent)
    return whole


def _said(url: str, place: Path) -> Any:
    """What the hub answers. Raises FileProblem."""
    request = urllib.request.Request(url, headers={"User-Agent": "hsi-studio"})
    try:
        with opener(Policy.of_environment()).open(request, timeout=TIMEOUT_S) as answer:
            data = answer.read(MOST_SAID + 1)
            if len(data) > MOST_SAID:
                raise ValueError(f"its answer has more than {size_text(MOST_SAID)}")
            return json.loads(data)
    except (OSError, ValueError, RecursionError) as error:  # BadRequest of the policy goes on: it says what to do
        raise FileProblem(place, f"{url} did not answer: {getattr(error, 'reason', error)}", AGAIN) from error


def _files(hub_id: str, said: Any) -> tuple[str, dict[str, str | None]]:
    """(commit, files with their sha256, None where the hub tells none). Raises FileProblem."""
    place = folder_of(hub_id)
    commit, listed = (said.get("sha"), said.get("siblings")) if isinstance(said, dict) else (None, None)
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit) or not isinstance(listed, list):
        raise FileProblem(place, "the hub's answer names no commit and no files", AGAIN)
    found, total = dict[str, str | None](), 0
    for one in listed[:MOST_FILES]:
        name = one.get("rfilename") if isinstance(one, dict) else None
        if not isinstance(name, str) or len(name) > 200 or not FILE.fullmatch(name):
            continue  # .gitattributes, pictures with spaces: none of those that are wanted
        lfs = one.get("lfs")
        sha256 = lfs.get("sha256") if isinstance(lfs, dict) else None
        size = one.get("size")
        total += size if isinstance(size, int) and size > 0 else 0
        found[name] = sha256 if isinstance(sha256, str) and SHA256.fullmatch(sha256) else None
        if name.endswith(".safetensors") and found[name] is None:
            raise FileProblem(place, f"the hub tells no checksum of {name}", AGAIN)
    if total > MOST_BYTES:
        raise FileProblem(
            place, f"the model has {size_text(total)}, at most {size_text(MOST_BYTES)} are fetched", AGAIN
        )
    return commit, found
