"""Spectra of a project's scene from a shell, and what a library has that is like them.

python -m hsi_studio spectra PROJECT --pixel 40,20 --pixel 41,20 --form continuum --out spectra.csv
python -m hsi_studio spectra PROJECT --pixel 40,20 --match [--library own.sli]
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from hsi_studio.cli.common import studio
from hsi_studio.errors import BadRequest
from hsi_studio.studio.text_out import write_out


def add_commands(commands: Any) -> None:
    """Put the command beside the others."""
    spectra = commands.add_parser("spectra", help="spectra of pixels as CSV, or the library spectra most like them")
    spectra.add_argument("project", metavar="PROJECT", help="its id")
    spectra.add_argument("--pixel", metavar="ROW,COL", action="append", required=True, help="from 0; up to 12 times")
    spectra.add_argument("--form", default="values", help="values (default), continuum (removed) or derivative")
    spectra.add_argument("--match", action="store_true", help="list the library spectra nearest by spectral angle")
    spectra.add_argument("--library", metavar="FILE", type=Path, help="your own: ENVI .sli, or .csv (default earthlib)")
    spectra.add_argument("--out", metavar="FILE", type=Path, help="write the CSV here instead of showing it")
    spectra.set_defaults(run=_spectra)


def pixel(text: str) -> tuple[int, int]:
    """ "40,20" → (40, 20). Raises BadRequest."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", text)
    if found is None:
        raise BadRequest(f"{text!r} is no pixel: write row and column from 0, such as 40,20.")
    return int(found[1]), int(found[2])


def _spectra(args: argparse.Namespace) -> int:
    pixels, here = [pixel(text) for text in args.pixel], studio()
    try:
        if not args.match:
            text = here.spectra.as_csv(args.project, pixels, args.form)
            if args.out is None:
                sys.stdout.write(text)
            else:
                write_out(args.out, text)
            return 0
        for row, col in pixels:
            told = here.spectra.matches(args.project, row, col, library=args.library)
            print(f"row {row}, column {col}: over {told.bands} bands. {told.note}".rstrip())
            for one in told.found:
                made = "" if one.measured else " (simulated)"
                print(f"{one.angle_deg:7.2f}°  {one.kind or one.name}{made}  {one.name}  {one.source}")
    finally:
        here.close()
    return 0
