"""`runs`, `resume` and `export`: figures of a run in one line, lists of one project, refusals that say what to add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hsi_studio import Studio
from hsi_studio.cli import runs
from hsi_studio.cli.main import main
from hsi_studio.cli.runs import _figures, _follow
from hsi_studio.errors import StudioError
from hsi_studio.project.store import Project
from hsi_studio.studio.run_info import RunInfo
from hsi_studio.types import ClassInfo
from tests.studio.models import labelled, scene_file
from tests.studio.shown import PREVIEW, RUN, add_run

BUFFERED, MAIN = ({"oa": {"value": value}, "words": words} for value, words in ((0.731, "buffered"), (0.9, "random")))


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """The one that a command makes for itself has the same home."""
    made = Studio(data_root=tmp_path)
    yield made
    made.close()


@pytest.fixture
def project(studio: Studio, tmp_path: Path) -> Project:
    return labelled(studio, scene_file(tmp_path / "data"))


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"main": MAIN, "buffered": BUFFERED}, "OA away from the labels 73.1 % buffered"),  # the honest one of the two
        ({"main": MAIN, "buffered": None}, "OA 90.0 % random"),
        ({"main": MAIN, "buffered": {"oa": None, "problem": "No pixel is left."}}, "OA 90.0 % random"),
        ({"main": {"oa": None, "problem": "Too few test pixels."}}, "Too few test pixels."),
        ({}, ""),
    ],
)
def test_the_figure_of_a_run_is_the_buffered_one_where_there_is_one(metrics: dict[str, Any], said: str) -> None:
    known = {field.name: None for field in fields(RunInfo)}
    assert _figures(RunInfo(**known | {"metrics": metrics})) == said  # type: ignore[arg-type]


def test_a_list_is_of_one_project_and_gives_reasons(
    studio: Studio, project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = labelled(studio, scene_file(tmp_path / "data", "other", seed=1))
    add_run(studio, project, timing={"total_seconds": 12.34})
    add_run(studio, other, PREVIEW, "preview.npz", reason="The computer was switched off.")
    assert main(["runs", project.id]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{RUN}  2026-01-01 12:00  done ")
    assert "12.3 s" in line
    assert main(["runs"]) == 0
    said = capsys.readouterr().out
    assert said.count(other.id) == 1
    assert "\n    The computer was switched off.\n" in said


def test_curves_go_somewhere_or_it_is_said_where_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--export", RUN]) == 2
    assert "--csv FILE (- for standard output) or --tensorboard DIR" in capsys.readouterr().err


def test_a_project_is_exported_on_its_own_scene(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "map.tif")]
    assert main(["export", project.id, "--project", "another", *out]) == 2
    assert "leave --project out" in capsys.readouterr().err
    assert main(["export", RUN, "--layer", "live", *out]) == 2
    assert "--layer is of a project" in capsys.readouterr().err
    assert not (tmp_path / "map.tif").exists()


@pytest.mark.parametrize(("gsd_m", "shown"), [(1.5, "675.0 m²"), (20.0, "12.00 ha")])
def test_areas_of_an_export_have_digits_enough(
    gsd_m: float, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """300 pixels of a small map are 675 m², of a large one 12 ha: as on the page and in `evidence`."""
    info = ClassInfo.new("roof", "#112233")
    found = SimpleNamespace(title="Map", layer="live", pixels=[(info, 300)], prediction=SimpleNamespace(method="live"))
    here = SimpleNamespace(
        projects=lambda: [SimpleNamespace(id="p")], close=lambda: None,
        displayed=SimpleNamespace(plain=lambda layer: None),
        exports=SimpleNamespace(file=lambda *a, **k: (found, tmp_path / "map.tif")),
        scene_of=lambda project: SimpleNamespace(gsd_m=gsd_m),
        provenance=SimpleNamespace(of=lambda f: SimpleNamespace(map_hash="0")),
    )  # fmt: skip
    monkeypatch.setattr(runs, "studio", lambda: here)
    assert main(["export", "p", "--out", str(tmp_path / "map.tif")]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split() == ["roof", "300", "pixels", *shown.split()]


def test_the_end_of_a_run_is_its_figures_or_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    class Runs:
        """Ends while it is waited for."""

        def __init__(self, state: str) -> None:
            self.info = SimpleNamespace(id=RUN, alive=False, state=state, reason="No memory.", figures=(MAIN, False))
            self.log = [{"seq": 3, "kind": "log", "text": "An old one."}]

        def events(self, run_id: str, after: int = 0) -> list[dict[str, Any]]:
            return [event for event in self.log if cast(int, event["seq"]) > after]

        def wait(self, run_id: str, seconds: float) -> SimpleNamespace:
            self.log.append({"seq": 4, "kind": "log", "text": "A class has no labels."})
            return self.info

    def follow(state: str) -> int:
        return _follow(cast(Studio, SimpleNamespace(runs=Runs(state))), RUN)

    assert follow("done") == 0
    captured = capsys.readouterr()
    assert captured.out == f"{RUN}  OA 90.0 % random\n"
    assert captured.err == "A class has no labels.\n"  # what was told before it is not told again
    with pytest.raises(StudioError, match="No memory"):
        follow("failed")


def test_a_training_may_start_from_a_model(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The command line that a run tells of itself is one that a shell takes."""
    assert main(["train", project.id, "--method", "diffclip", "--start-from", "no-such-model"]) == 2
    assert "There is no model 'no-such-model'" in capsys.readouterr().err


@pytest.mark.slow
def test_prompts_of_a_method_that_reads_none_are_said_not_to_be_used(
    studio: Studio, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", project.id, "--method", "lda", "--prompts", "p9"]) == 2
    assert "There are no prompts 'p9', and this method reads none" in capsys.readouterr().err
    assert main(["train", project.id, "--method", "lda", "--prompts", "p3"]) == 0
    assert "Linear discriminant reads no words: the prompts p3 are not used." in capsys.readouterr().err
    assert studio.prompts.unread("curated", "p3") == ""
