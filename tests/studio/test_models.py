"""Models of a studio: found, edited, deleted and restored, moved as one file, loaded on the right scene only."""

from __future__ import annotations

import gc
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.engine.models.checkpoint import read_checkpoint, write_checkpoint
from hsi_studio.engine.models.metadata import AccuracyFacts
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem, SceneMismatch
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Context, State
from hsi_studio.project.store import Project
from hsi_studio.types import Prediction
from tests.scene.fake import little_memory
from tests.studio.models import labelled, scene_file, train
from tests.studio.shown import RUN, add_run


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    made = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    yield made  # type: ignore[misc]
    made.close()


@pytest.fixture
def project(studio: Studio, tmp_path: Path) -> Project:
    return labelled(studio, scene_file(tmp_path / "data"))


def wait(studio: Studio, project: Project, model: str) -> str:
    for _ in range(400):
        work = studio.models.maps.work(project.id, model)
        if work is not None and work.state not in ("waiting", "running"):
            return work.error or work.state
        time.sleep(0.02)
    raise AssertionError("the map was not made")


def test_the_list_says_what_a_model_is(studio: Studio, project: Project) -> None:
    assert studio.models.find() == []
    run = train(studio, project, title="First try")
    (info,) = studio.models.find()
    assert (info.id, info.title, info.origin, info.project_id) == (run, "First try", "run", project.id)
    assert info.facts is not None
    assert info.facts.scene.name == "two_halves"
    assert [c.name for c in info.facts.classes] == ["upper", "lower"]
    assert info.shots == (3, 3)
    assert info.size > 1000
    assert info.problem == ""


def test_search_and_sort(studio: Studio, project: Project) -> None:
    a, b, c = (
        train(studio, project, f"20260101-12000{k}-abcdef", title=t) for k, t in enumerate(("Beta", "alpha", ""))
    )
    file = studio.models.library.get(a).path
    state, header = read_checkpoint(file)
    write_checkpoint(file, state, header.facts.model_copy(update={"accuracy": AccuracyFacts(oa=0.9)}))
    studio.models.edit(b, tags=("Harvest 2024",), note="with road")
    assert [m.id for m in studio.models.find("harvest ROAD")] == [b]
    assert studio.models.find("upper halves nothing") == []
    assert len(studio.models.find("upper halves")) == 3
    assert [m.title for m in studio.models.find(sort="title")] == ["alpha", "Beta", "live, 6 labels"]
    assert studio.models.find(sort="accuracy")[0].id == a
    assert {m.id for m in studio.models.find(sort="accuracy", descending=False)[:2]} == {b, c}
    with pytest.raises(BadRequest, match="accuracy"):
        studio.models.find(sort="beauty")


def test_edits_lie_beside_the_file_and_travel_with_an_export(studio: Studio, project: Project, tmp_path: Path) -> None:
    run = train(studio, project, title="First try")
    before = studio.models.library.get(run).path.read_bytes()
    studio.models.edit(run, title="../../Best one", note="Line 1\nLine 2", tags=("a", "b"))
    assert studio.models.library.get(run).path.read_bytes() == before
    file = studio.models.export(run, tmp_path / "out")
    assert file.parent == tmp_path / "out"  # a title is no path
    assert file.name == "Best_one_two_halves.safetensors"
    other = Studio(home=tmp_path / "other home")
    info, known = other.models.import_file(file)
    assert not known
    assert info.facts is not None
    assert (info.title, info.facts.note, info.facts.tags) == ("../../Best one", "Line 1\nLine 2", ("a", "b"))
    again, known = other.models.import_file(file)
    assert known
    assert again.id == info.id
    assert len(list((tmp_path / "other home" / "models").iterdir())) == 1


def test_delete_goes_to_the_trash_and_comes_back(studio: Studio, project: Project, tmp_path: Path) -> None:
    run = train(studio, project)
    studio.models.edit(run, title="Keep me")
    path = studio.models.library.get(run).path
    content = path.read_bytes()
    studio.models.delete(run)
    assert studio.models.find() == []
    assert not path.exists()
    assert [m.title for m in studio.models.trashed()] == ["Keep me"]
    with pytest.raises(BadRequest, match="no model"):
        studio.models.delete(run)
    assert studio.models.restore(run) == run
    assert path.read_bytes() == content
    assert studio.models.get(run).title == "Keep me"
    assert studio.models.trashed() == []


