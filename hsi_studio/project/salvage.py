"""What can be saved of a damaged project: its description (`mend_about.py`), and of the journal every line that can be
read and still makes sense.

The damaged file is kept as `journal.damaged-<time>.jsonl`. A line that cannot be kept leaves a "lost" line in
its place with the reason, so nothing disappears without a trace; lines that are not there at all are counted. A journal
that was cut or taken away while a program had it open is put back from what that program wrote down (`rescue.py`).
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hsi_studio.edges import at_edge
from hsi_studio.errors import LabelProblem
from hsi_studio.files import copy_file, sync_folder, write_bytes
from hsi_studio.humanize import counted
from hsi_studio.project.events import Event, State
from hsi_studio.project.journal import RESTORE, Journal, dump_line
from hsi_studio.project.mend_about import mend_about
from hsi_studio.project.metadata import JOURNAL, read_about
from hsi_studio.project.rescue import PATTERN
from hsi_studio.stored import loads_object, read_file

MAX_JOURNAL = 4 << 30  # bytes


def salvage(folder: Path | str) -> list[str]:
    """Mend a damaged project folder; returns sentences for the user. Raises FileProblem."""
    folder = Path(folder)
    journal = folder / JOURNAL
    said = mend_about(folder)
    about = read_about(folder)
    with at_edge(journal):
        said += _put_back(journal)
        with Journal(journal).locked():
            return said + _mend_journal(folder, State((about.scene.shape[0], about.scene.shape[1]), about.class_infos))


def _put_back(journal: Path) -> list[str]:
    """The newest rescued journal in place of one that is gone, or only the beginning of it."""
    kept = sorted(journal.parent.glob(PATTERN))
    if not kept:
        return []
    there = b"" if not os.path.lexists(journal) else read_file(journal, MAX_JOURNAL, RESTORE)
    whole = read_file(kept[-1], MAX_JOURNAL, RESTORE)
    if not (len(whole) > len(there) and whole.startswith(there)):
        return []
    copy_file(kept[-1], journal)
    lines, all_lines = there.count(b"\n"), whole.count(b"\n")
    return [f"The journal had {lines} of {counted(all_lines, 'action')}; {kept[-1].name} is in its place."]


def _mend_journal(folder: Path, state: State) -> list[str]:
    """Call while holding the journal's lock."""
    journal = folder / JOURNAL
    data = read_file(journal, MAX_JOURNAL, RESTORE)
    lines = data.split(b"\n")
    lines = lines[:-1] if not lines[-1] else lines
    kept: list[Event] = []
    new_seq: dict[int, int] = {}  # old sequence number → new one
    lost: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            event = _read(line, number, new_seq)
            state.commit(state.plan(event))
        except (ValueError, KeyError, TypeError, LabelProblem) as problem:
            lost.append(f"Line {number} is lost: {problem}")
            event = Event(number, "", "salvage", "lost", {"line": number, "reason": str(problem)[:200]})
        kept.append(event)
    saved = len(kept) - len(lost)
    again = b"".join(dump_line(event) for event in kept)
    if again == data:
        return [f"All {counted(len(kept), 'action')} of the journal are in order."]
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    backup = folder / f"journal.damaged-{stamp}.jsonl"
    with backup.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(folder)
    write_bytes(journal, again)
    gone = max(new_seq, default=0) - len(lines)
    if 0 < gone < 1_000_000:  # else the number itself was damaged
        lost.append(f"{gone} {'action is' if gone == 1 else 'actions are'} missing from the file altogether.")
    return [f"{saved} of {len(kept)} actions were kept; the old file is {backup.name}.", *lost]


def _read(line: bytes, number: int, new_seq: dict[int, int]) -> Event:
    """An event with its new number and, for undo and redo, its new target."""
    value = loads_object(line)
    time, actor = str(value["time"])[:64], str(value["actor"])[:500]
    event = Event(number, time, actor, str(value["type"]), dict(value["payload"]))
    new_seq[int(value["seq"])] = number
    if "target" in event.payload:
        event = replace(event, payload={**event.payload, "target": new_seq[event.payload["target"]]})
    return event
