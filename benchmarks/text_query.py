"""How well a scene can be asked in words: average precision of class-name queries, and the map from texts alone.

    python -m benchmarks.text_query --scenes indian_pines demo enmap_potsdam --data FOLDER

For every class of a scene's reference its name is asked, as one would type it, held against all class names as the
page does; the answer ranks all labelled valid pixels. Its average precision is scikit-learn's (pixels of one score
together); the mean counts every class once, whatever its size, also those whose name means nothing. Engines: words (the
default: described pixels and the spectra of materials), the spectra of materials alone (a name without one, and any on
radiance: chance), described pixels alone (by words; by the superpixels' sentences; by both), the same with the class's
p5 sentences, and a trained model's text side (`--models`, 5 shots a class, its shots left out of the ranking).
Baselines: NDVI, high or low, whichever is better for the class (that choice uses the reference, so it flatters it), and
chance (the share).
The map from texts alone is compared with always saying the largest class. The reference is read by the scoring only.

enmap_potsdam is the mosaic of the 18 labelled tiles in <data>/enmap_potsdam (EnMAP L2A, 30 m, 224 bands, no heights);
it was not looked at while words and thresholds were written. The simulated demo scene was: read its figures as such.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import exit_code, make_parser
from benchmarks.scenes import data_folder, open_for_sweep
from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.types import Bands, FloatArray, Scene, Source

ENMAP_CLASSES = {1: "Roof", 2: "Pavement", 3: "Low vegetation", 4: "Tree", 5: "Soil", 6: "Water"}
SHOTS = 5
COLUMNS = ("words", "materials", "described", "sentences", "both", "p5", "ndvi", "chance")


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--scenes", nargs="+", default=["indian_pines", "demo", "enmap_potsdam"])
    parser.add_argument("--models", nargs="*", default=["curated"], help="trained with 5 shots a class; none = skip")
    parser.add_argument("--seeds", type=int, default=5, help="of the learning curve")
    parser.add_argument("--data")
    parser.add_argument("--cache", help="folder for measured words and sentence vectors (default: a temporary one)")
    args = parser.parse_args(argv)
    return exit_code(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        for name in args.scenes:
            scene = open_named(name, args.data)
            found = measure(scene, args.models, args.seeds, Path(args.cache or folder))
            print(as_table(found), flush=True)
            print(json.dumps(found, ensure_ascii=False), flush=True)
    return 0


def open_named(name: str, data: str | None) -> Scene:
    """Any scene of the benchmarks; the EnMAP mosaic with its tiles' places. Raises BadRequest, FileProblem."""
    if name != "enmap_potsdam":
        return open_for_sweep(name, data).scene
    folder = data_folder(data)
    if folder is None:
        raise BadRequest("enmap_potsdam is made from public data: give their folder with --data.")
    return enmap_mosaic(folder / "enmap_potsdam")


def enmap_mosaic(folder: Path) -> Scene:
    """All labelled tiles of the EnMAP scene at their places; between them there is no data."""
    import rasterio

    from hsi_studio.scene.cube import ArrayCube
    from hsi_studio.scene.identity import scene_id
    from hsi_studio.scene.open import open_scene
    from hsi_studio.scene.survey import survey

    files = sorted((folder / "images").glob("*.tif"))
    if not files:
        raise FileProblem(folder / "images", "there are no tiles", "Give a folder with enmap_potsdam/images")
    tiles = []
    for file in files:
        with rasterio.open(file) as image, rasterio.open(folder / "labels" / file.name) as labels:
            tiles.append((image.transform, image.read(), labels.read(1), image.nodata))
    left, top = min(t.c for t, *_ in tiles), max(t.f for t, *_ in tiles)
    at = [(round((top - t.f) / 30.0), round((t.c - left) / 30.0), v, lab, gone) for t, v, lab, gone in tiles]
    height, width = (max(p[k] + p[2].shape[k + 1] for p in at) for k in (0, 1))
    first = open_scene(files[0])
    cube = np.full((height, width, first.bands.count), np.nan, dtype=np.float32)
    reference = np.zeros((height, width), dtype=np.int32)
    for row, col, values, lab, gone in at:
        h, w = lab.shape
        cube[row : row + h, col : col + w] = np.where(values == gone, np.nan, values).transpose(1, 2, 0)
        reference[row : row + h, col : col + w] = np.where((lab >= 1) & (lab <= 6), lab, 0)
    sources = (Source("cube", str(folder), f"{len(files)} tiles"),)
    return Scene(
        id=scene_id(sources, ("enmap_potsdam",)), name="enmap_potsdam", title="EnMAP, Potsdam, 24 July 2022",
        cube=ArrayCube(cube), bands=Bands(first.bands.count, first.bands.wavelength_nm, first.bands.fwhm_nm),
        survey_fn=survey, reference=reference, reference_names=ENMAP_CLASSES, gsd_m=30.0, sources=sources,
    )  # fmt: skip


