"""Features before and after fine-tuning, with the classes' texts and means among them: figure 5 of the DiffCLIP paper.

    python -m benchmarks.feature_view samson --shots 5               results/features.csv and docs/figures/features.svg
    python -m benchmarks.feature_view indian_pines --by tsne --out FOLDER

"Before": the pre-trained encoder with the heads it starts from (a learning rate of 0, nearly). "After": the same draw,
seeds and starts, fine-tuned. Pixels are labelled ones that are neither shots nor seen by their windows; they, the unit
vectors of the texts and the classes' mean vectors are laid out together by principal components or t-SNE, anew in each
panel, so positions of two panels do not compare; the shares under them do: how many pixels are nearest, by cosine, to
the text of their own class, and to the mean of its shots.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import exit_code, machine, make_parser, named_values
from hsi_studio.engine.evaluation.few_shot import prompts_in_style, support_set
from hsi_studio.engine.evaluation.splits import make_split, parse_protocol
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Block, Context, Fitted
from hsi_studio.types import FloatArray, IntArray, PromptSet, Scene

FILE = Path(__file__).parent / "results" / "features.csv"
STAGES = ("before", "after")
NOT_TUNED: dict[str, Any] = {"lr": 1e-12, "epochs": 1, "min_steps": 1}
METHOD = "diffclip"  # the method with a joint space
COLUMNS = ("scene", "stage", "by", "kind", "class", "x", "y", "nearest text", "nearest mean")
Row = dict[str, str]


def vectors(fitted: Fitted, scene: Scene, pixels: IntArray) -> FloatArray:
    """(m, D) unit vectors of flat pixels."""
    row, col = np.divmod(pixels, scene.shape[1])
    found = [
        fitted.embed(Block(scene, slice(r, r + 1), slice(c, c + 1)))
        for r, c in zip(row.tolist(), col.tolist(), strict=True)
    ]
    return np.stack([one[0, 0] for one in found if one is not None])


def laid_out(points: FloatArray, by: str) -> npt.NDArray[np.float64]:
    """(m, 2) of all points together."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    flat = PCA(2, random_state=0) if by == "pca" else TSNE(2, random_state=0, perplexity=min(30, len(points) // 4))
    return np.asarray(flat.fit_transform(points.astype(np.float64)))


def look(scene: Scene, shots: int, seed: int, pixels: int, by: str, params: dict[str, Any], words: str) -> list[Row]:
    """Both stages of one draw. `pixels`: of each class at most."""
    method, blind = get_method(METHOD), scene.without_reference()
    whole = method.Params.model_validate(params)
    usable = np.where(scene.valid, scene.reference, 0).astype(np.int32)  # type: ignore[arg-type]
    reach = method.window_px(whole.model_dump()) // 2
    split = make_split(usable, shots, seed, parse_protocol(f"buffered:{reach}"), None, scene.reference_names)
    labels, _ = support_set(scene, split.train, usable.ravel())
    names = [info.name for info in labels.schema.classes]
    said = prompts_in_style(scene, words)[0](seed)
    texts = PromptSet({info.id: tuple(said[info.name]) for info in labels.schema.classes if info.name in said})
    values = [int(info.reference_value or 0) for info in labels.schema.classes]
    rng = np.random.default_rng(seed)
    chosen, own = [], []
    for k, value in enumerate(values):
        there = split.test[usable.ravel()[split.test] == value]
        some = np.sort(rng.choice(there, min(pixels, there.size), replace=False))
        chosen.append(some)
        own.append(np.full(some.size, k))
    place, label = np.concatenate(chosen), np.concatenate(own)
    out: list[Row] = []
    for stage in STAGES:
        changed = whole.model_copy(update=NOT_TUNED if stage == "before" else {})
        ctx = Context(seed=seed)
        method.prepare(blind, changed, ctx)
        fitted = method.fit(blind, labels, texts, changed, ctx)
        anchors = fitted.text_vectors()
        assert anchors is not None, "a method with a joint space keeps its texts"
        seen, shown = vectors(fitted, blind, split.train), vectors(fitted, blind, place)
        means = np.stack([seen[labels.label == k].mean(axis=0) for k in range(len(names))])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        spots = laid_out(np.concatenate([shown, anchors, means]), by)
        kinds = ["pixel"] * len(shown) + ["text"] * len(names) + ["mean"] * len(names)
        of = [*label.tolist(), *range(len(names)), *range(len(names))]
        near = {
            "nearest text": 100 * float(((shown @ anchors.T).argmax(axis=1) == label).mean()),
            "nearest mean": 100 * float(((shown @ means.T).argmax(axis=1) == label).mean()),
        }
        for kind, k, (x, y) in zip(kinds, of, spots.tolist(), strict=True):
            line = {"scene": scene.title, "stage": stage, "by": by, "kind": kind, "class": names[k]}
            out.append({**line, "x": f"{x:.3f}", "y": f"{y:.3f}", **{key: f"{v:.1f}" for key, v in near.items()}})
    return out


