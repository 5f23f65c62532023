"""A comparison tells what would be read wrongly: arms that are the same, classes that cannot train or test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.compare.cells import specs_of
from hsi_studio.engine.compare.plan import Arm, ComparisonPlan, make_plan
from hsi_studio.engine.compare.report import markdown, seeds_needed
from hsi_studio.engine.compare.results import Comparison, Gap
from hsi_studio.engine.compare.runner import run_comparison
from hsi_studio.errors import BadRequest, TooFewLabels
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Context, make_params
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Scene
from tests.engine.fake import separable_scene


def plan(*arms: Arm, **changes: Any) -> ComparisonPlan:
    values = {"arms": [a.model_dump() for a in arms], "shots": 4, "seeds": (0, 1, 2), "buffer_px": 2, **changes}
    return make_plan(values)


def run(p: ComparisonPlan, folder: Path, scene: Scene, labels: LabelSet | None = None) -> Comparison:
    return run_comparison(p, folder, Context(), scene, labels)


def with_heights(scene: Scene) -> Scene:
    return replace(scene, dsm=np.zeros((*scene.shape[:2], 1), dtype=np.float32))


SPATIAL = {"features": "spectral-spatial"}


@pytest.mark.parametrize(
    ("first", "second", "dsm", "said"),
    [
        ({}, {"use_dsm": False}, True, "reads heights only with features=spectral-spatial"),
        (SPATIAL, {**SPATIAL, "use_dsm": False}, False, r"has no surface model \(DSM\)"),
        ({}, {"features": "spectra"}, True, "their settings are"),
    ],
)
def test_arms_that_would_make_the_same_map_are_refused(
    first: dict[str, Any], second: dict[str, Any], dsm: bool, said: str
) -> None:
    scene = with_heights(separable_scene()) if dsm else separable_scene()
    asked = plan(Arm(name="a", method="svm", params=first), Arm(name="b", method="svm", params=second))
    with pytest.raises(BadRequest, match=f"“a” and “b” would be the same: .*{said}"):
        specs_of(asked, scene)


def test_what_reads_heights_is_compared_with_and_without_them() -> None:
    scene, without = with_heights(separable_scene()), {**SPATIAL, "use_dsm": False}
    asked = plan(Arm(name="a", method="svm", params=SPATIAL), Arm(name="b", method="svm", params=without))
    assert len(specs_of(asked, scene)) == 2


def test_every_method_with_the_switch_says_what_makes_it_read_heights() -> None:
    for method in methods().entries.values():
        if "use_dsm" not in method.Params.model_fields:
            assert not method.reads_heights(method.Params().model_dump())
            continue
        needed = make_params(method.Params, method.heights_with).model_dump()
        assert method.reads_heights(needed)
        assert not method.reads_heights({**needed, "use_dsm": False})
    assert not get_method("svm").reads_heights(get_method("svm").Params().model_dump())


def test_maps_that_are_the_same_are_not_no_difference_seen(tmp_path: Path) -> None:
    one = {"neighbours": 1, "smoothing_steps": (2, 5)}  # steps of features that are not used
    asked = plan(Arm(name="a", method="knn"), Arm(name="b", method="knn", params=one), Arm(name="c", method="lda"))
    c = run(asked, tmp_path, separable_scene(noise=0.8))
    same = {d.second: d.same for d in c.differences}
    assert same == {"b": True, "c": False}
    (told,) = [text for text in c.sentences if text.startswith("b against a")]
    assert "same class in all 3 seeds, so what is changed between them changed nothing here" in told
    assert "no difference seen" not in told
    assert seeds_needed(next(d.oa for d in c.differences if d.second == "b")) == "–"
    assert "No shuffled-words control was run" in markdown(c)  # neither reads words


def test_classes_that_cannot_train_or_have_no_test_pixel_are_named(tmp_path: Path) -> None:
    scene = separable_scene(noise=0.8)
    assert scene.reference is not None
    reference = scene.reference.copy()
    alone, patch = np.flatnonzero(reference == 1)[0], np.argwhere(reference == 2)
    reference[reference == 1] = 0
    reference.ravel()[alone] = 1  # one pixel
    near = np.abs(patch - patch[0]).max(axis=1) <= 1
    reference[tuple(patch[~near].T)] = 0  # a few, side by side
    c = run(
        plan(Arm(name="a", method="knn"), Arm(name="b", method="lda")), tmp_path, replace(scene, reference=reference)
    )
    assert c.drawn[0] == 0
    assert any(note.startswith("No pixel of Stripe 1 trains") for note in c.notes)
    assert "Test pixels away from the labels: none is left of Stripe 2; AA is of the others." in c.notes


def test_labels_that_are_too_few_to_take_part_are_named(tmp_path: Path) -> None:
    scene = separable_scene(noise=0.8)
    assert scene.reference is not None
    at = [np.argwhere(scene.reference == k + 1)[::7][:n] for k, n in enumerate((12, 12, 3))]
    row, col = np.concatenate(at).T
    classes = tuple(ClassInfo(f"id{k}", f"Class {k}", "#000000") for k in range(3))
    labels = LabelSet(ClassSchema(classes), row, col, np.repeat(np.arange(3), (12, 12, 3)))
    blind = replace(scene, reference=None, reference_names={})
    c = run(plan(Arm(name="a", method="knn"), Arm(name="b", method="lda")), tmp_path, blind, labels)
    assert c.left_out == ("Class 2 3",)
    assert "Left out, for a class needs 4 labels to both train and test: Class 2 3." in c.notes


def test_an_arm_that_fails_later_says_how_many_seeds_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, calls = type(get_method("knn")), [0]
    fit = kind.fit

    def failing(self: Any, *args: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise TooFewLabels("Label more.")
        return fit(self, *args)

    monkeypatch.setattr(kind, "fit", failing)
    asked = plan(Arm(name="a", method="live"), Arm(name="b", method="knn"), seeds=(0, 1, 2, 3))
    c = run(asked, tmp_path, separable_scene(noise=0.8))
    assert "b has figures of 2 seeds alone, for it could not be run in the next: Label more." in c.sentences
    assert [d.oa.n for d in c.differences if d.oa] == [2, 2]


def test_seeds_needed_are_not_explained_where_none_are_told(tmp_path: Path) -> None:
    asked = plan(Arm(name="a", method="knn"), Arm(name="b", method="lda"), seeds=(0, 1))
    c = run(asked, tmp_path, separable_scene(noise=0.8))
    assert not any("How many seeds would be needed" in note for note in c.notes)
    assert seeds_needed(Gap(value=0.0, low=0.0, high=0.0, std=0.0, n=3)) == "–"
    one = run(asked.model_copy(update={"seeds": (0,)}), tmp_path / "one", separable_scene(noise=0.8))
    assert "Percent, κ × 100, of one seed." in markdown(one)
