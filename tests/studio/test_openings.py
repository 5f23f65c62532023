"""One step between files and a project: what they are taken for, changed, opened, stopped."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest, Cancelled
from hsi_studio.studio.opening import Opening, first_roles, with_roles
from hsi_studio.watching import tell, watched
from tests.scene import fake
from tests.studio.models import labelled, scene_file


def waited(made: Opening, until: float = 20.0) -> Opening:
    """As it is when its thread has done its work."""
    end = time.monotonic() + until
    while made.stage in ("taking", "reading", "opening") and time.monotonic() < end:
        time.sleep(0.005)
    return made


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(exist_ok=True)
    return tmp_path / "data"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    yield made
    made.close()


def test_a_guess_is_asked_with_pictures_and_nothing_is_made_before(studio: Studio, here: Path) -> None:
    np.save(here / "unclear.npy", fake.cube(9, 7, 30).transpose(2, 0, 1))
    made = waited(studio.openings.begin(path="unclear.npy"))
    assert made.stage == "plan"
    assert made.found is not None
    assert made.found.asked is not None
    assert made.found.choices[0].value == "bands,rows,cols"
    assert all(one.picture.startswith("data:image/png") for one in made.found.choices)
    with pytest.raises(BadRequest, match="Answer the question first"):
        studio.openings.open(made.id)
    waited(studio.openings.change(made.id, {"axes": "bands,rows,cols"}))
    assert made.found.shape == (9, 7, 30)
    assert made.found.asked is None
    assert studio.projects() == []
    waited(studio.openings.open(made.id))
    assert made.stage == "done"
    assert studio.scene_of(made.project).shape == (9, 7, 30)
    assert studio.project(made.project).scene_spec["axes"] == "bands,rows,cols"
    again = waited(studio.openings.begin(path="unclear.npy"))
    waited(studio.openings.change(again.id, {"axes": "bands,rows,cols"}))
    waited(studio.openings.open(again.id))
    assert again.project == made.project
    assert "You go on" in again.notes[0]


def test_what_does_not_work_is_said_and_the_plan_stays(studio: Studio, here: Path) -> None:
    fake.envi(here, np.random.default_rng(0).integers(100, 4000, (6, 5, 8)).astype("i2"))
    made = waited(studio.openings.begin(path=next(here.glob("*.hdr")).name))
    assert made.stage == "plan", made.problem
    waited(studio.openings.change(made.id, {"wavelengths": "400, 410"}))
    assert "2 wavelengths are given and it has 8 bands" in made.problem
    assert made.stage == "plan"
    assert made.said == {}
    waited(studio.openings.change(made.id, {"scale": "often"}))
    assert "scale" in made.problem
    waited(studio.openings.change(made.id, {"scale": "0.0001"}))
    assert (made.problem, made.said) == ("", {"scale": "0.0001"})
    with pytest.raises(BadRequest, match="colour"):
        studio.openings.change(made.id, {"colour": "red"})
    with pytest.raises(BadRequest, match="role"):
        studio.openings.change(made.id, {}, {"x": "king"})


def test_a_folder_of_this_machine_is_opened_with_what_lies_in_it(studio: Studio, here: Path, tmp_path: Path) -> None:
    (here / "field").mkdir()
    np.save(here / "field" / "field.npy", fake.cube(9, 7, 30))
    np.save(here / "field" / "field_gt.npy", (np.arange(63).reshape(9, 7) % 3).astype("i4"))
    (here / "field" / "points.csv").write_text("row,col,class\n1,1,wood\n2,2,sand\n")
    np.save(tmp_path / "secret_dsm.npy", np.ones((9, 7), "f4"))
    (here / "field" / "field_dsm.npy").symlink_to(tmp_path / "secret_dsm.npy")  # what may not be read stays out
    made = waited(studio.openings.begin(path="field"))
    assert made.roles == {"field.npy": "scene", "field_gt.npy": "reference", "points.csv": "labels"}
    waited(studio.openings.open(made.id))
    assert made.stage == "done", made.problem
    reference = studio.scene_of(made.project).reference
    assert reference is not None
    assert reference.max() == 2
    alone = waited(studio.openings.begin(path="field/field.npy"))
    assert alone.roles == {"field.npy": "scene"}


def test_several_files_get_roles_and_layers_are_laid_on_the_scene(studio: Studio, here: Path, tmp_path: Path) -> None:
    upload = tmp_path / "came"
    upload.mkdir()
    np.save(upload / "field.npy", fake.cube(9, 7, 30))
    np.save(upload / "field_dsm.npy", np.arange(63, dtype="f4").reshape(9, 7))
    np.save(upload / "field_gt.npy", (np.arange(63).reshape(9, 7) % 3).astype("i4"))
    np.save(upload / "odd_mask.npy", np.ones((3, 3), "u1"))
    (upload / "points.csv").write_text("row,col,class\n1,1,wood\n2,2,sand\n")
    (upload / "notes.txt").write_text("seen on Monday")
    made = waited(studio.openings.begin(sorted(upload.iterdir())))
    assert made.roles == {
        "field.npy": "scene", "field_dsm.npy": "surface model", "field_gt.npy": "reference", "odd_mask.npy": "mask",
        "points.csv": "labels", "notes.txt": "not used",
    }  # fmt: skip
    assert made.stage == "failed"  # the mask does not fit
    assert "odd_mask.npy" in made.problem
    waited(studio.openings.change(made.id, {}, {"odd_mask.npy": "not used"}))
    assert made.stage == "plan", made.problem
    assert made.found is not None
    waited(studio.openings.change(made.id, {"axes": "rows,cols,bands"}))
    assert made.found.layers["dsm"].value == "0 to 62 m"
    assert made.found.layers["reference"].value == "2 classes, 42 pixels"
    waited(studio.openings.open(made.id))
    assert made.stage == "done", made.problem
    scene, project = studio.scene_of(made.project), studio.project(made.project)
    assert scene.dsm is not None
    assert scene.reference is not None
    assert {info.name for info in project.schema.classes} >= {"wood", "sand"}
    assert len(project.points) == 2


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ([".shx"], "it gives EPSG:32632 (WGS 84 / UTM zone 32N), and field has no coordinate system"),
        ([".shx", ".prj"], "import 1 label"),
        ([".shx", ".dbf", ".prj"], "its .dbf is missing, which holds the classes"),
    ],
)
def test_a_shapefile_beside_the_scene_that_lost_parts_opens_or_says_why_not(
    studio: Studio, tmp_path: Path, lost: list[str], said: str
) -> None:
    upload = tmp_path / "came"
    upload.mkdir()
    np.save(upload / "field.npy", fake.cube(20, 20, 30))
    path = upload / "training.shp"
    pyogrio = pytest.importorskip("pyogrio")
    shape = np.array([bytes.fromhex("0101000000") + np.array([2.5, -3.5]).tobytes()], dtype=object)  # a point as WKB
    pyogrio.raw.write(path, shape, [np.array(["wood"], dtype=object)], ["class"], geometry_type="Point",
                      crs="EPSG:32632", driver="ESRI Shapefile")  # fmt: skip
    for part in lost:
        path.with_suffix(part).unlink()
    made = waited(studio.openings.begin(sorted(upload.iterdir())))
    assert made.stage == "plan", made.problem
    waited(studio.openings.change(made.id, {"axes": "rows,cols,bands"}))
    waited(studio.openings.open(made.id))
    assert made.stage == "done", made.problem
    assert said in " ".join(made.notes)
    assert list(studio.project(made.project).points) == ([(3, 2)] if lost == [".shx", ".prj"] else [])


def test_another_variable_is_chosen_by_a_click_and_what_the_file_brings_is_told(studio: Studio, here: Path) -> None:
    first, second = fake.cube(20, 30, 50), fake.cube(20, 30, 50, seed=1)
    np.savez(here / "two.npz", first=first, second=second, gt=np.ones((20, 30), "i4"))
    made = waited(studio.openings.begin(path="two.npz"))
    assert made.stage == "failed"
    assert {name for name, _, _ in made.variables} == {"first", "second"}
    waited(studio.openings.change(made.id, {"variable": "second"}))
    assert made.stage == "plan", made.problem
    assert made.found is not None
    assert [name for name, _ in made.found.variables] == ["first", "second"]
    np.savez(here / "one.npz", cube=first, gt=np.ones((20, 30), "i4"))
    made = waited(studio.openings.begin(path="one.npz"))
    assert made.found is not None
    assert made.found.plan["variable"].reason == "By its name and shape, of 2 arrays in the file."
    assert made.found.layers["reference"].value == "1 class, 600 pixels"


def test_a_layer_that_does_not_fit_is_named_and_left_out(studio: Studio, here: Path, tmp_path: Path) -> None:
    upload = tmp_path / "came"
    upload.mkdir()
    scene_file(upload, "field")
    np.save(upload / "other_dsm.npy", np.ones((4, 4), "f4"))
    made = waited(studio.openings.begin(sorted(upload.iterdir())))
    assert made.found is not None
    assert made.found.layers["dsm"].value is None
    assert "4 × 4" in made.found.layers["dsm"].reason
    waited(studio.openings.open(made.id))
    assert made.stage == "done", made.problem
    assert made.notes[0].startswith("The surface model is left out. other_dsm.npy")
    assert studio.scene_of(made.project).dsm is None


def test_a_scene_without_data_makes_no_project(studio: Studio, here: Path) -> None:
    np.save(here / "zero.npy", np.zeros((12, 10, 8), "f4"))
    made = waited(studio.openings.begin(path="zero.npy"))
    if made.found is not None and made.found.asked is not None:
        waited(studio.openings.change(made.id, {"axes": "rows,cols,bands"}))
    waited(studio.openings.open(made.id))
    assert "all 120 pixels are zero" in made.problem
    assert made.stage == "plan"
    assert studio.projects() == []


def test_labels_whose_class_has_to_be_chosen_are_asked_for_on_the_page(studio: Studio, here: Path) -> None:
    """Not by an option of the shell; and the scene is open all the same."""
    (here / "field").mkdir()
    np.save(here / "field" / "field.npy", fake.cube(9, 7, 30))
    (here / "field" / "points.csv").write_text("row,col,soil,use\n1,1,wood,a\n2,2,sand,b\n3,2,sand,a\n")
    made = waited(studio.openings.begin(path="field"))
    assert made.roles["points.csv"] == "labels"
    waited(studio.openings.open(made.id))
    assert made.stage == "done", made.problem
    (note,) = made.notes
    assert note.startswith("The labels of points.csv were not added yet: it is not clear which column is the class.")
    assert "Import labels (step 6, Map)" in note
    assert "--attribute" not in note


def test_labels_alone_and_strange_ids_get_a_sentence(studio: Studio, here: Path) -> None:
    (here / "points.csv").write_text("row,col,class\n1,1,wood\n")
    made = waited(studio.openings.begin([here / "points.csv"]))
    assert made.stage == "failed"
    assert "Import labels" in made.problem
    for act in (studio.openings.get, studio.openings.open, studio.openings.cancel):
        with pytest.raises(BadRequest, match="over"):
            act("no such")
    with pytest.raises(BadRequest, match="Choose files"):
        studio.openings.begin()


def test_cancel_stops_the_survey_and_makes_no_project(
    studio: Studio, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The survey waits at its second step for the test, which stops it meanwhile."""
    scene_file(here)
    made = waited(studio.openings.begin(path="two_halves.npy"))
    monkeypatch.setattr("hsi_studio.scene.survey.CHUNK_VALUES", 300)
    looked, go_on = threading.Event(), threading.Event()

    def slow(what: str, done: float = 0, total: float = 0) -> None:
        tell(what, done, total)
        if done:
            looked.set()
            go_on.wait(10)

    monkeypatch.setattr("hsi_studio.scene.survey.tell", slow)
    studio.openings.open(made.id)
    assert looked.wait(10)
    assert (made.stage, made.progress.total) == ("opening", 30)
    studio.openings.cancel(made.id)
    assert made.stage == "cancelled"
    go_on.set()
    time.sleep(0.05)
    assert studio.projects() == []
    assert made.stage == "cancelled"


