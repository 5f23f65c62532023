"""S3FN as published: one label an image, told by the vote of random small cubes. For `scene/collection.py`.

Source: Islam et al., 2025, arXiv 2510.07556: z-score and PCA, up to 20 random 32×32 cubes an image, 3D-CNN and text
alignment (`stages.py`), majority vote over an image's cubes; Wood, Blueberries and DeepHS-Fruit.

What differs: components are fitted on the training images only; cubes shrink to three quarters of the middle image's
shorter side where that is less than 32 pixels (below 14 the pools move by one pixel, and 9 is the least), mirrored
at the edges; a tie of votes goes to the larger mean probability. Nothing is chosen by the test images.

Notation: N images, M cubes, K classes, C components, P cube side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hsi_studio.errors import BadValues, SceneMismatch
from hsi_studio.methods.common.image_votes import ImageVotes, count_votes, enough_images
from hsi_studio.methods.common.state import load_network, part
from hsi_studio.methods.common.windowed import anchors_of
from hsi_studio.methods.contract import Context, State
from hsi_studio.methods.s3fn.stages import Stages, Trained, as_one, networks, train_both, used_anchors
from hsi_studio.scene.collection import Collection
from hsi_studio.types import ClassSchema, FloatArray, Progress, PromptSet, Scene

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hsi_studio.methods.common.nn.window_grid import Grid, WindowBasis
    from hsi_studio.methods.s3fn.cnn3d import CNN3D
    from hsi_studio.methods.s3fn.training import TextHead


NAME = "s3fn_images"
VERSION = 1  # raise when a saved classifier would vote otherwise
MOST_SPECTRA = 200_000  # the components are fitted on about this many pixels, as many from every image
LEAST_PAPER, LEAST = 14, 9  # cube sides below which the pools move by one pixel, and below which nothing is left
SMALL = 64_000_000  # values of an image that is read whole


class S3FNImageParams(Stages):
    """S3FN for collections."""

    cube: int = Field(32, ge=9, le=64, description="Side of the cubes in pixels; less where images are smaller")
    cubes: int = Field(20, ge=1, le=200, description="Random cubes an image, at most")


@dataclass(frozen=True)
class ImageClassifier:
    """A trained network for images with the same bands."""

    schema: ClassSchema
    params: S3FNImageParams
    basis: WindowBasis
    side: int  # P
    bands: int
    trained: Trained
    seed: int
    notes: tuple[str, ...] = ()  # what the classes' vectors were made from, for people

    def classify(self, images: Collection, ctx: Context) -> ImageVotes:
        """Vote on every image. Its label is not looked at. Raises SceneMismatch, Cancelled."""
        import torch

        if images.bands != self.bands:
            raise SceneMismatch(
                f"{self.bands} bands in the model, {images.bands} in the images of {images.name}: "
                "take images of the same instrument, or train again."
            )
        ctx = replace(ctx, device=str(next(self.trained.cnn.parameters()).device))  # where the network is
        grid, owner = cube_grid([i.scene for i in images.images], self.basis, self.side, self.params.cubes, ctx)
        anchors = used_anchors(self.trained.anchors, self.params.notebook_literal, ctx.device)
        parts: list[torch.Tensor] = []
        with torch.inference_mode():
            for which in torch.split(torch.arange(owner.size, device=grid.rows.device), 64):
                ctx.check()
                features = self.trained.cnn.features(grid.windows(which, self.side))
                parts.append(self.trained.head(features, anchors).softmax(dim=1))
        return count_votes(torch.cat(parts).cpu().numpy(), owner, len(images))

    def state(self) -> State:
        """Arrays and a JSON header from which `from_state` makes the same votes."""
        network = as_one(self.trained.cnn, self.trained.head)
        arrays = {f"net.{name}": value.detach().cpu().numpy() for name, value in network.state_dict().items()}
        arrays |= {f"basis.{name}": value for name, value in self.basis.arrays().items()}
        header = {
            "method": NAME,
            "version": VERSION,
            "params": self.params.model_dump(mode="json"),
            "side": self.side,
            "bands": self.bands,
            "seed": self.seed,
            "training": self.trained.training,
            "classes": self.schema.to_json(),
        }
        return State(arrays | {"anchors": self.trained.anchors}, header)


def from_state(state: State, ctx: Context) -> ImageClassifier:
    """A classifier as it was saved, on `ctx.device`. Raises SceneMismatch for one of another version."""
    from hsi_studio.methods.common.nn.window_grid import WindowBasis

    header = state.header
    if header["version"] != VERSION:
        raise SceneMismatch(
            f"The model was made with version {header['version']} of {NAME}, this program has {VERSION}: retrain."
        )
    params = S3FNImageParams.model_validate(header["params"])
    basis, schema, anchors = (
        WindowBasis.from_arrays(part(state, "basis.")),
        ClassSchema.from_json(state.header["classes"]),
        state.arrays["anchors"],
    )
    side = int(header["side"])

    def make() -> nn.Module:
        return as_one(*_networks(basis, side, len(schema), anchors, params))

    both = load_network(make, state, ctx.device)
    trained = Trained(both["cnn"], both["head"], anchors, header["training"])
    return ImageClassifier(schema, params, basis, side, int(header["bands"]), trained, int(header["seed"]))


def _networks(
    basis: WindowBasis, side: int, classes: int, anchors: FloatArray, params: S3FNImageParams
) -> tuple[CNN3D, TextHead]:
    stride = 2 if side >= LEAST_PAPER else 1
    return networks(basis.components, side, stride, classes, anchors.shape[1], params)


def fit_images(train: Collection, prompts: PromptSet, params: S3FNImageParams, ctx: Context) -> ImageClassifier:
    """Train on all images of a collection. Raises TooFewLabels, BadValues, FileProblem, Cancelled."""
    import torch

    from hsi_studio.methods.common.nn.resume import fingerprint

    enough_images(train)
    scenes = [image.scene for image in train.images]
    ctx.progress(Progress("Learning the spectral components", 0.0, 1.0))
    basis = collection_basis(scenes, params, ctx)
    made = anchors_of(train.schema, prompts, params.anchors, params.text_encoder, scenes[0].bands.wavelength_nm, ctx)
    anchors = made.vectors
    side = cube_side(scenes, params.cube)
    grid, owner = cube_grid(scenes, basis, side, params.cubes, ctx)
    label = torch.from_numpy(train.label[owner]).to(ctx.device)

    def draw(which: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        return grid.windows(which, side, generator if params.augment else None)

    cnn, head = _networks(basis, side, len(train.schema), anchors, params)

    def key() -> str:
        ids, kind = [scene.id for scene in scenes], ctx.device.split(":")[0]
        return fingerprint(params.model_dump(mode="json"), ctx.seed, kind, ids, train.label, anchors)

    trained = train_both(cnn, head, draw, label, anchors, params, ctx, key)
    return ImageClassifier(train.schema, params, basis, side, train.bands, trained, ctx.seed, made.notes)


def cube_side(scenes: list[Scene], wanted: int) -> int:
    """`wanted`, or three quarters of the middle image's shorter side where that is less; at least 9.

    Three quarters leave room for cubes at different places.
    """
    middle = int(np.median([min(scene.shape[:2]) for scene in scenes]))
    return max(LEAST, min(wanted, 3 * middle // 4))


def collection_basis(scenes: list[Scene], params: S3FNImageParams, ctx: Context) -> WindowBasis:
    """Components of z-scored bands over the pixels of all images, as many from each. Raises BadValues, Cancelled."""
    from hsi_studio.features.spectral import Projection, principal_axes, scaled_axes
    from hsi_studio.methods.common.nn.window_grid import WindowBasis

    good = np.logical_and.reduce([scene.good_bands for scene in scenes])
    bands = np.flatnonzero(good).astype(np.int64)
    each = max(1, MOST_SPECTRA // len(scenes))
    rng = ctx.rng()
    parts = []
    for scene in scenes:
        ctx.check()
        spectra = _read(scene, bands)[scene.valid]  # (n, b)
        parts.append(spectra[rng.permutation(len(spectra))[:each]] if len(spectra) > each else spectra)
    spectra = np.concatenate(parts) if bands.size else np.zeros((0, 0), np.float32)
    if spectra.shape[0] < 2:
        raise BadValues("collection", f"{spectra.shape[0]} usable pixels", "Check the no-data value of the images")
    mean, scale = spectra.mean(axis=0), spectra.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    z = (spectra - mean) / scale
    values, vectors = principal_axes((z.T.astype(np.float64) @ z) / len(z), bands.size)
    matrix = scaled_axes(values, vectors, params.components, params.variance, params.whitening)
    return WindowBasis(Projection(bands, mean.astype(np.float32), scale, matrix))


def cube_grid(
    scenes: list[Scene], basis: WindowBasis, side: int, most: int, ctx: Context
) -> tuple[Grid, npt.NDArray[np.int64]]:
    """Up to `most` random cubes of every image, as windows of one grid, and the image (M,) each belongs to.

    Cubes lie inside the image where they fit, else around any of its pixels with mirrored edges. The same image and
    seed give the same cubes, whatever other images there are. Raises Cancelled.
    """
    import torch

    from hsi_studio.methods.common.nn.window_grid import Grid, read_components

    reach = side // 2
    tile = 2 * reach + 1
    tiles, owner = [], []
    for number, scene in enumerate(scenes):
        ctx.check()
        row, col = cube_centres(scene, side, most, np.random.default_rng([ctx.seed, 77]))
        h, w = scene.shape[:2]
        whole = None
        if h * w * scene.bands.count <= SMALL:
            whole = read_components(scene, basis, slice(0, h), slice(0, w), reach)
        for r, c in zip(row.tolist(), col.tolist(), strict=True):  # one step a cube
            if whole is None:
                tiles.append(read_components(scene, basis, slice(r, r + 1), slice(c, c + 1), reach))
            else:
                tiles.append(whole[r : r + tile, c : c + tile])
            owner.append(number)
    values = torch.from_numpy(np.stack(tiles).reshape(-1, basis.components)).to(ctx.device)
    centre = np.arange(len(tiles), dtype=np.int64) * tile * tile + reach * tile + reach
    return Grid(values, tile, torch.from_numpy(centre).to(ctx.device)), np.array(owner, dtype=np.int64)


def cube_centres(
    scene: Scene, side: int, most: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows and columns (m,) of up to `most` different centres on valid pixels, cubes inside the image if they fit.

    Raises BadValues for an image without a valid pixel.
    """
    inside = np.zeros(scene.shape[:2], dtype=bool)
    up = side // 2
    down = side - up - 1
    inside[up : max(scene.shape[0] - down, 0), up : max(scene.shape[1] - down, 0)] = True
    allowed = scene.valid & inside if (scene.valid & inside).any() else scene.valid
    row, col = np.nonzero(allowed)
    if row.size == 0:
        raise BadValues(scene.name, "no pixel of this image has data", "Take it out of the collection")
    picked = rng.permutation(row.size)[:most]
    return row[picked].astype(np.int64), col[picked].astype(np.int64)


def _read(scene: Scene, bands: npt.NDArray[np.int64]) -> FloatArray:
    """(H, W, b)."""
    height, width, _ = scene.shape
    return scene.read(slice(0, height), slice(0, width), bands.tolist())
