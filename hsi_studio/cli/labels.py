"""Labels of a project from a shell: in from other programs, out for them.

python -m hsi_studio import-labels PROJECT FILE... [--attribute NAME] [--dry-run] [--json -]
python -m hsi_studio export-labels PROJECT --out FOLDER
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from hsi_studio.cli.common import add_json, add_label_options, label_options, report, studio
from hsi_studio.errors import ChooseLabels
from hsi_studio.humanize import counted


def add_commands(commands: Any) -> None:
    """Put the commands of this file beside the others."""
    taking = commands.add_parser("import-labels", help="add labels of other programs to a project")
    taking.add_argument("project", metavar="PROJECT", help="its id")
    taking.add_argument(
        "files", nargs="+", metavar="FILE", help="GeoJSON, GeoPackage, shapefile, KML, ENVI ROI, CSV, raster of classes"
    )
    add_label_options(taking)
    taking.add_argument("--dry-run", action="store_true", help="say what would be added, and add nothing")
    add_json(taking)
    taking.set_defaults(run=_import)

    giving = commands.add_parser("export-labels", help="write a project's labels as GeoJSON, CSV and GeoPackage")
    giving.add_argument("project", metavar="PROJECT", help="its id")
    giving.add_argument("--out", required=True, metavar="FOLDER", type=Path)
    giving.set_defaults(run=_export)


def _import(args: argparse.Namespace) -> int:
    here, options = studio(), label_options(args)
    try:
        found = here.labels.look(args.project, args.files, **options)
    except ChooseLabels as choice:
        for value, words in choice.options:
            print(f"  --{choice.field.replace('_', '-')} {value:24} {words}", file=sys.stderr)
        raise
    if not report(args.json, found.to_json()):
        for item in found.reports:
            print(f"{item.file}: {item.kind}{f', layer {item.layer}' if item.layer else ''}")
            print(f"  features      {item.features}")
            print(f"  class         {item.attribute or '–'}")
            print(f"  coordinates   {item.place}{f' ({item.why})' if item.why else ''}")
            for name, count in item.classes.items():
                print(f"    {name:32} {count:8}")
        for sentence in found.sentences():
            print(f"  note          {sentence}")
    if args.dry_run:
        print(f"{counted(len(found.labels), 'label')} would be added", file=sys.stderr)
    else:
        print(here.import_labels(args.project, args.files, **options)[0], file=sys.stderr)
    return 0


def _export(args: argparse.Namespace) -> int:
    for path in studio().export_labels(args.project, args.out):
        print(path)
    return 0
