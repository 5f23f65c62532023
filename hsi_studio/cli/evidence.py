"""How good a map is, from a shell: its accuracy, two maps on the same pixels, areas, and random pixels labelled blind.

python -m hsi_studio evidence PROJECT [--layer LAYER] [--against LAYER] [--json OUT]
python -m hsi_studio certify PROJECT --layer LAYER --target-se 0.03 --out sample.gpkg
python -m hsi_studio certify PROJECT --read sample.gpkg
python -m hsi_studio import-map PROJECT town.tif
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsi_studio.cli.common import add_json, report, studio
from hsi_studio.errors import StudioError
from hsi_studio.humanize import counted

if TYPE_CHECKING:
    from hsi_studio.studio.evidence import Areas
    from hsi_studio.studio.facade import AccuracyReport, Estimate, ScoreBlock, Studio


def add_commands(commands: Any) -> None:
    """Put the commands of this file beside the others."""
    telling = commands.add_parser("evidence", help="accuracy, confusion matrix and areas of a project's map")
    telling.add_argument("project", metavar="PROJECT")
    telling.add_argument("--layer", default="live", help="live, run:ID, model:ID, comparison:RUN/0 … (default live)")
    telling.add_argument("--against", metavar="LAYER", help="also the difference to this layer, on the same pixels")
    telling.add_argument("--calibration", action="store_true", help="also whether its confidence can be believed")
    add_json(telling)
    telling.set_defaults(run=_evidence)

    certifying = commands.add_parser("certify", help="random pixels of a map to be labelled blind, and what they say")
    certifying.add_argument("project", metavar="PROJECT")
    certifying.add_argument("--layer", default="live", help="the map to draw from (default live)")
    certifying.add_argument("--target-se", type=float, metavar="SE", help="draw: standard error of OA wanted, as 0.03")
    certifying.add_argument("--seed", type=int, default=0)
    certifying.add_argument("--out", metavar="FILE", type=Path, help="write the pixels as .gpkg")
    certifying.add_argument("--read", metavar="FILE", type=Path, help="take the classes that stand in a .gpkg")
    add_json(certifying)
    certifying.set_defaults(run=_certify)

    bringing = commands.add_parser("import-map", help="a class map made elsewhere as a layer; prints its id")
    bringing.add_argument("project", metavar="PROJECT")
    bringing.add_argument("map", metavar="FILE", help="FILE or FILE:variable")
    bringing.add_argument("--title", default="", help="of the layer (default: the file's name)")
    bringing.set_defaults(run=_import_map)


def _evidence(args: argparse.Namespace) -> int:
    here = studio()
    try:
        found = here.displayed.find(args.project, args.layer, 3600.0)
        if found.source == "live":
            here.live(args.project).wait(found.revision, 600, report=True)
            found = here.displayed.find(args.project, args.layer)
        told, areas = found.report, here.evidence.areas(args.project, args.layer)
        against = here.evidence.compare(args.project, args.against, args.layer) if args.against else None
        inside = here.holdout.score(args.project, args.layer) if here.holdout.regions(args.project) else None
        calibrated = here.evidence.reliability(args.project, args.layer) if args.calibration else None
    finally:
        here.close()
    value: dict[str, Any] = {"layer": found.layer, "title": found.title, "accuracy": _json(told)}
    value["areas"] = [_area(one) for one in areas.classes]
    if inside is not None:
        value["holdout"] = {"n": inside.n, "words": inside.words, "problem": inside.problem, "oa": _plain(inside.oa)}
    if against is not None:
        value["against"] = {"layer": args.against, "words": against.words, "problem": against.problem}
        value["against"]["caveat"] = against.caveat
        for name in ("first", "second", "difference"):
            value["against"][name] = _plain(getattr(against, name))
    if calibrated is not None:
        value["calibration"] = {
            "temperature": calibrated.temperature, "ece_before": calibrated.before.ece,
            "ece_after": calibrated.after.ece, "words": calibrated.words,
        }  # fmt: skip
    if report(args.json, value):
        return 0
    print(found.title)
    _print_accuracy(told)
    if inside is not None:
        _print_block(inside)
    _print_areas(areas)
    if against is not None and against.difference is not None and against.first is not None:
        between = against.difference
        span = (
            ""
            if between.low is None or between.high is None
            else f" (95 % interval {100 * between.low:+.1f} to {100 * between.high:+.1f})"
        )
        print(f"against {args.against}: {100 * between.value:+.1f} points{span} {against.words}")
        print(against.caveat, end="\n" * bool(against.caveat))
    elif against is not None:
        print(against.problem)
    if calibrated is not None:
        before, after = calibrated.before.ece, calibrated.after.ece
        print(
            f"calibration error {100 * before:.1f} %, {100 * after:.1f} % with temperature {calibrated.temperature:.2f}"
        )
    return 0


def _certify(args: argparse.Namespace) -> int:
    here = studio()
    try:
        if args.target_se is not None:
            sample = here.certify.draw(args.project, args.layer, args.target_se, args.seed)
            print(f"{counted(len(sample.answers), 'random pixel')} of “{sample.title}”", file=sys.stderr)
        if args.read is not None:
            print(here.certify.read_file(args.project, args.read), file=sys.stderr)
        if args.out is not None:
            print(here.certify.write_file(args.project, args.out), file=sys.stderr)
        found = here.certify.result(args.project)
        areas = None if found.estimates is None else _certified(here, args.project)
    finally:
        here.close()
    if found.estimates is None or areas is None:
        print(found.problem, file=sys.stderr)
        return 0
    value = {"title": found.title, "words": found.words, "overall": found.estimates.overall.to_json()}
    if report(args.json, {**value, "areas": [_area(one) for one in areas.classes]}):
        return 0
    one = found.estimates.overall
    print(f"OA {100 * one.value:.1f} % ± {100 * one.se:.1f} (standard error) {found.words}")
    _print_areas(areas)
    return 0


def _import_map(args: argparse.Namespace) -> int:
    here = studio()
    try:
        layer = here.imported.add(args.project, args.map, args.title)
        notes = here.imported.notes(args.project, layer)
    finally:
        here.close()
    print(*notes, sep="\n", end="\n" * bool(notes), file=sys.stderr)
    print(layer)
    return 0


def _certified(here: Studio, project_id: str) -> Areas | None:
    """Areas of the map that the sample was drawn from, while there is that map."""
    try:
        return here.evidence.areas(project_id, here.certify.sample(project_id).layer)
    except StudioError as error:
        print(error, file=sys.stderr)
        return None


def _print_accuracy(told: AccuracyReport | None) -> None:
    if told is None:
        print("How good this map is has not been measured.")
        return
    for block in (told.main, told.buffered):
        if block is not None:
            _print_block(block)
    print("\n".join(told.notes), end="\n" * bool(told.notes))


def _print_block(block: ScoreBlock) -> None:
    if block.problem or block.oa is None:
        print(f"{block.title}: {block.problem}")
        return
    kappa = "–" if block.kappa is None else f"{100 * block.kappa.value:.1f}"
    print(f"{block.title}: OA {100 * block.oa.value:.1f} %, κ {kappa}, {block.words}")
    for one in block.classes:
        figures = (one.recall, one.precision, one.f1)
        shown = "".join("       –" if figure is None else f"{100 * figure:8.1f}" for figure in figures)
        print(f"  {one.info.name:32} {one.n:10,}{shown}")


def _print_areas(areas: Areas) -> None:
    unit, scale, n = areas.unit
    for one in areas.classes:
        mapped = "" if one.mapped_m2 is None else f"{one.mapped_m2 / scale:12,.{n}f} {unit}"
        found = one.estimate_m2
        told = (
            ""
            if found is None
            else f", estimated {found.value / scale:,.{n}f} ± {found.se / scale:,.{n}f} {unit} (standard error)"
        )
        print(f"  {one.info.name:32} {one.pixels:10,} pixels{mapped}{told}")
    print(areas.words)


def _json(told: AccuracyReport | None) -> dict[str, Any] | None:
    from hsi_studio.studio.facade import report_to_json

    return None if told is None else report_to_json(told)


def _plain(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else dict(vars(found))


def _area(one: Any) -> dict[str, Any]:
    estimates = {name: getattr(one, name) for name in ("estimate", "estimate_m2", "users", "producers")}
    plain = {name: None if found is None else found.to_json() for name, found in estimates.items()}
    return {"class": one.info.name, "pixels": one.pixels, "mapped_m2": one.mapped_m2, **plain}
