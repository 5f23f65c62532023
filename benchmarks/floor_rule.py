"""The floor rule: is `live` anywhere worse than a plain classifier on single spectra?

    python -m benchmarks.floor_rule run OUT.jsonl --scenes samson enmap_potsdam --draws 20    goes on where it ended
    python -m benchmarks.floor_rule run OUT.jsonl --role development --methods live svm lda
    python -m benchmarks.floor_rule table OUT.jsonl                    Markdown: the best floor, `live`, the difference
    python -m benchmarks.floor_rule table OUT.jsonl --csv              and results/measured/floor_rule.csv for the pages
    python -m benchmarks.floor_rule run OUT2.jsonl --one-place …       a class's shots from one place, as hands click
    python -m benchmarks.floor_rule table OUT2.jsonl --csv one_place

The battery and its roles stand in `scenes.py`; every look at a check scene is a line of LOOKS.md. Features are
made once; draws are those of `hsi_studio/engine/evaluation/splits.py`, and at most TEST_PIXELS of a draw's test pixels,
drawn at random, are mapped: that and closed-form fits make twenty draws of a scene a matter of minutes on one core.
`--methods live+names` tells `live` the class names too. Floors are fitted as the program fits `svm`, `lda` and
`forest` on spectra. Buffered: farther than 5 pixels from a shot.
"Difference" is `live` − the floor whose mean is best, over the same draws, with Student's t interval; the floor is
chosen after the fact, which favours it. "One place": of a class the labelled pixels nearest to one of them, drawn at
random, 25 or as many as the shots, and the shots among these; test pixels are the others, everywhere.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import exit_code, make_parser, named_values
from benchmarks.measured import file_of
from benchmarks.scenes import BATTERY, open_for_sweep
from hsi_studio.engine.evaluation.calibration import calibration
from hsi_studio.engine.evaluation.splits import DEFAULT_BUFFER_PX, draw_shots, near
from hsi_studio.errors import BadRequest
from hsi_studio.methods.classic.features import Spectra
from hsi_studio.methods.classic.models import Discriminant, Forest, Model, SupportVectors
from hsi_studio.methods.contract import Context, WordPosteriors
from hsi_studio.methods.live.fitted import LiveFitted
from hsi_studio.methods.live.method import Live
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.types import ClassInfo, ClassSchema, FloatArray, IntArray, LabelSet, PromptSet, Scene

SHOTS = (1, 2, 3, 5, 10, 20, 40)
TEST_PIXELS = 4000
PLACE = 25  # labelled pixels of a class that are one place
FLOORS: dict[str, Model] = {"svm": SupportVectors(100.0, 1.0), "lda": Discriminant(), "forest": Forest(200)}
NAMED = "live+names"  # the class names of the reference told, as the page tells those of a project
METHODS = ("live", NAMED, *FLOORS)
ALLOWED = -0.5  # points below the best floor that the rule lets pass
MEASURED = "floor_rule"

LINE = (
    "{scene:18} {shots:>3}  live {live_OA:>5}  {best_floor:6} {floor_OA:>5}  {live_−_floor:>5} ({live_−_floor_low} to "
    "{live_−_floor_high})  n {n}  buffered {live_OA_buffered}"
)

Line = dict[str, Any]


class Prepared:
    """A scene with what is made of it once."""

    def __init__(self, scene: Scene, params: LiveParams, one_place: bool = False) -> None:
        assert scene.reference is not None
        self.one_place = one_place
        self.scene, self.blind, self.width = scene, scene.without_reference(), scene.shape[1]
        self.reference = np.where(scene.valid, scene.reference, 0).astype(np.int32)
        values = np.unique(self.reference[self.reference > 0])
        self.values = values
        self.schema = ClassSchema(tuple(ClassInfo(str(v), f"class {v}", "#000000") for v in values.tolist()))
        self.live, self.params = Live(), params
        self.spectra = Spectra.of(self.blind, scaled=True)
        bands = self.spectra.bands.tolist()
        whole = scene.read(slice(0, scene.shape[0]), slice(0, self.width), bands).reshape(-1, len(bands))
        labelled = np.flatnonzero(self.reference.ravel())
        self.place = np.full(self.reference.size, -1)
        self.place[labelled] = np.arange(labelled.size)
        self.values_of: FloatArray = ((whole[labelled] - self.spectra.mean) / self.spectra.scale).astype(np.float32)

    def shots_of_one_place(self, shots: int, seed: int) -> IntArray:
        """Flat training pixels, those of a class from one place."""
        rng, found = np.random.default_rng(seed), []
        for value in self.values.tolist():
            own = np.flatnonzero(self.reference.ravel() == value)
            row, col = np.divmod(own, self.width)
            middle = int(rng.integers(own.size))
            near_it = np.argsort(np.hypot(row - row[middle], col - col[middle]), kind="stable")[: max(PLACE, shots)]
            found.append(rng.choice(own[near_it], max(1, min(shots, own.size // 2)), replace=False))
        return np.sort(np.concatenate(found)).astype(np.int64)

    def draw(self, shots: int, seed: int) -> tuple[IntArray, IntArray, npt.NDArray[np.bool_]]:
        """Flat training pixels, flat test pixels, and which of these are farther from every shot than the buffer."""
        train = self.shots_of_one_place(shots, seed) if self.one_place else draw_shots(self.reference, shots, seed)
        flat = self.reference.ravel() > 0
        flat[train] = False
        test = np.flatnonzero(flat)
        if test.size > TEST_PIXELS:
            test = np.sort(np.random.default_rng(1000 + seed).choice(test, TEST_PIXELS, replace=False))
        row, col = np.divmod(train, self.width)
        shape = (self.reference.shape[0], self.width)
        return train, test, ~near(shape, row, col, DEFAULT_BUFFER_PX).ravel()[test]

    @cached_property
    def names(self) -> WordPosteriors:
        """What the class names say of the pixels. Raises BadRequest where the reference has classes without pixels."""
        from benchmarks.word_prior import name_posteriors

        if [value for value, _ in self.scene.reference_classes] != self.values.tolist():
            raise BadRequest(f"{self.scene.name}: not every named class of the reference has pixels.")
        with tempfile.TemporaryDirectory() as folder:
            return name_posteriors(self.scene, Path(folder))

    def _told(self, _scene: Scene, _names: tuple[str, ...]) -> WordPosteriors:
        return self.names

    def fitted(self, train: IntArray, named: bool = False) -> LiveFitted:
        """`live` on these pixels."""
        row, col = np.divmod(train, self.width)
        label = np.searchsorted(self.values, self.reference.ravel()[train]).astype(np.int64)
        ctx = Context(words=self._told) if named else Context()
        return self.live.fit(self.blind, LabelSet(self.schema, row, col, label), PromptSet(), self.params, ctx)

    def probabilities(self, method: str, train: IntArray, test: IntArray) -> FloatArray:
        """(m, K) of the test pixels; of a floor, its scores."""
        label = np.searchsorted(self.values, self.reference.ravel()[train]).astype(np.int64)
        if method in FLOORS:
            found = FLOORS[method].fit(self.values_of[self.place[train]], label, self.values.size, 0, lambda: None)
            return found.scores(self.values_of[self.place[test]])
        fitted = self.fitted(train, method == NAMED)
        return fitted.probabilities_at(test)

    def line(self, method: str, shots: int, seed: int) -> Line:
        train, test, far = self.draw(shots, seed)
        true = np.searchsorted(self.values, self.reference.ravel()[test])
        found = self.probabilities(method, train, test)
        right = found.argmax(axis=1) == true
        line = {"method": method, "shots": shots, "seed": seed, "oa": 100 * float(right.mean())}
        line["buffered"] = 100 * float(right[far].mean()) if far.any() else None
        if method not in FLOORS:
            line["ece"] = 100 * float(calibration(found.max(axis=1), right).ece)
        return line


def read_lines(file: Path) -> list[Line]:
    return [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


def run(args: argparse.Namespace) -> int:
    names = args.scenes or [name for name, (role, _) in BATTERY.items() if args.role in (role, "all")]
    params = LiveParams.model_validate(named_values(args.params))
    for name in names:
        have = {(one["method"], one["shots"], one["seed"]) for one in read_lines(args.file) if one["scene"] == name}
        wanted = [(m, k, seed) for k in args.shots for m in args.methods for seed in range(args.draws)]
        todo = [one for one in wanted if one not in have]
        if not todo:
            continue
        held = Prepared(open_for_sweep(name, args.data).scene, params, args.one_place)
        with args.file.open("a", encoding="utf-8") as stream:
            for one in todo:
                stream.write(json.dumps({"scene": name, **held.line(*one)}) + "\n")
                stream.flush()
        print(f"{name}: {len(todo)} made", file=sys.stderr)
    return 0


def summary(lines: list[Line]) -> Iterator[Line]:
    """A line for each scene and number of shots: over the draws that `live` and the floors share."""
    cells: dict[tuple[str, int], dict[str, dict[int, Line]]] = defaultdict(lambda: defaultdict(dict))
    for one in lines:
        cells[one["scene"], one["shots"]][one["method"]][one["seed"]] = one
    order = list(BATTERY)
    for (scene, shots), by_method in sorted(cells.items(), key=lambda c: (order.index(c[0][0]), c[0][1])):
        floors = [name for name in FLOORS if name in by_method]
        shared = sorted(set.intersection(*(set(by_method[m]) for m in ("live", *floors))))
        if not floors or "live" not in by_method or len(shared) < 2:
            continue

        def of(method: str, key: str = "oa") -> npt.NDArray[np.float64]:
            found = [by_method[method][seed][key] for seed in shared]  # noqa: B023
            return np.array([v for v in found if v is not None], dtype=np.float64)

        best = max(floors, key=lambda m: of(m).mean())
        low, high = t_interval(of("live") - of(best))
        out: Line = {"scene": scene, "role": BATTERY[scene][0], "shots": shots, "n": len(shared)}
        out |= {"live OA": of("live").mean(), "live OA ±": of("live").std(ddof=1), "best floor": best}
        out |= {
            "floor OA": of(best).mean(),
            "floor OA ±": of(best).std(ddof=1),
            "live − floor": (of("live") - of(best)).mean(),
        }
        out |= {"live − floor low": low, "live − floor high": high}
        far = of("live", "buffered")
        out |= {"live OA buffered": far.mean() if far.size else float("nan")}
        named = by_method.get(NAMED, {})
        if shared and all(seed in named for seed in shared):
            low, high = t_interval(of(NAMED) - of(best))
            out |= {"with names OA": of(NAMED).mean(), "with names − floor": (of(NAMED) - of(best)).mean()}
            out |= {"with names − floor low": low, "with names − floor high": high}
        else:
            out |= dict.fromkeys(("with names OA", *(f"with names − floor{end}" for end in ("", " low", " high"))), "")
        yield out


def t_interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """95 % for the mean, Student's t with n − 1 degrees of freedom."""
    from scipy.stats import t

    half = float(t.ppf(0.975, values.size - 1)) * float(values.std(ddof=1)) / np.sqrt(values.size)
    return float(values.mean() - half), float(values.mean() + half)


