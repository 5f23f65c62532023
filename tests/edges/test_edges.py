"""Errors of libraries become errors for people: the file's name, what was wrong, what to do; never a folder."""

from __future__ import annotations

import errno
import json
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from hsi_studio.edges import as_typed, at_edge, from_file, names_only, sentence
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem, StudioError


def raised(act: Any) -> Exception:
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def crs_error() -> None:
    from rasterio.crs import CRS

    CRS.from_user_input("EPSG:999999999")


FAMILIES = {
    "full disk": (lambda: OSError(errno.ENOSPC, "No space left on device", "/srv/a/b.tif"), "b.tif: the disk is full"),
    "rights": (lambda: PermissionError(errno.EACCES, "Permission denied", "/srv/a/b.tif"), "may not read or write"),
    "gone": (lambda: raised(lambda: open("/srv/nothing/x.csv")), "x.csv: there is no such file"),  # noqa: SIM115
    "folder": (lambda: IsADirectoryError(errno.EISDIR, "Is a directory", "/srv/a"), "it is a folder"),
    "zlib": (lambda: raised(lambda: zlib.decompress(b"x" * 9)), "scene.h5: it is damaged"),
    "lzma": (lambda: raised(lambda: lzma.decompress(b"x" * 99)), "it is damaged"),
    "zip": (lambda: zipfile.BadZipFile("File is not a zip file"), "it is damaged"),
    "hdf": (lambda: OSError("Unable to synchronously open file (truncated file)"), "it cannot be read or written"),
    "text": (lambda: raised(lambda: b"\xff\xfe".decode()), "UTF-8"),
    "crs": (lambda: raised(crs_error), "its geography cannot be used"),
    "deep": (lambda: RecursionError("maximum recursion depth exceeded"), "nested too deep"),
    "large": (lambda: raised(lambda: int(float("inf"))), "a number in it is too large"),
    "memory": (lambda: MemoryError(), "more memory than there is"),
    "json": (lambda: raised(lambda: json.loads("{")), "it is not JSON"),
}


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_known_family_is_typed_with_the_files_name_and_what_to_do(family: str) -> None:
    make, said = FAMILIES[family]
    typed = as_typed(make(), Path("/srv/users/ann/scene.h5"))
    assert isinstance(typed, FileProblem)
    assert said in str(typed)
    assert str(typed).endswith(".")
    assert "/srv" not in str(typed)


def test_a_bug_is_none_of_them_and_stays_what_it_is() -> None:
    assert as_typed(KeyError("x"), "scene.h5") is None
    with pytest.raises(KeyError), at_edge("scene.h5"):
        raise KeyError("x")


def test_a_typed_error_passes_as_it_is() -> None:
    with pytest.raises(BadRequest, match="as it was"), at_edge("scene.h5"):
        raise BadRequest("as it was")


def test_from_a_file_everything_is_typed_and_the_unforeseen_logged(caplog: pytest.LogCaptureFixture) -> None:
    made = from_file(IndexError("list index out of range"), "/srv/x/scene.h5")
    assert isinstance(made, CorruptFile)
    assert str(made).startswith("scene.h5: its content makes no sense (IndexError: list index out of range). Export")
    assert caplog.records[0].exc_info


def test_the_unforeseen_is_told_without_its_words() -> None:
    told = sentence(KeyError("/srv/users/ann/secret"))
    assert "secret" not in told
    assert "Your labels are safe" in told


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("cannot read /srv/users/ann/scene.h5: gone", "cannot read scene.h5: gone"),
        ("_TIFFVSetField:/srv/in/scene.tif: Bad value", "_TIFFVSetField:scene.tif: Bad value"),
        ("'/srv/a.csv'", "'a.csv'"),
        ("see https://huggingface.co/x/y", "see https://huggingface.co/x/y"),
        ("kg/m² and 1/2", "kg/m² and 1/2"),
        (r"C:\Users\ann\x.tif is no raster", "x.tif is no raster"),
    ],
)
def test_folders_are_cut_from_what_strangers_read(text: str, short: str) -> None:
    assert names_only(text) == short


def test_every_error_of_ours_is_a_studio_error() -> None:
    import hsi_studio.errors as errors

    ours = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    assert all(issubclass(one, StudioError) for one in ours)
