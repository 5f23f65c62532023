"""Readers in their room: the same scenes as without, and whatever a file does there ends as one sentence."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from hsi_studio.errors import ChooseVariable, CorruptFile, FileProblem, ReaderStopped, StudioError, UnknownFormat
from hsi_studio.scene import find_reader, list_variables, read_class_map, read_dsm
from hsi_studio.scene.file_array import FileArray
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.room import lock, opening, start, store
from hsi_studio.scene.room.access import direct
from tests.scene import fake, hostile
from tests.scene.formats.test_geotiff import geotiff
from tests.scene.formats.test_matlab import savemat73

Told = Callable[[Path, str], StudioError]
CUBE = fake.cube(20, 16, 8)
MAP = np.eye(20, 16, dtype="u1")

needs_landlock = pytest.mark.skipif(not lock.landlock_version(), reason="the kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(not lock.has_seccomp(), reason="the kernel has no seccomp filters")
needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no setrlimit")


def _hdf(path: Path, **options: object) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", data=CUBE, **options)
        file["wavelength"], file["gt"] = np.linspace(400, 2000, 8), MAP


WRITERS: dict[str, Callable[[Path], object]] = {
    "a.npy": lambda p: np.save(p, CUBE),
    "fortran.npy": lambda p: np.save(p, np.asfortranarray(CUBE)),
    "big.npy": lambda p: np.save(p, CUBE.astype(">f8")),
    "a.npz": lambda p: np.savez_compressed(p, cube=CUBE, gt=MAP, class_names=np.array(["Water", "Läufer"])),
    "a.mat": lambda p: savemat(p, {"cube": CUBE, "gt": MAP}, do_compression=True),
    "a73.mat": lambda p: savemat73(p, {"cube": CUBE, "gt": MAP}),
    "plain.h5": _hdf,
    "packed.h5": lambda p: _hdf(p, chunks=(5, 5, 8), compression="gzip"),
    "strips.tif": lambda p: geotiff(p, (CUBE * 100).astype("i2"), nodata=4000).close(),
    "pixel.tif": lambda p: geotiff(p, CUBE, interleave="pixel").close(),
    "tiles.tif": lambda p: geotiff(p, CUBE, tiled=True, blockxsize=16, blockysize=16).close(),
    "packed.tif": lambda p: geotiff(p, (CUBE * 100).astype("u2"), compress="deflate", nodata=4000).close(),
    "scene.img": lambda p: fake.envi(p.parent, CUBE, header={"data ignore value": "50"}),
}


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_scene_out_of_the_room_is_the_scene(tmp_path: Path, room: Told, name: str) -> None:
    WRITERS[name](tmp_path / name)
    with direct():
        wanted = open_scene(tmp_path / name)
    found = open_scene(tmp_path / name)
    assert found.id == wanted.id
    for part in ("name", "title", "notes", "crs", "transform", "gsd_m", "value_unit", "reference_names", "sources"):
        assert getattr(found, part) == getattr(wanted, part), part
    for rows, cols, bands in ((slice(None), slice(None), None), (slice(3, 17), slice(2, 9, 2), [6, 0])):
        assert np.array_equal(found.read(rows, cols, bands), wanted.read(rows, cols, bands), equal_nan=True)
    assert np.array_equal(found.reference is None, wanted.reference is None)
    assert found.reference is None or np.array_equal(found.reference, wanted.reference)
    if wanted.bands.wavelength_nm is not None:
        assert np.array_equal(found.bands.wavelength_nm, wanted.bands.wavelength_nm)
    assert os.listdir(store.root()) == []  # so small a file is read again as fast


@pytest.mark.parametrize("name", ["a.npy", "fortran.npy", "plain.h5", "strips.tif", "pixel.tif", "scene.img"])
def test_numbers_that_stand_in_the_file_are_not_copied_and_a_file_that_is_cut_short_is_told(
    tmp_path: Path, room: Told, name: str
) -> None:
    WRITERS[name](tmp_path / name)
    scene = open_scene(tmp_path / name)
    assert isinstance(scene.cube._array, FileArray)
    assert scene.cube._array.path == tmp_path / name
    os.truncate(tmp_path / name, 0)  # a memory map would end this process (SIGBUS)
    with pytest.raises(FileProblem, match="it was cut short after it was opened"):
        scene.read(slice(0, 2), slice(0, 2))


def test_layers_and_variables_come_out_of_rooms_too(tmp_path: Path, room: Told) -> None:
    savemat(tmp_path / "a.mat", {"one": CUBE, "two": CUBE, "gt": MAP, "dsm": np.ones((20, 16))})
    assert [name for name, _, _ in list_variables(tmp_path / "a.mat")] == ["one", "two", "gt", "dsm"]
    with pytest.raises(ChooseVariable) as caught:
        open_scene(tmp_path / "a.mat")
    assert [name for name, _, _ in caught.value.candidates] == ["one", "two"]
    assert caught.value.path == tmp_path / "a.mat"
    assert np.array_equal(read_class_map(f"{tmp_path / 'a.mat'}:gt", (20, 16))[0], MAP)
    assert read_dsm(f"{tmp_path / 'a.mat'}:dsm", (20, 16)).shape == (20, 16, 1)


def test_the_reader_says_what_it_is(tmp_path: Path, room: Told) -> None:
    np.save(tmp_path / "a.npy", CUBE)
    reader = find_reader(tmp_path / "a.npy")
    assert (reader.name, reader.title, ".npz" in reader.extensions) == ("numpy", "NumPy", True)
    assert getattr(reader, "no_such_part", 7) == 7
    (tmp_path / "x.csv").write_text("a,b", encoding="utf-8")
    with pytest.raises(UnknownFormat, match="a table or a file of labels, no image"):
        open_scene(tmp_path / "x.csv")


def test_what_was_unpacked_is_read_once_and_again_when_it_is_spoilt(
    tmp_path: Path, room: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(0).random((200, 200, 16)).astype("f4")
    np.savez_compressed(tmp_path / "a.npz", cube=values)
    first = open_scene(tmp_path / "a.npz")
    (kept,) = store.root().iterdir()
    starts: list[str] = []
    real = opening._read
    monkeypatch.setattr(opening, "_read", lambda *given: starts.append("read") or real(*given))
    (tmp_path / "copy").mkdir()
    np.savez_compressed(tmp_path / "copy" / "a.npz", cube=values)
    again = open_scene(tmp_path / "copy" / "a.npz")  # by content, not by place
    assert starts == []
    assert np.array_equal(again.read(slice(5, 7), slice(None)), values[5:7])
    assert np.array_equal(first.read(slice(5, 7), slice(None)), values[5:7])
    with (kept / "data.bin").open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"spoilt")
    assert np.array_equal(open_scene(tmp_path / "a.npz").read(slice(None), slice(None)), values)
    assert starts == ["read"]
    np.savez_compressed(tmp_path / "a.npz", cube=values + 1)
    assert np.array_equal(open_scene(tmp_path / "a.npz").read(slice(None), slice(None)), values + 1)
    assert starts == ["read", "read"]


def test_the_oldest_go_when_the_budget_is_full(tmp_path: Path, room: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSI_STUDIO_READER_DISK_GB", str(6 / 1024))  # of 2.6 MB each
    for k in range(3):
        np.savez_compressed(tmp_path / f"{k}.npz", cube=np.random.default_rng(k).random((200, 200, 16)).astype("f4"))
        open_scene(tmp_path / f"{k}.npz")
        for age, folder in enumerate(sorted(store.root().iterdir(), key=lambda f: f.stat().st_mtime)):
            os.utime(folder, (age, age))
    assert len(list(store.root().iterdir())) == 2


# ── what a file can do there ────────────────────────────────────────────────────────────────────


def test_errors_of_readers_travel_as_they_are(tmp_path: Path, room: Told) -> None:
    error = room(tmp_path, "said = 'it is empty'")
    assert type(error) is FileProblem
    assert str(error) == "a.any: it is empty. Nothing."
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\1\0")
    with pytest.raises(CorruptFile, match=r"cut\.npy: its NumPy header cannot be read"):
        open_scene(tmp_path / "cut.npy")


def test_mistakes_of_readers_become_a_sentence(tmp_path: Path, room: Told) -> None:
    error = room(tmp_path, "{}['x']")
    assert isinstance(error, CorruptFile)
    assert "the reader does not get on with it (KeyError: 'x')" in str(error)


@needs_limits
def test_a_crash_ends_the_reader_and_nobody_else(tmp_path: Path, room: Told) -> None:
    error = room(tmp_path, "import ctypes; ctypes.string_at(0)")
    assert isinstance(error, ReaderStopped)
    assert "a.any: this file ended the reader: signal 11 (SIGSEGV)" in str(error)
    assert "exit code 3" in str(room(tmp_path, "import os; os._exit(3)"))
    assert room(tmp_path, "said = 'well'").problem == "well"


def test_matlab_types_outside_the_tables_harm_the_reader_alone(tmp_path: Path, room: Told) -> None:
    hostile.impossible_type(tmp_path / "a.mat")  # beside a.any, of the same name
    error = room(tmp_path, f"from scipy.io import loadmat; loadmat({str(tmp_path / 'a.mat')!r})")
    assert any(said in str(error) for said in ("ended the reader: signal", "does not get on with it", "nothing"))
    assert room(tmp_path, "said = 'well'").problem == "well"


@needs_limits
def test_an_endless_loop_is_ended(tmp_path: Path, room: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSI_STUDIO_READER_SECONDS", "0.5")
    monkeypatch.setattr("hsi_studio.scene.room.limits.WALL_FACTOR", 60.0)
    assert "took more than 1 s of processor time and was ended" in str(room(tmp_path, "while True: pass"))


def test_a_reader_that_waits_for_ever_is_ended(tmp_path: Path, room: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSI_STUDIO_READER_SECONDS", "0.2")
    error = room(tmp_path, "import time; time.sleep(1000)")
    assert isinstance(error, ReaderStopped)
    assert "reading it took more than 1 s and was ended" in str(error)


@needs_limits
def test_memory_and_disk_have_an_end(tmp_path: Path, room: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSI_STUDIO_READER_MEMORY_GB", "0.25")
    assert "needs more than the 256 MiB of memory" in str(room(tmp_path, "bytearray(1 << 30)"))
    monkeypatch.setenv("HSI_STUDIO_READER_DISK_GB", str(1 / 1024))
    code = "out = open('x', 'wb')\nfor _ in range(9): out.write(bytes(1 << 18)); out.flush()"
    assert "more than the 1.0 MiB a reader may write" in str(room(tmp_path, code))


def test_many_small_files_are_too_much_disk_as_well(
    tmp_path: Path, room: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HSI_STUDIO_READER_DISK_GB", str(1 / 1024))
    code = "import time\nfor k in range(9): open(str(k), 'wb').write(bytes(1 << 18))\ntime.sleep(100)"
    assert "more than the 1.0 MiB a reader may write" in str(room(tmp_path, code))


def tried(code: str) -> str:
    """Statements with ";" between, whose error number is said."""
    lines = code.replace("; ", "\n    ")
    return f"try:\n    {lines}\n    said = 'done'\nexcept OSError as error: said = error.errno"


TRIES = {
    "another file": "open({secret!r}).read()",
    "a file by way of a library": "import numpy; numpy.fromfile({secret!r}, 'u1')",
    "the app's environment": "open(f'/proc/{{__import__(\"os\").getppid()}}/environ').read()",
    "its own environment file": "open('/proc/self/environ').read()",
    "passwords": "open('/etc/passwd').read()",
    "a folder of others": "__import__('os').listdir({folder!r})",
    "writing beside the file": "open(path.parent / 'new', 'w')",
    "changing the file": "open(path, 'r+b')",
    "a link it makes": "import os; os.symlink({secret!r}, 'x'); open('x').read()",
}


@needs_landlock
@pytest.mark.parametrize("what", sorted(TRIES))
def test_other_files_cannot_be_opened_there(tmp_path: Path, room: Told, what: str) -> None:
    (tmp_path / "mine").mkdir()
    secret = hostile.secret_file(tmp_path)
    code = TRIES[what].format(secret=str(secret), folder=str(secret.parent))
    assert room(tmp_path / "mine", tried(code)).problem == "13"
    assert secret.read_bytes() == hostile.SECRET


@needs_landlock
@pytest.mark.parametrize("name", sorted(hostile.FOLLOWING))
def test_files_that_show_others_show_nothing_even_without_the_check(tmp_path: Path, room: Told, name: str) -> None:
    (tmp_path / "mine").mkdir()
    secret = hostile.secret_file(tmp_path)
    hostile.FOLLOWING[name](tmp_path / "mine" / ("a" + Path(name).suffix), secret)
    file = str(tmp_path / "mine" / ("a" + Path(name).suffix))
    code = f"""
