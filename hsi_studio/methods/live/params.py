"""Parameters of `live`, and what they mean for its features."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hsi_studio.methods.contract import Params
from hsi_studio.methods.live.features import LiveFeatures, Place, Recipe
from hsi_studio.methods.live.views import GROUPS
from hsi_studio.types import Scene


class LiveParams(Params):
    """Defaults were fixed on the development scenes of benchmarks/scenes.py; others were looked at: LOOKS.md there."""

    components: int = Field(40, ge=1, le=100, description="Spectral components kept, fewer where there are fewer bands")
    edge_components: int = Field(3, ge=1, le=20, description="Principal components that decide where edges are")
    edge_strength: float = Field(4.0, gt=0, le=50, description="How much smoothing passes an edge: larger = more")
    scales: tuple[Annotated[int, Field(ge=1, le=2000)], ...] = Field(
        (2, 5, 20, 60, 200), min_length=1, max_length=8, description="Smoothing steps, one feature set each"
    )
    smoothing: Literal["auto", "pixel", "fine", "coarse"] = Field(
        "auto", description="Which scales decide: auto = chosen at every click by leave-one-out on the labels"
    )
    kernel_width: float = Field(1.5, gt=0, le=100, description="γ of the kernel: larger = more local in feature space")
    ridge: float = Field(
        0.2,
        gt=0,
        le=10,
        description="How little the only label of a class is trusted; from two on, leave-one-out helps",
    )
    use_dsm: bool = Field(True, description="Use the surface model where the scene has one")
    height_weight: float = Field(0.08, gt=0, le=10, description="Weight of heights against the spectrum")
    max_nodes: int = Field(40_000, ge=100, le=200_000, description="Scenes with more pixels are mapped on superpixels")
    nearby: bool = Field(True, description="Labels speak for the places around them, as far as left-out labels agree")
    single_pixels: bool = Field(
        True, description="In scenes mapped on superpixels pixels speak for themselves, as far as left-out labels agree"
    )
    words: bool = Field(True, description="Start from what the class names mean, where the labels agree with them")

    def recipe(self, scene: Scene) -> Recipe:
        return Recipe(
            components=self.components,
            edge_components=self.edge_components,
            edge_strength=self.edge_strength,
            scales=tuple(sorted(set(self.scales))),
            height_weight=self.height_weight if self.use_dsm and scene.dsm is not None else 0.0,
            max_nodes=self.max_nodes,
        )

    def scale_groups(self) -> tuple[str, ...]:
        """Groups of scales that may decide."""
        return GROUPS if self.smoothing == "auto" else (self.smoothing,)

    def linear_places(self, features: LiveFeatures) -> tuple[Place, ...]:
        """Family and scale of every discriminant."""
        count = len(features.principal)
        middle = {"pixel": (0,), "fine": (count // 3,), "coarse": (2 * count // 3,), "auto": (0, count // 3)}
        scales = tuple(dict.fromkeys(middle[self.smoothing]))
        families = ("principal", "shape") if features.shape else ("principal",)
        return tuple((family, scale) for family in families for scale in scales)
