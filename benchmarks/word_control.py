"""What of the words' worth is the list of names: class names taken out of it, and found by likeness instead.

    python -m benchmarks.word_control --scenes demo berlin_hymap --data FOLDER

For every scene the map without a click (OA) and the mean average precision of class-name queries, with the vocabulary
as it is and with every alias out of it that equals one of the scene's class names (stemmed, in any language). The
reference is read by the scoring only.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common import exit_code, make_parser
from benchmarks.scenes import open_for_sweep
from benchmarks.text_query import precision, said
from benchmarks.word_prior import SCENES
from hsi_studio.engine.query.graded_superpixels import graded_superpixels
from hsi_studio.engine.query.matcher import Matcher, ask_described
from hsi_studio.engine.query.pixel_facts import PixelFacts
from hsi_studio.engine.query.spectral_words import spectral_words
from hsi_studio.engine.query.zero_shot import accuracy_on, zero_shot
from hsi_studio.errors import BadRequest
from hsi_studio.features.cache import FeatureCache
from hsi_studio.text.encoders import get_encoder
from hsi_studio.text.prompts import readable
from hsi_studio.types import ClassInfo, ClassSchema, Scene


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--scenes", nargs="+", default=SCENES)
    parser.add_argument("--data")
    parser.add_argument("--cache", help="folder for what is made once (default: a temporary one)")
    args = parser.parse_args(argv)

    def run() -> int:
        with tempfile.TemporaryDirectory() as folder:
            print("| scene | OA without a click | without its names | mean AP | without its names | NDVI |")
            print("|---|---|---|---|---|---|")
            for name in args.scenes:
                print(measure(open_for_sweep(name, args.data).scene, Path(args.cache or folder)), flush=True)
        return 0

    return exit_code(run)


def measure(scene: Scene, folder: Path) -> str:
    """A line of the table."""
    assert scene.reference is not None
    pixel_facts = PixelFacts(scene.without_reference(), FeatureCache(), folder / "words")
    encoder = get_encoder("minilm", folder)
    superpixels = graded_superpixels(pixel_facts)
    known = (scene.reference > 0) & scene.valid
    truth = scene.reference[known]
    schema = ClassSchema(tuple(ClassInfo.new(name, "#000000", value) for value, name in scene.reference_classes))
    texts = {c.id: [readable(c.name)] for c in schema.classes}
    index = superpixels.paint(superpixels.facts["ndvi"])[known] if "ndvi" in superpixels.facts else 0.0 * truth
    cells: list[str] = []
    floor: list[float] = []
    for without in ((), (*schema.names, *map(said, schema.names))):
        spectral = spectral_words(pixel_facts, superpixels.index, encoder.encode, without)
        matcher = Matcher(superpixels, encoder, spectral)
        try:
            oa = f"{100 * accuracy_on(zero_shot(matcher, schema, texts, spectral=spectral), scene):.1f}"
        except BadRequest:
            oa = "off"
        found, floor = [], []
        for info in schema.classes:
            own = truth == info.reference_value
            if own.any():
                found.append(precision(own, ask_described(matcher, said(info.name), others=schema.names).map[known]))
                floor.append(max(precision(own, index), precision(own, -index)))
        cells.append(f"{oa} | {np.mean(found):.3f}")
    (oa, ap), (oa_less, ap_less) = (cell.split(" | ") for cell in cells)
    return f"| {scene.name} | {oa} | {oa_less} | {ap} | {ap_less} | {np.mean(floor):.3f} |"


if __name__ == "__main__":
    sys.exit(main())
