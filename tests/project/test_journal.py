"""Crash safety: what a killed process, a full disk or a bad sector leaves, and what becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hsi_studio.errors import FileProblem, LabelProblem
from hsi_studio.project.events import Event
from hsi_studio.project.journal import DamagedJournal, Journal
from hsi_studio.project.salvage import salvage
from hsi_studio.project.store import Project
from tests.project.small import small_scene


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path, small_scene(), {"spec": "small"})
    corn = project.add_class("Corn")
    for col in range(5):
        project.add_point(1, col, corn.id)
    return project


def journal(project: Project) -> Path:
    return project.folder / "journal.jsonl"


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_torn_last_line_is_put_aside(project: Project, cut: int) -> None:
    whole = journal(project).read_bytes()
    piece = whole.splitlines(keepends=True)[-1][:-cut]
    if cut == 1:
        piece = piece[:-1]
    journal(project).write_bytes(whole + piece)
    again = Project.open(project.folder)
    assert again.points == project.points
    assert journal(project).read_bytes() == whole
    assert (project.folder / "journal.torn").read_bytes() == piece + b"\n"
    assert "torn" in again.notes[0]
    again.add_point(2, 2, again.schema.classes[0].id)
    assert len(Project.open(project.folder).points) == 6


def test_a_whole_last_line_without_its_break_is_kept(project: Project) -> None:
    whole = journal(project).read_bytes()
    journal(project).write_bytes(whole[:-1])
    again = Project.open(project.folder)
    assert len(again.points) == 5
    assert journal(project).read_bytes() == whole
    assert not (project.folder / "journal.torn").exists()


def test_a_torn_line_of_another_process_is_mended_by_the_next_writer(project: Project) -> None:
    with journal(project).open("ab") as stream:
        stream.write(b'{"seq":7,"ti')
    project.refresh()  # reading changes nothing
    assert journal(project).read_bytes().endswith(b'"ti')
    project.add_point(3, 3, project.schema.classes[0].id)
    assert len(Project.open(project.folder).points) == 6


@pytest.mark.parametrize("bad", [b"\x00" * 20 + b"\n", b'{"seq": 3}\n', b"[1]\n", b"\xff\n"])
def test_a_damaged_line_stops_with_its_number_and_changes_nothing(project: Project, bad: bytes) -> None:
    rows = journal(project).read_bytes().splitlines(keepends=True)
    rows[2] = bad
    journal(project).write_bytes(b"".join(rows))
    with pytest.raises(DamagedJournal, match=r"journal.jsonl: line 3 .*backup.*mend") as caught:
        Project.open(project.folder)
    assert caught.value.line == 3
    assert journal(project).read_bytes() == b"".join(rows)
    shown = Project.open(project.folder, read_only=True)
    assert len(shown.points) == 1
    assert "line 3" in shown.notes[0]
    with pytest.raises(LabelProblem, match="read-only"):
        shown.clear()


def test_a_missing_line_is_noticed(project: Project) -> None:
    rows = journal(project).read_bytes().splitlines(keepends=True)
    journal(project).write_bytes(b"".join(rows[:2] + rows[3:]))
    with pytest.raises(DamagedJournal, match=r"line 3 is damaged .it says it is action 4"):
        Project.open(project.folder)


def test_a_line_that_makes_no_sense_is_damage(project: Project) -> None:
    rows = journal(project).read_bytes()
    journal(project).write_bytes(rows.replace(b'"row":1,"col":3', b'"row":1,"col":333'))
    with pytest.raises(DamagedJournal, match=r"line 5 .*column 333 is outside 0–15"):
        Project.open(project.folder)


def test_salvage_keeps_every_line_that_makes_sense(project: Project) -> None:
    project.undo()
    project.redo()
    rows = journal(project).read_bytes().splitlines(keepends=True)
    damaged = b"".join([*rows[:2], b"garbage\n", *rows[3:]])
    journal(project).write_bytes(damaged)
    notes = salvage(project.folder)
    assert notes[0].startswith("7 of 8 actions were kept")
    assert notes[1].startswith("Line 3 is lost")
    again = Project.open(project.folder)
    assert sorted(again.points) == [(1, 0), (1, 2), (1, 3), (1, 4)]
    again.undo()
    assert (1, 4) not in again.points
    assert [p.read_bytes() for p in project.folder.glob("journal.damaged-*")] == [damaged]


def test_salvage_keeps_an_undo_whose_action_moved_because_a_line_is_missing(project: Project) -> None:
    """Line 3 is gone altogether, so every later action moves up by one; the undo follows its action."""
    project.undo()  # action 7 takes back action 6, the label at (1, 4)
    rows = journal(project).read_bytes().splitlines(keepends=True)
    journal(project).write_bytes(b"".join(rows[:2] + rows[3:]))
    notes = salvage(project.folder)
    assert notes[0].startswith("6 of 6 actions were kept")
    assert notes[1:] == ["1 action is missing from the file altogether."]
    again = Project.open(project.folder)
    assert sorted(again.points) == [(1, 0), (1, 2), (1, 3)]
    again.redo()
    assert sorted(again.points) == [(1, 0), (1, 2), (1, 3), (1, 4)]


def test_an_action_is_on_the_disk_before_it_is_acknowledged(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync is called on the journal itself, when the whole line is in it, and before the action counts."""
    file, real = journal(project), os.fsync
    synced: list[tuple[int, int, int]] = []  # inode, bytes at that time, actions that are known at that time

    def fsync(handle: int) -> None:
        found = os.fstat(handle)
        synced.append((found.st_ino, found.st_size, project.revision))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    project.add_point(4, 4, project.schema.classes[0].id)
    now = file.stat()
    assert synced == [(now.st_ino, now.st_size, 6)]
    assert project.revision == 7


