"""Class anchors made from the spectra of what a class's words mean, in place of sentence embeddings or beside them.

    sentences ─▶ materials with shares and states (`text/materials/`) ─▶ one mean spectrum on the sensor's bands
      ─▶ log, standardised over all materials of the bank ─▶ principal axes of the bank ─▶ turned into D ─▶ unit length

The trained methods take such a vector where they took a sentence's (`anchors` = materials), or both end to end (both:
cosines are then the mean of the two). The map from spectra to vectors is fixed: it depends on the bank and on the
sensor's wavelengths, on no label and no pixel. Lengths and angles of the standardised spectra are kept: the axes are
orthogonal, and so is the last turn (drawn once, the same for everybody), which is there because a head with a ReLU
(`s3fn`) reaches positive coordinates only. How a scene's values are calibrated plays no part: a gain a band is an
offset in the logarithm, and standardising takes it off. Minerals came later (`text/materials/minerals.py`):
in axes made without them they are one direction, and with them the vectors of models trained before would turn. So here
they are what they were, "kaolinite" clay minerals and "calcite" salt.

A class keeps its sentence's vector where its words mean no material, or the same materials as another class's ("maize"
in two states of tillage): two equal anchors could never be told apart. `notes` says which. Everything is read from the
sentences, not from the class's name, so that the shuffled-words control shuffles these anchors too. A sentence of one
of the templates p1 to p4, or of a few words, is taken for a name; a longer one is read as a recipe.

Source: ours. Notation: K classes, M materials, B bands used, L wavelengths of the bank, R axes, D dimensions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hsi_studio.features.measures import VAPOUR_NM
from hsi_studio.types import ClassSchema, FloatArray, PromptSet

if TYPE_CHECKING:
    from hsi_studio.text.materials.names import Encode, Meant, State

Anchors = Annotated[
    Literal["text", "materials", "both"],
    Field(
        description="What a class's vector is made from: text = its sentences, materials = the spectra of the "
        "materials they mean, both = one beside the other"
    ),
]
DRAWS = 300  # spectra a material, of which the mean is taken
USED_NM = (400.0, 2460.0)
FEWEST_BANDS = 4
SAME = 0.9999  # cosine from which two classes have one spectrum
NAME_WORDS = 4  # a text of so few words is a name

Values = npt.NDArray[np.float64]


class Encoder(Protocol):
    """The part of `text.encoders.TextEncoder` used here."""

    def encode(self, sentences: list[str]) -> FloatArray: ...


@dataclass(frozen=True)
class ClassVectors:
    """(K, D) unit vectors, and in sentences what they were made from."""

    vectors: FloatArray
    notes: tuple[str, ...] = ()


def class_vectors(
    anchors: str,
    schema: ClassSchema,
    prompts: PromptSet,
    text: FloatArray,
    wavelength_nm: FloatArray | None,
    cache_dir: Path | None = None,
) -> ClassVectors:
    """`text` (K, D) unit vectors of the sentences. As they are with anchors "text"; else a class's materials in their
    place, or beside them (K, 2D). `wavelength_nm` (B,) of the sensor; None, or too few of them: every class keeps its
    sentence."""
    if anchors == "text":
        return ClassVectors(text)
    encode = _likeness(cache_dir)
    spectra = [_words_mean(prompts.of(info), encode) for info in schema.classes]
    space = material_space(wavelength_nm)
    if space is None:
        said = "The scene's wavelengths do not tell materials: every class's vector is that of its sentences."
        return ClassVectors(_joined(anchors, text, None), (said,))
    own = space.turned(np.stack([space.place(one) for one in spectra]), text.shape[1])  # (K, D), zero = no material
    alike = own @ own.T > SAME
    lost = [not one.parts for one in spectra]
    same = (alike.sum(axis=1) > 1) & ~np.array(lost)
    kept = np.array(lost) | (same & (anchors == "materials"))
    own[kept] = 0.0
    return ClassVectors(_joined(anchors, text, own), _notes(anchors, schema, spectra, lost, same))


def _joined(anchors: str, text: FloatArray, own: FloatArray | None) -> FloatArray:
    """Rows of `own` that are 0 leave the sentence's."""
    own = np.zeros_like(text) if own is None else own
    known = (np.abs(own).max(axis=1) > 0)[:, None]
    if anchors == "materials":
        return np.asarray(np.where(known, own, text), dtype=np.float32)
    both = np.concatenate([text, own], axis=1)
    return np.asarray(both / np.where(known, np.sqrt(2.0), 1.0), dtype=np.float32)


