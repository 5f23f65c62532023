"""While a lesson is on, nothing says where the reference's classes are. Handed in, its score is that of both maps on
the same pixels."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import spectral
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.cli.main import main
from hsi_studio.engine.runs.devices import devices
from hsi_studio.engine.runs.environment import open_scene
from hsi_studio.errors import BadRequest, CorruptFile, LabelProblem, TooFewLabels
from hsi_studio.project.lesson import RESULT
from hsi_studio.project.store import Project
from hsi_studio.studio.guest import guest_of
from hsi_studio.studio.new_run import new_run
from hsi_studio.ui.opening.values import card_value
from hsi_studio.ui.verbs import Verbs
from hsi_studio.ui.viewer.layer_routes import router as layer_routes
from hsi_studio.ui.viewer.page_state import Present
from tests.studio.shown import project_with_reference


@pytest.fixture
def source(studio: Studio, tmp_path: Path) -> Project:
    return project_with_reference(studio, tmp_path / "data")


@pytest.fixture
def lesson(studio: Studio, source: Project) -> Project:
    return studio.lessons.start(source.id, shots=2)


def label_both(studio: Studio, lesson: Project) -> None:
    upper, lower = lesson.schema.classes
    for col in (3, 4):
        studio.label(lesson.id, 2, col, upper.id)
        studio.label(lesson.id, 25, col, lower.id)


def test_it_begins_with_the_classes_and_nothing_else(studio: Studio, source: Project, lesson: Project) -> None:
    assert lesson.schema.names == source.schema.names
    assert len(lesson.labels()) == 0
    assert lesson.id != source.id
    assert studio.scene_of(source.id).reference is not None
    said = studio.lessons.of(lesson.id)
    assert said is not None
    assert (said.shots, said.left, said.result) == (2, 4, None)
    assert studio.lessons.of(source.id) is None


def test_nothing_of_the_project_shows_the_reference(studio: Studio, lesson: Project) -> None:
    label_both(studio, lesson)
    live = studio.live(lesson.id).wait(lesson.revision, 30, report=True)
    assert live.report is not None
    assert live.report.kind == "leave_one_out"
    assert studio.scene_of(lesson.id).reference is None
    assert studio.workspace.whole_scene_of(lesson.id).reference is None
    assert studio.info(studio.scene_of(lesson.id))["reference"] in (None, [])
    assert "reference" not in [layer.id for layer in studio.displayed.layers(lesson.id)]
    assert not studio.labels.can_draw(lesson.id)
    for ask in (
        lambda: studio.displayed.show(lesson.id, "reference"),
        lambda: studio.displayed.find(lesson.id, "reference"),
        lambda: studio.labels.draw(lesson.id, 1),
        lambda: studio.lessons.start(lesson.id),
    ):
        with pytest.raises(BadRequest):
            ask()
    verbs = Verbs(studio)
    assert '"reference":false' in verbs.open(project=lesson.id).replace(" ", "")
    assert '"kind":"reference"' not in verbs.evaluate(lesson.id, "live").replace(" ", "")
    app = FastAPI()
    app.include_router(layer_routes(studio))
    with TestClient(app) as page:
        assert "reference" not in page.get(f"/hsi/layers/{lesson.id}").text.casefold()
    assert "against the reference" not in Present(studio).strip(lesson.id).casefold()


def test_a_guest_and_a_training_do_not_see_it_either(studio: Studio, lesson: Project) -> None:
    label_both(studio, lesson)
    guest = guest_of(studio, lesson.id)
    assert guest.scene_of(lesson.id).reference is None
    assert guest.scene(studio.scene_of(lesson.id).id).reference is None
    assert not guest.lessons.can_start(lesson.id)
    scene = studio.scene_of(lesson.id)
    _, record = new_run(
        lesson, scene, lesson.labels(), devices()[0], lambda folder, record: record, method="svm", params={}
    )
    assert open_scene(record).reference is None


def test_what_a_lesson_says_and_writes_does_not_depend_on_its_reference(studio: Studio, tmp_path: Path) -> None:
    """Two lessons on one cube with two references, labelled alike: all that may differ are ids and times."""
    scene = studio.scene_of(project_with_reference(studio, tmp_path / "data").id)
    assert scene.reference is not None
    np.save(tmp_path / "data" / "cube.npy", scene.cube.read(slice(None), slice(None)))
    told = []
    for name, reference in (("ref-a", scene.reference), ("ref-b", scene.reference.T)):
        file = tmp_path / "data" / f"{name}.npy"
        np.save(file, reference)
        lesson = studio.lessons.start_on(
            tmp_path / "data" / "cube.npy", shots=2, reference=str(file), axes="rows,cols,bands"
        )
        label_both(studio, lesson)
        assert studio.live(lesson.id).wait(lesson.revision, 30, report=True).report is not None
        with zipfile.ZipFile(studio.exports.bundle(lesson.id, which="live", timeout=60)) as files:
            names = [one for one in files.namelist() if one.endswith((".csv", ".img", ".png", "README.md"))]
            written = {one: re.sub(rb"[0-9a-f]{16,}|20\d\d-\S+|ref-.", b"", files.read(one)) for one in names}
            report = next(files.read(one).decode() for one in files.namelist() if one.endswith(".html"))
        assert "hidden until the lesson is handed in" in report
        verbs = Verbs(studio)
        answers = [verbs.evaluate(lesson.id, "live"), verbs.map(lesson.id, "live"), Present(studio).strip(lesson.id)]
        ids = "|".join([lesson.id, *(info.id for info in lesson.schema.classes)])
        told.append((written, re.sub(rf"{ids}|[0-9a-f]{{16,}}|{name}", "", "\n".join(answers))))
    for one, other in zip(told[0][0].items(), told[1][0].items(), strict=True):
        assert one == other
    assert told[0][1] == told[1][1]
    assert len(told[0][0]) >= 5


def test_lessons_on_one_scene_have_names_of_their_own(studio: Studio, source: Project) -> None:
    titles = [studio.lessons.start(source.id, shots=2).title for _ in range(3)]
    assert titles == [titles[0], f"{titles[0]} (2)", f"{titles[0]} (3)"]
    assert studio.lessons.start(source.id, title="Ana").title == "Ana"


def test_a_comparison_does_not_say_that_there_is_no_reference(studio: Studio, lesson: Project) -> None:
    sides = [studio.compare.side(text) for text in ("svm", "knn")]
    with pytest.raises(TooFewLabels, match=r"^The lesson hides the reference map.*or hand in first\.$"):
        studio.compare.plan(lesson.id, sides, 1)


def test_a_guest_hands_in_and_both_see_the_reference(studio: Studio, lesson: Project) -> None:
    guest = guest_of(studio, lesson.id)
    label_both(guest, lesson)
    scene_id = guest.scene_of(lesson.id).id
    assert guest.scene(scene_id).reference is None
    studio.workspace.put_away(lesson.id)  # as when memory is short: it is the guest who opens it again
    assert guest.scene_of(lesson.id).reference is None
    assert guest.scene(scene_id).reference is None
    assert studio.live(lesson.id).wait(lesson.revision, 30, report=True).report.kind == "leave_one_out"  # type: ignore[union-attr]
    result = guest.lessons.hand_in(lesson.id)
    assert result.n
    for one in (studio, guest):
        assert one.scene_of(lesson.id).reference is not None
        assert one.lessons.of(lesson.id).result == result  # type: ignore[union-attr]
        assert "reference" in [layer.id for layer in one.displayed.layers(lesson.id)]
    assert guest.scene(scene_id).reference is not None
    assert studio.live(lesson.id).wait(lesson.revision, 30, report=True).report.kind == "reference"  # type: ignore[union-attr]


def test_what_another_program_hands_in_is_handed_in_here_too(studio: Studio, lesson: Project, tmp_path: Path) -> None:
    label_both(studio, lesson)
    assert studio.live(lesson.id).wait(lesson.revision, 30, report=True).report.kind == "leave_one_out"  # type: ignore[union-attr]
    other = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    result = other.lessons.hand_in(lesson.id)
    other.close()
    assert studio.lessons.of(lesson.id).result == result  # type: ignore[union-attr]
    assert studio.scene_of(lesson.id).reference is not None
    assert studio.live(lesson.id).wait(lesson.revision, 30, report=True).report.kind == "reference"  # type: ignore[union-attr]
    (lesson.folder / RESULT).unlink()  # moved away, the lesson is on again
    assert studio.scene_of(lesson.id).reference is None
    assert studio.live(lesson.id).wait(lesson.revision, 30, report=True).report.kind == "leave_one_out"  # type: ignore[union-attr]


def test_a_class_that_is_nowhere_in_the_reference_is_not_asked_for(studio: Studio, tmp_path: Path) -> None:
    """Files name what is not in this scene; nobody could give its labels, and it would count as a class."""
    scene = studio.scene_of(project_with_reference(studio, tmp_path / "data").id)
    named = tmp_path / "data" / "named.hdr"
    spectral.envi.save_classification(str(named), scene.reference, class_names=["none", "upper", "lower", "water"])
    np.save(tmp_path / "data" / "cube.npy", scene.cube.read(slice(None), slice(None)))
    file = {"spec": tmp_path / "data" / "cube.npy", "reference": str(named), "axes": "rows,cols,bands"}
    assert studio.new_project(**file).schema.names == ["upper", "lower", "water"]
    lesson = studio.lessons.start_on(shots=2, **file)
    assert lesson.schema.names == ["upper", "lower"]
    label_both(studio, lesson)
    result = studio.lessons.hand_in(lesson.id)
    assert "of 2 classes" in result.words
    assert "at most half" not in result.baseline_words


def test_more_labels_than_the_lesson_gives_are_refused(studio: Studio, lesson: Project) -> None:
    upper, lower = lesson.schema.classes
    label_both(studio, lesson)
    with pytest.raises(LabelProblem, match="2 labels, and this would make 3"):
        studio.label(lesson.id, 5, 5, upper.id)
    with pytest.raises(LabelProblem, match="would make 4"):
        lesson.import_labels([(5, 5, upper.name, None), (6, 6, upper.name, None)])
    with pytest.raises(LabelProblem):
        studio.label(lesson.id, 2, 3, lower.id)  # another class for a pixel that has one
    studio.remove_label(lesson.id, 2, 3)
    studio.label(lesson.id, 5, 5, upper.id)
    lesson.undo()
    lesson.undo()
    assert lesson.labels().counts.tolist() == [2, 2]


def test_it_is_on_after_a_restart_and_in_a_copy(studio: Studio, lesson: Project, tmp_path: Path) -> None:
    copy = studio.shelf.duplicate(lesson.id)
    studio.close()
    again = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    for project_id in (lesson.id, copy):
        assert again.scene_of(project_id).reference is None
        assert again.project(project_id).lesson_on
    again.close()


def test_a_card_shows_the_score_and_no_accuracy_of_some_classes(studio: Studio, lesson: Project) -> None:
    label_both(studio, lesson)
    assert studio.live(lesson.id).wait(lesson.revision, 30, report=True).report is not None

    def accuracy() -> str:
        (card,) = [one for one in studio.shelf.cards() if one.id == lesson.id]
        return str(card_value(card, 0.0)["accuracy"])

    assert accuracy() == "lesson, not handed in"
    result = studio.lessons.hand_in(lesson.id)
    score, baseline = (f"{100 * one.value:.1f} %" for one in (result.score, result.baseline))
    assert accuracy() == f"lesson {score}, baseline {baseline}"


def test_more_labels_than_a_lesson_gives_are_no_score(studio: Studio, lesson: Project) -> None:
    """Handed in, labels have no limit; neither a copy nor the project without its score makes a score of them."""
    label_both(studio, lesson)
    studio.lessons.hand_in(lesson.id)
    studio.label(lesson.id, 5, 5, lesson.schema.classes[0].id)
    copy = studio.shelf.duplicate(lesson.id)
    assert studio.lessons.of(copy).result is not None  # type: ignore[union-attr]
    with pytest.raises(BadRequest, match="handed in already"):
        studio.lessons.hand_in(copy)
    (lesson.folder / RESULT).unlink()
    with pytest.raises(BadRequest, match="3 labels of Class 1, and this lesson gives 2"):
        studio.lessons.hand_in(lesson.id)


def test_bands_may_be_left_out_in_a_lesson(studio: Studio, lesson: Project) -> None:
    label_both(studio, lesson)
    studio.bands.leave_out(lesson.id, [0, 1])
    assert studio.scene_of(lesson.id).reference is None
    assert studio.lessons.hand_in(lesson.id).n > 0
    assert studio.scene_of(lesson.id).reference is not None


def test_the_score_stands_beside_the_baseline_on_the_same_pixels(studio: Studio, lesson: Project) -> None:
    with pytest.raises(LabelProblem):
        studio.lessons.hand_in(lesson.id)  # no map yet
    assert lesson.lesson_on
    label_both(studio, lesson)
    result = studio.lessons.hand_in(lesson.id)
    scene = studio.scene_of(lesson.id)
    assert scene.reference is not None
    assert "reference" in [layer.id for layer in studio.displayed.layers(lesson.id)]
    # measured again from the two maps: pixels of the reference farther than 5 from every label of either
    drawn = np.random.default_rng(0)
    near = np.zeros(scene.shape[:2], dtype=bool)
    known = np.where(scene.valid, scene.reference, 0).ravel()
    labels = [(2, 3), (2, 4), (25, 3), (25, 4)]
    for value in (1, 2):
        pixels = np.flatnonzero(known == value)
        drawn.shuffle(pixels)
        labels += [divmod(int(at), scene.shape[1]) for at in pixels[:2]]
    for row, col in labels:
        near[max(0, row - 5) : row + 6, max(0, col - 5) : col + 6] = True
    tested = (known.reshape(near.shape) > 0) & ~near
    mine = studio.live(lesson.id).wait(lesson.revision, 30).prediction
    assert mine is not None
    assert result.n == int(tested.sum())
    assert result.score.value == pytest.approx(float((mine.label == scene.reference)[tested].mean()))
    assert result.gain.value == pytest.approx(result.score.value - result.baseline.value)
    assert "within 5 pixels of the 8 labelled pixels that either was made from" in result.words
    assert "2 pixels a class drawn at random from the reference (seed 0, 4 pixels)" in result.baseline_words
    assert studio.lessons.of(lesson.id).result == result  # type: ignore[union-attr]
    with pytest.raises(BadRequest, match="handed in already"):
        studio.lessons.hand_in(lesson.id)
    upper = lesson.schema.classes[0]
    studio.label(lesson.id, 5, 5, upper.id)  # no limit any more


def test_a_class_that_was_not_labelled_counts_as_wrong(studio: Studio, lesson: Project) -> None:
    label_both(studio, lesson)
    lesson.delete_class(lesson.schema.classes[1].id)
    lesson.add_class("something else")
    studio.label(lesson.id, 27, 27, lesson.schema.classes[-1].id)
    result = studio.lessons.hand_in(lesson.id)
    assert result.score.value < 0.75  # at most the upper half can be right
    assert "of 2 classes" in result.words


def test_a_map_from_elsewhere_is_refused(studio: Studio, lesson: Project) -> None:
    label_both(studio, lesson)
    layer = studio.edits.add(lesson.id, "majority=3")
    studio.displayed.find(lesson.id, layer)
    with pytest.raises(BadRequest, match="more than this lesson's labels"):
        studio.lessons.hand_in(lesson.id, layer)
    assert lesson.lesson_on


def test_without_a_reference_there_is_no_lesson(studio: Studio, project: Project) -> None:
    assert not studio.lessons.can_start(project.id)
    with pytest.raises(BadRequest, match="no reference"):
        studio.lessons.start(project.id)


def test_a_score_that_is_no_score_is_told(studio: Studio, lesson: Project) -> None:
    (lesson.folder / RESULT).write_text("{}")
    with pytest.raises(CorruptFile, match="the lesson is on again"):
        studio.lessons.of(lesson.id)


def test_from_a_shell(
    studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project_with_reference(studio, tmp_path / "data").scene_spec["spec"]
    monkeypatch.setenv("HSI_STUDIO_HOME", str(studio.home))
    assert main(["lesson", "start", file, "--shots", "1"]) == 0
    lesson = studio.project(capsys.readouterr().out.strip())
    for info, row in zip(lesson.schema.classes, (3, 27), strict=True):
        studio.label(lesson.id, row, 3, info.id)
    assert main(["lesson", "show", lesson.id]) == 0
    assert "0 of 2 labels left" in capsys.readouterr().out
    assert main(["lesson", "hand-in", lesson.id, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["score"]["value"] - told["baseline"]["value"] == pytest.approx(told["gain"]["value"])
    assert main(["lesson", "show", lesson.id]) == 0
    assert "Test pixels:" in capsys.readouterr().out
