from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.evaluation.splits import Protocol, draw_shots, make_split, near, parse_protocol, training_part
from hsi_studio.errors import BadRequest
from tests.project.small import striped_reference

REFERENCE = striped_reference(20, 30, 3)
NAMES = {1: "A", 2: "B", 3: "C"}


def test_the_draw_is_the_published_rule() -> None:
    reference = REFERENCE.copy()
    reference[reference == 2] = 7  # values need not be consecutive
    rng = np.random.default_rng(4)
    expected = []
    for value in (1, 3, 7):
        index = np.flatnonzero(reference.ravel() == value)
        rng.shuffle(index)
        expected += index[:5].tolist()
    assert draw_shots(reference, 5, 4).tolist() == expected


def test_at_most_half_of_a_class_trains() -> None:
    reference = np.zeros((4, 5), dtype=np.int32)
    reference.ravel()[:9] = [1, 1, 1, 1, 1, 2, 2, 2, 3]
    drawn = reference.ravel()[draw_shots(reference, 10, 0)]
    assert np.bincount(drawn, minlength=4).tolist() == [0, 2, 1, 0]


def test_random_tests_on_everything_else() -> None:
    split = make_split(REFERENCE, 5, 0, parse_protocol("random"), None, NAMES)
    assert split.train.size == 15
    assert sorted([*split.train, *split.test]) == np.flatnonzero(REFERENCE).tolist()
    assert split.notes == ()


def test_buffered_keeps_the_shots_and_the_distance() -> None:
    random = make_split(REFERENCE, 2, 0, parse_protocol("random"), None, NAMES)
    split = make_split(REFERENCE, 2, 0, parse_protocol("buffered:3"), None, NAMES)
    assert split.train.tolist() == random.train.tolist()
    train, test = (np.stack(np.divmod(index, 30), axis=1) for index in (split.train, split.test))
    distance = np.abs(train[:, None] - test[None]).max(axis=2).min(axis=0)  # Chebyshev, to the nearest shot
    assert distance.min() == 4
    far = set(random.test.tolist()) - set(split.test.tolist())
    rest = np.stack(np.divmod(np.array(sorted(far)), 30), axis=1)
    assert np.abs(train[:, None] - rest[None]).max(axis=2).min(axis=0).max() <= 3


def test_classes_the_buffer_swallows_are_named() -> None:
    reference = np.zeros((30, 30), dtype=np.int32)
    reference[:20], reference[28, :2] = 1, 2
    split = make_split(reference, 1, 0, parse_protocol("buffered"), None, {1: "Big", 2: "Tiny"})
    assert split.notes == ("No pixel tests for 1 of 2 classes: Tiny.",)
    with pytest.raises(BadRequest, match="smaller buffer"):
        make_split(reference, 1, 0, parse_protocol("buffered:50"), None, NAMES)


def test_near_is_a_square_cut_at_the_border() -> None:
    mask = near((6, 8), np.array([0, 5]), np.array([0, 4]), 1)
    assert mask.sum() == 4 + 6
    assert mask[:2, :2].all()
    assert mask[4:, 3:6].all()


@pytest.mark.parametrize("text", ["rand", "random:3", "buffered:", "buffered:0", "buffered:-1", "buffered:x", "split:"])
def test_unknown_protocols_are_refused_with_the_choices(text: str) -> None:
    if text == "buffered:":
        assert parse_protocol(text).buffer_px == 5
        return
    with pytest.raises(BadRequest, match="buffered"):
        parse_protocol(text)


def _mask(kind: str) -> np.ndarray:
    left = np.zeros(REFERENCE.shape, dtype=np.int32)
    left[:10] = 1
    if kind == "0/1":
        return left
    if kind == "1/2":
        return np.where(left == 1, 1, 2).astype(np.int32)
    renumbered = np.array([0, 9, 4, 6], dtype=np.int32)[REFERENCE]  # another numbering, as in disjoint Indian Pines
    return np.where(left == 1, renumbered, 0).astype(np.int32)


@pytest.mark.parametrize("kind", ["0/1", "1/2", "labels"])
def test_three_kinds_of_mask_mean_the_same(kind: str) -> None:
    split = make_split(REFERENCE, 4, 1, Protocol("split:f", "split", mask="f"), _mask(kind), NAMES)
    inside = np.where(np.arange(20)[:, None] < 10, REFERENCE, 0)
    assert split.train.tolist() == draw_shots(inside, 4, 1).tolist()
    assert split.test.tolist() == np.flatnonzero(np.where(np.arange(20)[:, None] >= 10, REFERENCE, 0)).tolist()
    assert split.notes[0].startswith("The split file")


def test_a_label_map_of_two_classes_is_not_taken_for_train_and_test() -> None:
    two = np.where(REFERENCE == 3, 0, REFERENCE).astype(np.int32)
    labels = np.where(np.arange(20)[:, None] < 10, two, 0).astype(np.int32)
    train, test, sentence = training_part(labels, two)
    assert "label map" in sentence
    assert not (train & test).any()
    assert train.sum() == (labels > 0).sum()
    with pytest.raises(BadRequest, match="no training pixel"):
        training_part(np.zeros_like(two), two)


def test_an_official_split_is_one_to_train_and_two_to_test() -> None:
    """Both are drawn from their own part only; what is in neither is not used."""
    mask = np.zeros(REFERENCE.shape, dtype=np.int32)
    mask[:8], mask[12:] = 1, 2
    split = make_split(REFERENCE, 4, 0, parse_protocol("official:train.mat,test.mat"), mask, NAMES)
    assert split.train.tolist() == draw_shots(np.where(mask == 1, REFERENCE, 0), 4, 0).tolist()
    assert split.test.tolist() == np.flatnonzero(np.where(mask == 2, REFERENCE, 0)).tolist()
    assert split.notes == ()


def test_the_disjoint_indian_pines_mask(shared_data: Path) -> None:
    from scipy.io import loadmat

    file = shared_data / "groundtruth_only" / "indianpines_disjoint_dset.mat"
    truth = shared_data / "indian_pines" / "Indian_pines_gt.mat"
    if not (file.is_file() and truth.is_file()):
        pytest.skip("the disjoint mask or the reference is not among the sample data")
    mask = loadmat(file)["indianpines_disjoint_dset"].astype(np.int32)
    reference = next(v for k, v in loadmat(truth).items() if not k.startswith("_")).astype(np.int32)
    split = make_split(reference, 5, 0, Protocol("split:f", "split", mask="f"), mask, {})
    assert "label map of training pixels (16 values)" in split.notes[0]
    assert split.train.size == 16 * 5
    assert split.test.size == 10249 - 5538
