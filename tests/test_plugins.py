"""Methods and formats from outside the package stand beside the built-in ones; broken ones are told, and left out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.cli.main import main
from hsi_studio.errors import CorruptFile
from hsi_studio.methods import get_method, methods
from hsi_studio.registry import FOLDERS, Registry
from hsi_studio.scene.formats.registry import find_reader, readers
from tests.testing.plugins import METHOD_FILE, READER_FILE, as_packages, forget, in_a_folder

BUILT_IN = set(methods().entries)
CUBE = np.random.default_rng(0).random((8, 20, 30), dtype=np.float32)  # bands, rows, columns


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("hsi_studio_plugin_") or name in ("nearest_mean", "grid"):
            del sys.modules[name]
    forget()


@pytest.fixture(params=[in_a_folder, as_packages], ids=["folder", "package"])
def plugins(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    request.param(tmp_path / "plugins", monkeypatch)
    return tmp_path


def sample(folder: Path) -> Path:
    file = folder / "sample.grid"
    file.write_bytes(b"GRID 20 30 8\n" + CUBE.tobytes())
    return file


def test_a_method_and_a_format_from_outside_are_found_and_told_where_from(plugins: Path) -> None:
    assert set(methods().entries) == BUILT_IN | {"nearest_mean"}
    assert list(methods().entries)[-1] == "nearest_mean"
    assert methods().problems == readers().problems == []
    (source,) = methods().sources.values()
    assert source.words in ("package hsi-toys 1.0", str(plugins / "plugins" / "nearest_mean.py"))
    assert source.file == plugins / "plugins" / "nearest_mean.py"
    assert find_reader(sample(plugins)).name == "grid"


def test_it_is_in_the_form_the_lists_and_the_forecast(plugins: Path) -> None:
    from hsi_studio.engine.runs.forecast import Forecaster, Request
    from hsi_studio.ui.tabs.train.forms import form

    studio = Studio(plugins / "home")
    assert "nearest_mean" in [method.name for method in studio.trainable()]
    assert "nearest_mean" in [method.name for method in studio.compare.methods()]
    (field,) = form(get_method("nearest_mean"))["groups"][0]["fields"]
    assert (field["name"], field["above"], field["max"]) == ("sharpness", 0, 100)
    request = Request("nearest_mean", {}, "scene", (50, 50, 20), 20, 4, "cpu", "a processor")
    assert Forecaster(plugins / "cache").forecast(request).seconds > 0
    studio.close()


def test_it_stands_in_a_sweep_and_its_tables(plugins: Path) -> None:
    from hsi_studio.engine.sweep.cells import SweepScene, parse_variant, plan, run_cell
    from hsi_studio.engine.sweep.tables import tables
    from hsi_studio.methods.contract import Context
    from tests.engine.fake import separable_scene

    held = SweepScene(separable_scene())
    variants = [parse_variant(text) for text in ("nearest_mean,sharpness=3@mine", "knn")]
    cells = plan({"stripes": held}, variants, ["names"], [3], [0], ["random"])
    found = [run_cell(held, cell, Context()) for cell in cells]
    assert found[0]["params"] == {"sharpness": 3.0}
    accuracy = tables(found)["Stripes"][0]
    assert [line[1] for line in accuracy.body] == ["knn", "mine"]


def test_a_comparisons_store_does_not_serve_figures_of_an_older_plugin(plugins: Path) -> None:
    from hsi_studio.engine.sweep.cells import code_hash

    before = code_hash()
    file = plugins / "plugins" / "nearest_mean.py"
    file.write_text(METHOD_FILE + "\n# another version\n", encoding="utf-8")
    assert code_hash() != before


def test_the_command_line_maps_a_file_of_a_new_format_with_a_new_method(
    plugins: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HSI_STUDIO_HOME", str(plugins / "home"))
    labels = plugins / "labels.csv"
    labels.write_text("row,col,class\n1,1,a\n2,2,a\n10,20,b\n11,21,b\n", encoding="utf-8")
    out = plugins / "map.png"
    assert (
        main(["map", str(sample(plugins)), "--labels", str(labels), "--method", "nearest_mean", "--out", str(out)]) == 0
    )
    assert out.stat().st_size > 0
    assert main(["methods"]) == 0
    listed = capsys.readouterr()
    assert "Nearest mean  [" in listed.out
    assert "problem" not in listed.err


@pytest.mark.slow
def test_a_run_of_it_is_trained_in_another_process(plugins: Path) -> None:
    """The worker finds the same plug-ins: its figures are in the run's record."""
    from tests.engine.halves import halves, labelled_project, until

    studio = Studio(plugins / "home")
    project = labelled_project(studio, halves(plugins / "scene"))
    run = studio.runs.start(project, "nearest_mean", {"sharpness": 5.0})
    done = until(lambda: studio.runs.get(run.id) if not studio.runs.get(run.id).alive else None, 120)
    studio.close()
    assert done.state == "done", done.reason
    record = json.loads((plugins / "home" / "projects" / project / "runs" / run.id / "run.json").read_text())
    assert record["changed"] == {"sharpness": 5.0}


