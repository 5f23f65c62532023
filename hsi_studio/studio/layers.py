"""What a project's viewer can show, by name: layers with an id that stays and a title that no other layer has.

Most are class maps; one of these is *shown*, and accuracy, hover, legend and export are its. Two are none
(`plain_layers.py`): the picture under the maps, and the answer to a question over them.

Ids are "picture", "query", "live", "reference", "run:ID", "model:ID", "texts", "comparison:RUN/0" (an arm by its
number), "comparison:RUN/0-1" (where two arms differ), "imported:ID" (made elsewhere) and "edited:STEPS@LAYER" (another
layer after steps, as "edited:sieve=400@live"). Which of them is shown is said in `displayed_map.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport

Source = Literal["live", "run", "preview", "model", "texts", "comparison", "reference", "edited", "imported"]
LIVE = "live"
REFERENCE: Literal["reference"] = "reference"
PICTURE, QUERY = "picture", "query"
Kind = Literal[
    "picture", "reference", "live", "run", "model", "words", "query", "comparison", "imported map", "edited map"
]
KINDS: dict[str, Kind] = {  # by the first part of an id
    "picture": "picture", "reference": "reference", "live": "live", "run": "run", "model": "model", "texts": "words",
    "query": "query", "comparison": "comparison", "imported": "imported map", "edited": "edited map",
}  # fmt: skip


def layer_id(source: str, item: str = "") -> str:
    """A preview is what its run's layer shows for now."""
    source = "run" if source == "preview" else source
    return f"{source}:{item}" if item else source


@dataclass(frozen=True)
class Layer:
    """A map that can be shown, or a plain layer. No two layers of a project have the same `id` or `title`."""

    id: str
    title: str
    ready: bool = True  # False: shown, it is made first
    shown: Literal["", "left", "right"] = ""
    oa: float | None = None  # overall accuracy where it was measured, a fraction: the report's leading figure
    pixels: int = 0  # on so many that was measured; figures of layers side by side may be of different ones
    away: bool = False  # that is of pixels away from its labels
    facts: tuple[str, ...] = ()  # what may tell it from another of the same title, the most telling first

    @property
    def kind(self) -> Kind:
        return KINDS[self.id.partition(":")[0]]

    @property
    def is_map(self) -> bool:
        """Whether it has classes, and so can be shown in a map's place, measured and compared."""
        return self.kind not in (PICTURE, QUERY)


def measured(layer: Layer, report: AccuracyReport | None) -> Layer:
    """The layer with its overall accuracy, and on how many pixels it was measured."""
    if report is None or report.leading.oa is None:
        return layer
    return replace(layer, oa=report.leading.oa.value, pixels=report.leading.n, away=report.away)


def told_apart(layers: Sequence[Layer]) -> list[str]:
    """A title for each, all different: of layers with the same one it says what they differ in, as little as does."""
    titles = [layer.title for layer in layers]
    twins: dict[str, list[int]] = defaultdict(list)
    for place, title in enumerate(titles):
        twins[title].append(place)
    for title, places in twins.items():
        if len(places) == 1:
            continue
        length = max(len(layers[place].facts) for place in places)
        facts = [(*layers[place].facts, *[""] * (length - len(layers[place].facts))) for place in places]
        differing = [k for k in range(length) if len({own[k] for own in facts}) > 1]
        for count in range(1, len(differing) + 1):
            tails = [", ".join(own[k] for k in differing[:count] if own[k]) for own in facts]
            if len(set(tails)) == len(tails):
                break
        for place, tail in zip(places, tails if differing else [""] * len(places), strict=True):
            titles[place] = f"{title} · {tail}" if tail else title
    seen: set[str] = set()
    for place, title in enumerate(titles):
        if title in seen:
            titles[place] = f"{title} · {layers[place].id}"
        seen.add(titles[place])
    return titles