def test_a_model_whose_run_has_gone_comes_back_among_the_imported(studio: Studio, project: Project) -> None:
    import shutil

    run = train(studio, project)
    studio.models.edit(run, note="n")
    studio.models.delete(run)
    shutil.rmtree(project.folder / "runs")
    studio.models.restore(run)
    info = studio.models.get(run)
    assert info.origin == "import"
    assert info.facts is not None
    assert info.facts.note == "n"


def test_the_trash_names_no_place_outside_the_home_folder(studio: Studio, project: Project, tmp_path: Path) -> None:
    run = train(studio, project)
    studio.models.delete(run)
    (studio.models.library.trash / run / "from.json").write_text('{"from": "../../escaped.safetensors"}')
    studio.models.restore(run)
    assert not (tmp_path / "escaped.safetensors").exists()
    assert studio.models.get(run).origin == "import"


def test_emptying_the_trash_frees_its_bytes(studio: Studio, project: Project) -> None:
    run = train(studio, project)
    size = studio.models.get(run).size
    studio.models.delete(run)
    assert studio.models.empty_trash() == size
    assert studio.models.trashed() == []


def test_a_damaged_file_is_listed_with_the_reason_and_never_loaded(studio: Studio, project: Project) -> None:
    run = train(studio, project)
    path = studio.models.library.get(run).path
    path.write_bytes(path.read_bytes()[:300])
    info = studio.models.get(run)
    assert "not a whole model file" in info.problem or "read" in info.problem
    with pytest.raises(FileProblem), studio.models.use(run, project.id):
        pass
    studio.models.delete(run)  # even that can be thrown away


@pytest.mark.parametrize("model_id", ["../x", "..", "", "/etc/passwd", "a/b", "20260101-120000-000000"])
def test_ids_that_are_not_in_the_list_lead_nowhere(studio: Studio, project: Project, model_id: str) -> None:
    for act in (studio.models.get, studio.models.delete, studio.models.restore, studio.models.unload):
        with pytest.raises(BadRequest, match="no model"):
            act(model_id)


def test_a_refused_import_leaves_nothing(studio: Studio, project: Project, tmp_path: Path) -> None:
    run = train(studio, project)
    good = studio.models.library.get(run).path.read_bytes()
    studio.models.delete(run)
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(CorruptFile, match=r"bad\.safetensors"):
        studio.models.import_file(bad)
    assert studio.models.find() == []
    assert not list(studio.models.library.folder.glob("*"))


def test_use_gives_the_map_of_the_model_that_was_trained(studio: Studio, project: Project) -> None:
    run = train(studio, project)
    scene = studio.scene_of(project.id).without_reference()
    with studio.models.use(run, project.id) as fitted:
        made = predict_scene(fitted, scene, "live", {}, 0, Context())
    assert (made.label[:15, :-1] == 1).all()
    assert (made.label[15:, :-1] == 2).all()
    assert studio.models.get(run).loaded.startswith("CPU")
    assert not studio.models.get(run).in_use
    assert studio.models.unload(run)
    assert studio.models.get(run).loaded == ""


def test_fifty_real_loads_leave_no_model(studio: Studio, project: Project) -> None:
    run = train(studio, project)
    alive = []
    for _ in range(50):
        with studio.models.use(run, project.id) as fitted:
            alive.append(weakref.ref(fitted))
        del fitted
        studio.models.unload(run)
    gc.collect()
    assert [ref for ref in alive if ref() is not None] == []


