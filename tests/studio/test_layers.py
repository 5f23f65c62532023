"""Layers have an id that stays and a title that no other has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hsi_studio.studio.layers import Layer, layer_id, told_apart

TITLES, FACTS = st.sampled_from(["A", "B", "A · 1"]), st.lists(st.sampled_from(["", "1", "2"]), max_size=3)


@given(st.lists(st.tuples(TITLES, FACTS), max_size=8))
def test_no_two_titles_are_the_same(given: list[tuple[str, list[str]]]) -> None:
    layers = [Layer(f"run:{k}", title, facts=tuple(facts)) for k, (title, facts) in enumerate(given)]
    titles = told_apart(layers)
    assert len(set(titles)) == len(titles)
    assert all(title.startswith(layer.title) for title, layer in zip(titles, layers, strict=True))


def test_a_title_says_no_more_than_what_tells_it_apart() -> None:
    layers = [
        Layer("run:a", "SVM", facts=("svm", "seed 0", "2026")),
        Layer("run:b", "SVM", facts=("svm", "seed 1", "2026")),
        Layer("run:c", "LDA", facts=("lda", "seed 1", "2026")),
    ]
    assert told_apart(layers) == ["SVM · seed 0", "SVM · seed 1", "LDA"]


def test_a_preview_and_the_map_after_it_are_one_layer() -> None:
    assert layer_id("preview", "x") == layer_id("run", "x") == "run:x"
    assert layer_id("live") == "live"
