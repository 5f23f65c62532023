"""What class names are worth: the map without a click, and as a prior of `live`, beside scrambled names.

    python -m benchmarks.word_prior --scenes samson enmap_potsdam --data FOLDER --shots 1 2 3 5 --seeds 20

Each draw is fitted three times on the same labels: without words, with them, with the names given to wrong classes (a
permutation without a fixed point, another one each draw). Printed are OA without, the paired gain with 1.96 standard
errors, the gain of the scrambled names, and in how many draws the gate let either in. `--buffer` tests on pixels at
least so far from every training pixel as well. No reference takes part in the words.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import exit_code, make_parser
from benchmarks.scenes import open_for_sweep
from hsi_studio.engine.evaluation.few_shot import support_set
from hsi_studio.engine.evaluation.splits import make_split, parse_protocol
from hsi_studio.engine.query.graded_superpixels import graded_superpixels
from hsi_studio.engine.query.matcher import Matcher
from hsi_studio.engine.query.pixel_facts import PixelFacts
from hsi_studio.engine.query.spectral_words import SpectralWords, spectral_words
from hsi_studio.engine.query.zero_shot import accuracy_on, word_probabilities, zero_shot
from hsi_studio.errors import BadRequest
from hsi_studio.features.cache import FeatureCache
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Block, Context, WordPosteriors
from hsi_studio.text.encoders import get_encoder
from hsi_studio.text.prompts import readable
from hsi_studio.types import ClassInfo, ClassSchema, PromptSet, Scene

SCENES = ["samson", "enmap_potsdam", "berlin_hymap", "berlin_enmap", "demo", "indian_pines"]


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--scenes", nargs="+", default=SCENES)
    parser.add_argument("--shots", nargs="*", type=int, default=[1, 2, 3, 5])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--buffer", type=int, default=0, help="pixels; 0 = random test pixels alone")
    parser.add_argument("--data")
    parser.add_argument("--cache", help="folder for what is made once (default: a temporary one)")
    args = parser.parse_args(argv)
    return exit_code(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        for name in args.scenes:
            measure(open_for_sweep(name, args.data).scene, args, Path(args.cache or folder))
    return 0


def measure(scene: Scene, args: argparse.Namespace, folder: Path) -> None:
    assert scene.reference is not None
    blind = scene.without_reference()
    started = time.perf_counter()
    matcher, spectral = asked(blind, folder)
    bank = time.perf_counter() - started
    schema, texts = named_classes(scene)
    try:
        zero = f"{100 * accuracy_on(zero_shot(matcher, schema, texts, spectral=spectral), scene):.1f}"
    except BadRequest as refused:
        zero = f"off ({str(refused)[:60]} …)"
    known = scene.reference[(scene.reference > 0) & scene.valid]
    largest = 100 * np.bincount(known).max() / known.size
    said = () if spectral is None else spectral.classes(schema.names).notes
    print(f"\n### {scene.name}: without a click {zero}, largest class {largest:.1f}; bank {bank:.1f} s.", *said)
    if not args.shots:
        return
    found, kept, index, _ = word_probabilities(matcher, schema, texts, spectral)
    right = WordPosteriors(index, found, tuple(int(k) for k in kept), f"{scene.id} right")
    protocols = ["random", *([f"buffered:{args.buffer}"] if args.buffer else [])]
    for protocol in protocols:
        for shots in args.shots:
            rows = [_draw(scene, blind, right, shots, seed, protocol, folder) for seed in range(args.seeds)]
            print(_line(f"{protocol} {shots}", rows), flush=True)


def asked(blind: Scene, folder: Path) -> tuple[Matcher, SpectralWords | None]:
    """A scene that texts can be matched with; `folder` keeps what is made once."""
    pixel_facts, encoder = PixelFacts(blind, FeatureCache(), folder / "words"), get_encoder("minilm", folder)
    superpixels = graded_superpixels(pixel_facts)
    spectral = spectral_words(pixel_facts, superpixels.index, encoder.encode)
    return Matcher(superpixels, encoder, spectral), spectral


def named_classes(scene: Scene) -> tuple[ClassSchema, dict[str, list[str]]]:
    """The reference's classes and each one's name as a text, by id."""
    schema = ClassSchema(tuple(ClassInfo.new(name, "#000000", value) for value, name in scene.reference_classes))
    return schema, {c.id: [readable(c.name)] for c in schema.classes}


def name_posteriors(scene: Scene, folder: Path) -> WordPosteriors:
    """What the class names of a scene's reference say of its pixels; no label takes part."""
    matcher, spectral = asked(scene.without_reference(), folder)
    schema, texts = named_classes(scene)
    found, kept, index, _ = word_probabilities(matcher, schema, texts, spectral)
    return WordPosteriors(index, found, tuple(int(k) for k in kept), f"{scene.id} right")


def _told(words: WordPosteriors | None, _scene: Scene, _names: tuple[str, ...]) -> WordPosteriors | None:
    return words


def _draw(
    scene: Scene, blind: Scene, right: WordPosteriors, shots: int, seed: int, protocol: str, folder: Path
) -> list[tuple[float, bool]]:
    """(OA, whether the gate let the words in) without words, with, with scrambled ones."""
    assert scene.reference is not None
    usable = np.where(scene.valid, scene.reference, 0).astype(np.int32)
    split = make_split(usable, shots, seed, parse_protocol(protocol), None, scene.reference_names)
    labels, _ = support_set(scene, split.train, scene.reference.ravel())
    live, out = get_method("live"), []
    size = len(right.kept)
    ring = np.random.default_rng(seed).permutation(size)
    order = np.empty(size, dtype=int)
    order[ring] = np.roll(ring, 1)  # each name goes to the next class of a random ring
    wrong = replace(right, probability=right.probability[:, order], stamp=f"{right.stamp} {order.tolist()}")
    truth = scene.reference.ravel()[split.test]
    values = np.array([info.reference_value for info in labels.schema.classes])
    for said in (None, right, wrong):
        ctx = Context(cache_dir=folder, words=partial(_told, said))
        fitted: Any = live.fit(blind, labels, PromptSet(), live.Params(), ctx)
        height, width, _ = scene.shape
        label, _ = fitted.predict_best(Block(blind, slice(0, height), slice(0, width)))
        found = values[np.maximum(label.ravel()[split.test].astype(int) - 1, 0)]
        out.append((100 * float((found == truth).mean()), bool(fitted.gate is not None and fitted.gate.open)))
    return out


def _line(title: str, rows: list[list[tuple[float, bool]]]) -> str:
    oa = np.array([[one for one, _ in row] for row in rows])
    opened = np.array([[o for _, o in row] for row in rows])
    gain, wrong = oa[:, 1] - oa[:, 0], oa[:, 2] - oa[:, 0]
    error = 1.96 / np.sqrt(len(rows))
    return (
        f"{title}: live {oa[:, 0].mean():.1f}; words {gain.mean():+.1f} ± {error * gain.std(ddof=1):.1f} "
        f"(open in {opened[:, 1].sum()} of {len(rows)}); scrambled {wrong.mean():+.1f}, let in {opened[:, 2].sum()}"
    )


if __name__ == "__main__":
    sys.exit(main())