import h5py
said = "nothing"
try:
    with h5py.File({file!r}) as file:
        data = file["cube"][()] if "cube" in file else None
    said = "zeros" if data is not None and not data.any() else "nothing" if data is None else "shown"
except (OSError, KeyError) as error:
    said = "refused"
"""
    assert room(tmp_path / "mine", code).problem in {"refused", "zeros", "nothing"}  # a lacking source reads as fill


CALLS = {
    "a connection": "import socket; socket.socket()",
    "a program": "import _posixsubprocess, os; os.execv('/bin/true', ['true'])",
    "a process": "import os; os.fork()",
    "a signal to the app": "import os, signal; os.kill(os.getppid(), signal.SIGTERM)",
}


@needs_seccomp
@pytest.mark.parametrize("what", sorted(CALLS))
def test_no_network_and_no_process_is_reached(tmp_path: Path, room: Told, what: str) -> None:
    assert room(tmp_path, tried(CALLS[what])).problem in {"1", "13"}


def test_secrets_of_the_app_are_not_in_its_environment(tmp_path: Path, room: Told) -> None:
    error = room(tmp_path, "import os; said = sorted(os.environ)")
    assert "HSI_STUDIO_LLM_KEY" not in error.problem
    assert "HSI_STUDIO_HOME" not in error.problem
    ours = {"HSI_STUDIO_PLUGINS", "HSI_STUDIO_TRUST_LOCAL"}
    others = {*start.KEPT, *start.THREADS, *start.gdal_safety.QUIET, "GDAL_SKIP", "PYTHONHASHSEED", "HOME", "TMPDIR"}
    assert set(start.environment()) <= ours | others


def test_the_working_folder_is_empty_and_gone_afterwards(tmp_path: Path, room: Told) -> None:
    error = room(tmp_path, "import os; said = (os.getcwd(), sorted(os.listdir('.')))")
    assert "['data.bin', 'words.txt']" in error.problem
    assert str(store.root() / "work-") in error.problem
    assert os.listdir(store.root()) == []


ARRAY = '{"value": {"#array": {"dtype": "%s", "shape": [%d], "order": "C", "at": 0, "file": %s}}}'
FORGED = {
    "a path elsewhere": '{"value": {"#path": 7}}',
    "a name": '{"value": {"#name": "/etc/passwd"}}',
    "bytes that are not there": ARRAY % ("<f4", 81, "null"),
    "bytes behind the file": ARRAY % ("|u1", 999, "0"),
    "bytes of another file": ARRAY % ("|u1", 1, "9"),
    "objects": ARRAY % ("|O", 1, "0"),
    "a class of another package": '{"value": {"#data": "subprocess:Popen", "fields": {"args": "true"}}}',
    "a class that is no data": '{"value": {"#data": "hsi_studio.scene.room.codec:Writer", "fields": {}}}',
    "wrong fields": '{"value": {"#data": "hsi_studio.types:Bands", "fields": {"count": "many"}}}',
    "an error of another package": '{"error": {"class": "builtins:SystemExit", "text": "", "parts": {}}}',
    "an error that is none": '{"error": {"class": "hsi_studio.errors:Path", "text": "", "parts": {}}}',
    "nothing": "",
    "two answers": '{"value": 1, "error": 2}',
    "a deep one": '{"value": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "a long number": '{"value": ' + "1" * 10_000 + "}",
}


@pytest.mark.parametrize("what", sorted(FORGED))
def test_an_answer_that_no_reader_gives_is_refused(tmp_path: Path, room: Told, what: str) -> None:
    code = f"import os; open('description.json', 'w').write({FORGED[what]!r}); os._exit(0)"
    error = room(tmp_path, code)
    assert isinstance(error, ReaderStopped)
    assert "what the reader left of it makes no sense" in str(error)


def test_a_spawner_that_died_is_replaced(tmp_path: Path, room: Told) -> None:
    made = opening.starter()
    if not isinstance(made, start.Spawner):
        pytest.skip("readers are not forked here")
    made.ready()
    assert made._process is not None
    made._process.send_signal(signal.SIGKILL)
    made._process.wait()
    assert room(tmp_path, "said = 'well'").problem == "well"


def test_many_at_once(tmp_path: Path, room: Told) -> None:
    for k in range(8):
        np.savez(tmp_path / f"{k}.npz", cube=CUBE + k)
    found: dict[int, float] = {}

    def look(k: int) -> None:
        found[k] = float(open_scene(tmp_path / f"{k}.npz").spectrum(0, 0)[0])

    threads = [threading.Thread(target=look, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == pytest.approx({k: CUBE[0, 0, 0] + k for k in range(8)})


@pytest.mark.slow
def test_where_nothing_can_be_forked_a_new_process_reads(
    tmp_path: Path, room: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "starter", start.Anew)
    np.savez(tmp_path / "a.npz", cube=CUBE)
    assert np.array_equal(open_scene(tmp_path / "a.npz").read(slice(None), slice(None)), CUBE)
    assert "exit code 3" in str(room(tmp_path, "import os; os._exit(3)"))


def test_protections_of_this_machine_are_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [what for what, _, _ in opening.protections()] == [
        "a process of its own", "limits", "only its own files", "no network, no other process",
    ]  # fmt: skip
    monkeypatch.setattr(lock, "landlock_version", lambda: 0)
    opening.tell_protections.cache_clear()
    opening.tell_protections()
    opening.tell_protections()
    assert [r.message.partition(":")[0] for r in caplog.records].count("Readers of files work without") == 1
    opening.tell_protections.cache_clear()
