"""How long a click takes without a browser, beside a random forest and an SVM that are fitted and map the same scene.

    python -m benchmarks.live_speed --rounds 5         Indian Pines, and a scene of 349 × 1905 × 144 with heights
    python -m benchmarks.live_speed --scenes indian_pines --csv      and results/measured/live_speed.csv

All in one run and one process, in turns, so that what else the machine does falls on each: `live` fits its labels and
paints the whole map; the forest (100 trees) and the SVM (RBF, C = 100) do so from z-scored spectra held in memory.
Beyond MOST_PIXELS the two map that many pixels, drawn at random, and their mapping time is carried over to the scene.
Seconds are the processor's, of this process with one thread: on a busy machine the clock on the wall measures the
others. Medians of the rounds, and the ratio of the medians. "Features" is what `live` makes once a scene, the file read
included, nothing cached. The large scene is simulated on Trento's label map and heights (`whole_scene.py`).
"""

from __future__ import annotations

import csv
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import exit_code, machine, make_parser, use_threads
from benchmarks.measured import file_of

LARGE = "349x1905x144"
MOST_PIXELS = 40_000


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds, and what came of it."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def opened(name: str, data: str | None) -> Any:
    """A scene of the benchmarks, or the large one. Raises BadRequest."""
    from benchmarks.scenes import data_folder, open_for_sweep
    from benchmarks.whole_scene import houston_sized
    from hsi_studio.errors import BadRequest

    if name != LARGE:
        return open_for_sweep(name, data).scene
    folder = data_folder(data)
    if folder is None:
        raise BadRequest("The large scene is made from public data: give --data or $HSI_STUDIO_TEST_DATA.")
    return houston_sized(folder / "trento")


def measure(name: str, scene: Any, shots: list[int], rounds: int) -> list[dict[str, str]]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.svm import SVC

    from benchmarks.floor_rule import Prepared
    from hsi_studio.methods.contract import Block, Context
    from hsi_studio.methods.live.method import Live
    from hsi_studio.methods.live.params import LiveParams

    live, params, blind = Live(), LiveParams.model_validate({}), scene.without_reference()
    _ = blind.valid  # what opening has done
    once, _ = seconds(lambda: live.prepare(blind, params, Context()))
    held = Prepared(scene, params)
    held.live = live
    rows, cols, whole = scene.shape[0], scene.shape[1], int(scene.valid.sum())
    bands = held.spectra.bands.tolist()
    cube = scene.read(slice(0, rows), slice(0, cols), bands)[scene.valid]
    some = np.random.default_rng(0).choice(whole, min(whole, MOST_PIXELS), replace=False)
    pixels = ((cube[some] - held.spectra.mean) / held.spectra.scale).astype(np.float32)
    rivals: dict[str, Callable[[], Any]] = {
        "RF-100": partial(RandomForestClassifier, 100, random_state=0),
        "RBF-SVM": partial(SVC, C=100.0),
    }
    out = []
    for count in shots:
        train, _, _ = held.draw(count, 0)
        x = held.values_of[held.place[train]]
        y = np.searchsorted(held.values, held.reference.ravel()[train])
        times: dict[str, list[float]] = {"live": [], **{rival: [] for rival in rivals}}
        for _ in range(rounds):
            block = Block(blind, slice(0, rows), slice(0, cols))
            times["live"].append(seconds(lambda: held.fitted(train).predict_best(block))[0])  # noqa: B023
            for rival, make in rivals.items():
                fit, model = seconds(partial(make().fit, x, y))
                times[rival].append(fit + seconds(lambda: model.predict(pixels))[0] * whole / len(pixels))  # noqa: B023
        middle = {which: statistics.median(found) for which, found in times.items()}
        line = {"scene": name, "labels a class": str(count), "features, s": f"{once:.1f}"}
        line["live, fit + map, ms"] = f"{1000 * middle['live']:.0f}"
        line |= {f"{rival}, ms": f"{1000 * middle[rival]:.0f}" for rival in rivals}
        line |= {f"{rival} : live": f"{middle[rival] / middle['live']:.0f} : 1" for rival in rivals}
        out.append(line)
        print("  ".join(line.values()), flush=True)
    return out


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--scenes", nargs="+", default=["indian_pines", LARGE])
    parser.add_argument("--shots", nargs="+", type=int, default=[1, 5, 20])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", help="folder of public data (default: $HSI_STUDIO_TEST_DATA)")
    parser.add_argument("--csv", action="store_true", help="write the file of the results page, too")
    args = parser.parse_args(argv)
    use_threads(1)

    def run() -> int:
        print(machine(), file=sys.stderr)
        lines = [
            line for name in args.scenes for line in measure(name, opened(name, args.data), args.shots, args.rounds)
        ]
        if args.csv:
            file: Path = file_of("live_speed")
            with file.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, list(lines[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(lines)
        print(machine(), file=sys.stderr)
        return 0

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
