"""Comparisons: paired draws, controls that differ in the sentences' places only, results that can be resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hsi_studio.engine.compare import runner as compare_run
from hsi_studio.engine.compare.aggregate import Gathered, collect
from hsi_studio.engine.compare.cells import specs_of
from hsi_studio.engine.compare.findings import effect, plain
from hsi_studio.engine.compare.label_reference import enough_labels, labels_as_reference
from hsi_studio.engine.compare.paces import plan_for
from hsi_studio.engine.compare.plan import Arm, ComparisonPlan, make_plan, sentences_of
from hsi_studio.engine.compare.results import PLAN, RESULT, Comparison, Gap, read_comparison, read_map
from hsi_studio.engine.compare.runner import run_comparison
from hsi_studio.errors import BadRequest, Cancelled, FileProblem, TooFewLabels
from hsi_studio.humanize import signed
from hsi_studio.methods import get_method, methods
from hsi_studio.methods.contract import Context
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Progress, Scene
from tests.engine.fake import separable_scene
from tests.engine.wordy import WordyMethod

NAMES = ["Stripe 1", "Stripe 2", "Stripe 3"]


@pytest.fixture
def wordy(monkeypatch: pytest.MonkeyPatch) -> WordyMethod:
    method = WordyMethod()
    monkeypatch.setitem(methods().entries, "wordy", method)
    return method


def arm(name: str, words: str = "right", **params: Any) -> Arm:
    said = {"right": "a field of {}", "wrong": "a field", "other": "some {}", "": ""}[words]
    return Arm(
        name=name, method="wordy" if words else "knn", params=params, words=words,
        sentences={n: (said.format(n),) for n in NAMES} if words else {},
    )  # fmt: skip


def plan(*arms: Arm, **changes: Any) -> ComparisonPlan:
    values = {"arms": [a.model_dump() for a in arms], "shots": 4, "seeds": (0, 1, 2, 3), "buffer_px": 2, **changes}
    return make_plan(values)


def run(p: ComparisonPlan, folder: Path, **options: Any) -> Comparison:
    scene = options.pop("scene", None) or separable_scene(noise=0.8)
    return run_comparison(p, folder, Context(**options.pop("context", {})), scene, **options)


def test_right_words_against_wrong_ones_with_control_maps_and_words(wordy: WordyMethod, tmp_path: Path) -> None:
    told: list[Progress] = []
    asked = plan(arm("wrong words", "wrong", blur=1.5), arm("right words", "right", blur=1.5))
    c = run(asked, tmp_path, context={"progress": told.append})
    assert read_comparison(tmp_path) == c
    assert json.loads((tmp_path / PLAN).read_text())["shots"] == 4
    assert (c.state, c.seeds, c.basis, c.classes) == ("done", (0, 1, 2, 3), "reference", tuple(NAMES))
    assert [a.name for a in c.arms] == [
        "wrong words", "wrong words, shuffled words", "right words", "right words, shuffled words",
    ]  # fmt: skip
    assert {d.protocol for d in c.differences} == {"random", "buffered:2"}
    (random,) = [d for d in c.differences if d.protocol == "random"]
    assert random.oa is not None
    right, wrong = c.arm("right words"), c.arm("wrong words")
    assert right is not None
    assert wrong is not None
    oa = [a.figures["random"].oa for a in (wrong, right)]
    assert oa[0] is not None
    assert oa[1] is not None
    assert random.oa.values == pytest.approx([b - a for a, b in zip(oa[0].values, oa[1].values, strict=True)], abs=1e-3)
    assert random.oa.value > 0
    assert random.disagreement is not None
    assert random.disagreement.n == int(np.count_nonzero(separable_scene().reference))  # each tests in some seed
    control = next(d for d in c.controls if d.first == "right words" and d.protocol == "random")
    assert control.oa is not None
    assert control.oa.value < 0  # the control of right words is as blind as wrong words
    blind = next(d for d in c.controls if d.first == "wrong words" and d.protocol == "random")
    assert blind.oa is not None
    assert blind.oa.value == 0  # the same sentence for all: exchanging them changes nothing
    assert "right words against wrong words" in c.headline
    assert "shuffled-words control" in c.headline
    assert any("Away from the labels (2 pixels)" in text for text in c.sentences)
    assert any("McNemar" in text for text in c.notes)
    label, confidence = read_map(tmp_path, c, "right words")
    assert label.shape == confidence.shape == (30, 40)
    assert set(np.unique(label)) <= {1, 2, 3}
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 16, 16)


def test_control_differs_from_its_arm_only_in_whose_sentence_is_whose(wordy: WordyMethod, tmp_path: Path) -> None:
    run(plan(arm("a"), arm("b", "other")), tmp_path)
    assert len(wordy.seen) == 4 * 4
    for fits in (wordy.seen[n : n + 4] for n in range(0, 16, 4)):  # one seed: a, its control, b, its control
        for right, control in (fits[:2], fits[2:]):
            labels, shuffled = right[1], control[1]
            assert np.array_equal(labels.row, shuffled.row)
            assert np.array_equal(labels.label, shuffled.label)
            assert right[3].seed == control[3].seed
            assert set(right[2].sentences.values()) == set(control[2].sentences.values())
            assert all(right[2].sentences[k] != control[2].sentences[k] for k in right[2].sentences)
        assert np.array_equal(fits[0][1].row, fits[2][1].row)  # arms are paired too


@pytest.mark.slow
def test_order_of_arms_and_seeds_does_not_matter(wordy: WordyMethod, tmp_path: Path) -> None:
    seeds = (0, 1, 2, 3, 4, 5, 6)
    first = run(plan(arm("a", "wrong"), arm("b"), arm("c", ""), seeds=seeds), tmp_path / "1")
    second = run(plan(arm("a", "wrong"), arm("c", ""), arm("b"), seeds=seeds[::-1]), tmp_path / "2")
    for d in first.differences:
        (other,) = [x for x in second.differences if (x.second, x.protocol) == (d.second, d.protocol)]
        assert d.oa is not None
        assert other.oa is not None
        assert (d.oa.value, d.oa.low, d.oa.high, d.oa.std) == pytest.approx(
            (other.oa.value, other.oa.low, other.oa.high, other.oa.std)
        )
        assert d.disagreement == other.disagreement
        assert [(k.name, k.f1.value, k.real) for k in d.classes] == [
            (k.name, k.f1.value, k.real) for k in other.classes
        ]
    turned = run(plan(arm("b"), arm("a", "wrong"), seeds=seeds), tmp_path / "3")
    one = next(d for d in first.differences if d.second == "b" and d.protocol == "random").oa
    back = turned.differences[0].oa
    assert one is not None
    assert back is not None
    assert (back.value, back.low, back.high) == pytest.approx((-one.value, -(one.high or 0), -(one.low or 0)))


@pytest.mark.slow
def test_a_stopped_comparison_goes_on_where_it_ended(wordy: WordyMethod, tmp_path: Path) -> None:
    p = plan(arm("a"), arm("b", "wrong"))

    def stop() -> bool:
        return len(wordy.seen) >= 6  # in the second seed

    with pytest.raises(Cancelled):
        run(p, tmp_path, context={"cancelled": stop})
    so_far = read_comparison(tmp_path)
    assert so_far is not None
    assert (so_far.state, so_far.seeds) == ("stopped", (0,))
    assert any("Stopped after 1 of 4 seeds" in note for note in so_far.notes)
    c = run(p, tmp_path)
    assert (c.state, len(c.seeds)) == ("done", 4)
    assert len(wordy.seen) == 17  # the sixth was stopped before its map and is fitted again, the five before are not
    again = run(p, tmp_path)
    assert len(wordy.seen) == 17
    assert again.model_copy(update={"seconds": c.seconds}) == c


@pytest.mark.slow
def test_arms_of_another_comparison_are_taken_from_the_store(wordy: WordyMethod, tmp_path: Path) -> None:
    store = tmp_path / "store"
    run(plan(arm("a"), arm("b", "wrong")), tmp_path / "1", store=store)
    fitted = len(wordy.seen)
    c = run(plan(arm("the same as a", "right"), arm("new", "other")), tmp_path / "2", store=store)
    assert len(wordy.seen) == fitted + 8  # only the new arm and its control
    assert set(c.maps) == {a.name for a in c.arms}
    reworded = arm("a").model_copy(update={"sentences": {n: (f"another {n}",) for n in NAMES}})
    run(plan(reworded, arm("b", "wrong")), tmp_path / "3", store=store)
    assert len(wordy.seen) == fitted + 16  # other sentences under the same name are another arm
    predictions = next(store.rglob("*.predictions.npz"))
    predictions.write_bytes(b"not an array")
    run(plan(arm("a"), arm("b", "wrong"), arm("new", "other")), tmp_path / "4", store=store)
    assert len(wordy.seen) in (fitted + 16, fitted + 17)  # what cannot be read is made again


@pytest.mark.slow
def test_a_store_and_a_result_of_an_older_version_are_read(wordy: WordyMethod, tmp_path: Path) -> None:
    p, store = plan(arm("a"), arm("b", "wrong")), tmp_path / "store"
    c = run(p, tmp_path / "1", store=store)
    fitted = len(wordy.seen)
    for file in list(store.rglob("*.predictions.npz")):  # as they were called, and their array
        with np.load(file) as found:
            np.savez_compressed(file.with_name(file.name.replace("predictions", "said")), said=found["predicted"])
        file.unlink()
    again = run(p, tmp_path / "2", store=store)
    assert len(wordy.seen) == fitted
    assert again.differences == c.differences
    saved = json.loads((tmp_path / "1" / RESULT).read_text(encoding="utf-8"))
    assert tuple(saved["words"]) == c.sentences
    assert "sentences" not in saved
    assert read_comparison(tmp_path / "1") == c


def test_an_arm_that_cannot_run_is_told_and_the_others_go_on(wordy: WordyMethod, tmp_path: Path) -> None:
    c = run(plan(arm("a"), arm("sick", "wrong", broken=True), arm("b", "other")), tmp_path)
    sick = c.arm("sick")
    assert sick is not None
    assert sick.problem == "Label more."
    assert {d.second for d in c.differences} == {"b"}
    assert any("sick could not be run: Label more." in text for text in c.sentences)
    alone = run(plan(arm("sick", "wrong", broken=True), arm("b", "other")), tmp_path / "2")
    assert alone.differences == ()
    assert "sick could not be run" in alone.headline


def test_time_is_up_after_a_whole_seed_but_never_before_the_third(
    wordy: WordyMethod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr(compare_run.time, "perf_counter", lambda: float(next(now)))
    c = run(plan(arm("a"), arm("b", "wrong"), seeds=tuple(range(8)), budget_s=1.0), tmp_path)
    assert (c.state, c.seeds) == ("done", (0, 1, 2))
    assert any("3 of 8 seeds fitted into the time" in note for note in c.notes)


@pytest.mark.slow
def test_methods_that_read_no_text_have_no_control(wordy: WordyMethod, tmp_path: Path) -> None:
    c = run(plan(arm("knn", ""), arm("no text", "right", use_text=False), arm("text")), tmp_path)
    assert [a.name for a in c.arms if a.control_of] == ["text, shuffled words"]
    bare = run(plan(arm("knn", ""), arm("text"), control=False), tmp_path / "2")
    assert bare.controls == ()
    with pytest.raises(BadRequest, match="choose prompts"):
        run(plan(arm("knn", ""), Arm(name="mute", method="wordy")), tmp_path / "3")


def labelled(scene: Scene, per_class: list[int]) -> LabelSet:
    assert scene.reference is not None
    rows, cols, label = [], [], []
    for k, count in enumerate(per_class):
        at = np.argwhere(scene.reference == k + 1)[::7][:count]
        rows += at[:, 0].tolist()
        cols += at[:, 1].tolist()
        label += [k] * count
    classes = tuple(ClassInfo(f"id{k}", name, "#000000") for k, name in enumerate(NAMES))
    return LabelSet(ClassSchema(classes), *(np.array(v, dtype=np.int64) for v in (rows, cols, label)))


def test_without_a_reference_labels_test_each_other(wordy: WordyMethod, tmp_path: Path) -> None:
    scene = separable_scene(noise=0.8)
    blind, labels = replace(scene, reference=None, reference_names={}), labelled(scene, [12, 12, 3])
    c = run(plan(arm("a"), arm("b", "wrong"), shots=6), tmp_path, scene=blind, labels=labels)
    assert (c.basis, c.classes) == ("labels", ("Stripe 1", "Stripe 2"))  # three labels cannot train and test
    assert c.arms[0].figures["random"].n_test == 12
    assert any("no reference map" in note for note in c.notes)
    for _, train, _, _ in wordy.seen:
        placed = set(zip(labels.row.tolist(), labels.col.tolist(), strict=True))
        assert set(zip(train.row.tolist(), train.col.tolist(), strict=True)) <= placed
        assert len(train) == 12
    assert labels_as_reference(blind, labels).reference_names == {1: "Stripe 1", 2: "Stripe 2"}
    with pytest.raises(TooFewLabels, match=r"Stripe 1 12 and Stripe 2 3\."):
        enough_labels(labelled(scene, [12, 3, 0]), 1)
    with pytest.raises(TooFewLabels, match="Take 4 shots or fewer"):
        enough_labels(labelled(scene, [12, 8, 0]), 5)
    with pytest.raises(BadRequest, match="no reference"):
        run(plan(arm("a"), arm("b", "wrong")), tmp_path, scene=blind)


def test_plans_that_make_no_sense_are_refused() -> None:
    for arms, changes, said in (
        ((arm("a"),), {}, "at least 2"),
        ((arm("a"), arm("A", "wrong")), {}, "two arms are called a"),
        ((arm("a"), arm("b")), {}, "are the same"),
        ((arm("a"), arm("b", "wrong")), {"seeds": (1, 1)}, "different whole numbers"),
        ((arm("a"), arm("b", "wrong")), {"shots": 0}, "shots"),
        (tuple(arm(str(n), "right", blur=n) for n in range(7)), {}, "at most 6"),
    ):
        with pytest.raises(BadRequest, match=said):
            plan(*arms, **changes)


def test_quick_says_what_it_gives_up_and_an_arms_own_parameters_win() -> None:
    arms = [Arm(name="a", method="curated", words="p1"), Arm(name="b", method="curated", words="p5")]
    quick = plan_for(arms, 5)
    assert quick.budget_s is not None
    assert quick.arms[0].params == get_method("curated").quick_pace
    assert any("epochs 30 instead of 100" in text for text in quick.gives_up)
    thorough = plan_for(arms, 5, "thorough")
    assert (len(thorough.seeds) >= 10, thorough.gives_up, thorough.arms[0].params) == (True, (), {})
    own = plan_for([arms[0].model_copy(update={"params": {"epochs": 7}}), arms[1]], 5, seeds=4)
    assert (own.arms[0].params["epochs"], len(own.seeds), own.budget_s) == (7, 4, None)
    with pytest.raises(BadRequest, match="no pace"):
        plan_for(arms, 5, "fast")
    for method in methods().entries.values():
        method.Params(**method.quick_pace)


def test_words_say_no_difference_seen_and_how_many_seeds_would_be_needed() -> None:
    seen = effect(Gap(value=1.8, low=0.6, high=3.1, std=1.5, n=10, needed=8, visible=1.5))
    assert seen == "+1.8 OA (95 % interval 0.6 to 3.1) over 10 seeds"
    unseen = effect(Gap(value=0.3, low=-0.9, high=1.4, std=1.8, n=10, needed=284, visible=1.8))
    assert unseen.startswith("no difference seen, +0.3 OA (95 % interval −0.9 to 1.4) over 10 seeds")
    assert "about 284 seeds would be needed" in unseen
    assert "would probably have shown a difference of 1.8" in unseen
    assert "more than 1,000" in effect(Gap(value=0.01, low=-1.0, high=1.0, std=2.0, n=10))
    assert "too few seeds" in effect(Gap(value=1.0, n=1))
    assert (signed(-0.04), signed(-1.25), plain(-0.6), plain(0.0)) == ("0.0", "−1.2", "−0.6", "0.0")
    assert (plain(-0.04), plain(0.041), plain(-0.004)) == (
        "−0.04",
        "0.04",
        "0.0",
    )  # an end that excludes nought shows it


def test_sentences_of_a_style_name_the_classes() -> None:
    found, _ = sentences_of(NAMES, "p1", "stripes")
    assert found["Stripe 1"] == ("a patch of a stripe 1.",)
    assert sentences_of(NAMES, "names", "stripes")[0]["Stripe 2"] == ("stripe 2",)
    with pytest.raises(BadRequest):
        sentences_of(NAMES, "p9", "stripes")


def test_files_of_others_are_not_trusted(wordy: WordyMethod, tmp_path: Path) -> None:
    c = run(plan(arm("a"), arm("b", "wrong"), seeds=(0,)), tmp_path)
    assert any("too few seeds" in text for text in c.sentences)
    with pytest.raises(BadRequest):
        read_map(tmp_path, c, "nobody")
    np.savez(tmp_path / "maps" / c.maps["a"], label=np.zeros((2, 2), np.uint16), confidence=np.zeros((2, 2)))
    with pytest.raises(FileProblem, match=r"\(2, 2\)"):
        read_map(tmp_path, c, "a")
    (tmp_path / RESULT).write_text("{}")
    with pytest.raises(FileProblem):
        read_comparison(tmp_path)
    assert read_comparison(tmp_path / "nowhere") is None


def test_nothing_is_counted_before_a_seed_is_complete(wordy: WordyMethod) -> None:
    p, scene = plan(arm("a"), arm("b", "wrong")), separable_scene()
    c = collect(p, scene, True, specs_of(p, scene), Gathered(), [], final=False)
    assert c.differences == ()
    assert c.arms[0].figures["random"].oa is None


def test_two_seeds_name_no_class_and_a_class_with_fewer_labels_is_named(wordy: WordyMethod, tmp_path: Path) -> None:
    scene = separable_scene(noise=0.8)
    assert scene.reference is not None
    few = scene.reference.copy()
    few.ravel()[np.flatnonzero(few == 1)[6:]] = 0  # six pixels: three train at most
    asked = plan(arm("wrong", "wrong", blur=1.5), arm("right", blur=1.5), seeds=(0, 1))
    c = run(asked, tmp_path, scene=replace(scene, reference=few))
    assert c.drawn == (3, 4, 4)
    assert not any(k.real for d in (*c.differences, *c.controls) for k in d.classes)
    assert "too few seeds" in c.headline
    assert "helps" not in c.headline + " ".join(c.sentences)
    assert "hurts" not in c.headline + " ".join(c.sentences)
    assert c.notes[:1] == ("Not every class had 4 labelled pixels, for half of a class trains at most: Stripe 1 3.",)
    assert not any("same 4 labelled pixels a class" in note for note in c.notes)
    with pytest.raises(BadRequest, match="0 seeds: choose 1 to 100"):
        plan_for([arm("a"), arm("b", "")], 4, seeds=0)
