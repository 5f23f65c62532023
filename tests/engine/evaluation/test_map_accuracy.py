from __future__ import annotations

import math

import numpy as np
import pytest

from hsi_studio.engine.evaluation import map_accuracy as accuracy
from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, ScoreBlock, accuracy_report
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction, Scene
from tests.project.small import small_scene, striped_reference

H, W = 40, 60
REFERENCE = striped_reference(H, W, 3)  # stripes 20 wide, rows 1 … 38
NAMES = {1: "Corn", 2: "Wood", 3: "Water"}
SCHEMA = ClassSchema(tuple(ClassInfo(f"id{v}", name, "#112233", v) for v, name in NAMES.items()))


def scene(**options: object) -> Scene:
    return small_scene(H, W, 2, **({"reference": REFERENCE.copy(), "reference_names": NAMES} | options))


def labels(*points: tuple[int, int, int], schema: ClassSchema = SCHEMA) -> LabelSet:
    table = np.array(points, dtype=np.int64).reshape(-1, 3)
    return LabelSet(schema, table[:, 0], table[:, 1], table[:, 2], 11)


def mapped(label: np.ndarray, schema: ClassSchema = SCHEMA) -> Prediction:
    return Prediction(schema, label.astype(np.uint16), np.ones((H, W), np.float32), "m", {}, 11)


def finite(report: AccuracyReport) -> bool:
    """No NaN anywhere in what is shown."""
    blocks = [block for block in (report.main, report.buffered) if block is not None]
    shown = [e for block in blocks for e in (block.oa, block.aa, block.kappa) if e is not None]
    values = [v for e in shown for v in (e.value, e.low, e.high) if v is not None]
    values += [v for block in blocks for c in block.classes for v in (c.recall, c.precision, c.f1) if v is not None]
    return all(math.isfinite(v) for v in values)


def value(block: ScoreBlock) -> float:
    assert block.oa is not None
    return block.oa.value


def test_only_labelled_classes_count_and_labelled_pixels_do_not() -> None:
    """Two of three classes labelled: 2 · 20 · 38 = 1,520 pixels less the 3 labelled; 760 of the third."""
    report = accuracy_report(mapped(REFERENCE), labels((5, 5, 0), (5, 6, 0), (5, 30, 1)), scene())
    assert report.kind == "reference"
    assert report.revision == 11
    assert report.main.n == 1517
    assert report.main.words == (
        "on 1,517 reference pixels of the 2 classes you labelled, without your 3 labelled pixels but with their "
        "neighbours; 760 pixels of 1 other class are not counted"
    )
    assert value(report.main) == 1.0
    assert [c.n for c in report.main.classes] == [758, 759]


def test_the_buffer_takes_a_square_around_every_label() -> None:
    """Each label inside a stripe takes 11 × 11 pixels; a map right only near labels scores 0 beyond."""
    near = np.zeros((H, W), bool)
    near[10:21, 5:16] = near[10:21, 25:36] = True
    wrong = np.where(near, REFERENCE, np.where(REFERENCE == 1, 2, 1))
    report = accuracy_report(mapped(wrong), labels((15, 10, 0), (15, 30, 1)), scene())
    assert report.buffered is not None
    assert report.buffered.n == 2 * (760 - 121)
    assert value(report.buffered) == 0.0
    assert value(report.main) == pytest.approx(2 * 120 / 1518)
    assert "without all pixels within 5 pixels of your 2 labelled pixels" in report.buffered.words
    assert report.buffered.kappa is not None
    assert report.buffered.kappa.value == pytest.approx(-1.0, abs=0.01)


