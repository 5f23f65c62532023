"""Sweeps: cells are planned once each, survive interruption, and resume with what is missing."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.evaluation.splits import make_split, parse_protocol
from hsi_studio.engine.sweep import cells as sweep
from hsi_studio.engine.sweep.cells import (
    DRAW,
    Cell,
    SweepScene,
    Variant,
    missing,
    parse_variant,
    plan,
    read_cell,
    run_cell,
)
from hsi_studio.engine.sweep.workers import Clock, describe, run_here, run_in_workers
from hsi_studio.errors import BadRequest, Cancelled
from hsi_studio.methods.contract import Context
from hsi_studio.types import Progress
from tests.engine.fake import FakeMethod, separable_scene


def held() -> SweepScene:
    scene = separable_scene()
    mask = np.full(scene.shape[:2], 2, dtype=np.int32)
    mask[:10] = 1
    return SweepScene(scene, {"rows": mask})


def open_stripes(spec: str) -> SweepScene:
    """For workers: found by name in a spawned process."""
    if spec != "stripes":
        raise BadRequest(f"no scene {spec}")
    from hsi_studio.scene.survey import survey

    found = held()
    return SweepScene(replace(found.scene, survey_fn=survey), found.masks)


def small_plan(**changes: object) -> list[Cell]:
    values = {
        "scenes": {"stripes": held()},
        "variants": [parse_variant("knn"), parse_variant("lda@LDA")],
        "prompts": ["p1"],
        "shots": [2],
        "seeds": [0, 1],
        "protocols": ["random", "buffered:2"],
    }
    return plan(**{**values, **changes})  # type: ignore[arg-type]


def test_a_variant_is_its_parameters_whatever_it_is_called() -> None:
    plain = parse_variant("knn")
    spelled = parse_variant(f"knn,neighbours={plain.params['neighbours']}@one")
    assert (plain.label, spelled.label) == ("knn", "one")
    assert plain.key == spelled.key
    assert parse_variant("knn,neighbours=7").key != plain.key
    assert parse_variant("knn,neighbours=7").params["neighbours"] == 7
    assert parse_variant("diffclip:clip@CLIP").params["use_pretraining"] is False
    assert parse_variant("diffclip:no text").params["use_text"] is False
    assert parse_variant("curated:quick,epochs=2").params["epochs"] == 2
    for wrong, said in (
        ("none", "live"),
        ("knn:paper", "no preset"),
        ("knn,neighbours=x", "neighbours"),
        ("knn,a=1", "a"),
    ):
        with pytest.raises(BadRequest, match=said):
            parse_variant(wrong)


def test_random_and_buffered_share_a_fit_and_text_is_not_repeated_for_methods_that_read_none() -> None:
    cells = small_plan(prompts=["p1", "permuted:p1"])
    assert len(cells) == 2 * 2  # variants × seeds
    assert {cell.protocols for cell in cells} == {("random", "buffered:2")}
    assert {cell.prompts for cell in cells} == {"none"}
    both = small_plan(
        variants=[parse_variant("diffclip"), parse_variant("diffclip:no text")], prompts=["p1", "permuted:p1"]
    )
    assert sorted({(c.variant.label, c.prompts) for c in both}) == [
        ("diffclip", "p1"), ("diffclip", "permuted:p1"), ("diffclip:no text", "none"),
    ]  # fmt: skip


def test_a_split_of_the_scene_is_a_cell_of_its_own_and_another_mask_another_one() -> None:
    with_mask = {"stripes": held()}
    cells = small_plan(scenes=with_mask, protocols=["random", "mask:rows", "mask:absent"])
    draws = {cell.draw for cell in cells}
    assert len(cells) == 8
    assert DRAW in draws
    with_mask["stripes"].masks["rows"][0, 0] = 2
    assert {cell.draw for cell in small_plan(scenes=with_mask, protocols=["mask:rows"])}.isdisjoint(draws)


def test_senseless_plans_are_refused() -> None:
    bare = SweepScene(separable_scene().without_reference())
    for wrong in (
        {"variants": [parse_variant("knn"), parse_variant("lda@knn")]},
        {"prompts": ["p9"]},
        {"protocols": ["sideways"]},
        {"scenes": {"bare": bare}},
    ):
        with pytest.raises(BadRequest):
            small_plan(**wrong)


def test_a_cell_scores_both_test_sets_on_one_map() -> None:
    cell = small_plan()[0]
    method, scene = FakeMethod(), held()
    variant = Variant("fake", "fake", {"bias": 0.0})
    found = run_cell(scene, replace(cell, variant=variant), Context(), method=method)  # type: ignore[arg-type]
    assert len(method.seen) == 1
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for protocol in ("random", "buffered:2"):
        expected = make_split(scene.scene.reference, 2, 0, parse_protocol(protocol), None, {})
        figures = found["results"][protocol]
        assert figures["n_test"] == expected.test.size == np.sum(figures["confusion"])
        assert figures["oa"] == pytest.approx(
            100 * np.trace(np.array(figures["confusion"])) / expected.test.size, abs=1e-3
        )
    assert found["pixels"] == 1200
    assert found["pixels_per_second"] > 0
    assert found["memory"]["peak_mb"] >= found["memory"]["before_mb"] * 0.9 > 0


def test_a_mask_trains_and_tests_where_it_says() -> None:
    cell = next(c for c in small_plan(protocols=["mask:rows"]))
    method = FakeMethod()
    variant = Variant("fake", "fake", {"bias": 0.0})
    found = run_cell(held(), replace(cell, variant=variant), Context(), method=method)  # type: ignore[arg-type]
    assert method.seen[0][1].row.max() < 10
    assert found["results"]["mask:rows"]["n_test"] == 19 * 40


def test_a_test_set_without_pixels_is_said_beside_the_others() -> None:
    cell = replace(small_plan()[0], protocols=("random", "buffered:100"))
    variant = Variant("fake", "fake", {"bias": 0.0})
    found = run_cell(held(), replace(cell, variant=variant), Context(), method=FakeMethod())  # type: ignore[arg-type]
    assert "leaves no pixel" in found["results"]["buffered:100"]["problem"]
    assert found["results"]["random"]["oa"] > 50


def test_a_rerun_does_only_what_is_missing(tmp_path: Path) -> None:
    cells, scenes = small_plan(), {"stripes": held()}
    assert missing(cells, tmp_path) == cells
    said: list[Progress] = []
    assert run_here(cells[:3], tmp_path, scenes, Context(), said.append).done == 3
    assert said[-1].fraction == 1.0
    assert missing(cells, tmp_path) == cells[3:]
    cells[0].file(tmp_path).write_text("{ half a fil", encoding="utf-8")
    assert missing(cells, tmp_path) == [cells[0], cells[3]]
    more = missing(small_plan(protocols=["buffered:4"]), tmp_path)
    assert more[1].protocols == ("random", "buffered:2", "buffered:4")  # nothing that is known is lost
    run_here(more[1:2], tmp_path, scenes, Context())
    assert set((read_cell(more[1].file(tmp_path)) or {})["results"]) == set(more[1].protocols)
    assert not list(tmp_path.rglob(".*"))


def test_a_stopped_write_leaves_no_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    cell = small_plan()[0]
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        sweep.write_cell(cell.file(tmp_path), {"format": sweep.FORMAT, "results": {}})
    assert read_cell(cell.file(tmp_path)) is None
    assert not [f for f in tmp_path.rglob("*") if f.is_file()]


def test_cancel_stops_between_cells_and_a_failing_cell_does_not(tmp_path: Path) -> None:
    cells, scenes = small_plan(), {"stripes": held()}
    with pytest.raises(Cancelled):
        run_here(cells, tmp_path, scenes, Context(cancelled=lambda: True))
    hard = [replace(cells[0], protocols=("buffered:100",)), cells[1]]
    outcome = run_here(hard, tmp_path, scenes, Context())
    assert outcome.done == 1
    assert "leaves no pixel" in outcome.failed[describe(cells[0])]


@pytest.mark.slow
def test_workers_make_the_cells_that_one_process_makes(tmp_path: Path) -> None:
    cells = small_plan(variants=[parse_variant("knn")])
    broken = replace(cells[0], scene="elsewhere", scene_name="elsewhere")
    run_here(cells, tmp_path / "here", {"stripes": open_stripes("stripes")}, Context())
    outcome = run_in_workers([*cells, broken], tmp_path / "there", open_stripes, jobs=2)
    assert (outcome.done, outcome.stopped) == (2, False)
    assert list(outcome.failed.values()) == ["no scene elsewhere"]
    for cell in cells:
        here, there = (read_cell(cell.file(tmp_path / place)) for place in ("here", "there"))
        assert here is not None
        assert there is not None
        assert here["results"] == there["results"]


@pytest.mark.slow
def test_time_that_is_up_stops_and_keeps_what_is_done(tmp_path: Path) -> None:
    outcome = run_in_workers(small_plan(), tmp_path, open_stripes, seconds=0.0)
    assert outcome.stopped
    assert outcome.done + len(missing(small_plan(), tmp_path)) <= 4


def test_time_left_is_judged_by_cells_alike() -> None:
    slow, fast = (next(c for c in small_plan() if c.variant.label == name) for name in ("knn", "LDA"))
    clock = Clock()
    assert clock.left([slow], 1) is None
    clock.add(slow, 10.0)
    clock.add(fast, 1.0)
    assert clock.left([slow, slow, fast], 1) == 21.0
    assert clock.left([slow, slow], 2) == 10.0
    assert clock.expect(replace(fast, shots=40)) == 1.0
