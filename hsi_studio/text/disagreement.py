"""Where the words of a class fit another class's pixels better than its own.

Each class has a text (the user's sentences) and, where it has labels, a description that was measured from its pixels
(`text/describe.py`). Both are encoded by the same frozen sentence encoder and centred, each kind by its own mean:
without that, the difference in style between the two kinds would be all that the cosine sees. A class is reported when
its text is nearer, by `MARGIN`, to the description of another class's pixels than to that of its own.

What this can and cannot tell: it compares words with words. It finds a wrong adjective ("bright" for a dark roof, "low"
for trees) and swapped texts; it does not see pixels, and a text that says nothing measurable is near to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hsi_studio.text.nearness import Encoder, centred, class_vectors
from hsi_studio.types import ClassSchema, FloatArray, PromptSet

MARGIN = 0.10  # of cosine: below it the order of two descriptions is chance
FEWEST = 3  # classes with a description: with two, centring makes each the opposite of the other


@dataclass(frozen=True)
class Disagreement:
    """One class whose words fit another one's pixels."""

    class_id: str
    other_id: str
    own: float  # cosine of its text to the description of its own pixels
    other: float  # … to that of the other class's pixels
    text: str  # for the user
    suggestion: str  # a sentence to add


def disagreements(
    encoder: Encoder,
    prompts: PromptSet,
    schema: ClassSchema,
    described: Mapping[str, Sequence[str]],
) -> list[Disagreement]:
    """Classes whose text and pixels disagree, the worst first. `described`: class id → measured sentences.

    Classes without a description are left out; fewer than `FEWEST` with one give []. Raises ModelMissing, CorruptFile.
    """
    classes = tuple(info for info in schema.classes if described.get(info.id))
    if len(classes) < FEWEST:
        return []
    known = ClassSchema(classes)
    measured = PromptSet({info.id: tuple(described[info.id]) for info in classes})
    cosine: FloatArray = centred(class_vectors(encoder, prompts, known)[0]) @ (
        centred(class_vectors(encoder, measured, known)[0]).T
    )  # (K, K): row = text, column = pixels
    found = []
    for k, info in enumerate(classes):
        j = int(np.argmax(cosine[k]))
        own, other = float(cosine[k, k]), float(cosine[k, j])
        if j == k or other - own < MARGIN:
            continue
        suggestion = _fresh(described[info.id], described[classes[j].id], prompts.of(info))
        text = (
            f"The words of “{info.name}” fit the pixels of “{classes[j].name}” better ({other:.2f}) than its own "
            f"({own:.2f}). Measured on its own: {_first(described[info.id])} Measured there: "
            f"{_first(described[classes[j].id])}"
        )
        found.append(Disagreement(info.id, classes[j].id, own, other, text, suggestion))
    return sorted(found, key=lambda item: item.own - item.other)


def _first(sentences: Sequence[str]) -> str:
    return f"“{sentences[0].strip()}”"


def _fresh(own: Sequence[str], other: Sequence[str], said: Sequence[str]) -> str:
    """The first measured sentence that neither the class's text nor the other class has; "" when there is none."""
    taken = {text.strip().casefold() for text in (*other, *said)}
    return next((text for text in own if text.strip().casefold() not in taken), "")
