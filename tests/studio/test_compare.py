"""`studio.compare`: names of arms, comparisons in the queue, maps that are shown and hidden."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.cli.main import main
from hsi_studio.engine.compare.run_kind import store_of
from hsi_studio.engine.evaluation.splits import draw_shots
from hsi_studio.errors import BadRequest, TooFewLabels
from hsi_studio.methods import get_method
from hsi_studio.project.prompt_sets import SUGGESTED
from hsi_studio.studio.compare_arms import parse_side
from hsi_studio.studio.facade import Side, Studio
from hsi_studio.studio.guest import guest_of
from hsi_studio.ui.tabs.compare.values import panel_value
from hsi_studio.ui.viewer.accuracy_strip import compared_strip

TINY = {"features": "spectra"}


@pytest.fixture(scope="module")
def scene_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stripes, as files that a worker can open."""
    folder = tmp_path_factory.mktemp("scene")
    rng = np.random.default_rng(0)
    stripe = np.arange(40) * 3 // 40
    cube = rng.normal(0, 0.4, (30, 40, 6)) + np.eye(6)[stripe][None]
    np.savez(folder / "stripes.npz", cube=cube.astype(np.float32))
    np.save(folder / "truth.npy", np.broadcast_to(stripe + 1, (30, 40)).astype(np.int32))
    return folder / "stripes.npz"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home", data_root=tmp_path)
    yield made
    made.close()


def with_reference(studio: Studio, scene_file: Path) -> str:
    return studio.new_project(scene_file, reference=str(scene_file.with_name("truth.npy"))).id


def wait(studio: Studio, run_id: str) -> str:
    until = time.monotonic() + 120
    while (info := studio.compare.get(run_id)).run.alive:
        assert time.monotonic() < until
        time.sleep(0.05)
    return info.run.state


def test_arms_are_named_by_what_tells_them_apart(studio: Studio, scene_file: Path) -> None:
    project = with_reference(studio, scene_file)
    for sides, names in (
        ([Side("curated", "p1"), Side("curated", "p5")], ["p1", "p5"]),
        ([Side("curated", "p1"), Side("lda")], ["Curated prompts", "Linear discriminant"]),
        ([Side("curated", "p1"), Side("s3fn", "p5")], ["Curated prompts, p1", "S3FN, p5"]),
        ([Side("diffclip"), Side("diffclip", "", {"use_dsm": False})], ["DiffCLIP", "no DSM"]),
        ([Side("knn", "", {}, "mine"), Side("knn", "", {"neighbours": 3})], ["mine", "neighbours 3"]),
    ):
        plan = studio.compare.plan(project, sides, 5)
        assert [arm.name for arm in plan.arms] == names
    assert studio.compare.plan(project, [Side("curated", "p1"), Side("curated", "p5")], 5).arms[0].sentences == {
        "Class 1": ("a patch of a class 1.",), "Class 2": ("a patch of a class 2.",),
        "Class 3": ("a patch of a class 3.",),
    }  # fmt: skip
    with pytest.raises(BadRequest, match="neighbors"):
        studio.compare.plan(project, [Side("knn", "", {"neighbors": 3}), Side("lda")], 5)


@pytest.mark.parametrize("name", ["diffclip", "curated", "s3fn", "live"])
def test_a_method_without_each_of_its_parts(studio: Studio, scene_file: Path, name: str) -> None:
    project = with_reference(studio, scene_file)
    parts = studio.compare.ablations(name)
    sides = studio.compare.without_parts(name, "p1", parts)
    assert [side.name for side in sides] == ["everything", *(f"no {part}" for part in parts)]
    usual = get_method(name).Params().model_dump(mode="json")
    assert all(usual[key] == value for key, value in sides[0].params.items())
    for side in sides[1:]:
        assert set(side.params) == set(sides[0].params)
        assert side.params != sides[0].params
    plan = studio.compare.plan(project, sides, 5, "quick", control=False)
    assert not plan.control
    for arm in plan.arms:  # the quick pace must not switch a part off that is looked at
        assert all(
            arm.params[key] == value for side in sides if side.name == arm.name for key, value in side.params.items()
        )


