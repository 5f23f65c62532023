"""Lists beside a project that its labels do not need: layers with steps, maps from elsewhere.

What is damaged there keeps no project from opening: entries that make sense are kept, the file as it was goes aside
(`NAME.damaged-DATE.json`), and log and page say so. Read as if a stranger had written it (`hsi_studio/stored.py`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hsi_studio.errors import CorruptFile, FileProblem, StudioError
from hsi_studio.files import best_effort, write_json
from hsi_studio.stored import read_object

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 20
Entry = TypeVar("Entry")


def read_side_list(
    path: Path,
    key: str,
    entry: Callable[[Any], Entry],
    plain: Callable[[Entry], Any],
    tell: Callable[[str], None] = lambda sentence: None,
) -> list[Entry]:
    """The entries under `key`. `entry(value)` raises ValueError or StudioError for one that makes no sense;
    `plain` is its opposite; `tell` gets the sentence for whoever opened the project. Raises FileProblem for a file that
    cannot be read."""
    if not path.exists() and not path.is_symlink():
        return []
    kept, wrong = list[Entry](), list[str]()
    try:
        said = read_object(path, MOST_BYTES, "a list of ours", "Delete it").get(key)
        for value in said if isinstance(said, list) else [said]:
            try:
                kept.append(entry(value))
            except (ValueError, StudioError) as error:
                wrong.append(str(error)[:200])
    except CorruptFile as error:
        wrong.append(error.problem)
    except FileProblem:
        if not path.is_symlink():
            raise
        wrong.append("it is a link to another place")
    if wrong:
        aside = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}.json")
        log.warning("%s: %d entries make no sense (%s); it is kept as %s", path.name, len(wrong), wrong[0], aside.name)
        with best_effort(aside):
            path.replace(aside)
            why = wrong[0].rstrip(".")
            tell(f"Some of {path.name} made no sense ({why}). The file as it was is kept as {aside.name}.")
            write_json(path, {key: [plain(one) for one in kept]}, indent=1)
    return kept
