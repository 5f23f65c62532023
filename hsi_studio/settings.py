"""Every environment variable of ours, in one place: name, type, default, what it means.

Whoever needs one asks its `Setting`; nobody else reads `HSI_STUDIO_…` from the environment (a test looks). A setting is
read when it is asked for, never at import, so that a test or a notebook may change it. Page and command line `check()`
all of them before they begin: a mistyped one is not found out by whoever opens the first file. Where the command line
has an option for the same thing, the option wins. `table()` is what `docs/settings.md` shows.

    python -m hsi_studio.settings          prints that table
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hsi_studio.errors import BadRequest

MOST = 1e9  # of any number: beyond it limits of the system and clocks overflow


def folder_of(text: str, named_by: str) -> Path:
    """The folder's path; "~" is the user's home. Raises BadRequest for the home of somebody who is no user."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise BadRequest(f"{named_by} is {text!r}: there is no such home folder, give the whole path.") from error


def check_folder(folder: Path, named_by: str) -> None:
    """Raises BadRequest for a path that is no folder and can never be one; it need not exist."""
    there = next((part for part in (folder, *folder.parents) if part.exists()), None)
    if there is not None and not there.is_dir():
        raise BadRequest(f"{named_by} names {folder}, but {there} is a file: give a folder.")


@dataclass(frozen=True)
class Setting:
    """One variable. `kind` and `default` are for people."""

    name: str
    kind: str
    default: str
    meaning: str
    option: str = ""  # of the command line, for the same thing

    def text(self, environment: Mapping[str, str] | None = None) -> str:
        """Its value without spaces around it; "" = not set."""
        return (os.environ if environment is None else environment).get(self.name, "").strip()

    def number(self, environment: Mapping[str, str] | None = None) -> float | None:
        """Its value; None = not set. Raises BadRequest for what is no number above 0, and for more than `MOST`."""
        text = self.text(environment)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= MOST:
            raise BadRequest(
                f"{self.name} is {text!r}: give a {self.kind} above 0{' and below 10⁹' if value > MOST else ''}, or "
                f"leave it away (then: {self.default})."
            )
        return value

    def whole(self, environment: Mapping[str, str] | None = None) -> int | None:
        """Its value; None = not set. Raises BadRequest for what is no whole number above 0."""
        value = self.number(environment)
        if value is None:
            return None
        if value != int(value):
            raise BadRequest(f"{self.name} is {value:g}: give a {self.kind}, or leave it away (then: {self.default}).")
        return int(value)

    def yes(self, environment: Mapping[str, str] | None = None) -> bool:
        """Whether it is switched on. Raises BadRequest for what is neither yes nor no."""
        text = self.text(environment).lower()
        if text not in ("", "yes", "1", "true", "on", "no", "0", "false", "off"):
            raise BadRequest(f"{self.name} is {text!r}: give yes or no.")
        return text in ("yes", "1", "true", "on")

    def folders(self, environment: Mapping[str, str] | None = None) -> tuple[Path, ...]:
        """The folders it names, in their order; () = not set. "~" is the user's home. They need not exist.
        Raises BadRequest for the home of nobody."""
        text = self.text(environment)
        parts = text.split(os.pathsep) if self.kind == "folders" else [text]
        return tuple(folder_of(part.strip(), self.name) for part in parts if part.strip())

    def check(self, environment: Mapping[str, str] | None = None) -> None:
        """Raises BadRequest for a value that cannot be meant, with the variable's name."""
        if self.kind == "whole number":
            self.whole(environment)
        elif self.kind.startswith("number"):
            self.number(environment)
        elif self.kind == "yes or no":
            self.yes(environment)
        elif self.kind == "secret":
            text = self.text(environment)
            if not (text.isascii() and text.isprintable()) or " " in text:  # it travels in a header
                raise BadRequest(f"{self.name} holds a blank or a letter that no key has: copy it again.")
        elif self.kind in ("folder", "folders"):
            for folder in self.folders(environment):
                check_folder(folder, self.name)


