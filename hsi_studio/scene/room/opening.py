"""The app's side: ask a reader in its room, wait no longer than allowed, and make one sentence of however it ends.

Safe to call from many threads: each has its reader, a few at a time. While the reader works, the file is hashed for the
store; when it changed meanwhile, what the reader left is used once and not kept.
"""

from __future__ import annotations

import functools
import importlib
import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hsi_studio.errors import CorruptFile, FileProblem, ReaderStopped, StudioError
from hsi_studio.scene.room import codec, cubes, limits, lock, store
from hsi_studio.scene.room.files import Files, files_of
from hsi_studio.scene.room.limits import Limits
from hsi_studio.scene.room.reader import DATA, DESCRIPTION, WORDS
from hsi_studio.scene.room.start import Ended, Gone, reader_roots, starter
from hsi_studio.watching import tell

log = logging.getLogger(__name__)

AT_A_TIME = threading.BoundedSemaphore(max(2, min(8, os.cpu_count() or 2)))


def run(function: Callable[..., Any], path: Path, *given: Any, **options: Any) -> Any:
    """`function(path, *given, **options)`, a function of a module of ours, where nothing but the file can be reached.

    Its value travels by `codec`: numbers, texts, arrays, dataclasses, cubes. Raises what it raises (errors of ours),
    ReaderStopped when it crashes or comes to a limit, CorruptFile when it fails otherwise.
    """
    files = files_of(path)
    said = codec.Writer(_nothing(), files.all)
    request = {
        "function": f"{function.__module__}:{function.__qualname__}",
        "given": said.encode([files.own[0], *given]),
        "options": said.encode(options),
        "files": [str(one) for one in files.all],
        "roots": [str(one) for one in reader_roots()],
        "listed": [str(path.parent.resolve())],
        "limits": limits.limits_for(files.n_bytes).as_dict(),
        "locked": True,
    }
    asked = json.dumps([request["function"], request["given"], request["options"], files.beside_state()])
    kept = _kept(files, asked)
    if kept is not None:
        try:
            return _value(kept, files, path)
        except codec.BadDescription as error:
            log.warning("%s is not what a reader leaves (%s) and is made again", kept, error)
            store.discard(kept)
    tell_protections()
    with AT_A_TIME:
        return _read(files, asked, request, path)


def _read(files: Files, asked: str, request: dict[str, Any], path: Path) -> Any:
    try:
        work = store.new_work()
    except OSError as error:
        raise FileProblem(
            path, f"there is no place to read it into ({error.strerror}: {store.root()})", "Make room on the disk"
        ) from error
    most = Limits(**request["limits"])
    folder = work
    try:
        before = files.state()
        with starter().start(request | {"work": str(work)}, most) as running:
            hashing = functools.cache(lambda: _name(files, asked))  # while the reader works, when that takes a while

            def too_much() -> bool:
                tell("Reading the file", files.n_bytes)
                return hashing() is not None and _written(work) > most.disk

            ended = running.wait(too_much)
        _check_end(path, work, ended, most)
        if (work / DATA).stat().st_size > store.WORTH_KEEPING:
            name = hashing()
            if name is not None and before == files.state():
                folder = store.keep(work, name)
        return _value(folder, files, path)
    except codec.BadDescription as error:
        raise ReaderStopped(path, f"what the reader left of it makes no sense ({error})", limits.DAMAGED) from error
    except Gone as error:
        raise FileProblem(path, f"no reader could be started ({error})", "Try again, and look at the log") from error
    finally:
        if folder == work:
            store.discard(work)


def _kept(files: Files, asked: str) -> Path | None:
    """What an earlier reader left of the same content. Files are hashed only where one of their size is kept."""
    try:
        if store.size_name(files.own) not in store.known_sizes():
            return None
    except OSError:
        return None
    name = _name(files, asked)
    return store.find(name) if name is not None else None


def _name(files: Files, asked: str) -> str | None:
    """None when the files are gone."""
    try:
        return store.name_of(files.own, asked)
    except OSError:
        return None


