"""Class names as a prior of the live head: closed forms against the long way."""

from __future__ import annotations

import numpy as np

from hsi_studio.methods.common.kernel_head import KernelHead, kernel, solve, targets
from hsi_studio.methods.contract import Context, WordPosteriors
from hsi_studio.methods.live.method import Live
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.methods.live.words import WEIGHT, confusion, gate, prior_mean, with_prior
from hsi_studio.types import PromptSet
from tests.features.scenes import draw_labels, fields, scene_from


def problem(seed: int = 0, k: int = 4, each: int = 3) -> tuple[KernelHead, np.ndarray, np.ndarray]:
    """(solved head, its kernel matrix, (N, K) posteriors of words that are mostly right)."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(k), each)
    x = rng.normal(0, 0.6, (label.size, 5)).astype(np.float32) + label[:, None]
    gram = kernel(x, x, 0.3).astype(np.float64)
    words = rng.dirichlet(np.full(k, 0.5), label.size)
    words[np.arange(label.size), label] += 1.0
    return solve(gram, label, k, 0.2), gram, (words / words.sum(axis=1, keepdims=True)).astype(np.float32)


def test_leave_one_out_is_that_of_a_fit_without_the_shot() -> None:
    head, gram, words = problem()
    label, kept = head.label, (0, 1, 2, 3)
    better, _ = with_prior(head, words, kept)
    ridge = np.linalg.inv(head.inverse) - gram
    for i in range(label.size):
        rest = np.flatnonzero(np.arange(label.size) != i)
        c = confusion(words[rest], label[rest], 4, kept)
        mean = prior_mean(words, c)
        inverse = np.linalg.inv(gram[np.ix_(rest, rest)] + ridge[np.ix_(rest, rest)])
        score = WEIGHT * mean[i] + gram[i, rest] @ inverse @ (targets(label, 4)[rest] - WEIGHT * mean[rest])
        np.testing.assert_allclose(better.left_out_scores()[i], score, atol=1e-8)


def test_the_gate_opens_for_the_right_names_and_not_for_others() -> None:
    let_in = 0
    for seed in range(20):
        head, _, words = problem(seed, k=6, each=2)
        kept = tuple(range(6))
        assert gate(words, head.label, kept).open
        order = np.roll(np.arange(6), 1 + seed % 5)
        let_in += gate(words[:, order], head.label, kept).open
    assert let_in == 0


def test_two_names_are_not_tested_and_not_used() -> None:
    head, _, words = problem(k=2)
    assert not gate(words, head.label, (0, 1)).open
    assert gate(words, head.label, (0, 1)).tested == 0


def test_a_class_whose_labels_look_like_another_name_is_pointed_out() -> None:
    head, _, words = problem(k=5)
    swapped = words[:, [1, 0, 2, 3, 4]]
    assert set(gate(swapped, head.label, (0, 1, 2, 3, 4)).alarms) == {(0, 1), (1, 0)}


def test_words_that_say_nothing_change_no_score() -> None:
    head, _, words = problem()
    even = np.full_like(words, 0.25)
    better, c = with_prior(head, even, (0, 1, 2, 3))
    assert np.abs(prior_mean(even, c)).max() < 1e-6
    np.testing.assert_allclose(better.dual, head.dual, atol=1e-6)


def test_right_words_make_the_map_better_and_stay_out_of_the_saved_model() -> None:
    cube, truth = fields(24, 30)
    scene = scene_from(cube, name="named")
    k = int(truth.max()) + 1
    labels = draw_labels(truth, scene.valid, 1)
    places = np.arange(truth.size, dtype=np.int32).reshape(truth.shape)
    right = np.full((truth.size, k), 0.1 / (k - 1), dtype=np.float32)
    right[np.arange(truth.size), truth.ravel()] = 0.9
    said = WordPosteriors(places, right, tuple(range(k)), "right")
    live, ctx = Live(), Context(words=lambda scene, names: said)
    named = live.fit(scene, labels, PromptSet(), LiveParams(), ctx)
    plain = live.fit(scene, labels, PromptSet(), LiveParams(), Context())
    assert named.gate is not None
    assert named.gate.open
    assert (named.node_probabilities().argmax(axis=1) == truth.ravel()).mean() == 1.0
    assert named.without_words is not None
    np.testing.assert_array_equal(named.without_words.node_probabilities(), plain.node_probabilities())
    assert set(named.state().arrays) == set(plain.state().arrays)
    off = live.fit(scene, labels, PromptSet(), LiveParams(words=False), ctx)
    np.testing.assert_array_equal(off.node_probabilities(), plain.node_probabilities())
