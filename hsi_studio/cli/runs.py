"""Trainings from a shell; they write the same run folders as the app.

    python -m hsi_studio train PROJECT --method diffclip --param epochs=40
    python -m hsi_studio train SCENE --labels FILE --method svm
    python -m hsi_studio train SCENE --shots 20 --method diffclip
    python -m hsi_studio runs [PROJECT]
    python -m hsi_studio runs --export RUN --csv FILE
    python -m hsi_studio resume RUN
    python -m hsi_studio replay RUN
    python -m hsi_studio export PROJECT|RUN|MODEL --out map.zip

Ctrl-C leaves a checkpoint; `resume` goes on from it.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsi_studio.cli.common import add_labels, add_method, label_options, params, progress, studio
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.humanize import duration
from hsi_studio.studio.text_out import write_out
from hsi_studio.types import Progress

if TYPE_CHECKING:
    from hsi_studio.studio.facade import Studio
    from hsi_studio.studio.run_info import RunInfo

EXPORT_HELP = (
    ".tif, .hdr (ENVI), .gpkg (polygons), .csv (areas), .png, .svg, .pdf, .html (report), .json (STAC), .zip "
    "(everything); NAME_accuracy.csv, NAME_confidence.tif, NAME_probabilities.tif"
)
WAIT_S = 3600.0  # for the map of a project's labels: nobody waits at a page


def add_commands(commands: Any) -> None:
    """Put the commands of this file beside the others."""
    training = commands.add_parser("train", help="train on a project's labels, or on a scene with a file of labels")
    training.add_argument("target", metavar="PROJECT|SCENE", help="a project's id, a catalogue id or a file")
    add_labels(training)
    training.add_argument("--shots", type=int, metavar="N", help="N labels a class drawn from the scene's reference")
    training.add_argument("--draw-seed", type=int, default=0, metavar="SEED", help="of --shots; as in evaluate")
    training.add_argument("--prompts", metavar="WORDS", help="p1 … p5, names, or set:NAME (default p5)")
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--start-from", metavar="MODEL", help="id of a model whose encoder the training starts from")
    training.add_argument("--device", default="", help="cpu or cuda:0 … (default: a GPU where there is one)")
    training.add_argument("--title", default="", help="a name for the run")
    add_method(training)
    training.set_defaults(run=_train)

    listing = commands.add_parser("runs", help="list runs, or export one's curves")
    listing.add_argument("project", nargs="?", metavar="PROJECT", help="only those of this project")
    listing.add_argument("--export", metavar="RUN", help="write this run's curves to --csv or --tensorboard")
    listing.add_argument("--csv", metavar="FILE", help="- for standard output")
    listing.add_argument("--tensorboard", metavar="DIR", type=Path, help="needs the tensorboard package")
    listing.set_defaults(run=_runs)

    resuming = commands.add_parser("resume", help="go on with a paused, interrupted or failed run")
    resuming.add_argument("id", metavar="RUN")
    resuming.set_defaults(run=_resume)

    exporting = commands.add_parser("export", help="write a project's map, a run's or a model's")
    exporting.add_argument("target", metavar="PROJECT|RUN|MODEL", help="a project's id: the map of its labels")
    exporting.add_argument("--out", required=True, metavar="FILE", type=Path, help=EXPORT_HELP)
    exporting.add_argument(
        "--layer",
        metavar="LAYER",
        help="of a project: run:ID, model:ID, comparison:RUN/0, edited:STEPS@LAYER …, picture",
    )
    exporting.add_argument("--project", metavar="PROJECT", help="map the scene of this project with the model")
    exporting.add_argument("--confidence", metavar="FILE", type=Path, help="also write the confidence as float GeoTIFF")
    exporting.set_defaults(run=_export_map)

    again = commands.add_parser("replay", help="make a run's map again and say whether it is identical")
    again.add_argument("id", metavar="RUN", help="a run's id or its folder")
    again.add_argument("--fresh", action="store_true", help="also make label-free work (pre-training) again")
    again.set_defaults(run=_replay)


def _train(args: argparse.Namespace) -> int:
    here, values = studio(), params(args)
    if args.target in {summary.id for summary in here.projects()}:
        if args.labels or args.shots is not None:
            raise BadRequest("A project has its labels already: leave --labels and --shots out, or name a scene.")
        project = here.project(args.target)
    elif args.labels or args.shots is not None:
        here.labels.check(here.open(args.target), args.labels, args.shots, args.draw_seed, **label_options(args))
        project = here.new_project(args.target)
        for note in here.import_labels(project.id, args.labels, **label_options(args)) if args.labels else []:
            print(note, file=sys.stderr)
        if args.shots is not None:
            print(here.labels.draw(project.id, args.shots, args.draw_seed), file=sys.stderr)
    else:
        raise BadRequest(
            f"There is no project {args.target!r} in {here.projects_folder}. For a scene, add --labels FILE or "
            "--shots N."
        )
    run = here.runs.start(
        project.id, args.method, values, args.prompts or "p5", args.seed, title=args.title, device=args.device,
        warm_start=args.start_from,
    )  # fmt: skip
    if args.prompts and (unread := here.prompts.unread(args.method, args.prompts)):
        print(unread, file=sys.stderr)
    print(f"run {run.id} of project {project.id}", file=sys.stderr)
    if run.forecast is not None:
        print(f"about {duration(run.forecast.seconds)} ({run.forecast.basis})", file=sys.stderr)
    return _follow(here, run.id)


def _resume(args: argparse.Namespace) -> int:
    here = studio()
    return _follow(here, here.runs.resume(args.id).id)


def _follow(studio: Studio, run_id: str) -> int:
    """Tell what happens until the end; the run's id and figures go to standard output."""
    show = progress()
    seen = max((event["seq"] for event in studio.runs.events(run_id)), default=0)
    try:
        while True:
            info = studio.runs.wait(run_id, 0.2)
            for event in studio.runs.events(run_id, seen):
                seen = event["seq"]
                if event["kind"] == "progress":
                    show(Progress(event["message"], event["done"], event["total"], event["seconds_left"]))
                elif event["kind"] == "log":
                    print(f"\n{event['text']}" if sys.stderr.isatty() else event["text"], file=sys.stderr)
            if not info.alive:
                break
    except KeyboardInterrupt:
        studio.runs.pause(run_id)
        info = studio.runs.wait(run_id, 30)
        print(f"\n{info.state}; go on with: python -m hsi_studio resume {run_id}", file=sys.stderr)
        raise
    if info.state != "done":
        raise StudioError(info.reason)
    print(f"{info.id}  {_figures(info)}")
    return 0


