"""Facts about images on disk as planes of a sample: how they are read, what is refused, that a state is the model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadRequest, Cancelled, SceneMismatch, TooFewLabels
from hsi_studio.methods.contract import Context, State
from hsi_studio.methods.diffclip.collection import MOST_PLANES, fit_planes, from_state, read_planes
from hsi_studio.methods.diffclip.method import DiffClip
from hsi_studio.methods.diffclip.params import DiffClipParams
from hsi_studio.scene.collection import Collection, Image
from hsi_studio.types import FloatArray, PromptSet
from tests.features.scenes import scene_from, schema

PARAMS = DiffClipParams.model_validate({**DiffClip.test_params, "min_steps": 4, "use_pretraining": False})


def collection(cubes: list[FloatArray]) -> Collection:
    """Images of two classes in turn."""
    images = (Image(scene_from(cube, name=f"i{n}"), n % 2, f"g{n}", Path(f"{n}.npy")) for n, cube in enumerate(cubes))
    return Collection("knees", schema(2), tuple(images))


def noise(*sizes: tuple[int, int], planes: int = 2) -> list[FloatArray]:
    rng = np.random.default_rng(0)
    return [rng.normal(1, 0.3, (*size, planes)).astype(np.float32) for size in sizes]


def test_a_plane_is_averaged_to_the_grid_by_hand() -> None:
    cube = np.arange(4 * 6 * 2, dtype=np.float32).reshape(4, 6, 2)
    first, second = read_planes(collection([cube]), 2, Context())
    assert first.shape == (1, 2, 2)
    by_hand = cube.reshape(2, 2, 2, 3, 2).mean(axis=(1, 3))  # blocks of 2 × 3 pixels
    assert np.allclose(first[0], by_hand[..., 0])
    assert np.allclose(second[0], by_hand[..., 1])


def test_images_of_any_size_keep_their_mean_and_a_gap_takes_its_planes_median() -> None:
    cubes = noise((8, 12), (16, 4))
    planes = read_planes(collection(cubes), 4, Context())
    for number, cube in enumerate(cubes):
        assert [plane[number].mean() for plane in planes] == pytest.approx(cube.mean(axis=(0, 1)), rel=1e-5)
    gappy = np.full((4, 4, 2), 3.0, dtype=np.float32)
    gappy[0, 0] = np.nan
    gappy[1, 1, 0] = 1000.0  # moves a mean, not a median
    gappy[..., 1] = np.nan  # a plane without any data
    first, second = read_planes(collection([gappy]), 4, Context())
    assert first[0, 0, 0] == 3.0
    assert (second == 0).all()


@pytest.mark.slow
def test_a_model_from_its_state_votes_the_same_and_looks_at_no_label() -> None:
    train = collection(noise(*[(9, 10)] * 6))
    model = fit_planes(train, PromptSet(), PARAMS, Context())
    again = from_state(State(model.state().arrays, json.loads(json.dumps(model.state().header))), Context())
    turned = replace(train, images=tuple(replace(image, label=1 - image.label) for image in train.images))
    first, second = model.classify(train, Context()), again.classify(turned, Context())
    assert np.array_equal(first.probability, second.probability)
    assert first.votes.sum(axis=1).tolist() == [1] * 6
    assert np.array_equal(first.votes.argmax(axis=1), first.label)


def test_what_cannot_be_planes_is_refused_with_the_numbers() -> None:
    many = collection(noise((6, 6), (6, 6), planes=MOST_PLANES + 1))
    with pytest.raises(BadRequest, match=r"9 bands .*at most 8"):
        fit_planes(many, PromptSet(), PARAMS, Context())
    with pytest.raises(TooFewLabels, match="class 1"):
        fit_planes(collection(noise((6, 6))), PromptSet(), PARAMS, Context())
    model = fit_planes(collection(noise((6, 6), (6, 6))), PromptSet(), PARAMS, Context())
    with pytest.raises(SceneMismatch, match=r"2 planes in the model, 3 in the images of knees"):
        model.classify(collection(noise((6, 6), planes=3)), Context())


def test_a_stop_is_heard_between_images() -> None:
    answers = iter([False, True])
    with pytest.raises(Cancelled):
        read_planes(collection(noise((6, 6), (6, 6), (6, 6))), 3, Context(cancelled=lambda: next(answers)))
