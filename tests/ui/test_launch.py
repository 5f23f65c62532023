"""What holds for the server's process as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from hsi_studio.ui.launch import one_thread_a_product

ROOT = Path(__file__).resolve().parents[2]
A_CLICK = """
import sys
from pathlib import Path
from threadpoolctl import threadpool_info
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.launch import load_libraries, one_thread_a_product
load_libraries()
one_thread_a_product()
studio = Studio(Path(sys.argv[1]))
project = studio.new_project("demo")
for k, info in enumerate(project.schema.classes[:2]):
    studio.label(project.id, 60, 60 + 20 * k, info.id)
assert studio.live(project.id).wait(2, 60).prediction is not None
studio.close()
print({one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"})
"""
GRADIO = """
import sys
import hsi_studio.ui.bus
import matplotlib
matplotlib.use(matplotlib.get_backend())  # as Gradio does at each event
assert "matplotlib.pyplot" not in sys.modules
sys.path.insert(0, sys.argv[1])
import a_component
"""


def in_a_new_process(script: str, folder: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in {"MPLBACKEND", "OMP_NUM_THREADS"}}
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_products_of_two_users_do_not_wait_for_each_others_threads() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2, user_api="blas"):  # and what was set before is set again after the test
        one_thread_a_product()
        assert {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"} == {1}


@pytest.mark.slow
def test_no_library_of_a_click_comes_later_with_threads_of_its_own(tmp_path: Path) -> None:
    assert in_a_new_process(A_CLICK, tmp_path) == "{1}"


@pytest.mark.slow
def test_gradio_writes_no_stubs_and_loads_no_plotting(tmp_path: Path) -> None:
    (tmp_path / "a_component.py").write_text(
        "import gradio as gr\n\n\nclass Ours(gr.HTML):\n    pass\n\n\nOurs('x')\n", encoding="utf-8"
    )
    in_a_new_process(GRADIO, tmp_path)
    assert not list(tmp_path.glob("*.pyi"))