def test_another_scene_with_the_same_bands_is_mapped_in_its_own_classes(
    studio: Studio, project: Project, tmp_path: Path
) -> None:
    run = train(studio, project)
    second = studio.new_project(scene_file(tmp_path / "data", "another", seed=5))
    second.add_class("Lower")
    told = studio.models.fit(run, second.id)
    assert told.ok
    assert told.verdict == "same bands"
    assert "two_halves" in told.reason
    made = studio.models.map(run, second.id)
    assert made.schema.names == ["Lower", "upper"]  # its own class by name, then the model's
    assert made.schema.classes[0].id == second.schema.classes[0].id
    assert (made.label[:15, :-1] == 2).mean() > 0.9
    assert (made.label[15:, :-1] == 1).mean() > 0.9
    second.rename_class(second.schema.classes[0].id, "Bottom")
    assert studio.models.map(run, second.id).schema.names == ["Bottom", "upper", "lower"]


@pytest.mark.parametrize("known", [True, False])
def test_pixels_a_model_was_trained_on_do_not_test_it_where_a_reference_is_laid_on_the_scene(
    studio: Studio, project: Project, tmp_path: Path, known: bool
) -> None:
    """The scene with a reference has another id, and the model would be one from elsewhere."""
    if known:
        add_run(studio, project)
    run = train(studio, project, RUN, method="lda")
    truth = np.ones((30, 30), dtype=np.uint8)
    truth[15:] = 2
    np.save(tmp_path / "data" / "truth.npy", truth)
    file = tmp_path / "data" / "two_halves.npy"
    second = studio.new_project(file, reference=str(tmp_path / "data" / "truth.npy"))
    for row, info in zip((5, 20), second.schema.classes, strict=True):
        second.toggle_point(row, 5, info.id)
        second.rename_class(info.id, project.schema.classes[row > 15].name)
    assert studio.scene_of(second.id).id != studio.scene_of(project.id).id
    found = studio.displayed.find(second.id, f"model:{run}")
    assert found.report is not None
    assert found.report.main.n == 30 * 29 - 2 - 6 * known
    assert any("may be counted" in note for note in found.report.notes) != known
    assert (found.seen is None) != known


def test_other_bands_are_refused_with_both_numbers_and_what_is_possible(
    studio: Studio, project: Project, tmp_path: Path
) -> None:
    run = train(studio, project)
    second = studio.new_project(scene_file(tmp_path / "data", "fewer", bands=7))
    told = studio.models.fit(run, second.id)
    assert not told.ok
    assert "10 bands" in told.reason
    assert "7 bands" in told.reason
    assert "train a new model" in told.possible
    with pytest.raises(SceneMismatch, match="10 bands"), studio.models.use(run, second.id):
        pass
    assert studio.models.maps.request(second.id, run).error == told.words


def test_a_map_in_the_background_is_kept_and_shown(studio: Studio, project: Project) -> None:
    run = train(studio, project)
    other = train(studio, project, "20260102-120000-abcdef", method="lda")
    studio.models.maps.request(project.id, run)
    studio.models.maps.request(project.id, other)
    assert wait(studio, project, run) == "done"
    assert wait(studio, project, other) == "done"
    assert studio.models.maps.request(project.id, run).state == "done"
    studio.displayed.show(project.id, "model", run, beside=f"model:{other}")
    left, right = studio.displayed.left(project.id), studio.displayed.right(project.id)
    assert left is not None
    assert right is not None
    shown = left.prediction
    assert (left.layer, shown.method) == (f"model:{run}", "live")
    assert (right.layer, right.prediction.method) == (f"model:{other}", "lda")
    fresh = Studio(home=studio.home)
    kept = fresh.models.maps.prediction(project.id, run)
    assert kept is not None
    assert np.array_equal(kept.label, shown.label)
    fresh.close()
    studio.models.delete(run)
    assert studio.displayed.chosen(project.id) == ("live", f"model:{other}")


def test_a_damaged_kept_map_is_made_again(studio: Studio, project: Project) -> None:
    run = train(studio, project)
    first = studio.models.map(run, project.id)
    (project.folder / "maps" / f"{run}.npz").write_bytes(b"PK\x03\x04 nonsense")
    fresh = Studio(home=studio.home)
    assert fresh.models.maps.prediction(project.id, run) is None
    assert np.array_equal(fresh.models.map(run, project.id).label, first.label)
    fresh.close()