def measure(scene: Scene, models: list[str], seeds: int, folder: Path) -> dict[str, Any]:
    """Everything of one scene as plain values."""
    from hsi_studio import Studio
    from hsi_studio.engine.query.graded_superpixels import graded_superpixels
    from hsi_studio.engine.query.matcher import Matcher, ask_described
    from hsi_studio.engine.query.pixel_facts import PixelFacts
    from hsi_studio.engine.query.spectral_words import spectral_words
    from hsi_studio.engine.query.zero_shot import accuracy_on, learning_curve, zero_shot
    from hsi_studio.features.cache import FeatureCache
    from hsi_studio.text.encoders import get_encoder
    from hsi_studio.text.prompts import readable, sentences_for
    from hsi_studio.types import ClassInfo, ClassSchema

    assert scene.reference is not None
    blind = scene.without_reference()
    started = time.perf_counter()
    pixel_facts, encoder = PixelFacts(blind, FeatureCache(), folder / "words"), get_encoder("minilm", folder)
    words = graded_superpixels(pixel_facts)
    prepared = time.perf_counter() - started
    described = Matcher(words, encoder)  # without the spectra of materials
    spectral = spectral_words(pixel_facts, words.index, encoder.encode)
    matcher = Matcher(words, encoder, spectral)
    matcher.prepare_sentences()
    known = (scene.reference > 0) & scene.valid
    truth = scene.reference[known]
    schema = ClassSchema(tuple(ClassInfo.new(name, "#000000", value) for value, name in scene.reference_classes))
    p5, notes = sentences_for(schema.names, "p5", scene.name)
    index = words.paint(words.facts["ndvi"])[known] if "ndvi" in words.facts else np.zeros(truth.size, np.float32)
    rows: list[dict[str, Any]] = []
    times: list[float] = []
    for info in schema.classes:
        own = truth == info.reference_value
        if not own.any():
            continue
        name = said(info.name)
        started = time.perf_counter()
        by_words = ask_described(matcher, name, others=schema.names)
        times.append(time.perf_counter() - started)
        by_spectra = None if spectral is None else spectral.query(name, schema.names)
        _, weight = matcher.weights([name, *p5[info.name]])
        scored = {
            "words": precision(own, by_words.map[known]),
            "materials": float(own.mean())
            if spectral is None or by_spectra is None
            else precision(own, np.where(spectral.view.index >= 0, by_spectra[spectral.view.index], 0.0)[known]),
            "described": precision(own, ask_described(described, name).map[known]),
            "sentences": precision(own, ask_described(matcher, name, "sentences").map[known]),
            "both": precision(own, ask_described(matcher, name, "both").map[known]),
            "p5": precision(own, words.paint(words.grades @ weight)[known]),
            "ndvi": max(precision(own, index), precision(own, -index)),
            "chance": float(own.mean()),
        }
        rows.append({"class": info.name, **scored})
    for model in models:
        for row, found in zip(rows, model_precision(scene, model, folder), strict=True):
            row[model] = found
    texts = {
        "names": {c.id: [readable(c.name)] for c in schema.classes},
        "p5": {c.id: [readable(c.name), *p5[c.name]] for c in schema.classes},
    }
    maps = {key: zero_shot(described, schema, text) for key, text in texts.items()}
    try:
        maps["materials"] = zero_shot(matcher, schema, texts["names"], spectral=spectral)
    except BadRequest as refused:
        notes = (*notes, str(refused))
    studio = Studio(home=folder / "home")
    try:
        curve = learning_curve(
            scene,
            maps.get("materials", maps["p5"]),
            lambda shots, n: studio.evaluate(scene, "live", shots=shots, seeds=n),
            (1, 2, 5),
            seeds,
        )
    finally:
        studio.close()
    return {
        "scene": scene.name, "labelled": int(known.sum()), "nodes": words.count, "things": len(words.things),
        "prepare_s": round(prepared, 1), "query_ms": round(1000 * float(np.median(times)), 1), "classes": rows,
        "zero_click": {key: round(100 * accuracy_on(made, scene), 1) for key, made in maps.items()},
        "largest_class": round(100 * max(row["chance"] for row in rows), 1),
        "curve": [[p.clicks, round(100 * p.oa, 1), round(100 * p.std, 1)] for p in curve], "notes": list(notes),
    }  # fmt: skip