def _check_end(path: Path, work: Path, ended: Ended, most: Limits) -> None:
    """Raises ReaderStopped unless the reader ended by itself with an answer."""
    words = _words(work)
    if ended.why == "time":
        raise ReaderStopped(path, *limits.too_slow(most))
    if ended.why == "disk":
        raise ReaderStopped(path, *limits.too_much_disk(most))
    if ended.status != 0 or not (work / DESCRIPTION).is_file():
        log.warning("the reader of %s ended with %s: %s", path.name, ended.status, words)
        raise ReaderStopped(path, *limits.ended(ended.status, most))


def _value(folder: Path, files: Files, path: Path) -> Any:
    said = codec.load_json(folder / DESCRIPTION)
    if not isinstance(said, dict) or len(said) != 1:
        raise codec.BadDescription("no answer")
    decoder = codec.Reader(folder / DATA, files.all)
    kind, inside = next(iter(said.items()))
    if kind == "value":
        return codec.Reader(folder / DATA, files.all, names=False, cubes=cubes.made).decode(inside)
    if kind == "error":
        raise _error(inside, decoder)
    if kind == "limit":
        most = limits.limits_for(files.n_bytes)
        raise ReaderStopped(path, *(limits.too_much_memory(most) if inside == "memory" else limits.too_much_disk(most)))
    if kind == "failed":
        log.warning("a reader failed on %s: %s", path.name, _words(folder))
        raise CorruptFile(path, f"the reader does not get on with it ({str(inside)[:200]})", limits.DAMAGED)
    raise codec.BadDescription("an answer of no kind")


def _error(said: Any, decoder: codec.Reader) -> StudioError:
    """The error that the reader raised: the same class, text and parts. Raises BadDescription."""
    if not isinstance(said, dict) or not isinstance(said.get("parts"), dict):
        raise codec.BadDescription("an error without parts")
    module, _, name = str(said.get("class")).partition(":")
    known = importlib.import_module("hsi_studio.errors") if module == "hsi_studio.errors" else None
    kind = getattr(known, name, None) if known is not None else codec.loaded(module, name)
    if not isinstance(kind, type) or not issubclass(kind, StudioError):
        raise codec.BadDescription(f"there is no error {name[:60]}")
    error = kind.__new__(kind)
    Exception.__init__(error, str(said.get("text"))[: codec.LONGEST_ERROR])
    for part, value in said["parts"].items():
        setattr(error, str(part), decoder.decode(value))
    return error


def _written(work: Path) -> int:
    try:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(work))
    except OSError:
        return 0


def _words(work: Path) -> str:
    """The end of what the reader printed."""
    try:
        with (work / WORDS).open("rb") as stream:
            stream.seek(max(0, (work / WORDS).stat().st_size - 1000))
            return stream.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""


class _Nothing:
    """A stream for what has no numbers: options are small."""

    def tell(self) -> int:
        return 0

    def write(self, data: bytes) -> int:
        if data:
            raise TypeError("options hold no arrays")
        return 0


def _nothing() -> Any:
    return _Nothing()


def protections() -> list[tuple[str, bool, str]]:
    """(what, whether it holds on this machine, what it keeps away) for the log and for the page of the operator."""
    version = lock.landlock_version()
    return [
        ("a process of its own", True, "a crash or an endless loop of a reader ends the reader alone"),
        ("limits", _has_limits(), "memory, processor time, open files and file size (setrlimit)"),
        ("only its own files", version > 0, "the reader opens nothing but the file it was given (Landlock)"),
        ("no network, no other process", lock.has_seccomp(), "it reaches no address and no process (seccomp)"),
    ]


def _has_limits() -> bool:
    try:
        import resource
    except ImportError:
        return False
    return hasattr(resource, "RLIMIT_AS")


@functools.cache
def tell_protections() -> None:
    """Once: what this machine lacks."""
    lacking = [f"{what} ({why})" for what, holds, why in protections() if not holds]
    if lacking:
        log.warning("Readers of files work without: %s. See SECURITY.md.", "; ".join(lacking))
    else:
        log.info("Readers of files work in rooms of their own, with all protections.")
