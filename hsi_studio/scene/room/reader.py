"""What happens in the room: lock the door, call the reader, leave what it says, end.

work/description.json   {"value": …} or {"error": …} or {"failed": "…"} or {"limit": "memory" | "disk"}
work/data.bin           the numbers
work/words.txt          what the libraries print, and a traceback

python -c "from hsi_studio.scene.room.reader import main; main()"     with the request on standard input: where
                                                                     there is nothing to fork from
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from hsi_studio.errors import StudioError
from hsi_studio.memory_end import first_to_go
from hsi_studio.scene.room import codec, cubes, limits, lock

DESCRIPTION, DATA, WORDS = "description.json", "data.bin", "words.txt"
LONGEST_WORDS = 2000


def main() -> None:
    """One request from standard input."""
    with contextlib.suppress(ImportError):
        import rasterio  # noqa: F401 - the libraries before the door is locked
    live(json.load(sys.stdin))


def live(request: dict[str, Any]) -> None:
    """The rest of this process's life. Never returns."""
    code = 1
    try:
        os.chdir(request["work"])
        _own_streams()
        first_to_go()
        _lock(request)
        _answer(request)
        code = 0
    except BaseException:  # whatever it is, the process ends here, and the words are all that is left of it
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def _own_streams() -> None:
    words = os.open(WORDS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, words), (2, words)):
        os.dup2(source, target)


def _lock(request: dict[str, Any]) -> None:
    lock.die_with_parent()
    limits.apply(limits.Limits(**request["limits"]))
    if not request["locked"]:
        return  # to try what the other walls hold
    work = Path(request["work"])
    with contextlib.suppress(lock.NotHere):
        readable = [Path(path) for path in (*request["roots"], *request["files"])]
        lock.only_files(readable, [work], [Path(path) for path in request["listed"]])
    with contextlib.suppress(lock.NotHere):
        lock.no_network_no_processes()


def _answer(request: dict[str, Any]) -> None:
    files = [Path(path) for path in request["files"]]
    given = codec.Reader(None, files)
    said: dict[str, Any]
    with open(DATA, "wb") as stream:
        writer = codec.Writer(stream, files, cubes.parts)
        try:
            function = _function(request["function"])
            value = function(*given.decode(request["given"]), **given.decode(request["options"]))
            said = {"value": writer.encode(value)}
        except StudioError as error:
            said = {"error": _error(error, writer)}
        except MemoryError:
            said = {"limit": "memory"}
        except OSError as error:
            if error.errno not in (errno.EFBIG, errno.ENOSPC):
                raise
            said = {"limit": "disk"}
        except Exception as error:  # a reader's mistake about a file is an answer, too: the app says it in a sentence
            traceback.print_exc()
            said = {"failed": f"{type(error).__name__}: {error}"[:LONGEST_WORDS]}
    with open(DESCRIPTION, "w", encoding="utf-8") as stream_out:
        json.dump(said, stream_out)


def _function(name: str) -> Any:
    module, _, part = name.partition(":")
    return getattr(importlib.import_module(module), part)


def _error(error: StudioError, writer: codec.Writer) -> dict[str, Any]:
    kind = type(error)
    parts: dict[str, Any] = {}
    for name, value in vars(error).items():
        with contextlib.suppress(TypeError):
            parts[name] = writer.encode(value)
    return {"class": f"{kind.__module__}:{kind.__qualname__}", "text": str(error), "parts": parts}
