"""Facts about curated prompts: the paper's parameter count, the probe in the graph, one map for all windows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from hsi_studio.errors import LabelProblem
from hsi_studio.methods.common.looks import SHARE
from hsi_studio.methods.common.nn.window_grid import label_grid
from hsi_studio.methods.common.schedule import step_count
from hsi_studio.methods.common.windowed import WindowFitted, class_anchors
from hsi_studio.methods.contract import Block, Context
from hsi_studio.methods.curated.method import Curated, CuratedParams
from hsi_studio.methods.curated.vit import CuratedViT
from hsi_studio.types import LabelSet, PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, schema, with_gaps
from tests.methods.salt_and_pepper import salt_and_pepper

BGE_LARGE = 335_141_888  # parameters of BAAI/bge-large-en-v1.5, frozen


def made(name: str = "curated") -> tuple[Scene, LabelSet]:
    cube, truth = fields(30, 32)
    scene = scene_from(with_gaps(cube), name=name)
    return scene, draw_labels(truth, scene.valid, shots=3)


def fit(scene: Scene, labels: LabelSet, prompts: PromptSet | None = None, **params: Any) -> WindowFitted:
    values = CuratedParams.model_validate({"epochs": 5, "least_steps": 0} | params)
    return Curated().fit(scene, labels, prompts or PromptSet(), values, Context())


def test_the_papers_sizes_give_its_share_of_trained_parameters() -> None:
    """The abstract's 0.07 %: 246,593 trained beside bge-large's 335 million frozen."""
    paper = CuratedParams.model_validate(Curated.paper)
    network = CuratedViT(paper.components, paper.patch, paper.token, text_dim=1024, centre=paper.centre)
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert trained == 246_593
    assert round(100 * trained / (trained + BGE_LARGE), 4) == 0.0735


def test_the_paper_preset_is_the_papers_training() -> None:
    paper = CuratedParams.model_validate(Curated.paper)
    assert (paper.hard, paper.semi_hard, paper.learning_rate, paper.weight_decay) == (4, 4, 1e-3, 1e-4)
    assert (paper.batch, paper.epochs, paper.text_encoder) == (32, 100, "BAAI/bge-large-en-v1.5")


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize(("side", "token"), [(9, 3), (5, 1), (15, 5)])
def test_shared_computation_is_window_by_window_computation(side: int, token: int, centre: bool) -> None:
    network = CuratedViT(4, side, token, text_dim=7, centre=centre)
    network.initialise(torch.Generator().manual_seed(0))
    torch.nn.init.normal_(network.position, generator=torch.Generator().manual_seed(1))
    values = torch.randn(6 + side - 1, 8 + side - 1, 4, generator=torch.Generator().manual_seed(2))
    windows = values.unfold(0, side, 1).unfold(1, side, 1).permute(0, 1, 3, 4, 2).reshape(48, side, side, 4)
    pixel = torch.tensor([0, 5, 47, 12, 8])
    with torch.inference_mode():
        torch.testing.assert_close(
            network.dense(values, pixel, 8, chunk=2), network.windows(windows[pixel]), atol=1e-5, rtol=0
        )
        torch.testing.assert_close(
            network.dense_alone(values, pixel, 8, chunk=2), network.alone(windows[pixel, side // 2, side // 2]),
            atol=1e-5, rtol=0,
        )  # fmt: skip


@pytest.mark.slow
def test_the_map_is_what_each_window_alone_gives() -> None:
    """From the scene's file to probabilities, edges and pixels beside missing data included."""
    scene, labels = made()
    fitted = fit(scene, labels)
    whole = fitted.network_answers(Block(scene, slice(0, 30), slice(0, 32)))
    row, col = np.array([0, 29, 4, 15, 12]), np.array([0, 31, 19, 15, 27])
    network: Any = fitted.network
    grid = label_grid(scene, fitted.basis, row, col, fitted.reach, "cpu")
    text = torch.from_numpy(fitted.arrays["text"])
    with torch.inference_mode():
        windows = network.windows(grid.windows(torch.arange(5), fitted.params.patch))  # type: ignore[attr-defined]
        pixels = network.alone(grid.rows[grid.centre])
        said = [(network.scale * z @ network.prototypes(text).t()).softmax(1).numpy() for z in (windows, pixels)]
    share = fitted.training[SHARE]
    np.testing.assert_allclose(whole[:, row, col].T, (1 - share) * said[0] + share * said[1], atol=1e-4)


