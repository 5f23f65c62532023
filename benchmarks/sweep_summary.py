"""Cells of a sweep as one table of measured figures, a line for each scene, number of labels and method.

    python -m benchmarks.sweep_summary OUT [OUT …] --to trained_scenes            results/measured/trained_scenes.csv
    python -m benchmarks.sweep_summary OUT --to pretraining --against diffclip

OUT are folders of `benchmarks.few_shot run`. "apart" are test pixels away from the shots: those of other plots where a
scene has plots, else those farther than the largest window reaches. Differences are paired over the draws that both
methods have, with the interval of `hsi_studio/engine/evaluation/draw_intervals.py`; ECE is the expected calibration
error on random test pixels. Cells of before it was kept have none. A scene swept without random test pixels has the
figures apart in their place.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import exit_code, make_parser
from benchmarks.measured import file_of
from hsi_studio.engine.evaluation.draw_intervals import interval
from hsi_studio.engine.sweep.tables import load_cells

ORDER = ("live", "diffclip", "curated", "s3fn", "svm", "forest", "lda")
Cell = dict[str, Any]
Line = dict[str, str]


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="OUT")
    parser.add_argument("--to", required=True, metavar="NAME")
    parser.add_argument("--against", default="live", help="differences are taken from it (default: live)")
    args = parser.parse_args(argv)
    return exit_code(lambda: _write(args.folders, args.to, args.against))


def _write(folders: Sequence[Path], name: str, against: str) -> int:
    lines = summary([cell for folder in folders for cell in load_cells(folder)], against)
    with file_of(name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    print(f"{len(lines)} lines: {file_of(name)}")
    return 0


def summary(cells: Sequence[Cell], against: str) -> list[Line]:
    """The lines of the table, scenes as they come, methods in `ORDER` and then as they come."""
    groups: dict[tuple[str, int], dict[str, dict[int, Cell]]] = defaultdict(lambda: defaultdict(dict))
    for cell in cells:
        groups[cell["title"], cell["shots"]][cell["label"]][cell["seed"]] = cell["results"]
    scenes = list(dict.fromkeys(title for title, _ in groups))
    out = []
    for title, shots in sorted(groups, key=lambda key: (scenes.index(key[0]), key[1])):
        methods = groups[title, shots]
        for label in sorted(methods, key=lambda one: ORDER.index(one) if one in ORDER else len(ORDER)):
            found = methods[label]
            base = methods.get(against, {}) if label != against else {}
            gaps = np.array(
                [_oa(found[s], _main(found[s])) - _oa(base[s], _main(base[s])) for s in sorted(found) if s in base]
            )
            line = {"scene": title, "shots": str(shots), "method": label, "n": str(len(found))}
            line |= _spread("OA", [_oa(one, _main(one)) for one in found.values()])
            line |= _spread("OA apart", [_oa(one, _apart(one)) for one in found.values()])
            line |= _spread("ECE", [float(one[_main(one)].get("ece", "nan")) for one in found.values()])
            out.append(line | _gap(f"OA − {against}", gaps))
    return out


def _main(results: Cell) -> str:
    """Random test pixels; where a sweep has none, those away from the shots."""
    return "random" if "random" in results else _apart(results)


def _apart(results: Cell) -> str:
    """The protocol whose test pixels are away from the shots."""
    return next((p for kind in ("mask:", "buffered") for p in results if p.startswith(kind)), "")


def _oa(results: Cell, protocol: str) -> float:
    return float(results.get(protocol, {}).get("oa", "nan"))


def _spread(title: str, values: Sequence[float]) -> Line:
    kept = np.array([v for v in values if np.isfinite(v)])
    deviation = f"{kept.std(ddof=1):.1f}" if kept.size > 1 else ""
    return {title: f"{kept.mean():.1f}" if kept.size else "", f"{title} ±": deviation}


def _gap(title: str, gaps: np.ndarray[Any, np.dtype[np.float64]]) -> Line:
    low, high = interval(gaps)
    told = low is not None and high is not None
    return {
        title: f"{gaps.mean():.1f}" if gaps.size else "",
        f"{title} low": f"{low:.1f}" if told else "",
        f"{title} high": f"{high:.1f}" if told else "",
    }


if __name__ == "__main__":
    sys.exit(main())