BROKEN = {
    "no_import.py": ("import no_such_package\nMETHOD = 1\n", "ModuleNotFoundError: No module named 'no_such_package'"),
    "no_python.py": ("METHOD = (\n", "SyntaxError"),
    "exits.py": ("import sys\nsys.exit('bye')\nMETHOD = 1\n", "SystemExit: bye"),
    "nothing.py": ("x = 1\n", "declares none of READER, METHOD, TAB"),
    "number.py": ("METHOD = 7\n", "int is not derived from hsi_studio.methods.contract.Method"),
    "half.py": (
        "from hsi_studio.methods.contract import Method\nclass Half(Method):\n    name = 'half'\nMETHOD = Half()\n",
        "Can't instantiate abstract class Half",
    ),
    "its_class.py": (
        METHOD_FILE.replace("METHOD = NearestMean()", "METHOD = NearestMean"),
        "write METHOD = NearestMean()",
    ),
    "bad_name.py": (METHOD_FILE.replace('"nearest_mean"', '"../mean"'), "lower-case letters"),
    "taken.py": (METHOD_FILE.replace('"nearest_mean"', '"live"'), "declares 'live', which exists already"),
    "reader.py": ("READER = object()\n", "object has no name, title, extensions, sniff, open, layer, variables"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_broken_one_is_told_and_the_others_stay(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, said = BROKEN[name]
    live = get_method("live")
    in_a_folder(tmp_path, monkeypatch)
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "_draft.py").write_text("not even Python", encoding="utf-8")
    assert set(methods().entries) == BUILT_IN | {"nearest_mean"}
    assert get_method("live") is live
    (told,) = Studio(tmp_path / "home").problems()
    assert said in told
    assert name in told
    assert main(["methods"]) == 0
    assert f"problem: {told}" in capsys.readouterr().err


def test_a_broken_package_and_a_missing_folder_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_packages(tmp_path / "site", monkeypatch, more="gone = no_such_module:METHOD\nmodule = grid")
    monkeypatch.setenv(FOLDERS, str(tmp_path / "none"))
    forget()
    assert "nearest_mean" in methods().entries
    gone, module, folder = methods().problems
    assert "gone = no_such_module:METHOD of package hsi-toys 1.0 cannot be imported" in gone
    assert "the module has no METHOD" in module
    assert folder == f"{FOLDERS} names {tmp_path / 'none'}, which is no folder."


def test_owners_on_a_shared_server_are_not_told_the_operators_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDERS, str(tmp_path / "none"))
    forget()
    alone = Studio(tmp_path / "home")
    owner = Studio(tmp_path / "home" / "users" / "ann", server=alone.workspace.server)
    assert str(tmp_path) in alone.problems()[0]
    assert owner.problems() == []
    alone.close()


def test_a_reader_from_outside_is_asked_first_and_cannot_spoil_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_folder(tmp_path, monkeypatch)
    greedy = READER_FILE.replace('"grid"', '"greedy"').replace("first_bytes(path, len(MAGIC)) == MAGIC", "1 / 0 > 0")
    (tmp_path / "a_greedy.py").write_text(greedy, encoding="utf-8")
    product = READER_FILE.replace('"grid"', '"product"').replace('b"GRID "', 'b"\\x93NUMPY"')
    (tmp_path / "product.py").write_text(product, encoding="utf-8")
    forget()
    assert find_reader(sample(tmp_path)).name == "grid"
    np.save(tmp_path / "cube.npy", CUBE)
    assert find_reader(tmp_path / "cube.npy").name == "product"
    with pytest.raises(CorruptFile):
        find_reader(tmp_path / "cube.npy").open(tmp_path / "cube.npy", None)


def test_a_tab_is_not_imported_to_look_for_methods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_tab.py").write_text("raise RuntimeError('imported')\nTAB = 1\n", encoding="utf-8")
    monkeypatch.setenv(FOLDERS, str(tmp_path))
    forget()
    assert methods().problems == readers().problems == []


def test_a_tab_from_outside_joins_the_built_in_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry's part of it: found beside the others, told where from."""
    from hsi_studio.registry import scan
    from hsi_studio.ui import tabs

    text = "from types import SimpleNamespace\nTAB = SimpleNamespace(name='toy', title='Toy', order=99)\n"
    (tmp_path / "toy_tab.py").write_text(text, encoding="utf-8")
    built_in = scan(tabs, "TAB")
    monkeypatch.setenv(FOLDERS, str(tmp_path))
    found = scan(tabs, "TAB")
    assert list(found.entries) == [*built_in.entries, "toy"]
    assert found.sources["toy"].words == str(tmp_path / "toy_tab.py")
    assert found.problems == []


def test_without_plugins_the_programs_hash_is_that_of_the_program() -> None:
    assert Registry().plugin_code() == b""
    assert methods().sources == readers().sources == {}
