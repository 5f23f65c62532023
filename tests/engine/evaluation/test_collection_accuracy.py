"""Image-level classification: votes, no label at test time, generated collections and real tree crowns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.evaluation.collection_accuracy import (
    detection,
    divisible,
    evaluate_images,
    fewer_than,
    score_votes,
)
from hsi_studio.errors import BadRequest, Cancelled, SceneMismatch, TooFewLabels
from hsi_studio.methods.common.image_votes import ImageVotes, count_votes
from hsi_studio.methods.contract import Context
from hsi_studio.methods.s3fn.collection import S3FNImageParams, cube_centres, cube_side, fit_images
from hsi_studio.scene.collection import Collection, Image, fold_images, open_table
from hsi_studio.types import PromptSet
from tests.features.scenes import scene_from, schema

QUICK = S3FNImageParams.model_validate(
    {"epochs": 40, "text_epochs": 40, "least_steps": 0, "channels": (6, 8, 12), "cubes": 5}
)


def made(classes: int = 3, each: int = 8, side: int = 18, bands: int = 8) -> Collection:
    """Textured images of a spectrum a class, of different brightness."""
    rng = np.random.default_rng(0)
    spectra = rng.uniform(0.2, 0.6, (classes, bands))
    images = []
    for n in range(classes * each):
        k = n % classes
        cube = spectra[k] * rng.uniform(0.8, 1.2) + rng.normal(0, 0.03, (side + n % 4, side + n % 3, bands))
        images.append(Image(scene_from(cube.astype(np.float32), name=f"image {n}"), k, f"g{n}", Path(f"{n}.npy")))
    return Collection("made", schema(classes), tuple(images))


def test_the_majority_decides_and_probability_breaks_ties() -> None:
    probability = np.array([[0.6, 0.4], [0.6, 0.4], [0.0, 1.0], [0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    found = count_votes(probability, np.array([0, 0, 0, 1, 1]), 2)
    assert found.votes.tolist() == [[2, 1], [1, 1]]
    assert found.label.tolist() == [0, 0]  # outvoted although its mean is 0.6; a tie, mean 0.55 against 0.45
    np.testing.assert_allclose(found.probability, [[0.4, 0.6], [0.55, 0.45]], atol=1e-6)


def test_cubes_lie_inside_large_images_and_are_as_many_as_there_are_places() -> None:
    large, small = (scene_from(np.ones((n, n, 3), np.float32) + np.eye(n)[..., None], name=f"{n}") for n in (20, 4))
    row, col = cube_centres(large, 14, 20, np.random.default_rng(0))
    assert len(set(zip(row.tolist(), col.tolist(), strict=True))) == 20
    assert (row - 7).min() >= 0
    assert (row + 6).max() < 20
    assert cube_centres(large, 20, 20, np.random.default_rng(0))[0].tolist() == [10]
    assert len(cube_centres(small, 9, 99, np.random.default_rng(0))[0]) == 16  # too small: any pixel, mirrored edges
    assert [cube_side([scene], 32) for scene in (large, small)] == [15, 9]


def test_shots_that_a_class_has_not_are_told() -> None:
    """“20 shots” is what was asked for, not what trained."""
    collection = made(classes=2, each=4)
    assert fewer_than(collection, 3) == []
    assert fewer_than(collection.only(range(7)), 3) == [
        "Fewer than 3 train where one has to be left to test: class 1 2."
    ]
    assert "class 0 3, class 1 3" in fewer_than(collection, 20)[0]


def test_figures_are_those_of_scikit_learn() -> None:
    from sklearn import metrics

    rng = np.random.default_rng(1)
    for classes, positive in ((2, "b"), (4, None)):
        label, votes = rng.integers(0, classes, 60), rng.multinomial(20, np.ones(classes) / classes, size=60)
        probability = np.round(rng.dirichlet(np.ones(classes), 60), 1)  # with ties
        told = votes.argmax(axis=1)
        parts = [ImageVotes(told[at], votes[at], probability[at]) for at in (slice(0, 25), slice(25, None))]
        found = score_votes(0, label, parts, list("abcd"[:classes]), positive, 9.0, 0.0)
        of = range(classes) if positive is None else [1]
        assert found.scores.oa == pytest.approx(metrics.accuracy_score(label, told))
        assert found.scores.aa == pytest.approx(metrics.balanced_accuracy_score(label, told))
        assert found.scores.kappa == pytest.approx(metrics.cohen_kappa_score(label, told))
        auc = [metrics.roc_auc_score(label == k, probability[:, k]) for k in of]
        found_of = [metrics.recall_score(label == k, told == k) for k in of]
        left_alone = [metrics.recall_score(label != k, told != k) for k in of]
        for got, wanted in zip(vars(found.detection).values(), (auc, found_of, left_alone), strict=True):
            assert got == pytest.approx(np.mean(wanted))


@pytest.mark.slow
def test_classes_that_look_different_are_told_apart_and_the_result_is_json() -> None:
    said = evaluate_images(made(), shots=3, seeds=[0, 1], params=QUICK, prompts={"class 0": ["smooth", "bright"]})
    result = json.loads(json.dumps(said.to_json()))
    assert result["summary"]["oa"]["mean"] > 80
    assert [row["n_train"] for row in result["seeds"]] == [9, 9]
    assert [row["n_test"] for row in result["seeds"]] == [15, 15]
    assert result["classes"] == ["class 0", "class 1", "class 2"]


def test_detection_by_hand() -> None:
    """Positives 0.9, 0.5, negatives 0.5, 0.2, 0.6: of 6 pairs 4 are right and 1 is tied."""
    score, true = np.array([0.9, 0.5, 0.5, 0.2, 0.6]), np.array([1, 1, 0, 0, 0], dtype=bool)
    found = detection(score, score > 0.5, true)
    assert found.auc == pytest.approx((4 + 0.5) / 6)
    assert found.sensitivity == 0.5
    assert found.specificity == pytest.approx(2 / 3)
    assert np.isnan(detection(score[:1], true[:1], true[:1]).auc)


def test_folds_test_every_image_once_and_keep_groups_together() -> None:
    collection = made(each=6)
    twins = replace(
        collection,
        images=tuple(replace(image, group=f"{image.label} {n // 6}") for n, image in enumerate(collection.images)),
    )
    for one in (collection, twins):
        splits = fold_images(one, 3, 1)
        assert sorted(np.concatenate([test for _, test in splits]).tolist()) == list(range(18))
        for train, test in splits:
            assert not {one.images[n].group for n in train} & {one.images[n].group for n in test}
            assert set(one.label[train]) == {0, 1, 2}
    with pytest.raises(BadRequest, match="at least two"):
        fold_images(collection, 1, 0)


@pytest.mark.slow
def test_votes_do_not_depend_on_labels_order_or_company() -> None:
    collection = made()
    model = fit_images(collection.only(range(9)), PromptSet(), QUICK, Context(seed=3))
    tested = collection.only(range(9, 24))
    first = model.classify(tested, Context(seed=3))
    wrong = replace(tested, images=tuple(replace(image, label=0) for image in tested.images))
    assert np.array_equal(model.classify(wrong, Context(seed=3)).probability, first.probability)
    order = np.random.default_rng(0).permutation(15)
    np.testing.assert_allclose(
        model.classify(tested.only(order), Context(seed=3)).probability, first.probability[order], atol=1e-5
    )
    alone = model.classify(tested.only([4]), Context(seed=3))
    np.testing.assert_allclose(alone.probability[0], first.probability[4], atol=1e-5)
    assert first.votes.sum(axis=1).tolist() == [5] * 15


@pytest.mark.slow
def test_refusals_and_cancel() -> None:
    collection = made()
    with pytest.raises(TooFewLabels, match="1 of 3 classes"):
        fit_images(collection.only([0, 1, 3]), PromptSet(), QUICK, Context())
    asked = iter([False] * 12)
    with pytest.raises(Cancelled):
        fit_images(collection, PromptSet(), QUICK, Context(cancelled=lambda: next(asked, True)))
    model = fit_images(collection.only(range(6)), PromptSet(), QUICK, Context())
    with pytest.raises(SceneMismatch, match="8 bands in the model, 6 in the images"):
        model.classify(made(bands=6), Context())
    lone = collection.only([0, 1, 2, 4])  # only class 1 has two
    kept, left_out = divisible(lone)
    assert kept.schema.names == ["class 1"]
    assert left_out == ("class 0", "class 2")
    with pytest.raises(BadRequest, match="1 of 3 classes have two images or more"):
        evaluate_images(lone, shots=1, seeds=[0], params=QUICK)


@pytest.mark.slow
def test_real_tree_crowns(shared_data: Path) -> None:
    """53 crowns of 15 trees, 3 to 20 pixels wide: read, learnt, voted on. They are too few to say more.

    Each species is one tree there, so splitting by tree leaves nothing to test, which is said.
    """
    table = shared_data / "neon_crowns" / "OSBS" / "annotations.csv"
    if not table.is_file():
        pytest.skip("no tree crowns in the sample data")
    by_tree = open_table(table, image="image_path", label="taxonID", group="individualID")
    with pytest.raises(BadRequest, match="0 of 15 classes have two groups"):
        evaluate_images(by_tree, shots=1, seeds=[0], params=QUICK)
    crowns = replace(by_tree, images=tuple(replace(image, group=image.path.name) for image in by_tree.images))
    assert (len(crowns), crowns.bands) == (53, 369)
    few = QUICK.model_copy(update={"epochs": 20, "cubes": 3, "dropout": 0.0})
    model = fit_images(crowns, PromptSet(), few, Context())
    again = model.classify(crowns, Context())
    assert set(again.votes.sum(axis=1).tolist()) <= {1, 2, 3}  # a crown of 3×3 pixels may have fewer valid ones
    assert (again.label == crowns.label).mean() > 0.8
