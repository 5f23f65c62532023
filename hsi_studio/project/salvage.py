"""What can be saved of a damaged journal: every line that can be read and still makes sense.

The damaged file is kept as `journal.damaged-<time>.jsonl`. A line that cannot be kept leaves a "lost" line in
its place with the reason, so nothing disappears without a trace; lines that are not there at all are counted.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hsi_studio.errors import FileProblem, LabelProblem
from hsi_studio.files import sync_folder, write_bytes
from hsi_studio.project.events import Event, State, class_from_json
from hsi_studio.project.journal import Journal, dump_line
from hsi_studio.project.metadata import read_about


def salvage(folder: Path | str) -> list[str]:
    """Mend a project folder whose journal is damaged; returns sentences for the user. Raises FileProblem."""
    folder = Path(folder)
    about = read_about(folder)
    journal = folder / "journal.jsonl"
    height, width = about["scene"]["shape"][:2]
    state = State((int(height), int(width)), [class_from_json(value) for value in about["classes"]])
    with Journal(journal).locked():
        try:
            data = journal.read_bytes()
        except OSError as error:
            raise FileProblem(journal, f"it cannot be read ({error.strerror})", "Restore it from a backup") from error
        lines = data.split(b"\n")
        lines = lines[:-1] if not lines[-1] else lines
        kept: list[Event] = []
        new_seq: dict[int, int] = {}  # old sequence number → new one
        lost: list[str] = []
        for number, line in enumerate(lines, start=1):
            try:
                event = _read(line, number, new_seq)
                state.commit(state.plan(event))
            except (ValueError, KeyError, TypeError, RecursionError, LabelProblem) as problem:
                lost.append(f"Line {number} is lost: {problem}")
                event = Event(number, "", "salvage", "lost", {"line": number, "reason": str(problem)[:200]})
            kept.append(event)
        saved = len(kept) - len(lost)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        backup = folder / f"journal.damaged-{stamp}.jsonl"
        with backup.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        sync_folder(folder)
        write_bytes(journal, b"".join(dump_line(event) for event in kept))
    gone = max(new_seq, default=0) - len(lines)
    if gone > 0:
        lost.append(f"{gone} {'action is' if gone == 1 else 'actions are'} missing from the file altogether.")
    return [f"{saved} of {len(kept)} actions were kept; the old file is {backup.name}.", *lost]


def _read(line: bytes, number: int, new_seq: dict[int, int]) -> Event:
    """An event with its new number and, for undo and redo, its new target."""
    value = json.loads(line.decode("utf-8"))
    event = Event(number, str(value["time"]), str(value["actor"]), str(value["type"]), dict(value["payload"]))
    new_seq[int(value["seq"])] = number
    if "target" in event.payload:
        event = replace(event, payload={**event.payload, "target": new_seq[event.payload["target"]]})
    return event
