"""Importing the package is cheap and silent: no socket, no GPU, no Gradio, no slow library."""

from __future__ import annotations

import subprocess
import sys

PROBE = """
import socket, sys

def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened while importing")

socket.socket.connect = refuse
socket.socket.bind = refuse
socket.create_connection = refuse
import hsi_studio
import hsi_studio.types, hsi_studio.methods, hsi_studio.scene, hsi_studio.studio.facade, hsi_studio.cli.main
slow = {"gradio", "torch", "transformers", "sklearn", "skimage", "rasterio", "matplotlib", "h5py", "tensorly"}
print(sorted(slow & set(sys.modules)))
"""


def test_import_opens_no_socket_and_loads_nothing_slow() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_registries_report_no_problem() -> None:
    from hsi_studio.methods import methods
    from hsi_studio.scene.formats.registry import readers

    assert methods().problems == []
    assert "live" in methods().entries
    assert readers().problems == []
    assert {"envi", "geotiff", "matlab", "hdf", "numpy"} <= set(readers().entries)


def test_a_duplicate_or_broken_module_is_reported_not_swallowed(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from hsi_studio.registry import scan

    folder = tmp_path / "plugins_under_test"
    folder.mkdir()
    entry = "class E:\n    name = 'same'\nMETHOD = E()\n"
    (folder / "__init__.py").write_text("")
    (folder / "a.py").write_text(entry)
    (folder / "b.py").write_text(entry)
    (folder / "c.py").write_text("import a_module_that_does_not_exist\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import plugins_under_test  # type: ignore[import-not-found]

    found = scan(plugins_under_test, "METHOD")
    assert list(found.entries) == ["same"]
    assert len(found.problems) == 2
    assert "b" in found.problems[0]
    assert "a_module_that_does_not_exist" in found.problems[1]


def test_no_module_imports_itself_by_way_of_others() -> None:
    """No circle, imports inside functions counted too."""
    import grimp

    graph = grimp.build_graph("hsi_studio", cache_dir=None)
    left = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while free := {module for module, needs in left.items() if not needs & left.keys()}:
        for module in free:
            del left[module]
    assert sorted(left) == []