def test_a_disk_that_cannot_sync_refuses_the_action(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before, points = journal(project).read_bytes(), project.points

    def fsync(handle: int) -> None:
        raise OSError(5, "input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(FileProblem, match="input/output error"):
        project.add_point(3, 3, project.schema.classes[0].id)
    assert journal(project).read_bytes() == before
    assert project.points == points


def test_a_torn_line_is_on_the_disk_before_it_is_cut_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, real = journal(project).read_bytes(), os.fsync
    journal(project).write_bytes(whole + b'{"seq":7,"ti')
    synced: list[tuple[int, int]] = []  # bytes of the synced file and of the journal at that time

    def fsync(handle: int) -> None:
        synced.append((os.fstat(handle).st_size, journal(project).stat().st_size))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    Project.open(project.folder)
    assert synced == [(13, len(whole) + 12), (len(whole), len(whole))]


def test_a_deleted_journal_does_not_come_back_with_one_line(project: Project) -> None:
    journal(project).unlink()
    with pytest.raises(FileProblem, match="missing"):
        project.add_point(3, 3, project.schema.classes[0].id)
    assert not journal(project).exists()
    for kept in project.folder.glob("journal.rescued-*"):  # of the program that had it open
        kept.unlink()
    with pytest.raises(FileProblem, match=r"labels\.geojson"):
        Project.open(project.folder)


def test_append_alone_makes_no_journal(tmp_path: Path) -> None:
    """Whoever deletes the file between reading and writing gets an error, not a journal of one line."""
    gone = Journal(tmp_path / "journal.jsonl")
    with pytest.raises(FileProblem, match="could not be saved"):
        gone.append(Event(1, "", "", "clear", {}))
    assert list(tmp_path.iterdir()) == []


def test_lines_that_were_read_and_are_gone_are_noticed(project: Project) -> None:
    rows = journal(project).read_bytes().splitlines(keepends=True)
    journal(project).write_bytes(b"".join(rows[:-2]))
    for act in (project.refresh, lambda: project.add_point(3, 3, project.schema.classes[0].id)):
        with pytest.raises(DamagedJournal, match=r"lines that were read before are gone.*All 6 actions.*are kept in"):
            act()
    assert journal(project).read_bytes() == b"".join(rows[:-2])
    (kept,) = project.folder.glob("journal.rescued-*")  # once, however often it is noticed
    assert kept.read_bytes() == b"".join(rows)


def test_a_write_that_fails_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before, points = journal(project).read_bytes(), project.points
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[: len(data) // 2]))  # a full disk
    with pytest.raises(FileProblem, match="no space left"):
        project.add_point(3, 3, project.schema.classes[0].id)
    monkeypatch.undo()
    assert journal(project).read_bytes() == before
    assert project.points == points
    project.add_point(3, 3, project.schema.classes[0].id)
    assert len(Project.open(project.folder).points) == 6


def test_kill_9_loses_nothing_that_was_acknowledged(project: Project) -> None:
    code = (
        "import sys; from hsi_studio.project.store import Project; p = Project.open(sys.argv[1])\n"
        "for n in range(10**6):\n"
        "    p.toggle_point(n // 16 % 12, n % 16, p.schema.classes[0].id); print(p.revision, flush=True)"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, str(project.folder)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    told = [worker.stdout.readline() for _ in range(50)]
    worker.send_signal(signal.SIGKILL)
    told += worker.stdout.read().splitlines(keepends=True)
    worker.wait(10)
    acknowledged = int([line for line in told if line.endswith("\n")][-1])
    assert Project.open(project.folder).revision >= acknowledged >= 56
