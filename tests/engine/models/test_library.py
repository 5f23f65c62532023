"""The list of models: each file once, a guest's share, names that lead nowhere."""

from __future__ import annotations

import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from hsi_studio.engine.models.checkpoint import read_header, write_checkpoint
from hsi_studio.engine.models.library import FILE, ModelLibrary, glob_of
from hsi_studio.errors import BadRequest
from tests.engine.models.test_checkpoint import a_state, some_facts

RUN = "20260101-120000-abcdef"


def run_model(home: Path, project: str, run: str = RUN, title: str = "A title") -> Path:
    path = home / "projects" / project / "runs" / run / FILE
    path.parent.mkdir(parents=True)
    write_checkpoint(path, a_state(), some_facts(title=title))
    return path


def test_the_same_weights_are_imported_once(tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path / "home")
    source = tmp_path / "from_a_friend.safetensors"
    write_checkpoint(source, a_state(), some_facts())
    first, known = library.import_file(source)
    assert not known
    source.rename(tmp_path / "renamed.safetensors")
    assert library.import_file(tmp_path / "renamed.safetensors") == (first, True)
    assert [model.id for model in library.models()] == [first]


def test_runs_of_one_name_in_two_projects_are_two_models_whose_ids_last(tmp_path: Path) -> None:
    paths = {run_model(tmp_path, project) for project in ("one", "two")}
    library = ModelLibrary(tmp_path)
    ids = [model.id for model in library.models()]
    assert len(set(ids)) == 2
    assert {library.get(model_id).path for model_id in ids} == paths
    assert sorted(model.id for model in ModelLibrary(tmp_path).models()) == sorted(ids)


def test_a_guest_sees_the_models_of_one_project_and_imports_none(tmp_path: Path) -> None:
    mine = run_model(tmp_path, "a[b]*")
    run_model(tmp_path, "ab", "20260102-120000-abcdef")  # the pattern a[b]* would match it
    owner, guest = ModelLibrary(tmp_path), ModelLibrary(tmp_path, only="a[b]*")
    other = tmp_path / "other.safetensors"
    shutil.copyfile(mine, other)
    assert [model.path for model in guest.models()] == [mine]
    with pytest.raises(BadRequest, match="shared with you"):
        guest.import_file(other)
    owner.delete(next(m.id for m in owner.models() if m.path != mine))
    assert len(owner.trashed()) == 1
    assert guest.trashed() == []


def test_no_title_leads_an_export_out_of_its_folder(tmp_path: Path) -> None:
    run_model(tmp_path / "home", "one", title="../../Corn: beans/草")
    path = ModelLibrary(tmp_path / "home").export(RUN, tmp_path / "out")
    assert path.parent == tmp_path / "out"
    assert path.name == "Corn_beans_small.safetensors"
    assert read_header(path).facts.title == "../../Corn: beans/草"


NAMES = ["a", "b", "ab", "*", "a*", "a?", "[ab]", "[*]", "[!a]", "a[b]*", "]", "[", "a-b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_names_pattern_matches_that_name_alone(name: str) -> None:
    assert [other for other in NAMES if fnmatchcase(other, glob_of(name))] == [name]
    assert all(fnmatchcase(other, glob_of(None)) for other in NAMES)