def test_figures_are_those_of_the_pixels_in_the_words() -> None:
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score

    rng = np.random.default_rng(0)
    guess = np.where(rng.random((H, W)) < 0.7, REFERENCE, rng.integers(1, 4, (H, W)))
    given = labels((5, 5, 0), (5, 30, 1), (5, 50, 2))
    report = accuracy_report(mapped(guess), given, scene())
    test = REFERENCE > 0
    test[given.row, given.col] = False
    truth, found = REFERENCE[test], guess[test]
    assert value(report.main) == pytest.approx(accuracy_score(truth, found))
    assert report.main.aa is not None
    assert report.main.aa.value == pytest.approx(balanced_accuracy_score(truth, found))
    assert report.main.kappa is not None
    assert report.main.kappa.value == pytest.approx(cohen_kappa_score(truth, found))
    assert report.main.oa is not None
    assert report.main.oa.low is not None
    assert report.main.oa.high is not None
    assert report.main.oa.low < value(report.main) < report.main.oa.high


def test_pixels_without_data_are_not_counted() -> None:
    bare = scene(invalid=[(1, c) for c in range(W)])
    report = accuracy_report(mapped(REFERENCE), labels((5, 5, 0), (5, 30, 1), (5, 50, 2)), bare)
    assert report.main.n == 60 * 37 - 3


def test_a_renamed_class_stays_tied_and_a_new_one_is_tied_by_name() -> None:
    renamed = ClassInfo("a", "Maize", "#111111", 1)
    by_name = ClassInfo("b", "WOOD", "#222222", None)
    other = ClassInfo("c", "Road", "#333333", None)
    schema = ClassSchema((other, by_name, renamed))
    codes = np.array([0, 3, 2, 1])[REFERENCE]  # water is mapped as Road
    given = labels((5, 5, 2), (5, 30, 1), (5, 50, 0), schema=schema)
    report = accuracy_report(mapped(codes, schema), given, scene())
    assert [c.info.name for c in report.main.classes] == ["WOOD", "Maize"]
    assert value(report.main) == 1.0
    assert "Road" in report.notes[0]
    codes[REFERENCE == 1] = 1  # a class outside the reference is wrong where the reference says corn
    assert value(accuracy_report(mapped(codes, schema), given, scene()).main) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (labels(), "Label a pixel of each of two classes"),
        (labels((5, 5, 0), (6, 6, 0)), "Label a pixel of a second class"),
    ],
)
def test_too_few_classes_is_a_sentence(given: LabelSet, words: str) -> None:
    for place in (scene(), scene(reference=None, reference_names={})):
        report = accuracy_report(mapped(REFERENCE), given, place, loo=given.label)
        assert report.main.problem.startswith(words)
        assert report.main.oa is None


def test_a_buffer_that_takes_everything_is_a_sentence() -> None:
    report = accuracy_report(mapped(REFERENCE), labels((5, 5, 0), (5, 30, 1)), scene(), buffer_px=60)
    assert value(report.main) == 1.0
    assert report.buffered is not None
    assert report.buffered.oa is None
    assert "farther than 60 pixels" in report.buffered.problem


def test_a_class_the_buffer_swallows_is_named() -> None:
    reference = REFERENCE.copy()
    reference[reference == 3] = 0
    reference[20, 50] = reference[20, 51] = 3
    given = labels((5, 5, 0), (5, 30, 1), (20, 50, 2))
    report = accuracy_report(mapped(reference), given, scene(reference=reference))
    assert report.buffered is not None
    assert "no pixel is left of Water" in report.buffered.words
    assert report.buffered.classes[2].recall is None
    assert finite(report)


def test_leave_one_out_without_a_reference() -> None:
    bare = scene(reference=None, reference_names={})
    given = labels(*[(6 * r, 5, 0) for r in range(6)], *[(6 * r, 50, 2) for r in range(6)], (9, 9, 1))
    loo = np.array([0] * 5 + [1] + [2] * 6 + [0])  # in the schema of the classes that have labels: all three here
    report = accuracy_report(mapped(REFERENCE), given, bare, loo=loo)
    assert report.kind == "leave_one_out"
    assert report.buffered is None
    assert report.main.n == 12
    assert value(report.main) == pytest.approx(11 / 12)
    assert report.main.words == (
        "leave-one-out on 12 of your 13 labels (1 class with one label is not counted): "
        "near neighbours make this optimistic, labels where the map was unsure pessimistic; "
        "a class counts by its labels, not by its area"
    )
    assert report.main.oa is not None
    assert (report.main.oa.low, report.main.oa.high) == pytest.approx((0.646, 0.985), abs=0.001)  # Wilson, 11 of 12
    assert finite(report)


