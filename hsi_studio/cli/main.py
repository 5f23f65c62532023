"""The façade's verbs from a shell.

    python -m hsi_studio info SCENE [--json]
    python -m hsi_studio map SCENE --labels FILE --out map.tif
    python -m hsi_studio evaluate SCENE --shots 5 --seeds 10 --protocol buffered --json -

Results go to standard output, progress and messages to standard error. Exit codes: 0 done, 2 a problem
the user can fix (one line, no traceback), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from hsi_studio import settings
from hsi_studio.cli import backups, bands, collections, compare, evidence, labels, lesson, plugins, runs, spectra
from hsi_studio.cli.common import (
    DEVICE_HELP,
    add_json,
    add_labels,
    add_method,
    add_scene,
    label_options,
    opened,
    params,
    positive,
    progress,
    report,
    studio,
)
from hsi_studio.cli.plugins import tell_problems
from hsi_studio.edges import as_typed
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.humanize import counted


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    args = _parser().parse_args(argv)
    if getattr(args, "trust_local", False):
        os.environ[settings.TRUST_LOCAL.name] = "1"
    try:
        settings.check()
        result: int = args.run(args)
        return result
    except StudioError as error:
        _say(error)
        return 2
    except BrokenPipeError:  # `| head` has read enough
        return 0
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except Exception as error:
        typed = as_typed(error)
        if typed is None:  # a bug: whoever looks after it needs the traceback
            raise
        _say(typed)
        return 2


def _say(error: StudioError) -> None:
    """On standard error, half characters (a name that is no UTF-8) as their numbers."""
    print(f"error: {error}".encode("utf-8", "backslashreplace").decode(), file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hsi-studio", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    scenes = commands.add_parser("scenes", help="list the scenes that can be opened by id")
    scenes.set_defaults(run=_scenes)

    info = commands.add_parser("info", help="facts about a scene")
    add_scene(info)
    info.add_argument("--json", action="store_true", help="print one JSON object")
    info.set_defaults(run=_info)

    mapping = commands.add_parser("map", help="class map from a file of labels")
    add_scene(mapping)
    add_labels(mapping, required=True)
    mapping.add_argument("--out", required=True, metavar="FILE", help=".tif, .hdr (ENVI) or .png")
    mapping.add_argument("--confidence", metavar="FILE", help="also write the confidence as float GeoTIFF")
    add_method(mapping)
    mapping.set_defaults(run=_map)

    secret = commands.add_parser("password", help="a line for the app's --auth-file")
    secret.add_argument("name", metavar="NAME")
    secret.set_defaults(run=_password)

    walls = commands.add_parser("protections", help="what keeps a harmful file in its place on this machine")
    walls.set_defaults(run=_protections)

    mending = commands.add_parser("mend", help="rescue a project whose journal is damaged")
    mending.add_argument("project", metavar="PROJECT", help="its id: the folder's name under ~/.hsi_studio/projects")
    mending.set_defaults(run=_mend)

    evaluation = commands.add_parser("evaluate", help="few-shot accuracy against the reference")
    add_scene(evaluation)
    evaluation.add_argument("--shots", type=positive, default=5, help="labelled pixels a class (default 5)")
    evaluation.add_argument("--seeds", type=positive, default=10, help="draws 0 … N−1 (default 10)")
    evaluation.add_argument(
        "--protocol",
        default="random",
        help="random, buffered[:PIXELS], split:FILE[:variable], regions:FILE.geojson or official:TRAIN,TEST "
        "(default random)",
    )
    evaluation.add_argument(
        "--prompts", metavar="STYLE", help="p1 … p5, or permuted[:STYLE] as a control; default: the class names"
    )
    evaluation.add_argument("--device", default="cpu", help=DEVICE_HELP)
    add_json(evaluation)
    add_method(evaluation)
    evaluation.set_defaults(run=_evaluate)
    for module in (labels, bands, spectra, collections, runs, evidence, compare, lesson, plugins, backups):
        module.add_commands(commands)
    return parser


def _scenes(_: argparse.Namespace) -> int:
    for entry in studio().catalog():
        place = "offline" if entry.offline else "download"
        print(f"{entry.id:20} {place:9} {entry.title}")
    for known, there in studio().collections.known():
        print(f"{known.id:20} {'offline' if there else 'by hand':9} {known.title} (collection; {known.where})")
    tell_problems()
    return 0


def _info(args: argparse.Namespace) -> int:
    here, scene = opened(args)
    facts = here.info(scene)
    if args.json:
        print(json.dumps(facts, ensure_ascii=False, indent=2))
        return 0
    print(facts["title"])
    print(f"  size          {facts['rows']} rows × {facts['columns']} columns × {facts['bands']} bands")
    nm = facts["wavelength_nm"]
    print(f"  wavelengths   {f'{min(nm):.0f}–{max(nm):.0f} nm' if nm else 'not in the file: bands go by number'}")
    print(f"  usable        {facts['usable_bands']} bands, {facts['valid_pixels']} pixels")
    low, high = facts["value_range"]
    print(f"  values        {low:g} to {high:g}")
    print(f"  DSM           {counted(facts['dsm_layers'], 'layer') if facts['dsm_layers'] else 'no layers'}")
    print(f"  CRS           {facts['crs'] or 'none'}")
    if facts["reference"]:
        total = sum(entry["pixels"] for entry in facts["reference"])
        print(f"  reference     {total} pixels in {len(facts['reference'])} classes")
        for entry in facts["reference"]:
            print(f"    {entry['value']:3}  {entry['name']:32} {entry['pixels']:8}")
    for key in ("citation", "licence"):
        if facts[key]:
            print(f"  {key:13} {facts[key]}")
    for note in facts["notes"]:
        print(f"  note          {note}")
    return 0


def _map(args: argparse.Namespace) -> int:
    from hsi_studio.studio.certify import map_hash
    from hsi_studio.studio.evaluation import write_map

    here, scene = opened(args)
    prediction = here.map(scene, args.labels, args.method, params(args), progress=progress(), **label_options(args))
    written = write_map(prediction, scene, Path(args.out), Path(args.confidence) if args.confidence else None)
    print(f"\n{written}\nmap sha256 {map_hash(prediction)}", file=sys.stderr)
    return 0


def _protections(_: argparse.Namespace) -> int:
    from hsi_studio.studio.plugins import protections

    for what, holds, keeps_away in protections():
        print(f"{'yes' if holds else 'NO':4} {what:30} {keeps_away}")
    return 0


def _password(args: argparse.Namespace) -> int:
    import getpass

    from hsi_studio.users import Users, hashed

    first = getpass.getpass(f"Password of {args.name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if sys.stdin.isatty() and getpass.getpass("Again: ") != first:
        raise BadRequest("The two passwords differ: try again.")
    line = hashed(first)
    Users({args.name: line})  # a name that can be used
    print(f"{args.name}:{line}")
    return 0


def _mend(args: argparse.Namespace) -> int:
    for sentence in studio().mend(args.project):
        print(sentence)
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    here, scene = opened(args)
    result = here.evaluate(
        scene, args.method, shots=args.shots, seeds=args.seeds, protocol=args.protocol, params=params(args),
        prompts=args.prompts or "names", device=args.device, progress=progress(),
    )  # fmt: skip
    made = result.to_json()
    if args.prompts and (unread := here.prompts.unread(args.method, args.prompts)):
        made["notes"] = [*made["notes"], unread]
    elif args.prompts:
        made["prompts"] = args.prompts
    if report(args.json, made):
        return 0
    summary = made["summary"]
    shots, seeds = counted(args.shots, "shot"), counted(args.seeds, "seed")
    print(f"\n{scene.title}: {args.method}, {shots} a class, {args.protocol}, {seeds}")
    for key, title in (("oa", "OA %"), ("aa", "AA %"), ("kappa", "κ × 100")):
        print(f"  {title:8} {_over_seeds(summary[key], args.seeds, 2, 6)}")
    for key in ("fit_seconds", "predict_seconds"):
        print(f"  {key:16} {_over_seeds(summary[key], args.seeds, 3)}")
    for note in made["notes"]:
        print(f"  {note}")
    return 0


def _over_seeds(found: dict[str, float | None], seeds: int, digits: int, width: int = 0) -> str:
    """Mean ± standard deviation; one draw has none, and κ may be defined in no draw."""
    if found["mean"] is None:
        return "not defined"
    spread = f" ± {found['std']:.{digits}f}" if seeds > 1 else ""
    return f"{found['mean']:{width}.{digits}f}{spread}"