def test_parts_that_matter_only_with_another_bring_it(studio: Studio) -> None:
    whole, less = studio.compare.without_parts("diffclip", "", ["masking"])
    assert whole.params == {"use_pretraining": True, "use_mask": True}
    assert less.params == {"use_pretraining": True, "use_mask": False}
    assert studio.compare.without_parts("diffclip", "", []) == []
    assert studio.compare.ablations("svm") == []
    with pytest.raises(BadRequest, match=r"no part 'soul'\. Choose of: pre-training"):
        studio.compare.without_parts("diffclip", "", ["soul"])


def test_own_prompt_sets_are_arms_with_their_version(studio: Studio, scene_file: Path) -> None:
    project = with_reference(studio, scene_file)
    first = studio.project(project).schema.classes[0]
    words, _ = studio.prompts.create(project, "p1", "Mine")
    studio.prompts.edit(project, words.id, {first.id: ["bright left third"]})
    assert (f"Mine, version {words.version + 1}", f"set:{words.id}") in studio.compare.words(project)
    plan = studio.compare.plan(project, [Side("curated", "p1"), Side("curated", f"set:{words.id}")], 5)
    assert plan.arms[1].name == "Mine, version 2"
    assert plan.arms[1].sentences["Class 1"] == ("bright left third",)
    assert plan.arms[1].sentences["Class 2"] == plan.arms[0].sentences["Class 2"]


def test_words_that_were_measured_on_test_pixels_are_noted(studio: Studio, scene_file: Path) -> None:
    project = with_reference(studio, scene_file)
    classes = studio.project(project).schema.classes
    for k, info in enumerate(classes):
        for n in range(8):
            studio.label(project, 3 * n, 3 + 13 * k, info.id)
    words, _ = studio.prompts.create(project, "pixels")
    copied, _ = studio.prompts.create(project, f"copy:{words.id}", "Copied")
    plain, _ = studio.prompts.create(project, "p1", "Plain")

    def notes(*sets: str) -> tuple[str, ...]:
        sides = [Side("curated", f"set:{key}") for key in sets]
        return studio.compare.plan(project, sides, 5, "thorough", 3).notes

    reference = np.load(scene_file.with_name("truth.npy"))
    labels = studio.project(project).labels()
    flat = labels.row * 40 + labels.col
    tested = np.mean([24 - np.isin(flat, draw_shots(reference, 5, seed)).sum() for seed in range(3)])
    told = notes(plain.id, words.id, copied.id)
    assert [text.partition(",")[0] for text in told] == ["From the pixels", "Copied"]
    assert all(f"{tested:.0f} of these 24 test here" in text for text in told)
    studio.prompts.edit(project, plain.id, {classes[0].id: ["bright left third"]})
    assert notes(plain.id, f"{plain.id}@1") == ()
    studio.prompts.edit(project, plain.id, {classes[0].id: ["reflects much at 2 µm"]}, SUGGESTED)
    assert len(notes(plain.id, words.id)) == 2
    assert notes(f"{plain.id}@1", f"{plain.id}@2") == ()  # versions of before keep their words