def test_a_catalogue_scene_and_a_project_open_without_a_plan(studio: Studio, here: Path) -> None:
    project = labelled(studio, scene_file(here))
    made = waited(studio.openings.resume(project.id))
    assert (made.stage, made.project) == ("done", project.id)
    with pytest.raises(BadRequest, match="no scene"):
        studio.openings.start("nowhere")
    with pytest.raises(BadRequest, match="no project"):
        studio.openings.resume("nowhere")


def test_a_mask_of_the_file_is_chosen_and_stays_with_the_project(studio: Studio, here: Path) -> None:
    flags = np.ones((9, 7), "u1")
    flags[6:, :3] = 0
    np.savez(here / "flight.npz", cube=fake.cube(9, 7, 30), valid_mask=flags)
    made = waited(studio.openings.begin(path="flight.npz"))
    assert made.found is not None
    waited(studio.openings.change(made.id, {"mask": made.found.plan["mask"].choices[1]}))
    assert made.said == {"mask": f"not {here / 'flight.npz'}:valid_mask"}, made.problem
    waited(studio.openings.open(made.id))
    assert studio.scene_of(made.project).valid.sum() == 9
    studio.close()
    again = Studio(home=studio.home, data_root=here)
    assert again.scene_of(made.project).valid.sum() == 9
    again.close()