def _notes(
    anchors: str, schema: ClassSchema, spectra: Sequence[Meant], lost: Sequence[bool], same: npt.NDArray[np.bool_]
) -> tuple[str, ...]:
    from hsi_studio.text.materials.names import materials

    taken, without, doubled = [], [], []
    for info, one, no, double in zip(schema.classes, spectra, lost, same, strict=True):
        ranked = sorted(one.weights.items(), key=lambda item: -item[1])[:3]
        if no:
            without.append(info.name)
        elif double and anchors == "materials":
            doubled.append(info.name)
        else:
            taken.append(f"{info.name} as {', '.join(materials()[key].title for key, _ in ranked)}")
    notes = [f"Class vectors from spectra of materials: {'; '.join(taken)}."] if taken else []
    if without:
        notes.append(f"No material in the words of {', '.join(without)}: the vector is that of the sentence.")
    if doubled:
        notes.append(
            f"The words of {', '.join(doubled)} mean the same spectrum as another class's: the vectors are those of "
            "the sentences."
        )
    return tuple(notes)


class AnchorEncoder:
    """New sentences in the space of such anchors, for questions to a trained model. `inner`: the sentence encoder;
    `encode`: the one that comes with the program, for names that the list does not hold."""

    def __init__(self, anchors: str, inner: Encoder, wavelength_nm: FloatArray | None, encode: Encode | None):
        self._anchors, self._inner, self._encode = anchors, inner, encode
        self._space = None if anchors == "text" else material_space(wavelength_nm)

    def encode(self, sentences: list[str]) -> FloatArray:
        """(n, D) or, of both, (n, 2D)."""
        text = np.asarray(self._inner.encode(sentences), dtype=np.float32)
        if self._anchors == "text":
            return text
        if self._space is None:
            return _joined(self._anchors, text, None)
        places = [self._space.place(_words_mean((one,), self._encode)) for one in sentences]
        return _joined(self._anchors, text, self._space.turned(np.stack(places), text.shape[1]))


def _words_mean(sentences: Sequence[str], encode: Encode | None) -> Meant:
    """What all sentences of a class mean together."""
    from hsi_studio.text.materials.names import meant
    from hsi_studio.text.materials.reading import read_recipe

    name = next((found for found in map(_name_in, sentences) if found), "")
    if name:
        return _widened(meant(name, encode))
    said = ". ".join(part.strip().rstrip(".") for part in sentences if part.strip())
    return _widened(read_recipe(said, encode).meant())


def _widened(what: Meant) -> Meant:
    """With a mineral as the material that stood for it before."""
    from hsi_studio.text.materials.minerals import NEW, WIDER

    parts: list[dict[str, float]] = []
    for part in what.parts:
        wide: dict[str, float] = {}
        for key, weight in part.items():
            key = WIDER.get(key, "rock") if key in NEW else key
            wide[key] = wide.get(key, 0.0) + weight
        parts.append(wide)
    return replace(what, parts=tuple(parts))


def _name_in(sentence: str) -> str:
    """The name that a template was filled with, or that a short text is; "" of a sentence."""
    from hsi_studio.text.prompts import TEMPLATES

    for template in TEMPLATES.values():
        before, after = template.split("{}")
        found = re.fullmatch(rf"{re.escape(before)}(.+){re.escape(after)}", sentence.strip(), re.IGNORECASE)
        if found:
            return found[1]
    short = len(sentence.split()) <= NAME_WORDS and not re.search(r"[,;:.]", sentence)
    return sentence.strip() if short else ""


@lru_cache(maxsize=2)
def _likeness(cache_dir: Path | None) -> Encode:
    """The encoder that comes with the program: the list of names was made for it. Opened by a name it does not hold."""
    from hsi_studio.text.encoders import get_encoder

    encoder = get_encoder(cache_dir=cache_dir)
    return lambda sentences: encoder.encode(sentences)