def test_leave_one_out_counts_in_the_schema_of_labelled_classes() -> None:
    bare = scene(reference=None, reference_names={})
    given = labels((1, 5, 0), (30, 5, 0), (1, 50, 2), (30, 50, 2))  # class 1 has no label: Water is index 1
    report = accuracy_report(mapped(REFERENCE), given, bare, loo=np.array([0, 0, 1, 1]))
    assert value(report.main) == 1.0
    assert report.main.words.startswith("leave-one-out on your 4 labels: near neighbours")
    assert [c.info.name for c in report.main.classes] == ["Corn", "Water"]


def test_leave_one_out_does_not_count_classes_in_one_place() -> None:
    """A label that is left out has its neighbours there: on Indian Pines that reads 99.9 where the map has 57."""
    bare = scene(reference=None, reference_names={})
    near = [(r, 5, 0) for r in range(4)] + [(r, 50, 2) for r in range(4)]
    given = labels(*near)
    report = accuracy_report(mapped(REFERENCE), given, bare, loo=np.array([0] * 4 + [1] * 4))
    assert report.main.oa is None
    assert report.main.problem.startswith("Not known yet: every label lies near others of its class")
    assert report.notes[0].startswith("All labels of Corn and Water lie within 10 pixels, class by class")
    given = labels(*near, (30, 50, 2), (5, 30, 1))
    report = accuracy_report(mapped(REFERENCE), given, bare, loo=np.array([0] * 4 + [2] * 4 + [0, 0]))
    assert (report.main.n, value(report.main)) == (5, 0.8)
    assert report.main.words == (
        "leave-one-out on 5 of your 10 labels (1 class with one label and 1 class with all labels in one place are not "
        "counted): near neighbours make this optimistic, labels where the map was unsure pessimistic; "
        "a class counts by its labels, not by its area"
    )
    assert report.notes  # one of two classes
    assert finite(report)


def test_one_label_a_class_asks_for_one_more() -> None:
    bare = scene(reference=None, reference_names={})
    given = labels((1, 5, 0), (1, 50, 2))
    report = accuracy_report(mapped(REFERENCE), given, bare, loo=np.array([1, 0]))
    assert report.main.problem.startswith("Label 1 more pixel")


def test_a_report_never_holds_nan() -> None:
    """Whatever is mapped: nothing, one class, the wrong class, with few and many labels."""
    rng = np.random.default_rng(1)
    for n in (2, 3, 10, 200):
        index = rng.choice(np.flatnonzero(REFERENCE), n, replace=False)
        row, col = np.divmod(index, W)
        given = LabelSet(SCHEMA, row, col, REFERENCE.ravel()[index].astype(np.int64) - 1, 1)
        for label in (np.zeros((H, W)), np.ones((H, W)), np.where(REFERENCE == 1, 2, 1)):
            for buffer_px in (0, 5, 15):
                report = accuracy_report(mapped(label), given, scene(), buffer_px)
                assert finite(report)
                assert all(block.problem or block.oa for block in (report.main, report.buffered) if block)


def test_huge_references_are_sampled_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "MAX_PIXELS", 500)
    report = accuracy_report(mapped(REFERENCE), labels((5, 5, 0), (5, 30, 1), (5, 50, 2)), scene())
    assert 400 < report.main.n <= 500
    assert "(a regular sample of 2,277)" in report.main.words


def test_the_same_map_gives_the_same_interval() -> None:
    rng = np.random.default_rng(0)
    guess = mapped(np.where(rng.random((H, W)) < 0.7, REFERENCE, 1))
    given = labels((5, 5, 0), (5, 30, 1), (5, 50, 2))
    first, second = accuracy_report(guess, given, scene()), accuracy_report(guess, given, scene())
    assert (first.main.oa, first.main.kappa) == (second.main.oa, second.main.kappa)


