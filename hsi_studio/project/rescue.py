"""What a program still knows of a journal that was cut, replaced or deleted under it is written down, not forgotten.

The folder is there:   journal.rescued-<time>.jsonl in it; `salvage.py` puts it back
the folder is gone:    <projects>/.rescued/<its name>-<time>/ with project.json and journal.jsonl: move it back

Nothing is ever put back by itself: who deleted or replaced the files may have meant it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hsi_studio.errors import FileProblem
from hsi_studio.files import write_bytes
from hsi_studio.humanize import counted
from hsi_studio.project.events import Event
from hsi_studio.project.journal import LostLines, dump_line

PATTERN = "journal.rescued-*.jsonl"
FOLDER = ".rescued"


def rescued(folder: Path, about: bytes, events: Sequence[Event], loss: FileProblem) -> FileProblem:
    """Write the actions down; the error that says what happened, where they are, and what to do."""
    if not events:
        earlier = sorted(folder.glob(PATTERN))
        if not earlier or isinstance(loss, LostLines):
            return loss
        remedy = f"{earlier[-1].name} has its actions: put them back with `python -m hsi_studio mend {folder.name}`"
        return type(loss)(loss.path, loss.problem, remedy)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    text = b"".join(dump_line(event) for event in events)
    known = f"All {counted(len(events), 'action')} that were made until then"
    try:
        if folder.is_dir():
            file = write_bytes(folder / f"journal.rescued-{stamp}.jsonl", text)
            remedy = (
                f"{known} are kept in {file.name}: put them back with `python -m hsi_studio mend {folder.name}`, or "
                "open the project again as it is now"
            )
        else:
            kept = folder.parent / FOLDER / f"{folder.name}-{stamp}"
            write_bytes(kept / "journal.jsonl", text)
            write_bytes(kept / "project.json", about)
            remedy = f"{known} are kept in {FOLDER}/{kept.name}: move that folder back to have the project again"
    except OSError as error:
        remedy = f"{known} could not be kept ({error.strerror}): restore the project from a backup"
    if isinstance(loss, LostLines):
        loss.remedy, loss.args = remedy, (f"{loss.path.name}: {loss.problem}. {remedy}.",)
        return loss
    return type(loss)(loss.path, loss.problem, remedy)