def test_a_class_map_of_the_file_is_chosen_as_the_reference(studio: Studio, here: Path) -> None:
    classes = np.arange(63.0).reshape(9, 7) % 4  # as doubles, under a name that says nothing
    np.savez(here / "flight.npz", cube=fake.cube(9, 7, 30), img_sub=classes)
    made = waited(studio.openings.begin(path="flight.npz"))
    assert made.found is not None
    assert made.found.plan["reference"].choices == ("img_sub",)
    assert "reference" not in made.found.layers
    waited(studio.openings.change(made.id, {"reference": "../other"}))
    assert "no class map" in made.problem
    waited(studio.openings.change(made.id, {"reference": "img_sub"}))
    assert made.found.layers["reference"].value == "3 classes, 47 pixels", made.problem
    waited(studio.openings.open(made.id))
    reference = studio.scene_of(made.project).reference
    assert reference is not None
    np.testing.assert_array_equal(reference, classes.astype(int))
    assert studio.project(made.project).scene_spec["reference"] == f"{here / 'flight.npz'}:img_sub"
    scene = studio.scene_of(made.project)
    assert not [note for note in (*made.found.notes, *scene.notes) if "Not used" in note]
    assert (scene.plan["reference"]["value"], scene.plan["reference"]["sure"]) == ("img_sub", "certain")