def _figures(info: RunInfo) -> str:
    block, away = info.figures
    oa = block.get("oa")
    if oa is None:
        return str(block.get("problem") or "")
    return f"OA{' away from the labels' * away} {100 * oa['value']:.1f} % {block['words']}"


def _runs(args: argparse.Namespace) -> int:
    here = studio()
    if args.export:
        return _export(here, args)
    for info in here.runs.list(args.project):
        when = info.created[:16].replace("T", " ")
        seconds = info.timing.get("total_seconds")
        took = f"{seconds:8.1f} s" if seconds is not None else " " * 10
        print(f"{info.id}  {when}  {info.state:11} {took}  {info.project_id:28}  {info.title}")
        if info.reason:
            print(f"    {info.reason}")
    return 0


def _export(studio: Studio, args: argparse.Namespace) -> int:
    if not args.csv and args.tensorboard is None:
        raise BadRequest("Say where to: --csv FILE (- for standard output) or --tensorboard DIR.")
    if args.tensorboard is not None:
        count = studio.runs.curves_to_tensorboard(args.export, args.tensorboard)
        print(f"{count} values in {args.tensorboard}", file=sys.stderr)
    if args.csv == "-":
        studio.runs.curves_to_csv(args.export, sys.stdout)
    elif args.csv:
        table = io.StringIO(newline="")
        count = studio.runs.curves_to_csv(args.export, table)
        write_out(args.csv, table.getvalue())
        print(f"{count} values in {args.csv}", file=sys.stderr)
    return 0


def _export_map(args: argparse.Namespace) -> int:
    here = studio()
    try:
        project_id, which = _wanted(here, args)
        if here.displayed.plain(which) is not None:
            print(here.exports.plain(project_id, which, args.out), file=sys.stderr)
            return 0
        found, written = here.exports.file(project_id, args.out, which=which, timeout=WAIT_S)
        if args.confidence is not None:
            here.exports.confidence(found, args.confidence)
        gsd_m = here.scene_of(project_id).gsd_m
        digest = here.provenance.of(found).map_hash
    finally:
        here.close()
    print(f"{written}: {found.title}, {found.prediction.method}, layer {found.layer}", file=sys.stderr)
    print(f"map sha256 {digest}", file=sys.stderr)
    m2 = gsd_m**2 if gsd_m else 0.0
    whole = m2 * sum(pixels for _, pixels in found.pixels)
    unit, scale, digits = ("ha", 1e4, 2) if whole >= 1e4 else ("m²", 1.0, 1 if whole >= 100.0 else 4)
    for info, pixels in found.pixels:
        area = f"{pixels * m2 / scale:12,.{digits}f} {unit}" if gsd_m else ""
        print(f"{info.name:32} {pixels:10,} pixels{area}")
    return 0


def _wanted(here: Studio, args: argparse.Namespace) -> tuple[str, str]:
    """(project, which of its maps) for a project, a run or a model. Raises BadRequest."""
    if args.target in {summary.id for summary in here.projects()}:
        if args.project:
            raise BadRequest("A project has its own scene: leave --project out.")
        return args.target, args.layer or "live"
    if args.layer:
        raise BadRequest(f"--layer is of a project, and {args.target!r} is none in {here.projects_folder}.")
    if here.runs.exists(args.target) and not args.project:
        return here.runs.project_of(args.target), args.target
    try:
        project = args.project or here.models.get(args.target).project_id
    except BadRequest as error:
        raise BadRequest(f"There is no project, run or model {args.target!r} in {here.home}.") from error
    if not project:
        raise BadRequest("This model was imported: say which project's scene it is to map, with --project PROJECT.")
    return project, f"model:{args.target}"


def _replay(args: argparse.Namespace) -> int:
    folder = Path(args.id)
    found = studio().runs.replay(folder if (folder / "run.json").is_file() else args.id, progress(), args.fresh)
    print(found.words)
    return 0 if found.identical else 1