HOME = Setting(
    "HSI_STUDIO_HOME", "folder", "~/.hsi_studio", "Where projects, runs, models and caches are kept.", "--home"
)
MODEL_MEMORY_GB = Setting(
    "HSI_STUDIO_MODEL_MEMORY_GB", "number of GiB", "a quarter of the device's memory",
    "What models may take in memory, on each kind of device; those unused longest make room.",
)  # fmt: skip
MAX_JOBS = Setting(
    "HSI_STUDIO_MAX_JOBS", "whole number", "no limit", "Trainings an owner may have waiting or running at once.",
    "--max-jobs",
)  # fmt: skip
MAX_DISK_GB = Setting(
    "HSI_STUDIO_MAX_DISK_GB", "number of GiB", "no limit", "What an owner's folder may hold.", "--max-disk-gb"
)
MAX_SCENE_MPX = Setting(
    "HSI_STUDIO_MAX_SCENE_MPX", "number of million pixels", "no limit", "Rows × columns that a scene may have.",
    "--max-scene-mpx",
)  # fmt: skip
MAX_UPLOAD_GB = Setting(
    "HSI_STUDIO_MAX_UPLOAD_GB", "number of GiB", "4", "What one upload may have.", "--max-upload-gb"
)
UPLOAD_DAYS = Setting(
    "HSI_STUDIO_UPLOAD_DAYS", "number of days", "30",
    "How long an uploaded file is kept that no project of its owner uses.",
)  # fmt: skip
SCENE_MEMORY_GB = Setting(
    "HSI_STUDIO_SCENE_MEMORY_GB", "number of GiB", "a quarter of the machine's memory",
    "What open scenes of all owners may take in memory; those unused longest are closed, and opened again when needed.",
)  # fmt: skip
FEATURE_MEMORY_GB = Setting(
    "HSI_STUDIO_FEATURE_MEMORY_GB", "number of GiB", "an eighth of the machine's memory",
    "What features made of scenes and maps kept at hand may take in memory, for all owners together; those unused "
    "longest are made again.",
)  # fmt: skip
CACHE_GB = Setting(
    "HSI_STUDIO_CACHE_GB", "number of GiB", "4",
    "What caches of all owners may take on disk; files unused longest go, and are made again when needed.",
)  # fmt: skip
SESSION_HOURS = Setting(
    "HSI_STUDIO_SESSION_HOURS", "number of hours", "12",
    "How long a signed-in browser may ask for nothing before it must sign in again; after 7 days it must in any case.",
)  # fmt: skip
OUTGOING = Setting(
    "HSI_STUDIO_OUTGOING", "names, addresses or networks", "every public address",
    "Where this program may connect to, “,” between: host names (“*.example.org”), addresses, networks (10.0.0.0/8).",
)  # fmt: skip
JOB_MEMORY_GB = Setting(
    "HSI_STUDIO_JOB_MEMORY_GB", "number of GiB", "the machine's memory",
    "What a training may take: one that is forecast to need more is refused, one that takes more is ended.",
)  # fmt: skip
JOB_HOURS = Setting(
    "HSI_STUDIO_JOB_HOURS", "number of hours", "no limit",
    "How long a training may work without a break; then it is paused with its state kept.",
)  # fmt: skip
TEXT_MODELS = Setting(
    "HSI_STUDIO_TEXT_MODELS", "folders", "text_models in the home folder",
    "Folders with transformers models that parameters may name, “:” between.",
)  # fmt: skip
HUB_MODELS = Setting(
    "HSI_STUDIO_HUB_MODELS", "yes or no", "no",
    "Whether parameters may name text models of the Hugging Face hub, which are downloaded when they are needed.",
)  # fmt: skip
LLM_URL = Setting(
    "HSI_STUDIO_LLM_URL", "address", "none", "OpenAI-compatible server that may draft class descriptions.", "--llm-url"
)
LLM_MODEL = Setting(
    "HSI_STUDIO_LLM_MODEL", "name or folder", "none",
    "The model of that server; without a server, a folder with a transformers text-generation model.", "--llm-model",
)  # fmt: skip
LLM_KEY = Setting(
    "HSI_STUDIO_LLM_KEY", "secret", "none",
    "The key for that server; read for each request, never stored, logged or shown, and never sent over plain http.",
)  # fmt: skip
PLUGINS = Setting(
    "HSI_STUDIO_PLUGINS", "folders", "none",
    "Folders of the operator's own methods, formats and tabs, “:” between; their files are run as part of the program.",
)  # fmt: skip
TRUST_LOCAL = Setting(
    "HSI_STUDIO_TRUST_LOCAL", "yes or no", "no",
    "Files are read in the program itself, not in a reader process with limits: only where all of them are your own.",
    "--trust-local",
)  # fmt: skip
READER_SECONDS = Setting(
    "HSI_STUDIO_READER_SECONDS", "number of seconds", "8",
    "Processor time that reading any file may take; one more second for every 4 MB of it.",
)  # fmt: skip
READER_MEMORY_GB = Setting(
    "HSI_STUDIO_READER_MEMORY_GB", "number of GiB", "4", "Memory that a reader process may take."
)
READER_DISK_GB = Setting(
    "HSI_STUDIO_READER_DISK_GB", "number of GiB", "16",
    "What one opened file may take unpacked, and all of those kept together; those unused longest go.",
)  # fmt: skip
READER_FOLDER = Setting(
    "HSI_STUDIO_READER_FOLDER", "folder", "cache/opened in the home folder",
    "Where opened files are kept unpacked; the page's --home sets it.",
)  # fmt: skip
MIRROR = Setting(
    "HSI_STUDIO_MIRROR", "folder or address", "none",
    "Where catalogue scenes are looked for first, as <scene>/<file>: a class downloads them once.",
)  # fmt: skip
TEST_DATA = Setting(
    "HSI_STUDIO_TEST_DATA", "folder", "none",
    "Public scenes that some tests and benchmarks measure on; the app does not read it.",
)  # fmt: skip

SETTINGS = (
    HOME, MODEL_MEMORY_GB, SCENE_MEMORY_GB, FEATURE_MEMORY_GB, CACHE_GB, MAX_JOBS, MAX_DISK_GB, MAX_SCENE_MPX,
    MAX_UPLOAD_GB, UPLOAD_DAYS, SESSION_HOURS, OUTGOING, JOB_MEMORY_GB, JOB_HOURS, TEXT_MODELS, HUB_MODELS, LLM_URL,
    LLM_MODEL, LLM_KEY, PLUGINS, TRUST_LOCAL, READER_SECONDS, READER_MEMORY_GB, READER_DISK_GB, READER_FOLDER, MIRROR,
    TEST_DATA,
)  # fmt: skip


def check(environment: Mapping[str, str] | None = None) -> None:
    """Every setting of a kind that can be wrong. Raises BadRequest for the first that is."""
    for one in SETTINGS:
        one.check(environment)


def table() -> str:
    """All settings as a Markdown table."""
    lines = ["| variable | value | default | meaning | option |", "|---|---|---|---|---|"]
    for one in SETTINGS:
        option = f"`{one.option}`" if one.option else ""
        lines.append(f"| `{one.name}` | {one.kind} | {one.default} | {one.meaning} | {option} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(table())