def table(args: argparse.Namespace) -> int:
    rows = [
        {k: f"{v:.1f}" if isinstance(v, float) else str(v) for k, v in r.items()}
        for r in summary(read_lines(args.file))
    ]
    if not rows:
        print("nothing measured yet", file=sys.stderr)
        return 1
    empty = {key for key in rows[0] if not any(row[key] for row in rows)}  # class names were not told
    rows = [{key: value for key, value in row.items() if key not in empty} for row in rows]
    if args.csv:
        with file_of(args.csv).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    for row in rows:
        under = "  below the floor" if float(row["live − floor"]) < ALLOWED else ""
        print(LINE.format(**{key.replace(" ", "_"): value for key, value in row.items()}) + under)
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    commands = parser.add_subparsers(required=True)
    runs = commands.add_parser("run", help="measure what is missing")
    runs.add_argument("file", type=Path)
    runs.add_argument("--scenes", nargs="+", choices=list(BATTERY))
    runs.add_argument("--role", choices=("development", "check", "all"), default="development")
    runs.add_argument("--methods", nargs="+", choices=METHODS, default=["live", *FLOORS])
    runs.add_argument("--shots", nargs="+", type=int, default=list(SHOTS))
    runs.add_argument("--draws", type=int, default=20)
    runs.add_argument("--params", nargs="*", default=[], metavar="NAME=VALUE", help="of `live`")
    runs.add_argument("--one-place", action="store_true", help="a class's shots from one place")
    runs.add_argument("--data", help="folder of public data (default: $HSI_STUDIO_TEST_DATA)")
    runs.set_defaults(command=run)
    shown = commands.add_parser("table")
    shown.add_argument("file", type=Path)
    shown.add_argument(
        "--csv",
        nargs="?",
        const=MEASURED,
        metavar="NAME",
        help=f"write results/measured/NAME.csv, too (default: {MEASURED})",
    )
    shown.set_defaults(command=table)
    args = parser.parse_args(argv)
    return exit_code(lambda: int(args.command(args)))


if __name__ == "__main__":
    sys.exit(main())
