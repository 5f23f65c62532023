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
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hsi_studio.cli.collections import add_command
from hsi_studio.cli.compare import add_commands as add_compare
from hsi_studio.cli.plugins import add_commands as add_plugins
from hsi_studio.cli.plugins import tell_problems
from hsi_studio.cli.runs import add_commands
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.methods import LIVE_METHOD
from hsi_studio.types import Progress, Scene


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        result: int = args.run(args)
        return result
    except StudioError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        name = error.filename or "file"
        print(f"error: {name}: {error.strerror or error}. Check the name and its permissions.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hsi-studio", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    scenes = commands.add_parser("scenes", help="list the scenes that can be opened by id")
    scenes.set_defaults(run=_scenes)

    info = commands.add_parser("info", help="facts about a scene")
    _add_scene(info)
    info.add_argument("--json", action="store_true", help="print one JSON object")
    info.set_defaults(run=_info)

    mapping = commands.add_parser("map", help="class map from a file of labels")
    _add_scene(mapping)
    mapping.add_argument("--labels", required=True, metavar="FILE", help="GeoJSON or CSV with row, col, class")
    mapping.add_argument("--out", required=True, metavar="FILE", help=".tif, .hdr (ENVI) or .png")
    mapping.add_argument("--confidence", metavar="FILE", help="also write the confidence as float GeoTIFF")
    _add_method(mapping)
    mapping.set_defaults(run=_map)

    secret = commands.add_parser("password", help="a line for the app's --auth-file")
    secret.add_argument("name", metavar="NAME")
    secret.set_defaults(run=_password)

    mending = commands.add_parser("mend", help="rescue a project whose journal is damaged")
    mending.add_argument("project", metavar="PROJECT", help="its id: the folder's name under ~/.hsi_studio/projects")
    mending.set_defaults(run=_mend)

    evaluation = commands.add_parser("evaluate", help="few-shot accuracy against the reference")
    _add_scene(evaluation)
    evaluation.add_argument("--shots", type=_positive, default=5, help="labelled pixels a class (default 5)")
    evaluation.add_argument("--seeds", type=_positive, default=10, help="draws 0 … N−1 (default 10)")
    evaluation.add_argument(
        "--protocol",
        default="random",
        help="random, buffered[:PIXELS], split:FILE[:variable] or official:TRAIN,TEST (default random)",
    )
    evaluation.add_argument(
        "--prompts", metavar="STYLE", help="p1 … p5, or permuted[:STYLE] as a control; default: the class names"
    )
    evaluation.add_argument("--device", default="cpu", help="cpu (default) or cuda, for methods that can use it")
    evaluation.add_argument("--json", metavar="OUT", help="write one JSON object to a file, or - for standard output")
    _add_method(evaluation)
    evaluation.set_defaults(run=_evaluate)
    add_command(commands, _params, _progress)
    add_commands(commands, _add_method, _params, _progress)
    add_compare(commands, _add_scene, _open, _progress)
    add_plugins(commands)
    return parser


def _add_scene(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", metavar="SCENE", help="catalogue id (see `scenes`) or a file")
    parser.add_argument("--var", metavar="NAME", help="variable inside a .mat, .npz or .h5 file")
    parser.add_argument("--dsm", metavar="FILE[:VAR]", help="heights on the same grid")
    parser.add_argument("--reference", metavar="FILE[:VAR]", help="class map on the same grid")


def _add_method(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", default=LIVE_METHOD, help=f"see `methods`; default: {LIVE_METHOD}")
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="a method parameter; may be repeated"
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return value


def _open(args: argparse.Namespace) -> tuple[Any, Scene]:
    from hsi_studio.studio.facade import Studio

    studio = Studio()
    return studio, studio.open(args.scene, variable=args.var, dsm=args.dsm, reference=args.reference)


def _params(args: argparse.Namespace) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in args.param:
        name, equals, text = item.partition("=")
        if not equals:
            raise BadRequest(f"--param {item}: write NAME=VALUE.")
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text
    return values


def _progress() -> Callable[[Progress], None]:
    """Lines on standard error, at most two a second; a terminal gets one line that is rewritten."""
    shown_at, shown = -1.0, ""
    live = sys.stderr.isatty()

    def show(progress: Progress) -> None:
        nonlocal shown_at, shown
        now = time.monotonic()
        if now - shown_at < 0.5 and progress.message == shown:
            return
        shown_at, shown = now, progress.message
        share = "" if progress.fraction is None else f" {100 * progress.fraction:3.0f} %"
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        line = f"{progress.message}{share}{left}"
        print(f"\r\033[K{line}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)

    return show


def _scenes(_: argparse.Namespace) -> int:
    from hsi_studio.scene import catalog

    for entry in catalog():
        place = "offline" if entry.offline else "download"
        print(f"{entry.id:20} {place:9} {entry.title}")
    tell_problems()
    return 0


def _info(args: argparse.Namespace) -> int:
    studio, scene = _open(args)
    facts = studio.info(scene)
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
    print(f"  heights       {facts['dsm_layers'] or 'no'} layer{'' if facts['dsm_layers'] == 1 else 's'}")
    print(f"  map system    {facts['crs'] or 'none'}")
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
    from hsi_studio.io.export import export_confidence_geotiff, write_map

    studio, scene = _open(args)
    prediction = studio.map(scene, args.labels, args.method, _params(args), progress=_progress())
    written = write_map(prediction, scene, Path(args.out))
    if args.confidence:
        export_confidence_geotiff(prediction, scene, Path(args.confidence))
    print(f"\n{written}", file=sys.stderr)
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
    from hsi_studio.studio.facade import Studio

    for sentence in Studio().mend(args.project):
        print(sentence)
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    studio, scene = _open(args)
    result = studio.evaluate(
        scene, args.method, shots=args.shots, seeds=args.seeds, protocol=args.protocol, params=_params(args),
        prompts=args.prompts or "names", device=args.device, progress=_progress(),
    )  # fmt: skip
    report = result.to_json()
    if args.prompts:
        report["prompts"] = args.prompts
    if args.json == "-":
        print(json.dumps(report, ensure_ascii=False))
        return 0
    if args.json:
        Path(args.json).write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    summary = report["summary"]
    print(f"\n{scene.title}: {args.method}, {args.shots} shots a class, {args.protocol}, {args.seeds} seeds")
    for key, title in (("oa", "OA %"), ("aa", "AA %"), ("kappa", "κ × 100")):
        print(f"  {title:8} {summary[key]['mean']:6.2f} ± {summary[key]['std']:.2f}")
    for key in ("fit_seconds", "predict_seconds"):
        print(f"  {key:16} {summary[key]['mean']:.3f} ± {summary[key]['std']:.3f}")
    return 0
