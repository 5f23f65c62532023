"""What a list of class names, or a question, is worth on one scene by spectra alone.

`SpectralWords` holds a scene's view and the bank as its sensor sees it. `classes(names)` gives posteriors of the names
on the nodes and says which names mean nothing here and which two cannot be told apart, decided on synthetic pixels: no
label and no pixel of the scene takes part in that. `query(text, others)` is the posterior of a text against the
project's classes and common covers.

Minerals (`text/materials/minerals.py`) are compared in narrow windows of the short-wave infrared (`fine`), and a
question for one is held against all others. A mineral whose bands a sensor does not see is not asked for at all, and in
a map it is said that bare ground of its brightness may be taken for it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hsi_studio.engine.query.material_classes import ALIKE, TOLD, Bank, posteriors, told_apart
from hsi_studio.engine.query.pixel_facts import PixelFacts
from hsi_studio.engine.query.spectral_view import SpectralView, Windows, bank_of, spectral_view
from hsi_studio.features.spatial import IndexArray, mean_on
from hsi_studio.text.materials.minerals import GROUPS, MINERALS, kin, seen_nm
from hsi_studio.text.materials.names import Encode, Meant, materials, meant, named
from hsi_studio.text.materials.reading import read_recipe
from hsi_studio.types import FloatArray

COMMON = ("water", "meadow", "tree", "soil", "road", "roof", "dry grass", "shadow")  # what a question is held against
ONE = 0.99  # weight that two names share from which they mean one material
SAME = 0.3  # weight that two texts share from which they are one thing
BARE = ("soil", "rock", "sand", "salt")  # and one for a mineral, as well as all others
KEPT = 8
Finer = Callable[[], tuple[SpectralView, Bank] | None]


@dataclass(frozen=True)
class Spoken:
    """Class names on a scene. `kept` (K,) positions of the names that mean a material; `probability` (n, K) of the
    view's nodes; `told` share of synthetic pixels that come out right; `alike` pairs that cannot be told apart; `view`
    the windows they were compared in; `unseen` minerals whose bands the sensor does not see, with where these lie."""

    names: tuple[str, ...]
    kept: tuple[int, ...]
    meant: tuple[Meant, ...]
    probability: FloatArray
    told: float
    alike: tuple[tuple[str, str], ...]
    view: SpectralView
    unseen: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a map of them means anything: two names at least, and most synthetic pixels come out right."""
        return len(self.kept) >= 2 and self.told >= TOLD

    @property
    def why_not(self) -> str:
        """For people, what speaks against a map; "" when nothing does."""
        unknown = [name for k, name in enumerate(self.names) if k not in self.kept]
        lost = f" Not a material known here: {', '.join(unknown)}." if unknown else ""
        if len(self.kept) < 2:
            return f"Fewer than two class names mean a material with a known spectrum.{lost}"
        if self.told < TOLD:
            pairs = ", ".join(f"{a} and {b}" for a, b in self.alike[:4])
            return (
                f"These names cannot be told apart here: of pixels made up from their spectra {100 * self.told:.0f} % "
                f"come out as their class, {100 * TOLD:.0f} % are needed"
                f"{f' (no difference between {pairs})' if pairs else ''}. Label a pixel of each class instead.{lost}"
            )
        return ""

    @property
    def _pairs(self) -> tuple[list[str], list[str]]:
        """Some of the pairs that cannot be told apart: of names that mean one material, and of different materials."""
        of = dict(zip((self.names[k] for k in self.kept), self.meant, strict=True))
        both: tuple[list[str], list[str]] = [], []
        for a, b in self.alike:
            both[shared(of[a], of[b]) < ONE].append(f"{a} and {b}")
        return both[0][:4], both[1][:4]

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know when the map is read."""
        taken = []
        for k, one in zip(self.kept, self.meant, strict=True):
            titles = " and ".join(_titles(part) for part in one.parts)
            if not one.exact or titles != self.names[k].lower():
                taken.append(f"{self.names[k]} as {titles}")
        notes = [f"Taken for: {'; '.join(taken)}."] if taken else []
        same, near = self._pairs
        if same:
            notes.append(
                f"Your names do not separate: {'; '.join(same)}: each of a pair means the same here, and no spectrum "
                "of its own is known. Label a pixel of each: the sensor may well tell them apart."
            )
        if near:
            notes.append(f"Your names do not separate: {'; '.join(near)}: their spectra are the same to this sensor.")
        if self.unseen:
            notes.append(
                f"Not seen by this sensor: what tells {', '.join(self.unseen)} from other bare ground. Such a class is "
                "bare ground of its brightness and colour here, nothing more."
            )
        unknown = [name for k, name in enumerate(self.names) if k not in self.kept]
        if unknown:
            notes.append(f"Not a material known here, and not in the map: {', '.join(unknown)}.")
        return tuple(notes)


class SpectralWords:
    """One scene asked by spectra. Thread-safe."""

    def __init__(
        self,
        view: SpectralView,
        bank: Bank,
        encode: Encode | None,
        superpixels: IndexArray,
        without: Iterable[str] = (),
        finer: Finer = lambda: None,
    ) -> None:
        """`finer` makes the view in narrow windows and its bank, when minerals are first asked for."""
        self.view, self._bank, self._encode, self._without = view, bank, encode, tuple(without)
        self._make_finer = finer
        self._finer: tuple[SpectralView, Bank] | None = None
        self._superpixels = superpixels
        self._lock = threading.RLock()
        self._spoken: OrderedDict[tuple[Any, ...], Spoken] = OrderedDict()
        self._asked: OrderedDict[tuple[Any, ...], FloatArray | None] = OrderedDict()

    @property
    def absolute(self) -> bool:
        return self.view.calibration.absolute

    def classes(self, names: Sequence[str], sentences: Sequence[str] = ()) -> Spoken:
        """Posteriors of class names. `sentences` (K,): what a class is made of in words, "" = its name says it; one in
        which no material is read leaves it to the name."""
        key = (tuple(names), tuple(sentences) or ("",) * len(names))
        with self._lock:
            if key not in self._spoken:
                self._spoken[key] = self._speak(*key)
                while len(self._spoken) > KEPT:
                    self._spoken.popitem(last=False)
            return self._spoken[key]

    def _speak(self, names: tuple[str, ...], sentences: tuple[str, ...]) -> Spoken:
        all_meant = [self._meant(name, said) for name, said in zip(names, sentences, strict=True)]
        kept = tuple(k for k, one in enumerate(all_meant) if one.parts)
        known = tuple(all_meant[k] for k in kept)
        view, bank = self._seen_in(known)
        spans = {names[k]: _unseen(one, view.windows) for k, one in zip(kept, known, strict=True)}
        unseen = tuple(f"{name} ({span[0]:.0f} to {span[1]:.0f} nm)" for name, span in spans.items() if span)
        if len(kept) < 2:
            none = np.ones((view.reflectance.shape[0], len(kept)), np.float32)
            return Spoken(names, kept, known, none, 0.0, (), view, unseen)
        centre = view.windows.centre_nm
        apart = told_apart(bank, known, centre, self.absolute)
        pairs = [(apart[i, j], i, j) for i in range(len(kept)) for j in range(i) if apart[i, j] < ALIKE]
        alike = tuple((names[kept[j]], names[kept[i]]) for _, i, j in sorted(pairs))
        probability = posteriors(bank, known, view.reflectance, centre, self.absolute)
        return Spoken(names, kept, known, probability, float(apart.diagonal().mean()), alike, view, unseen)

    def _seen_in(self, known: Sequence[Meant]) -> tuple[SpectralView, Bank]:
        """The view and the bank in which these are compared: the fine ones where one of them is a mineral."""
        if any(_mineral(one) for one in known):
            if self._finer is None:
                self._finer = self._make_finer()
            if self._finer is not None:
                return self._finer
        return self.view, self._bank

    def _meant(self, name: str, sentence: str = "") -> Meant:
        read = read_recipe(sentence, self._encode).meant() if sentence else None
        return read if read is not None and read.parts else meant(name, self._encode, self._without)

    def named(self, text: str) -> str | None:
        """The material of the list that all of a text is a name of, as of "dry grass"; None for "tall trees"."""
        return named(text, self._without)

    def is_mineral(self, text: str) -> bool:
        """Whether a text means a mineral, or a mix of minerals."""
        return _mineral(self._meant(text))

    def cannot_tell(self, text: str) -> str:
        """Why a mineral that a text means cannot be looked for on this scene; "" where it can be, and of others."""
        asked = self._meant(text)
        if not _mineral(asked):
            return ""
        if not self.absolute:
            return (
                f"“{text}” cannot be told on this scene: its values are no reflectance, and absorption bands of "
                "minerals are compared on reflectance alone. Open a reflectance product, or label a pixel of each "
                "class."
            )
        span = _unseen(asked, self._seen_in([asked])[0].windows)
        if span is None:
            return ""
        return (
            f"“{text}” cannot be told on this scene: what sets it apart from other bare ground lies between "
            f"{span[0]:.0f} and {span[1]:.0f} nm, and this sensor does not see enough there. Label a pixel of each "
            "class instead, or open a scene that has these wavelengths."
        )

    def taken_for(self, text: str) -> str:
        """The materials that a text means, in words; "" for none."""
        return " and ".join(_titles(part) for part in self._meant(text).parts)

    def query(self, text: str, others: Sequence[str] = ()) -> FloatArray | None:
        """(n,) posterior of a text on the view's nodes, against the other names and what is common; None when it means
        no material, or the values are no reflectance: then the bank ranks worse than indices do."""
        key = (text, tuple(others))
        with self._lock:
            if key not in self._asked:
                self._asked[key] = self._ask(text, others)
                while len(self._asked) > KEPT:
                    self._asked.popitem(last=False)
            return self._asked[key]

    def _ask(self, text: str, others: Sequence[str]) -> FloatArray | None:
        asked = self._meant(text)
        if not asked.parts or not self.absolute or self.cannot_tell(text):
            return None
        rivals: list[Meant] = []
        tags = {tag for key in asked.weights for tag in materials()[key].tags}
        for name in others:
            one = self._meant(name)
            if one.parts and not any(shared(one, had) >= SAME for had in (asked, *rivals)):
                rivals.append(one)
        for key in COMMON:
            one = Meant(key, ({key: 1.0},), True)
            near = tags & set(materials()[key].tags)
            if not near and not any(shared(one, had) >= SAME for had in (asked, *rivals)):
                rivals.append(one)
        view, bank = self._seen_in([asked])
        if _mineral(asked):
            own = frozenset[str]().union(*map(kin, asked.weights))
            for key in (*BARE, *MINERALS):
                one = Meant(key, ({key: 1.0},), True)
                if key not in own and not any(shared(one, had) >= SAME for had in (asked, *rivals)):
                    rivals.append(one)
        found = posteriors(bank, [asked, *rivals], view.reflectance, view.windows.centre_nm, self.absolute)
        return found[:, 0]

    def on_superpixels(self, values: FloatArray) -> FloatArray:
        """(m,) mean over the superpixels of values (n,) of the view's nodes."""
        return mean_on(self.view.index, values[:, None], self._superpixels)[:, 0]


