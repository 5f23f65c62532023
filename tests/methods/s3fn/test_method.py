"""Facts about S3FN on scenes: shared computation, frozen features, centred anchors, the notebooks' form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hsi_studio.methods.common.looks import SHARE
from hsi_studio.methods.common.nn.window_grid import label_grid
from hsi_studio.methods.common.windowed import WindowFitted
from hsi_studio.methods.contract import Block, Context
from hsi_studio.methods.s3fn.cnn3d import CNN3D
from hsi_studio.methods.s3fn.method import S3FN, S3FNParams
from hsi_studio.methods.s3fn.stages import used_anchors
from hsi_studio.methods.s3fn.training import Plan, TextHead, centred, train_cnn, train_head
from hsi_studio.types import PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, with_gaps
from tests.methods.salt_and_pepper import salt_and_pepper

SMALL = (3, 4, 5)


def fit(**params: Any) -> tuple[Scene, WindowFitted]:
    cube, truth = fields(24, 26)
    scene = scene_from(with_gaps(cube), name="s3fn")
    values = S3FNParams.model_validate({"epochs": 4, "text_epochs": 4, "least_steps": 0, "channels": SMALL} | params)
    labels = draw_labels(truth, scene.valid, shots=2)
    return scene, S3FN().fit(scene, labels, PromptSet(), values, Context())


def small_cnn(side: int, stride: int, components: int = 6, classes: int = 3) -> CNN3D:
    network = CNN3D(components, side, classes, stride, SMALL)
    network.initialise(torch.Generator().manual_seed(0))
    return network


@pytest.mark.parametrize("components", [1, 2, 7])
@pytest.mark.parametrize(("side", "centre", "context"), [(9, False, 0), (9, True, 15), (11, True, 5), (15, False, 15)])
def test_a_map_is_computed_once_and_equals_window_by_window(
    side: int, centre: bool, context: int, components: int
) -> None:
    network = CNN3D(components, side, 3, 1, SMALL, centre, context)
    network.initialise(torch.Generator().manual_seed(0))
    outer = max(side, context)
    values = torch.randn(4 + outer - 1, 5 + outer - 1, components, generator=torch.Generator().manual_seed(1))
    windows = values.unfold(0, outer, 1).unfold(1, outer, 1).permute(0, 1, 3, 4, 2).reshape(20, outer, outer, -1)
    with torch.inference_mode():
        torch.testing.assert_close(network.dense(values).flatten(0, 1), network.features(windows), atol=1e-5, rtol=0)
        own = windows[:, outer // 2, outer // 2]
        same = own[:, None, None].expand(windows.shape)  # the same pixel all over
        torch.testing.assert_close(network.alone(own), network.features(same), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("side", "stride"), [(9, 1), (12, 1), (14, 2), (15, 2), (32, 2)])
def test_features_see_the_whole_window_and_nothing_is_left_of_a_smaller_one(side: int, stride: int) -> None:
    network = small_cnn(side, stride)
    x = torch.randn(1, side, side, 6, generator=torch.Generator().manual_seed(2), requires_grad=True)
    network.features(x).sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().sum(dim=(0, 3)) > 0
    used = side if stride == 1 else side - side % 2  # a pool of 2 leaves out an odd last row, as the paper's does
    assert bool(seen[: used - 2, : used - 2].any(dim=1).all())
    with pytest.raises(ValueError, match="at least"):
        CNN3D(6, 8 if stride == 1 else 13, 3, stride, SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("literal", [True, False])
def test_the_map_is_what_each_window_alone_gives(literal: bool) -> None:
    scene, fitted = fit(notebook_literal=literal)
    whole = fitted.network_answers(Block(scene, slice(0, 24), slice(0, 26)))
    row, col = np.array([0, 23, 4, 12]), np.array([0, 25, 19, 13])
    grid = label_grid(scene, fitted.basis, row, col, fitted.reach, "cpu")
    network: Any = fitted.network
    anchors = used_anchors(fitted.arrays["anchors"], literal, "cpu")
    with torch.inference_mode():
        cnn = network["cnn"]
        looks = cnn.features(grid.windows(torch.arange(4), fitted.params.outer)), cnn.alone(grid.rows[grid.centre])
        said = [network["head"](features, anchors).softmax(1).numpy() for features in looks]
    share = fitted.training[SHARE]
    np.testing.assert_allclose(whole[:, row, col].T, (1 - share) * said[0] + share * said[1], atol=1e-4)


def test_centring_takes_away_what_all_anchors_share() -> None:
    """Anchors with cosines near 0.99 to each other become well apart, whatever their common part."""
    rng = torch.Generator().manual_seed(0)
    own, shared = torch.randn(5, 40, generator=rng), 30 * torch.randn(1, 40, generator=rng)
    anchors = torch.nn.functional.normalize(own + shared, dim=1)
    off = ~torch.eye(5, dtype=torch.bool)
    assert float((anchors @ anchors.t())[off].min()) > 0.98
    free = centred(anchors)
    assert float((free @ free.t())[off].max()) < 0.3
    assert torch.allclose(free.norm(dim=1), torch.ones(5))
    two = centred(anchors[:2])
    assert torch.allclose(two[0], -two[1], atol=1e-5)


@pytest.mark.slow
def test_the_notebooks_form_has_no_temperature_and_cannot_be_sure() -> None:
    """Four nearly equal anchors and a factor of 1 leave every class near 1/4; ours is sure of separable fields."""
    scene, literal = fit(notebook_literal=True, closed_form="off", epochs=40, text_epochs=40)
    _, ours = fit(epochs=40, text_epochs=40)
    block = Block(scene, slice(0, 24), slice(0, 26))
    assert literal.training["temperature"] == 1.0
    assert np.nanmax(literal.predict(block)) < 0.5
    assert np.nanmedian(ours.predict(block).max(axis=0)) > 0.8
    head = TextHead(40, literal=True)
    assert [name for name, p in head.named_parameters() if p.requires_grad] == ["dense.weight", "dense.bias"]


def test_the_second_stage_leaves_the_first_as_it_is_and_learns() -> None:
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(3).repeat(8)
    windows = torch.randn(24, 9, 9, 6, generator=generator) + label.view(-1, 1, 1, 1)
    network, head = small_cnn(9, 1), TextHead(20, literal=False)
    head.initialise(generator)
    plan = Plan(40, 12, 1e-3, 0.0, lambda _: 1.0, lambda _: None)
    first = [train_cnn(network, lambda which, _: windows[which], label, plan, generator) for _ in range(2)]
    assert first[1] < first[0]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        features = network.features(windows)[None]
    anchors = centred(torch.randn(3, 20, generator=generator))
    second = [train_head(head, features, label, anchors, plan, generator) for _ in range(2)]
    assert second[1] < second[0]
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_pixels_whose_windows_hold_all_classes_are_told_by_themselves() -> None:
    scene, labels, truth = salt_and_pepper()
    whole = Block(scene, slice(0, 24), slice(0, 24))
    right = {}
    for alone in (True, False):
        steps = {"epochs": 60, "text_epochs": 60, "least_steps": 60, "channels": SMALL, "smoothing": 0}
        params = S3FNParams.model_validate({**steps, "alone": alone})
        fitted = S3FN().fit(scene, labels, PromptSet(), params, Context())
        right[alone] = float((fitted.predict(whole).argmax(axis=0) == truth).mean())
        assert not alone or fitted.training[SHARE] > 0.6
    assert right[True] > right[False] + 0.1


def test_most_weights_are_gone_with_global_pooling() -> None:
    """The paper's flatten → dense holds 98 % of its 13–19 M weights: 128·(8·8·7)·128 for 32×32×30 cubes."""
    network = CNN3D(30, 32, 9, 2, (32, 64, 128))
    assert sum(p.numel() for p in network.parameters()) < 500_000
    assert network.dense1.in_features == 128 * 7


def test_an_even_window_is_refused() -> None:
    with pytest.raises(ValueError, match="take 9 or 11"):
        S3FNParams(patch=10)  # type: ignore[call-arg]
