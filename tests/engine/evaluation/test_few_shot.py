from __future__ import annotations

import dataclasses
import json
import statistics
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.evaluation.few_shot import evaluate, evaluate_split, prompts_in_style
from hsi_studio.engine.evaluation.splits import Split, make_split, parse_protocol
from hsi_studio.errors import BadRequest, Cancelled
from hsi_studio.methods.contract import Context
from hsi_studio.types import Progress
from tests.engine.fake import FakeMethod, FakeParams, separable_scene


def test_the_result_is_the_documented_object() -> None:
    scene = separable_scene()
    result = evaluate(scene, FakeMethod(), shots=5, seeds=3, params=FakeParams(bias=1.5)).to_json()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert {"scene", "method", "params", "protocol", "shots", "classes", "summary", "seeds"} <= set(result)
    assert (result["scene"], result["method"], result["params"]) == ("stripes", "fake", {"bias": 1.5})
    assert (result["protocol"], result["shots"]) == ("random", 5)
    assert result["classes"] == ["Stripe 1", "Stripe 2", "Stripe 3"]
    assert [seed["seed"] for seed in result["seeds"]] == [0, 1, 2]
    for seed in result["seeds"]:
        assert set(seed) == {
            "seed", "n_train", "n_test", "oa", "aa", "kappa", "per_class", "fit_seconds", "predict_seconds",
        }  # fmt: skip
        assert (seed["n_train"], seed["n_test"]) == (15, 28 * 40 - 15)
        assert len(seed["per_class"]) == 3
        assert seed["aa"] == pytest.approx(statistics.fmean(seed["per_class"]), abs=1e-3)
    assert set(result["summary"]) == {"oa", "aa", "kappa", "fit_seconds", "predict_seconds"}
    values = [seed["oa"] for seed in result["seeds"]]
    assert result["summary"]["oa"]["mean"] == pytest.approx(statistics.fmean(values), abs=1e-3)
    assert result["summary"]["oa"]["std"] == pytest.approx(statistics.stdev(values), abs=1e-3)
    assert 80 < result["summary"]["oa"]["mean"] <= 100


def test_a_perfect_map_scores_100_and_one_seed_has_no_spread() -> None:
    result = evaluate(separable_scene(noise=0.0), FakeMethod(), shots=1, seeds=[7]).to_json()
    assert result["summary"]["oa"] == result["summary"]["kappa"] == {"mean": 100.0, "std": 0.0}
    assert result["seeds"][0]["seed"] == 7


def test_the_method_gets_the_draw_its_seed_and_no_reference() -> None:
    scene, method = separable_scene(), FakeMethod()
    evaluate(scene, method, shots=2, seeds=[3, 5], prompts={"Stripe 2": ["striped"]})
    assert [ctx.seed for *_, ctx in method.seen] == [3, 5]
    seen, labels, prompts, _ = method.seen[0]
    assert seen.reference is None
    assert seen.id == scene.id  # so that features are shared
    expected = make_split(scene.reference, 2, 3, parse_protocol("random"), None, {}).train
    assert (labels.row * 40 + labels.col).tolist() == expected.tolist()
    assert labels.label.tolist() == [0, 0, 1, 1, 2, 2]
    assert [prompts.of(info) for info in labels.schema.classes] == [("Stripe 1",), ("striped",), ("Stripe 3",)]


def test_permuting_the_reference_of_test_pixels_changes_nothing_but_the_score() -> None:
    """No label of a test pixel reaches the map: the method's input is the same whatever they are."""
    scene = separable_scene()
    split = make_split(scene.reference, 3, 0, parse_protocol("random"), None, {})
    shuffled = scene.reference.copy()
    shuffled.ravel()[split.test] = np.random.default_rng(0).permutation(shuffled.ravel()[split.test])
    other = dataclasses.replace(scene, reference=shuffled)
    results, inputs = [], []
    for each in (scene, other):
        method = FakeMethod()
        results.append(
            evaluate_split(each, each.without_reference(), method, FakeParams(), split, 0, {}, Context())
        )  # fmt: skip
        inputs.append(method.seen[0])
    first, second = inputs
    for field in ("row", "col", "label"):
        assert getattr(first[1], field).tolist() == getattr(second[1], field).tolist()
    assert first[1].schema == second[1].schema
    assert results[0].scores.oa > 0.8
    assert results[1].scores.oa == pytest.approx(1 / 3, abs=0.1)
    reordered = Split(split.train, split.test[::-1])
    again = evaluate_split(
        scene, scene.without_reference(), FakeMethod(), FakeParams(), reordered, 0, {}, Context()
    )  # fmt: skip
    assert again.scores == results[0].scores