def test_pixels_whose_windows_hold_all_classes_are_told_by_themselves() -> None:
    scene, labels, truth = salt_and_pepper()
    whole = Block(scene, slice(0, 24), slice(0, 24))
    right = {}
    for alone in (True, False):
        fitted = fit(scene, labels, epochs=60, least_steps=60, smoothing=0, alone=alone)
        right[alone] = float((fitted.predict(whole).argmax(axis=0) == truth).mean())
        assert not alone or fitted.training[SHARE] > 0.6
    assert right[True] > right[False] + 0.2


def test_a_pixel_cannot_be_told_by_itself_by_a_network_that_does_not_see_it() -> None:
    with pytest.raises(ValidationError, match="needs the middle pixel"):
        CuratedParams(centre=False)
    assert not CuratedParams.model_validate(Curated.paper).alone


def test_the_probe_learns_through_the_prototypes() -> None:
    network = CuratedViT(3, 3, 1, text_dim=7)
    network.initialise(torch.Generator().manual_seed(0))
    windows = torch.randn(6, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    text = torch.randn(2, 7, generator=torch.Generator().manual_seed(2))
    similarity = network.scale * network.windows(windows) @ network.prototypes(text).t()
    torch.nn.functional.cross_entropy(similarity, torch.tensor([0, 1] * 3)).backward()
    assert network.probe.weight.grad is not None
    assert float(network.probe.weight.grad.abs().sum()) > 0
    assert network.log_scale.grad is not None


def test_every_sentence_is_encoded_on_its_own_and_averaged() -> None:
    class Letters:
        """Counts of a and b."""

        def encode(self, sentences: list[str]) -> np.ndarray:
            return np.array([[s.count("a"), s.count("b")] for s in sentences], dtype=np.float32)

    classes = schema(2)
    prompts = PromptSet({classes.classes[0].id: ("a", "b"), classes.classes[1].id: ("bb",)})
    expected = [[2**-0.5, 2**-0.5], [0, 1]]
    np.testing.assert_allclose(class_anchors(classes, prompts, Letters()), expected, atol=1e-6)


def test_texts_enter_the_model_and_go_with_it() -> None:
    scene, labels = made()
    named = fit(scene, labels)
    told = fit(scene, labels, PromptSet({"id0": ("smooth dark water", "a calm lake"), "id1": ("dry straw",)}))
    assert not np.allclose(named.arrays["text"][:2], told.arrays["text"][:2])
    assert np.array_equal(named.arrays["text"][2:], told.arrays["text"][2:])
    header = told.state().header
    assert header["prompts"]["id0"] == ["smooth dark water", "a calm lake"]
    assert header["prompts"]["id2"] == ["class 2"]


def test_few_labels_train_long_enough_and_many_labels_come_to_an_end() -> None:
    assert step_count(309, 32, 100, 100, 3000) == 1000
    assert step_count(4, 32, 5, 100, 3000) == 100
    assert step_count(50_000, 32, 100, 100, 3000) == 3000


def test_an_even_window_or_one_that_tokens_do_not_fill_is_refused() -> None:
    for patch, token in ((8, 2), (9, 4)):
        with pytest.raises(ValidationError, match=f"{patch} pixels cannot be cut into tokens of {token}"):
            CuratedParams(patch=patch, token=token)  # type: ignore[call-arg]


def test_a_label_without_data_is_refused_with_its_place() -> None:
    scene, labels = made()
    hole = np.argwhere(~scene.valid)[0]
    moved = replace(labels, row=np.r_[hole[0], labels.row[1:]], col=np.r_[hole[1], labels.col[1:]])
    with pytest.raises(LabelProblem, match=f"row {hole[0]}, column {hole[1]}"):
        fit(scene, moved)
