"""Prompt styles p1–p5: class names in, sentences out.

Source: DiffCLIP (Zhang et al., AAAI 2025), table of prompts: p1–p4 are templates, p5 a description of each class of
15–30 words with inherent attributes, height, spectral behaviour, relations to neighbours and the class's name.
What differs: the p5 sentences in `assets/prompts/` are our own, two a class: a description, and one that compares the
class with those it is confused with (S3FN, arXiv 2510.07556, asks for comparisons). They name no wavelength their
sensor does not measure. The class's name stands in every sentence as `readable` writes it.

A class without a p5 sentence gets p4, and a note says so.
"""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest, CorruptFile
from hsi_studio.paths import AssetMissing, asset
from hsi_studio.types import ClassSchema, PromptSet

log = logging.getLogger(__name__)

TEMPLATES = {
    "p1": "a patch of a {}.",
    "p2": "a nice patch of a {}.",
    "p3": "a fusion patch of a {}.",
    "p4": "a multimodal fusion patch of a {} with strong semantic information.",
}
STYLES = (*TEMPLATES, "p5")
SPELLINGS = {"brocoli": "broccoli", "vinyard": "vineyard"}  # Salinas' class names


@dataclass(frozen=True)
class Descriptions:
    """The p5 sentences of one scene."""

    scene: str
    about: str
    wavelength_nm: tuple[float, float]  # what its sensor measures: no sentence names anything outside
    sentences: dict[str, tuple[str, ...]]  # class name as in the scene → sentences

    def find(self, name: str) -> tuple[str, ...] | None:
        wanted = normalise(name)
        return next((text for known, text in self.sentences.items() if normalise(known) == wanted), None)


def readable(name: str) -> str:
    """A class name as it stands in a sentence: "Soil_vinyard_develop" → "soil vinyard develop"."""
    return " ".join(name.replace("_", " ").split()).lower()


def normalise(name: str) -> str:
    """A class name for look-up: case, punctuation, plural and Salinas' spelling do not count."""
    words = re.findall(r"[a-z]+|\d+", name.lower())
    words = [SPELLINGS.get(word, word) for word in words]
    return " ".join(w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in words)


@functools.cache
def descriptions() -> dict[str, Descriptions]:
    """Every p5 set by scene, those of the shortest wavelength range first. Raises AssetMissing, CorruptFile."""
    folder = asset("prompts")
    files = sorted(folder.glob("*.json"))
    if not files:
        raise AssetMissing(folder / "*.json")
    found = []
    for file in files:
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
            low, high = stored["wavelength_nm"]
            sentences = {name: tuple(text) for name, text in stored["classes"].items()}
            found.append(Descriptions(file.stem, stored["about"], (float(low), float(high)), sentences))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptFile(
                file, f"it is not a set of class descriptions ({error})", "Reinstall the program"
            ) from error
    return {d.scene: d for d in sorted(found, key=lambda d: (d.wavelength_nm[1], d.scene))}


def sentences_for(
    names: Sequence[str], style: str, scene_id: str | None = None
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Class name → sentences in a style, and notes for the user where p5 had to look elsewhere.

    `scene_id`: a catalogue name such as "indian_pines"; its own descriptions come first. Other scenes' descriptions
    of the same class are used where their sensor measured no more than this one's (all of them, those of the
    shortest range first, when the scene has no descriptions). Raises BadRequest for an unknown style.
    """
    if style not in STYLES:
        raise BadRequest(f"There is no prompt style {style!r}. Choose one of: {', '.join(STYLES)}.")
    if style != "p5":
        return {name: (TEMPLATES[style].format(readable(name)),) for name in names}, ()
    own = _of_scene(scene_id)
    out: dict[str, tuple[str, ...]] = {}
    borrowed: dict[str, list[str]] = {}
    unknown = []
    for name in names:
        found = own.find(name) if own is not None else None
        if found is None:
            for other in descriptions().values():
                fits = own is None or other.wavelength_nm[1] <= own.wavelength_nm[1]
                found = other.find(name) if fits else None
                if found is not None:
                    borrowed.setdefault(other.scene, []).append(name)
                    break
        if found is None:
            unknown.append(name)
            found = (TEMPLATES["p4"].format(readable(name)),)
        out[name] = found
    notes = [f"Described as in {scene}: {', '.join(which)}." for scene, which in borrowed.items()]
    if unknown:
        notes.append(
            f"No description for {len(unknown)} of {len(names)} classes, style p4 is used for them: "
            f"{', '.join(unknown)}. Write a sentence for each on what it looks like."
        )
    return out, tuple(notes)


def prompt_set(schema: ClassSchema, style: str, scene_id: str | None = None) -> PromptSet:
    """Sentences of every class of a schema; notes go to the log (`prompt_notes` returns them). Raises BadRequest."""
    sentences, notes = sentences_for(schema.names, style, scene_id)
    for note in notes:
        log.info("%s", note)
    return PromptSet({info.id: sentences[info.name] for info in schema.classes})


def prompt_notes(schema: ClassSchema, style: str, scene_id: str | None = None) -> tuple[str, ...]:
    """What `prompt_set` had to do without, for the user; () when every class has its own sentences."""
    return sentences_for(schema.names, style, scene_id)[1]


def permuted(prompts: PromptSet, schema: ClassSchema, rng: np.random.Generator) -> PromptSet:
    """The permuted-text control: every class gets the sentences of another one.

    Raises BadRequest for fewer than two classes.
    """
    order = derangement(len(schema), rng)
    given = [prompts.of(schema.classes[k]) for k in order]
    return PromptSet({info.id: text for info, text in zip(schema.classes, given, strict=True)})


def permuted_names(sentences: Mapping[str, Sequence[str]], rng: np.random.Generator) -> dict[str, tuple[str, ...]]:
    """`permuted` for class name → sentences, as `evaluate` takes them."""
    names = list(sentences)
    order = derangement(len(names), rng)
    return {name: tuple(sentences[names[k]]) for name, k in zip(names, order, strict=True)}


def derangement(count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """(K,) a random permutation in which nothing stays in its place. Raises BadRequest for K < 2."""
    if count < 2:
        raise BadRequest(f"{count} classes cannot exchange their prompts: the control needs at least 2.")
    while True:  # one draw in e succeeds
        order = rng.permutation(count).astype(np.int64)
        if (order != np.arange(count)).all():
            return order


def _of_scene(scene_id: str | None) -> Descriptions | None:
    """The set whose name the scene's name starts with: "demo-7" and "Houston 2013" find theirs."""
    if scene_id is None:
        return None
    wanted = re.sub(r"[^a-z0-9]", "", scene_id.lower())
    return next((d for key, d in descriptions().items() if wanted.startswith(key.replace("_", ""))), None)
