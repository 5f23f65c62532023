"""DiffCLIP at the paper's size: 6 classes × 20 shots, then a 349 × 1905 × 144 scene with heights; seconds and memory.

    python -m benchmarks.whole_scene --presets fast paper [--device cuda] [--threads 2]

The scene has the size of Houston 2013; what it shows is our generator's, on Trento's real label map and heights,
mirrored until they fill it (`--data`, else $HSI_STUDIO_TEST_DATA). The paper's schedule: 700 unlabelled patches × 100
epochs, then 150 epochs on the labels. `fast` is run as it is by default and with the paper's epochs (`fast+epochs`);
`paper` classifies every pixel on its own from 242 tokens: 2,000 pixels are, and their speed is carried over.
With `--share 0.1` it trains for a tenth of its epochs, and its training times are carried over as well, to the epochs
it has; "share" in the output says so. Accuracy is on all labelled pixels but the shots. One JSON object a line on
standard output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.common import make_parser

SHAPE, BANDS = (349, 1905), 144
EPOCHS = {"pretrain_epochs": 100, "epochs": 150}
PAPER_PIXELS = 2000


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--presets", nargs="+", default=["fast", "fast+epochs", "paper"])
    parser.add_argument("--shots", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--share", type=float, default=1.0, help="share of its epochs that `paper` is really run for")
    parser.add_argument("--data")
    args = parser.parse_args(argv)
    if not 0 < args.share <= 1:
        parser.error("--share is above 0 and at most 1")
    import torch

    from benchmarks.scenes import data_folder

    torch.set_num_threads(args.threads)
    folder = data_folder(args.data)
    if folder is None:
        print("error: give the folder of public data with --data or $HSI_STUDIO_TEST_DATA", file=sys.stderr)
        return 2
    scene = houston_sized(folder / "trento")
    for preset in args.presets:
        print(json.dumps(measure(scene, preset, args.shots, args.device, args.share), ensure_ascii=False), flush=True)
    return 0


def houston_sized(folder: Path) -> Any:
    """(349, 1905, 144) int16 reflectance, a surface model of two bands and a reference of six classes."""
    import numpy as np

    from benchmarks.scenes import TRENTO_CLASSES, TRENTO_MATERIALS
    from hsi_studio.scene import read_class_map, read_dsm
    from hsi_studio.scene.physics.simulate import simulate

    small, _ = read_class_map(folder / "allgrd.mat", None)
    heights = read_dsm(folder / "Italy_lidar.mat", small.shape)
    margins = [(0, wanted - have) for wanted, have in zip(SHAPE, small.shape, strict=True)]
    raster = np.pad(small, margins, mode="symmetric")
    dsm = np.pad(heights, [*margins, (0, 0)], mode="symmetric")
    made = simulate(
        raster, dsm, materials=TRENTO_MATERIALS, class_names=TRENTO_CLASSES,
        wavelength_nm=np.linspace(405.0, 1050.0, BANDS), seed=0, name="houston_sized", title="Simulated, Houston-sized",
    )  # fmt: skip
    return made.scene


def measure(scene: Any, preset: str, shots: int, device: str, share: float) -> dict[str, Any]:
    """Pre-training, fine-tuning and mapping of one preset, each with its peak memory."""
    import numpy as np

    from hsi_studio.engine.evaluation.few_shot import prompts_in_style, support_set
    from hsi_studio.engine.evaluation.metrics import confusion, scores
    from hsi_studio.engine.evaluation.splits import make_split, parse_protocol
    from hsi_studio.engine.mapping.predict import predict_scene
    from hsi_studio.engine.runs.resources import Meter
    from hsi_studio.methods.contract import Context
    from hsi_studio.methods.diffclip.method import DiffClip
    from hsi_studio.methods.diffclip.params import DiffClipParams
    from hsi_studio.types import PromptSet

    method = DiffClip()  # with an empty cache: every preset pays for its own preparation
    name, _, epochs = preset.partition("+")
    values = {**method.presets[name], **(EPOCHS if epochs else {})}
    share = share if name == "paper" else 1.0
    ran = {key: max(1, round(share * values[key])) for key in EPOCHS if key in values}
    params = DiffClipParams.model_validate({**values, **ran})
    reference = scene.reference
    split = make_split(reference, shots, 0, parse_protocol("random"), None, scene.reference_names)
    labels, _ = support_set(scene, split.train, reference.ravel())
    texts = prompts_in_style(scene, "p5")[0](0)
    prompts = PromptSet({c.id: tuple(texts[c.name]) for c in labels.schema.classes if texts.get(c.name)})
    blind, ctx = scene.without_reference(), Context(device=device)
    pixels = int(blind.valid.sum())  # the one pass over the cube is not the method's
    meter, started, once = Meter(device), time.perf_counter(), 0.0
    if share < 1:  # scaling and one epoch, so that only epochs are multiplied
        method.prepare(blind, DiffClipParams.model_validate({**values, **ran, "pretrain_epochs": 1}), ctx)
        once = time.perf_counter() - started
    begun = time.perf_counter()
    method.prepare(blind, params, ctx)
    prepared = time.perf_counter()
    fitted = method.fit(blind, labels, prompts, params, ctx)
    trained, footprint = time.perf_counter(), meter.stop()
    pretrain_s, finetune_s = prepared - begun, trained - prepared
    if share < 1:
        pretrain_s = once + pretrain_s * (values["pretrain_epochs"] - 1) / ran["pretrain_epochs"]
        finetune_s *= values["epochs"] / ran["epochs"]
    meter, accuracy, mapped = Meter(device), None, pixels
    if name == "paper":
        mapped = PAPER_PIXELS
        row, col = np.divmod(np.linspace(0, SHAPE[0] * SHAPE[1] - 1, mapped).astype(np.int64), SHAPE[1])
        fitted.at(row, col)  # a block would map the whole strip of rows it lies in
    else:
        found = predict_scene(fitted, blind, "diffclip", params.model_dump(), 0, ctx)
        truth = reference.ravel()[split.test] - 1
        accuracy = scores(confusion(truth, found.label.ravel()[split.test].astype(np.int64) - 1, len(labels.schema)))
    seconds = time.perf_counter() - trained
    mapping = meter.stop()
    return {
        "preset": preset, "device": device, "classes": len(labels.schema), "shots": shots,
        "share": share, "pretrain_s": round(pretrain_s, 1), "finetune_s": round(finetune_s, 1),
        "map_s": round(seconds * pixels / mapped, 1), "pixels_per_s": round(mapped / seconds), "mapped": mapped,
        "oa": None if accuracy is None else round(100 * accuracy.oa, 2),
        "before_mb": round(footprint.before_mb), "train_peak_mb": round(footprint.peak_mb),
        "map_peak_mb": round(mapping.peak_mb), "cuda_peak_mb": mapping.cuda_peak_mb, "load": mapping.load,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