def write(rows: Sequence[Row], file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(file: Path = FILE) -> list[Row]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def figure(rows: Sequence[Row]) -> Any:
    """A panel a stage: pixels as dots, texts as stars, means of the shots as crosses, a colour a class."""
    from matplotlib import colormaps

    from benchmarks.result_figures import finish, panels

    names = list(dict.fromkeys(row["class"] for row in rows))
    made, axes = panels(1, len(STAGES), 8.6, 3.8)
    handles: dict[str, Any] = {}
    for panel, stage in zip(axes[0], STAGES, strict=True):
        here = [row for row in rows if row["stage"] == stage]
        for k, name in enumerate(names):
            color = colormaps["tab20"](k % 20)
            handles[name] = panel.scatter([], [], s=24, color=color)
            for kind, marker, size in (("pixel", "o", 8), ("mean", "X", 70), ("text", "*", 120)):
                spots = [(float(r["x"]), float(r["y"])) for r in here if (r["class"], r["kind"]) == (name, kind)]
                if not spots:  # no labelled pixel is away from the shots
                    continue
                edge = {} if kind == "pixel" else {"edgecolors": "#1f2328", "linewidths": 0.8}
                panel.scatter(*zip(*spots, strict=True), s=size, color=color, marker=marker, zorder=2, **edge)
        right = f"nearest text right {here[0]['nearest text']} %, nearest mean {here[0]['nearest mean']} %"
        panel.set_title(f"{stage} fine-tuning\n{right}", fontsize=8.5)
        panel.set_xticks([])
        panel.set_yticks([])
    by = {"pca": "two principal components", "tsne": "t-SNE"}[rows[0]["by"]]
    finish(
        made,
        f"DiffCLIP's joint space on {rows[0]['scene']}",
        f"Dots: labelled pixels that are no shots; ★ texts, ✖ means of the shots; {by} of each panel's own.",
        handles,
    )
    return made


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("scene")
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pixels", type=int, default=60, help="of each class at most")
    parser.add_argument("--by", choices=("pca", "tsne"), default="pca")
    parser.add_argument("--words", default="p5", help="style of the prompts")
    parser.add_argument("--params", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path, help="a folder for both files (default: those of the results page)")
    parser.add_argument("--data", help="folder of public data (default: $HSI_STUDIO_TEST_DATA)")
    args = parser.parse_args(argv)

    def run() -> int:
        from benchmarks.figures import FIGURES, hash_of
        from benchmarks.result_figures import svg
        from benchmarks.scenes import open_for_sweep

        print(machine(), file=sys.stderr)
        scene = open_for_sweep(args.scene, args.data).scene
        rows = look(scene, args.shots, args.seed, args.pixels, args.by, named_values(args.params), args.words)
        file = FILE if args.out is None else args.out / FILE.name
        file.parent.mkdir(parents=True, exist_ok=True)
        write(rows, file)
        picture = (FIGURES if args.out is None else args.out) / "features.svg"
        picture.write_text(svg(lambda: figure(rows), f"{file.name} {hash_of([file])}"), encoding="utf-8")
        for stage in STAGES:
            told = next(row for row in rows if row["stage"] == stage)
            print(f"{stage}: nearest text {told['nearest text']} %, nearest mean {told['nearest mean']} %")
        return 0

    return exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
