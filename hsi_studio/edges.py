"""Errors of libraries as errors for people: what every edge of the program asks (routes, page, command line, readers,
importers, the worker).

    with at_edge("scene.h5"): …      a known family is raised as its typed error, "scene.h5: …. What to do."
    as_typed(error, "scene.h5")      the same for an edge that answers by itself; None = nobody thought of it: a bug

Unusual: families are told by the name of the class and its module, so that nobody is made to import GDAL, PROJ or HDF5
to ask. A message of a library is not repeated where it holds folders: on a server it is read by people who have no
business in them (`names_only`).
"""

from __future__ import annotations

import errno
import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsi_studio.errors import BadRequest, CorruptFile, FileProblem, StudioError

log = logging.getLogger(__name__)

LONGEST = 300  # characters of what a library says
LONGEST_TOLD = 1500  # of a whole sentence: it may repeat what was asked
FOLDERS = re.compile(
    r"(?<![\w/.<])(?!(?<=:)//)"  # no part of a word or of an address
    r"(?:[A-Za-z]:\\|/)(?:[^\s/\\'\"]{1,255}[/\\]){1,64}(?=[^\s/\\'\":,]{1,255})"
)
OF_THE_DISK = {
    errno.ENOSPC: ("the disk is full", "Delete what you no longer need, or ask who runs this server for room"),
    errno.EDQUOT: ("the disk quota is used up", "Delete what you no longer need, or ask who runs this server for room"),
    errno.EFBIG: ("it would grow beyond what your quota leaves", "Delete runs and models you no longer need"),
    errno.EACCES: ("the program may not read or write it", "Change its permissions, or choose another place"),
    errno.EPERM: ("the program may not read or write it", "Change its permissions, or choose another place"),
    errno.EROFS: ("the disk can only be read", "Choose another place, or start the app with another --home"),
    errno.ENOENT: ("there is no such file (any more)", "Check the name, or put the file back"),
    errno.ENOTDIR: ("a part of its path is a file, not a folder", "Check the path"),
    errno.EISDIR: ("it is a folder, not a file", "Choose a file in it"),
    errno.ENAMETOOLONG: ("its name is too long", "Give it a shorter name"),
    errno.EMFILE: ("too many files are open", "Try again in a moment; close scenes you no longer need"),
    errno.ENFILE: ("too many files are open", "Try again in a moment; close scenes you no longer need"),
    errno.EIO: ("the disk cannot read or write it", "Look after the disk, and copy the file from its source again"),
    errno.ELOOP: ("its links lead in a circle", "Choose the file itself"),
    errno.EINVAL: ("it is not a name or a file that can be used", "Check the name"),
}
GEO = {"rasterio", "pyproj", "pyogrio", "fiona", "shapely"}  # first part of a module's name
DAMAGED = {"zlib", "_lzma", "lzma", "zipfile", "gzip", "bz2", "_bz2", "safetensors", "safetensors_rust", "struct"}
AGAIN = "Export it again from the program it comes from, or copy it from its source again"


def as_typed(error: BaseException, name: Path | str = "") -> StudioError | None:
    """The typed error for one of a library's; None where no family is known. `name`: the file it is about."""
    if isinstance(error, StudioError):
        return error
    kind, module = type(error).__name__, type(error).__module__.split(".")[0]
    what = Path(name).name or "The file"
    if isinstance(error, MemoryError):
        return _problem(name, "it needs more memory than there is", "Cut out the part you need, or close other scenes")
    if isinstance(error, RecursionError):
        return CorruptFile(what, "its parts are nested too deep", AGAIN)
    if module in GEO or "CRSError" in kind:
        return CorruptFile(
            what, f"its geography cannot be used ({_words(error)})", "Give it a coordinate system by code"
        )
    if isinstance(error, OSError) and error.errno in OF_THE_DISK and module != "h5py":
        problem, remedy = OF_THE_DISK[error.errno]
        return FileProblem(Path(str(error.filename or name or "The file")).name or what, problem, remedy)
    if module in DAMAGED or isinstance(error, EOFError):
        return CorruptFile(what, f"it is damaged ({_words(error)})", AGAIN)
    if isinstance(error, UnicodeError):
        return CorruptFile(what, "its text is not in the encoding it should have (UTF-8)", "Save it as UTF-8")
    if isinstance(error, OSError):
        return FileProblem(what, f"it cannot be read or written ({_words(error)})", "Check the file and the disk")
    if isinstance(error, ValueError) and "null" in str(error):  # of names: "embedded null byte"
        return _problem(name, "its name holds a null character", "Check the name")
    if isinstance(error, OverflowError):
        return _problem(name, "a number in it is too large", "Give numbers of a usual size")
    if kind == "JSONDecodeError":
        return _problem(name, f"it is not JSON ({_words(error)})", "Write it as JSON")
    return None


def from_file(error: Exception, name: Path | str) -> StudioError:
    """Whatever came of reading a stranger's file, typed: here an error that no family knows is the file's too, as the
    code ran into values that it does not expect. It is in the log with its traceback, for whoever can mend that."""
    typed = as_typed(error, name)
    if typed is not None:
        return typed
    log.error("%s: an error that no reader foresaw", Path(name).name, exc_info=error)
    return CorruptFile(Path(name).name, f"its content makes no sense ({type(error).__name__}: {_words(error)})", AGAIN)


@contextmanager
def at_edge(name: Path | str = "") -> Iterator[None]:
    """Raises StudioError in place of an error of a known family."""
    try:
        yield
    except StudioError:
        raise
    except Exception as error:
        typed = as_typed(error, name)
        if typed is None:
            raise
        raise typed from error


@contextmanager
def reading(name: Path | str) -> Iterator[None]:
    """Around everything that reads a stranger's file: raises StudioError in place of any error, see `from_file`."""
    try:
        yield
    except StudioError:
        raise
    except Exception as error:
        raise from_file(error, name) from error


def sentence(error: BaseException) -> str:
    """What a person is told of an error at an edge. What nobody thought of goes to the log with its traceback, under a
    number that the sentence gives."""
    typed = as_typed(error)
    if typed is not None:
        words = str(typed)
        return words if len(words) <= LONGEST_TOLD else f"{words[:LONGEST_TOLD]} …"
    number = uuid.uuid4().hex[:8]
    log.error("error %s", number, exc_info=error)
    return (
        f"Something went wrong in HSI Studio itself (error {number}). Your labels are safe. Try once more; if it "
        "happens again, tell whoever runs this server that number: the log says what it was."
    )


def names_only(text: str) -> str:
    """A text with every file by its name alone: "/home/ann/x/scene.h5" → "scene.h5"."""
    return FOLDERS.sub("", text)


def _problem(name: Path | str, problem: str, remedy: str) -> StudioError:
    """About a file where there is one, else about what was asked."""
    if name:
        return FileProblem(Path(name).name, problem, remedy)
    return BadRequest(f"{problem[0].upper()}{problem[1:]}: {remedy[0].lower()}{remedy[1:]}.".replace("in it ", ""))


def _words(error: BaseException) -> str:
    """What the library said, in one line without folders."""
    text = " ".join(names_only(str(error)).split())[:LONGEST]
    return text.rstrip(".") or type(error).__name__