def test_classes_without_shots_or_test_pixels_are_said_and_null() -> None:
    scene = separable_scene()
    reference = scene.reference.copy()
    reference[0, 0] = 4  # one pixel: nothing to train on
    scene = dataclasses.replace(
        scene, reference=reference, reference_names={**scene.reference_names, 4: "Lone", 5: "None"}
    )
    method = FakeMethod()
    result = evaluate(scene, method, shots=3, seeds=1).to_json()
    assert result["classes"][3:] == ["Lone", "None"]
    assert result["seeds"][0]["per_class"][3:] == [0.0, None]
    assert any("trains" in note and "Lone" in note for note in result["notes"])
    assert method.seen[0][1].schema.names == ["Stripe 1", "Stripe 2", "Stripe 3"]


def test_pixels_without_data_neither_train_nor_test() -> None:
    scene = separable_scene(invalid_rows=slice(5, 15))
    result = evaluate(scene, FakeMethod(), shots=5, seeds=2).to_json()
    assert result["seeds"][0]["n_test"] == 18 * 40 - 15
    assert "400 reference pixels without data are not counted." in result["notes"]


def test_a_split_file(tmp_path: Path) -> None:
    mask = np.zeros((30, 40), dtype=np.uint8)
    mask[:10] = 1
    np.save(tmp_path / "mask.npy", mask)
    scene, method = separable_scene(), FakeMethod()
    result = evaluate(scene, method, shots=4, seeds=1, protocol=f"split:{tmp_path / 'mask.npy'}").to_json()
    assert method.seen[0][1].row.max() < 10
    assert result["seeds"][0]["n_test"] == 19 * 40
    assert "1 = train" in result["notes"][0]


def test_an_official_split_of_two_maps_whatever_their_values(tmp_path: Path) -> None:
    train, test = np.zeros((30, 40), dtype=np.uint8), np.zeros((30, 40), dtype=np.uint8)
    train[:10], test[5:20] = separable_scene().reference[:10], 1
    np.save(tmp_path / "train.npy", train)
    np.save(tmp_path / "test.npy", test)
    scene, method = separable_scene(), FakeMethod()
    protocol = f"official:{tmp_path / 'train.npy'},{tmp_path / 'test.npy'}"
    result = evaluate(scene, method, shots=4, seeds=1, protocol=protocol).to_json()
    assert method.seen[0][1].row.max() < 10
    assert result["seeds"][0]["n_test"] == 10 * 40  # rows 10 … 19: rows 5 … 9 train
    with pytest.raises(BadRequest, match="official:"):
        evaluate(scene, method, shots=4, seeds=1, protocol="official:one.npy")


def test_prompts_may_differ_by_seed() -> None:
    method = FakeMethod()
    evaluate(separable_scene(), method, shots=2, seeds=2, prompts=lambda seed: {"Stripe 1": [f"seed {seed}"]})
    said = [prompts.of(labels.schema.classes[0]) for _, labels, prompts, _ in method.seen]
    assert said == [("seed 0",), ("seed 1",)]


def test_refusals_and_cancel() -> None:
    scene = separable_scene()
    bare = scene.without_reference()
    with pytest.raises(BadRequest, match="--reference"):
        evaluate(bare, FakeMethod(), shots=1, seeds=1)
    for wrong in ({"shots": 0, "seeds": 1}, {"shots": 1, "seeds": 0}, {"shots": 1, "seeds": [-1]}):
        with pytest.raises(BadRequest):
            evaluate(scene, FakeMethod(), **wrong)
    with pytest.raises(Cancelled):
        evaluate(scene, FakeMethod(), shots=1, seeds=2, ctx=Context(cancelled=lambda: True))


def test_progress_counts_the_draws() -> None:
    said: list[Progress] = []
    evaluate(separable_scene(), FakeMethod(), shots=2, seeds=3, ctx=Context(progress=said.append))
    assert said[-1].fraction == 1.0
    assert [p.message.split(",")[0] for p in said if p.message.startswith("Draw")] == [
        f"Draw {n} of 3" for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("style", ["permuted:p1", "permuted:mine"])
def test_the_shuffled_control_is_another_exchange_for_each_seed(style: str) -> None:
    """Each class gets the words of another one, always; which one, the seed says: five classes have 44 exchanges."""
    scene = separable_scene(width=50, classes=5)
    names = [name for _, name in scene.reference_classes]
    own = {"mine": {name: [f"words of {name}", "more"] for name in names}}
    said, _ = prompts_in_style(scene, style, own)
    right, _ = prompts_in_style(scene, style.partition(":")[2], own)
    drawn = [{name: list(text) for name, text in said(seed).items()} for seed in range(30)]
    given = {name: list(text) for name, text in right(0).items()}
    for found in drawn:
        assert sorted(map(str, found.values())) == sorted(map(str, given.values()))  # none lost, none twice
        assert not [name for name in names if found[name] == given[name]]
    assert len({str(found) for found in drawn}) > 15
    assert drawn[7] == {name: list(text) for name, text in said(7).items()}