def test_a_request_names_no_file_that_may_not_be_read(studio: Studio, here: Path, tmp_path: Path) -> None:
    np.save(here / "field.npy", fake.cube(9, 7, 30))
    np.save(tmp_path / "secret.npy", np.eye(9, 7))
    (tmp_path / "salaries.txt").write_text("\n".join(str(400 + 10 * k) for k in range(30)))
    made = waited(studio.openings.begin(path="field.npy"))
    for said in (
        {"mask": str(tmp_path / "secret.npy")}, {"mask": f"not {tmp_path / 'secret.npy'}"}, {"mask": "../secret.npy:a"},
        {"wavelengths": str(tmp_path / "salaries.txt")}, {"wavelengths": "../salaries.txt"},
    ):  # fmt: skip
        waited(studio.openings.change(made.id, said))
        assert "lies outside" in made.problem, said
        assert made.said == {}
    (here / "bands.txt").write_text((tmp_path / "salaries.txt").read_text())
    waited(studio.openings.change(made.id, {"wavelengths": "bands.txt"}))
    assert made.problem == ""
    assert made.found is not None
    assert made.found.nm == (400.0, 690.0)
    waited(studio.openings.change(made.id, {"wavelengths": "none"}))
    assert made.found.nm is None


def test_an_exported_project_comes_back_as_one_file(studio: Studio, here: Path, tmp_path: Path) -> None:
    project = labelled(studio, scene_file(here))
    file = studio.backup([project.id], tmp_path / "mine.zip").file
    studio.shelf.delete(project.id)
    made = waited(studio.openings.begin([file]))
    assert (made.stage, made.project) == ("done", project.id), made.problem
    assert len(studio.project(project.id).points) == 6
    (tmp_path / "other.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    assert waited(studio.openings.begin([tmp_path / "other.zip"])).stage == "failed"


def test_projects_are_renamed_copied_and_put_into_the_trash(studio: Studio, here: Path) -> None:
    project = labelled(studio, scene_file(here))
    (card,) = studio.shelf.cards()
    assert (card.labels, card.classes, card.shape, card.oa) == (6, 2, (30, 30, 10), None)
    thumbnail = studio.shelf.thumbnail(project.id)
    assert thumbnail is not None
    assert thumbnail.read_bytes()[:4] == b"\x89PNG"
    assert studio.shelf.rename(project.id, "  Auwald\n2024 ") == "Auwald 2024"
    assert studio.project(project.id).title == "Auwald 2024"
    assert json.loads((project.folder / "project.copy.json").read_text())["title"] == "Auwald 2024"
    with pytest.raises(BadRequest, match="name"):
        studio.shelf.rename(project.id, " ")
    copy = studio.shelf.duplicate(project.id)
    studio.project(copy).clear()
    assert len(studio.project(project.id).points) == 6
    assert studio.project(copy).title == "Auwald 2024 (copy)"
    studio.project(copy).undo()
    assert len(studio.project(copy).points) == 6  # with its history
    studio.shelf.delete(copy)
    assert [one.id for one in studio.projects()] == [project.id]
    assert studio.shelf.trashed() == [(copy, "Auwald 2024 (copy)")]
    with pytest.raises(BadRequest, match="no project"):
        studio.project(copy)
    studio.shelf.bring_back(copy)
    assert len(studio.project(copy).points) == 6
    for strange in ("..", "a/b", "gone"):
        for act in (studio.shelf.delete, studio.shelf.bring_back, studio.shelf.duplicate, studio.shelf.thumbnail):
            with pytest.raises(BadRequest):
                act(strange)


def test_the_rule_of_roles() -> None:
    def roles(*names: str) -> dict[str, str]:
        return first_roles([Path(name) for name in names])

    assert roles("a.hdr", "a.img", "lidar.tif", "training.shp", "training.dbf", "training.shx") == {
        "a.hdr": "scene", "a.img": "goes with it", "lidar.tif": "surface model", "training.shp": "labels",
        "training.dbf": "goes with it", "training.shx": "goes with it",
    }  # fmt: skip
    assert roles("x-METADATA.XML", "x-SPECTRAL_IMAGE.TIF", "x-QL_QUALITY_CLOUD.TIF")["x-SPECTRAL_IMAGE.TIF"] == "scene"
    moved = with_roles({"a.tif": "scene", "b.tif": "not used", "c.csv": "labels"}, {"b.tif": "scene", "z": "mask"})
    assert moved == {"a.tif": "not used", "b.tif": "scene", "c.csv": "labels"}


def test_work_is_told_to_whoever_watches_and_stopped_by_it() -> None:
    heard: list[tuple[str, float, float]] = []
    tell("nobody hears")
    with watched(lambda *said: heard.append(said)):
        tell("Copying", 1, 2)
    assert heard == [("Copying", 1, 2)]

    def stop(*_: object) -> None:
        raise Cancelled("enough")

    with watched(stop), pytest.raises(Cancelled):
        tell("Copying")


def test_a_project_follows_its_scene_to_another_place(studio: Studio, here: Path, tmp_path: Path) -> None:
    """A file that is moved or called otherwise is the same scene: its labels are there, also after a restart."""
    fake.envi(here, fake.cube(9, 7, 30), name="town")
    first = waited(studio.openings.begin(path="town.img"))
    waited(studio.openings.open(first.id))
    studio.label(first.project, row=2, col=3, class_id=studio.project(first.project).add_class("Roof", "#aa0000").id)
    studio.close()
    (here / "archive").mkdir()
    for ending in (".img", ".hdr"):
        (here / f"town{ending}").rename(here / "archive" / f"city{ending}")
    again = Studio(home=tmp_path / "home", data_root=here)
    made = waited(again.openings.begin(path="archive/city.img"))
    waited(again.openings.open(made.id))
    assert made.project == first.project
    assert "You go on with your project “town”: its scene is no longer in its place" in made.notes[0]
    assert len(again.project(made.project).labels()) == 1
    again.close()
    third = Studio(home=tmp_path / "home", data_root=here)
    assert third.scene_of(made.project).shape == (9, 7, 30)
    fake.envi(here, fake.cube(9, 7, 30, seed=1), name="other")
    other = waited(third.openings.begin(path="other.img"))
    waited(third.openings.open(other.id))
    assert other.project != first.project
    third.close()