def model_precision(scene: Scene, method: str, folder: Path) -> list[float]:
    """Average precision of class names asked to a model trained on 5 shots a class (seed 0, p5), class by class."""
    from hsi_studio.engine.evaluation.few_shot import support_set
    from hsi_studio.engine.evaluation.splits import make_split, parse_protocol
    from hsi_studio.engine.query.model_text_space import open_space
    from hsi_studio.methods import get_method
    from hsi_studio.methods.contract import Context
    from hsi_studio.text.encoders import get_encoder
    from hsi_studio.text.prompts import prompt_set

    assert scene.reference is not None
    split = make_split(scene.reference, SHOTS, 0, parse_protocol("random"), None, scene.reference_names)
    labels, _ = support_set(scene, split.train, scene.reference.ravel())
    chosen = get_method(method)
    blind, ctx = scene.without_reference(), Context(cache_dir=folder)
    prompts = prompt_set(labels.schema, "p5", scene.name)
    fitted = chosen.fit(blind, labels, prompts, chosen.Params(), ctx)
    space = open_space(fitted, blind, lambda spec: get_encoder(spec, folder))
    truth = scene.reference.ravel()[split.test]
    present = [(value, name) for value, name in scene.reference_classes if (scene.reference == value).any()]
    return [precision(truth == value, space.query([said(name)]).ravel()[split.test]) for value, name in present]


def said(name: str) -> str:
    """A class name as somebody would type it."""
    return " ".join(name.replace("-", " ").replace("_", " ").lower().split())


def precision(own: np.ndarray[Any, Any], scores: FloatArray) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(own, np.nan_to_num(scores, nan=-1.0)))


def as_table(found: dict[str, Any]) -> str:
    """Markdown."""
    columns = [*COLUMNS, *(key for key in found["classes"][0] if key not in (*COLUMNS, "class"))]
    lines = [
        f"### {found['scene']}: {found['labelled']:,} labelled pixels, {found['nodes']} superpixels; words measured in "
        f"{found['prepare_s']} s, a question {found['query_ms']} ms",
        f"| class | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for row in found["classes"]:
        best = max(row[key] for key in columns if key not in ("ndvi", "chance"))
        shown = [f"**{row[k]:.3f}**" if row[k] == best and best > row["ndvi"] else f"{row[k]:.3f}" for k in columns]
        lines.append(f"| {row['class']} | {' | '.join(shown)} |")
    mean = [float(np.mean([row[key] for row in found["classes"]])) for key in columns]
    lines.append(f"| **mean** | {' | '.join(f'{value:.3f}' for value in mean)} |")
    zero = ", ".join(f"{key} {value}" for key, value in found["zero_click"].items())
    curve = ", ".join(f"{clicks} clicks {oa} ± {std}" for clicks, oa, std in found["curve"][1:])
    lines.append(f"\nMap without a click, OA: {zero}; largest class alone {found['largest_class']}. Then {curve}.\n")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