def spectral_words(
    pixel_facts: PixelFacts, superpixels: IndexArray, encode: Encode | None, without: Iterable[str] = ()
) -> SpectralWords | None:
    """A scene's words by spectra; None where its bands cannot tell materials. `superpixels` (H, W); `without`: names
    taken out of the vocabulary, for controls."""
    view = spectral_view(pixel_facts, superpixels)
    if view is None:
        return None

    def finer() -> tuple[SpectralView, Bank] | None:
        found = spectral_view(pixel_facts, superpixels, fine=True)
        return None if found is None else (found, bank_of(pixel_facts, found.windows))

    return SpectralWords(view, bank_of(pixel_facts, view.windows), encode, superpixels, without, finer)


def shared(a: Meant, b: Meant) -> float:
    """Weight that two texts have in common, 0 to 1."""
    mine, other = a.weights, b.weights
    return sum(min(weight, other.get(key, 0.0)) for key, weight in mine.items())


def _mineral(one: Meant) -> bool:
    """Whether a text names a mineral or a mix of minerals, in one of its parts; likeness to one does not count."""
    best = {max(part, key=lambda key: part[key]) for part in one.parts}
    return one.exact and bool(best & (MINERALS.keys() | GROUPS.keys()))


def _unseen(one: Meant, windows: Windows) -> tuple[float, float] | None:
    """The wavelengths, nm, of the bands of a mineral that a text means, where windows do not show them."""
    spans = [seen_nm(max(part, key=lambda key: part[key])) for part in one.parts]
    return next((span for span in spans if span is not None and not windows.sees(*span)), None)


def _titles(part: Any) -> str:
    ranked = sorted(part.items(), key=lambda item: -item[1])
    return " or ".join(materials()[key].title for key, _ in ranked[:3])