def test_figures_of_the_matrix_are_scikit_learns() -> None:
    """Counts, OA, κ, producer's and user's accuracy, F1, macro and weighted, on a map with every kind of error."""
    from sklearn import metrics as judge

    rng = np.random.default_rng(4)
    guess = np.where(rng.random((H, W)) < 0.75, REFERENCE, rng.integers(1, 4, (H, W)))
    guess[0] = 0  # no class
    given = labels((5, 5, 0), (5, 30, 1), (5, 50, 2))
    block = accuracy_report(mapped(guess), given, scene()).main
    tested = REFERENCE > 0
    tested[given.row, given.col] = False
    true, told = REFERENCE[tested], guess[tested]
    assert block.confusion is not None
    expected = judge.confusion_matrix(true, told, labels=[1, 2, 3, 0])[:3]
    assert np.array_equal(block.confusion, expected)
    assert block.oa is not None
    assert block.kappa is not None
    assert block.oa.value == pytest.approx(judge.accuracy_score(true, told))
    assert block.kappa.value == pytest.approx(judge.cohen_kappa_score(true, told))
    how = {"labels": [1, 2, 3], "zero_division": 0}
    precision, recall, f1, _ = judge.precision_recall_fscore_support(true, told, **how)
    assert [c.precision for c in block.classes] == pytest.approx(precision)
    assert [c.recall for c in block.classes] == pytest.approx(recall)
    assert [c.f1 for c in block.classes] == pytest.approx(f1)
    assert block.macro_f1 is not None
    assert block.weighted_f1 is not None
    assert block.macro_f1.value == pytest.approx(judge.f1_score(true, told, average="macro", **how))
    assert block.weighted_f1.value == pytest.approx(judge.f1_score(true, told, average="weighted", **how))
    for one in block.classes:
        assert one.recall_range is not None
        assert one.recall_range[0] <= one.recall <= one.recall_range[1]


def test_one_class_that_fills_the_test_pixels_is_too_early() -> None:
    """Two of three classes are labelled, and the second has next to no pixel: 97 % would be right without looking."""
    reference = np.ones((40, 60), dtype=np.int32)
    reference[:2, :20], reference[38:] = 2, 3
    stretched = scene(reference=reference)
    report = accuracy_report(mapped(reference), labels((5, 5, 0), (0, 0, 1)), stretched)
    assert report.main.oa is None
    assert report.main.problem.startswith("Too early: one class, ")
    assert "fills 98 % of the test pixels" in report.main.problem
    everything = accuracy_report(mapped(reference), labels((5, 5, 0), (0, 0, 1), (39, 5, 2)), stretched)
    assert everything.main.oa is not None


def test_test_pixels_without_a_class_on_the_map_are_said_to_count_as_wrong() -> None:
    """Unsure pixels left out, or a map of a part of the scene."""
    bare = np.where(np.arange(H)[:, None] >= 30, 0, REFERENCE)
    report = accuracy_report(mapped(bare), labels((5, 5, 0), (5, 30, 1)), scene())
    assert value(report.main) == pytest.approx((1518 - 2 * 9 * 20) / 1518)
    assert report.main.words.endswith("; 360 pixels without a class on the map count as wrong")
    assert report.buffered is not None
    assert report.buffered.words.endswith("; 360 pixels without a class on the map count as wrong")
    whole = accuracy.report_without_labels(mapped(bare), scene())
    assert whole is not None
    assert whole.main.words == (
        "on all 2,280 reference pixels of 3 classes; no label was used; 540 pixels without a class on the map count "
        "as wrong"
    )


def test_a_sample_of_a_large_reference_is_not_called_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "MAX_PIXELS", 800)
    whole = accuracy.report_without_labels(mapped(REFERENCE), scene())
    assert whole is not None
    assert whole.main.n == 760
    assert whole.main.words == ("on 760 reference pixels (a regular sample of 2,280) of 3 classes; no label was used")
