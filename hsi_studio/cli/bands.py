"""Bands of a project's scene from a shell: what was found, what is left out.

python -m hsi_studio bands PROJECT
python -m hsi_studio bands PROJECT --leave-out found
python -m hsi_studio bands PROJECT --leave-out 1,104-108 --bring-back 220
python -m hsi_studio bands PROJECT --bring-back all
"""

from __future__ import annotations

import argparse
import re
from typing import Any

from hsi_studio.cli.common import studio
from hsi_studio.errors import BadRequest

MOST = 100_000


def add_commands(commands: Any) -> None:
    """Put the command beside the others."""
    bands = commands.add_parser("bands", help="bad bands of a project's scene: found, left out, brought back")
    bands.add_argument("project", metavar="PROJECT", help="its id")
    bands.add_argument("--leave-out", metavar="BANDS", help="found, or numbers from 1: 1,104-108")
    bands.add_argument("--bring-back", metavar="BANDS", help="all, or numbers from 1")
    bands.set_defaults(run=_bands)


def numbers(text: str) -> list[int]:
    """ "1,104-108" → bands from 0. Raises BadRequest."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:\s*[-–]\s*(\d{1,6}))?\s*", part)
        if match is None or int(match[1]) < 1:
            raise BadRequest(f"{part.strip()!r} is no band: write numbers from 1, such as 1,104-108.")
        found += range(int(match[1]) - 1, int(match[2] or match[1]))
        if len(found) > MOST:
            raise BadRequest(f"More than {MOST} bands: no scene has as many.")
    return found


def _bands(args: argparse.Namespace) -> int:
    here = studio()
    try:
        found = here.bands.found(args.project)
        if args.leave_out:
            chosen = [f.band for f in found if not f.left_out] if args.leave_out == "found" else numbers(args.leave_out)
            print(here.bands.leave_out(args.project, chosen))
        if args.bring_back:
            print(here.bands.bring_back(args.project, None if args.bring_back == "all" else numbers(args.bring_back)))
        left = set(here.bands.left_out(args.project))
        for finding in found:
            state = "never used" if finding.left_out else "left out" if finding.band in left else "used"
            print(f"{finding.band + 1:5}  {state:10}  {finding.kind}: {finding.reason}")
        for band in sorted(left - {f.band for f in found}):
            print(f"{band + 1:5}  left out    by hand")
    finally:
        here.close()
    return 0