def test_a_run_keeps_its_own_map(studio: Studio, project: Project) -> None:
    from hsi_studio.studio.model_maps import NoRuns
    from hsi_studio.studio.models import Models
    from hsi_studio.studio.workspace import Workspace

    run = train(studio, project)
    made = studio.models.map(run, project.id)

    class OneRun(NoRuns):
        def prediction(self, run_id: str) -> Prediction | None:
            return made if run_id == run else None

    models = Models(Workspace(studio.home), runs=OneRun())
    (project.folder / "maps" / f"{run}.npz").unlink()
    kept = models.maps.prediction(project.id, run)
    assert kept is not None
    assert np.array_equal(kept.label, made.label)


@pytest.mark.parametrize("what", ["array gone", "other shape", "more classes"])
def test_parts_that_do_not_fit_together_are_refused(studio: Studio, project: Project, what: str) -> None:
    run = train(studio, project)
    path = studio.models.library.get(run).path
    state, header = read_checkpoint(path)
    arrays = dict(state.arrays)
    if what == "array gone":
        del arrays["dual"]
    elif what == "other shape":
        arrays["dual"] = arrays["dual"][:1]
    else:
        arrays["dual"] = np.concatenate([arrays["dual"]] * 3, axis=1)
    write_checkpoint(path, State(arrays, state.header), header.facts)
    with pytest.raises((CorruptFile, SceneMismatch)), studio.models.use(run, project.id) as fitted:
        assert fitted is None


@pytest.mark.slow
@pytest.mark.parametrize("method", ["diffclip", "curated", "s3fn"])
def test_a_network_larger_than_its_arrays_is_refused_before_it_is_built(
    studio: Studio, project: Project, method: str
) -> None:
    run = train(studio, project, method=method)
    with studio.models.use(run, project.id) as fitted:
        assert fitted.schema.names == ["upper", "lower"]
    studio.models.unload(run)
    path = studio.models.library.get(run).path
    state, header = read_checkpoint(path)
    arrays = dict(state.arrays)
    if method == "diffclip":
        arrays["scaling.matrix"] = np.zeros((0, 60_000), np.float32)  # costs no bytes
    elif method == "curated":
        arrays["own.text"] = np.zeros((0, 60_000), np.float32)
    else:
        arrays["own.anchors"] = np.zeros((0, 60_000), np.float32)
    write_checkpoint(path, State(arrays, state.header), header.facts)
    refused = pytest.raises(CorruptFile, match="the network's is")
    with little_memory(64 << 20), refused, studio.models.use(run, project.id):
        pass


def test_only_methods_with_an_encoder_offer_a_start(studio: Studio, project: Project) -> None:
    run = train(studio, project)
    assert studio.models.warm_starts("live") == []
    assert not studio.models.can_start(studio.models.get(run))
    with pytest.raises(BadRequest, match="no encoder"):
        studio.models.warm_start(run, "live")
    with pytest.raises(BadRequest, match="a model of live"):
        studio.models.warm_start(run, "diffclip")
    assert get_method("live").name == "live"


@pytest.mark.slow
def test_a_run_starts_from_a_model_of_a_scene_with_other_bands(
    studio: Studio, project: Project, tmp_path: Path
) -> None:
    run = train(studio, project, method="diffclip")
    second = labelled(studio, scene_file(tmp_path / "data", "fewer", bands=7))
    told = studio.models.fit(run, second.id)
    assert "Train from it" in told.possible
    facts = studio.models.get(run).facts
    assert facts is not None
    with pytest.raises(BadRequest, match="a model of diffclip"):
        studio.runs.start(second.id, "lda", warm_start=run)
    started = studio.runs.start(second.id, "diffclip", facts.params, warm_start=run)
    studio.models.delete(run)  # the run has its own copy
    done = studio.runs.wait(started.id, 90)
    assert done.state == "done", done.reason
    assert done.parent == run
    info = studio.models.get(started.id)
    assert info.facts is not None
    assert info.facts.parent == run
