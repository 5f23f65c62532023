"""Where the words of a class fit another class's pixels better than its own.

Both sides are brought to the same list, the kinds of surface of `text/lexicon.py` (trees, a tile roof, open water, …):
- words: how alike the class's text is to the text of each kind, as cosine of the sentence encoder's vectors with the
  mean of all kinds taken off, made weights by a softmax; "what the words are taken for";
- pixels: how well each kind's conditions (vegetation index, brightness, height, …) hold for the labelled pixels of each
  class, 0 to 1; "what the pixels look like".
The fit of words k to pixels j is the weighted mean Σ w_k · g_j, 0 to 1. A class is reported when another class's pixels
fit its words better than its own by `MARGIN`.

What it finds and what not (10 labels a class, two draws; p1 and p5 texts). Simulated scene, 12 classes: of two classes
with exchanged texts 90 to 97 % are reported, of classes with right texts 0 to 1. Indian Pines, 16 classes, no heights:
about 45 % of exchanged texts, and 4 or 5 classes with right texts, among them wheat and windrowed hay, whose pixels of
that day are greener than their names: the warning says what was measured, the user knows the field. Kinds that the
sensor cannot tell do not take part; classes of one kind (two sorts of corn) are beyond it.

Sentences about pixels compared with the user's sentences directly, without the list, found 40 to 60 % on the first
scene with twice the false reports, and are not used.

Notation: K classes, P kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hsi_studio.text.lexicon import THINGS, Thing, graded
from hsi_studio.text.similarity import Encoder, class_vectors, unit
from hsi_studio.types import ClassSchema, FloatArray, PromptSet

SHARPNESS = 0.07  # of the softmax over kinds, as in text queries
MARGIN = 0.3  # of fit, 0 … 1
FEWEST = 2  # classes with labels


@dataclass(frozen=True)
class Disagreement:
    """One class whose words fit another one's pixels."""

    class_id: str
    other_id: str
    own: float  # fit of its words to its own pixels, 0 … 1
    other: float  # … to the other class's
    text: str  # for the user, with the evidence
    suggestion: str  # a measured sentence to add; "" = there is none


def disagreements(
    encoder: Encoder,
    prompts: PromptSet,
    schema: ClassSchema,
    facts: Mapping[str, Mapping[str, float]],
    measured: Mapping[str, tuple[str, ...]],
) -> list[Disagreement]:
    """Classes whose words and pixels disagree, the worst first.

    `facts`: class id → measure → value over its labelled pixels (`features/measures.py`, heights); classes without
    labels are not in it. `measured`: class id → sentences about its pixels, for suggestions.
    Raises ModelMissing, CorruptFile.
    """
    classes = tuple(info for info in schema.classes if info.id in facts)
    if len(classes) < FEWEST:
        return []
    kinds, looks = grades([facts[info.id] for info in classes])  # (K, P)
    if not kinds:
        return []
    words = weights(encoder, prompts, ClassSchema(classes), kinds)  # (K, P)
    fit = words @ looks.T  # (K, K): row = words, column = pixels
    found = []
    for k, info in enumerate(classes):
        j = int(np.argmax(fit[k]))
        own, other = float(fit[k, k]), float(fit[k, j])
        if other - own < MARGIN:
            continue
        text = (
            f"The words of “{info.name}” are taken for {_named(kinds, words[k], share=True)}. Its labels look like "
            f"{_named(kinds, looks[k])} (fit {own:.2f}); those of “{classes[j].name}” fit these words better "
            f"({other:.2f})."
        )
        said = {sentence.strip().casefold() for sentence in prompts.of(info)}
        fresh = (s for s in measured.get(info.id, ()) if s.strip().casefold() not in said)
        found.append(Disagreement(info.id, classes[j].id, own, other, text, next(fresh, "")))
    return sorted(found, key=lambda item: item.own - item.other)


def grades(facts: list[Mapping[str, float]]) -> tuple[list[Thing], FloatArray]:
    """The kinds that these facts can tell, and (K, P) how well each holds for each class: the geometric mean of its
    conditions' grades, so that kinds with many conditions are not at a disadvantage."""
    shared = set.intersection(*(set(one) for one in facts)) if facts else set()
    arrays = {name: np.array([one[name] for one in facts], dtype=np.float32) for name in shared}
    kinds = [kind for kind in THINGS if all(cond.measure in arrays for cond in kind.need)]
    if not kinds:
        return [], np.zeros((len(facts), 0), dtype=np.float32)
    columns = []
    for kind in kinds:
        conds = (*kind.need, *(cond for cond in kind.also if cond.measure in arrays))
        columns.append(graded(conds, arrays) ** (1.0 / len(conds)))
    return kinds, np.stack(columns, axis=1).astype(np.float32)


def weights(encoder: Encoder, prompts: PromptSet, schema: ClassSchema, kinds: list[Thing]) -> FloatArray:
    """(K, P) what each class's words are taken for; rows sum to 1."""
    vectors = encoder.encode([kind.text for kind in kinds])  # (P, D)
    centre = vectors.mean(axis=0)
    cosine = unit(class_vectors(encoder, prompts, schema)[0] - centre) @ unit(vectors - centre).T
    raised = np.exp((cosine - cosine.max(axis=1, keepdims=True)) / SHARPNESS)
    out: FloatArray = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    return out


def _named(kinds: list[Thing], values: FloatArray, share: bool = False) -> str:
    """ "open water (0.92)" or "grass (0.7) or crops (0.6)": the best, and the next when it is not far behind."""
    order = np.argsort(-values, kind="stable")[:2]
    best = [p for p in order if values[p] >= 0.6 * values[order[0]]] if share else [order[0]]
    return " or ".join(f"{kinds[p].short} ({values[p]:.2f})" for p in best)
