"""Methods for collections, where an image has one label: what they share, and which there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from hsi_studio.errors import BadRequest
from hsi_studio.methods.common.image_votes import ImageVotes
from hsi_studio.methods.contract import Context, Params, State
from hsi_studio.methods.diffclip import collection as diffclip_images
from hsi_studio.methods.diffclip import multi_image as diffclip_pairs
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.methods.s3fn import collection as s3fn_images
from hsi_studio.methods.s3fn.collection import S3FNImageParams
from hsi_studio.scene.collection import Collection
from hsi_studio.types import ClassSchema, PromptSet


class ImageModel(Protocol):
    """A fitted classifier of images."""

    @property
    def schema(self) -> ClassSchema: ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What its class vectors were made from where that was not as asked, for people; none of a loaded model."""
        ...

    def classify(self, images: Collection, ctx: Context) -> ImageVotes:
        """No label of `images` is looked at. Raises SceneMismatch, Cancelled."""
        ...

    def state(self) -> State: ...


@dataclass(frozen=True)
class ImageMethod:
    """`fit(train, prompts, params, ctx, others)`: `others` are images without labels, which it may look at or not."""

    name: str
    saved_as: str  # the method's name in a saved model
    Params: type[Params]
    fit: Callable[[Collection, PromptSet, Any, Context, Collection | None], ImageModel]
    from_state: Callable[[State, Context], ImageModel]
    looks_at_others: bool


def _s3fn(train: Collection, prompts: PromptSet, params: Any, ctx: Context, others: Collection | None) -> ImageModel:
    return s3fn_images.fit_images(train, prompts, params, ctx)


IMAGE_METHODS = {
    method.name: method
    for method in (
        ImageMethod("s3fn", s3fn_images.NAME, S3FNImageParams, _s3fn, s3fn_images.from_state, False),
        ImageMethod(
            "diffclip",
            diffclip_pairs.NAME,
            DiffClipParams,
            diffclip_images.fit_planes,
            diffclip_images.from_state,
            True,
        ),
    )
}


def get_image_method(name: str) -> ImageMethod:
    """Raises BadRequest."""
    if name not in IMAGE_METHODS:
        raise BadRequest(f"There is no method {name!r} for images. Choose one of: {', '.join(IMAGE_METHODS)}.")
    return IMAGE_METHODS[name]


def load_image_model(state: State, ctx: Context) -> ImageModel:
    """Raises BadRequest for a model that is not for images, SceneMismatch."""
    for method in IMAGE_METHODS.values():
        if method.saved_as == state.header.get("method"):
            return method.from_state(state, ctx)
    raise BadRequest(
        f"This is a model of {state.header.get('method')!r}, which maps scenes: for images take one that "
        "`collection --save` wrote."
    )