@pytest.mark.slow
def test_a_comparison_runs_in_the_queue_and_its_maps_are_shown(studio: Studio, scene_file: Path) -> None:
    project = with_reference(studio, scene_file)
    sides = [Side("lda", "", TINY), Side("knn", "", TINY)]
    plan = studio.compare.plan(project, sides, 3, "thorough", 3)
    assert "for 3 seeds, 6 maps" in studio.compare.forecast(project, plan).words
    run_id = studio.compare.start(project, plan)
    assert panel_value(studio, project)["run"]["alive"] is True
    assert wait(studio, run_id) == "done"
    info = studio.compare.get(run_id)
    assert info.comparison is not None
    assert info.comparison.state == "done"
    assert [run.id for run in studio.compare.list(project)] == [run_id]
    assert studio.runs.list(project) == []  # the Train tab lists trainings only
    assert "0 maps" in studio.compare.forecast(project, plan).words
    assert store_of(studio.runs.folder(run_id)).is_dir()

    left, right = (arm.name for arm in plan.arms)
    displayed, maps = studio.displayed, studio.compare.maps
    item, other = maps.layers_of(run_id, left, right)
    displayed.show(project, "comparison", item, beside=other)
    first, second = displayed.left(project), displayed.right(project)
    assert first is not None
    assert second is not None
    assert (first.title, second.title) == (left, right)
    assert first.prediction.method == "lda"
    shown, beside = first.prediction, second.prediction
    assert shown is displayed.find(project).prediction  # the same object, so that the page fetches it once
    assert [c.id for c in shown.schema.classes] == [c.id for c in studio.project(project).schema.classes]
    assert first.report is not None
    assert "without the 9 drawn pixels" in first.report.main.words
    assert first.report.main.n == 30 * 40 - 9
    item, _ = maps.layers_of(run_id, left, right, difference=True)
    displayed.show(project, "comparison", item, beside="")
    difference = displayed.find(project).prediction
    assert displayed.right(project) is None
    truth = np.broadcast_to(np.arange(40) * 3 // 40 + 1, (30, 40))
    expected = np.select(
        [shown.label == beside.label, shown.label == truth, beside.label == truth], [0, 1, 2], default=3
    )
    assert np.array_equal(difference.label, expected)
    strip = compared_strip(info.comparison, maps.arms(item))
    assert [group["title"] for group in strip["groups"]] == [f"{left} · comparison", f"{right} · comparison"]
    one = info.comparison.model_copy(update={
        "seeds": (0,),
        "arms": tuple(arm.model_copy(update={"figures": {
            key: found.model_copy(update={
                name: spread.model_copy(update={"values": spread.values[:1]})
                for name in ("oa", "aa", "kappa") if (spread := getattr(found, name)) is not None
            }) for key, found in arm.figures.items()
        }}) for arm in info.comparison.arms),
    })  # fmt: skip
    (group,) = compared_strip(one, [left])["groups"]
    assert {figure["help"] for figure in group["figures"]} == {"Of one seed."}
    assert group["words"].startswith("Of one seed, on 1,191 random test pixels;")
    value = panel_value(studio, project)
    assert value["shown"] == {"left": left, "right": right, "difference": True}
    assert [arm["name"] for arm in value["result"]["arms"]] == [left, right]
    displayed.show(project, "live")  # what was chosen last is shown
    assert "shown" not in panel_value(studio, project)
    files = studio.compare.report(run_id)
    assert {file.suffix for file in files} == {".md", ".html"}
    with pytest.raises(BadRequest, match="no map of"):
        maps.layers_of(run_id, left, "nobody")
    studio.runs.delete(run_id)
    assert studio.compare.list(project) == []


@pytest.mark.slow
def test_without_a_reference_the_labels_are_compared_or_it_is_said_what_is_missing(
    studio: Studio, scene_file: Path
) -> None:
    project = studio.new_project(scene_file).id
    sides = [Side("lda", "", TINY), Side("knn", "", TINY)]
    with pytest.raises(TooFewLabels, match="4 labels in each of two classes"):
        studio.compare.plan(project, sides, 2)
    for k in range(2):
        studio.edit(project, lambda p, k=k: p.add_class(f"Stripe {k}"))  # type: ignore[misc]
    for k, info in enumerate(studio.project(project).schema.classes):
        for n in range(8):
            studio.label(project, 3 * n, 2 + 20 * k, info.id)
    run_id = studio.compare.start(project, studio.compare.plan(project, sides, 3, "thorough", 3))
    assert wait(studio, run_id) == "done"
    found = studio.compare.get(run_id).comparison
    assert found is not None
    assert (found.basis, found.classes) == ("labels", ("Stripe 0", "Stripe 1"))
    assert found.arms[0].figures["random"].n_test == 10
    item, _ = studio.compare.maps.layers_of(run_id, found.arms[0].name, found.arms[1].name, difference=True)
    studio.displayed.show(project, "comparison", item)


@pytest.mark.slow
def test_a_cancelled_comparison_keeps_what_is_done(studio: Studio, scene_file: Path) -> None:
    project = with_reference(studio, scene_file)
    plan = studio.compare.plan(project, [Side("lda", "", TINY), Side("forest", "", TINY)], 3, "thorough", 100)
    run_id = studio.compare.start(project, plan)
    until = time.monotonic() + 60
    while studio.compare.get(run_id).comparison is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    studio.compare.cancel(run_id)
    assert wait(studio, run_id) == "cancelled"
    info = studio.compare.get(run_id)
    assert info.comparison is not None
    assert info.comparison.state == "stopped"
    assert any("Stopped after" in note for note in info.comparison.notes)
    assert "goes on from them" in info.reason
    assert info.can_go_on
    done = info.comparison.seeds
    again = studio.compare.go_on(run_id)
    studio.compare.cancel(again)
    assert wait(studio, again) == "cancelled"
    assert studio.compare.get(again).plan == plan
    assert again != run_id
    assert studio.compare.get(run_id).comparison.seeds == done  # type: ignore[union-attr]


def test_sides_as_they_are_written_in_a_shell() -> None:
    for text, side in (
        ("curated:p1", Side("curated", "p1")), ("knn,neighbours=3", Side("knn", "", {"neighbours": 3})),
        ("diffclip:p5,use_dsm=false@no DSM", Side("diffclip", "p5", {"use_dsm": False}, "no DSM")),
        ("lda", Side("lda")), ("curated:set:abc", Side("curated", "set:abc")),
    ):  # fmt: skip
        assert parse_side(text) == side
    with pytest.raises(BadRequest, match="There is no method"):
        parse_side("nobody:p1")
    with pytest.raises(BadRequest, match="Linear discriminant reads no words: leave “:p9” out"):
        parse_side("lda:p9")


def test_from_the_shell(
    scene_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HSI_STUDIO_HOME", str(tmp_path / "home"))
    truth = str(scene_file.with_name("truth.npy"))
    words = [
        "compare",
        str(scene_file),
        "--reference",
        truth,
        "--shots",
        "3",
        "--seeds",
        "3",
        "--out",
        str(tmp_path / "o"),
    ]
    assert main([*words, "--arm", "lda,features=spectra", "--arm", "knn,features=spectra"]) == 0
    said = capsys.readouterr().out
    assert "over 3 seeds" in said
    assert (tmp_path / "o" / "comparison-report.html").is_file()
    assert main([*words, "--arm", "lda"]) == 2
    assert "at least 2" in capsys.readouterr().err


@pytest.mark.slow
def test_guests_compare_in_the_project_that_was_shared_and_nowhere_else(studio: Studio, scene_file: Path) -> None:
    project, other = with_reference(studio, scene_file), with_reference(studio, scene_file)
    sides = [Side("lda", "", TINY), Side("knn", "", TINY)]
    theirs = studio.compare.start(other, studio.compare.plan(other, sides, 3, "thorough", 3))
    guest = guest_of(studio, project)
    plan = guest.compare.plan(project, sides, 3, "thorough", 3)
    assert "6 maps" in guest.compare.forecast(project, plan).words
    run_id = guest.compare.start(project, plan)
    assert wait(studio, run_id) == "done"
    assert [run.id for run in guest.compare.list(project)] == [run_id]
    item, other = guest.compare.maps.layers_of(run_id, *(arm.name for arm in plan.arms))
    guest.displayed.show(project, "comparison", item, beside=other)
    assert studio.displayed.chosen(project) == (f"comparison:{item}", other)  # one project, one screen
    for refused in (lambda: guest.compare.get(theirs), lambda: guest.compare.plan(other, sides, 3)):
        with pytest.raises(BadRequest):
            refused()
    if studio.compare.get(theirs).run.alive:
        studio.compare.cancel(theirs)
