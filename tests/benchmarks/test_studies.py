"""The studies: parts of `live`, dials of DiffCLIP, features before and after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import diffclip_study, feature_view, figures, live_parts
from benchmarks.floor_rule import Prepared
from benchmarks.measured_figures import floor_figure
from hsi_studio.engine.sweep.cells import parse_variant
from hsi_studio.methods.common import kernel_head
from hsi_studio.methods.live import method
from hsi_studio.methods.live.params import LiveParams
from tests.features.scenes import fields, scene_from


@pytest.mark.slow
def test_a_part_is_gone_while_it_is_measured_and_back_afterwards() -> None:
    usual = method.preference, method.fit_linear, method.choose_ridge, kernel_head.EVIDENCE
    for part in live_parts.PARTS:
        with live_parts.without(part):
            pass
        assert (method.preference, method.fit_linear, method.choose_ridge, kernel_head.EVIDENCE) == usual
    with live_parts.without("evidence of the labels"):
        assert kernel_head.EVIDENCE == 0
    cube, truth = fields(20, 24)
    held = Prepared(replace(scene_from(cube), reference=(truth + 1).astype(np.int32)), LiveParams())
    found = {part: live_parts.line(held, part, 2, 0) for part in (live_parts.WHOLE, live_parts.BEFORE)}
    assert found[live_parts.BEFORE]["ece"] != found[live_parts.WHOLE]["ece"]
    train, _, _ = held.draw(2, 0)
    with live_parts.without("discriminants"):
        assert not held.fitted(train).linear.heads


def test_what_a_part_adds_is_paired_over_the_draws_that_both_have() -> None:
    """Whole 70, 80, without 60, 72 (a third draw only in one): 9 ± 12.7 · 1 (t(0.975, 1) = 12.71, sd √2 / √2)."""
    lines = [
        {"scene": "samson", "part": part, "shots": 5, "seed": seed, "oa": oa, "ece": ece, "over": 1.0}
        for part, seed, oa, ece in (
            (live_parts.WHOLE, 0, 70.0, 4.0), (live_parts.WHOLE, 1, 80.0, 6.0), (live_parts.WHOLE, 2, 10.0, 6.0),
            ("discriminants", 0, 60.0, 9.0), ("discriminants", 1, 72.0, 9.0),
            (live_parts.BEFORE, 0, 70.0, 10.0), (live_parts.BEFORE, 1, 80.0, 12.0),
        )
    ]  # fmt: skip
    (row,) = live_parts.parts_rows(lines)
    assert (row["without"], row["n"], row["5 labels"]) == ("discriminants", "2", "9.0")
    assert (row["5 labels low"], row["5 labels high"]) == ("-3.7", "21.7")
    (row,) = live_parts.calibration_rows(lines)
    assert (row["ECE before"], row["ECE after"], row["after − before"], row["n"]) == ("11.0", "5.0", "-6.0", "2")


def test_one_dial_is_turned_at_a_time_and_the_default_is_fitted_once() -> None:
    usual = parse_variant("diffclip").params
    variants = [parse_variant(text) for text in diffclip_study.settings(list(diffclip_study.DIALS))]
    turned = [{key for key, value in one.params.items() if value != usual[key]} for one in variants]
    assert turned[0] == set()
    assert all(len(keys) == 1 for keys in turned[1:])
    assert len({one.key for one in variants}) == len(variants)
    cells = [
        {
            "scene": "samson", "shots": 5, "label": one.label, "seed": seed, "params": one.params,
            "results": {"random": {"oa": 80.0 + seed}},
        }
        for one in variants for seed in (0, 1)
    ]  # fmt: skip
    for dial, (_, values) in diffclip_study.DIALS.items():
        assert diffclip_study.curve(cells, dial, "random", 5) == {value: [80.0, 81.0] for value in sorted(values)}
    assert len(diffclip_study.study_figure(cells).axes) == len(diffclip_study.DIALS)


def test_features_are_drawn_with_their_texts_and_means() -> None:
    spots = feature_view.laid_out(np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32), "pca")
    assert spots.shape == (20, 2)
    rows = [
        {
            "scene": "samson", "stage": stage, "by": "pca", "kind": kind, "class": name, "x": "0.1", "y": "0.2",
            "nearest text": "50.0", "nearest mean": "75.0",
        }
        for stage in feature_view.STAGES for kind in ("pixel", "text", "mean") for name in ("soil", "tree")
    ]  # fmt: skip
    panels = feature_view.figure(rows).axes
    assert [panel.get_title().split("\n")[0] for panel in panels] == ["before fine-tuning", "after fine-tuning"]
    assert len(panels[0].collections) == 8  # three kinds of two classes, and a dot each of the legend


def test_the_kept_picture_of_features_is_of_the_kept_figures_and_on_the_page() -> None:
    drawn = (figures.FIGURES / "features.svg").read_text(encoding="utf-8")
    assert f"{feature_view.FILE.name} {figures.hash_of([feature_view.FILE])}" in drawn
    page = figures.PAGE.read_text(encoding="utf-8")
    assert "../docs/figures/features.svg" in page
    rows = feature_view.read()
    for stage in feature_view.STAGES:
        for share in {(row["nearest text"], row["nearest mean"]) for row in rows if row["stage"] == stage}:
            assert f"| {stage} | {share[0]} | {share[1]} |" in page
    without_pixels = [row for row in rows if row["class"] == "Oats"]  # a class may have none away from its shots
    assert {row["kind"] for row in without_pixels} == {"text", "mean"}


@pytest.mark.slow
def test_features_of_a_tiny_training() -> None:
    cube, truth = fields(24, 24)
    names = {int(v): f"Class {v}" for v in np.unique(truth) + 1}
    scene = replace(scene_from(cube), reference=(truth + 1).astype(np.int32), reference_names=names)
    params = {**feature_view.get_method("diffclip").test_params, "weighting": "root"}
    rows = feature_view.look(scene, 3, 0, 5, "pca", params, "p1")
    classes = len(np.unique(truth))
    assert sum(row["kind"] == "text" for row in rows) == 2 * classes
    assert len({row["nearest text"] for row in rows if row["stage"] == "before"}) == 1


def test_the_accuracy_figure_has_a_panel_for_every_scene() -> None:
    titled = [panel for panel in floor_figure().axes if panel.get_title()]
    assert len(titled) >= 11
