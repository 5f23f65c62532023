"""Few-shot accuracy of a method on a scene: shots × protocols, many seeds, with a named baseline in the same run.

    python -m benchmarks.accuracy indian_pines --shots 1 2 3 5 10 20 --seeds 20
    python -m benchmarks.accuracy demo --shots 5 10 20 --seeds 20 --param use_dsm=false

The baseline is an RBF-SVM (C = 100) on the first 30 principal components of single-pixel spectra, the same
draws. Prints a Markdown table: OA / AA / κ, mean ± standard deviation over the seeds, random beside buffered.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import machine, make_parser, named_values
from hsi_studio import Studio
from hsi_studio.engine.evaluation.metrics import confusion, scores
from hsi_studio.engine.evaluation.splits import make_split, parse_protocol
from hsi_studio.types import Scene


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("scene")
    parser.add_argument("--shots", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--protocols", nargs="+", default=["random", "buffered"])
    parser.add_argument("--method", default="live")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    args = parser.parse_args(argv)
    params = named_values(args.param)
    print(machine(), file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(home=Path(folder))
        scene = studio.open(args.scene)
        pixels = baseline_features(scene)
        print(f"| shots | protocol | {args.method} OA | AA | κ × 100 | fit + predict, s | SVM OA | AA | κ × 100 |")
        print("|---|---|---|---|---|---|---|---|---|")
        for shots in args.shots:
            for protocol in args.protocols:
                result = studio.evaluate(
                    scene, args.method, shots=shots, seeds=args.seeds, protocol=protocol, params=params
                ).to_json()
                summary = result["summary"]
                baseline = svm_baseline(scene, pixels, shots, args.seeds, protocol)
                seconds = summary["fit_seconds"]["mean"] + summary["predict_seconds"]["mean"]
                ours = " | ".join(f"{summary[k]['mean']:.1f} ± {summary[k]['std']:.1f}" for k in ("oa", "aa", "kappa"))
                theirs = " | ".join(f"{m:.1f} ± {s:.1f}" for m, s in baseline)
                print(f"| {shots} | {result['protocol']} | {ours} | {seconds:.2f} | {theirs} |", flush=True)
    return 0


def baseline_features(scene: Scene) -> np.ndarray[Any, Any]:
    """(H·W, 30) principal components of the z-scored good bands."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    height, width, _ = scene.shape
    good = np.flatnonzero(scene.good_bands)
    cube = scene.read(slice(0, height), slice(0, width), good.tolist()).reshape(height * width, -1)
    valid = scene.valid.ravel()
    scaled = StandardScaler().fit(cube[valid]).transform(np.nan_to_num(cube))
    components = min(30, scaled.shape[1])
    reduced: np.ndarray[Any, Any] = PCA(components, random_state=0).fit(scaled[valid]).transform(scaled)
    return reduced / float(reduced[valid].std())


def svm_baseline(
    scene: Scene, pixels: np.ndarray[Any, Any], shots: int, seeds: int, protocol: str
) -> list[tuple[float, float]]:
    """Mean and standard deviation of OA, AA, κ (percent) of the SVM on the same draws."""
    from sklearn.svm import SVC

    assert scene.reference is not None
    truth = scene.reference.ravel()
    values = [value for value, _ in scene.reference_classes]
    position = {value: k for k, value in enumerate(values)}
    rows = []
    for seed in range(seeds):
        split = make_split(scene.reference, shots, seed, parse_protocol(protocol), None, scene.reference_names)
        model = SVC(C=100.0, gamma="scale").fit(pixels[split.train], truth[split.train])
        predicted = model.predict(pixels[split.test])
        true = np.array([position[v] for v in truth[split.test]])
        guess = np.array([position[v] for v in predicted])
        result = scores(confusion(true, guess, len(values)))
        rows.append([result.oa, result.aa, result.kappa or 0.0])
    table = np.array(rows) * 100
    spread = table.std(axis=0, ddof=1) if seeds > 1 else np.zeros(3)
    return list(zip(table.mean(axis=0).tolist(), spread.tolist(), strict=True))


if __name__ == "__main__":
    sys.exit(main())
