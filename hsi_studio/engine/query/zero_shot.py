"""A class map without a single label: class texts against what the pixels look like; and what clicks add to it.

Every thing a scene's superpixels can be graded for (`graded_superpixels.py`) is given to the classes by the likeness
of their texts, P(k | p) = softmax_k(cos(text_k, thing_p) / T); a superpixel then votes with its grades, P(k) ∝ Σ_p ν_p
P(k | p), ν its grades over their sum. So a thing no class speaks of helps all of them alike, and two classes with the
same words share their votes. No label, no reference and no class order takes part.

Class names are also taken for materials with spectra (`spectral_words.py`), which is much better where classes are
different materials, and can tell beforehand when names are not to be told apart. What they say is learned again from
the scene's own pixels that come out clearly (`own_pixels.py`).

The learning curve is the live method on the same scene: k random labels a class, mean over seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import reference_values
from hsi_studio.engine.query.matcher import Matcher
from hsi_studio.engine.query.material_classes import logs
from hsi_studio.engine.query.own_pixels import relearned
from hsi_studio.engine.query.spectral_words import SpectralWords
from hsi_studio.errors import BadRequest
from hsi_studio.features.spatial import IndexArray
from hsi_studio.humanize import listed
from hsi_studio.methods import LIVE_METHOD
from hsi_studio.text.materials.names import in_english, is_mineral
from hsi_studio.types import ClassSchema, FloatArray, Prediction, Scene

SHARPNESS = 0.08  # T: smaller = the most alike class takes a thing alone
CLEAR = 2.0  # power of the grades: a thing that clearly holds outvotes several that half hold
DESCRIBED = (
    0.5  # power of the described words beside the spectra of materials; fixed on the demo scene and Berlin HyMap
)
MOST_NAMED = 6  # minerals in a sentence
METHOD, SPECTRAL_METHOD = "described pixels", "material spectra"


def zero_shot(
    matcher: Matcher,
    schema: ClassSchema,
    texts: Mapping[str, Sequence[str]],
    revision: int = 0,
    spectral: SpectralWords | None = None,
    read: Sequence[str] = (),
) -> Prediction:
    """A map of the classes that have texts (class id → sentences). Raises BadRequest for fewer than two.

    `spectral`: the scene by the spectra of materials, by class names. Where it can tell the names apart, its posteriors
    decide; where there are heights, with the described words at the power `DESCRIBED`. Where it cannot, BadRequest says
    so. Minerals are told by spectra of reflectance or not at all: no word describes what sets them apart.
    """
    if spectral is None or not spectral.absolute:
        unknown = [name for name in schema.names if is_mineral(name)]
        if unknown:
            lacks = "no wavelengths, or too few bands" if spectral is None else "values that are no reflectance"
            raise BadRequest(
                f"Minerals ({listed(unknown, MOST_NAMED)}) are told by their absorption bands, and this scene has "
                f"{lacks}: a map from their names would mean nothing. Label a pixel of each class instead, or open a "
                "reflectance product."
            )
    params = {"texts": {k: list(v) for k, v in texts.items()}}
    if spectral is not None:
        spoken = spectral.classes(schema.names, read)
        if not spoken.usable and (spectral.absolute or len(spoken.kept) >= 2):
            raise BadRequest(spoken.why_not)
    probability, kept, index, method = word_probabilities(matcher, schema, texts, spectral, read)
    return _mapped(probability, kept, index, schema, method, params, revision)


def word_probabilities(
    matcher: Matcher,
    schema: ClassSchema,
    texts: Mapping[str, Sequence[str]],
    spectral: SpectralWords | None = None,
    read: Sequence[str] = (),
) -> tuple[FloatArray, Any, IndexArray, str]:
    """(n, K) posteriors of the classes that mean something, their positions (K,), nodes (H, W), and how it was done.

    `read` (K,): texts in which the classes' materials are read instead of in their names; "" = the name.

    Raises BadRequest for fewer than two such classes.
    """
    spoken = spectral.classes(schema.names, read) if spectral is not None and spectral.absolute else None
    if spectral is None or spoken is None or len(spoken.kept) < 2:
        return (*zero_shot_probabilities(matcher, schema, texts), matcher.words.index, METHOD)
    score = np.log(spoken.probability.astype(np.float64) + 1e-4)
    if "height" in matcher.words.facts:  # what spectra do not know
        described, kept = zero_shot_probabilities(matcher, schema, texts)
        column = {int(k): c for c, k in enumerate(kept)}
        share = np.full((described.shape[0], len(spoken.kept)), 1.0 / len(spoken.kept))
        for at, k in enumerate(spoken.kept):
            if k in column:
                share[:, at] = described[:, column[k]]
        score += DESCRIBED * np.log(_on(spectral.view.index, matcher.words.index, share) + 1e-4)
    raised = np.exp(score - score.max(axis=1, keepdims=True))
    said = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    probability = relearned(said, logs(spoken.view.reflectance))
    return probability, np.array(spoken.kept), spectral.view.index, SPECTRAL_METHOD


def _on(nodes: IndexArray, other: IndexArray, values: Any) -> Any:
    """Values (m, K) of superpixels `other` (H, W) at nodes (H, W) that are not larger than they: (n, K)."""
    inside = nodes >= 0
    of = np.zeros(int(nodes.max()) + 1, dtype=np.int64)
    of[nodes[inside]] = other[inside]
    return values[of]


def _mapped(
    probability: FloatArray, kept: Any, index: IndexArray, schema: ClassSchema, method: str, params: Any, revision: int
) -> Prediction:
    best = probability.argmax(axis=1)
    inside = index >= 0
    label = np.zeros(index.shape, dtype=np.uint16)
    label[inside] = (kept[best] + 1)[index[inside]]
    confidence = np.full(index.shape, np.nan, dtype=np.float32)
    confidence[inside] = probability[np.arange(best.size), best][index[inside]]
    return Prediction(schema, label, confidence, method, params, revision)


def zero_shot_probabilities(
    matcher: Matcher, schema: ClassSchema, texts: Mapping[str, Sequence[str]]
) -> tuple[FloatArray, np.ndarray[Any, Any]]:
    """(n, K) of the classes with texts, and their positions (K,) in the schema."""
    kept = [k for k, info in enumerate(schema.classes) if any(t.strip() for t in texts.get(info.id, ()))]
    if len(kept) < 2:
        raise BadRequest("A map from texts needs at least two classes with a name or a prompt: add classes first.")
    if not matcher.words.things:
        raise BadRequest(
            "This scene's bands cannot tell any of the things this program knows: it needs wavelengths in the "
            "visible and near infrared. Label a pixel of each class instead."
        )
    said = [[in_english(text) for text in texts[schema.classes[k].id]] for k in kept]
    cosine = np.stack([matcher.cosines(own).mean(axis=0) for own in said])  # (K, P)
    raised = np.exp((cosine - cosine.max(axis=0)) / SHARPNESS)
    given = raised / raised.sum(axis=0)
    votes = matcher.words.grades**CLEAR
    votes = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-9)
    probability = votes @ given.T + 1e-6
    probability /= probability.sum(axis=1, keepdims=True)
    return np.asarray(probability, dtype=np.float32), np.array(kept)


@dataclass(frozen=True)
class CurvePoint:
    """Overall accuracy with `clicks` labels a class; `std` over `seeds` draws (0 for the map from texts)."""

    clicks: int
    oa: float
    std: float
    seeds: int
    method: str


def accuracy_on(prediction: Prediction, scene: Scene) -> float:
    """Overall accuracy on all labelled pixels of the reference. Raises BadRequest without one."""
    if scene.reference is None:
        raise BadRequest("This scene has no reference: the curve needs one to be measured on.")
    value_of = reference_values(prediction.schema.classes, scene)  # as in the accuracy that is shown beside the curve
    lut = np.array([-1, *(value_of.get(info.id, -1) for info in prediction.schema.classes)])
    known = (scene.reference > 0) & scene.valid
    return float((lut[prediction.label[known]] == scene.reference[known]).mean())


def learning_curve(
    scene: Scene,
    start: Prediction,
    evaluate: Callable[[int, int], Any],
    clicks: Sequence[int] = (1, 2, 5),
    seeds: int = 5,
    method: str = LIVE_METHOD,
    check: Callable[[float], None] = lambda _: None,
) -> list[CurvePoint]:
    """The map from texts at 0 clicks, then `evaluate(shots, seeds)` (as `Studio.evaluate`) at each number of clicks."""
    points = [CurvePoint(0, accuracy_on(start, scene), 0.0, 1, start.method)]
    for number, shots in enumerate(clicks):
        check(number / len(clicks))
        oa = evaluate(shots, seeds).to_json()["summary"]["oa"]
        points.append(CurvePoint(shots, float(oa["mean"]) / 100, float(oa["std"] or 0.0) / 100, seeds, method))
    return points