class MaterialSpace:
    """The bank on one sensor's bands, and where a mixture lies in it."""

    def __init__(self, wavelength_nm: Values) -> None:
        from hsi_studio.scene.physics.spectra import band_response

        self.nm = wavelength_nm
        keys, means = bank_means()
        seen = means @ band_response(self.nm, _spacing(self.nm)).T  # (M, B)
        self._bank = dict(zip(keys, seen, strict=True))
        logs = _logs(seen)
        self._middle, self._spread = logs.mean(axis=0), np.maximum(logs.std(axis=0), 1e-3)
        _, sizes, axes = np.linalg.svd((logs - self._middle) / self._spread, full_matrices=False)
        axes = axes[sizes > 1e-4 * sizes[0]]  # (R, B)
        sign = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
        self._axes = axes * sign[:, None]

    def place(self, what: Meant) -> Values:
        """(R,) of the mean spectrum that words mean; 0 where they mean none. Not of unit length."""
        if not what.parts:
            return np.zeros(len(self._axes))
        what = _widened(what)
        shares = what.shares or (1.0 / len(what.parts),) * len(what.parts)
        mixed = np.zeros(self.nm.size)
        for k, (part, share) in enumerate(zip(what.parts, shares, strict=True)):
            total = sum(part.values())
            own = np.asarray(sum(weight / total * self._bank[key] for key, weight in part.items()))
            mixed += share * (self._in_state(own, what.states[k]) if what.states else own)
        return np.asarray(self._axes @ ((_logs(mixed) - self._middle) / self._spread))

    def _in_state(self, own: Values, state: State) -> Values:
        from hsi_studio.scene.physics.ground import wet

        if state.cover < 1.0:
            own = state.cover * own + (1.0 - state.cover) * self._bank["soil"]
        if state.wet > 0.0:
            own = wet(np.clip(own, 0.0, 0.95)[None], 0.8 * state.wet, self.nm)[0]
        return own * state.gain

    def turned(self, places: Values, dim: int) -> FloatArray:
        """(n, R) → (n, D) of unit length: angles are kept where D ≥ R, else the last axes are left out."""
        kept = places[:, :dim]
        turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((dim, kept.shape[1])))  # (D, R), orthonormal
        out = kept @ turn.T
        length = np.linalg.norm(out, axis=1, keepdims=True)
        return np.asarray(np.where(length > 1e-9, out / np.maximum(length, 1e-9), 0.0), dtype=np.float32)


def material_space(wavelength_nm: FloatArray | None) -> MaterialSpace | None:
    """Of a sensor's bands that see the ground; None where these are too few."""
    if wavelength_nm is None:
        return None
    nm = np.sort(wavelength_nm[np.isfinite(wavelength_nm)].astype(np.float64))
    nm = nm[(nm >= USED_NM[0]) & (nm <= USED_NM[1])]
    for low, high in VAPOUR_NM:
        nm = nm[(nm < low) | (nm > high)]
    return _space(tuple(np.round(nm, 2).tolist())) if nm.size >= FEWEST_BANDS else None


@lru_cache(maxsize=4)
def _space(nm: tuple[float, ...]) -> MaterialSpace:
    return MaterialSpace(np.array(nm))


@lru_cache(maxsize=1)
def bank_means() -> tuple[tuple[str, ...], Values]:
    """Keys (M) and mean reflectance (M, L) of all materials but minerals: some two seconds, once a process."""
    from hsi_studio.text.materials.minerals import NEW
    from hsi_studio.text.materials.names import materials
    from hsi_studio.text.materials.recipes import draw

    keys = tuple(key for key in materials() if key not in NEW)
    return keys, np.stack([draw(key, DRAWS).mean(axis=0) for key in keys])


def _logs(reflectance: npt.NDArray[Any]) -> Values:
    return np.asarray(np.log(np.maximum(reflectance, 0.0) + 0.02), dtype=np.float64)


def _spacing(nm: Values) -> Values:
    """(B,) a band's width where only centres are kept with a model: the distance to its neighbour, 5 to 40 nm."""
    gaps = np.diff(nm, append=nm[-1] + (nm[-1] - nm[-2]))
    return np.asarray(np.clip(gaps, 5.0, 40.0))
