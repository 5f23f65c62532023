"""Whether a model can map a scene, told from its header: yes, no and why, and what would be possible instead.

The method has the last word when the model is loaded (`from_state`); this is what a list can say before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hsi_studio.engine.models.checkpoint import Header
from hsi_studio.engine.models.metadata import level_of
from hsi_studio.humanize import counted
from hsi_studio.methods import methods
from hsi_studio.methods.common.checks import band_difference
from hsi_studio.types import Scene

FAR_VALUES = 2.5  # times apart that typical values of two scenes may be without a word

Verdict = Literal["own scene", "same bands", "refused"]


@dataclass(frozen=True)
class SceneFit:
    """`reason` says why not, with both numbers; `possible` what to do instead."""

    verdict: Verdict
    reason: str = ""
    possible: str = ""

    @property
    def ok(self) -> bool:
        return self.verdict != "refused"

    @property
    def words(self) -> str:
        """One or two sentences for the user."""
        return " ".join(filter(None, [self.reason, self.possible]))


def scene_fit(header: Header, scene: Scene) -> SceneFit:
    """Can this model map this scene? Cheap: no array is read."""
    facts = header.facts
    method = methods().entries.get(facts.method)
    if method is None:
        return SceneFit("refused", f"This program has no method “{facts.method}”.", "Update HSI Studio.")
    there = facts.scene
    instead = "Open the scene it was trained on, or train a new model here."
    if method.warm_starts:
        instead = "A new training on this scene can start from its encoder: “Train from it”."
    different = band_difference(there.bands, there.wavelength_nm, scene)
    if different:
        return SceneFit("refused", different, instead)
    if header.state.get("layers") and scene.dsm is None:
        return SceneFit(
            "refused",
            f"The model uses heights, {scene.name} has no surface model.",
            "Add one in the Scene tab (“Heights”), or train without.",
        )
    if there.id == scene.id:
        return SceneFit("own scene")
    if there.id == scene.base_id:
        left = f"{counted(len(scene.left_out), 'band')} of them left out now"
        return SceneFit(
            "same bands", f"Trained with all bands of this scene, {left}: if it needs them, it will not map.",
            "Bring them back in the Scene tab, or train again.",
        )  # fmt: skip
    other = f"Trained on another scene with the same bands: {there.title or there.name}."
    if there.wavelength_nm is None or scene.bands.wavelength_nm is None:  # only their number is known to agree
        lacking = scene.name if scene.bands.wavelength_nm is None else "the model"
        other = (
            f"Trained on another scene with as many bands: {there.title or there.name}. Whether they are the same "
            f"bands in the same order is not known, since {lacking} has no wavelengths: that is up to you."
        )
    return SceneFit("same bands", " ".join(filter(None, [other, _other_values(there.level, scene)])))


def _other_values(level: float | None, scene: Scene) -> str:
    """Where typical values are so far apart that units or a scale factor may differ; farther ones are refused."""
    here = None if level is None else level_of(scene)
    if level is None or here is None or min(level, here) <= 0 or max(level / here, here / level) < FAR_VALUES:
        return ""
    return (
        f"Typical values are {level:.3g} there and {here:.3g} here: where that is another unit or scale factor and not "
        "another ground, the map is wrong."
    )
