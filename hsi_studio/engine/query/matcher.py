"""A sentence in, a similarity map out: where on the scene is "dry straw", "metal roof", "tall vegetation near water"?

Two engines, named for what they are:
- **described pixels** (training-free): every superpixel is graded against the words of `text/lexicon.py`; the query is
  taken apart (`text/query_parser.py`), its thing is compared with all things in the sentence encoder's space, and the
  map is the grades weighted by that likeness, times the traits and neighbours asked for. Where the text means a
  material with a known spectrum, the weighted geometric mean with that one's posterior (`spectral_words.py`). Minerals
  are found by their spectra alone, and not looked for where a sensor does not see their bands. Works before any label
  exists.
- **a trained model** (`TextSpace`): the query is embedded by the model's own text side and compared with its pixels.
  In its vocabulary it sees what the other cannot; far from it the answer means little, and the result says so.

Encoder vectors of the words are centred (mean of all words taken off) before they are compared: raw sentence vectors
are all somewhat alike. Similarities are 0 … 1 and comparable between queries of one scene.

Notation: n nodes, P things, D embedding.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.query.graded_superpixels import NEAR_M, NEAR_PX, GradedSuperpixels
from hsi_studio.engine.query.spectral_words import SpectralWords
from hsi_studio.errors import BadRequest
from hsi_studio.features.spatial import node_means
from hsi_studio.methods.contract import TextSpace
from hsi_studio.text.encoders import TextEncoder
from hsi_studio.text.lexicon import thing
from hsi_studio.text.materials.names import in_english, is_mineral, materials, named
from hsi_studio.text.query_parser import ParsedQuery, parse_query
from hsi_studio.types import FloatArray

SHARPNESS = 0.04  # of the softmax over things, in units of the best likeness: smaller = only the most alike count
LEAST_LIKENESS = 0.1  # that unit at least: a text like nothing at all does not mean everything alike
DESCRIBED = 0.25  # power of the described words beside the spectra of materials, whose is the rest
FAINT = 0.35  # a likeness below it is said to be weak
ABSENT = 0.25  # a place below it is not shown as found
FLOOR = 0.1  # what is left of a place that lacks a trait asked for
YOUNG_TAG, YOUNG_THING = "sparse crop", "sparse"  # of materials, and the thing they are most of
MAX_CHARS = 500
Matching = Literal["words", "sentences", "both"]


@dataclass(frozen=True)
class Likeness:
    """How alike the query is to one thing, and what part of the answer rests on it."""

    key: str
    text: str
    cosine: float  # centred
    weight: float


@dataclass(frozen=True)
class Answer:
    """Where a query holds. `score` (n,) 0 … 1 on the nodes, `map` (H, W) the same, NaN where invalid."""

    text: str
    engine: str  # "described" or a run's name
    map: FloatArray
    threshold: float
    seconds: float
    score: FloatArray | None = None
    asked: ParsedQuery | None = None
    likeness: tuple[Likeness, ...] = ()
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # class names that it was held against
    by_spectrum: str = ""  # the materials whose spectra took part beside `likeness`


class Matcher:
    """Compares texts with one scene's words. Word vectors are made once."""

    def __init__(self, words: GradedSuperpixels, encoder: TextEncoder, spectral: SpectralWords | None = None) -> None:
        self.words, self.encoder, self.spectral = words, encoder, spectral
        self._sentence_vectors: FloatArray | None = None
        self._near: dict[tuple[str, ...], tuple[FloatArray, FloatArray]] = {}  # text, others → nearness, distance
        self._lock = threading.Lock()

    @functools.cached_property
    def _space(self) -> tuple[FloatArray, FloatArray]:
        """(D,) centre of the things' vectors and those (P, D) around it; made at the first comparison, because opening
        the encoder takes seconds and class names that are names of materials do not need it."""
        texts = [thing(key).text for key in self.words.things]
        vectors = self.encoder.encode(texts) if texts else np.zeros((0, self.encoder.dim), np.float32)
        centre = vectors.mean(axis=0) if texts else np.zeros(self.encoder.dim, np.float32)
        return centre, _unit(vectors - centre)

    def prepare_sentences(self) -> None:
        """Embed the nodes' sentences, for matching by sentence; seconds on a large scene."""
        if self._sentence_vectors is None:
            said, _ = self.words.sentences
            self._sentence_vectors = _unit(self.encoder.encode(list(said)) - self._space[0])

    def cosines(self, texts: Sequence[str]) -> FloatArray:
        """(T, P) centred cosines of texts with the scene's things."""
        return np.asarray(_unit(self.encoder.encode(list(texts)) - self._space[0]) @ self._space[1].T)

    def weights(self, texts: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """Mean cosine (P,) of texts with the things, and softmax weights (P,): of a text that is close to nothing here
        (a crop on a scene whose things are "crops" and "cereals") more of what is alike counts."""
        cosine = self.cosines(texts).mean(axis=0)
        best = float(cosine.max())
        raised = np.exp((cosine - best) * max(best, LEAST_LIKENESS) / SHARPNESS)
        return cosine, np.asarray(raised / raised.sum(), dtype=np.float32)

    def _likeness(self, asked: ParsedQuery) -> tuple[FloatArray, FloatArray]:
        """Cosines (P,) and weights (P,) of what is asked about, with and without the traits' own words: "red tile roof"
        is one thing, "tall vegetation" is two.

        A name of the list of materials is compared as that material is called as well, one that is not English as that
        alone: the encoder reads "woods" as boards and "Wald" not at all. Of a name of young crops, soil between rows,
        half is `YOUNG_THING`: it takes "corn notill" for grown crops.
        """
        texts = [asked.about, asked.bare] if asked.bare else [asked.about]
        key = named(asked.about) if self.spectral is None else self.spectral.named(asked.about)
        if key is None:
            return self.weights(texts)
        found = materials()[key]
        cosine, weight = self.weights([*(texts if in_english(asked.about) == asked.about else []), found.title])
        if YOUNG_TAG in found.tags and YOUNG_THING in self.words.things:
            weight = np.asarray(weight / 2, dtype=np.float32)
            weight[self.words.things.index(YOUNG_THING)] += 0.5
        return cosine, weight

    def score(
        self, asked: ParsedQuery, matching: Matching = "words", others: Sequence[str] = ()
    ) -> tuple[FloatArray, FloatArray | None, tuple[Likeness, ...], list[str]]:
        """(n,) 0 … 1 of the described words, and the posterior of the spectra on the nodes of their view (None where
        they do not take part), each to its power; what the query was taken for; notes for the user. The answer is the
        product."""
        words = self.words
        score = np.ones(words.count, dtype=np.float32)
        spectra: FloatArray | None = None
        likeness: tuple[Likeness, ...] = ()
        notes: list[str] = []
        if asked.about and matching == "words":
            spectra = self._by_spectra(asked, others)
        if asked.about and words.things and not (spectra is not None and self._mineral(asked)):
            cosine, weight = self._likeness(asked)
            order = np.argsort(-weight)[:5]
            likeness = tuple(
                Likeness(words.things[p], thing(words.things[p]).text, float(cosine[p]), float(weight[p]))
                for p in order
                if weight[p] >= 0.03
            )
            if cosine.max() < FAINT and spectra is None:
                nearest = thing(words.things[int(cosine.argmax())]).text
                notes.append(
                    f"Nothing this program can measure is close to “{asked.about}” (best: {nearest}, "
                    f"likeness {cosine.max():.2f}). Read the map with doubt, or say what it looks like: "
                    "its colour, its height, wet or dry."
                )
            score = words.grades @ weight
            if spectra is not None:
                score = np.asarray(np.maximum(score, 0.0) ** DESCRIBED, dtype=np.float32)
            if matching != "words":
                by_sentence = self._by_sentence(asked.about)
                score = by_sentence if matching == "sentences" else np.sqrt(score * by_sentence)
        elif spectra is not None and self.spectral is not None:
            notes.append(f"Found by spectra alone, as {self.spectral.taken_for(asked.about)}.")
        elif asked.about:
            notes.append(
                f"This scene's bands cannot tell any of the things this program knows: “{asked.about}” is left out."
            )
        for key in asked.traits:
            score = self._times(score, key, 1.0, notes)
        for key in asked.lacking:
            score = self._times(score, key, -1.0, notes)
        for texts, sign in ((asked.near, 1.0), (asked.away, -1.0)):
            for said in texts:
                near, away = self.near(said, others)
                if not np.isfinite(away).any():
                    notes.append(
                        f"“{said}” alone is not found by what can be measured here{self.unseen}, so nothing is near it."
                    )
                grade = near if sign > 0 else 1.0 - near
                score = score * (FLOOR + (1.0 - FLOOR) * grade)
        for said in asked.without:
            if not words.things:
                notes.append(f"“without {said}” cannot be told from this scene's bands and is left out.")
                continue
            other = parse_query(said)
            why = self.why_not(other)
            if why:
                notes.append(f"{why} “without {said}” is left out.")
                continue
            if self.spectral is not None and self._mineral(other):
                found = self.spectral.query(self._named(self.spectral, other), others)
                if found is not None:
                    score = score * (1.0 - self.spectral.on_superpixels(found))
                    continue
            _, weight = self._likeness(other)
            score = score * (1.0 - words.grades @ weight)
        return np.asarray(score, dtype=np.float32), spectra, likeness, notes

    def _times(self, score: FloatArray, key: str, sign: float, notes: list[str]) -> FloatArray:
        grade = self.words.traits.get(key)
        if grade is None:
            notes.append(f"“{key}” cannot be measured on this scene and is left out.")
            return score
        held = grade if sign > 0 else 1.0 - grade
        return np.asarray(score * (FLOOR + (1.0 - FLOOR) * held))

    def _by_spectra(self, asked: ParsedQuery, others: Sequence[str]) -> FloatArray | None:
        """Posterior of the materials the text means, to its power in the answer; None where there are none."""
        found = None if self.spectral is None else self.spectral.query(self._named(self.spectral, asked), others)
        return None if found is None else np.asarray(found ** (1.0 - DESCRIBED), dtype=np.float32)

    def by_spectrum(self, asked: ParsedQuery) -> str:
        """The materials that `_by_spectra` looks for, in words."""
        return "" if self.spectral is None else self.spectral.taken_for(self._named(self.spectral, asked))

    @staticmethod
    def _named(spectral: SpectralWords, asked: ParsedQuery) -> str:
        """The text that spectra are looked up by. A name with a trait's word in it is that name: "dry grass" is not
        grass, "low vegetation" not any vegetation."""
        return asked.about if not asked.bare or spectral.named(asked.about) is not None else asked.bare

    def on_nodes(self, score: FloatArray, spectra: FloatArray | None) -> FloatArray:
        """(n,) both on the superpixels."""
        if spectra is None or self.spectral is None:
            return score
        return np.asarray(score * self.spectral.on_superpixels(spectra), dtype=np.float32)

    def painted(self, score: FloatArray, spectra: FloatArray | None) -> FloatArray:
        """(H, W) both, the spectra pixel by pixel where their view has pixels; NaN where invalid."""
        out = self.words.paint(score)
        if spectra is None or self.spectral is None:
            return out
        index = self.spectral.view.index
        return np.asarray(out * np.where(index >= 0, spectra[np.maximum(index, 0)], np.nan), dtype=np.float32)

    def _mineral(self, asked: ParsedQuery) -> bool:
        """Whether a mineral is asked about: words cannot describe how it differs from others."""
        return (
            self.spectral is not None
            and bool(asked.about)
            and self.spectral.is_mineral(self._named(self.spectral, asked))
        )

    def why_not(self, asked: ParsedQuery) -> str:
        """Why a mineral that is asked about cannot be looked for on this scene; "" for anything else."""
        if not asked.about:
            return ""
        if self.spectral is not None:
            return self.spectral.cannot_tell(self._named(self.spectral, asked))
        if not is_mineral(asked.bare or asked.about):
            return ""
        return (
            f"“{asked.about}” cannot be told on this scene: minerals are known by their absorption bands, and it has "
            "no wavelengths, or too few bands. Label a pixel of each class instead."
        )

    def can_tell(self, asked: ParsedQuery) -> bool:
        """Whether anything that is asked can be measured on this scene. Where nothing can, every pixel fits."""
        words = self.words
        if self.why_not(asked):
            return False
        if words.things and (asked.about or asked.without):
            return True
        traits = any(key in words.traits for key in (*asked.traits, *asked.lacking))
        if traits or (asked.about and self._by_spectra(asked, ()) is not None):  # short-wave infrared alone has those
            return True
        return any(self.can_tell(parse_query(said)) for said in (*asked.near, *asked.away))

    def near(self, text: str, others: Sequence[str] = ()) -> tuple[FloatArray, FloatArray]:
        """(n,) how near each node is to where `text` alone is found, 0 … 1, and how many pixels away; inf where it is
        found nowhere. Held against the same `others`, and with the threshold, that it has as a question of its own."""
        from scipy.ndimage import distance_transform_edt

        words = self.words
        with self._lock:
            kept = self._near.get((text, *others))
        if kept is None:
            asked = parse_query(text)
            described, spectra, _, _ = self.score(asked, others=others)
            score = self.on_nodes(described, spectra)
            away = np.full(words.count, np.inf, dtype=np.float32)
            found = (score >= suggest_threshold(score, words.pixels)) & self.can_tell(asked)
            there = np.where(words.index >= 0, found[np.maximum(words.index, 0)], False)
            if there.any():
                distance = distance_transform_edt(~there).astype(np.float32)
                away = node_means(words.index, distance[..., None], words.count)[:, 0]
            half = NEAR_PX if words.gsd_m is None else max(NEAR_M / words.gsd_m, 2.0)
            kept = np.asarray(1.0 / (1.0 + (away / half) ** 2), dtype=np.float32), away
            with self._lock:
                self._near[text, *others] = kept
        return kept

    @property
    def unseen(self) -> str:
        """ " (no heights; radiance)": what the scene lacks, for sentences about what was not found."""
        lacks = [] if "height" in self.words.facts else ["no heights"]
        if self.spectral is not None and not self.spectral.absolute:
            lacks.append("the values are no reflectance, so brightness means little")
        return f" ({'; '.join(lacks)})" if lacks else ""

    def _by_sentence(self, text: str) -> FloatArray:
        """(n,) likeness with the nodes' own sentences, stretched to 0 … 1 over the scene."""
        self.prepare_sentences()
        assert self._sentence_vectors is not None
        _, which = self.words.sentences
        vector = _unit(self.encoder.encode([text]) - self._space[0])[0]
        cosine = (self._sentence_vectors @ vector)[which]
        low, high = np.quantile(cosine, [0.02, 0.995])
        return np.asarray(np.clip((cosine - low) / max(high - low, 1e-6), 0.0, 1.0), dtype=np.float32)


def clean(text: str) -> str:
    """Raises BadRequest for an empty or very long query."""
    text = " ".join(text.split())
    if not text:
        raise BadRequest("Type what to look for, such as “metal roof” or “tall vegetation near water”.")
    if len(text) > MAX_CHARS:
        raise BadRequest(f"The query has {len(text)} characters, {MAX_CHARS} at most: say it shorter.")
    return text


def ask_described(matcher: Matcher, text: str, matching: Matching = "words", others: Sequence[str] = ()) -> Answer:
    """Engine (b): described pixels. `others`: class names that the question is held against. Raises BadRequest, also
    where nothing that is asked can be measured."""
    started = time.perf_counter()
    asked = parse_query(clean(text))
    if why := matcher.why_not(asked):
        raise BadRequest(why)
    if not matcher.can_tell(asked):
        raise BadRequest(
            f"Nothing in “{text}” can be measured on this scene: that needs bands with wavelengths, for most words in "
            "the visible and near infrared. Where the file has such bands and does not say so, open it again and give "
            "the wavelengths; else label a pixel of each class: the map of your labels needs none."
        )
    described, spectra, likeness, notes = matcher.score(asked, matching, others)
    score = matcher.on_nodes(described, spectra)
    threshold = suggest_threshold(score, matcher.words.pixels)
    painted = matcher.painted(described, spectra)
    best = float(score.max(initial=0.0))
    if best < ABSENT:
        alone = float(np.nanmax(painted, initial=0.0)) >= ABSENT
        notes.append(
            f"The best place only reaches {best:.2f} of 1: not found by what can be measured here{matcher.unseen}."
            + (" Single pixels reach more, which may be chance." if alone else "")
        )
    return Answer(
        text,
        "described",
        painted,
        threshold,
        time.perf_counter() - started,
        score,
        asked,
        likeness,
        tuple(notes),
        tuple(others),
        matcher.by_spectrum(asked) if spectra is not None and likeness else "",
    )


def ask_model(space: TextSpace, name: str, text: str, known: Sequence[str]) -> Answer:
    """Engine (a): a trained model's own space. `known`: the texts it was trained with. Raises BadRequest."""
    started = time.perf_counter()
    text = clean(text)
    cosine = space.query([text])
    inside = np.isfinite(cosine)
    low, high = np.quantile(cosine[inside], [0.01, 0.999]) if inside.any() else (0.0, 1.0)
    stretched = np.clip((cosine - low) / max(float(high - low), 1e-6), 0.0, 1.0).astype(np.float32)
    stretched[~inside] = np.nan
    threshold = suggest_threshold(stretched[inside], np.ones(int(inside.sum()), dtype=np.int64))
    notes = (f"Stretched over the scene: cosine {low:.2f} is 0, {high:.2f} is 1. This model knows the words of its "
             f"training: {', '.join(list(known)[:6])}{' …' if len(known) > 6 else ''}.",)  # fmt: skip
    return Answer(text, name, stretched, threshold, time.perf_counter() - started, notes=notes)


def suggest_threshold(score: FloatArray, pixels: npt.NDArray[np.int64]) -> float:
    """Otsu's threshold over pixels (N. Otsu, 1979, doi:10.1109/TSMC.1979.4310076), at least half the largest score and
    `ABSENT`."""
    if not score.size or float(score.max()) <= float(score.min()):
        return 0.5
    counts, edges = np.histogram(score, bins=128, weights=pixels)
    middle = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    moment = np.cumsum(counts * middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * below / total - moment) ** 2 / (below * (total - below))
    otsu = float(middle[int(np.nanargmax(np.where(np.isfinite(between), between, -1.0)))])
    return float(np.clip(max(otsu, 0.5 * float(score.max())), ABSENT, 1.0))


def _unit(vectors: npt.NDArray[Any]) -> FloatArray:
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norm, 1e-9), dtype=np.float32)
