"""How DiffCLIP's accuracy follows the mask ratio, the patch and the number of unlabelled patches: the paper's studies.

    python -m benchmarks.diffclip_study run OUT --scene samson --shots 5 --seeds 10      goes on where it ended
    python -m benchmarks.diffclip_study plot OUT                                         OUT/study.svg and a table

One dial is turned at a time, the others stay at their defaults; the default is one fit that all three share. Draws are
those of `few_shot`, so lines are paired, and "buffered" is as wide as the largest patch needs. Every setting pre-trains
an encoder of its own, once for all draws. The values are those of the paper, and one beyond each end.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import few_shot
from benchmarks.common import exit_code, make_parser

METHOD = "diffclip"
DIALS: dict[str, tuple[str, tuple[float, ...]]] = {
    "mask_ratio": ("share of masked tokens", (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)),
    "patch": ("side of a patch, pixels", (5, 7, 9, 11, 13, 15)),
    "unlabelled": ("unlabelled patches", (100, 300, 500, 700, 1500)),
}


def settings(dials: Sequence[str], common: Sequence[str] = ()) -> list[str]:
    """Variants as `few_shot` takes them: the default first, then every other value of each dial."""
    from hsi_studio.methods import get_method

    usual = get_method(METHOD).Params().model_dump()
    shared = "".join(f",{text}" for text in common)
    turned = [
        f"{METHOD},{dial}={value}{shared}@{dial} {value}"
        for dial in dials
        for value in DIALS[dial][1]
        if value != usual[dial]
    ]
    return [f"{METHOD}{shared}@default", *turned]


def run(args: argparse.Namespace) -> int:
    argv = ["run", str(args.folder), "--scenes", args.scene, "--methods", *settings(args.dials, args.params)]
    argv += ["--shots", *map(str, args.shots), "--seeds", str(args.seeds), "--jobs", str(args.jobs)]
    for name in ("minutes", "threads", "data"):
        if getattr(args, name) is not None:
            argv += [f"--{name}", str(getattr(args, name))]
    return few_shot.main(argv)


def curve(cells: Sequence[dict[str, Any]], dial: str, protocol: str, shots: int) -> dict[float, list[float]]:
    """Value of a dial → OA of its draws in percent, by seed; the default's fits stand at the default value."""
    found: dict[float, dict[int, float]] = {}
    for cell in cells:
        if cell["shots"] != shots or (cell["label"] != "default" and not cell["label"].startswith(f"{dial} ")):
            continue
        figures = cell["results"].get(protocol, {})
        if figures.get("oa") is not None:
            found.setdefault(float(cell["params"][dial]), {})[cell["seed"]] = figures["oa"]
    return {value: [oa for _, oa in sorted(found[value].items())] for value in sorted(found)}


def study_figure(cells: Sequence[dict[str, Any]]) -> Any:
    """A panel a dial, a line a number of shots and kind of test pixels, bands of one standard deviation."""
    from benchmarks.result_figures import BY_SHOTS, finish, panels
    from hsi_studio.engine.sweep.tables import mean_std

    scene, shots = cells[0]["scene"], sorted({cell["shots"] for cell in cells})
    protocols = sorted({name for cell in cells for name in cell["results"]}, reverse=True)
    figure, axes = panels(1, len(DIALS), 9.6, 3.4, share_x=False)
    handles: dict[str, Any] = {}
    draws: set[int] = set()
    for panel, (dial, (title, _)) in zip(axes[0], DIALS.items(), strict=True):
        for k in shots:
            color, marker = BY_SHOTS.get(k, ("#0072B2", "s"))
            for protocol, line in zip(protocols, ("-", "--"), strict=False):
                found = curve(cells, dial, protocol, k)
                draws |= {len(values) for values in found.values()}
                spread = {value: made for value, oa in found.items() if (made := mean_std(oa)) is not None}
                middle = [m for m, _ in spread.values()]
                name = f"{k} labels a class, {protocol.partition(':')[0]}"
                (handles[name],) = panel.plot(list(spread), middle, line, color=color, marker=marker, markersize=4)
                low, high = ([m + sign * s for m, s in spread.values()] for sign in (-1, 1))
                panel.fill_between(list(spread), low, high, color=color, alpha=0.12, linewidth=0)
        panel.set_xlabel(title)
    axes[0][0].set_ylabel("overall accuracy (OA), %")
    counted = "–".join(str(n) for n in sorted({min(draws), max(draws)})) if draws else "0"
    finish(
        figure,
        f"DiffCLIP on {scene}: one dial turned at a time",
        f"Lines: mean over n {counted} draws of the labels; bands: ± 1 standard deviation.",
        handles,
    )
    return figure


def plot(args: argparse.Namespace) -> int:
    from benchmarks.result_figures import svg
    from hsi_studio.engine.sweep.tables import load_cells, plus_minus

    cells = load_cells(args.folder)
    (args.folder / "study.svg").write_text(svg(lambda: study_figure(cells), str(args.folder.name)), encoding="utf-8")
    print("| dial | value | shots | test pixels | n | OA |\n|---|---|---|---|---|---|")
    for dial in DIALS:
        for k in sorted({cell["shots"] for cell in cells}):
            for protocol in sorted({name for cell in cells for name in cell["results"]}, reverse=True):
                for value, oa in curve(cells, dial, protocol, k).items():
                    print(f"| {dial} | {value:g} | {k} | {protocol} | {len(oa)} | {plus_minus(oa, 1)} |")
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    commands = parser.add_subparsers(required=True)
    runs = commands.add_parser("run", help="compute what is missing")
    runs.add_argument("folder", type=Path)
    runs.add_argument("--scene", default="indian_pines")
    runs.add_argument("--dials", nargs="+", choices=list(DIALS), default=list(DIALS))
    runs.add_argument("--shots", nargs="+", type=int, default=[5])
    runs.add_argument("--seeds", type=int, default=10)
    runs.add_argument("--params", nargs="*", default=[], metavar="NAME=VALUE", help="of every setting")
    runs.add_argument("--jobs", type=int, default=1)
    runs.add_argument("--threads", type=int)
    runs.add_argument("--minutes", type=float, help="stop after so long; a rerun goes on")
    runs.add_argument("--data", help="folder of public data (default: $HSI_STUDIO_TEST_DATA)")
    runs.set_defaults(command=run)
    plots = commands.add_parser("plot", help="the plot and the table of what is there")
    plots.add_argument("folder", type=Path)
    plots.set_defaults(command=plot)
    args = parser.parse_args(argv)
    return exit_code(lambda: int(args.command(args)))


if __name__ == "__main__":
    sys.exit(main())
