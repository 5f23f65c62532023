"""Facts about the DiffCLIP method beyond the contract: sizes, exactness, sharing, caching, controls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from hsi_studio.errors import BadRequest, Cancelled
from hsi_studio.features.cache import FeatureCache
from hsi_studio.methods.common.looks import SHARE
from hsi_studio.methods.contract import Block, Context
from hsi_studio.methods.diffclip.class_text import class_sentences
from hsi_studio.methods.diffclip.encoder_cache import pretrained_status
from hsi_studio.methods.diffclip.fitted import DiffClipFitted
from hsi_studio.methods.diffclip.inputs import SceneInputs, fit_scaling
from hsi_studio.methods.diffclip.method import DiffClip
from hsi_studio.methods.diffclip.networks import ImageSide, MaskDiffusion
from hsi_studio.methods.diffclip.params import PRESETS, DiffClipParams
from hsi_studio.methods.diffclip.text_transformer import TextTransformer
from hsi_studio.types import LabelSet, Progress, PromptSet, Scene
from tests.features.scenes import draw_labels, fields, scene_from, schema, with_gaps
from tests.methods.salt_and_pepper import salt_and_pepper

CLASSES = 4
WHOLE = (slice(0, 40), slice(0, 48))


def params(**changes: Any) -> DiffClipParams:
    return DiffClipParams.model_validate({**DiffClip.test_params, **changes})


def with_heights(layers: int = 2, name: str = "heights") -> tuple[Scene, LabelSet]:
    cube, truth = fields(classes=CLASSES)
    dsm = np.stack([truth * 4.0 + i for i in range(layers)], axis=2).astype(np.float32)
    dsm[0, 0, 0] = np.nan
    scene = scene_from(with_gaps(cube), dsm=dsm, name=name)
    return scene, draw_labels(truth, scene.valid, shots=4)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return scene_from(with_gaps(fields(classes=CLASSES)[0]), name="facts")


@pytest.fixture(scope="module")
def labels(scene: Scene) -> LabelSet:
    return draw_labels(fields(classes=CLASSES)[1], scene.valid, shots=4)


def fitted(scene: Scene, labels: LabelSet, prompts: PromptSet | None = None, **changes: Any) -> DiffClipFitted:
    return DiffClip().fit(scene, labels, prompts or PromptSet(), params(**changes), Context())


def share_right(model: DiffClipFitted, scene: Scene) -> float:
    found = model.predict(Block(scene, *WHOLE)).argmax(axis=0)
    return float((found == fields(classes=CLASSES)[1])[scene.valid].mean())


def test_size_at_the_papers_settings() -> None:
    """Published: 8.25 M in the few-shot model, 6.3 M of them the token table, parts that never train included."""
    table = 49_408 * 128
    with torch.device("meta"):  # sizes without memory
        image = ImageSide((144, 1), 121, 128, 4, 8)
        text = TextTransformer(49_408, 77, 128, 3, 8, 128)
        stage1 = MaskDiffusion(image, (144, 1), 121, 128, 3, 8)
    count = [sum(p.numel() for p in m.parameters()) for m in (image, text, stage1)]
    assert text.table.numel() == table == 6_324_224
    assert count[0] + count[1] == 7_610_240  # all of it trains
    assert count[0] + count[1] < 8_250_000 < count[1] + count[2]  # ours, the paper's, ours with the decoders


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"tokens": "pixels", "patch": 5}, {"patch": 7}, {"members": 2}])
@pytest.mark.parametrize("heights", [False, True])
def test_shared_work_gives_what_patch_by_patch_gives(
    scene: Scene, labels: LabelSet, changes: dict[str, Any], heights: bool
) -> None:
    where, marks = with_heights() if heights else (scene, labels)
    model = fitted(where, marks, stride=1, smoothing=0, **changes)
    shared = model.predict(Block(where, *WHOLE))
    row, col = np.nonzero(where.valid)
    alone = model._classify(row, col)
    assert np.abs(shared[:, row, col].T - alone).max() < 1e-4


def test_prediction_does_not_change_from_call_to_call_nor_with_other_pixels(scene: Scene, labels: LabelSet) -> None:
    model = fitted(scene, labels, stride=1, smoothing=0)
    row, col = np.nonzero(scene.valid)
    first = model._classify(row, col)
    assert np.array_equal(first, model._classify(row, col))
    order = np.random.default_rng(0).permutation(row.size)
    assert np.allclose(model._classify(row[order], col[order]), first[order], atol=1e-6)
    assert np.allclose(model._classify(row[:7], col[:7]), first[:7], atol=1e-6)


@pytest.mark.parametrize("stride", [0, 1, 3])
def test_any_window_of_the_map_is_the_same_as_in_the_whole(scene: Scene, labels: LabelSet, stride: int) -> None:
    model = fitted(scene, labels, stride=stride, smoothing=7)
    whole = model.predict(Block(scene, *WHOLE))
    for rows, cols in ((slice(11, 24), slice(5, 31)), (slice(39, 40), slice(47, 48))):
        assert np.allclose(model.predict(Block(scene, rows, cols)), whole[:, rows, cols], atol=1e-5, equal_nan=True)


def test_an_island_the_lattice_misses_is_still_classified() -> None:
    cube, truth = fields(classes=CLASSES)
    cube[:13, :13] = np.nan
    cube[5, 5] = fields(classes=CLASSES)[0][5, 5]  # odd row, odd column, nothing around it
    scene = scene_from(cube, name="island")
    model = fitted(scene, draw_labels(truth, scene.valid, shots=4), stride=2, smoothing=0)
    found = model.predict(Block(scene, slice(5, 6), slice(5, 6)))
    assert np.isclose(found.sum(), 1.0, atol=1e-5)


def test_embeddings_are_unit_vectors_and_explain_the_map(scene: Scene, labels: LabelSet) -> None:
    model = fitted(scene, labels, stride=1, smoothing=0)
    block = Block(scene, slice(0, 20), slice(0, 20))
    z = model.embed(block)[block.valid]
    assert np.allclose(np.linalg.norm(z, axis=1), 1.0, atol=1e-4)
    assert np.array_equal((z @ model.prototypes.T).argmax(axis=1), model.predict(block).argmax(axis=0)[block.valid])


@pytest.mark.parametrize("alone", [True, False])
def test_a_map_made_at_once_is_that_of_patches_one_by_one(scene: Scene, labels: LabelSet, alone: bool) -> None:
    model = fitted(scene, labels, stride=1, smoothing=0, alone=alone, members=2, min_steps=4)
    assert model.prototypes.shape[1] == model.params.width * 2 * (1 + alone)  # of two members, each with its looks
    row, col = np.array([0, 20, 39]), np.array([0, 24, 47])
    whole = model.predict(Block(scene, *WHOLE))[:, row, col].T
    np.testing.assert_allclose(whole, model.at(row, col), atol=1e-4)


@pytest.mark.slow
def test_pixels_whose_patches_hold_all_classes_are_told_by_themselves() -> None:
    scene, labels, truth = salt_and_pepper()
    whole = Block(scene, slice(0, 24), slice(0, 24))
    right = {}
    for alone in (True, False):
        model = fitted(scene, labels, stride=1, smoothing=0, patch=9, min_steps=120, alone=alone)
        right[alone] = float((model.predict(whole).argmax(axis=0) == truth).mean())
        assert not alone or model.history[SHARE] > 0.6
    assert right[True] > right[False] + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("layers", [1, 3])
def test_heights_help_where_spectra_do_not(layers: int) -> None:
    rng = np.random.default_rng(0)
    truth = fields(classes=CLASSES)[1]
    dsm = np.repeat(truth[..., None] * 5.0, layers, axis=2).astype(np.float32)
    noise = rng.normal(0.4, 0.05, (40, 48, 12)).astype(np.float32)
    scene = scene_from(noise, dsm=dsm, name=f"only heights {layers}")
    labels = draw_labels(truth, scene.valid, shots=6)
    steps = {"min_steps": 120, "patch": 3}
    assert share_right(fitted(scene, labels, **steps), scene) > 0.9
    assert share_right(fitted(scene, labels, use_dsm=False, **steps), scene) < 0.6


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"use_text": False},
        {"use_pretraining": False},
        {"use_diffusion": False},
        {"use_mask": False},
        {"keep_front_end": True},
        {"loss": "pairs", "min_steps": 80},
        {"inputs": "bands"},
        {"schedule": "step", "average": 0.0, "mixing": 0.0, "dropped_tokens": 0.0, "noise_steps": 0, "augment": False},
        {"learn_temperature": False},
    ],
)
def test_every_switch_still_finds_the_fields(scene: Scene, labels: LabelSet, changes: dict[str, Any]) -> None:
    model = fitted(scene, labels, **changes)
    assert share_right(model, scene) > 0.8
    if changes == {"learn_temperature": False}:
        assert model.inverse_temperature == pytest.approx(1 / 0.07, rel=1e-4)
    assert 1.0 <= model.inverse_temperature <= 100.0


def test_presets_are_valid_and_the_papers_one_is_the_paper() -> None:
    for name in PRESETS:
        DiffClipParams.preset(name)
    paper = DiffClipParams.preset("paper")
    assert (paper.unlabelled, paper.pretrain_epochs, paper.epochs, paper.mask_ratio) == (700, 100, 150, 0.7)
    assert (paper.patch, paper.tokens, paper.width, paper.depth, paper.heads) == (11, "pixels", 128, 4, 8)
    assert (paper.lr, paper.pretrain_lr, paper.weight_decay, paper.batch) == (1e-4, 1e-4, 1e-5, 64)
    assert (paper.stride, paper.smoothing, paper.average, paper.loss) == (1, 0, 0.0, "pairs")
    assert not DiffClipParams.preset("clip").use_pretraining
    assert [DiffClipParams().stride_on(pixels) for pixels in (21_025, 664_845)] == [2, 3]
    assert DiffClipParams(stride=1).stride_on(664_845) == 1
    with pytest.raises(ValidationError, match="odd"):
        DiffClipParams(patch=10)


@pytest.mark.slow
def test_stage_1_runs_once_a_scene_and_says_when(scene: Scene, labels: LabelSet, tmp_path: Path) -> None:
    p = params()
    said: list[str] = []

    def fit(seed: int, which: DiffClipParams, method: DiffClip) -> None:
        said.clear()
        ctx = Context(seed=seed, cache_dir=tmp_path, progress=lambda event: said.append(event.message))
        method.fit(scene, labels, PromptSet(), which, ctx)

    assert pretrained_status(scene, p, tmp_path) == "pre-trained: no"
    assert pretrained_status(scene, p, None) == "pre-trained: no"
    fit(0, p, DiffClip())
    assert any("Pre-training on 32 unlabelled patches" in message for message in said)
    later = datetime.now(UTC) + timedelta(minutes=3, seconds=5)
    assert pretrained_status(scene, p, tmp_path, now=later) == "pre-trained: yes, 32 patches, 3 min ago"
    fit(1, p.model_copy(update={"lr": 1e-3}), DiffClip())  # another draw, other stage 2, another process
    assert not any("Pre-training" in message for message in said)
    fit(1, p.model_copy(update={"mask_ratio": 0.5}), DiffClip())
    assert any("Pre-training" in message for message in said)
    off = p.model_copy(update={"use_pretraining": False})
    assert pretrained_status(scene, off, tmp_path) == "pre-trained: switched off"


@pytest.mark.slow
def test_a_damaged_encoder_file_is_made_again(scene: Scene, labels: LabelSet, tmp_path: Path) -> None:
    ctx = Context(cache_dir=tmp_path)
    first = DiffClip().fit(scene, labels, PromptSet(), params(), ctx)
    (file,) = (tmp_path / "diffclip").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    again = DiffClip().fit(scene, labels, PromptSet(), params(), ctx)
    assert np.array_equal(first.prototypes, again.prototypes)
    assert file.stat().st_size > 100


@pytest.mark.slow
def test_stage_1_learns_to_reconstruct(scene: Scene, tmp_path: Path) -> None:
    import json

    DiffClip().prepare(scene, params(unlabelled=256, pretrain_epochs=30), Context(cache_dir=tmp_path))
    (file,) = (tmp_path / "diffclip").glob("*.json")
    made = json.loads(file.read_text())
    assert made["patches"] == 256
    assert made["last_loss"] < 0.8 * made["first_loss"]


def test_cancel_stops_pre_training_and_leaves_nothing_half_done(scene: Scene, tmp_path: Path) -> None:
    stop: list[bool] = []

    def progress(event: Progress) -> None:
        if "Pre-training" in event.message and (event.fraction or 0) > 0.3:
            stop.append(True)

    cache = FeatureCache()
    with pytest.raises(Cancelled):
        DiffClip(cache).prepare(
            scene,
            params(pretrain_epochs=10),
            Context(cache_dir=tmp_path, progress=progress, cancelled=lambda: bool(stop)),
        )
    assert not (tmp_path / "diffclip").exists()


def test_mapping_looks_at_cancel_inside_the_network(scene: Scene, labels: LabelSet) -> None:
    from hsi_studio.engine.mapping.predict import predict_scene

    model = replace(fitted(scene, labels), _scores=None, _done=None)  # as loaded: the fit has looked at the scene
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        predict_scene(model, scene, "diffclip", {}, 0, Context(cancelled=lambda: next(asked, True)))
    assert share_right(model, scene) > 0.8  # and it can be used afterwards


def test_sentences_are_averaged_by_class_and_missing_ones_come_from_the_template() -> None:
    known = schema(3)
    prompts = PromptSet({known.classes[1].id: ("tall trees.", "a dark wood.")})
    sentences, weights = class_sentences(known, prompts, "a patch of {class}.")
    assert sentences == ["a patch of class 0.", "tall trees.", "a dark wood.", "a patch of class 2."]
    assert weights.tolist() == [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1]]
    with pytest.raises(BadRequest, match=r"no \{class\}"):
        class_sentences(known, prompts, "a patch.")


@pytest.mark.slow
def test_permuted_text_trains_as_a_control(scene: Scene, labels: LabelSet) -> None:
    ids = [info.id for info in labels.schema.classes]
    words = ["bright dry soil.", "tall dark trees.", "wet green grass.", "a red roof."]
    models = [
        fitted(scene, labels, PromptSet({i: (w,) for i, w in zip(ids, some, strict=True)}))
        for some in (words, words[1:] + words[:1])
    ]
    assert not np.allclose(models[0].prototypes, models[1].prototypes)
    assert all(share_right(model, scene) > 0.8 for model in models)


@pytest.mark.slow
def test_a_frozen_sentence_encoder_can_take_the_text_transformers_place(scene: Scene, labels: LabelSet) -> None:
    model = fitted(scene, labels, text_encoder="minilm", min_steps=60)
    assert share_right(model, scene) > 0.8


def test_one_hot_pixel_does_not_move_the_scaling() -> None:
    cube, _ = fields(classes=CLASSES)
    hot = cube.copy()
    hot[7, 7] = 50.0
    calm, disturbed = (fit_scaling(scene_from(c, name=n), None, False) for c, n in ((cube, "calm"), (hot, "hot")))
    assert np.allclose(calm.centre, disturbed.centre, atol=1e-3)
    assert np.allclose(calm.scale, disturbed.scale, rtol=0.15)  # one pixel of 1,920 cannot do more
    values, _ = SceneInputs(scene_from(hot, name="hot"), disturbed).window(slice(0, 40), slice(0, 48), 3)
    assert values[0].shape == (46, 54, 12)
    assert np.abs(values[0]).max() <= 6.0


def test_a_windows_margin_is_the_scene_and_beyond_its_edge_a_mirror() -> None:
    scene = scene_from(fields(classes=CLASSES)[0], name="mirror")
    inputs = SceneInputs(scene, fit_scaling(scene, 5, False))
    (whole,), _ = inputs.window(*WHOLE, 5)
    (part,), _ = inputs.window(slice(10, 20), slice(0, 48), 5)
    assert np.array_equal(part, whole[10:30])
    assert np.array_equal(whole[4], whole[5])
    assert np.array_equal(whole[:, 3], whole[:, 6])


@pytest.mark.slow
def test_a_model_with_heights_goes_through_its_state() -> None:
    scene, labels = with_heights(3, "saved heights")
    model = fitted(scene, labels, members=2)
    again = DiffClip().from_state(model.state(), scene, Context())
    block = Block(scene, *WHOLE)
    assert np.allclose(model.predict(block), again.predict(block), atol=1e-6, equal_nan=True)
    assert again.inputs.scaling.channels == (11, 4)  # one band is constant; height above ground and three layers


def test_another_seed_is_another_network_on_the_same_encoder(scene: Scene, labels: LabelSet) -> None:
    method = DiffClip()
    first, second = (method.fit(scene, labels, PromptSet(), params(), Context(seed=s)) for s in (0, 1))
    assert not np.allclose(first.prototypes, second.prototypes)


def test_a_class_without_labels_is_named(scene: Scene, labels: LabelSet) -> None:
    from hsi_studio.errors import TooFewLabels

    with pytest.raises(TooFewLabels, match="class 4"):
        fitted(scene, replace(labels, schema=schema(5)))


def test_the_papers_second_stage_is_as_published() -> None:
    from hsi_studio.methods.common.nn.training import rate

    assert DiffClipParams.preset("paper").noise_steps == 0  # clean patches
    rates = [rate("step", epoch, 150) for epoch in (0, 99, 100, 130, 131, 149)]
    assert rates == [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]
